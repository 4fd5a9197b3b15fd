// `vitalsync doctor` sees what it says it sees: each state that is wrong is produced once.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect as dial, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { drift } from '../../db/doctor/drift.ts';
import type { Check, Finding } from '../../db/doctor/finding.ts';
import { cleared } from '../../db/doctor/installation.ts';
import { checkpoints, months } from '../../db/doctor/log.ts';
import { logins, memberships, roleSettings } from '../../db/doctor/roles.ts';
import { pooler, settings, surroundings, version } from '../../db/doctor/server.ts';
import { examine } from '../../db/doctor.ts';
import { sealOnce } from '../../db/log/seal.ts';
import { asOwner } from '../../db/owner.ts';
import type { Site } from '../../db/site.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const directory = mkdtempSync(join(tmpdir(), 'vitalsync-doctor-'));
let db: TestDatabase;
let site: Site;
let superuser: pg.Client;

beforeAll(async () => {
  db = await createDatabase();
  superuser = await connect(db.superuserUrl);
  const { keys, adminUrl, edgeUrl, gateUrl, dbaUrl } = db;
  const keyFile = join(directory, 'keys.env');
  site = { directory, keyFile, keys, adminUrl, edgeUrl, gateUrl, dbaUrl, close: async () => {} };
});
afterAll(async () => {
  await superuser.end();
  await db.close();
  rmSync(directory, { recursive: true });
});

const wrong = (findings: readonly Finding[]) =>
  findings.filter(({ state }) => state !== 'ok').map(({ finding }) => finding);

test('finds nothing that fails in a fresh installation, and gives a remedy with whatever isn’t ok', async () => {
  const findings = await examine(db.admin, site);
  expect(findings.filter(({ state }) => state === 'failure')).toEqual([]);
  for (const { check, state, remedy } of findings)
    if (state !== 'ok' && !['version', 'outside'].includes(check)) expect(remedy, check).toBeTruthy();
  expect(new Set(findings.map(({ check }) => check)).size).toBeGreaterThan(25);
});

/** In a transaction that is rolled back: roles and settings are the whole server's, which other tests share. */
async function within(statements: string, check: Check): Promise<string[]> {
  await superuser.query('begin');
  try {
    await superuser.query(statements);
    return wrong(await check(superuser, site));
  } finally {
    await superuser.query('rollback');
  }
}

describe('the server', () => {
  test('a version with known holes', async () => {
    const old = { query: async () => ({ rows: [{ number: 150001, name: '15.1' }] }) } as unknown as pg.Client;
    expect(wrong(await version(old, site))).toEqual([expect.stringContaining('Postgres 15.1 has known holes')]);
  });

  test.each([
    ['log_statement', 'all'],
    ['log_parameter_max_length_on_error', '-1'],
    ['log_min_duration_sample', '0'],
    ['log_transaction_sample_rate', '1'],
    ['debug_print_plan', 'on'],
    ['session_replication_role', 'replica'],
    ['zero_damaged_pages', 'on'],
  ])('%s = %s', async (name, value) => {
    const found = await within(`set local ${name} = '${value}'`, settings);
    expect(found).toContainEqual(expect.stringMatching(new RegExp(`^is ${value}: `)));
  });

  test('a module that logs statements, and an administrator who is superuser', async () => {
    const found = await within("load 'auto_explain'; set local auto_explain.log_min_duration = 0", surroundings);
    expect(found).toContainEqual(expect.stringContaining('auto_explain writes'));
    expect(found).toContainEqual(expect.stringContaining('is superuser'));
  });

  test('a database over a network without TLS', async () => {
    const far = { ...site, adminUrl: 'postgres://x@db.example/x' };
    expect(wrong(await surroundings(db.admin, far))).toContainEqual(expect.stringContaining('records cross a network'));
  });

  test('a login of the pages that can’t connect', async () => {
    const closed = { ...site, edgeUrl: db.edgeUrl.replace(/:[^:@]*@/, ':wrong@').replace(/@[^/]*/, '@127.0.0.1:1') };
    expect(wrong(await pooler(db.admin, closed))).toEqual([expect.stringContaining('can’t connect')]);
  });
});

describe('a pooler in front', () => {
  /** As one does: tells a backend number of its own, and may forget the statements that were prepared. */
  function poolerBefore(url: string, forgets: boolean): Promise<{ url: string; server: Server }> {
    const there = new URL(url);
    const keyData = Buffer.from([0x4b, 0, 0, 0, 12]);
    let named = 0;
    const server = createServer((client) => {
      const postgres = dial({ host: there.hostname, port: Number(there.port) });
      client.on('data', (bytes: Buffer) => {
        const at = bytes.indexOf('doctor');
        if (at >= 0 && ++named === 2 && forgets) bytes.write('doctox', at);
        postgres.write(bytes);
      });
      postgres.on('data', (bytes: Buffer) => {
        const at = bytes.indexOf(keyData);
        if (at >= 0) bytes.writeInt32BE(1, at + keyData.length);
        client.write(bytes);
      });
      for (const [one, other] of [
        [client, postgres],
        [postgres, client],
      ] as const)
        one.on('error', () => {}).on('close', () => other.destroy());
    });
    return new Promise((resolve) =>
      server.listen(0, '127.0.0.1', () => {
        const through = new URL(url);
        through.host = `127.0.0.1:${(server.address() as { port: number }).port}`;
        resolve({ url: through.href, server });
      }),
    );
  }

  test.each([
    [false, []],
    [true, ['prepared statements fail there']],
  ])('that forgets prepared statements: %s', async (forgets, findings) => {
    const { url, server } = await poolerBefore(db.edgeUrl, forgets);
    const found = await pooler(db.admin, { ...site, edgeUrl: url });
    server.close();
    expect(wrong(found)).toEqual(findings);
    if (!forgets) expect(found[0]?.finding).toContain('pages go through one');
  });
});

describe('roles', () => {
  test.each<[string, string, Check, string]>([
    ['one with more power', 'alter role vs_patient createdb', logins, 'may do more than it should'],
    ['one that may become another', 'grant vs_dpo to vs_patient', memberships, 'may become vs_dpo'],
    [
      'one with a setting of its own',
      'alter role vs_edge set lock_timeout = 1',
      roleSettings,
      'has the setting lock_timeout',
    ],
    [
      'a database with a setting',
      `alter database "$db" set row_security = off`,
      roleSettings,
      'has the setting row_security',
    ],
  ])('%s', async (_, statement, check, finding) => {
    const found = await within(statement.replace('$db', db.name), check);
    expect(found).toContainEqual(expect.stringContaining(finding));
  });
});

describe('drift', () => {
  test.each([
    [
      'a function with another body',
      "create or replace function access.sees(role text, account uuid, organisation uuid, own uuid, patient uuid) returns boolean language sql stable set search_path = '' as 'select true'",
      'function access.sees was changed',
    ],
    [
      'a policy that is gone',
      'drop policy select_clinician on store.notes',
      'policy select_clinician on store.notes is missing',
    ],
    [
      'a policy that lets more in',
      'alter policy select_clinician on store.notes using (true)',
      'policy select_clinician on store.notes was changed',
    ],
    [
      'a policy of one’s own',
      'create policy mine on store.notes for select to vs_auditor using (true)',
      "policy mine on store.notes is nobody's of us",
    ],
    [
      'a table without row-level security',
      'alter table store.notes no force row level security',
      'table store.notes was changed',
    ],
    ['a table that was made', 'create table store.copies (id int)', "table store.copies is nobody's of us"],
    ['a grant', 'grant update on store.notes to vs_clinician', 'grant on store.notes to vs_clinician was changed'],
    [
      'a grant to somebody else',
      'grant select on vault.keys to vs_auditor',
      "grant on vault.keys to vs_auditor is nobody's of us",
    ],
    [
      'a function that was made',
      'create function iam.back_door() returns int language sql return 1',
      "function iam.back_door is nobody's of us",
    ],
    ['an index that is gone', 'drop index store.notes_patient', 'index notes_patient on store.notes is missing'],
    [
      'a trigger that is off',
      'alter table store.notes disable trigger _900_audit',
      'trigger _900_audit on store.notes is off',
    ],
    [
      'a trigger that is gone',
      'drop trigger _900_audit on store.notes',
      'trigger _900_audit on store.notes is missing',
    ],
    [
      'a rule',
      'create rule hush as on delete to vault.keys do instead nothing',
      "rule hush on vault.keys is nobody's of us",
    ],
    [
      'an event trigger',
      "create function public.spy() returns event_trigger language plpgsql as 'begin end'; create event trigger spy on ddl_command_end execute function public.spy()",
      "event trigger spy is nobody's of us",
    ],
    ['another owner', 'alter table store.notes owner to postgres', 'store.notes belongs to postgres'],
    [
      'a view that selects something else',
      `do $$ begin execute 'create or replace view clinic.referral_periods with (security_invoker = true) as '
         || replace(pg_get_viewdef('clinic.referral_periods'::regclass), '> now()', 'is not null'); end $$`,
      'view clinic.referral_periods selects something else',
    ],
  ])('%s', async (_, statement, finding) => {
    const found = await within(statement, drift);
    expect(found).toContain(finding);
    expect(found.length).toBeLessThan(6);
  });
});

describe('the log', () => {
  const events = (when: string) =>
    superuser.query(
      `set session_replication_role = replica; update audit.events set at = ${when}; set session_replication_role = origin`,
    );

  test('events that wait too long, and nothing outside', async () => {
    expect(wrong(await checkpoints(db.admin, site))).toEqual(['nothing has been signed yet']);
    await events("now() - interval '11 minutes'");
    expect(wrong(await checkpoints(db.admin, site))).toContainEqual(
      expect.stringMatching(/^\d+ wait, and the last checkpoint is missing/),
    );
  });

  test('a sealed log is fine, until its checkpoint is old', async () => {
    await sealOnce(site);
    expect(wrong(await checkpoints(db.admin, site))).toEqual([]);
    await superuser.query(
      "set session_replication_role = replica; update audit.checkpoints set sealed_at = now() - interval '3 hours'; set session_replication_role = origin",
    );
    await asOwner(db.admin, () => db.admin.query("select iam.create_organisation($1, 'X')", [db.ring]));
    expect(wrong(await checkpoints(db.admin, site))).toContainEqual(
      expect.stringMatching(/wait, and the last checkpoint is 3 hours old/),
    );
  });

  test('another history than the one that was signed', async () => {
    await superuser.query(
      'set session_replication_role = replica; update audit.nodes set hash = sha256(hash); update audit.log set hash = sha256(hash); set session_replication_role = origin',
    );
    expect(wrong(await checkpoints(db.admin, site)).length).toBeGreaterThan(0);
  });

  test('an event that was changed before it joined', async () => {
    await asOwner(db.admin, () => db.admin.query("select iam.create_organisation($1, 'Y')", [db.ring]));
    await superuser.query(
      "set session_replication_role = replica; update audit.events e set leaf = 'x' where not exists (select from audit.log l where (l.organisation_id, l.lane, l.seq) = (e.organisation_id, e.lane, e.seq)); set session_replication_role = origin",
    );
    await sealOnce(site).catch(() => {});
    expect(wrong(await checkpoints(db.admin, site))).toContainEqual(expect.stringContaining("can't join the log"));
  });

  test('events outside of every month, and months that nobody prepared', async () => {
    const later = {
      query: (text: string, values?: unknown[]) =>
        db.admin.query(text.replaceAll('> now()', "> now() + interval '1 year'"), values),
    };
    expect(wrong(await months(later as never, site))).toEqual([expect.stringMatching(/^0 are prepared/)]);
    await events("now() + interval '9 years'");
    expect(wrong(await months(db.admin, site))).toEqual([expect.stringMatching(/^\d+ events are dated outside/)]);
  });
});

test('a database that was restarted, copied or restored', async () => {
  await superuser.query("update ops.service set started_at = started_at - interval '1 hour'");
  expect(wrong(await cleared(db.admin, site))).toEqual([expect.stringContaining('nobody is let in')]);
});
