// The bare side of the bench answers what pages ask of the guarded one. db/bench/bare.sql.
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let guarded: TestDatabase;
let bare: TestDatabase;
let modern: boolean;
const why = 'the bench runs on the embedded Postgres 18: uuidv7()';
beforeAll(async () => {
  guarded = await createDatabase();
  bare = await createDatabase();
  const superuser = await connect(bare.superuserUrl);
  const { rows } = await superuser.query("select current_setting('server_version_num')::int >= 180000 as modern");
  ({ modern } = rows[0]);
  if (modern) {
    await superuser.query('drop schema iam, access, vault, audit, store, clinic, privacy, ops cascade');
    await superuser.query(readFileSync(new URL('../../db/bench/bare.sql', import.meta.url), 'utf8'));
  }
  await superuser.end();
});
afterAll(async () => {
  await guarded.close();
  await bare.close();
});

type Columns = Map<string, string[]>;

async function columns(url: string): Promise<Columns> {
  const client = await connect(url);
  const { rows } = await client.query<{ relation: string; columns: string[] }>(
    `select c.relname as relation, array_agg(a.attname::text) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relnamespace = to_regnamespace('clinic') and c.relkind in ('r', 'v') group by c.relname`,
  );
  await client.end();
  return new Map(rows.map((row) => [row.relation, row.columns]));
}

test('no view that both sides have lacks a column on the bare one', async (context) => {
  context.skip(!modern, why);
  const [ours, theirs] = [await columns(guarded.superuserUrl), await columns(bare.superuserUrl)];
  const both = [...theirs.keys()].filter((relation) => ours.has(relation));
  expect(both).toContain('me');
  for (const relation of both)
    expect(theirs.get(relation), relation).toEqual(expect.arrayContaining(ours.get(relation) ?? []));
});

test('no function that a chart asks is missing on the bare one', async (context) => {
  context.skip(!modern, why);
  const folder = new URL('../../app/chart/', import.meta.url);
  const asked = readdirSync(folder).flatMap((file) =>
    [...readFileSync(new URL(file, folder), 'utf8').matchAll(/\bclinic\.(\w+)\(/g)].map(([, name]) => name),
  );
  expect(asked).toContain('read_patient_consents');
  const client = await connect(bare.superuserUrl);
  const found = await client.query('select proname from pg_proc where proname = any ($1)', [asked]);
  await client.end();
  expect(found.rows.map(({ proname }) => proname).sort()).toEqual([...new Set(asked)].sort());
});
