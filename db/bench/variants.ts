// What `npm run bench:guarantees` compares: the same reads and writes with each guarantee by itself, without any, and in the
// ways that others have.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';

/** What one variant sends: everything of it in one flush. */
export type Variant = { name: string; send: (client: pg.Client) => Promise<unknown>[] };

const names = new Map<string, string>();

function prepared(text: string, values: unknown[]): pg.QueryConfig {
  const name = names.get(text) ?? `b${names.size}`;
  names.set(text, name);
  return { name, text, values };
}

const sent = (begin: string, statements: pg.QueryConfig[]) => (client: pg.Client) => [
  client.query(begin),
  ...statements.map((statement) => client.query(statement)),
  client.query('commit'),
];

// ---------------------------------------------------------------- reading

const pgp = (columns: string) =>
  columns.replaceAll(/\w+/g, (column) => `extensions.pgp_sym_decrypt(${column}, 'une phrase de passe')`);
const readOnly = (...statements: pg.QueryConfig[]) =>
  sent('begin isolation level read committed read only', statements);
const readWrite = (...statements: pg.QueryConfig[]) => sent('begin isolation level read committed', statements);

type Reader = { token: string; ring: string };

/** A page of fifty patients, each with a key of their own. The first variant is bare. */
export function listOfFifty({ token, ring, ids }: Reader & { ids: string[] }): Variant[] {
  const four = 'birth_name, first_given_name, sex, birth_date';
  const enter = (phase: string) => prepared('select iam.enter($1, $2, null, $3)', [token, ring, phase]);
  const page = (from: string, columns = four) => prepared(`select ${columns} from ${from} where id = any ($1)`, [ids]);
  // as every page: a transaction that records, and one that reads
  const twice = (from: string) => (client: pg.Client) => [
    ...readOnly(enter('read'))(client),
    ...readOnly(enter('read'), page(from))(client),
  ];
  const recorded = (read: (selection: string) => pg.QueryConfig) => (client: pg.Client) => {
    const selection = randomUUID();
    const opening = prepared('select audit.open_patient_list($1)', [selection]);
    return [...readWrite(enter('open'), opening)(client), ...readOnly(enter('read'), read(selection))(client)];
  };
  return [
    { name: 'bare: no guarantee', send: readOnly(page('bench.patients')) },
    { name: 'the session checked in SQL, twice', send: twice('bench.patients') },
    { name: '… and row-level security', send: twice('bench.patients_rls') },
    { name: '… and the vault, through a view: 50 keys asked for one by one', send: twice('bench.patients_sealed') },
    { name: '… and the record of the access', send: recorded(() => page('bench.patients')) },
    {
      name: 'all of them: the page of the product',
      send: recorded((selection) => prepared(`select ${four} from clinic.selected_patients($1)`, [selection])),
    },
    {
      name: 'instead: columns of pgp_sym_encrypt, and nothing else',
      send: readOnly(page('bench.patients_pgp', pgp(four))),
    },
  ];
}

/** Fifty notes of one patient: one key. */
export function oneRecord({ token, ring, patient }: Reader & { patient: string }): Variant[] {
  const four = 'subjective, objective, assessment, plan';
  const enter = (phase: string) => prepared('select iam.enter($1, $2, $3, $4)', [token, ring, patient, phase]);
  const page = (from: string, columns = four) =>
    prepared(`select ${columns} from ${from} where patient_id = $1 order by created_at desc limit 50`, [patient]);
  const opening = prepared('select audit.open_patient($1)', [patient]);
  const both = (read: pg.QueryConfig) => (client: pg.Client) => [
    ...readWrite(enter('open'), opening)(client),
    ...readOnly(enter('read'), read)(client),
  ];
  return [
    { name: 'bare: no guarantee', send: readOnly(page('bench.one_record')) },
    { name: 'the session, access and the record of it', send: both(page('bench.one_record')) },
    { name: 'all guarantees: sealed notes through the view of the pages', send: both(page('clinic.notes')) },
    {
      name: 'instead: columns of pgp_sym_encrypt, and nothing else',
      send: readOnly(page('bench.one_record_pgp', pgp(four))),
    },
  ];
}

// ---------------------------------------------------------------- writing

export function writes(organisation: string): Variant[] {
  const value = Buffer.alloc(330, 'x');
  const insert = (into: string) =>
    sent('begin', [
      prepared(
        `insert into bench.${into} (organisation_id, patient_id, author_id, subjective, objective, assessment, plan, diagnosis, treatment_plan)
         values ($1, gen_random_uuid(), gen_random_uuid(), $2, $2, $2, $2, $2, $2)`,
        [organisation, value],
      ),
    ]);
  return [
    { name: 'bare: not recorded', send: insert('notes') },
    { name: 'instead: the least JSON trigger, the row in clear', send: insert('notes_json') },
    { name: 'instead: a JSON trigger for any table, as supa_audit', send: insert('notes_json_any') },
    { name: 'an event with a digest, no chain', send: insert('notes_event') },
    { name: 'an event in one chain', send: insert('notes_one_chain') },
    { name: 'an event in one of 16 lanes: the product', send: insert('notes_lanes') },
  ];
}
