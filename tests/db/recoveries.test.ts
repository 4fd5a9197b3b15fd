// Recovery (0300_recoveries) as the edge does it: two factors stay two, whatever was lost.
import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner, createAccount } from '../../db/owner.ts';
import { totpCode } from '../../db/totp.ts';
import { prehash } from '../../edge/password.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { owner, type Taken, take } from '../support/outbox.ts';
import { createPatient, createPerson, createPractice, openSession, type Practice } from '../support/practice.ts';
import { look, open } from '../support/world.ts';

let db: TestDatabase;
let gate: pg.Client;
let edge: pg.Client;
let practice: Practice;
/** Has a password, an app, and a confirmed address. */
let me: string;
let token: string;
const email = 'anne.roux@exemple.fr';
const password = 'correct horse battery staple';
const chosen = 'a wholly different sentence';
const secret = randomBytes(20);
const newToken = () => randomBytes(32).toString('base64url');
let last = 0;
const caller = () => ({ ip: `198.51.100.${++last % 250}`, user_agent: 'test' });

beforeAll(async () => {
  db = await createDatabase();
  [gate, edge] = await Promise.all([connect(db.gateUrl), connect(db.edgeUrl)]);
  practice = await createPractice(db);
  const profile = { family_name: 'Roux', given_name: 'Anne' };
  const organisation = practice.organisation;
  me = await asOwner(db.admin, () =>
    createAccount(db.admin, db.keys, { organisation, role: 'clinician', email, profile, password, totpSecret: secret }),
  );
  [{ hash }] = await owner(db, 'select password_hash as hash from iam.accounts where id = $1', [me]);
});
let hash: string;
beforeEach(async () => {
  await owner(db, 'delete from ops.limits; delete from iam.recoveries; delete from ops.outbox');
  await owner(db, 'update iam.accounts set password_hash = $2, email_confirmed_at = now() where id = $1', [me, hash]);
  // the factors that are about to be lost: an app, and a recovery code
  await owner(
    db,
    `insert into iam.totp_factors (account_id, secret, confirmed_at)
     values ($1, vault.seal(vault.unwrap($2, $1, 'profile'), $1, $1, 1, '', 'iam.totp_factors.secret', $3), now())
     on conflict (account_id) do update set secret = excluded.secret, confirmed_at = now(), last_step = 0`,
    [me, db.ring, secret.toString('base64')],
  );
  await owner(db, 'delete from iam.recovery_codes');
  await owner(db, "insert into iam.recovery_codes (account_id, code_hash) values ($1, '$2a$10$' || repeat('.', 53))", [
    me,
  ]);
  await take(db, gate);
  token = await asOwner(db.admin, () => openSession(db, me));
});
afterAll(async () => {
  await Promise.all([gate.end(), edge.end()]);
  await db.close();
});

type Answer = Record<string, unknown> & { answer: string };
const call = async (name: string, values: unknown[]): Promise<Answer> => {
  const places = values.map((_, i) => `$${i + 2}`).join(', ');
  return (await gate.query(`select * from iam.${name}($1, ${places})`, [db.ring, ...values])).rows[0];
};
const of = (typed: string, account = me) => prehash(db.pepper, account, typed);
const linkOf = (message: Taken | undefined) => String(message?.vars.path).split('/').at(-1) ?? '';
const letters = async () =>
  Object.fromEntries((await take(db, gate)).map((one) => [`${one.channel} ${one.template}`, one]));

/** The link that is mailed to whoever asks. */
async function askForLink(address = email): Promise<string> {
  expect((await call('request_recovery', [address, newToken(), caller()])).answer).toBe('ok');
  return linkOf((await letters())['email recovery_link']);
}
async function choose(link: string, lost: string, typed: string, account = me) {
  const [session, cancel] = [newToken(), newToken()];
  const given = await call('choose_recovery', [link, lost, await of(typed, account), session, cancel, caller()]);
  return { ...given, session, cancel };
}
const read = (link: string) => call('read_recovery', [link, caller()]);
async function complete(link: string, typed: string, account = me) {
  const session = newToken();
  return { ...(await call('complete_recovery', [link, await of(typed, account), session, caller()])), session };
}
const takeFactor = async (session: string, method: string, code: string) => {
  const next = newToken();
  return { ...(await call('take_factor', [session, method, { code }, next, caller()])), next };
};
const enter = async (session: string) => {
  await edge.query('begin');
  const { rows } = await edge.query('select iam.enter($1, $2) as answer', [session, db.ring]);
  await edge.query('rollback');
  return rows[0].answer as string;
};
const passwordIs = async (typed: string) =>
  (
    await owner(
      db,
      'select extensions.crypt($2, password_hash) = password_hash as yes from iam.accounts where id = $1',
      [me, await of(typed)],
    )
  )[0].yes as boolean;
const methods = async () => (await owner(db, 'select iam.methods_of($1) as m', [me]))[0].m as string[];
/** As /enrol does: gives the token of the session that is whole. */
async function addApp(session: string): Promise<string> {
  const begun = await call('begin_totp', [session, caller()]);
  const next = newToken();
  const code = totpCode(begun.secret as Buffer);
  const added = await call('confirm_totp', [session, code, next, caller()]);
  expect([begun.answer, added.answer]).toEqual(['ok', 'ok']);
  return next;
}
const tomorrow = () =>
  owner(
    db,
    "update iam.recoveries set ready_at = ready_at - interval '25 hours' where state = 'waiting' and ready_at <> 'infinity'",
  );
const entry = (session: string) => ({ token: session, ring: db.ring });
const waitingId = async () =>
  (await owner(db, "select id from iam.recoveries where state = 'waiting'"))[0].id as string;
/** What the administrator does about me: `suspend_account($1, $2)`. */
async function administer(change: string) {
  const key = randomUUID();
  await owner(db, 'update iam.sessions set factor_at = clock_timestamp() where token_hash = iam.hash_token($1)', [
    practice.orgAdmin.token,
  ]);
  expect(await open(edge, entry(practice.orgAdmin.token), "ops.intend($1, 'accounts.change')", [key])).toBe('ok');
  await edge.query('begin');
  await edge.query("select iam.enter($1, $2, null, 'write')", [practice.orgAdmin.token, db.ring]);
  await edge.query(`select clinic.${change}`, [key, me]);
  await edge.query('commit');
}
const confirm = async (session: string, code: unknown) =>
  open(edge, entry(session), 'audit.confirm_recovery($1, $2)', [await waitingId(), code]);

describe('nobody learns', () => {
  test('whether an address is known', async () => {
    const answers = [email, 'personne@exemple.fr', 'pas une adresse'].map((address) =>
      call('request_recovery', [address, newToken(), caller()]),
    );
    const [first, ...others] = await Promise.all(answers);
    for (const other of others) expect(other).toEqual(first);
    expect((await take(db, gate)).map((one) => one.address)).toEqual([email]);
  });

  test('nor fills a mailbox: three messages an hour', async () => {
    const sent = [];
    for (let i = 0; i < 6; i++) {
      expect((await call('request_recovery', [email, newToken(), caller()])).answer).toBe('ok');
      sent.push(...(await take(db, gate)));
    }
    expect(sent).toHaveLength(3);
  });
});

describe('the link alone', () => {
  test('opens nothing, and is not used up by being read', async () => {
    const link = await askForLink();
    for (const _ of [1, 2, 3]) expect((await read(link)).answer).toBe('choose');
    expect(await enter(link)).toBe('signed_out');
  });

  test('is over after an hour', async () => {
    const link = await askForLink();
    await owner(db, 'update iam.recoveries set ends_at = clock_timestamp()');
    expect((await read(link)).answer).toBe('gone');
    expect((await choose(link, 'password', chosen)).answer).toBe('gone');
  });

  test('and a code to the same mailbox are one factor, not two', async () => {
    const link = await askForLink();
    const { answer, session } = await choose(link, 'password', chosen);
    expect(answer).toBe('second_factor');
    expect((await call('sign_in_methods', [session, caller()])).methods).toEqual(['totp', 'recovery_code']);
    // a code that does exist, for this very session
    await owner(
      db,
      `insert into iam.sent_codes (session_id, account_id, method, code_hash)
       select s.id, s.account_id, 'email_code', extensions.hmac('042817', vault.derive(vault.unwrap($2, s.account_id, 'profile'), 'code'), 'sha256')
       from iam.sessions s where s.token_hash = iam.hash_token($1)`,
      [session, db.ring],
    );
    expect((await takeFactor(session, 'email_code', '042817')).answer).toBe('refused');
    expect(await passwordIs(password)).toBe(true);
  });

  test('doesn’t do where the mailbox is all that there is', async () => {
    const other = await asOwner(db.admin, () =>
      createPerson(db, { organisation: practice.organisation, role: 'clinician' }),
    );
    await owner(db, 'update iam.accounts set email_confirmed_at = now() where id = $1', [other.account]);
    const link = await askForLink(other.email);
    expect((await choose(link, 'password', chosen, other.account)).answer).toBe('no_factor');
  });
});

describe('without the password', () => {
  test('a second factor changes it, and ends every other session', async () => {
    const link = await askForLink();
    const { session } = await choose(link, 'password', chosen);
    expect(await enter(session)).toBe('second_factor');
    // until then nothing has changed
    expect(await passwordIs(password)).toBe(true);
    expect(await enter(token)).toBe('ok');
    expect((await takeFactor(session, 'totp', '000000')).answer).toBe('refused');
    const { answer, next } = await takeFactor(session, 'totp', totpCode(secret));
    expect(answer).toBe('ok');
    expect(await passwordIs(chosen)).toBe(true);
    expect([await enter(next), await enter(token)]).toEqual(['ok', 'signed_out']);
    expect((await read(link)).answer).toBe('gone');
    expect(Object.keys(await letters())).toEqual(['email password_changed']);
    expect(await owner(db, 'select password_hash from iam.recoveries')).toEqual([{ password_hash: null }]);
  });
});

describe('without the factors', () => {
  test('needs the password, five tries', async () => {
    const link = await askForLink();
    for (let i = 0; i < 5; i++) expect((await choose(link, 'factors', `not this one ${i}`)).answer).toBe('refused');
    expect((await choose(link, 'factors', password)).answer).toBe('gone');
    expect(await owner(db, "select count(*)::int as n from iam.recoveries where state = 'waiting'")).toEqual([
      { n: 0 },
    ]);
  });

  test('waits 24 hours, in which everybody is told', async () => {
    await owner(
      db,
      `insert into iam.phones (account_id, number, confirmed_at) select $1, vault.seal(vault.unwrap($2, $1, 'profile'), $1, $1, 1, '', 'iam.phones.number', '+33612345678'), now()`,
      [me, db.ring],
    );
    const link = await askForLink();
    expect((await choose(link, 'factors', password)).answer).toBe('waiting');
    const told = await letters();
    expect(Object.keys(told).toSorted()).toEqual([
      'email recovery_asks_colleague',
      'email recovery_requested',
      'sms recovery_requested_sms',
    ]);
    expect(told['email recovery_asks_colleague']?.address).toBe(practice.orgAdmin.email);
    expect((await complete(link, password)).answer).toBe('not_yet');
    expect((await read(link)).answer).toBe('waiting');
    expect(await enter(token)).toBe('ok');
    await owner(db, 'delete from iam.phones');
  });

  test('then needs the password again: whoever reads the mailbox hasn’t got it', async () => {
    const link = await askForLink();
    await choose(link, 'factors', password);
    await tomorrow();
    expect((await complete(link, 'not this one')).answer).toBe('refused');
    expect((await owner(db, 'select count(*)::int as n from iam.totp_factors where account_id = $1', [me]))[0].n).toBe(
      1,
    );
  });

  test('ends with a new factor: in one transaction the lost ones go, and every other session', async () => {
    const link = await askForLink();
    await choose(link, 'factors', password);
    await tomorrow();
    expect((await read(link)).answer).toBe('ready');
    const done = await complete(link, password);
    expect(done.answer).toBe('ok');
    // nothing opens before the new factor is there, and nothing has changed
    expect(await enter(done.session)).toBe('second_factor');
    expect((await takeFactor(done.session, 'totp', totpCode(secret))).answer).toBe('expired');
    expect((await call('remove_totp', [done.session, caller()])).remove_totp).toBe('second_factor');
    expect((await call('remove_passkey', [done.session, randomUUID(), caller()])).remove_passkey).toBe('second_factor');
    expect((await call('make_recovery_codes', [done.session, caller()])).answer).toBe('second_factor');
    expect(await enter(token)).toBe('ok');
    expect(await methods()).toEqual(['totp', 'email_code', 'recovery_code']);
    // whoever stops on the way comes back by the same link
    const again = await complete(link, password);
    expect([again.answer, await enter(done.session)]).toEqual(['ok', 'signed_out']);
    const whole = await addApp(again.session);
    expect([await enter(whole), await enter(token)]).toEqual(['ok', 'signed_out']);
    expect(await methods()).toEqual(['totp', 'email_code']);
    expect((await read(link)).answer).toBe('gone');
    expect(Object.keys(await letters())).toContain('email factor_added');
  });
});

describe('is cancelled', () => {
  test('by the link of the notice, and the message of the next day isn’t sent', async () => {
    const link = await askForLink();
    const { cancel } = await choose(link, 'factors', password);
    expect(linkOf((await letters())['email recovery_requested'])).toBe(cancel);
    expect((await call('cancel_recovery', [newToken(), caller()])).answer).toBe('gone');
    expect((await call('cancel_recovery', [cancel, caller()])).answer).toBe('ok');
    expect((await call('cancel_recovery', [cancel, caller()])).answer).toBe('gone');
    await tomorrow();
    expect((await complete(link, password)).answer).toBe('gone');
    await owner(db, "update ops.outbox set next_at = now() where state = 'waiting'");
    expect(Object.keys(await letters())).toEqual(['email recovery_cancelled']);
  });

  test('by whoever signs in with a factor', async () => {
    const link = await askForLink();
    await choose(link, 'factors', password);
    const half = newToken();
    await owner(db, "select iam.start_session($1, $2, $3, '{password}', '{}')", [db.ring, me, half]);
    expect((await takeFactor(half, 'totp', totpCode(secret))).answer).toBe('ok');
    expect((await read(link)).answer).toBe('gone');
  });

  test('by whoever shows a factor again in a session that they have', async () => {
    const link = await askForLink();
    await choose(link, 'factors', password);
    expect((await takeFactor(token, 'totp', totpCode(secret))).answer).toBe('ok');
    expect((await read(link)).answer).toBe('gone');
  });

  test('also when it had come as far as the new factor: nothing has changed', async () => {
    const link = await askForLink();
    const { cancel } = await choose(link, 'factors', password);
    await tomorrow();
    const { session } = await complete(link, password);
    expect((await call('cancel_recovery', [cancel, caller()])).answer).toBe('ok');
    expect(await enter(session)).toBe('signed_out');
    expect((await call('begin_totp', [session, caller()])).answer).toBe('expired');
    expect([await enter(token), await methods()]).toEqual(['ok', ['totp', 'email_code', 'recovery_code']]);
  });

  test('when the account is suspended meanwhile', async () => {
    const link = await askForLink();
    await choose(link, 'factors', password);
    await tomorrow();
    await owner(db, "update iam.accounts set status = 'suspended' where id = $1", [me]);
    expect((await complete(link, password)).answer).toBe('gone');
    expect(await look(edge, entry(practice.orgAdmin.token), 'select * from clinic.recoveries')).toEqual([]);
    expect(await confirm(practice.orgAdmin.token, '000000')).toBe('hidden');
    await owner(db, "update iam.accounts set status = 'active' where id = $1", [me]);
  });

  test.each([
    ['is suspended, and stays so when they are restored', 'suspend_account($1, $2)', 'restore_account($1, $2)'],
    ['has left, and stays so when they come back', 'end_membership($1, $2)', "change_role($1, $2, 'clinician')"],
  ])('when its person %s', async (_what, away, back) => {
    const [link, early] = [await askForLink(), await askForLink()];
    await choose(link, 'factors', password);
    await tomorrow();
    await take(db, gate);
    await administer(away);
    expect([(await read(link)).answer, (await read(early)).answer]).toEqual(['gone', 'gone']);
    expect((await choose(early, 'password', chosen)).answer).toBe('gone');
    await administer(back);
    expect([(await read(link)).answer, (await read(early)).answer]).toEqual(['gone', 'gone']);
    expect((await complete(link, password)).answer).toBe('gone');
    // told, and nothing that leads on
    expect(Object.keys(await letters()).toSorted()).toEqual(['email account_changed', 'email recovery_cancelled']);
  });

  test('when nobody works there any more: the link leads nowhere, and breaks nothing', async () => {
    const link = await askForLink();
    await owner(db, 'update access.memberships set valid_until = clock_timestamp() where account_id = $1', [me]);
    expect([(await read(link)).answer, (await choose(link, 'password', chosen)).answer]).toEqual(['gone', 'gone']);
    await owner(db, "update access.memberships set valid_until = 'infinity' where account_id = $1", [me]);
  });
});

describe('a colleague', () => {
  test('cannot confirm without the code of the page, or by trying them', async () => {
    const link = await askForLink();
    await choose(link, 'both', chosen);
    const right = (await read(link)).code;
    const wrong = right === '000000' ? '000001' : '000000';
    for (let i = 0; i < 5; i++) expect(await confirm(practice.orgAdmin.token, wrong)).toBe('invalid');
    expect(await confirm(practice.orgAdmin.token, right)).toBe('limited');
    expect((await complete(link, chosen)).answer).toBe('not_yet');
  });

  test('is an administrator of this practice, on a fresh factor, and never oneself', async () => {
    const link = await askForLink();
    await choose(link, 'factors', password);
    const { code } = await read(link);
    const elsewhere = await createPractice(db);
    for (const person of [practice.clinician, practice.auditor])
      expect(await confirm(person.token, code)).toBe('forbidden');
    for (const person of [practice.secretary, elsewhere.orgAdmin])
      expect(await confirm(person.token, code)).toBe('hidden');
    await owner(
      db,
      "update iam.sessions set factor_at = now() - interval '11 minutes' where token_hash = iam.hash_token($1)",
      [practice.orgAdmin.token],
    );
    expect(await confirm(practice.orgAdmin.token, code)).toBe('step_up');
    await owner(db, 'update iam.sessions set factor_at = now() where token_hash = iam.hash_token($1)', [
      practice.orgAdmin.token,
    ]);
    await owner(db, "update access.memberships set role = 'org_admin' where account_id = $1", [me]);
    await owner(db, "update iam.sessions set role = 'org_admin' where account_id = $1", [me]);
    expect(await confirm(token, code)).toBe('hidden');
    expect(await look(edge, entry(token), 'select * from clinic.recoveries')).toEqual([]);
    await owner(db, "update access.memberships set role = 'clinician' where account_id = $1", [me]);
    expect(await confirm(practice.orgAdmin.token, code)).toBe('ok');
    expect(await confirm(practice.orgAdmin.token, code)).toBe('ok');
  });

  test('is the way when both are lost: waiting alone never leads in', async () => {
    const link = await askForLink();
    await choose(link, 'both', chosen);
    await owner(db, "update iam.recoveries set asked_at = asked_at - interval '80 hours'");
    await tomorrow();
    expect((await complete(link, chosen)).answer).toBe('not_yet');
    await letters();
    expect(await confirm(practice.orgAdmin.token, (await read(link)).code)).toBe('ok');
    const told = (await letters())['email recovery_confirmed'];
    // the password that was chosen at the beginning, and no other: the mailbox isn't enough now either
    expect((await complete(linkOf(told), password)).answer).toBe('refused');
    const { answer, session } = await complete(linkOf(told), chosen);
    expect([answer, await passwordIs(password)]).toEqual(['ok', true]);
    await addApp(session);
    expect(await passwordIs(chosen)).toBe(true);
  });

  test('rejects it', async () => {
    const link = await askForLink();
    await choose(link, 'both', chosen);
    expect(
      await look(edge, entry(practice.orgAdmin.token), 'select display_name, role, lost from clinic.recoveries'),
    ).toEqual([{ display_name: 'Anne ROUX', role: 'clinician', lost: 'both' }]);
    expect(await open(edge, entry(practice.secretary.token), 'audit.reject_recovery($1)', [await waitingId()])).toBe(
      'hidden',
    );
    expect(await open(edge, entry(practice.orgAdmin.token), 'audit.reject_recovery($1)', [await waitingId()])).toBe(
      'ok',
    );
    expect((await read(link)).answer).toBe('gone');
  });

  test('of a patient is a secretary: that somebody is a patient isn’t an administrator’s to know', async () => {
    const patient = await createPatient(db, practice);
    const person = await asOwner(db.admin, () =>
      createPerson(db, { organisation: practice.organisation, role: 'patient', patient }),
    );
    const link = await askForLink(person.email);
    await choose(link, 'both', chosen, person.account);
    expect((await letters())['email recovery_asks_colleague']?.address).toBe(practice.secretary.email);
    expect(await look(edge, entry(practice.orgAdmin.token), 'select * from clinic.recoveries')).toEqual([]);
    const { code } = await read(link);
    expect(await confirm(practice.orgAdmin.token, code)).toBe('hidden');
    expect(await open(edge, entry(practice.secretary.token), 'audit.open_recoveries()')).toBe('ok');
    expect(
      await look(edge, entry(practice.secretary.token), 'select display_name from clinic.recoveries'),
    ).toHaveLength(1);
    expect(await confirm(practice.secretary.token, code)).toBe('ok');
  });
});

test('every step is in the log, the refused ones too, and nothing personal with them', async () => {
  const link = await askForLink();
  await choose(link, 'factors', 'not this one');
  const { cancel } = await choose(link, 'factors', password);
  await complete(link, password);
  await call('cancel_recovery', [cancel, caller()]);
  const events = await owner(
    db,
    "select event, outcome, details from audit.events where event like 'recovery.%' order by at desc, seq desc limit 5",
  );
  expect(events.map((one) => `${one.event} ${one.outcome}`).toReversed()).toEqual([
    'recovery.request success',
    'recovery.request failure',
    'recovery.request success',
    'recovery.complete failure',
    'recovery.cancel success',
  ]);
  expect(JSON.stringify(events)).not.toMatch(/exemple|Roux/);
});
