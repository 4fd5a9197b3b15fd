import type { Code } from './codeable.ts';
import type { Reference } from './elements.ts';
import { NotFhir } from './refusal.ts';
import { RESOURCE_TYPES } from './resource-types.ts';

type Identifier = { system?: string | undefined; value?: string | undefined };

/**
 * What a bundle holds that other resources refer to: patients (by their number in the bundle),
 * medications, names of practitioners, and whatever else could be a subject.
 * Resolution follows http://hl7.org/fhir/R4/bundle.html#references.
 */
export class Held {
  readonly #patients = new Map<string, Set<number>>();
  readonly #identifiers = new Map<string, Set<number>>();
  readonly #medications = new Map<string, Code>();
  readonly #names = new Map<string, string>();
  readonly #others = new Set<string>();

  addPatient(number: number, keys: readonly string[], identifiers: readonly Identifier[]): void {
    for (const key of keys) add(this.#patients, key, number);
    for (const { system, value } of identifiers) {
      if (!value) continue;
      add(this.#identifiers, `|${value}`, number);
      if (system) add(this.#identifiers, `${system}|${value}`, number);
    }
  }
  hasPatient(key: string): boolean {
    return this.#patients.has(key);
  }
  addMedication(keys: readonly string[], code: Code): void {
    for (const key of keys) this.#medications.set(key, code);
  }
  addPractitioner(keys: readonly string[], name: string): void {
    for (const key of keys) this.#names.set(key, name);
  }
  /** Anything else: what is said of a group, a device or a place doesn't belong in a patient's record. */
  addOther(keys: readonly string[]): void {
    for (const key of keys) this.#others.add(key);
  }

  medicationOf = (ref: string): Code | undefined =>
    this.#medications.get(unversioned(ref)) ?? this.#medications.get(anywhere(ref));
  nameOf = (ref: string): string | undefined => this.#names.get(unversioned(ref)) ?? this.#names.get(anywhere(ref));

  /**
   * The patient a subject refers to.
   * @param from the entry that refers: relative references belong to its server
   * @returns the patient's number; null when the subject isn't a patient
   * @throws NotFhir when the bundle doesn't hold it, or holds several that it could be
   */
  patientOf(subject: Reference, from: { fullUrl: string | undefined; index: number }, path: string): number | null {
    const ref = subject.reference === undefined ? undefined : unversioned(subject.reference);
    if (ref === undefined) {
      if (subject.identifier?.value === undefined) return null;
      return one(this.#identifiers.get(key(subject.identifier)), `${path}.identifier`);
    }
    const at = `${path}.reference`;
    if (ref.startsWith('#')) return one(this.#patients.get(`${from.index}${ref}`), at);
    if (ref.includes('?')) return this.#conditional(ref, at);
    const base = serverOf(from.fullUrl);
    // Patient/1 of one server isn't Patient/1 of another: only an entry of no server may mean any of them.
    const found = this.#patients.get(ref) ?? this.#patients.get(base === undefined ? anywhere(ref) : base + ref);
    if (!found && (this.#others.has(ref) || namesAnotherType(subject.type, ref))) return null;
    return one(found, at);
  }

  /** `Patient?identifier=system|value`, the only search that a bundle alone can answer. */
  #conditional(ref: string, at: string): number {
    const [type, search = ''] = ref.split('?', 2);
    const terms = [...new URLSearchParams(search)];
    const [name, value = ''] = terms[0] ?? [];
    if (!type?.endsWith('Patient') || terms.length !== 1 || name !== 'identifier')
      throw new NotFhir(at, 'only Patient?identifier= can be looked up in a bundle');
    return one(this.#identifiers.get(value.includes('|') ? value : `|${value}`), at);
  }
}

/** The names by which others may refer to an entry. */
export function keysOf({
  fullUrl,
  type,
  id,
}: {
  fullUrl: string | undefined;
  type: string;
  id: string | undefined;
}): string[] {
  const keys = fullUrl === undefined ? [] : [unversioned(fullUrl)];
  if (id === undefined) return keys;
  return [...keys, ofServer(fullUrl) ? anywhere(`${type}/${id}`) : `${type}/${id}`];
}

/** The address that relative references of an entry belong to: `https://a.example/fhir/`. */
export const serverOf = (fullUrl: string | undefined): string | undefined =>
  /^(https?:\/\/.+\/)[A-Za-z]+\/[^/]+$/.exec(unversioned(fullUrl ?? ''))?.[1];
export const ofServer = (fullUrl: string | undefined): fullUrl is string => /^https?:/.test(fullUrl ?? '');
const anywhere = (ref: string): string => `*/${unversioned(ref)}`;
export const unversioned = (url: string): string => url.replace(/\/_history\/[^/]+$/, '');
const key = (i: Identifier): string => `${i.system ?? ''}|${i.value}`;

function namesAnotherType(said: string | undefined, ref: string): boolean {
  const type = said ?? /(?:^|\/)([A-Z][A-Za-z]+)\/[^/]+$/.exec(ref)?.[1];
  return type !== undefined && type !== 'Patient' && RESOURCE_TYPES.has(type);
}

function add(map: Map<string, Set<number>>, name: string, number: number): void {
  const numbers = map.get(name);
  if (numbers) numbers.add(number);
  else map.set(name, new Set([number]));
}

function one(found: ReadonlySet<number> | undefined, at: string): number {
  if (!found) throw new NotFhir(at, 'refers to a patient that the bundle does not hold');
  if (found.size > 1) throw new NotFhir(at, 'refers to a patient that the bundle holds more than once');
  return [...found][0] as number;
}
