/** One account: who this is, by what they sign in, and what an administrator may change of it. */
import { useWords } from '../i18n.ts';
import { frame } from '../messages.ts';
import { Alert } from '../ui/alert.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { DefinitionList } from '../ui/definitions.tsx';
import { Missing } from '../ui/empty.tsx';
import { Moment } from '../ui/time.tsx';
import { Actions } from './actions.tsx';
import { type AccountRow, AccountState, type Outcome } from './list.tsx';
import { LockedOut } from './locked.tsx';
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
          {account.status === 'active' && !own ? <LockedOut /> : null}
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
          {
            label: t.name,
            value: (
              <>
                {account.display_name ?? t.nameUnknown}{' '}
                <a href={`/admin/accounts/${account.id}/name`}>{t.correctName}</a>
              </>
            ),
          },
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
