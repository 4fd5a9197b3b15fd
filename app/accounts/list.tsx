import type { ClinicAccounts } from '../../db/types.ts';
import { useWords } from '../i18n.ts';
import { frame } from '../messages.ts';
import { Alert } from '../ui/alert.tsx';
import { Badge } from '../ui/badge.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Empty, Missing } from '../ui/empty.tsx';
import { Table } from '../ui/table.tsx';
import { Moment } from '../ui/time.tsx';
import { accounts as words } from './messages.ts';

/** A row of clinic.accounts. */
export type AccountRow = ClinicAccounts;
/** What just happened, from the address: a word of ours, or none. */
export type Outcome = { done?: string; notDone?: string };

/** More than a telephone shows without scrolling long. */
const MANY = 8;

/** Who can sign in, those who still lack a factor first told. */
export function AccountsPage({ accounts, done }: { accounts: readonly AccountRow[] } & Outcome) {
  const t = useWords(words);
  const present = accounts.filter((account) => account.status !== 'ended');
  const former = accounts.filter((account) => account.status === 'ended');
  const lacking = present.filter((account) => !account.second_factor && account.status === 'active').length;
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
        <a class="button" data-primary="" href="/admin/accounts/invite">
          {t.invite}
        </a>
      </header>
      {done ? <Alert tone="ok" title={labelOf(t, 'done', done)} /> : null}
      <p class="lead">
        {t.intro} <a href="/admin/registration">{t.registration}</a>
      </p>
      {lacking > 0 ? <Alert tone="warn" title={t.lacking(lacking)} /> : null}
      {present.length > MANY ? <Find /> : null}
      <div id="accounts">
        {present.length > 0 ? <AccountTable caption={t.title} accounts={present} /> : <Empty>{t.none}</Empty>}
      </div>
      {former.length > 0 ? (
        <details class="former">
          <summary>{t.former(former.length)}</summary>
          <AccountTable caption={t.former(former.length)} accounts={former} />
        </details>
      ) : null}
      <Everybody />
    </>
  );
}

/** js/find.js shows it and looks through the page itself: no name leaves the browser. Browsers find without it too. */
function Find() {
  const t = useWords(words);
  return (
    <search
      class="find"
      data-find="#accounts"
      data-one={t.found(1)}
      data-many={t.found(2)}
      data-none={t.foundNone}
      hidden
    >
      <label for="find">{t.find}</label>
      <span class="field-hint" id="find-hint">
        {t.findHint}
      </span>
      <span class="field-line">
        <input
          class="input"
          id="find"
          type="search"
          aria-describedby="find-hint"
          autocomplete="off"
          spellcheck={false}
        />
        <span class="find-count" data-count="" aria-hidden="true" />
      </span>
    </search>
  );
}

/** It reaches everybody at work, patients too: so not by one slip of the finger. */
function Everybody() {
  const t = useWords(words);
  return (
    <details class="slow page-note">
      <summary class="button">{t.everybody}</summary>
      <form class="card form" method="post" action="/admin/accounts/sign-out">
        <input type="hidden" name="key" value={crypto.randomUUID()} />
        <p id="everybody">{t.everybodyHelp}</p>
        <div class="form-actions">
          <button class="button" data-danger="" type="submit" aria-describedby="everybody">
            {t.everybodyNow}
          </button>
        </div>
      </form>
    </details>
  );
}

function AccountTable({ accounts, caption }: { accounts: readonly AccountRow[]; caption: string }) {
  const t = useWords(words);
  const roles = useWords(frame);
  return (
    <Table
      caption={caption}
      rows={accounts}
      rowId={(account) => `account-${account.id}`}
      columns={[
        {
          label: t.name,
          header: true,
          cell: (account) => (
            <a href={`/admin/accounts/${account.id}`}>{account.display_name ?? <Missing>{t.nameUnknown}</Missing>}</a>
          ),
        },
        { label: t.role, evident: true, cell: (account) => labelOf(roles, 'role', account.role) },
        { label: t.email, evident: true, cell: (account) => account.email ?? <Missing>{t.emailUnknown}</Missing> },
        { label: t.secondFactor, cell: (account) => <SecondFactor present={account.second_factor} /> },
        {
          label: t.lastSignIn,
          cell: (account) =>
            account.last_sign_in_at ? <Moment at={account.last_sign_in_at} /> : <Missing>{t.never}</Missing>,
        },
        { label: t.state, cell: (account) => <AccountState account={account} /> },
      ]}
    />
  );
}

function SecondFactor({ present }: { present: boolean }) {
  const t = useWords(words);
  return present ? <span data-usual="">{t.present}</span> : <Badge tone="warn">{t.absent}</Badge>;
}

export function AccountState({ account }: { account: AccountRow }) {
  const t = useWords(words);
  const expired = account.invitation_expires_at && account.invitation_expires_at < new Date();
  const word = labelOf(t, 'state', expired ? 'expired' : account.status);
  if (account.status === 'active') return <span data-usual="">{word}</span>;
  return <Badge shape={account.status === 'invited' && !expired ? 'half-left' : 'empty'}>{word}</Badge>;
}
