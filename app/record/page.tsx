import type { ComponentChildren } from 'preact';
import type { MedicationRow } from '../chart/medications.tsx';
import { latestPerCode, type ObservationRow } from '../chart/observations.ts';
import type { ConditionRow } from '../chart/problems.tsx';
import { useLang, useWords } from '../i18n.ts';
import { NoteEntry, type NoteRow } from '../notes/entry.tsx';
import { Alert } from '../ui/alert.tsx';
import type { Allergies } from '../ui/allergies.tsx';
import { type PatientIdentity, Sex } from '../ui/banner.tsx';
import { DefinitionList } from '../ui/definitions.tsx';
import { Day, dayOf } from '../ui/time.tsx';
import { Timeline } from '../ui/timeline.tsx';
import { Measures } from '../ui/vitals.tsx';
import { OwnAllergies } from './allergies.tsx';
import { Medications, Problems } from './clinical.tsx';
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
  /** What they have agreed to whose words are others now. */
  newTexts: readonly string[];
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
      {props.newTexts.length > 0 ? (
        <Alert tone="info" title={t.newTexts(props.newTexts.join(', '))}>
          <a href="/account/consents">{t.readTexts}</a>
        </Alert>
      ) : null}
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
