/** One account: who this is, by what they sign in, and what an administrator may change of it. */
import type { ComponentChildren } from 'preact';
import { useWords } from '../i18n.ts';
import { frame } from '../messages.ts';
import { Alert } from '../ui/alert.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { DefinitionList } from '../ui/definitions.tsx';
import { Missing } from '../ui/empty.tsx';
import { Select } from '../ui/field.tsx';
import { Moment } from '../ui/time.tsx';
import { staffRoles } from './form.ts';
import { type AccountRow, AccountState, type Outcome } from './list.tsx';
import { accounts } from './messages.ts';

export type AccountProps = Outcome & {
  account: AccountRow;
  /** It is the reader's own. */
  own: boolean;
  /** What the care teams of this person are called. */
  teams: readonly string[];
};

export function AccountPage({ account, own, teams, done, notDone }: AccountProps) {
  const t = useWords(accounts);
  return (
    <>
      <header class="page-head">
        <h1>{account.display_name ?? t.nameUnknown}</h1>
        <AccountState account={account} />
      </header>
      {done ? <Alert tone="ok" title={labelOf(t, 'done', done)} /> : null}
      {notDone ? <Alert tone="danger" title={labelOf(t, 'notDone', notDone)} /> : null}
      <div class="columns">
        <div>
          <Facts account={account} own={own} />
          {account.role === 'clinician' && account.status !== 'invited' ? <Teams teams={teams} /> : null}
        </div>
        <div class="account-actions">
          <Actions account={account} />
        </div>
      </div>
      <p class="page-note">
        <a href="/admin/accounts">{t.back}</a>
      </p>
    </>
  );
}

function Facts({ account, own }: { account: AccountRow; own: boolean }) {
  const t = useWords(accounts);
  const roles = useWords(frame);
  const methods = account.methods.map((method) => labelOf(t, 'method', method)).join(', ');
  const until = account.invitation_expires_at;
  return (
    <section class="card">
      <h2>{t.account}</h2>
      {own ? <p class="quiet">{t.oneself}</p> : null}
      <DefinitionList
        items={[
          { label: t.email, value: account.email ?? <Missing>{t.emailUnknown}</Missing> },
          { label: t.role, value: labelOf(roles, 'role', account.role) },
          ...(until ? [] : [{ label: t.methods, value: methods || <Missing>{t.noMethod}</Missing> }]),
          {
            label: t.lastSignIn,
            value: account.last_sign_in_at ? <Moment at={account.last_sign_in_at} /> : <Missing>{t.never}</Missing>,
          },
          ...(until ? [{ label: until > new Date() ? t.waitsUntil : t.ranOut, value: <Moment at={until} /> }] : []),
          ...(until ? [] : [{ label: t.sessions, value: t.openSessions(account.open_sessions) }]),
          ...(account.last_seen_at ? [{ label: t.lastSeen, value: <Moment at={account.last_seen_at} /> }] : []),
        ]}
      />
      {until && account.accepted ? <p class="field-hint">{t.halfway}</p> : null}
    </section>
  );
}

function Teams({ teams }: { teams: readonly string[] }) {
  const t = useWords(accounts);
  return (
    <section class="card">
      <h2>{t.teams}</h2>
      {teams.length > 0 ? (
        <ul>
          {teams.map((team) => (
            <li key={team}>{team}</li>
          ))}
        </ul>
      ) : (
        <p class="quiet">{t.noTeam}</p>
      )}
      <p>
        <a href="/admin/care-teams">{t.teamsLink}</a>
      </p>
    </section>
  );
}

/** The buttons that this state has; whether one works is decided when it is pressed. */
function Actions({ account }: { account: AccountRow }) {
  const t = useWords(accounts);
  const of = { account: account.id };
  if (account.status === 'invited')
    return (
      <section class="card">
        <h2>{t.invitation}</h2>
        <Action {...of} change="resend" label={t.resend} help={t.resendHelp} />
        <Action {...of} change="withdraw" label={t.withdraw} help={t.withdrawHelp} />
      </section>
    );
  if (account.status === 'ended')
    return (
      <section class="card">
        <h2>{t.access}</h2>
        <RoleAction account={account} label={t.comeBack} help={t.comeBackHelp} />
      </section>
    );
  return (
    <>
      <section class="card">
        <h2>{t.access}</h2>
        <Action {...of} change="sign-out" label={t.signOut} help={t.signOutHelp} />
        {account.status === 'suspended' ? (
          <Action {...of} change="restore" label={t.restore} help={t.restoreHelp} />
        ) : (
          <Action {...of} change="suspend" label={t.suspend} help={t.suspendHelp} />
        )}
        <Action {...of} change="end" label={t.end} help={t.endHelp} />
      </section>
      <section class="card">
        <h2>{t.role}</h2>
        <RoleAction account={account} label={t.changeRole} help={t.roleHelp} />
      </section>
    </>
  );
}

type ActionProps = { account: string; change: string; label: string; help: string; children?: ComponentChildren };

function Action({ account, change, label, help, children }: ActionProps) {
  return (
    <form method="post" action={`/admin/accounts/${account}/${change}`}>
      <input type="hidden" name="key" value={crypto.randomUUID()} />
      {children}
      <p class="field-hint" id={`${change}-help`}>
        {help}
      </p>
      <button class="button" type="submit" aria-describedby={`${change}-help`}>
        {label}
      </button>
    </form>
  );
}

function RoleAction({ account, label, help }: { account: AccountRow; label: string; help: string }) {
  const t = useWords(accounts);
  const roles = useWords(frame);
  const choices = staffRoles.map((value) => ({ value, label: labelOf(roles, 'role', value) }));
  return (
    <Action account={account.id} change="role" label={label} help={help}>
      <Select name="role" label={t.role} value={account.role} choices={choices} />
    </Action>
  );
}
