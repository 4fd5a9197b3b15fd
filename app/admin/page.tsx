import type { ClinicAccounts } from '../../db/types.ts';
import { useWords } from '../i18n.ts';
import { frame } from '../messages.ts';
import { Alert } from '../ui/alert.tsx';
import { Badge } from '../ui/badge.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Empty, Missing } from '../ui/empty.tsx';
import { Table } from '../ui/table.tsx';
import { Moment } from '../ui/time.tsx';
import { admin } from './messages.ts';

/** A row of clinic.accounts. */
export type AccountRow = ClinicAccounts;

/** Who can sign in, those who still lack a factor first told. */
export function AccountsPage({ accounts }: { accounts: readonly AccountRow[] }) {
  const t = useWords(admin);
  const lacking = accounts.filter((account) => !account.second_factor && account.status !== 'suspended').length;
  return (
    <>
      <h1>{t.accounts}</h1>
      <p class="lead">{t.accountsIntro}</p>
      {lacking > 0 ? <Alert tone="warn" title={t.lacking(lacking)} /> : null}
      {accounts.length > 0 ? <AccountTable accounts={accounts} /> : <Empty>{t.noAccount}</Empty>}
    </>
  );
}

function AccountTable({ accounts }: { accounts: readonly AccountRow[] }) {
  const t = useWords(admin);
  const roles = useWords(frame);
  return (
    <Table
      caption={t.accounts}
      rows={accounts}
      rowId={(account) => `account-${account.id}`}
      columns={[
        { label: t.name, header: true, cell: (account) => account.display_name ?? <Missing>{t.nameUnknown}</Missing> },
        { label: t.role, evident: true, cell: (account) => labelOf(roles, 'role', account.role) },
        { label: t.email, evident: true, cell: (account) => account.email ?? <Missing>{t.emailUnknown}</Missing> },
        { label: t.secondFactor, cell: (account) => <SecondFactor present={account.second_factor} /> },
        {
          label: t.lastSignIn,
          cell: (account) =>
            account.last_sign_in_at ? <Moment at={account.last_sign_in_at} /> : <Missing>{t.never}</Missing>,
        },
        { label: t.state, cell: (account) => <AccountState status={account.status} /> },
      ]}
    />
  );
}

function SecondFactor({ present }: { present: boolean }) {
  const t = useWords(admin);
  return present ? <>{t.present}</> : <Badge tone="warn">{t.absent}</Badge>;
}

function AccountState({ status }: { status: string }) {
  const t = useWords(admin);
  const word = labelOf(t, 'state', status);
  return status === 'active' ? (
    <>{word}</>
  ) : (
    <Badge shape={status === 'suspended' ? 'empty' : 'half-left'}>{word}</Badge>
  );
}
