/** What an administrator may do about an account: a form for each, that works without script. */
import type { ComponentChildren } from 'preact';
import { useWords } from '../i18n.ts';
import { frame } from '../messages.ts';
import { labelOf } from '../ui/codeable.tsx';
import { Select } from '../ui/field.tsx';
import { staffRoles } from './form.ts';
import type { AccountRow } from './list.tsx';
import { accounts } from './messages.ts';

/** The buttons that this state has; whether one works is decided when it is pressed. */
export function Actions({ account }: { account: AccountRow }) {
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
        {/* care teams don't come back by themselves: so not by one slip of the finger */}
        <details class="slow">
          <summary class="button">{t.end}</summary>
          <Action {...of} change="end" label={t.endNow} help={t.endHelp} />
        </details>
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
