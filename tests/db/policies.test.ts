// The explanations of `vitalsync policy` agree with what the database does: supabase/migrations/0270_policies.sql.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { type Explanation, whoCanSee, whyTheySee } from '../../db/policies.ts';
import { runCommand } from '../support/cli.ts';
import { openSession } from '../support/practice.ts';
import { connectEdge, createWorld, openPatient, outcome, type World } from '../support/world.ts';

let world: World;
let edge: pg.Client;
let superuser: pg.Client;
let people: { account: string; membership: string; role: string }[];
let patients: string[];

beforeAll(async () => {
  world = await createWorld();
  [edge, superuser] = await Promise.all([connectEdge(world.db), connect(world.db.superuserUrl)]);
  const { rows } = await superuser.query(
    'select account_id as account, id as membership, role from access.memberships',
  );
  people = rows;
  patients = [world.a.mine, world.a.theirs, world.b.mine, world.b.theirs];
});
afterAll(async () => {
  await Promise.all([edge.end(), superuser.end()]);
  await world.close();
});

const why = async (account: string, patient: string): Promise<Explanation> =>
  (await whyTheySee(world.db.admin, account, patient))[0]!;
const owner = (sql: string, values: unknown[] = []) => asOwner(world.db.admin, () => world.db.admin.query(sql, values));

describe('an explanation in words', () => {
  test('a clinician of the care team: since when, as what, and by which policies', async () => {
    const { words, policies, ...verdict } = await why(world.a.clinician.account, world.a.mine);
    expect(verdict).toMatchObject({ role: 'clinician', organisation: 'Cabinet A', identity: true, clinical: true });
    expect(words[0]).toMatch(/^care team \S+ led by \S+, as lead, since \d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
    expect(policies.flatMap(({ tables }) => tables)).toContain('store.notes');
    expect(policies[0]).toMatchObject({ policy: 'select_clinician', why: "Patients of one's care teams." });
  });

  test('a secretary sees identity and nothing clinical', async () => {
    const { words, policies, ...verdict } = await why(world.a.secretary.account, world.a.mine);
    expect(verdict).toMatchObject({ identity: true, clinical: false });
    expect(words).toEqual(['a secretary of the organisation: identity, nothing clinical']);
    expect(policies.flatMap(({ tables }) => tables)).toEqual(['store.patients']);
  });

  test.each([
    ['of another organisation', () => world.b.clinician.account, 'the patient belongs to another organisation'],
    ['who sees no patient', () => world.a.auditor.account, 'the role auditor sees no patient'],
    [
      'without a care team',
      () => world.a.colleague.account,
      'no care team follows the patient with them in it, no referral, no broken glass',
    ],
    ['who is another patient', () => world.b.patient.account, 'a patient sees their own record alone'],
  ])('somebody %s is told why not', async (_, account, words) => {
    expect(await why(account(), world.a.mine)).toMatchObject({
      identity: false,
      clinical: false,
      words: [words],
      policies: [],
    });
  });

  test('a stay that ended, and an account that is suspended', async () => {
    const { account } = world.b.colleague;
    await owner('update access.care_team_members set valid_until = clock_timestamp() where account_id = $1', [account]);
    expect((await why(account, world.b.theirs)).words[0]).toMatch(/^care team .*, ended \d{4}-/);
    await owner("update iam.accounts set status = 'suspended' where id = $1", [account]);
    expect((await why(account, world.b.theirs)).words).toEqual(['the account is suspended']);
  });

  test('nobody who isn’t there', async () => {
    const missing = '00000000-0000-4000-8000-00000000dead';
    expect(await whoCanSee(world.db.admin, missing)).toEqual([]);
    expect((await why(world.a.clinician.account, missing)).words).toEqual([
      'there is no such patient, or it was erased',
    ]);
    await expect(whoCanSee(world.db.admin, 'x')).rejects.toThrow('is no id of a patient');
  });
});

test('vitalsync policy says it in words, with names of staff when it is asked to, and never a patient’s', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vitalsync-policy-'));
  const environment = { DATABASE_URL: world.db.adminUrl, VITAL_DIR: directory, ...inject('testServer').keyLines };
  const who = await runCommand(['policy', 'who-can-see', world.a.mine, '--names'], environment);
  expect(who).toMatchObject({ code: 0, err: '' });
  expect(who.out).toMatch(
    /Camille Nomclinician \(\S+\), clinician of Cabinet A: sees the whole record\n {2}by care team/,
  );
  expect(who.out).toMatch(/secretary of Cabinet A: sees the identity/);
  expect(who.out).toContain("select_clinician: Patients of one's care teams.");
  expect(who.out).not.toContain('Nompatient');
  const why = await runCommand(['policy', 'why', world.a.colleague.email, world.a.mine], environment);
  expect(why.out).toMatch(/^\S{36}, clinician of Cabinet A: sees nothing\n {2}- no care team/);
  const data = await runCommand(['policy', 'why', world.a.clinician.account, world.a.mine, '--json'], environment);
  expect(JSON.parse(data.out).explanations[0]).toMatchObject({ identity: true, clinical: true });
  rmSync(directory, { recursive: true });
});

describe('asking', () => {
  const events = async () =>
    (
      await superuser.query(
        "select organisation_id, resource_id, patient_id, details::json as details from audit.events where resource_type = 'Access' order by at desc, seq desc",
      )
    ).rows;

  test('is recorded, and isn’t shown to the patient as a look', async () => {
    const before = (await events()).length;
    await whoCanSee(world.db.admin, world.a.mine);
    await why(world.a.clinician.account, world.a.mine);
    const [last, first, ...others] = await events();
    expect(others.length).toBe(before);
    expect(last).toMatchObject({
      organisation_id: world.a.organisation,
      resource_id: world.a.mine,
      patient_id: null,
      details: { account: world.a.clinician.account, login: 'vs_admin' },
    });
    expect(first).toMatchObject({ details: { account: null } });
  });

  test('is the DBA’s as well, and nobody’s who acts', async () => {
    const dba = await connect(world.db.dbaUrl);
    expect((await dba.query('select role from access.who_can_see($1)', [world.a.mine])).rows.length).toBeGreaterThan(2);
    await dba.end();
    expect((await events())[0].details.login).toBe('vs_dba');
    await edge.query('begin');
    await edge.query('select iam.enter($1, $2)', [world.a.orgAdmin.token, world.db.ring]);
    expect(await outcome(edge.query('select access.who_can_see($1)', [world.a.mine]))).toBe('42501');
    await edge.query('rollback');
  });
});

// ---------------------------------------------------------------- whatever happens, words and deeds agree

const change = fc.record({
  kind: fc.constantFrom('stay', 'follow', 'referral', 'glass', 'account', 'membership'),
  who: fc.nat(),
  patient: fc.nat(),
  /** Hours from now, and how many; a glass lasts half an hour. */
  from: fc.integer({ min: -3, max: 2 }),
  length: fc.integer({ min: 0, max: 4 }),
  status: fc.constantFrom('active', 'active', 'suspended'),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

const pick = <T>(list: readonly T[], n: number): T => list[n % list.length]!;

/** As only a superuser can, past triggers: whatever rows there are, the words must be true. */
async function apply({ kind, who, patient, from, length, status }: Change): Promise<void> {
  const clinicians = people.filter(({ role }) => role === 'clinician');
  const clinician = pick(clinicians, who).account;
  const { account, membership } = pick(people, who);
  const id = pick(patients, patient);
  const organisation = `(select organisation_id from store.patients where id = '${id}')`;
  const begin = `now() + interval '${from} hours'`;
  const period = `${begin}, ${begin} + interval '${length} hours'`;
  const sql: Record<string, string> = {
    stay: `update access.care_team_members set (valid_from, valid_until) = (${period}) where account_id = '${clinician}'`,
    follow: `update access.care_team_patients set (valid_from, valid_until) = (${period}) where patient_id = '${id}'`,
    referral: `insert into store.referrals (id, organisation_id, patient_id, requester_id, performer_id, priority, reason, valid_from, valid_until)
      select gen_random_uuid(), ${organisation}, '${id}', a.id, '${clinician}', 'urgent', '\\x00', ${period}
      from iam.accounts a where a.id <> '${clinician}' limit 1`,
    glass: `insert into access.broken_glass (id, organisation_id, account_id, patient_id, session_id, kind, reason, broken_at, ends_at)
      select gen_random_uuid(), ${organisation}, '${clinician}', '${id}', s.id, 'emergency', '\\x00',
             now() + interval '${from * 10} minutes', now() + interval '${from * 10 + 30} minutes' from iam.sessions s limit 1`,
    account: `update iam.accounts set status = '${status}' where id = '${account}'`,
    membership: `update access.memberships set (valid_from, valid_until) = (${period}) where id = '${membership}'`,
  };
  await superuser.query("set session_replication_role = 'replica'");
  await superuser.query(sql[kind]!);
}

/** What really happens to somebody who signs in now and opens this patient. */
async function opens(account: string, patient: string): Promise<boolean> {
  const token = await asOwner(world.db.admin, () => openSession(world.db, account));
  return (await outcome(openPatient(edge, { token, ring: world.db.ring }, patient))) === 'ok';
}

test('after any changes, whoever opens a patient is explained, and whoever is explained opens it', async () => {
  const verdicts = { yes: 0, no: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), fc.nat(), async (changes, n) => {
      for (const one of changes) await apply(one);
      const patient = pick(patients, n);
      const listed = (await whoCanSee(world.db.admin, patient)).map(({ account }) => account);
      for (const { account, role } of people) {
        const told = await why(account, patient);
        verdicts[told.identity ? 'yes' : 'no'] += 1;
        const context = `${role} ${account} ${patient}: ${told.words}`;
        expect(told.identity, context).toBe(await opens(account, patient));
        expect(listed.includes(account), context).toBe(told.identity);
        expect(told.words.length, context).toBeGreaterThan(0);
        expect(told.words.join(), context).not.toContain('knows no word');
        // whoever is refused has no reason that holds now
        if (!told.identity) expect(told.words.join(), context).not.toContain(', since ');
      }
    }),
    // enough for both verdicts, whatever the seed
    { numRuns: 80 },
  );
  expect(Math.min(verdicts.yes, verdicts.no)).toBeGreaterThan(20);
}, 60_000);
