import type { ClinicBrokenGlass } from '../../db/types.ts';
import { emergency } from '../emergency/messages.ts';
import { useWords } from '../i18n.ts';
import { Badge } from '../ui/badge.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Empty, Missing } from '../ui/empty.tsx';
import { Table } from '../ui/table.tsx';
import { clockOf, Moment } from '../ui/time.tsx';

/** A row of clinic.broken_glass. */
export type EmergencyRow = ClinicBrokenGlass;
export const listLimit = 200;

/** For the DPO and the administrator: who opened what without following the patient, and who looked into it. */
export function EmergenciesPage({ rows }: { rows: readonly EmergencyRow[] }) {
  const t = useWords(emergency);
  return (
    <>
      <h1>{t.listTitle}</h1>
      <p class="lead">{t.listIntro}</p>
      {rows.length >= listLimit ? <p class="quiet">{t.latest(listLimit)}</p> : null}
      {rows.length > 0 ? <Emergencies rows={rows} /> : <Empty>{t.listEmpty}</Empty>}
    </>
  );
}

function Emergencies({ rows }: { rows: readonly EmergencyRow[] }) {
  const t = useWords(emergency);
  return (
    <Table
      caption={t.listTitle}
      rows={rows}
      rowId={(row) => `glass-${row.id}`}
      columns={[
        { label: t.when, header: true, cell: (row) => <Moment at={row.broken_at} /> },
        { label: t.who, cell: (row) => row.account_name ?? <Missing>{t.nameUnknown}</Missing> },
        { label: t.why, cell: (row) => <Why row={row} /> },
        { label: t.patient, code: true, cell: (row) => row.patient_id },
        { label: t.state, cell: (row) => <State row={row} /> },
        { label: t.examined, cell: (row) => <Examined row={row} /> },
      ]}
    />
  );
}

function Why({ row }: { row: EmergencyRow }) {
  const t = useWords(emergency);
  return (
    <>
      {labelOf(t, 'kind', row.kind)}
      <q class="glass-reason">{row.reason ?? t.reasonGone}</q>
    </>
  );
}

function State({ row }: { row: EmergencyRow }) {
  const t = useWords(emergency);
  if (!row.open) return <>{t.ended}</>;
  return (
    <>
      <Badge tone="danger">{t.isOpen(clockOf(row.ends_at))}</Badge>
      <Act action={`/emergencies/${row.id}/end`} label={t.end} />
    </>
  );
}

function Examined({ row }: { row: EmergencyRow }) {
  const t = useWords(emergency);
  if (row.seen_at)
    return (
      <>
        {t.examinedBy(row.seen_by_name ?? t.nameUnknown)} <Moment at={row.seen_at} />
      </>
    );
  return (
    <>
      <Badge tone="warn">{t.notExamined}</Badge>
      <Act action={`/emergencies/${row.id}/acknowledge`} label={t.acknowledge} />
    </>
  );
}

function Act({ action, label }: { action: string; label: string }) {
  return (
    <form method="post" action={action}>
      <input type="hidden" name="key" value={crypto.randomUUID()} />
      <button class="button" data-quiet="" type="submit">
        {label}
      </button>
    </form>
  );
}
