// The catalog rules of supabase/tests/0900_invariants.sql on every Postgres that the tests run on: pgTAP, which prove runs
// them with, is there for Debian's Postgres alone (.ci/run pgtap, npm run test:sql).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { splitStatements } from '../../db/split-statements.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const file = join(import.meta.dirname, '..', '..', 'supabase', 'tests', '0900_invariants.sql');
// what psql reads, and what wants the extension of Debian's
const text = readFileSync(file, 'utf8').replace(/^\\.*$/gm, '');
const statements = splitStatements(text).filter((one) => !/plpgsql_check/.test(one));
const rules = statements.filter((one) => /\bis_empty\(/.test(one));
const before = statements.filter((one) => /create temp|insert into/.test(one));
const titleOf = (rule: string) => /'((?:[^']|'')*)'\s*\)\s*;?$/.exec(rule)?.[1]?.replaceAll("''", "'") ?? rule;

let db: TestDatabase;
let root: pg.Client;

beforeAll(async () => {
  db = await createDatabase();
  root = await connect(db.superuserUrl);
  // pgTAP's, as far as it is used here: the rows that there should not be
  await root.query(`create function pg_temp.is_empty(query text, title text) returns text language plpgsql as $$
    declare found text;
    begin
      execute format('select string_agg(t::text, E''\\n'') from (%s) t', query) into found;
      return found;
    end $$`);
  for (const statement of before) await root.query(statement);
});
afterAll(async () => {
  await root.end();
  await db.close();
});

describe('the catalog', () => {
  test('is asked everything that pgTAP asks it', () => {
    expect(rules.length).toBeGreaterThan(35);
    expect(new Set(rules.map(titleOf)).size).toBe(rules.length);
  });

  test.each(rules.map((rule) => [titleOf(rule), rule] as const))('%s', async (_, rule) => {
    const { rows } = await root.query(rule.replace(/\bis_empty\(/, 'pg_temp.is_empty('));
    expect(rows[0].is_empty).toBeNull();
  });
});
