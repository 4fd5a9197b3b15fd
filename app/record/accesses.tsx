import type { ClinicBrokenGlass, ClinicRecordAccesses } from '../../db/types.ts';
import { emergency } from '../emergency/messages.ts';
import { useLang, useWords } from '../i18n.ts';
import { frame } from '../messages.ts';
import { Badge } from '../ui/badge.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Empty, Missing } from '../ui/empty.tsx';
import { Clock, clockOf, dayOf, Moment } from '../ui/time.tsx';
import { Timeline } from '../ui/timeline.tsx';
import { record } from './messages.ts';

/** A row of clinic.record_accesses. */
export type AccessRow = Omit<ClinicRecordAccesses, 'id'>;

/** What one person did on one day: each act once, with all its times. */
export type Visit = Pick<AccessRow, 'actor_id' | 'actor_name' | 'actor_role'> & { day: string; acts: Act[] };
type Act = Pick<AccessRow, 'event' | 'outcome'> & { resources: Set<string>; times: Date[] };

/** A row of clinic.broken_glass. */
export type EmergencyRow = Pick<
  ClinicBrokenGlass,
  'id' | 'account_id' | 'account_name' | 'kind' | 'reason' | 'broken_at' | 'ends_at' | 'open'
>;

export const accessLimit = 500;

/** Who looked, when and why. */
export function AccessesPage({
  rows,
  emergencies,
  accountId,
}: {
  rows: readonly AccessRow[];
  emergencies: readonly EmergencyRow[];
  accountId?: string;
}) {
  const t = useWords(record);
  const days = Map.groupBy(gather(rows), (visit) => visit.day);
  return (
    <>
      <h1>{t.accessTitle}</h1>
      <p class="lead">
        {t.accessIntro} <a href="/record">{t.backToRecord}</a>
      </p>
      {emergencies.length > 0 ? <Emergencies rows={emergencies} /> : null}
      <h2 class={emergencies.length > 0 ? undefined : 'visually-hidden'}>{t.accesses}</h2>
      {rows.length >= accessLimit ? <p class="quiet">{t.latestAccesses(accessLimit)}</p> : null}
      {rows.length === 0 ? (
        <Empty>{t.noAccess}</Empty>
      ) : (
        <Timeline
          days={[...days].map(([day, entries]) => ({ day, entries }))}
          entryId={(visit) => `access-${visit.day}-${visit.actor_id ?? visit.actor_role}`}
        >
          {(visit) => (
            <VisitEntry
              visit={visit}
              own={visit.actor_id !== null && visit.actor_id === accountId}
              urgent={emergencies.some((one) => isOf(one, visit))}
            />
          )}
        </Timeline>
      )}
    </>
  );
}

/** Who opened the record without following the patient comes first, with the reason in full. */
function Emergencies({ rows }: { rows: readonly EmergencyRow[] }) {
  const t = useWords(record);
  const words = useWords(emergency);
  return (
    <section class="own-part" aria-labelledby="emergencies">
      <h2 id="emergencies">{t.emergencies}</h2>
      <p class="quiet">{t.emergenciesIntro}</p>
      <ul class="emergencies">
        {rows.map((row) => (
          <li key={row.id}>
            <b>{row.account_name ?? <Missing>{t.nameUnknown}</Missing>}</b> <Moment at={row.broken_at} />{' '}
            {row.open ? (
              <Badge tone="danger">
                {t.openedUntil} <Clock at={row.ends_at} />
              </Badge>
            ) : null}
            <p>{labelOf(words, 'kind', row.kind)}</p>
            <q class="glass-reason">{row.reason ?? t.reasonUnknown}</q>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Rows whose making and ending are events in words: glass.break, referral.make. */
const retold = new Set(['BrokenGlass', 'ServiceRequest']);

/** In: accesses, newest first. Out: one entry for each person and day, in the same order. */
export function gather(rows: readonly AccessRow[]): Visit[] {
  const visits = new Map<string, Visit>();
  for (const row of rows) {
    // told by an event of its own already
    if (row.event.startsWith('row.') && row.actor_role === 'clinician' && retold.has(row.resource_type)) continue;
    const { actor_id, actor_name, actor_role, event, resource_type, outcome } = row;
    const day = dayOf(row.at);
    const key = `${day} ${actor_id ?? actor_role}`;
    const visit = visits.get(key) ?? { day, actor_id, actor_name, actor_role, acts: [] };
    visits.set(key, visit);
    const act = visit.acts.find((other) => other.event === event && other.outcome === outcome);
    if (act) act.times.push(row.at);
    else visit.acts.push({ event, outcome, resources: new Set([resource_type]), times: [row.at] });
    act?.resources.add(resource_type);
  }
  return [...visits.values()];
}

/** Was it through this emergency access that the visit came? */
function isOf({ account_id, broken_at, ends_at }: EmergencyRow, { actor_id, day }: Visit): boolean {
  return account_id === actor_id && (day === dayOf(broken_at) || day === dayOf(ends_at));
}

function VisitEntry({ visit, own, urgent }: { visit: Visit; own: boolean; urgent: boolean }) {
  const t = useWords(record);
  const seen = visit.acts.some((act) => act.outcome !== 'failure');
  return (
    <div class="access">
      <h4>{own ? t.you : <Person visit={visit} />}</h4>
      <ul>
        {visit.acts.map((act) => (
          <li key={`${act.event} ${act.outcome}`}>
            <ActText act={act} own={own} />
          </li>
        ))}
      </ul>
      {own || !seen ? null : <p class="quiet">{urgent ? t.why_glass : labelOf(t, 'why', visit.actor_role)}</p>}
    </div>
  );
}

function Person({ visit }: { visit: Visit }) {
  const t = useWords(record);
  const roles = useWords(frame);
  const role = visit.actor_role === 'owner' ? t.system : labelOf(roles, 'role', visit.actor_role);
  if (!visit.actor_id) return <>{role}</>;
  return (
    <>
      {visit.actor_name ?? <Missing>{t.nameUnknown}</Missing>} <span class="quiet">{role}</span>
    </>
  );
}

function ActText({ act, own }: { act: Act; own: boolean }) {
  const t = useWords(record);
  const what = [...act.resources].map((type) => labelOf(t, 'resource', type)).join(', ');
  return (
    <>
      {labelOf(t, own ? 'own' : 'act', act.event)}
      {act.event.startsWith('row.') ? t.what(what) : null} <Times at={act.times} />
      {act.outcome === 'failure' ? <Badge tone="danger">{t.refused}</Badge> : null}
      {act.outcome === 'partial' ? <Badge tone="warn">{t.partial}</Badge> : null}
    </>
  );
}

/** All the times of the day while they are few, else the first, the last and how many. */
function Times({ at }: { at: readonly Date[] }) {
  const t = useWords(record);
  const lang = useLang();
  const clocks = [...new Set(at.map(clockOf))].reverse();
  const first = clocks[0] ?? '';
  const last = clocks.at(-1) ?? '';
  if (clocks.length > 4) return <>{t.betweenTimes(first, last, at.length)}</>;
  return <>{t.atTimes(new Intl.ListFormat(lang, { type: 'conjunction' }).format(clocks))}</>;
}
