import { createHash } from 'node:crypto';
import { z } from 'zod';
import { allergyIntolerance } from './allergy-intolerance.ts';
import { codeOf } from './codeable.ts';
import { condition } from './condition.ts';
import { codeableConcept, identifier, type Reference, read, reference } from './elements.ts';
import { encounter } from './encounter.ts';
import { type Entry, entries } from './entries.ts';
import { medicationRequest } from './medication-request.ts';
import { observation } from './observation.ts';
import { type PatientRow, patient } from './patient.ts';
import { Held, keysOf, ofServer, unversioned } from './references.ts';
import { type Mapped, NotFhir } from './refusal.ts';

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

export type FoundPatient = { source: string; row: PatientRow | null; left: string | null; lastActivity: string | null };
export type Survey = { held: Held; patients: FoundPatient[] };
export type Item =
  | { kind: 'row'; type: TakenType; patient: number; source: string; row: object }
  | { kind: 'left'; type: string; why: string }
  | { kind: 'other'; type: string };

const isTaken = (type: string): type is TakenType => Object.hasOwn(TARGETS, type);
const identifiers = z.object({ identifier: z.array(identifier).optional() });

/**
 * The first reading of a bundle: its patients, what else is referred to, and whether it is FHIR from
 * end to end. Nothing of it needs the database, so a refused bundle never reaches it.
 * @throws NotFhir with the path inside the bundle
 */
export async function survey(chunks: AsyncIterable<Uint8Array>): Promise<Survey> {
  const held = new Held();
  const patients: FoundPatient[] = [];
  const subjects: {
    subject: Reference;
    entry: Pick<Entry, 'fullUrl' | 'index'>;
    path: string;
    moment: string | null;
  }[] = [];
  const fullUrls = new Set<string>();

  const register = (value: unknown, at: string, source: string, keys: string[]) => {
    const mapped = patient(value, at);
    held.addPatient(patients.length, keys, read(identifiers, value, at).identifier ?? []);
    patients.push({
      source,
      row: 'row' in mapped ? mapped.row : null,
      left: 'left' in mapped ? mapped.left : null,
      lastActivity: null,
    });
  };

  for await (const entry of entries(chunks)) {
    const { type, resource, at } = entry;
    const keys = keysOf(entry.fullUrl, type, entry.id);
    if (type === 'Patient') {
      const name = keys[0] ?? at;
      if (fullUrls.has(name))
        throw new NotFhir(
          entry.fullUrl === undefined ? `${at}.id` : `entry[${entry.index}].fullUrl`,
          'names a patient that the bundle holds already',
        );
      fullUrls.add(name);
      register(resource, at, patientSource(entry), keys);
      continue;
    }
    if (type === 'Medication') {
      const code = codeOf(read(codeableConcept.optional(), resource.code, `${at}.code`));
      if (code) held.addMedication(keys, code);
    } else if (type === 'Practitioner') held.addPractitioner(keys, practitionerName(resource));
    else if (type === 'Group' || type === 'Device' || type === 'Location') held.addOther(keys);

    const mapped = isTaken(type) ? map(type, entry, held) : null;
    const subject = subjectOf(entry);
    if (!subject) continue;
    containedPatients(entry, subject.subject, (value, path, id) =>
      register(value, path, `Patient/${digest(entry.bytes)}${id}`, [`${entry.index}${id}`]),
    );
    subjects.push({
      ...subject,
      entry: { fullUrl: entry.fullUrl, index: entry.index },
      moment: mapped && 'row' in mapped ? mapped.at : null,
    });
  }

  const now = Date.now();
  for (const { subject, entry, path, moment } of subjects) {
    const number = held.patientOf(subject, entry, path);
    if (number === null || moment === null || Date.parse(moment) > now) continue;
    const of = patients[number] as FoundPatient;
    if (of.lastActivity === null || Date.parse(moment) > Date.parse(of.lastActivity)) of.lastActivity = moment;
  }
  return { held, patients };
}

/** The second reading: what becomes of each resource but the patients. */
export async function* items(chunks: AsyncIterable<Uint8Array>, { held, patients }: Survey): AsyncGenerator<Item> {
  const seen = new Set<string>();
  for await (const entry of entries(chunks)) {
    const { type } = entry;
    if (type === 'Patient') continue;
    if (!isTaken(type)) {
      yield { kind: 'other', type };
      continue;
    }
    const subject = subjectOf(entry);
    const mapped = map(type, entry, held);
    const number = subject ? held.patientOf(subject.subject, entry, subject.path) : null;
    const source = number === null ? '' : rowSource(entry, patients[number] as FoundPatient);
    if (number === null) yield { kind: 'left', type, why: 'its subject is not a patient' };
    else if ('left' in mapped) yield { kind: 'left', type, why: mapped.left };
    else if (!patients[number]?.row) yield { kind: 'left', type, why: 'its patient was left' };
    else if (seen.has(source)) yield { kind: 'left', type, why: 'repeated in the bundle' };
    else {
      seen.add(source);
      yield { kind: 'row', type, patient: number, source, row: mapped.row };
    }
  }
}

function map(type: TakenType, { resource, at }: Entry, held: Held): Mapped<object> {
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

/** Types whose subject FHIR requires; the other ones may speak of nobody. */
const WITH_SUBJECT: readonly string[] = ['Condition', 'MedicationRequest', 'AllergyIntolerance'];

/** The subject of any resource, also of those that aren't taken: a bundle with a stray one is refused. */
function subjectOf({ type, resource, at }: Entry): { subject: Reference; path: string } | null {
  const name = 'patient' in resource && !('subject' in resource) ? 'patient' : 'subject';
  const value = resource[name];
  if (value === undefined) {
    if (WITH_SUBJECT.includes(type))
      throw new NotFhir(`${at}.${type === 'AllergyIntolerance' ? 'patient' : 'subject'}`, 'is required');
    return null;
  }
  // Some definitional resources have a coded subject.
  const parsed = isTaken(type) ? read(reference, value, `${at}.${name}`) : reference.safeParse(value).data;
  return parsed ? { subject: parsed, path: `${at}.${name}` } : null;
}

function containedPatients(
  { resource, at }: Entry,
  subject: Reference,
  found: (value: unknown, path: string, id: string) => void,
): void {
  if (!subject.reference?.startsWith('#') || !Array.isArray(resource.contained)) return;
  for (const [i, value] of resource.contained.entries()) {
    if (value?.resourceType === 'Patient' && `#${value.id}` === subject.reference)
      found(value, `${at}.contained[${i}]`, subject.reference);
  }
}

function practitionerName(resource: Record<string, unknown>): string {
  const shape = z.array(
    z.object({
      text: z.string().optional(),
      family: z.string().optional(),
      given: z.array(z.string().nullable()).optional(),
      prefix: z.array(z.string()).optional(),
    }),
  );
  const name = shape.safeParse(resource.name).data?.[0];
  return name?.text ?? [name?.prefix?.[0], name?.given?.[0], name?.family].filter(Boolean).join(' ');
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const digest = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('base64url');

/**
 * A name for the resource that is the same whenever it is imported, and never that of another one:
 * its address on its server, or its id; without either, what it says. The database keeps a keyed hash of it.
 */
function sourceOf({ fullUrl, type, id, bytes }: Entry): string {
  if (ofServer(fullUrl)) return unversioned(fullUrl);
  const uuid = id ?? /^urn:uuid:(.+)$/.exec(fullUrl ?? '')?.[1];
  return `${type}/${uuid ?? digest(bytes)}`;
}

/** Patient/1 of one practice isn't Patient/1 of another: a short id without a server counts with the person's traits. */
function patientSource(entry: Entry): string {
  if (standsAlone(entry)) return sourceOf(entry);
  const { identifier: ids, name, birthDate } = entry.resource;
  return `${sourceOf(entry)}/${digest(JSON.stringify(ids ?? [name, birthDate]))}`;
}

/** In the same way, Observation/1 is the one of this patient. */
function rowSource(entry: Entry, of: FoundPatient): string {
  return standsAlone(entry) ? sourceOf(entry) : `${of.source} ${sourceOf(entry)}`;
}

function standsAlone({ fullUrl, id }: Entry): boolean {
  const uuid = id ?? fullUrl?.replace('urn:uuid:', '') ?? '';
  return UUID.test(uuid) || ofServer(fullUrl);
}
