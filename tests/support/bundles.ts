// FHIR bundles for tests, and a reader that tells what became of them.
import { type Item, items, type Survey, survey } from '../../db/fhir/bundle.ts';
import { NotFhir } from '../../db/fhir/refusal.ts';

export type Json = Record<string, unknown>;

export const MARIE: Json = {
  resourceType: 'Patient',
  id: '11111111-1111-4111-8111-111111111111',
  name: [{ use: 'official', family: 'Aubert', given: ['Marie', 'Louise'] }],
  gender: 'female',
  birthDate: '1958-03-12',
};
export const JEAN: Json = {
  ...MARIE,
  id: '22222222-2222-4222-8222-222222222222',
  name: [{ family: 'Vidal', given: ['Jean'] }],
  gender: 'male',
};

export const about = (patient: Json) => ({ reference: `urn:uuid:${patient.id}` });
export const entry = (resource: Json) => ({ fullUrl: `urn:uuid:${resource.id}`, resource });
export const bundle = (...entries: Json[]): Json => ({ resourceType: 'Bundle', type: 'collection', entry: entries });

export const weight = (of: Json, more: Json = {}): Json => ({
  resourceType: 'Observation',
  id: '33333333-3333-4333-8333-333333333333',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '29463-7' }], text: 'Poids' },
  subject: about(of),
  effectiveDateTime: '2024-05-06T08:00:00+02:00',
  valueQuantity: { value: 62.5, unit: 'kg' },
  ...more,
});

/** The text in pieces of `size` bytes, as a file system may give them. */
export async function* pieces(text: string | Uint8Array, size = 64 * 1024): AsyncGenerator<Uint8Array> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  for (let i = 0; i < bytes.length; i += size) yield bytes.slice(i, i + size);
}

const textOf = (given: Json | string | Uint8Array) =>
  typeof given === 'string' || given instanceof Uint8Array ? given : JSON.stringify(given);

/** Both readings of a bundle. */
export async function readBundle(
  given: Json | string | Uint8Array,
  size?: number,
): Promise<Survey & { items: Item[] }> {
  const found = await survey(pieces(textOf(given), size));
  return { ...found, items: await all(items(pieces(textOf(given), size), found)) };
}

/** Where and why a bundle is refused: `path: reason`; throws when it isn't. */
export async function refusal(given: Json | string | Uint8Array): Promise<string> {
  try {
    await readBundle(given);
  } catch (error) {
    if (error instanceof NotFhir) return `${error.path}: ${error.message}`;
    throw error;
  }
  throw new Error('the bundle was taken');
}

export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}
