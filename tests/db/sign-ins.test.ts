// What is unusual about a sign-in, who is told, and what is held back: supabase/migrations/0099_sign_ins.sql.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { totpCode, totpStep } from '../../db/totp.ts';
import { change } from '../support/care.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import {
  createPatient,
  createPerson,
  createPractice,
  openSession,
  type Person,
  type Practice,
} from '../support/practice.ts';
import { callerFrom, type From, newToken, signInFrom } from '../support/sign-ins.ts';
import { look, outcome } from '../support/world.ts';

const home = { ip: '192.0.2.7', device: 'a', place: 'FR/Lyon/45.76,4.84' };
const recife = { ip: '198.51.100.9', device: 'x', place: 'BR/Recife/-8.05,-34.9' };

let db: TestDatabase;
let practice: Practice;
let edge: pg.Client;
let gate: pg.Client;
/** A new nurse for each test, who has signed in at home once. */
let nurse: Person;

beforeAll(async () => {
  db = await createDatabase();
  practice = await createPractice(db);
  edge = await connect(db.edgeUrl);
  gate = await connect(db.gateUrl);
});
afterAll(async () => {
  await Promise.all([edge.end(), gate.end()]);
  await db.close();
});
beforeEach(async () => {
  nurse = await asOwner(db.admin, () => createPerson(db, { organisation: practice.organisation, role: 'clinician' }));
  expect((await signInFrom(db, nurse.account, home)).answer).toBe('ok');
});

const owner = (query: string, values: unknown[] = []) =>
  asOwner(db.admin, async () => (await db.admin.query(query, values)).rows);
const from = async (where: From, who = nurse) => (await signInFrom(db, who.account, where)).answer;
const last = async (who = nurse) =>
  (
    await owner(
      'select id, signals, score, outcome from iam.sign_ins where account_id = $1 order by at desc, id desc limit 1',
      [who.account],
    )
  )[0];
/** A link as it stands in the message that was posted last. */
async function mailedLink(who = nurse): Promise<string> {
  const [row] = await owner(
    `select convert_from(vault.unpack(vault.unwrap($1, o.account_id, 'profile'),
       convert_to('ops.outbox.vars', 'UTF8') || '\\x00'::bytea || uuid_send(o.id) || uuid_send(o.account_id) || int8send(1), o.vars), 'UTF8')::jsonb ->> 'path' as link
     from ops.outbox o where o.account_id = $2 order by o.id desc limit 1`,
    [db.ring, who.account],
  );
  return (row.link as string).replace('/sign-ins/', '');
}
const answerLink = async (link: string, mine: boolean): Promise<string> =>
  (await gate.query('select iam.answer_sign_in($1, $2, $3, $4) as answer', [db.ring, link, mine, callerFrom(home)]))
    .rows[0].answer;
const isLive = async (token: string): Promise<boolean> =>
  (await owner('select revoked_at is null as live from iam.sessions where token_hash = iam.hash_token($1)', [token]))[0]
    .live;

describe('held back', () => {
  test('cannot sign in across the ocean ten seconds later, with the right password and the right code', async () => {
    const secret = randomBytes(20);
    await owner(
      `insert into iam.totp_factors (account_id, secret, confirmed_at)
       values ($2::uuid, vault.seal(vault.unwrap($1, $2, 'profile'), $2, $2, 1, '', 'iam.totp_factors.secret', $3), now())`,
      [db.ring, nurse.account, secret.toString('base64')],
    );
    const token = newToken();
    await owner("select iam.start_session($1, $2, $3, '{password}', $4)", [
      ...[db.ring, nurse.account, token],
      callerFrom(recife),
    ]);
    const next = newToken();
    const { rows } = await gate.query("select * from iam.take_factor($1, $2, 'totp', $3, $4, $5)", [
      ...[db.ring, token, { code: totpCode(secret, totpStep()) }, next],
      callerFrom(recife),
    ]);
    expect(rows[0]).toMatchObject({ answer: 'stopped', role: null });
    for (const one of [token, next])
      expect(await outcome(look(edge, { token: one, ring: db.ring }, 'select * from clinic.me'))).toBe('VS401');
    expect(await last()).toMatchObject({
      outcome: 'stopped',
      signals: ['new_device', 'new_network', 'impossible_speed'],
    });
  });

  test('cannot make a place usual by trying again, nor by waiting for the next day', async () => {
    for (let i = 0; i < 3; i++) expect(await from(recife)).toBe('stopped');
    expect(await last()).toMatchObject({ score: 90 });
  });

  test('is let in after the link was answered, from there alone', async () => {
    expect(await from(recife)).toBe('stopped');
    const link = await mailedLink();
    expect(await answerLink(link, true)).toBe('released');
    expect(await from({ ...recife, ip: '203.0.113.77', device: 'y', place: 'SN/Dakar/14.7,-17.4' })).toBe('stopped');
    expect(await from(recife)).toBe('ok');
    expect(await last()).toMatchObject({ outcome: 'let_in', score: 0 });
  });

  test('cannot be released by a link of four days ago, by half a link, or after it was disowned', async () => {
    expect(await from(recife)).toBe('stopped');
    const link = await mailedLink();
    expect(await answerLink(link.slice(0, 42), true)).toBe('expired');
    await owner("update iam.sign_ins set at = at - interval '4 days' where account_id = $1", [nurse.account]);
    expect(await answerLink(link, true)).toBe('expired');
    await owner("update iam.sign_ins set at = at + interval '4 days' where account_id = $1", [nurse.account]);
    expect(await answerLink(link, false)).toBe('disowned');
    expect(await answerLink(link, true)).toBe('disowned');
    expect(await from(recife)).toBe('stopped');
  });

  test('cannot be released by its own administrator, nor by one of another practice', async () => {
    const other = await createPractice(db);
    const { orgAdmin } = practice;
    await signInFrom(db, orgAdmin.account, home);
    expect(await from(recife, orgAdmin)).toBe('stopped');
    const { id } = await last(orgAdmin);
    const release = (token: string) =>
      outcome(change(edge, { token, ring: db.ring }, 'sign_ins.release', 'clinic.release_sign_in($1, $2)', [id]));
    expect(await release(orgAdmin.token)).toBe('VS403');
    expect(await release(other.orgAdmin.token)).toBe('VS404');
    expect(await release(nurse.token)).toBe('42501');
    const colleague = await asOwner(db.admin, () =>
      createPerson(db, { organisation: practice.organisation, role: 'org_admin' }),
    );
    await release(colleague.token);
    expect(await from(recife, orgAdmin)).toBe('ok');
  });
});

describe('who is told', () => {
  const templates = async (who: Person) =>
    (await owner('select template from ops.outbox where account_id = $1 order by id', [who.account])).map(
      (row) => row.template,
    );

  test('the person and the administrators, once for each, and nobody of a usual sign-in', async () => {
    const before = (await templates(practice.orgAdmin)).length;
    await from(home);
    expect(await templates(nurse)).toEqual([]);
    await from({ ip: '203.0.113.5', device: 'b' });
    expect(await templates(nurse)).toEqual(['unusual_sign_in']);
    expect((await templates(practice.orgAdmin)).slice(before)).toEqual(['unusual_sign_in_of_member']);
    await from(recife);
    expect(await templates(nurse)).toEqual(['unusual_sign_in', 'sign_in_stopped']);
  });

  test('the person, of five codes that were refused after the right password, once a day', async () => {
    for (let i = 0; i < 7; i++) {
      const token = newToken();
      await owner("select iam.start_session($1, $2, $3, '{password}', $4)", [
        ...[db.ring, nurse.account, token],
        callerFrom(recife),
      ]);
      await owner("delete from ops.delays where key like 'code/%'"); // else the later ones would only be told to wait
      const { rows } = await gate.query("select * from iam.take_factor($1, $2, 'totp', $3, $4, $5)", [
        ...[db.ring, token, { code: '000000' }, newToken()],
        callerFrom(recife),
      ]);
      expect(rows[0].answer).toBe('refused');
      expect(await templates(nurse)).toEqual(i < 4 ? [] : ['codes_refused']);
    }
  });

  test('no administrator learns who is a patient', async () => {
    const patient = await createPatient(db, practice);
    const person = await asOwner(db.admin, () =>
      createPerson(db, { organisation: practice.organisation, role: 'patient', patient }),
    );
    await signInFrom(db, person.account, home);
    const before = (await templates(practice.orgAdmin)).length;
    expect(await from(recife, person)).toBe('stopped');
    expect(await templates(practice.orgAdmin)).toHaveLength(before);
    const rows = await look(
      edge,
      { token: practice.orgAdmin.token, ring: db.ring },
      "select to_jsonb(s) as row from clinic.unusual_sign_ins s where role = 'patient'",
    );
    expect(rows).toHaveLength(1);
    expect(rows[0].row).toMatchObject({ account_id: null, display_name: null, place: null, km: null });
    expect(JSON.stringify(rows)).not.toContain(person.account);
  });
});

describe('"that wasn\'t me"', () => {
  test('ends every session but the one that says so, and forgets the device', async () => {
    const [mine, other] = await asOwner(db.admin, async () => [
      await openSession(db, nurse.account),
      await openSession(db, nurse.account),
    ]);
    await from({ ip: '203.0.113.5', device: 'b' });
    const { id } = await last();
    await change(edge, { token: mine!, ring: db.ring }, 'sign_ins.disown', 'clinic.disown_sign_in($1, $2)', [id]);
    expect([await isLive(mine!), await isLive(other!), await isLive(nurse.token)]).toEqual([true, false, false]);
    await from({ ip: '203.0.113.5', device: 'b' });
    expect(await last()).toMatchObject({ signals: ['new_device', 'new_network'] });
  });

  test("cannot be said of a colleague's, nor of the session that one is in", async () => {
    const { id } = await last();
    const disown = (token: string, sign_in: string) =>
      outcome(change(edge, { token, ring: db.ring }, 'sign_ins.disown', 'clinic.disown_sign_in($1, $2)', [sign_in]));
    expect(await disown(practice.colleague.token, id)).toBe('VS404');
    const { answer, token } = await signInFrom(db, nurse.account, home);
    expect(answer).toBe('ok');
    expect(await disown(token, (await last()).id)).toBe('VS422');
  });

  test('by the link ends them all', async () => {
    await from({ ip: '203.0.113.5', device: 'b' });
    expect(await answerLink(await mailedLink(), false)).toBe('disowned');
    expect(await isLive(nurse.token)).toBe(false);
  });
});

describe('a browser that several people use', () => {
  test("isn't known to the account of whoever has never signed in there", async () => {
    await from(home, practice.colleague);
    const shared = { ...home, device: 's' };
    expect(await from(shared)).toBe('ok');
    expect(await from(shared, practice.colleague)).toBe('ok');
    expect(await last(practice.colleague)).toMatchObject({ signals: ['new_device'] });
    const known = async (who: Person) =>
      (await gate.query('select iam.sign_in_is_known($1, $2) as known', [who.account, 's'.repeat(43)])).rows[0].known;
    expect([await known(nurse), await known(practice.colleague), await known(practice.secretary)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('is forgotten by one of them alone', async () => {
    const shared = { ...home, device: 't' };
    await from(shared);
    await from(shared, practice.secretary);
    await owner('update iam.devices set forgotten_at = clock_timestamp() where account_id = $1', [nurse.account]);
    await from(shared, practice.secretary);
    await from(shared);
    expect(await last(practice.secretary)).toMatchObject({ score: 0 });
    expect((await last()).signals).toContain('new_device');
  });
});

describe("what isn't unusual", () => {
  test('1,000 failures elsewhere make nothing unusual about a known device', async () => {
    await owner(
      `select audit.append(iam.gate_claims($1, null, null), 'session.password', 'session', null, null, 'failure') from generate_series(1, 1000)`,
      [nurse.account],
    );
    await from(home);
    expect(await last()).toMatchObject({ score: 0 });
  });

  test('but a stranger who comes in after them is one of many tries', async () => {
    await owner(
      `select audit.append(iam.gate_claims($1, null, null), 'session.password', 'session', null, null, 'failure') from generate_series(1, 5)`,
      [nurse.account],
    );
    await from({ ...home, device: 'b' });
    expect(await last()).toMatchObject({ signals: ['new_device', 'many_failures'], outcome: 'told' });
  });

  test("a proxy that sends rubbish as a place is a place that isn't known", async () => {
    for (const place of [
      '',
      'FR',
      'FR/x/1,2,3',
      "FR/'; drop table/1,1",
      'FR/Lyon/991,4',
      'x'.repeat(5000),
      '\u202eFR/a/1,1',
    ])
      expect(await from({ ...home, place })).toBe('ok');
    expect(await last()).toMatchObject({ score: 0 });
  });
});
