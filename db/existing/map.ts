// The map: what becomes of each column of an existing table. docs/dba.md shows one.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { CommandError } from '../command-error.ts';

export type Level = 'identity' | 'clinical' | 'profile';
/** A trait of a patient to create: a column, a column whose words are translated, or the same for everybody. */
export type Trait = { column: string; values?: Record<string, string> } | { value: string };
export type EncryptMap = {
  organisation: string;
  subject:
    | { kind: 'patient'; column: string; source: string }
    | { kind: 'patient'; column: string; source?: undefined }
    | { kind: 'account'; column: string };
  create?: { clinician: string; traits: Record<string, Trait> };
  columns: { name: string; level: Level; into: string }[];
  clear: string[];
  view?: string;
  /** Of the text, so that a run isn't resumed with another map. */
  digest: Buffer;
};

const text = z.string().min(1);
const level = z.enum(['identity', 'clinical', 'profile']);
const trait = z.union([
  text.transform((column) => ({ column })),
  z.strictObject({ column: text, values: z.record(z.string(), z.string()) }),
  z.strictObject({ value: z.string() }),
]);
const optionalTraits = [
  'used_name',
  'birth_given_names',
  'used_given_name',
  'birth_place',
  'ins_matricule',
  'ins_oid',
  'phone',
  'email',
  'address',
  'deceased_date',
  'last_activity_at',
] as const;
const shape = z.strictObject({
  organisation: text,
  patient: z
    .union([text, z.strictObject({ column: text, source: text.optional() }), z.strictObject({ record: text })])
    .optional(),
  account: text.optional(),
  create: z
    .strictObject({
      clinician: text,
      birth_name: trait,
      first_given_name: trait,
      birth_date: trait,
      sex: trait,
      ...Object.fromEntries(optionalTraits.map((name) => [name, trait.optional()])),
    })
    .optional(),
  columns: z.record(text, z.union([level, z.strictObject({ key: level, into: text })])),
  clear: z.array(text).default([]),
  view: text.optional(),
});

/** @throws CommandError: one sentence with the file and the line. */
export function readMap(file: string): EncryptMap {
  const content = readFile(file);
  const wrong = (key: string | undefined, sentence: string) =>
    new CommandError(`${file}, line ${lineOf(content, key)}: ${sentence}`);
  const read = shape.safeParse(parse(file, content));
  if (!read.success) {
    const { path, message, code } = read.error.issues[0]!;
    const named = code === 'unrecognized_keys' ? (read.error.issues[0] as { keys: string[] }).keys[0] : undefined;
    const place = [...path.map(String), ...(named ? [named] : [])];
    const said = named ? 'is nothing that a map says' : code === 'invalid_union' ? expected(place) : message;
    throw wrong(place.at(-1), `${place.join('.') || 'the map'}: ${said}.`);
  }
  const { organisation, patient, account, create, columns, clear, view } = read.data;
  if ((patient === undefined) === (account === undefined))
    throw wrong(account && 'account', 'says either patient or account: whose the rows are.');
  if (Object.keys(columns).length === 0) throw wrong('columns', 'columns: names at least one column to seal.');
  for (const [name, target] of Object.entries(columns)) {
    const key = typeof target === 'string' ? target : target.key;
    if ((key === 'profile') !== (account !== undefined))
      throw wrong(
        name,
        account
          ? `columns.${name}: is sealed with profile, the one key of an account.`
          : `columns.${name}: is sealed with identity or clinical; profile is an account's.`,
      );
  }
  if (create && account) throw wrong('create', 'create: makes patients; accounts are made by vitalsync account add.');
  if (create && typeof patient === 'object' && 'record' in patient)
    throw wrong('create', 'create: makes patients of a key of the table, and record says that they are there.');
  const both = clear.find((name) => name in columns);
  if (both) throw wrong(both, `${both}: is in columns and in clear.`);
  const { clinician = '', ...traits } = create ?? {};
  return {
    organisation,
    subject: account !== undefined ? { kind: 'account', column: account } : patientOf(patient!),
    ...(create && { create: { clinician, traits: traits as Record<string, Trait> } }),
    columns: Object.entries(columns).map(([name, target]) =>
      typeof target === 'string'
        ? { name, level: target, into: `${name}_sealed` }
        : { name, level: target.key, into: target.into },
    ),
    clear,
    ...(view && { view }),
    digest: createHash('sha256').update(JSON.stringify(read.data)).digest(),
  };
}

type Patient = NonNullable<z.infer<typeof shape>['patient']>;

function patientOf(patient: Patient): EncryptMap['subject'] {
  if (typeof patient === 'string') return { kind: 'patient', column: patient, source: 'Patient/' };
  if ('record' in patient) return { kind: 'patient', column: patient.record };
  return { kind: 'patient', column: patient.column, source: patient.source ?? 'Patient/' };
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new CommandError(`The map ${file} can't be read: give the path of a JSON file.`);
  }
}

function parse(file: string, content: string): unknown {
  try {
    return JSON.parse(content);
  } catch (error) {
    const said = error instanceof Error ? error.message : '';
    const place = /position (\d+)/.exec(said);
    const before = content.slice(0, place ? Number(place[1]) : content.length).split('\n');
    throw new CommandError(
      `${file}, line ${before.length}, column ${(before.at(-1) ?? '').length + 1}: isn't JSON from here on.`,
    );
  }
}

const expected = (path: string[]): string =>
  path[0] === 'columns'
    ? 'is identity, clinical or profile, or {"key": …, "into": "name of the sealed column"}'
    : path[0] === 'create'
      ? 'is a column, {"column": …, "values": {…}} or {"value": …}'
      : 'is a column, {"column": …, "source": "Patient/"} or {"record": …}';

function lineOf(content: string, key: string | undefined): number {
  const at = key === undefined ? 0 : content.indexOf(JSON.stringify(key));
  return content.slice(0, Math.max(at, 0)).split('\n').length;
}
