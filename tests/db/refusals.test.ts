// Refused attempts, failed sign-ins and errors stand in the log although their transaction left nothing behind:
// db/batch.ts, audit.record_refusal (0080_openings), iam.record_failed_sign_in (0090_sign_in), iam.admit (0050_sessions).
import { randomBytes, randomUUID } from 'node:crypto';
import { type CompiledQuery, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkPassword, lookUp, recordFailed, takeFactor } from '../../app/sign-in/queries.ts';
import type { Door, Refusal, Role, Who } from '../../db/batch.ts';
import { openDoor } from '../../db/door.ts';
import { asOwner, createAccount } from '../../db/owner.ts';
import { k } from '../../db/query.ts';
import { prehash } from '../../edge/password.ts';
import type { Person } from '../support/practice.ts';
import { openWire, type Wire } from '../support/proxy.ts';
import { createWorld, type World } from '../support/world.ts';

type Event = { event: string; outcome: string; actor: string | null; patient: string | null; details: string | null };

let world: World;
let wire: Wire;
let door: Door;
let account: string;
const email = 'medecin@exemple.fr';
const from: Who = { ip: '192.0.2.9', userAgent: 'test', token: null, role: 'anon', requestId: '' };

beforeAll(async () => {
  world = await createWorld();
  wire = await openWire(world.db.edgeUrl);
  door = openDoor({ edgeUrl: wire.url, gateUrl: world.db.gateUrl, ring: world.db.ring });
  account = await asOwner(world.db.admin, () =>
    createAccount(world.db.admin, world.db.keys, {
      organisation: world.a.organisation,
      role: 'clinician',
      email,
      profile: { family_name: 'Roux', given_name: 'Anne' },
      password: 'correct horse battery staple',
      totpSecret: randomBytes(20),
    }),
  );
});
afterAll(async () => {
  await door.close();
  await wire.close();
  await world.close();
});

const owner = (query: string, values: unknown[] = []) =>
  asOwner(world.db.admin, async () => (await world.db.admin.query(query, values)).rows);
const query = <Row = unknown>(text: TemplateStringsArray, ...values: unknown[]): CompiledQuery<Row> =>
  sql<Row>(text, ...values).compile(k);
const who = (person: Person): Who => ({
  token: person.token,
  role: person.role as Role,
  ip: '192.0.2.7',
  userAgent: 'test',
  requestId: randomUUID(),
});
const openPatient = (id: string) => query`select audit.open_patient(${id}) as answer`;
const read = (person: Person, id: string, ...reads: CompiledQuery<unknown>[]) =>
  door.read(who(person), { open: openPatient(id), focus: id, reads });
const write = (person: Person, id: string, note: object, key = randomUUID(), operation = 'notes.sign') =>
  door.write(who(person), {
    open: openPatient(id),
    focus: id,
    key,
    operation,
    change: query`select clinic.write_note(${key}, ${id}, ${JSON.stringify(note)}) as id`,
    reads: [],
  });
const reasonOf = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'done',
    (refusal: Refusal) => refusal.reason,
  );

/** How it ended, and the failures that were not in the log before. */
async function recordedBy(attempt: () => Promise<unknown>): Promise<[string, Event[]]> {
  const before = new Set((await owner('select id from audit.events')).map((row) => row.id));
  const reason = await reasonOf(attempt());
  const rows = await owner(
    `select id, event, outcome, actor_id as actor, patient_id as patient, details from audit.events
     where outcome = 'failure' order by at`,
  );
  return [reason, rows.filter((row) => !before.has(row.id)).map(({ id: _, ...event }) => event)];
}

describe('a page that is refused', () => {
  test('for a hidden patient', async () => {
    const { clinician, theirs } = world.a;
    expect(await recordedBy(() => read(clinician, theirs))).toEqual([
      'hidden',
      [expect.objectContaining({ event: 'patient.read', actor: clinician.account })],
    ]);
  });

  test('because it belongs to another role', async () => {
    const { clinician } = world.a;
    const log = () => door.read(who(clinician), { open: query`select audit.open_log() as answer`, reads: [] });
    expect(await recordedBy(log)).toEqual([
      'forbidden',
      [expect.objectContaining({ event: 'log.read', actor: clinician.account })],
    ]);
  });

  test('because a thousand patients were opened within the hour', async () => {
    const { colleague, theirs } = world.a;
    await owner(
      `insert into audit.openings select s.id, gen_random_uuid(), 'identity', clock_timestamp(), pg_current_xact_id()
       from iam.sessions s, generate_series(1, 1000) where s.account_id = $1`,
      [colleague.account],
    );
    expect(await recordedBy(() => read(colleague, theirs))).toEqual([
      'limited',
      [expect.objectContaining({ event: 'openings.limited', actor: colleague.account })],
    ]);
    await owner('delete from audit.openings o using iam.sessions s where s.id = o.session_id and s.account_id = $1', [
      colleague.account,
    ]);
  });

  test('again and again by a session that is over: thirty are in the log at once, and it grows no further', async () => {
    const { researcher } = world.a;
    await owner('update iam.sessions set revoked_at = clock_timestamp() where account_id = $1', [researcher.account]);
    const [, events] = await recordedBy(async () => {
      for (let i = 0; i < 40; i += 1) await reasonOf(read(researcher, world.a.mine));
    });
    expect(events).toHaveLength(30);
  });

  test.each(['MARIE', 'Dupon', 'VS4O4', '42P01; drop'])(
    'for a reason that is no SQLSTATE, %s: it is not written down',
    async (word) => {
      const { clinician } = world.a;
      const [, events] = await recordedBy(() =>
        door.read(who(clinician), { open: query`select audit.record_refusal(null, ${word}) as answer`, reads: [] }),
      );
      expect(events).toEqual([expect.objectContaining({ event: 'page.refused', details: '{"sqlstate" : null}' })]);
    },
  );

  test.each([
    'revoked_at = clock_timestamp()',
    "last_seen_at = clock_timestamp() - interval '31 minutes'",
    'factors = 1',
  ])('because of its session: %s', async (change) => {
    const { dpo } = world.a;
    await owner(`update iam.sessions set ${change} where account_id = $1`, [dpo.account]);
    const answer = change === 'factors = 1' ? 'second_factor' : 'signed_out';
    expect(await recordedBy(() => read(dpo, world.a.mine))).toEqual([
      answer,
      [expect.objectContaining({ event: 'page.refused', actor: dpo.account, details: `{"answer" : "${answer}"}` })],
    ]);
    await owner(
      'update iam.sessions set revoked_at = null, last_seen_at = clock_timestamp(), factors = 2 where account_id = $1',
      [dpo.account],
    );
  });
});

describe('what fails in the second transaction', () => {
  const refused = (person: Person, sqlstate: string, patient: string | null) => [
    expect.objectContaining({
      event: 'page.refused',
      actor: person.account,
      patient,
      details: `{"sqlstate" : "${sqlstate}"}`,
    }),
  ];
  const raising = (code: string) => query`select audit.tg_events__append_only(), ${code}`; // an acting role may not even name it

  test.each([
    ['VS401', 'signed_out'],
    ['VS403', 'forbidden'],
    ['VS404', 'hidden'],
    ['VS409', 'conflict'],
    ['VS422', 'invalid'],
    ['VS428', 'fault'],
    ['VS503', 'unavailable'],
  ])('with %s', async (code, reason) => {
    const { clinician, mine } = world.a;
    await owner(
      `create function clinic.fail_for_test() returns text language plpgsql set search_path = '' as $$ begin raise exception using errcode = '${code}'; end $$`,
    );
    await owner('grant execute on function clinic.fail_for_test to vs_clinician');
    const [ended, events] = await recordedBy(() => read(clinician, mine, query`select clinic.fail_for_test()`));
    await owner('drop function clinic.fail_for_test');
    expect(ended).toBe(reason);
    expect(events).toEqual(code === 'VS401' ? [] : refused(clinician, code, mine));
  });

  test('with a function that nobody may call', async () => {
    const { clinician, mine } = world.a;
    const attempt = () => read(clinician, mine, raising('x'));
    expect(await recordedBy(attempt)).toEqual(['forbidden', refused(clinician, '42501', mine)]);
  });

  test('with a fault of ours', async () => {
    const { clinician, mine } = world.a;
    const attempt = () => read(clinician, mine, query`select 1 / 0`);
    expect(await recordedBy(attempt)).toEqual(['fault', refused(clinician, '22012', mine)]);
  });

  test('because it took too long', async () => {
    const { clinician, mine } = world.a;
    const attempt = () =>
      read(clinician, mine, query`select set_config('statement_timeout', '50ms', true)`, query`select pg_sleep(5)`);
    expect(await recordedBy(attempt)).toEqual(['unavailable', refused(clinician, '57014', mine)]);
  });

  test('a note without a word', async () => {
    const { clinician, mine } = world.a;
    expect(await recordedBy(() => write(clinician, mine, { subjective: '  ' }))).toEqual([
      'invalid',
      refused(clinician, 'VS422', mine),
    ]);
  });

  test('a note by somebody who writes none', async () => {
    const { secretary, mine } = world.a;
    expect(await recordedBy(() => write(secretary, mine, { subjective: 'x' }))).toEqual([
      'forbidden',
      refused(secretary, '42501', mine),
    ]);
  });

  test("a key that stands for somebody else's change", async () => {
    const { clinician, colleague, mine, theirs } = world.a;
    const key = randomUUID();
    await write(clinician, mine, { subjective: 'x' }, key);
    expect(await recordedBy(() => write(colleague, theirs, { subjective: 'y' }, key))).toEqual([
      'conflict',
      refused(colleague, 'VS409', theirs),
    ]);
  });

  test('and nothing is recorded for a form that was sent twice', async () => {
    const { clinician, mine } = world.a;
    const key = randomUUID();
    await write(clinician, mine, { subjective: 'x' }, key);
    expect(await recordedBy(() => write(clinician, mine, { subjective: 'x' }, key))).toEqual(['done', []]);
  });
});

describe('what fails in the first transaction', () => {
  test.each([
    ['an error', query`select (1 / 0)::text as answer`, '22012', 'fault'],
    ['an injected commit', query`select 'ok' as answer; commit`, '42601', 'fault'],
  ])('with %s', async (_, open, sqlstate, reason) => {
    const { clinician, mine } = world.a;
    const [ended, events] = await recordedBy(() => door.read(who(clinician), { open, focus: mine, reads: [] }));
    expect(ended).toBe(reason);
    expect(events).toEqual([
      expect.objectContaining({ event: 'page.refused', details: `{"sqlstate" : "${sqlstate}"}` }),
    ]);
  });

  test('a patient whose id is none', async () => {
    const { clinician } = world.a;
    const attempt = () => door.read(who(clinician), { open: openPatient('x'), focus: 'x', reads: [] });
    expect(await recordedBy(attempt)).toEqual([
      'invalid',
      [expect.objectContaining({ event: 'page.refused', details: '{"sqlstate" : "22P02"}' })],
    ]);
  });
});

test('a connection that is lost twice in the middle of a page is in the log, and so is the look', async () => {
  const { clinician, mine } = world.a;
  const attempt = () =>
    read(clinician, mine, query`select pg_catalog.pg_sleep(0.3)`, query`select 1`).finally(() => wire.reset());
  wire.breakTwice();
  const looks = () =>
    owner("select id from audit.events where event = 'patient.read' and actor_id = $1", [clinician.account]);
  const before = (await looks()).length;
  const [reason, events] = await recordedBy(attempt);
  expect(reason).toBe('unavailable');
  expect(events).toEqual([expect.objectContaining({ event: 'page.refused', details: '{"sqlstate" : "08006"}' })]);
  expect((await looks()).length).toBe(before + 2);
});

describe('a sign-in that fails', () => {
  const ring = () => world.db.ring;
  const token = () => randomBytes(32).toString('base64url');
  async function password(address: string, typed: string, next = token()) {
    const [found] = await door.gate(lookUp(ring(), address, from));
    const hash = await prehash(world.db.pepper, found!.id, typed);
    await door.gate(checkPassword(ring(), found!.id, hash, next, from), recordFailed(ring(), found!.id, from));
    return next;
  }
  const code = (at: string, typed: string, ip = from.ip) => {
    const who = { ...from, ip, token: at };
    return door.gate(takeFactor(ring(), 'totp', { code: typed }, token(), who), recordFailed(ring(), null, who));
  };

  test('with a wrong password, at an address without an account, and with a wrong code', async () => {
    const wrong = (reason: string) => `{"reason":"${reason}"}`;
    expect((await recordedBy(() => password(email, 'wrong')))[1]).toEqual([
      expect.objectContaining({ event: 'session.password', actor: account, details: wrong('refused') }),
    ]);
    expect((await recordedBy(() => password('personne@exemple.fr', 'wrong')))[1]).toEqual([
      expect.objectContaining({ event: 'session.password', actor: null, details: wrong('refused') }),
    ]);
    const half = await password(email, 'correct horse battery staple');
    expect((await recordedBy(() => code(half, 'abcdef')))[1]).toEqual([
      expect.objectContaining({ event: 'session.factor', actor: account, details: expect.stringContaining('refused') }),
    ]);
    for (let i = 0; i < 4; i += 1) await code(half, 'abcdef');
    for (let i = 0; i < 2; i += 1)
      expect((await recordedBy(() => code(half, 'abcdef')))[1]).toEqual([
        expect.objectContaining({
          event: 'session.factor',
          actor: account,
          details: expect.stringContaining('expired'),
        }),
      ]);
    expect((await recordedBy(() => code(token(), 'abcdef')))[1]).toEqual([
      expect.objectContaining({ event: 'page.refused', actor: null, details: expect.stringContaining('unknown') }),
    ]);
  });

  test('by an error of its own', async () => {
    await owner('alter table ops.limits rename to limits_gone');
    try {
      expect(await recordedBy(() => password(email, 'wrong'))).toEqual([
        'fault',
        [
          expect.objectContaining({
            event: 'session.password',
            actor: account,
            details: '{"reason" : "error", "sqlstate" : "42P01"}',
          }),
        ],
      ]);
    } finally {
      await owner('alter table ops.limits_gone rename to limits');
    }
    const half = await password(email, 'correct horse battery staple');
    expect(await recordedBy(() => code(half, '000000', 'no address'))).toEqual([
      'invalid',
      [
        expect.objectContaining({
          event: 'session.factor',
          actor: account,
          details: '{"reason" : "error", "sqlstate" : "VS422"}',
        }),
      ],
    ]);
  });
});

test('and the chains are intact', async () => {
  expect(await owner('select * from audit.verify_all()')).toEqual([]);
});
