import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { chartOf } from '../../db/demo/chart.ts';
import { type DemoAccount, fillDemo } from '../../db/demo/index.ts';
import { FAMILY_NAMES } from '../../db/demo/names.ts';
import { invent, type Person } from '../../db/demo/people.ts';
import { ANJOU } from '../../db/demo/places.ts';
import { Chance } from '../../db/demo/random.ts';
import { SCENARIOS } from '../../db/demo/scenarios.ts';
import { asOwner, checkRing } from '../../db/owner.ts';
import { fromBase32, totpCode } from '../../db/totp.ts';
import { prehash } from '../../edge/password.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let db: TestDatabase;
let accounts: DemoAccount[];
beforeAll(async () => {
  db = await createDatabase();
  await db.admin.query('set role vs_owner');
  await checkRing(db.admin, db.keys);
  await db.admin.query('reset role');
  accounts = await fillDemo({ admin: db.admin, edgeUrl: db.edgeUrl, ring: db.ring, pepper: db.pepper });
});
afterAll(() => db.close());

const today = new Date('2026-11-22T12:00:00Z');
const people = SCENARIOS.flatMap((scenario, number) => {
  const of = (seed: string) => {
    const chance = new Chance(seed);
    const person = invent(chance, FAMILY_NAMES[number] as string, scenario.sex, scenario.age, ANJOU, today);
    return { person, chart: chartOf(seed, person, scenario, { account: 'a', name: 'Dr A' }, chance, today) };
  };
  return Array.from({ length: 5 }, (_, i) => of(`${i}/${number}`));
});

/** Signs in as the page does; gives the token of a session with two factors. */
async function signIn({ email, password, totpSecret }: DemoAccount): Promise<string> {
  const gate = await connect(db.gateUrl);
  try {
    const caller = { ip: '127.0.0.1', user_agent: 'test' };
    const [first, second] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')];
    const { rows } = await gate.query('select iam.sign_in_lookup($1, $2) as id', [db.ring, email]);
    const hash = await prehash(db.pepper, rows[0].id, password);
    const ask = () =>
      gate.query('select * from iam.sign_in_password($1, $2, $3, $4, $5)', [db.ring, rows[0].id, hash, first, caller]);
    let told = await ask();
    // several sign in from one address at once here
    for (; told.rows[0].answer === 'busy'; told = await ask()) await new Promise((done) => setTimeout(done, 100));
    expect(told.rows[0]).toMatchObject({ answer: 'second_factor' });
    const code = totpCode(fromBase32(totpSecret));
    const done = await gate.query("select * from iam.take_factor($1, $2, 'totp', $3, $4, $5)", [
      db.ring,
      first,
      { code },
      second,
      caller,
    ]);
    expect(done.rows[0]).toMatchObject({ answer: 'ok' });
    return second;
  } finally {
    await gate.end();
  }
}

/** The patients of a clinician's list, as the page asks for it. */
async function listOf(account: DemoAccount): Promise<{ id: string; birth_name: string }[]> {
  const token = await signIn(account);
  const edge = await connect(db.edgeUrl);
  try {
    const selection = randomUUID();
    await edge.query('begin');
    await edge.query('select iam.enter(token => $1, ring => $2)', [token, db.ring]);
    await edge.query('select audit.open_patient_list($1)', [selection]);
    await edge.query('commit');
    await edge.query('begin read only');
    await edge.query("select iam.enter(token => $1, ring => $2, phase => 'read')", [token, db.ring]);
    const query = 'select id, birth_name from clinic.patient_names where id = any (audit.selected($1))';
    return (await edge.query(query, [selection])).rows;
  } finally {
    await edge.end();
  }
}

describe('the demo’s people cannot', () => {
  test('see the other practice, nor a clinician the colleague’s patients', async () => {
    const clinicians = accounts.filter((account) => account.role === 'clinician');
    const lists = await Promise.all(clinicians.map(listOf));
    expect(lists.map((list) => list.length)).toEqual([16, 16, 16, 16]);
    expect(new Set(lists.flat().map(({ id }) => id)).size).toBe(64);
    expect(lists.flat().every(({ birth_name }) => FAMILY_NAMES.includes(birth_name))).toBe(true);
  });

  test('be guessed: passwords and second factors are of this installation', () => {
    for (const { password, totpSecret } of accounts) {
      expect(password).toMatch(/^[a-z]{4}(-[a-z]{4}){5}$/);
      expect(fromBase32(totpSecret)).toHaveLength(20);
    }
    expect(new Set(accounts.map((a) => a.password)).size).toBe(14);
  });

  test('be mistaken for somebody: numbers, mails and INS are of the ranges for fiction', () => {
    for (const { person } of people) {
      expect(person.phone ?? '06 39 98 00 00').toMatch(/^06 39 98 \d\d \d\d$/);
      expect(person.email ?? 'a.b@courriel.example').toMatch(/^[a-z]+\.[a-z]+@courriel\.example$/);
      expect(person.ins_oid ?? '1.2.250.1.213.1.4.10').toBe('1.2.250.1.213.1.4.10');
    }
  });
});

test('each organisation has two clinicians, a secretary, an administrator, an auditor, a DPO and a patient', () => {
  const roles = ['auditor', 'clinician', 'clinician', 'dpo', 'org_admin', 'patient', 'secretary'];
  const organisations = [...new Set(accounts.map((a) => a.organisation))];
  expect(organisations).toHaveLength(2);
  for (const name of organisations)
    expect(
      accounts
        .filter((a) => a.organisation === name)
        .map((a) => a.role)
        .sort(),
    ).toEqual(roles);
  expect(accounts[0]).toMatchObject({ role: 'clinician', email: 'claire@cabinet-tilleuls.example' });
});

test('a colleague has opened the record of the patient with an account in an emergency, which is over', async () => {
  const { rows } = await asOwner(db.admin, () =>
    db.admin.query(`select b.kind, b.ends_at <= clock_timestamp() as over, m.role from access.broken_glass b
                    join access.memberships m on m.patient_id = b.patient_id`),
  );
  expect(rows).toEqual([{ kind: 'colleague_unreachable', over: true, role: 'patient' }]);
});

describe('an invented chart', () => {
  const nir = ({ ins_matricule }: Person) => ins_matricule ?? '';

  test('belongs to a person whose traits agree', () => {
    for (const { person } of people.filter(({ person }) => nir(person))) {
      const body = nir(person).slice(0, 13);
      expect(97 - Number(BigInt(body) % 97n)).toBe(Number(nir(person).slice(13)));
      expect(body.slice(0, 5)).toBe(
        (person.sex === 'male' ? '1' : '2') + person.birth_date.slice(2, 4) + person.birth_date.slice(5, 7),
      );
      expect(body.slice(5, 10)).toBe(person.birth_place);
    }
  });

  test('is the same from the same seed', () => {
    const make = () => invent(new Chance('x'), 'Vidal', 'female', [30, 40], ANJOU, today);
    expect(make()).toEqual(make());
  });

  test('never holds an allergy to what is prescribed in it', () => {
    for (const { chart } of people)
      for (const allergy of chart.allergy_intolerances as { code: { text: string } }[])
        expect(JSON.stringify(chart.medication_requests)).not.toContain(allergy.code.text);
  });

  test('lies in the past, after birth, and has a note for each visit', () => {
    for (const { person, chart } of people) {
      expect(chart.notes).toHaveLength(chart.encounters.length);
      for (const { started_at } of chart.encounters as { started_at: string }[]) {
        expect(started_at < today.toISOString()).toBe(true);
        expect(started_at > person.birth_date).toBe(true);
      }
    }
  });
});
