import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, withLogin } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { clearToServe } from '../../db/service.ts';
import { startCommand } from '../support/cli.ts';
import { type OwnCluster, openCluster, versions } from '../support/cluster.ts';
import type { TestDatabase } from '../support/database.ts';
import { createPatient, createPractice, type Practice } from '../support/practice.ts';
import { createWorld, inTransaction, open, outcome, type World } from '../support/world.ts';

describe.each(versions)('Postgres %i that was restarted', (version) => {
  let cluster: OwnCluster;
  let db: TestDatabase;
  let practice: Practice;
  let patient: string;

  beforeAll(async () => {
    cluster = await openCluster(version);
    db = await cluster.connect();
    practice = await createPractice(db);
    patient = await createPatient(db, practice);
  }, 60_000);
  afterAll(async () => {
    await db.admin.end();
    await cluster.remove();
  });

  const restart = async () => {
    await db.admin.end();
    await cluster.stop();
    await cluster.start();
    db = await cluster.connect();
  };
  const events = async () => (await db.admin.query('select count(*)::int as n from audit.events')).rows[0].n;
  const asOwnerCount = () => asOwner(db.admin, events);

  test('lets nobody in and nobody sign in, and records nothing, until it is cleared', async () => {
    await restart();
    const before = await asOwnerCount();
    const edge = await connect(db.edgeUrl);
    const gate = await connect(db.gateUrl);
    const { token } = practice.clinician;
    for (const phase of ['open', 'read', 'write'] as const)
      expect(await outcome(inTransaction(edge, { token, ring: db.ring, phase }, async () => 'in'))).toBe('VS503');
    for (const [call, values] of [
      ['iam.sign_in_lookup($1, $2)', [db.ring, 'a@exemple.fr']],
      ['iam.sign_in_password($1, $2, $3, $4, null)', [db.ring, practice.clinician.account, '2026:x', 'token']],
      ["iam.take_factor($1, $2, 'totp', $3, $4, null)", [db.ring, token, { code: '123456' }, 'other']],
    ] as const)
      expect(await outcome(gate.query(`select ${call}`, [...values])), call).toBe('VS503');
    expect(await asOwnerCount()).toBe(before);

    expect(await clearToServe(cluster.site, db.admin)).toEqual({ compared: 'outside', replayed: 0 });
    expect(await clearToServe(cluster.site, db.admin)).toBeUndefined();
    expect(await open(edge, { token, ring: db.ring }, 'audit.open_patient($1)', [patient])).toBe('ok');
    const { rows } = await asOwner(db.admin, () =>
      db.admin.query(
        "select outcome, actor_role from audit.events where event = 'service.clear' order by at desc limit 1",
      ),
    );
    expect(rows).toEqual([{ outcome: 'success', actor_role: 'owner' }]);
    await edge.end();
    await gate.end();
  });

  test('serves again within seconds under a running server, and answers 503 until then', async () => {
    const port = await freePort();
    const server = startCommand(['start'], { ...cluster.environment, PORT: String(port) });
    await expect.poll(() => server.out(), { timeout: 30_000 }).toContain('Vital Sync is ready');
    const cookie = `__Host-vs=${practice.clinician.token}.clinician`;
    const ask = () =>
      fetch(`http://127.0.0.1:${port}/patients/${patient}`, { headers: { cookie }, redirect: 'manual' });
    expect((await ask()).status).toBe(200);

    await restart();
    const end = Date.now() + 10_000;
    let page = await ask();
    while (page.status !== 200 && Date.now() < end) {
      expect(page.status).toBe(503);
      expect(page.headers.get('retry-after')).toBe('5');
      expect(await page.text()).toMatch(/indisponible|unavailable/);
      await sleep(50);
      page = await ask();
    }
    expect(page.status).toBe(200);
    for (let i = 0; i < 5; i += 1) expect((await ask()).status).toBe(200);
    server.child.kill('SIGINT');
    expect((await server.ended).code).toBe(0);
  }, 60_000);
});

describe('a database that isn’t the one that was cleared', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world.close());

  const enterAt = async (edgeUrl: string) => {
    const edge = await connect(edgeUrl);
    const { token } = world.a.clinician;
    const answer = await outcome(open(edge, { token, ring: world.db.ring }, 'audit.open_patient($1)', [world.a.mine]));
    await edge.end();
    return answer;
  };
  const onServer = async (statement: string) => {
    const there = new URL(world.db.superuserUrl);
    there.pathname = '/postgres';
    const superuser = await connect(there.href);
    await superuser.query(statement).finally(() => superuser.end());
  };
  const at = (url: string, name: string) => Object.assign(new URL(url), { pathname: `/${name}` }).href;

  test('lets nobody in: a copy by createdb -T, also under the name of the other', async () => {
    expect(await enterAt(world.db.edgeUrl)).toBe('ok');
    const name = `${world.db.name}_copy`;
    await world.db.admin.end();
    await onServer(`create database ${name} owner vs_admin template ${world.db.name}`);
    await onServer(`grant connect on database ${name} to vs_edge`);
    try {
      expect(await enterAt(at(world.db.edgeUrl, name))).toBe('VS503');
      expect(await enterAt(world.db.edgeUrl)).toBe('ok');
      await onServer(`alter database ${world.db.name} rename to ${world.db.name}_old`);
      await onServer(`alter database ${name} rename to ${world.db.name}`);
      expect(await enterAt(world.db.edgeUrl)).toBe('VS503');
      await onServer(`drop database ${world.db.name}`);
      await onServer(`alter database ${world.db.name}_old rename to ${world.db.name}`);
    } finally {
      world.db.admin = await connect(world.db.adminUrl);
    }
    expect(await enterAt(world.db.edgeUrl)).toBe('ok');
  });

  test('lets nobody in: the row put back by a restore of the data alone', async () => {
    await asOwner(world.db.admin, async () => {
      const { rows } = await world.db.admin.query('select * from ops.service');
      const { id, started_at, file, writer, compared, cleared_at } = rows[0];
      await world.db.admin.query('delete from ops.service');
      // as text, since a Date has no microseconds
      await world.db.admin.query('insert into ops.service values ($1, pg_postmaster_start_time(), $2, $3, $4, $5)', [
        id,
        file,
        writer,
        compared,
        cleared_at,
      ]);
      expect(started_at).toBeInstanceOf(Date);
    });
    expect(await enterAt(world.db.edgeUrl)).toBe('VS503');
    await asOwner(world.db.admin, () => world.db.admin.query('select ops.clear_to_serve()'));
    expect(await enterAt(world.db.edgeUrl)).toBe('ok');
  });

  test('is cleared by the owner alone', async () => {
    for (const login of ['vs_edge', 'vs_gate', 'vs_dba'] as const) {
      const { edge, gate, dba } = world.db.keys.passwords;
      const password = { vs_edge: edge, vs_gate: gate, vs_dba: dba }[login] ?? '';
      const client = await connect(withLogin(world.db.superuserUrl, login, password));
      for (const attempt of ['select ops.clear_to_serve()', 'update ops.service set started_at = now()'])
        expect(await outcome(client.query(attempt)), `${login}: ${attempt}`).toBe('42501');
      await client.end();
    }
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
