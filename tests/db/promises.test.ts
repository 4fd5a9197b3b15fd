// The attacks of /promises and `vitalsync promises`: each is refused, and each shows as succeeded when its guarantee is
// broken by hand, in a database that is thrown away.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { report } from '../../db/commands/promises.ts';
import { connect } from '../../db/connect.ts';
import { promises } from '../../db/promises/promises.ts';
import { attack } from '../../db/promises/run.ts';
import { promisesFor } from '../../db/promises/service.ts';
import { findMarker } from '../../db/promises/source.ts';
import type { AttackResult, Target } from '../../db/promises/types.ts';
import type { TestDatabase } from '../support/database.ts';
import { createWorld, type World } from '../support/world.ts';

const directories: string[] = [];
/** With a place of its own outside of the database. */
function targetOf({ db }: World): Target {
  const directory = mkdtempSync(join(tmpdir(), 'vitalsync-promises-'));
  directories.push(directory);
  return { ...db, outside: { directory, keys: db.keys } };
}

let world: World;
let target: Target;
beforeAll(async () => {
  world = await createWorld();
  target = targetOf(world);
});
afterAll(async () => {
  await world?.close();
  for (const directory of directories) rmSync(directory, { recursive: true });
});

const outcomes = (results: readonly AttackResult[]) => results.map(({ id, outcome }) => `${id}: ${outcome}`);

describe.each(promises)('promise $number', (promise) => {
  test('has its attacks refused, each by a line that is there', async () => {
    const results = await attack(target, [promise]);
    expect(outcomes(results)).toEqual(promise.attacks.map(({ id }) => `${id}: refused`));
    for (const { refusedBy, id } of results) {
      const line = refusedBy?.excerpt.find((one) => one.line === refusedBy.line);
      expect(line?.text.trim(), id).toBeTruthy();
    }
  });

  test.each(promise.attacks)('knows where $id is refused', ({ marker }) => {
    expect(findMarker(marker)).toBeDefined();
  });
});

test('an attack leaves nothing behind: no session that lives, no change, an intact log', async () => {
  const superuser = await connect(world.db.superuserUrl);
  const look = async () =>
    (
      await superuser.query(`select (select md5(string_agg(n::text, '' order by n.id)) from store.notes n) as notes,
        (select count(*) from vault.keys) as keys, (select count(*) from iam.sessions where revoked_at is null) as sessions,
        (select count(*) from audit.verify_all()) as breaks`)
    ).rows[0];
  const before = await look();
  await attack(target, promises);
  expect(await look()).toEqual(before);
  expect(before.breaks).toBe('0');
  await superuser.end();
});

const always = (name: string, type: string, body: string) =>
  `create or replace function ${name} returns ${type} language sql as $$ select ${body} $$`;
const without = (name: string, check: string, instead: string) =>
  `do $do$ begin execute replace(pg_get_functiondef('${name}'::regproc), '${check}', '${instead}'); end $do$`;

/** attack → what breaks its guarantee, and what it shows then: `unclear` where a second guarantee still stands. */
const broken: Record<string, [by: string, then?: 'unclear']> = {
  'foreign-patient': [always('access.may_open(claims text[], patient uuid, level text)', 'boolean', 'true')],
  'other-team': ['create policy x on store.notes for select to vs_clinician using (true)', 'unclear'],
  create: ["do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$"],
  catalog: ['alter table store.notes no force row level security'],
  'forged-identity': [always('access.claims_mac(claims text)', 'text', "repeat('0', 64)")],
  'another-role': ['create policy x on audit.events for select to vs_auditor using (true)'],
  'search-tables': ["update access.organisations set name = 'Nom ' || name"],
  'search-files': ["create table store.copy as select 'Nom Cabinet A, Nom Cabinet B' as names"],
  'put-back': [without('vault.open_values', 'is not true then', 'is null then')],
  'forged-author': [without('vault.open_values', 'is not true then', 'is null then')],
  'rolled-back-look': [always('audit.is_open(session uuid, patient uuid, level text)', 'boolean', 'true')],
  'no-opening': [always('audit.is_open(session uuid, patient uuid, level text)', 'boolean', 'true')],
  'ask-for-a-key': [
    'grant usage on schema vault to vs_clinician; grant execute on function vault.release to vs_clinician',
  ],
  settings: [
    `create or replace function vault.set_ring(ring text) returns void language sql as
     $$ select set_config('vs.keys', encode(convert_to(ring, 'UTF8'), 'base64'), true) $$`,
  ],
  'functions-with-keys': [
    'grant usage on schema vault to vs_clinician; grant execute on function vault.unwrap to vs_clinician',
  ],
  'edited-event': [always('audit.leaf(e audit.events, before bytea)', 'text', 'e.leaf')],
  'owner-forgets': [
    'create policy x on audit.events for update to vs_owner using (true); alter table audit.events disable trigger all',
  ],
  'erased-patient': ['create rule x as on delete to vault.keys do instead nothing'],
  'log-after-erasure': ['create rule x as on insert to audit.leaves do instead nothing'],
  'restored-backup': [always('ops.is_cleared()', 'boolean', 'true')],
  resurrection: ['alter table vault.keys disable trigger _100_not_erased', 'unclear'],
  'write-power': ['grant update on store.notes to vs_clinician'],
};

describe('a guarantee that is broken', () => {
  let origin: World;
  beforeAll(async () => {
    origin = await createWorld();
    await origin.db.admin.end(); // a database that is copied has no connections
  });
  afterAll(() => onServer(origin.db, `drop database ${origin.db.name} with (force)`));

  test.each(Object.entries(broken))('is shown by %s', async (id, [by, then = 'succeeded']) => {
    const weak = await copyOf(origin, by);
    const promise = promises.find(({ attacks }) => attacks.some((one) => one.id === id))!;
    const attacks = promise.attacks.filter((one) => one.id === id);
    expect(outcomes(await attack(targetOf(weak), [{ ...promise, attacks }]))).toEqual([`${id}: ${then}`]);
    await onServer(weak.db, `drop database ${weak.db.name} with (force)`);
  });

  test('makes `vitalsync promises` end with 1, and a kept one with 0', async () => {
    const weak = await copyOf(origin, broken['no-opening']![0]);
    const log = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const codes = [weak, world].map((one) => report(promisesFor(targetOf(one), one.db.ring), [4]));
    expect(await Promise.all(codes)).toEqual([1, 0]);
    const printed = log.mock.calls.map(([text]) => text).join('');
    log.mockRestore();
    expect(printed).toContain('SUCCEEDED  Read without recording');
    expect(printed).toMatch(/3 attacks, \d NOT refused\.[\s\S]*3 attacks, all refused\.|all refused[\s\S]*NOT refused/);
    await onServer(weak.db, `drop database ${weak.db.name} with (force)`);
  });
});

/** The same world in a database of its own, with its guarantee broken there. */
async function copyOf({ db, ...rest }: World, by: string): Promise<World> {
  const name = `${db.name}_${copies++}`;
  const there = (url: string) => url.replace(`/${db.name}`, `/${name}`);
  const { superuserUrl, adminUrl, edgeUrl, gateUrl, dbaUrl } = db;
  const copy = { ...db, name, superuserUrl: there(superuserUrl), adminUrl: there(adminUrl), edgeUrl: there(edgeUrl) };
  await onServer(db, `create database ${name} owner vs_admin template ${db.name}`);
  const superuser = await connect(copy.superuserUrl);
  await superuser.query(
    `revoke all on database ${name} from public; grant connect on database ${name} to vs_edge, vs_gate, vs_dba`,
  );
  await superuser.query('begin; set local role vs_owner; select ops.clear_to_serve(); commit');
  await superuser.query(by);
  await superuser.end();
  return { ...rest, db: { ...copy, gateUrl: there(gateUrl), dbaUrl: there(dbaUrl) } };
}
let copies = 0;

async function onServer({ superuserUrl }: TestDatabase, statement: string): Promise<void> {
  const url = new URL(superuserUrl);
  url.pathname = '/postgres';
  const client = await connect(url.href);
  await client.query(statement);
  await client.end();
}
