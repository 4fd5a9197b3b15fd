import type { ComponentChildren } from 'preact';
import { latestPerCode, type ObservationRow } from '../chart/observations.ts';
import { type ConditionRow, Dosage, type MedicationRow } from '../chart/summary.tsx';
import { useLang, useWords } from '../i18n.ts';
import { NoteEntry, type NoteRow } from '../notes/entry.tsx';
import type { Allergies } from '../ui/allergies.tsx';
import { type PatientIdentity, Sex } from '../ui/banner.tsx';
import { CodeableText, readCodeable } from '../ui/codeable.tsx';
import { DefinitionList } from '../ui/definitions.tsx';
import { Missing } from '../ui/empty.tsx';
import { Day, dayOf } from '../ui/time.tsx';
import { Timeline } from '../ui/timeline.tsx';
import { Measures } from '../ui/vitals.tsx';
import { OwnAllergies } from './allergies.tsx';
import { record } from './messages.ts';

export type OwnPatient = PatientIdentity & { phone: string | null; email: string | null; address: string | null };

/** How many notes the page shows. */
export const noteLimit = 50;

export type RecordProps = {
  organisation: string;
  patient: OwnPatient;
  allergies: Allergies;
  conditions: readonly ConditionRow[];
  medications: readonly MedicationRow[];
  vitals: readonly ObservationRow[];
  laboratory: readonly ObservationRow[];
  notes: readonly NoteRow[];
};

/** What is held on a person, in the words of that person. */
export function RecordPage(props: RecordProps) {
  const t = useWords(record);
  return (
    <>
      <h1>{t.title}</h1>
      <p class="lead">
        {t.intro(props.organisation)} <a href="/record/accesses">{t.whoLooked}</a>
      </p>
      <div class="own-record">
        <Part id="allergies" title={t.allergies}>
          <OwnAllergies allergies={props.allergies} />
        </Part>
        <Part id="medications" title={t.medications}>
          <Medications rows={props.medications} />
        </Part>
        <Part id="problems" title={t.problems}>
          <Problems rows={props.conditions} />
        </Part>
        <Latest id="vitals" title={t.measures} none={t.noMeasures} rows={props.vitals} />
        <Latest id="laboratory" title={t.results} none={t.noResults} rows={props.laboratory} hint={t.resultsHint} />
        <Part id="identity" title={t.identity}>
          <Identity patient={props.patient} />
        </Part>
        <Part id="notes" title={t.notes} wide>
          <Notes rows={props.notes} />
        </Part>
      </div>
    </>
  );
}

function Part({
  id,
  title,
  wide,
  children,
}: {
  id: string;
  title: string;
  wide?: boolean;
  children: ComponentChildren;
}) {
  return (
    <section id={id} class="own-part" data-wide={wide} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {children}
    </section>
  );
}

function Problems({ rows }: { rows: readonly ConditionRow[] }) {
  const t = useWords(record);
  const kept = rows.filter(
    (row) => row.verification_status !== 'entered-in-error' && row.verification_status !== 'refuted',
  );
  const current = kept.filter((row) => ['active', 'recurrence', 'relapse'].includes(row.clinical_status));
  const past = kept.filter((row) => !current.includes(row));
  return (
    <>
      {current.length > 0 ? <ProblemList rows={current} /> : <p class="none">{t.noProblems}</p>}
      {past.length > 0 ? (
        <details class="more">
          <summary>{t.pastProblems(past.length)}</summary>
          <ProblemList rows={past} />
        </details>
      ) : null}
    </>
  );
}

function ProblemList({ rows }: { rows: readonly ConditionRow[] }) {
  const t = useWords(record);
  return (
    <ul class="facts">
      {rows.map((row) => (
        <li key={row.id}>
          <b>
            <CodeableText value={readCodeable(row.code)} missing={t.notRecorded} />
          </b>{' '}
          <span class="fact-detail">
            {row.abatement_at ? (
              <>
                {t.until} <Day value={row.abatement_at} />
              </>
            ) : row.onset_at ? (
              <>
                {t.since} <Day value={row.onset_at} />
              </>
            ) : (
              t.onsetUnknown
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Medications({ rows }: { rows: readonly MedicationRow[] }) {
  const t = useWords(record);
  const current = rows.filter((row) => row.status === 'active' || row.status === 'on-hold');
  if (current.length === 0) return <p class="none">{t.noMedications}</p>;
  return (
    <ul class="facts">
      {current.map((row) => (
        <li key={row.id}>
          <b>
            <CodeableText value={readCodeable(row.medication)} missing={t.notRecorded} />
          </b>{' '}
          — {row.dosage ? <Dosage json={row.dosage} /> : <Missing>{t.noDosage}</Missing>}
          {row.status === 'on-hold' ? <span class="fact-detail"> ({t.onHold})</span> : null}
        </li>
      ))}
    </ul>
  );
}

function Latest(props: { id: string; title: string; none: string; rows: readonly ObservationRow[]; hint?: string }) {
  const t = useWords(record);
  const latest = latestPerCode(props.rows, useLang());
  return (
    <Part id={props.id} title={props.title}>
      {latest.length > 0 ? (
        <Measures caption={props.title} items={latest} words={t} />
      ) : (
        <p class="none">{props.none}</p>
      )}
      {props.hint && latest.length > 0 ? <p class="quiet">{props.hint}</p> : null}
    </Part>
  );
}

function Identity({ patient }: { patient: OwnPatient }) {
  const t = useWords(record);
  const items = [
    { label: t.birthName, value: patient.birth_name },
    { label: t.usedName, value: patient.used_name ?? t.sameAsBirthName },
    { label: t.givenName, value: patient.first_given_name },
    { label: t.birthDate, value: <Day value={patient.birth_date} /> },
    { label: t.sex, value: <Sex value={patient.sex} /> },
    { label: t.phone, value: patient.phone },
    { label: t.email, value: patient.email },
    { label: t.address, value: patient.address },
  ];
  return (
    <>
      <DefinitionList items={items} />
      <p class="quiet">{t.wrong}</p>
    </>
  );
}

function Notes({ rows }: { rows: readonly NoteRow[] }) {
  const t = useWords(record);
  if (rows.length === 0) return <p class="none">{t.noNotes}</p>;
  const days = Map.groupBy(rows, (row) => dayOf(row.created_at));
  return (
    <Timeline days={[...days].map(([day, entries]) => ({ day, entries }))} entryId={(note) => `note-${note.id}`}>
      {(note) => <NoteEntry note={note} plain />}
    </Timeline>
  );
}
