/** A chart is one batch: the opening, then everything the page shows. */
import { type RawBuilder, sql } from 'kysely';
import { k } from '../../db/query.ts';

/** A patient by id, or by a subquery (record/queries.ts: one's own). It says which one; policies say whether. */
export type PatientId = string | RawBuilder<string>;

/** Records that this reader looks at this patient; without it, the reads below open nothing. */
export function openPatient(patient: string) {
  return sql<{ answer: string }>`select audit.open_patient(${patient}::uuid) as answer`.compile(k);
}

export function readPatient(patient: PatientId) {
  return k.selectFrom('clinic.patients').selectAll().where('id', '=', patient).compile();
}

function readAllergyStatus(patient: PatientId) {
  return k
    .selectFrom('clinic.allergy_status')
    .select(['state', 'recorded_at'])
    .where('patient_id', '=', patient)
    .compile();
}

function readAllergies(patient: PatientId) {
  return k
    .selectFrom('clinic.allergy_intolerances')
    .select(['clinical_status', 'verification_status', 'code', 'criticality', 'reaction'])
    .where('patient_id', '=', patient)
    .compile();
}

function readConditions(patient: PatientId) {
  return k
    .selectFrom('clinic.conditions')
    .select(['id', 'clinical_status', 'verification_status', 'onset_at', 'abatement_at', 'code'])
    .where('patient_id', '=', patient)
    .orderBy('onset_at', (by) => by.desc().nullsLast())
    .compile();
}

function readMedications(patient: PatientId) {
  return k
    .selectFrom('clinic.medication_requests')
    .select(['id', 'status', 'authored_at', 'medication', 'dosage'])
    .where('patient_id', '=', patient)
    .orderBy('authored_at', 'desc')
    .compile();
}

/** The newest 40 of a category: enough to hold the latest value of each code and the one before. */
function readObservations(patient: PatientId, category: 'vital-signs' | 'laboratory') {
  return k
    .selectFrom('clinic.observations')
    .select(['id', 'category', 'effective_at', 'status', 'code', 'value'])
    .where('patient_id', '=', patient)
    .where('category', '=', category)
    .orderBy('effective_at', 'desc')
    .limit(40)
    .compile();
}

/** Newest first, one more than a page holds; `before` starts a later page. */
export function readNotes(patient: PatientId, size: number, before?: Date) {
  const newest = k
    .selectFrom('clinic.notes')
    .select(['id', 'author_name', 'created_at', 'category', 'priority', 'status'])
    .select(['subjective', 'objective', 'assessment', 'plan', 'diagnosis', 'treatment_plan'])
    .where('patient_id', '=', patient)
    .orderBy('created_at', 'desc')
    .limit(size + 1);
  return (before ? newest.where('created_at', '<', before) : newest).compile();
}

/** As readNotes. */
function readEncounters(patient: PatientId, size: number, before?: Date) {
  const newest = k
    .selectFrom('clinic.encounters')
    .select(['id', 'started_at', 'ended_at', 'status', 'class', 'type', 'reason', 'participant'])
    .where('patient_id', '=', patient)
    .orderBy('started_at', 'desc')
    .limit(size + 1);
  return (before ? newest.where('started_at', '<', before) : newest).compile();
}

/** Who this is and what they react to: every page about a patient shows it. */
export function readBanner(patient: PatientId) {
  return [readPatient(patient), readAllergyStatus(patient), readAllergies(patient)] as const;
}

/** Problems, treatments, latest measures. */
export function readSummary(patient: PatientId) {
  return [
    readConditions(patient),
    readMedications(patient),
    readObservations(patient, 'vital-signs'),
    readObservations(patient, 'laboratory'),
  ] as const;
}

export function readHistory(patient: PatientId, size: number, before?: Date) {
  return [readNotes(patient, size, before), readEncounters(patient, size, before)] as const;
}
