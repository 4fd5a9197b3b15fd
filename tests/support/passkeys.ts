// What the tests of passkeys share (tests/db/passkeys): somebody signed in, an authenticator that lies on request, and the
// gate's functions behind the edge's half, edge/webauthn.ts.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { readAssertion, readRegistration } from '../../edge/webauthn.ts';
import { type Authenticator, createAuthenticator, type Lies } from './authenticator.ts';
import { createDatabase, type TestDatabase } from './database.ts';
import { createPractice, openSession, type Person, type Practice } from './practice.ts';

export const ORIGIN = 'https://vital.test';
export const caller = { ip: '192.0.2.1', user_agent: 'test' };

/** A practice, and before each test a new session of its clinician, who has no passkey yet. */
export const stage = {} as {
  db: TestDatabase;
  gate: pg.Client;
  practice: Practice;
  anne: Person;
  key: Authenticator;
}; // filled before the first test

export function setStage(): void {
  beforeAll(async () => {
    stage.db = await createDatabase();
    stage.gate = await connect(stage.db.gateUrl);
    stage.practice = await createPractice(stage.db);
  });
  afterAll(async () => {
    await stage.gate?.end();
    await stage.db?.close();
  });
  beforeEach(async () => {
    await owner("delete from ops.limits where key !~ '^password'");
    const { clinician } = stage.practice;
    stage.anne = { ...clinician, token: await openAnother(clinician) };
    await owner('delete from iam.passkeys');
    stage.key = createAuthenticator(ORIGIN, stage.anne.account);
  });
}

export const openAnother = (person: Person): Promise<string> =>
  asOwner(stage.db.admin, () => openSession(stage.db, person.account));
export const newToken = () => randomBytes(32).toString('base64url');
export const owner = (query: string, values: unknown[] = []) =>
  asOwner(stage.db.admin, async () => (await stage.db.admin.query(query, values)).rows);
export const ask = async (query: string, values: unknown[]) => (await stage.gate.query(query, values)).rows[0];
export const lastEvent = async (event: string) =>
  (
    await owner(
      'select outcome, details::json as details, resource_id, actor_id from audit.events where event = $1 order by at desc limit 1',
      [event],
    )
  )[0];

/** A session that has got its password and waits for a factor. */
export async function halfWay(account = stage.anne.account, enrols = false): Promise<string> {
  const token = newToken();
  await owner(
    `insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, methods, enrols)
     select iam.hash_token($1), m.account_id, m.id, m.organisation_id, m.role, '{password}', $3 from access.memberships m where m.account_id = $2`,
    [token, account, enrols],
  );
  return token;
}
export const optionsFor = (purpose: string, token: string | null = null, origin = ORIGIN) =>
  ask('select * from iam.passkey_options($1, $2, $3, $4, $5)', [stage.db.ring, token, purpose, origin, caller]);
export const challengeFor = async (purpose: string, token: string | null = null, origin = ORIGIN): Promise<string> => {
  const { answer, challenge } = await optionsFor(purpose, token, origin);
  expect(answer).toBe('ok');
  return challenge;
};
export const keyOf = async (id: string) => (await ask('select iam.passkey_key($1) as key', [id])).key as Buffer | null;

export async function add(credential: object, token = stage.anne.token, name = 'Téléphone') {
  const proof = await readRegistration(JSON.stringify(credential), ORIGIN);
  return ask('select * from iam.add_passkey($1, $2, $3, $4, $5, $6)', [
    stage.db.ring,
    token,
    proof,
    name,
    newToken(),
    caller,
  ]);
}
/** Adds a passkey that is in order. */
export async function register(authenticator = stage.key, lies: Lies = {}, token = stage.anne.token) {
  const credential = authenticator.register(await challengeFor('register', token), lies);
  expect((await add(credential, token)).answer).toBe('ok');
}
export async function take(credential: object, token: string, change: Record<string, unknown> = {}) {
  const proof = { ...(await readAssertion(JSON.stringify(credential), keyOf)), ...change };
  return ask("select * from iam.take_factor($1, $2, 'passkey', $3, $4, $5)", [
    stage.db.ring,
    token,
    proof,
    newToken(),
    caller,
  ]);
}
/** Shows the passkey as second factor, with these lies. */
export async function second(lies: Lies = {}, token?: string, change: Record<string, unknown> = {}): Promise<string> {
  const session = token ?? (await halfWay());
  return (await take(stage.key.answer(await challengeFor('factor', session), lies), session, change)).answer;
}
export async function alone(credential: object, change: Record<string, unknown> = {}) {
  const proof = { ...(await readAssertion(JSON.stringify(credential), keyOf)), ...change };
  const token = newToken();
  const answer = await ask('select * from iam.sign_in_passkey($1, $2, $3, $4)', [stage.db.ring, token, proof, caller]);
  return { ...answer, token };
}
/** Signs in with the passkey alone, with these lies: the answer, and why it was refused. */
export async function passwordless(lies: Lies = {}, change: Record<string, unknown> = {}) {
  const { answer } = await alone(stage.key.answer(await challengeFor('passwordless'), lies), change);
  return [answer, (await lastEvent('session.factor'))?.details.reason];
}
