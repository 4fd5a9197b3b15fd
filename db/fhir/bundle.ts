import { z } from 'zod';
import { allergyIntolerance } from './allergy-intolerance.ts';
import { codeOf } from './codeable.ts';
import { condition } from './condition.ts';
import { codeableConcept, identifier, read } from './elements.ts';
import { encounter } from './encounter.ts';
import { type Entry, entries } from './entries.ts';
import { medicationRequest } from './medication-request.ts';
import { observation } from './observation.ts';
import { type PatientRow, patient } from './patient.ts';
import { Held, keysOf, serverOf } from './references.ts';
import { left, type Mapped, NotFhir } from './refusal.ts';
import { containedSource, patientSource, rowSource } from './sources.ts';
import { containedPatient, type Subject, subjectOf } from './subjects.ts';

/** Where the rows of a resource type go, in the words of clinic.import_rows. */
export const TARGETS = {
  Encounter: 'encounters',
  Condition: 'conditions',
  Observation: 'observations',
  MedicationRequest: 'medication_requests',
  AllergyIntolerance: 'allergy_intolerances',
} as const;
export type Target = (typeof TARGETS)[keyof typeof TARGETS];
type TakenType = keyof typeof TARGETS;

export type FoundPatient = {
  source: string;
  row: PatientRow | null;
  left: string | null;
  lastActivity: string | null;
  diedUndated: boolean;
};
export type Survey = { held: Held; patients: FoundPatient[] };
export type Item =
  | { kind: 'row'; type: TakenType; patient: number; source: string; row: object }
  | { kind: 'left'; type: string; why: string }
  | { kind: 'other'; type: string };
type Said = Subject & { entry: Pick<Entry, 'fullUrl' | 'index'>; moment: string | null };

const isTaken = (type: string): type is TakenType => Object.hasOwn(TARGETS, type);

/**
 * The first reading of a bundle: its patients, what else is referred to, and whether it is FHIR from
 * end to end. Nothing of it needs the database, so a refused bundle never reaches it.
 * @throws NotFhir with the path inside the bundle
 */
export async function survey(chunks: AsyncIterable<Uint8Array>): Promise<Survey> {
  const found: Survey = { held: new Held(), patients: [] };
  const said = new Map<string, Said>();
  for await (const entry of entries(chunks)) {
    if (entry.type === 'Patient') {
      notTwice(entry, found);
      register(found, entry.resource, entry.at, patientSource(entry), keysOf(entry));
      continue;
    }
    const mapped = isTaken(entry.type) ? map(entry.type, entry, found.held) : null;
    const subject = subjectOf(entry, isTaken(entry.type));
    remember(entry, subject, found.held);
    if (!subject) continue;
    const inside = containedPatient(entry, subject.subject);
    if (inside)
      register(found, inside.value, inside.at, containedSource(entry, inside), [`${entry.index}${inside.id}`]);
    note(said, subject, entry, mapped && 'row' in mapped ? mapped.at : null);
  }
  resolve(said.values(), found);
  return found;
}

/** The second reading: what becomes of each resource but the patients. */
export async function* items(chunks: AsyncIterable<Uint8Array>, found: Survey): AsyncGenerator<Item> {
  const seen = new Set<string>();
  for await (const entry of entries(chunks)) {
    if (entry.type === 'Patient') continue;
    yield isTaken(entry.type) ? itemOf(entry.type, entry, found, seen) : { kind: 'other', type: entry.type };
  }
}

function itemOf(type: TakenType, entry: Entry, { held, patients }: Survey, seen: Set<string>): Item {
  const leave = (why: string): Item => ({ kind: 'left', type, why });
  const subject = subjectOf(entry, true);
  const number = subject ? held.patientOf(subject.subject, entry, subject.path) : null;
  const of = number === null ? undefined : patients[number];
  if (number === null || !of) return leave('its subject is not a patient');
  const mapped = map(type, entry, held);
  if ('left' in mapped) return leave(mapped.left);
  if (!of.row) return leave('its patient was left');
  const source = rowSource(entry, of.source);
  if (seen.has(source)) return leave('repeated in the bundle');
  seen.add(source);
  return { kind: 'row', type, patient: number, source, row: mapped.row };
}

/** FHIR forbids to take what says that its meaning is changed by a rule one doesn't know (extensibility.html#modifier). */
function changedMeaning(resource: object): { left: string } | null {
  if ('modifierExtension' in resource) return left('carries a modifier extension, which isn’t known');
  return 'implicitRules' in resource ? left('follows implicit rules, which aren’t known') : null;
}

function map(type: TakenType, { resource, at }: Entry, held: Held): Mapped<object> {
  const mapped = mapAs(type, resource, at, held);
  return changedMeaning(resource) ?? mapped;
}

function mapAs(type: TakenType, resource: object, at: string, held: Held): Mapped<object> {
  switch (type) {
    case 'Encounter':
      return encounter(resource, at, held.nameOf);
    case 'Condition':
      return condition(resource, at);
    case 'Observation':
      return observation(resource, at);
    case 'MedicationRequest':
      return medicationRequest(resource, at, held.medicationOf);
    case 'AllergyIntolerance':
      return allergyIntolerance(resource, at);
  }
}

const identifiers = z.object({ identifier: z.array(identifier).optional() });

function register(
  { held, patients }: Survey,
  value: unknown,
  at: string,
  source: string,
  keys: readonly string[],
): void {
  const traits = patient(value, at);
  const mapped = changedMeaning(Object(value)) ?? traits;
  held.addPatient(patients.length, keys, read(identifiers, value, at).identifier ?? []);
  const [row, why] = 'row' in mapped ? [mapped.row, null] : [null, mapped.left];
  const diedUndated = row?.deceased_date === null && Object(value).deceasedBoolean === true;
  patients.push({ source, row, left: why, lastActivity: null, diedUndated });
}

/** bdl-7: a fullUrl names one resource of the bundle. */
function notTwice(entry: Entry, { held }: Survey): void {
  const [name] = keysOf(entry);
  if (name === undefined || !held.hasPatient(name)) return;
  const path = entry.fullUrl === undefined ? `${entry.at}.id` : `entry[${entry.index}].fullUrl`;
  throw new NotFhir(path, 'names a patient that the bundle holds already');
}

/** Keeps each reference once, with the latest moment: a large bundle has thousands to the same patient. */
function note(
  said: Map<string, Said>,
  { subject, path }: Subject,
  { fullUrl, index }: Entry,
  moment: string | null,
): void {
  const ref = subject.reference;
  const key = ref === undefined || ref.startsWith('#') ? `${index}` : `${serverOf(fullUrl) ?? ''} ${ref}`;
  const known = said.get(key);
  const past = moment !== null && Date.parse(moment) <= Date.now() ? moment : null;
  if (known) known.moment = later(known.moment, past);
  else said.set(key, { subject, path, entry: { fullUrl, index }, moment: past });
}

function later(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other;
  return Date.parse(one) >= Date.parse(other) ? one : other;
}

/** What other resources may refer to by this one's name. */
function remember(entry: Entry, subject: Subject | null, held: Held): void {
  const keys = keysOf(entry);
  // What has a subject of its own isn't one.
  if (!subject) held.addOther(keys);
  if (entry.type === 'Practitioner') held.addPractitioner(keys, practitionerName(entry.resource));
  if (entry.type !== 'Medication') return;
  const code = codeOf(read(codeableConcept.optional(), entry.resource.code, `${entry.at}.code`));
  if (code) held.addMedication(keys, code);
}

/** Finds everybody's patient, and with them the date of the last activity. */
function resolve(said: Iterable<Said>, { held, patients }: Survey): void {
  for (const { subject, entry, path, moment } of said) {
    const of = patients[held.patientOf(subject, entry, path) ?? -1];
    if (of) of.lastActivity = later(of.lastActivity, moment);
  }
}

const humanNames = z.array(
  z.object({
    text: z.string().optional(),
    family: z.string().optional(),
    given: z.array(z.string().nullable()).optional(),
    prefix: z.array(z.string()).optional(),
  }),
);

function practitionerName(resource: Record<string, unknown>): string {
  const name = humanNames.safeParse(resource.name).data?.[0];
  return name?.text ?? [name?.prefix?.[0], name?.given?.[0], name?.family].filter(Boolean).join(' ');
}
