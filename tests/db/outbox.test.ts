// The outbox: supabase/migrations/0096_outbox.sql. Whoever sends is played here by a connection of the gate; real mail
// servers are in tests/edge/deliver.test.ts.
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { messages } from '../../db/doctor/messages.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { owner, post, stateOf, take, tell } from '../support/outbox.ts';
import { createPractice, type Practice } from '../support/practice.ts';
import { outcome } from '../support/world.ts';

let db: TestDatabase;
let practice: Practice;
let gate: pg.Client;
let other: pg.Client;

beforeAll(async () => {
  db = await createDatabase();
  practice = await createPractice(db);
  [gate, other] = [await connect(db.gateUrl), await connect(db.gateUrl)];
});
afterAll(async () => {
  await Promise.all([gate.end(), other.end()]);
  await db.close();
});
beforeEach(() => owner(db, 'delete from ops.outbox'));

const event = async (id: string) =>
  (
    await owner(
      db,
      "select outcome, details::json as details from audit.events where event = 'message.send' and resource_id = $1",
      [id],
    )
  ).map(({ outcome, details }) => [outcome, details.template, details.reason ?? null]);
const clinician = () => practice.clinician.account;

describe('a message', () => {
  test('that speaks of something that was rolled back is never sent', async () => {
    await outcome(owner(db, "select ops.post($1, $2, 'email', 'password_changed'), 1 / 0", [db.ring, clinician()]));
    expect(await take(db, gate)).toEqual([]);
  });

  test('comes with its address, language, practice and what it holds', async () => {
    await owner(db, "update iam.accounts set lang = 'en' where id = $1", [clinician()]);
    await post(db, clinician(), 'invitation', { path: '/invitations/abc' });
    const [message] = await take(db, gate);
    expect(message).toMatchObject({
      attempt: 1,
      channel: 'email',
      template: 'invitation',
      lang: 'en',
      address: practice.clinician.email,
      vars: { path: '/invitations/abc' },
    });
    expect(message?.organisation).toMatch(/^Cabinet /);
  });

  test('is gone from the database once it was sent', async () => {
    const id = await post(db, clinician(), 'email_code', { code: '042817' });
    const [message] = await take(db, gate);
    expect(await tell(gate, message!, 'sent')).toBe('ok');
    expect(await stateOf(db, id)).toMatchObject({ state: 'sent', gone: true });
    expect(await event(id)).toEqual([['success', 'email_code', null]]);
  });

  test('cannot be told sent a second time, or by who didn’t take it', async () => {
    const id = await post(db, clinician());
    const [message] = await take(db, gate);
    expect(await tell(gate, { id, attempt: 2 }, 'sent')).toBe('over');
    expect(await tell(gate, message!, 'sent')).toBe('ok');
    for (const again of ['sent', 'retry', 'failed']) expect(await tell(gate, message!, again)).toBe('over');
  });
});

describe('nothing is sent twice', () => {
  test('by two that deliver at the same moment', async () => {
    await take(db, gate); // has said who is there
    const ids = [];
    for (let i = 0; i < 12; i++) ids.push(await post(db, clinician()));
    await Promise.all([gate.query('begin'), other.query('begin')]);
    const [mine, theirs] = await Promise.all([take(db, gate, 5), take(db, other, 5)]);
    await Promise.all([gate.query('commit'), other.query('commit')]);
    const rest = await take(db, gate);
    expect([mine.length, theirs.length, rest.length]).toEqual([5, 5, 2]);
    expect([...mine, ...theirs, ...rest].map(({ id }) => id).sort()).toEqual(ids.sort());
  });

  test('when whoever took it is lost: it is uncertain, and stays where it is', async () => {
    const id = await post(db, clinician());
    const [message] = await take(db, gate);
    await owner(db, "update ops.outbox set lease_until = clock_timestamp() - interval '1 second' where id = $1", [id]);
    expect(await take(db, gate)).toEqual([]);
    expect(await stateOf(db, id)).toMatchObject({ state: 'uncertain', gone: true });
    expect(await event(id)).toEqual([['partial', 'password_changed', 'sender lost']]);
    // whoever comes late can't bring it back, but may say that it was sent after all
    expect(await tell(gate, message!, 'retry')).toBe('over');
    expect(await tell(gate, message!, 'sent')).toBe('ok');
    expect(await stateOf(db, id)).toMatchObject({ state: 'sent' });
  });

  test('what was refused for certain is tried again, later each time, and in the end no more', async () => {
    const id = await post(db, clinician());
    const waits = [];
    for (let i = 0; i < 6; i++) {
      const [message] = await take(db, gate);
      expect(await tell(gate, message!, 'retry', 'smtp 451')).toBe('ok');
      waits.push((await stateOf(db, id)).due);
      expect(await take(db, gate)).toEqual([]);
      await owner(db, 'update ops.outbox set next_at = clock_timestamp() where id = $1', [id]);
    }
    expect(waits.map((seconds) => Math.round(seconds / 15))).toEqual([1, 4, 16, 64, 240, 240]);
    await owner(db, "update ops.outbox set expires_at = clock_timestamp() + interval '5 minutes' where id = $1", [id]);
    const [last] = await take(db, gate);
    await tell(gate, last!, 'retry', 'smtp 451');
    expect(await stateOf(db, id)).toMatchObject({ state: 'failed', attempts: 7, gone: true });
    expect(await event(id)).toEqual([['failure', 'password_changed', 'smtp 451']]);
  });
});

describe('nothing is sent', () => {
  test('late: a code that is over', async () => {
    const id = await post(db, clinician(), 'email_code', { code: '042817' });
    await owner(db, "update ops.outbox set expires_at = clock_timestamp() - interval '1 second' where id = $1", [id]);
    expect(await take(db, gate)).toEqual([]);
    expect(await stateOf(db, id)).toMatchObject({ state: 'failed', gone: true });
    expect(await event(id)).toEqual([['failure', 'email_code', 'too late']]);
  });

  test('to somebody without a telephone', async () => {
    const id = await post(db, clinician(), 'sms_code', { code: '042817' }, 'sms');
    expect(await take(db, gate)).toEqual([]);
    expect(await event(id)).toEqual([['failure', 'sms_code', 'no address']]);
  });

  test('by a channel that the delivery didn’t ask for', async () => {
    const id = await post(db, clinician(), 'sms_code', { code: '042817' }, 'sms');
    expect(await take(db, gate, 20, ['email'])).toEqual([]);
    expect(await stateOf(db, id)).toMatchObject({ state: 'waiting' });
  });

  test('that can’t be opened, and it holds up nobody else’s', async () => {
    const broken = await post(db, clinician());
    await owner(db, 'update ops.outbox set vars = set_byte(vars, 20, get_byte(vars, 20) # 1) where id = $1', [broken]);
    // what stands in another row was put there by somebody
    const moved = await post(db, clinician());
    await owner(db, 'update ops.outbox set vars = (select vars from ops.outbox where id = $2) where id = $1', [
      moved,
      await post(db, practice.secretary.account),
    ]);
    expect((await take(db, gate)).map(({ address }) => address)).toEqual([practice.secretary.email]);
    expect(await stateOf(db, broken)).toMatchObject({ state: 'waiting', due: 300 });
    expect(await stateOf(db, moved)).toMatchObject({ state: 'waiting', due: 300 });
  });

  test('with a ring of another installation', async () => {
    await post(db, clinician());
    const wrong = `2026=${Buffer.alloc(64, 7).toString('base64')}`;
    expect(await outcome(gate.query("select ops.take_messages($1, '{email}', 1)", [wrong]))).toBe('VS503');
  });
});

test('what a mail server says never gets into the log', async () => {
  const id = await post(db, clinician());
  const [message] = await take(db, gate);
  await tell(gate, message!, 'failed', `550 no such user <${practice.clinician.email}>`);
  expect(await event(id)).toEqual([['failure', 'password_changed', null]]);
});

test('figures count what waits and what failed', async () => {
  await post(db, clinician());
  await post(db, clinician());
  const [message] = await take(db, gate, 1);
  await tell(gate, message!, 'failed', 'smtp 550');
  const rows = await owner(db, 'select name, value from ops.outbox_figures()');
  expect(Object.fromEntries(rows.map(({ name, value }) => [name, Math.floor(value)]))).toEqual({
    messages_waiting: 1,
    message_wait_seconds: 0,
    messages_failed: 1,
    messages_uncertain: 0,
  });
});

test('one that was posted for later isn’t late before its time', async () => {
  const id = await post(db, clinician());
  const wait = async () =>
    (await owner(db, "select value from ops.outbox_figures() where name = 'message_wait_seconds'"))[0].value;
  await owner(
    db,
    "update ops.outbox set created_at = created_at - interval '1 day', next_at = clock_timestamp() + interval '1 hour' where id = $1",
    [id],
  );
  expect(await wait()).toBe(0);
  await owner(db, "update ops.outbox set next_at = clock_timestamp() - interval '20 minutes' where id = $1", [id]);
  expect(Math.round((await wait()) / 60)).toBe(20);
  const [finding] = await messages(db.admin, undefined as never); // it asks the database alone
  expect(finding).toMatchObject({ state: 'warning', finding: '1 message waits, the oldest for 20 minutes' });
});

test('upkeep clears out what ended a month ago, and nothing that waits', async () => {
  const [ended, waits] = [await post(db, clinician()), await post(db, clinician())];
  const [message] = await take(db, gate, 1);
  expect(message?.id).toBe(ended);
  await tell(gate, message!, 'sent');
  await owner(db, "update ops.outbox set ended_at = ended_at - interval '31 days' where id = $1", [ended]);
  await owner(db, 'select ops.upkeep()');
  expect((await owner(db, 'select id from ops.outbox')).map(({ id }) => id)).toEqual([waits]);
});
