// Promise 2: nobody can claim to be someone else inside the database (supabase/migrations/0050_sessions.sql), and
// promise 5: no key leaves the vault (0030_vault.sql). Hardening rules 2, 3, 4 and 17.
import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { openSession } from '../support/practice.ts';
import {
  connectEdge,
  createWorld,
  type Entry,
  inTransaction,
  look,
  open,
  openPatient,
  outcome,
  type World,
} from '../support/world.ts';

let world: World;
let edge: pg.Client;
let other: pg.Client;
let clinician: Entry;
let colleague: Entry;

beforeAll(async () => {
  world = await createWorld();
  [edge, other] = await Promise.all([connectEdge(world.db), connectEdge(world.db)]);
  clinician = { token: world.a.clinician.token, ring: world.db.ring, focus: world.a.mine };
  colleague = { token: world.a.colleague.token, ring: world.db.ring };
  await openPatient(edge, clinician, world.a.mine);
  await openPatient(edge, colleague, world.a.theirs);
});
afterAll(async () => {
  await Promise.all([edge.end(), other.end()]);
  await world.close();
});

type Carried = { claims: string; keys: string; slot: string };
const settings = ['claims', 'keys', 'slot'] as const;

/** What a transaction of the clinician that has just read a clinical row carries. */
const carried = (client: pg.Client): Promise<Carried> =>
  inTransaction(client, clinician, async () => {
    await client.query('select * from clinic.observations');
    const query =
      "select current_setting('vs.claims') as claims, current_setting('vs.keys') as keys, current_setting('vs.slot') as slot";
    return (await client.query<Carried>(query)).rows[0]!;
  });

/** Reads as the colleague, or as nobody, with settings put there by hand. */
const withSettings = (
  client: pg.Client,
  entry: Entry,
  by: Partial<Carried>,
  query = 'select birth_name from clinic.patients',
) =>
  outcome(
    inTransaction(client, entry, async () => {
      for (const name of settings)
        if (by[name] !== undefined) await client.query('select set_config($1, $2, true)', [`vs.${name}`, by[name]]);
      return (await client.query(query)).rows;
    }),
  );

describe('a transaction carries what can be read and not used elsewhere', () => {
  test.each(settings)('nothing of a token or a master key stands in vs.%s', async (name) => {
    const text = (await carried(edge))[name];
    expect(text.length).toBeGreaterThan(64);
    const raw = text + Buffer.from(text, 'base64').toString('latin1');
    for (const secret of secretsOf()) expect(raw).not.toContain(secret);
  });

  test('cannot be replayed in another transaction of the same backend', async () => {
    const kept = await carried(edge);
    expect(await withSettings(edge, colleague, kept)).toBe('VS401');
  });

  test('cannot be replayed in another backend', async () => {
    const kept = await carried(edge);
    expect(await withSettings(other, colleague, kept)).toBe('VS401');
  });

  test.each(['keys', 'slot'] as const)('vs.%s of another transaction opens nothing', async (name) => {
    const kept = await carried(edge);
    const query = 'select * from clinic.observations';
    expect(await withSettings(other, clinician, { [name]: kept[name] }, query)).toMatch(/^VS(401|500)$/);
    expect(await withSettings(other, { ...colleague, focus: world.a.theirs }, { [name]: kept[name] }, query)).toSatisfy(
      isRefusalOrOwnRow,
    );
  });

  test('vs.slot with another patient or level put before it opens nothing', async () => {
    const attempt = inTransaction(edge, { ...clinician, focus: null }, async () => {
      await edge.query('select * from clinic.observations');
      const { rows } = await edge.query("select current_setting('vs.slot') as slot");
      const moved = rows[0].slot.replace(world.a.mine, world.a.theirs);
      await edge.query("select set_config('vs.slot', $1, true)", [moved]);
      return (await edge.query('select * from clinic.observations')).rows;
    });
    // the policy shows the clinician's own patient alone; its slot is gone, so its key is released anew
    expect(await attempt).toHaveLength(1);
  });

  // the log asks for no key, so that nothing but the seal of the claims stands between
  test("an auditor's claims show the log to nobody else, in any transaction or backend", async () => {
    const log = 'select count(*)::int as events from audit.events';
    const auditor: Entry = { token: world.a.auditor.token, ring: world.db.ring };
    const kept = await inTransaction(edge, auditor, async () => {
      expect((await edge.query(log)).rows[0].events).toBeGreaterThan(0);
      return (await edge.query("select current_setting('vs.claims') as claims")).rows[0] as Pick<Carried, 'claims'>;
    });
    for (const client of [edge, other]) {
      expect(await withSettings(client, { ...auditor, token: world.b.auditor.token }, kept, log)).toBe('VS401');
      const forged = { claims: kept.claims.replace(world.a.organisation, world.b.organisation) };
      expect(await withSettings(client, auditor, forged, log)).toBe('VS401');
    }
  });

  test('each value is sealed anew', async () => {
    const [one, two] = [await carried(edge), await carried(edge)];
    for (const name of settings) expect(one[name]).not.toBe(two[name]);
  });
});

// the colleague reading their own patient is right; anything of the clinician's isn't
const isRefusalOrOwnRow = (result: unknown) =>
  typeof result === 'string'
    ? /^VS(401|428|500)$/.test(result)
    : Array.isArray(result) && result.every((row) => row.patient_id === world.a.theirs);

describe('forged claims', () => {
  const forged = (change: (fields: string) => string) =>
    outcome(
      inTransaction(edge, clinician, async () => {
        const { rows } = await edge.query("select current_setting('vs.claims') as claims");
        const claims: string = rows[0].claims;
        const by = claims.slice(0, 64) + change(claims.slice(64));
        expect(by).not.toBe(claims);
        await edge.query("select set_config('vs.claims', $1, true)", [by]);
        return (await edge.query('select id from clinic.patients')).rows;
      }),
    );

  test('cannot name another account', async () => {
    expect(await forged((f) => f.replace(world.a.clinician.account, world.a.colleague.account))).toBe('VS401');
  });
  test('cannot name another organisation', async () => {
    expect(await forged((f) => f.replace(world.a.organisation, world.b.organisation))).toBe('VS401');
  });
  test('cannot name another role', async () => {
    expect(await forged((f) => f.replace('clinician', 'secretary'))).toBe('VS401');
  });
  test('cannot shift a field', async () => {
    expect(await forged((f) => f.replace('NULL,', ''))).toBe('VS401');
  });
  test('cannot take the identity off: no rows are left', async () => {
    const rows = inTransaction(edge, clinician, async () => {
      await edge.query("select set_config('vs.claims', '', true)");
      return (await edge.query('select id from clinic.patients')).rows;
    });
    expect(await rows).toEqual([]);
  });
  test('cannot turn NULL into text by array_nulls', async () => {
    const rows = inTransaction(edge, { ...clinician, focus: null }, async () => {
      await edge.query("select set_config('array_nulls', 'off', true)");
      return (await edge.query('select id from clinic.patients')).rows;
    });
    expect(await outcome(rows)).toSatisfy((r) => typeof r === 'string' || (r as unknown[]).length <= 1);
  });
});

describe('another role by hand', () => {
  const roles = ['patient', 'clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher', 'import', 'anon'];
  const views = [
    'clinic.patient_names',
    'clinic.notes',
    'clinic.accounts',
    'clinic.audit_events',
    'clinic.record_accesses',
    'clinic.care_teams',
    'audit.events',
  ];

  test.each(roles)("set_config('role', 'vs_%s') shows a secretary nothing more", async (role) => {
    const secretary: Entry = { token: world.a.secretary.token, ring: world.db.ring };
    for (const view of views) {
      const attempt = await outcome(
        inTransaction(edge, secretary, async () => {
          await edge.query('select set_config($1, $2, true)', ['role', `vs_${role}`]);
          return Number((await edge.query(`select count(*) from ${view}`)).rows[0].count);
        }),
      );
      expect([0, '42501', 'VS403', 'VS404', 'VS428']).toContain(attempt);
    }
  });

  test.each(['vs_owner', 'vs_dba', 'vs_gate', 'postgres', 'vs_admin'])('cannot become %s', async (role) => {
    await edge.query('begin');
    expect(await outcome(edge.query("select set_config('role', $1, true)", [role]))).toMatch(/^(42501|22023)$/);
    await edge.query('rollback');
  });

  test('every function asks the sealed role, not the current one', async () => {
    const attempt = (role: string, call: string, values: unknown[] = []) =>
      outcome(
        inTransaction(edge, { ...clinician, phase: 'write' }, async () => {
          await edge.query('select set_config($1, $2, true)', ['role', role]);
          return (await edge.query(`select ${call} as answer`, values)).rows[0].answer;
        }),
      );
    expect(await attempt('vs_import', 'clinic.import_patient($1)', [{ source: 'x', birth_name: 'x' }])).toBe('VS403');
    expect(await attempt('vs_import', 'clinic.import_rows($1, $2, $3)', [world.a.mine, 'notes', '[]'])).toBe('VS404');
    expect(await attempt('vs_auditor', 'audit.open_log()')).toBe('forbidden');
    expect(await attempt('vs_org_admin', 'audit.open_accounts()')).toBe('forbidden');
    expect(await attempt('vs_auditor', '(select count(*) from audit.verify())')).toBe('VS403');
    expect(await attempt('vs_patient', 'audit.open_own_record()')).toBe('hidden');
  });

  test('the import seals and opens nothing', async () => {
    const token = (
      await asOwner(world.db.admin, () =>
        world.db.admin.query('select iam.open_import_session($1, $2, $3) as token', [
          world.db.ring,
          world.a.organisation,
          world.a.clinician.account,
        ]),
      )
    ).rows[0].token;
    const service: Entry = { token, ring: world.db.ring };
    expect(await openPatient(edge, service, world.a.mine)).toBe('hidden');
    expect(await outcome(look(edge, service, 'select * from clinic.patients'))).toBe('42501');
    const asClinician = inTransaction(edge, service, async () => {
      await edge.query("select set_config('role', 'vs_clinician', true)");
      return (await edge.query('select * from clinic.patients')).rows;
    });
    expect(await outcome(asClinician)).toEqual([]);
  });
});

describe('the functions of signing in', () => {
  test('cannot be called by any role that the edge may become', async () => {
    const { rows } = await edge.query(
      "select rolname from pg_roles where pg_has_role('vs_edge', oid, 'member') or rolname = 'vs_edge'",
    );
    expect(rows.length).toBe(10);
    for (const { rolname } of rows) {
      const query = `select p.oid::regprocedure::text as f from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'iam' and p.proname ~ '^(sign_in|open_|create_|set_|totp|unlock)' and has_function_privilege($1, p.oid, 'execute')`;
      expect((await edge.query(query, [rolname])).rows).toEqual([]);
      await edge.query('begin');
      await edge.query("select set_config('role', $1, true)", [rolname]);
      expect(await outcome(edge.query("select iam.sign_in_lookup('x', 'a@b')"))).toBe('42501');
      await edge.query('rollback');
    }
  });

  test('are all that the gate can do', async () => {
    const gate = await connect(world.db.gateUrl);
    for (const query of [
      'select * from iam.accounts',
      "select iam.enter('x', 'y')",
      'select * from clinic.patients',
      "select set_config('role', 'vs_clinician', true)",
    ])
      expect(await outcome(gate.query(query))).toMatch(/^(42501|22023)$/);
    await gate.end();
  });
});

describe('keys', () => {
  test('another ring than the one that sealed opens nothing', async () => {
    const ring = `${world.db.ring.split('=')[0]}=${randomBytes(64).toString('base64')}`;
    expect(await outcome(look(edge, { ...clinician, ring }, 'select birth_name from clinic.patients'))).toBe('VS500');
    expect(
      await outcome(
        look(
          edge,
          { ...clinician, ring: `x=${randomBytes(64).toString('base64')}` },
          'select birth_name from clinic.patients',
        ),
      ),
    ).toBe('VS503');
  });

  test('no error of a broken ring quotes it', async () => {
    for (const ring of ['canary', 'canary=', '2026=canary', world.db.ring.slice(0, -3)]) {
      const failed = await look(edge, { ...clinician, ring }, 'select birth_name from clinic.patients').catch(
        (error: Error) => error,
      );
      expect(JSON.stringify(failed, Object.getOwnPropertyNames(failed))).not.toMatch(
        new RegExp(`canary|${escaped(world.db.ring.slice(5, 30))}`),
      );
    }
  });

  test('the secret of the database, and the ring, are never part of a printed plan', async () => {
    const said: string[] = [];
    for (const phase of ['open', 'read', 'write'] as const) {
      // a backend plans at its first use
      const fresh = await connectEdge(world.db);
      fresh.on('notice', (notice) => said.push(JSON.stringify(notice, Object.getOwnPropertyNames(notice))));
      await fresh.query('begin');
      // by way of settings: a parameter of this very query would stand in its plan
      await fresh.query("select set_config('its.token', $1, true), set_config('its.ring', $2, true)", [
        world.a.clinician.token,
        world.db.ring,
      ]);
      await fresh.query(
        "select set_config(name, value, true) from (values ('debug_print_plan', 'on'), ('debug_pretty_print', 'off'), ('client_min_messages', 'log')) s (name, value)",
      );
      await fresh.query('select iam.enter(current_setting($1), current_setting($2), null, $3)', [
        'its.token',
        'its.ring',
        phase,
      ]);
      for (const query of [
        'select * from clinic.patients',
        'select * from clinic.observations',
        'select * from clinic.me',
        "select audit.open_patient_search(gen_random_uuid(), 'nom', '')",
      ]) {
        await fresh.query('savepoint s');
        await outcome(fresh.query(query));
        await fresh.query('rollback to s');
      }
      await fresh.query('rollback');
      await fresh.end();
    }
    expect(said.length).toBeGreaterThan(3);
    // a plan prints bytes as numbers, with or without their sign
    const { rows } = await superuser('select value from vault.secrets');
    const printed = said.join(' ');
    const master = Buffer.from(world.db.ring.split('=')[1]!, 'base64');
    for (const secret of [
      rows[0].value as Buffer,
      master,
      Buffer.from(world.db.ring),
      Buffer.from(world.a.clinician.token),
    ])
      for (const bytes of [[...secret], [...new Int8Array(secret)]])
        expect(printed.includes(bytes.slice(8, 20).join(' '))).toBe(false);
  });

  test.each(['vault.secrets', 'vault.keys', 'vault.masters', 'store.patients', 'iam.accounts', 'iam.sessions'])(
    'cannot name %s',
    async (table) => {
      expect(await outcome(look(edge, clinician, `select * from ${table}`))).toBe('42501');
    },
  );

  test.each([
    'vault.session_secret()',
    "vault.unwrap('x', gen_random_uuid(), 'identity')",
    'vault.ring()',
    "vault.release(gen_random_uuid(), 'identity')",
    "vault.open('identity', gen_random_uuid(), gen_random_uuid(), 1, '', '{}', '{}')",
    'access.claims()',
    "audit.append(null, 'x', 'x', null, null, 'success')",
  ])('cannot call %s', async (call) => {
    expect(await outcome(look(edge, clinician, `select ${call}`))).toBe('42501');
  });
});

describe('a session', () => {
  const session = () => asOwner(world.db.admin, () => openSession(world.db, world.a.clinician.account));
  const change = (set: string, token: string) =>
    asOwner(world.db.admin, () =>
      world.db.admin.query(`update iam.sessions set ${set} where token_hash = iam.hash_token($1)`, [token]),
    );

  test.each([
    ['expired', "expires_at = clock_timestamp() - interval '1 second'"],
    ['idle for half an hour', "last_seen_at = clock_timestamp() - interval '31 minutes'"],
    ['revoked', 'revoked_at = clock_timestamp()'],
  ])('that is %s opens nothing', async (_, set) => {
    const token = await session();
    await change(set, token);
    expect(await answerTo(token)).toBe('signed_out');
    expect(await outcome(look(edge, { ...clinician, token }, 'select 1'))).toBe('VS401');
  });

  test('of one factor opens nothing', async () => {
    const token = await session();
    await change('factors = 1', token);
    expect(await answerTo(token)).toBe('second_factor');
    expect(await outcome(look(edge, { ...clinician, token }, 'select 1'))).toBe('VS401');
  });

  test('of a membership that ended, or of a suspended account, opens nothing', async () => {
    const { account, token } = world.b.clinician;
    const own = async (query: string) => asOwner(world.db.admin, () => world.db.admin.query(query, [account]));
    await own(
      "update access.memberships set valid_until = clock_timestamp() - interval '1 second' where account_id = $1",
    );
    expect(await answerTo(token)).toBe('signed_out');
    await own("update access.memberships set valid_until = 'infinity' where account_id = $1");
    expect(await answerTo(token)).toBe('ok');
    await own("update iam.accounts set status = 'suspended' where id = $1");
    expect(await answerTo(token)).toBe('signed_out');
    await own("update iam.accounts set status = 'active' where id = $1");
  });

  test('that signed out opens nothing from the next transaction on', async () => {
    const token = await session();
    expect(await open(edge, { ...clinician, token }, 'iam.end_session()')).toBe('ok');
    expect(await answerTo(token)).toBe('signed_out');
  });

  test.each([null, '', randomUUID()])('that does not exist opens nothing (%s)', async (token) => {
    expect(await answerTo(token)).toBe('signed_out');
  });

  /** What iam.enter answers in the first transaction; refused, one acts as vs_anon, who may look at nothing. */
  const answerTo = async (token: string | null) => {
    await edge.query('begin');
    const { rows } = await edge.query('select iam.enter($1, $2) as answer', [token, world.db.ring]);
    const acting = (await edge.query('select current_user as role')).rows[0].role;
    await edge.query('rollback');
    expect(acting).toBe(rows[0].answer === 'ok' ? 'vs_clinician' : 'vs_anon');
    return rows[0].answer;
  };
});

const secretsOf = () => [
  world.a.clinician.token,
  world.db.ring,
  Buffer.from(world.db.ring.split('=')[1]!, 'base64').toString('latin1'),
];
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
async function superuser(query: string) {
  const client = await connect(world.db.superuserUrl);
  try {
    return await client.query(query);
  } finally {
    await client.end();
  }
}
