// The rules of docs/threat-model.md, "Hardening rules", that no other test attacks.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { connectEdge, createWorld, importRecord, outcome, type World } from '../support/world.ts';

let world: World;
let edge: pg.Client;
let root: pg.Client;

beforeAll(async () => {
  world = await createWorld();
  [edge, root] = await Promise.all([connectEdge(world.db), connect(world.db.superuserUrl)]);
});
afterAll(async () => {
  await Promise.all([edge.end(), root.end()]);
  await world.close();
});

const clinician = () => ({ token: world.a.clinician.token, ring: world.db.ring });
const owner = (query: string, values: unknown[] = []) =>
  asOwner(world.db.admin, async () => (await world.db.admin.query(query, values)).rows);

describe('rule 5: whoever comes with a role and headers, as PostgREST would', () => {
  test('is nobody: a setting that a client chose is no identity', async () => {
    for (const [name, value] of [
      ['request.headers', `{"authorization": "Bearer ${world.a.clinician.token}"}`],
      ['request.jwt.claims', JSON.stringify({ role: 'vs_clinician', sub: world.a.clinician.account })],
      ['request.cookies', `{"session": "${world.a.clinician.token}"}`],
      ['vs.claims', world.a.clinician.account],
    ]) {
      await edge.query('begin');
      await edge.query("select set_config($1, $2, true), set_config('role', 'vs_clinician', true)", [name, value]);
      const told = await outcome(edge.query('select id from clinic.patients').then((result) => result.rows));
      expect([name, told]).toEqual([name, name === 'vs.claims' ? 'VS401' : []]);
      await edge.query('rollback');
    }
  });

  test('and nothing of ours reads such a setting', async () => {
    const { rows } = await root.query(
      `select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where n.nspname in ('iam', 'access', 'vault', 'audit', 'store', 'clinic', 'privacy', 'ops') and prosrc ~ 'current_setting\\(''(request|jwt)'`,
    );
    expect(rows).toEqual([]);
  });
});

describe('rules 8, 11 and 18: the door sets what a record of an access depends on, whatever the connection had', () => {
  const poisoned = { synchronous_commit: 'off', lock_timeout: '0', transaction_timeout: '0' };
  test.each(['open', 'write'] as const)('in a transaction that %ss', async (phase) => {
    const { rows: there } = await edge.query<{ name: string }>('select name from pg_settings where name = any ($1)', [
      Object.keys(poisoned),
    ]);
    const names = there.map(({ name }) => name);
    expect(names).toContain('synchronous_commit');
    await edge.query('begin');
    for (const name of names)
      await edge.query('select set_config($1, $2, true)', [name, poisoned[name as keyof typeof poisoned]]);
    await edge.query('select iam.enter($1, $2, null, $3)', [clinician().token, clinician().ring, phase]);
    const { rows } = await edge.query(
      'select name, current_setting(name) as value from pg_settings where name = any ($1) order by name',
      [names],
    );
    await edge.query('rollback');
    expect(rows).toEqual(
      [
        { name: 'lock_timeout', value: '5s' },
        { name: 'synchronous_commit', value: 'on' },
        // Postgres 17 and later
        { name: 'transaction_timeout', value: '1min' },
      ].filter(({ name }) => names.includes(name)),
    );
  });
});

describe('rule 14: what a value is bound to stays as it is', () => {
  // by a superuser, whom no policy stops; values that were moved past the triggers don't open: sealing.test.ts
  test.each([
    ['notes', 'id = gen_random_uuid()', 'VS403'],
    ['notes', 'patient_id = gen_random_uuid()', 'VS403'],
    ['notes', 'author_id = gen_random_uuid()', 'VS403'],
    ['notes', "created_at = created_at - interval '1 year'", 'VS403'],
    ['patients', 'id = gen_random_uuid()', 'VS403'],
    ['patients', 'organisation_id = gen_random_uuid()', 'VS403'],
    ['patients', "created_at = created_at - interval '1 year'", 'VS403'],
    ['patients', 'birth_name = used_name', 'VS409'],
    ['patients', 'version = version + 2', 'VS409'],
    ['patients', 'version = version - 1', 'VS409'],
  ])('store.%s: %s', async (table, change, refusal) => {
    await root.query('begin');
    expect(await outcome(root.query(`update store.${table} set ${change}`))).toBe(refusal);
    await root.query('rollback');
  });
});

describe('rule 19: the search index', () => {
  test('has another token for the same name in another practice, of 28 bits, and as many for a short name as for a long one', async () => {
    const short = await importRecord(world.db, world.a, world.a.clinician, {
      birth_name: 'Roy',
      first_given_name: 'Léa',
    });
    const long = await importRecord(world.db, world.a, world.a.clinician, {
      birth_name: 'de la Rochefoucauld-Montmorency',
      first_given_name: 'Marie-Hippolyte-Charlotte',
    });
    await importRecord(world.db, world.b, world.b.clinician, { birth_name: 'Roy', first_given_name: 'Léa' });
    const tokens = (patient: string) => owner('select token from vault.search_tokens where patient_id = $1', [patient]);
    const counts = [(await tokens(short)).length % 12, (await tokens(long)).length % 12];
    for (const count of counts) expect([0, 11]).toContain(count);
    const [widest] = await owner('select max(token) as token from vault.search_tokens');
    expect(Number(widest.token)).toBeLessThan(2 ** 28);
    const [keyed] = await owner(
      `select vault.token(vault.search_key($1, vault.current_master($1), $2), 'name', 'roy') as a,
              vault.token(vault.search_key($1, vault.current_master($1), $3), 'name', 'roy') as b`,
      [world.db.ring, world.a.organisation, world.b.organisation],
    );
    expect(keyed.a).not.toBe(keyed.b);
    expect((await tokens(short)).map(({ token }) => token)).toContain(keyed.a);
  });
});
