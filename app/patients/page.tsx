/** The list of patients, the results of a search, and the options below the search field. */
import type { ClinicPatientNames } from '../../db/types.ts';
import { useLang, useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { IdentityBadge, PatientName, Sex } from '../ui/banner.tsx';
import { ComboboxOptions } from '../ui/combobox.tsx';
import { Empty } from '../ui/empty.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { AgeText, Day, formatDay } from '../ui/time.tsx';
import { patients } from './messages.ts';

/** A row of clinic.patient_names. */
export type PatientRow = ClinicPatientNames;

/** How many patients a list or a search shows at most. */
export const LIST_LENGTH = 50;

type Listed = { rows: readonly PatientRow[]; role: string };

export function PatientList({ rows, role }: Listed) {
  const t = useWords(patients);
  const secretary = role === 'secretary';
  // The opening stops at LIST_LENGTH, so there may be more.
  const latest = rows.length < LIST_LENGTH ? undefined : t.latest(rows.length);
  const help = secretary ? t.emptyHelpSecretary : t.emptyHelp;
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
        {rows.length > 0 ? <p class="quiet">{latest ? `${latest}. ${t.latestHelp}` : t.count(rows.length)}</p> : null}
      </header>
      {rows.length > 0 ? (
        <PatientTable caption={latest ?? (secretary ? t.recentSecretary : t.recent)} rows={rows} />
      ) : (
        <Empty action={<p>{help}</p>}>{secretary ? t.emptySecretary : t.empty}</Empty>
      )}
    </>
  );
}

/** `understood`: the birth date whose century we added. */
export type Found = Listed & { understood?: string };

export function SearchResults({ rows, role, understood }: Found) {
  const t = useWords(patients);
  return (
    <>
      <header class="page-head">
        <h1>{t.results}</h1>
        {rows.length > 0 ? <p class="quiet">{t.found(rows.length)}</p> : null}
        <Understood day={understood} />
        <a class="button" href="/patients">
          {t.back}
        </a>
      </header>
      {rows.length > 0 ? (
        <PatientTable caption={t.results} rows={rows} />
      ) : (
        <Empty action={<p>{t.noResultHelp}</p>}>{role === 'secretary' ? t.noResultSecretary : t.noResult}</Empty>
      )}
    </>
  );
}

function Understood({ day }: { day?: string }) {
  const t = useWords(patients);
  const lang = useLang();
  return day ? <p class="quiet">{t.understood(formatDay(lang, day))}</p> : null;
}

/** The page without script when the search can't be made: why, and what to type instead. */
export function SearchRefused({ sentence }: { sentence: string }) {
  const t = useWords(patients);
  return (
    <>
      <header class="page-head">
        <h1>{t.results}</h1>
        <a class="button" href="/patients">
          {t.back}
        </a>
      </header>
      <Alert tone="warn" title={sentence} />
    </>
  );
}

export function SearchOptions({ rows, role, understood }: Found) {
  const t = useWords(patients);
  if (rows.length === 0)
    return (
      <>
        <p>{role === 'secretary' ? t.noResultSecretary : t.noResult}</p>
        <Understood day={understood} />
      </>
    );
  const options = rows.map((row) => ({ id: row.id, href: `/patients/${row.id}`, content: <OptionText row={row} /> }));
  return <ComboboxOptions id="patient-search" label={t.results} options={options} />;
}

function OptionText({ row }: { row: PatientRow }) {
  return (
    <>
      <PatientName patient={row} />
      <span>
        <Day value={row.birth_date} />
      </span>
      <span>
        <Sex value={row.sex} />
      </span>
    </>
  );
}

function PatientTable({ caption, rows }: { caption: string; rows: readonly PatientRow[] }) {
  const t = useWords(patients);
  const columns: Column<PatientRow>[] = [
    { label: t.name, header: true, cell: (row) => <PatientLink row={row} /> },
    { label: t.birthDate, evident: true, cell: (row) => <BirthDate row={row} /> },
    { label: t.sex, evident: true, cell: (row) => <Sex value={row.sex} /> },
    { label: t.identity, cell: (row) => <IdentityBadge status={row.identity_status} short /> },
    { label: t.lastActivity, cell: (row) => <Day value={row.last_activity_at} /> },
  ];
  return <Table caption={caption} columns={columns} rows={byName(rows)} rowId={(row) => `p-${row.id}`} />;
}

function PatientLink({ row }: { row: PatientRow }) {
  return (
    <a href={`/patients/${row.id}`}>
      <PatientName patient={row} />
    </a>
  );
}

function BirthDate({ row }: { row: PatientRow }) {
  return (
    <>
      <Day value={row.birth_date} />{' '}
      <span class="quiet">
        (<AgeText birthDate={row.birth_date} />)
      </span>
    </>
  );
}

const collator = new Intl.Collator('fr');

/** Names are sealed in the database, so it is the page that sorts by them. */
export function byName(rows: readonly PatientRow[]): PatientRow[] {
  return [...rows].sort(
    (a, b) => collator.compare(a.birth_name, b.birth_name) || collator.compare(a.first_given_name, b.first_given_name),
  );
}
