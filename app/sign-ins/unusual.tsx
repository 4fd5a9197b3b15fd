import type { ClinicUnusualSignIns } from '../../db/types.ts';
import { useWords } from '../i18n.ts';
import { Empty, Missing } from '../ui/empty.tsx';
import { Table } from '../ui/table.tsx';
import { Moment } from '../ui/time.tsx';
import { signIns } from './messages.ts';
import { Signals, StateBadge, stateOf, Where } from './remarks.tsx';

/** A row of clinic.unusual_sign_ins. */
export type UnusualSignIn = ClinicUnusualSignIns;

/** For an administrator: what was unusual in the organisation, why, and who still waits. */
export function UnusualSignInsPage({ rows }: { rows: readonly UnusualSignIn[] }) {
  const t = useWords(signIns);
  return (
    <>
      <h1>{t.adminTitle}</h1>
      <p class="lead">{t.adminIntro}</p>
      {rows.some(isHeld) ? <p class="lead">{t.releaseHelp}</p> : null}
      {rows.length > 0 ? <Rows rows={rows} /> : <Empty>{t.adminNone}</Empty>}
      <p class="page-note">
        <a href="/admin/security">{t.adminSettings}</a>
      </p>
    </>
  );
}

function Rows({ rows }: { rows: readonly UnusualSignIn[] }) {
  const t = useWords(signIns);
  return (
    <Table
      caption={t.adminTitle}
      rows={rows}
      rowId={(row) => `sign-in-${row.id}`}
      columns={[
        { label: t.when, header: true, cell: (row) => <Moment at={row.at} /> },
        { label: t.person, cell: (row) => <Person row={row} /> },
        // of a patient it isn't shown where they are
        {
          label: t.where,
          cell: (row) => (row.role === 'patient' ? <Missing>{t.notShown}</Missing> : <Where place={row.place} />),
        },
        { label: t.remarks, cell: (row) => <Why row={row} /> },
        { label: t.state, cell: (row) => <State row={row} /> },
      ]}
    />
  );
}

const isHeld = (row: UnusualSignIn): boolean => stateOf(row) === 'stopped';

function Person({ row }: { row: UnusualSignIn }) {
  const t = useWords(signIns);
  if (row.role === 'patient') return <>{t.patient}</>;
  return <>{row.display_name ?? <Missing>{t.nameUnknown}</Missing>}</>;
}

function Why({ row }: { row: UnusualSignIn }) {
  const t = useWords(signIns);
  return (
    <>
      <Signals row={row} />
      <span class="quiet">{t.points(String(row.score))}</span>
    </>
  );
}

function State({ row }: { row: UnusualSignIn }) {
  const t = useWords(signIns);
  const state = stateOf(row);
  const word = { released: row.released_by_name && t.releasedBy(row.released_by_name), disowned: t.disownedByPerson };
  return (
    <>
      <StateBadge state={state} word={word[state as keyof typeof word] ?? undefined} />
      {isHeld(row) ? <Release row={row} /> : null}
    </>
  );
}

function Release({ row }: { row: UnusualSignIn }) {
  const t = useWords(signIns);
  if (row.own) return <p class="quiet">{t.own}</p>;
  if (row.role === 'patient') return <p class="quiet">{t.ownOfPatient}</p>;
  return (
    <form method="post" action={`/admin/sign-ins/${row.id}/release`}>
      <input type="hidden" name="key" value={crypto.randomUUID()} />
      <button class="button" data-quiet="" type="submit">
        {t.release}
        <span class="visually-hidden"> {row.display_name ?? t.nameUnknown}</span>
      </button>
    </form>
  );
}
