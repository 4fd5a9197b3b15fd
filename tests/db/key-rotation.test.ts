// The yearly change of the master key, as an administrator does it, and what must not be possible on the way.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addManyKeys } from '../../db/bench/many-keys.ts';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { keyOf, ringNames } from '../../db/ring.ts';
import { isOneSentence } from '../support/cli.ts';
import { endImports, openTestSite, type TestSite } from '../support/site.ts';
import { createWorld, inTransaction, openPatient, type World } from '../support/world.ts';

let world: World;
let site: TestSite;
beforeAll(async () => {
  world = await createWorld();
  site = openTestSite(world.db);
  await endImports(world.db);
  await addManyKeys(world.db.superuserUrl, world.db.ring, world.a.organisation, 3000);
});
afterAll(async () => {
  await site?.close();
  await world?.close();
});

const owner = (query: string, values: unknown[] = []) =>
  asOwner(world.db.admin, async () => (await world.db.admin.query(query, values)).rows);
const underMaster = async (id: string) =>
  (await owner('select count(*)::int as n from vault.keys where master = $1', [id]))[0].n as number;
const opened = async (ring: string) =>
  (
    await owner(
      `select count(*)::int as n from vault.keys k where length(vault.unpack(vault.derive(vault.master($1, k.master), 'wrap'),
         vault.wrap_aad(k.subject_id, k.level, k.master), k.wrapped)) = 64`,
      [ring],
    )
  )[0].n as number;
const all = async () => (await owner('select count(*)::int as n from vault.keys'))[0].n as number;

describe('keys add', () => {
  test('cannot be called by what isn’t a name', async () => {
    for (const result of await Promise.all(
      ['', 'a b', 'a=b', 'a,b', 'x'.repeat(33)].map((name) => site.vitalsync('keys', 'add', '--', name)),
    )) {
      expect(isOneSentence(result), result.err).toBe(true);
      expect(result.err).toContain('1 to 32 letters');
    }
  });

  test('puts it last into the key file, of mode 0600, and keeps the file as it was', async () => {
    const before = readFileSync(site.keyFile, 'utf8');
    const result = await site.vitalsync('keys', 'add', 'next');
    expect(result.code, result.err).toBe(0);
    expect(ringNames(site.ring())).toEqual([...ringNames(world.db.ring), 'next']);
    expect(statSync(site.keyFile).mode & 0o777).toBe(0o600);
    const copies = readdirSync(site.directory).filter((name) => /^keys\.env\.\d{8}T\d{6}Z/.test(name));
    expect(copies).toHaveLength(1);
    expect(readFileSync(join(site.directory, copies[0]!), 'utf8')).toBe(before);
    expect(statSync(join(site.directory, copies[0]!)).mode & 0o777).toBe(0o600);
    const key = keyOf(site.ring(), 'next')!.toString('base64').slice(0, 40);
    expect(result.out + result.err).not.toContain(key);
    expect(JSON.stringify(await owner('select * from vault.masters m, lateral (select m::text) x'))).not.toContain(key);
  });

  test('twice is once, and a name that was used is not used again', async () => {
    const ring = site.ring();
    expect((await site.vitalsync('keys', 'add', 'next')).code).toBe(0);
    expect(site.ring()).toBe(ring);
    const lost = await site.vitalsyncWith({ VITAL_KEYS: world.db.ring }, 'keys', 'add', 'next');
    expect(isOneSentence(lost), lost.err).toBe(true);
    expect(lost.err).toContain('There was a master key next already');
  });

  test('with VITAL_KEYS in the environment gives the operator the text, and touches no file', async () => {
    const before = readFileSync(site.keyFile, 'utf8');
    const given = site.ring();
    const result = await site.vitalsyncWith({ VITAL_KEYS: given }, 'keys', 'add', 'fromenv', '--json');
    expect(result.code, result.err).toBe(0);
    const { id, place, VITAL_KEYS } = JSON.parse(result.out);
    expect([id, place]).toEqual(['fromenv', 'environment']);
    expect(VITAL_KEYS).toMatch(new RegExp(`^${given.replaceAll(/[+]/g, '\\+')},fromenv=[A-Za-z0-9+/]{86}==$`));
    expect(readFileSync(site.keyFile, 'utf8')).toBe(before);
    expect((await site.vitalsyncWith({ VITAL_KEYS }, 'keys', 'retire', 'fromenv', '--settle', '0')).code).toBe(0);
  });
});

describe('keys rotate', () => {
  const rotate = (...more: string[]) => ['keys', 'rotate', '--to', 'next', '--settle', '0', ...more];

  test('cannot begin while an edge without the key was heard of', async () => {
    await owner('select vault.saw_ring($1)', [world.db.ring]);
    const running = site.start('keys', 'rotate', '--to', 'next', '--settle', '60');
    while (running.child.exitCode === null && !/edge had no master key/.test(running.err()))
      await new Promise((resolve) => setTimeout(resolve, 50));
    running.child.kill('SIGINT');
    const { code, err } = await running.ended;
    expect(code).toBe(1);
    expect(err).toMatch(/Stopped, nothing has been changed: an edge had no master key next/);
    expect(await underMaster('next')).toBe(0);
    await owner('delete from vault.rings');
  });

  test('killed in the middle leaves everything open, and the next run goes on', async () => {
    const total = await all();
    let middle = 0;
    for (let tries = 0; tries < 5 && (middle === 0 || middle === total); tries += 1) {
      const running = site.start(...rotate());
      while (running.child.exitCode === null && (await underMaster('next')) === 0)
        await new Promise((resolve) => setTimeout(resolve, 5));
      running.child.kill('SIGKILL');
      await running.ended;
      middle = await underMaster('next');
    }
    expect(middle).toBeGreaterThan(0);
    expect(middle).toBeLessThan(total);
    expect(await opened(site.ring())).toBe(total);
  });

  test('ends with its batch at Ctrl-C, and says that it goes on', async () => {
    const running = site.start(...rotate());
    const before = await underMaster('next');
    while (running.child.exitCode === null && (await underMaster('next')) === before)
      await new Promise((resolve) => setTimeout(resolve, 5));
    running.child.kill('SIGINT');
    const { code, out } = await running.ended;
    if (code !== 0) expect(out).toMatch(/^Stopped: \d+ keys.*goes on\.$/m);
    expect(await opened(site.ring())).toBe(await all());
  });

  test('stops at a key that somebody changed, with its place, and leaves the others', async () => {
    const [victim] = await owner(
      "select subject_id as id from vault.keys where master <> 'next' and level = 'clinical' limit 1",
    );
    expect(victim, 'the runs before ended in the middle').toBeDefined();
    const superuser = await connect(world.db.superuserUrl);
    const flip = async () => {
      await superuser.query('set session_replication_role = replica');
      await superuser.query(
        "update vault.keys set wrapped = set_byte(wrapped, 40, get_byte(wrapped, 40) # 1) where subject_id = $1 and level = 'clinical'",
        [victim.id],
      );
    };
    await flip();
    const result = await site.vitalsync(...rotate());
    expect(isOneSentence(result), result.err).toBe(true);
    expect(result.err).toContain(`the clinical key of ${victim.id} can't be opened`);
    await flip();
    await superuser.end();
    expect(await opened(site.ring())).toBe(await all());
  });

  test('twice at once does no harm, and all of it is done in the end', async () => {
    const both = await Promise.all([site.vitalsync(...rotate()), site.vitalsync(...rotate())]);
    expect(
      both.map(({ code }) => code),
      both.map(({ err }) => err).join(),
    ).toEqual([0, 0]);
    expect(await underMaster('next')).toBe(await all());
    expect(ringNames(site.ring())[0]).toBe('next');
    expect(await opened(`next=${keyOf(site.ring(), 'next')!.toString('base64')}`)).toBe(await all());
    expect((await owner('select * from vault.left_to_renew($1)', ['next']))[0]).toEqual({ keys: '0', indexes: '0' });
    expect(await owner('select * from audit.verify_all()')).toEqual([]);
  });

  test('ends when another rotation begins, to another key', async () => {
    expect((await site.vitalsync('keys', 'add', 'third')).code).toBe(0);
    await owner('select vault.promote($1, $2)', [site.ring(), 'third']);
    await expect(owner('select vault.rewrap($1, $2)', [site.ring(), 'next'])).rejects.toMatchObject({ code: 'VS409' });
    await owner('select vault.promote($1, $2)', [site.ring(), 'next']);
  });
});

describe('keys retire', () => {
  test('cannot take a key under which something stands, or the current one, or one that never was', async () => {
    const results = await Promise.all(
      ['next', 'nobody'].map((name) => site.vitalsync('keys', 'retire', name, '--settle', '0')),
    );
    expect(results.map(isOneSentence)).toEqual([true, true]);
    expect(results[0]?.err).toContain('has master key next first');
    expect(results[1]?.err).toContain('There is no master key nobody');
    await owner("update vault.keys set master = 'third', wrapped = 'x' where subject_id = $1 and level = 'profile'", [
      world.a.dpo.account,
    ]);
    const used = await site.vitalsync('keys', 'retire', 'third', '--settle', '0');
    expect(used.err).toContain('master key third still wraps 1 keys');
    await expect(
      owner("update vault.masters set retired_at = now(), active = false where id = 'third'"),
    ).rejects.toMatchObject({ code: '23503' });
    const superuser = await connect(world.db.superuserUrl);
    await expect(superuser.query("delete from vault.masters where id = 'third'")).rejects.toMatchObject({
      code: 'VS403',
    });
    await superuser.query("delete from vault.keys where subject_id = $1 and level = 'profile'", [world.a.dpo.account]);
    await superuser.end();
  });

  test('takes it out of the key file; its check value stays, and it is recognised', async () => {
    const [old] = ringNames(world.db.ring);
    const result = await site.vitalsync('keys', 'retire', old!, '--settle', '0');
    expect(result.code, result.err).toBe(0);
    expect(ringNames(site.ring())).toEqual(['next', 'third']);
    const given = { VITAL_KEYS: `${world.db.ring},${site.ring()}` };
    const [twice, status, back, again] = await Promise.all([
      site.vitalsync('keys', 'retire', old!, '--settle', '0'),
      site.vitalsync('keys', 'status'),
      site.vitalsyncWith(given, 'migrate'),
      site.vitalsync('keys', 'add', old!),
    ]);
    expect([twice.code, status.code], twice.err + status.err).toEqual([0, 0]);
    expect(status.out).toMatch(new RegExp(`^${old} +retired `, 'm'));
    expect(back.err).toContain(`master key ${old} was retired`);
    expect(again.err).toContain(`There was a master key ${old} already`);
  });

  test('status tells all of it as data, and no key', async () => {
    const { out } = await site.vitalsync('keys', 'status', '--json');
    const { masters, problem } = JSON.parse(out);
    expect(problem).toBe(null);
    expect(masters.find((one: { id: string }) => one.id === 'next')).toMatchObject({ current: true, place_in_ring: 1 });
    for (const id of ['next', 'third'])
      expect(out).not.toContain(keyOf(site.ring(), id)!.toString('base64').slice(0, 20));
  });

  test('a record opens with the new keys alone', async () => {
    const edge = await connect(world.db.edgeUrl);
    const me = { token: world.a.clinician.token, ring: site.ring() };
    expect(await openPatient(edge, me, world.a.mine)).toBe('ok');
    const rows = await inTransaction(
      edge,
      me,
      async () => (await edge.query('select birth_name from clinic.patients')).rows,
    );
    expect(rows).toEqual([{ birth_name: 'Nom Cabinet A' }]);
    await edge.end();
  });

  test('with VITAL_KEYS in the environment each step gives the next text, and touches no file', async () => {
    const before = readFileSync(site.keyFile, 'utf8');
    const given = { VITAL_KEYS: site.ring() };
    const turned = await site.vitalsyncWith(given, 'keys', 'rotate', '--to', 'third', '--settle', '0', '--json');
    expect(turned.code, turned.err).toBe(0);
    const next = JSON.parse(turned.out).VITAL_KEYS as string;
    expect(ringNames(next)).toEqual(['third', 'next']);
    const ended = await site.vitalsyncWith({ VITAL_KEYS: next }, 'keys', 'retire', 'next', '--settle', '0');
    expect(ended.code, ended.err).toBe(0);
    expect(ended.out).toContain(`\n${next.split(',')[0]}\n`);
    expect(readFileSync(site.keyFile, 'utf8')).toBe(before);
  });
});
