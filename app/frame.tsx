/** The top bar: where one may go, the search, one's own account. */
import { useWords } from './i18n.ts';
import type { Me } from './layout.tsx';
import { frame } from './messages.ts';
import { PatientSearch } from './patients/search.tsx';

export type Section =
  | 'patients'
  | 'emergency'
  | 'emergencies'
  | 'record'
  | 'accesses'
  | 'audit'
  | 'verification'
  | 'accounts'
  | 'careTeams'
  | 'signIns'
  | 'recoveries'
  | 'privacy'
  | 'erasures'
  | 'agreements';

const PATHS: Record<Section, string> = {
  patients: '/patients',
  emergency: '/emergency',
  emergencies: '/emergencies',
  record: '/record',
  accesses: '/record/accesses',
  audit: '/audit',
  verification: '/audit/verification',
  accounts: '/admin/accounts',
  careTeams: '/admin/care-teams',
  signIns: '/admin/sign-ins',
  recoveries: '/admin/recoveries',
  privacy: '/privacy',
  erasures: '/privacy/erasures',
  agreements: '/privacy/consents',
};

// A presentation of roles, not a permission: the database refuses what a role may not open.
const DESTINATIONS: Record<string, readonly Section[]> = {
  clinician: ['patients', 'emergency'],
  secretary: ['patients', 'recoveries'],
  patient: ['record', 'accesses'],
  auditor: ['audit', 'verification'],
  org_admin: ['accounts', 'careTeams', 'signIns', 'recoveries', 'emergencies'],
  dpo: ['privacy', 'erasures', 'agreements', 'emergencies'],
};

export function TopBar({ role, me, section, search }: { role: string; me?: Me; section?: Section; search?: string }) {
  const t = useWords(frame);
  const destinations = DESTINATIONS[role] ?? [];
  return (
    <header class="top">
      <a class="skip" href="#main">
        {t.skip}
      </a>
      <a class="brand" href="/" aria-label={t.home}>
        <svg class="brand-mark" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
          <path
            d="M1 11h4l2.5-7 4.5 13 2.5-6H19"
            fill="none"
            stroke="currentColor"
            stroke-width="2.2"
            stroke-linejoin="round"
            stroke-linecap="round"
          />
        </svg>
        <span>Vital Sync</span>
      </a>
      {destinations.length > 0 ? (
        <nav aria-label={t.navigation}>
          <ul>
            {destinations.map((name) => (
              <li key={name}>
                <a href={PATHS[name]} aria-current={name === section ? 'page' : undefined}>
                  {t[name]}
                </a>
              </li>
            ))}
          </ul>
        </nav>
      ) : null}
      {destinations.includes('patients') ? <PatientSearch value={search} /> : null}
      {role !== 'anon' ? <Account role={role} me={me} /> : null}
    </header>
  );
}

/** Who is signed in, in which capacity, and the way out. A `<details>`, so that it opens without script. */
function Account({ role, me }: { role: string; me?: Me }) {
  const t = useWords(frame);
  const roles: Record<string, string | ((...v: never[]) => string)> = t;
  return (
    <details class="account" name="account">
      <summary>
        <span class="visually-hidden">{t.account} : </span>
        <span class="account-name">{me?.display_name ?? t.account}</span>
      </summary>
      <div class="account-menu">
        <p>
          <b>{me?.display_name ?? t.account}</b>
          <span>{roles[`role_${role}`] as string}</span>
          {me ? <span>{me.organisation_name}</span> : null}
        </p>
        <a class="button" href="/account">
          {t.account}
        </a>
        <form method="post" action="/sign-out">
          <button class="button" type="submit">
            {t.signOut}
          </button>
        </form>
      </div>
    </details>
  );
}
