import type { ClinicWithdrawals } from '../../db/types.ts';
import { consents } from '../consents/messages.ts';
import { useWords } from '../i18n.ts';
import { Badge } from '../ui/badge.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Table } from '../ui/table.tsx';
import { Moment } from '../ui/time.tsx';
import { privacy } from './messages.ts';

/** Needed agreements that were withdrawn, and what became of each. */
export function Withdrawals({ rows }: { rows: readonly ClinicWithdrawals[] }) {
  const t = useWords(privacy);
  const types = useWords(consents);
  return (
    <Table
      caption={t.withdrawals}
      rows={rows}
      rowId={(row) => `withdrawal-${row.id}`}
      columns={[
        { label: t.when, header: true, cell: (row) => <Moment at={row.at} /> },
        { label: t.type, cell: (row) => labelOf(types, 'type', row.type) },
        { label: t.patient, code: true, cell: (row) => row.patient_id },
        { label: t.state, cell: (row) => <State row={row} /> },
      ]}
    />
  );
}

function State({ row }: { row: ClinicWithdrawals }) {
  const t = useWords(privacy);
  if (row.open)
    return (
      <a href={`/privacy#task-${row.id}`}>
        <Badge tone="warn">{t.waiting}</Badge>
      </a>
    );
  return (
    <>
      {row.answer && row.answered_at ? (
        <p>
          {labelOf(t, 'answer', row.answer)}. {t.answeredBy(row.answered_by_name ?? t.nameUnknown)}{' '}
          <Moment at={row.answered_at} />
        </p>
      ) : null}
      {row.again_at ? (
        <p>
          {t.again} <Moment at={row.again_at} />
        </p>
      ) : null}
    </>
  );
}
