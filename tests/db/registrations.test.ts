// Registering (0320_registrations) as the edge does it: what nobody learns, and what isn't there before an address is confirmed.
import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { prehash } from '../../edge/password.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { owner, take } from '../support/outbox.ts';
import { createPractice, type Practice } from '../support/practice.ts';
import { look, open } from '../support/world.ts';

let db: TestDatabase;
let gate: pg.Client;
let edge: pg.Client;
let practice: Practice;
const password = 'correct horse battery staple';
const newToken = () => randomBytes(32).toString('base64url');
const somebody = () => `p-${randomUUID().slice(0, 8)}@exemple.fr`;
let last = 0;
const caller = () => ({ ip: `198.51.100.${++last % 250}`, user_agent: 'test' });
const identity = {
  birth_name: 'Le Goff',
  first_given_name: 'Anaïs',
  used_name: 'Martin',
  sex: 'female',
  birth_date: '1990-07-14',
};

beforeAll(async () => {
  db = await createDatabase();
  [gate, edge] = await Promise.all([connect(db.gateUrl), connect(db.edgeUrl)]);
  practice = await createPractice(db);
});
beforeEach(() => owner(db, 'delete from ops.limits'));
afterAll(async () => {
  await Promise.all([gate.end(), edge.end()]);
  await db.close();
});

const ask = async (email: string, organisation = practice.organisation, token = newToken()) => {
  const { rows } = await gate.query('select answer from iam.request_registration($1, $2, $3, $4, $5, $6)', [
    db.ring,
    organisation,
    email,
    'fr',
    token,
    caller(),
  ]);
  return { answer: rows[0].answer as string, token };
};
const read = async (token: string) =>
  (await gate.query('select * from iam.read_registration($1, $2, $3)', [db.ring, token, caller()])).rows[0];
const agreed = async (): Promise<Record<string, string>> => {
  const { rows } = await gate.query("select type, hash from iam.consent_texts('fr') where needed");
  return Object.fromEntries(rows.map((row) => [row.type, row.hash]));
};
const complete = async (token: string, given: { who?: object; consents?: unknown } = {}) => {
  const { account } = await read(token);
  const next = newToken();
  const { rows } = await gate.query('select answer from iam.complete_registration($1, $2, $3, $4, $5, $6, $7)', [
    db.ring,
    token,
    await prehash(db.pepper, account ?? randomUUID(), password),
    JSON.stringify(given.who ?? identity),
    JSON.stringify(given.consents === undefined ? await agreed() : given.consents),
    next,
    caller(),
  ]);
  return { answer: rows[0].answer as string, session: next, account: account as string };
};
const patients = async () => Number((await owner(db, 'select count(*) from store.patients'))[0].count);
const enter = async (token: string) => {
  await edge.query('begin');
  const { rows } = await edge.query('select iam.enter($1, $2) as answer', [token, db.ring]);
  await edge.query('rollback');
  return rows[0].answer as string;
};
/** As 0092 does when an app was confirmed. */
const addFactor = async (session: string) => {
  const token = newToken();
  await owner(
    db,
    `select iam.first_factor($1, s.id, 'totp', $2, '{}') from iam.sessions s where s.token_hash = iam.hash_token($3)`,
    [db.ring, token, session],
  );
  return token;
};

describe('nobody learns', () => {
  test('whether an address is known: one answer, and its owner alone is told', async () => {
    await take(db, gate);
    expect((await ask(practice.clinician.email)).answer).toBe('ok');
    const unknown = somebody();
    expect((await ask(unknown)).answer).toBe('ok');
    const sent = await take(db, gate);
    expect(sent.map(({ address, template }) => [address, template])).toEqual([
      [practice.clinician.email, 'registration_exists'],
      [unknown, 'email_confirmation'],
    ]);
    const events = await owner(
      db,
      "select outcome, resource_id, details from audit.events where event = 'account.register' order by at desc limit 2",
    );
    expect(events[0]).toEqual(events[1]);
  });

  test('whether somebody is suspended: no message, the same answer', async () => {
    await owner(db, "update iam.accounts set status = 'suspended' where id = $1", [practice.colleague.account]);
    await take(db, gate);
    expect((await ask(practice.colleague.email)).answer).toBe('ok');
    expect(await take(db, gate)).toEqual([]);
    await owner(db, "update iam.accounts set status = 'active' where id = $1", [practice.colleague.account]);
  });
});

describe('nothing is there before an address is confirmed', () => {
  test('no password, no membership, no record', async () => {
    const before = await patients();
    const { token } = await ask(somebody());
    const { account, answer } = await read(token);
    expect(answer).toBe('new');
    const [row] = await owner(
      db,
      `select a.status, a.password_hash, a.email_confirmed_at, (select count(*)::int from access.memberships m where m.account_id = a.id) as memberships
       from iam.accounts a where a.id = $1`,
      [account],
    );
    expect(row).toEqual({ status: 'invited', password_hash: null, email_confirmed_at: null, memberships: 0 });
    expect(await patients()).toBe(before);
  });

  test('reading a link, as mail programs do, uses nothing up', async () => {
    const { token } = await ask(somebody());
    for (const _ of [1, 2, 3]) expect((await read(token)).answer).toBe('new');
  });

  test('a day later everything about it is forgotten, and the address is free', async () => {
    const email = somebody();
    const { token } = await ask(email);
    const { account } = await read(token);
    await owner(
      db,
      "with l as (update iam.registration_links set sent_at = sent_at - interval '25 hours' where account_id = $1) update iam.registrations set asked_at = asked_at - interval '25 hours' where account_id = $1",
      [account],
    );
    expect((await read(token)).answer).toBe('gone');
    await owner(db, 'select ops.upkeep()');
    const left = await owner(
      db,
      'select (select count(*)::int from vault.keys where subject_id = $1) as keys, (select count(*)::int from iam.registrations where account_id = $1) as rows, status from iam.accounts where id = $1',
      [account],
    );
    expect(left[0]).toEqual({ keys: 0, rows: 0, status: 'suspended' });
    expect((await read((await ask(email)).token)).account).not.toBe(account);
  });

  test('an invitation that ran out holds no address', async () => {
    const email = somebody();
    const rows = await owner(
      db,
      'select iam.invite($1, $2, \'clinician\', $3, \'{"family_name": "Roux", "given_name": "Anne"}\') as id',
      [db.ring, practice.organisation, email],
    );
    expect((await read((await ask(email)).token)).answer).toBe('gone');
    await owner(db, "update iam.invitations set expires_at = now() - interval '1 day' where account_id = $1", [
      rows[0].id,
    ]);
    expect((await read((await ask(email)).token)).answer).toBe('new');
  });

  test('whoever typed an address first doesn’t keep its owner from being invited', async () => {
    const email = somebody();
    await ask(email);
    const rows = await owner(
      db,
      'select iam.invite($1, $2, \'clinician\', $3, \'{"family_name": "Roux", "given_name": "Anne"}\') as id',
      [db.ring, practice.organisation, email],
    );
    const known = await gate.query('select iam.sign_in_lookup($1, $2) as id', [db.ring, email]);
    expect(known.rows[0].id).toBe(rows[0].id);
  });
});

describe('cannot register', () => {
  test.each([
    ['no address', 'personne'],
    ['two', 'a@b@c'],
    ['a line of its own', 'a@b.fr\nBcc: x@y.fr'],
    ['one without end', `${'a'.repeat(250)}@b.fr`],
  ])('with %s', async (_, email) => {
    expect((await ask(email)).answer).toBe('invalid');
  });

  test('at a practice that is closed, or isn’t one', async () => {
    expect((await ask(somebody(), randomUUID())).answer).toBe('closed');
    const { token } = await ask(somebody());
    await owner(db, "update access.organisations set registration = 'closed' where id = $1", [practice.organisation]);
    expect((await ask(somebody())).answer).toBe('closed');
    expect((await read(token)).answer).toBe('closed');
    expect((await complete(token)).answer).toBe('closed');
    expect((await gate.query('select id from iam.open_practices()')).rows.map((row) => row.id)).not.toContain(
      practice.organisation,
    );
    await owner(db, "update access.organisations set registration = 'open' where id = $1", [practice.organisation]);
  });

  test('without the consents that are needed, and nothing is written', async () => {
    const before = await patients();
    const { token } = await ask(somebody());
    const all = await agreed();
    for (const type of Object.keys(all)) {
      const { [type]: _, ...rest } = all;
      expect((await complete(token, { consents: rest })).answer, type).toBe('consents');
    }
    for (const consents of [null, [], 'all', { ...all, marketing: 'f'.repeat(64) }, { ...all, everything: 'x' }])
      expect((await complete(token, { consents })).answer).toBe('consents');
    expect(await patients()).toBe(before);
    expect((await read(token)).answer).toBe('new');
  });

  test.each([
    ['no name', { birth_name: '' }],
    ['a name without letters', { birth_name: '12' }],
    ['no given name', { first_given_name: ' ' }],
    ['a sex that isn’t one of the list', { sex: 'F' }],
    ['a date of another form', { birth_date: '14/07/1990' }],
    ['a day that doesn’t exist', { birth_date: '1990-02-30' }],
    ['a day to come', { birth_date: '2999-01-01' }],
    ['a control character', { birth_name: 'Le\u0007Goff' }],
    ['a name that turns the reading direction', { used_name: 'Ma\u202extra' }],
    ['a name with a letter of no width', { first_given_name: 'An\u200baïs' }],
    ['a name without end', { birth_name: 'x'.repeat(101) }],
    ['an identity status of their own', { identity_status: 'qualifiee' }],
    ['a matricule', { ins_matricule: '290077512345678' }],
    ['a telephone that isn’t one', { phone: '06 12; drop' }],
  ])('as somebody with %s', async (_, wrong) => {
    const { token } = await ask(somebody());
    expect((await complete(token, { who: { ...identity, ...wrong } })).answer).toBe('invalid');
  });

  test('by a link that nobody sent, or sixty of them', async () => {
    const from = { ip: '203.0.113.9', user_agent: 'test' };
    const answers = [];
    for (let i = 0; i < 25; i++)
      answers.push(
        (await gate.query('select answer from iam.read_registration($1, $2, $3)', [db.ring, newToken(), from])).rows[0]
          .answer,
      );
    expect(answers.slice(0, 20)).toEqual(Array(20).fill('gone'));
    expect(answers.at(-1)).toBe('wait');
  });

  test('more than three times an hour to one address, whoever asks', async () => {
    const email = somebody();
    await take(db, gate);
    const sent = [];
    for (let i = 0; i < 6; i++) {
      expect((await ask(email)).answer).toBe('ok');
      sent.push(...(await take(db, gate)));
    }
    expect(sent).toHaveLength(3);
  });
});

test.each([
  ['an ideographic dot', 'jo@exemple。fr'],
  ['letters of full width', 'jo@ｅxemple.fr'],
  ['a hyphen that is not shown', 'jo@exem\u00adple.fr'],
  ['brackets', '<jo@exemple.fr>'],
  ['a name before it', '"Jo"<jo@exemple.fr>'],
  ['a comment', 'jo(1)@exemple.fr'],
  ['two recipients', 'ja,jo@exemple.fr'],
])('a mailbox is written in one way, so that it is told three times at most: not with %s', async (_what, email) => {
  await take(db, gate);
  expect((await ask(email)).answer).toBe('invalid');
  expect(await take(db, gate)).toEqual([]);
});

describe('registering', () => {
  test('makes a record of one’s own, provisional, and a session that opens nothing before a factor', async () => {
    const email = somebody();
    const { token } = await ask(email);
    const { answer, session, account } = await complete(token);
    expect(answer).toBe('ok');
    expect(await enter(session)).toBe('second_factor');
    const [row] = await owner(
      db,
      `select a.status, m.role, p.identity_status, p.organisation_id, (select count(*)::int from privacy.consents c where c.patient_id = p.id) as consents
       from iam.accounts a join access.memberships m on m.account_id = a.id join store.patients p on p.id = m.patient_id where a.id = $1`,
      [account],
    );
    expect(row).toEqual({
      status: 'invited',
      role: 'patient',
      identity_status: 'provisoire',
      organisation_id: practice.organisation,
      consents: 3,
    });
    expect((await complete(token)).answer).toBe('resume');
    expect(await patients()).toBeGreaterThan(0);

    const whole = { token: await addFactor(session), ring: db.ring };
    expect(await enter(session)).toBe('signed_out');
    expect(await open(edge, whole, 'audit.open_own_record()')).toBe('ok');
    expect(await look(edge, whole, 'select birth_name, used_name, email from clinic.patients')).toEqual([
      { birth_name: 'Le Goff', used_name: 'Martin', email },
    ]);
    // the practice's secretary finds them; a clinician doesn't
    const secretary = { token: practice.secretary.token, ring: db.ring };
    expect(
      await open(edge, secretary, 'audit.open_patient_search($1, $2, $3)', [randomUUID(), 'Le Goff', '1990-07-14']),
    ).toBe('ok');
    const clinician = { token: practice.clinician.token, ring: db.ring };
    const [mine] = await owner(db, 'select patient_id from access.memberships where account_id = $1', [account]);
    expect(await open(edge, clinician, 'audit.open_patient($1)', [mine.patient_id])).toBe('hidden');
    // who, when, which words, from where
    const [proof] = await owner(
      db,
      'select ip is not null as sealed, session_id is not null as session from privacy.consents where account_id = $1 limit 1',
      [account],
    );
    expect(proof).toEqual({ sealed: true, session: true });
  });

  test('goes on with the password after a pause, and with no other', async () => {
    const email = somebody();
    const { token } = await ask(email);
    const { account } = await complete(token);
    const again = (await ask(email)).token;
    expect((await read(token)).answer).toBe('resume');
    expect(await read(again)).toMatchObject({ answer: 'resume', account });
    const resume = async (typed: string) => {
      const next = newToken();
      const { rows } = await gate.query('select answer from iam.resume_registration($1, $2, $3, $4, $5)', [
        db.ring,
        again,
        await prehash(db.pepper, account, typed),
        next,
        caller(),
      ]);
      return { answer: rows[0].answer, next };
    };
    expect((await resume('not the password at all')).answer).toBe('refused');
    const { answer, next } = await resume(password);
    expect(answer).toBe('ok');
    expect(await enter(next)).toBe('second_factor');
    await addFactor(next);
    expect((await read(again)).answer).toBe('gone');
  });

  test('isn’t ended by somebody else who asks in between', async () => {
    const email = somebody();
    const { token } = await ask(email);
    await ask(email);
    expect((await complete(token)).answer).toBe('ok');
  });

  test('leads to the practice that its owner chose, whatever somebody else asks for in between', async () => {
    const elsewhere = (await createPractice(db)).organisation;
    const email = somebody();
    const { token } = await ask(email);
    const { organisation } = await read(token);
    const stranger = await ask(email, elsewhere);
    expect((await read(token)).organisation).toBe(organisation);
    const { answer, account } = await complete(token);
    expect(answer).toBe('ok');
    const at = (await owner(db, 'select organisation_id from access.memberships where account_id = $1', [account]))[0];
    expect(at.organisation_id).toBe(practice.organisation);
    // there is one record: the other link leads to it
    expect(await read(stranger.token)).toMatchObject({ answer: 'resume', organisation });
  });

  test('twice at once makes one record', async () => {
    const { token } = await ask(somebody());
    const other = await connect(db.gateUrl);
    const { account } = await read(token);
    const before = await patients();
    const hash = await prehash(db.pepper, account, password);
    const consents = JSON.stringify(await agreed());
    const answers = await Promise.all(
      [gate, other].map(async (client) => {
        const values = [db.ring, token, hash, JSON.stringify(identity), consents, newToken(), caller()];
        return (await client.query('select answer from iam.complete_registration($1, $2, $3, $4, $5, $6, $7)', values))
          .rows[0].answer;
      }),
    );
    await other.end();
    expect(answers.toSorted()).toEqual(['ok', 'resume']);
    expect(await patients()).toBe(before + 1);
  });
});

describe('a flood from many networks', () => {
  const asked = async (email: string, ip: string) =>
    (
      await gate.query('select * from iam.request_registration($1, $2, $3, $4, $5, $6)', [
        ...[db.ring, practice.organisation, email, 'fr', newToken()],
        { ip, user_agent: 'test' },
      ])
    ).rows[0] as { answer: string; retry_after: number };
  const messages = async () => Number((await owner(db, 'select count(*) from ops.outbox'))[0].count);

  test('cannot send more than the installation takes up, and the answer is the same for every address', async () => {
    const { token } = await ask(somebody());
    await owner(db, 'delete from ops.limits');
    const before = await messages();
    const answers: string[] = [];
    for (let i = 0; i < 80; i++) answers.push((await asked(somebody(), `10.1.${i}.1`)).answer);
    expect(answers).toEqual([...Array(60).fill('ok'), ...Array(20).fill('wait')]);
    expect((await messages()) - before).toBe(60);
    for (const email of [practice.clinician.email, somebody()]) {
      const { answer, retry_after } = await asked(email, '10.2.0.1');
      expect([answer, retry_after > 0 && retry_after <= 30]).toEqual(['wait', true]);
    }
    const events = await owner(
      db,
      "select details from audit.events where event = 'session.limited' order by at desc limit 2",
    );
    expect(events.filter(({ details }) => details.includes('register'))).toHaveLength(1);
    // who has a link already goes on
    expect((await read(token)).answer).toBe('new');
    expect((await complete(token)).answer).toBe('ok');
  }, 60_000);

  test('cannot keep out somebody whom the practice invites', async () => {
    await owner(db, 'update iam.registering set at_once = 1');
    expect((await asked(somebody(), '10.3.0.1')).answer).toBe('ok');
    expect((await asked(somebody(), '10.3.0.2')).answer).toBe('wait');
    const address = somebody();
    const [{ account }] = await owner(db, 'select iam.invite($1, $2, $3, $4, $5) as account', [
      ...[db.ring, practice.organisation, 'secretary', address],
      { family_name: 'Le Goff', given_name: 'Lou' },
    ]);
    await owner(db, 'select iam.send_invitation($1, $2)', [db.ring, account]);
    let token = '';
    for (let i = 0; i < 20 && token === ''; i++) {
      const some = await take(db, gate);
      token = String(some.find((one) => one.address === address)?.vars.path ?? '')
        .split('/')
        .at(-1)!;
    }
    const { rows } = await gate.query('select answer from iam.accept_invitation($1, $2, $3, null, $4, $5)', [
      ...[db.ring, token, `p1:${'A'.repeat(44)}`, newToken()],
      { ip: '10.3.0.3' },
    ]);
    expect(rows[0].answer).toBe('ok');
    await owner(db, 'update iam.registering set at_once = default');
  });

  test('is let in again as time goes by, and the owner may let in more', async () => {
    await owner(db, 'update iam.registering set at_once = 1');
    expect((await asked(somebody(), '10.4.0.1')).answer).toBe('ok');
    expect((await asked(somebody(), '10.4.0.2')).answer).toBe('wait');
    await owner(db, "update ops.limits set at = at - interval '31 seconds' where key = 'route/register/all'");
    expect((await asked(somebody(), '10.4.0.3')).answer).toBe('ok');
    await owner(db, 'update iam.registering set at_once = default');
  });
});
