// What each part of tests/db/security-events.test.ts needs: people, the gate and the pages as the edge asks them, all from one
// place, and the list of acts.
import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { connect } from '../../../db/connect.ts';
import { asOwner, createAccount } from '../../../db/owner.ts';
import { prehash } from '../../../edge/password.ts';
import { owner as asked, take } from '../../support/outbox.ts';
import { openSession } from '../../support/practice.ts';
import { completeSignIn } from '../../support/sign-ins.ts';
import { createWorld, type World } from '../../support/world.ts';

const [IP, BROWSER] = ['192.0.2.66', 'Firefox'];
const caller = { ip: IP, user_agent: BROWSER };
export const ORIGIN = 'https://vital.test';
export const email = 'anne.roux@exemple.fr';
export const password = 'correct horse battery staple';
export const chosen = 'un cheval sur la plage';
export const secret = randomBytes(20);

export let world: World;
export let gate: pg.Client;
export let edge: pg.Client;
/** Signs in with a password and an app. */
export let anne: string;
/** What one act leaves to the next. */
export const kept: Record<string, string> = {};
export let here: Buffer;

export const newToken = () => randomBytes(32).toString('base64url');
export const owner = (query: string, values: unknown[] = []) => asked(world.db, query, values);

export async function openStage(): Promise<void> {
  world = await createWorld();
  [gate, edge] = await Promise.all([connect(world.db.gateUrl), connect(world.db.edgeUrl)]);
  const profile = { family_name: 'Roux', given_name: 'Anne' };
  const wanted = {
    organisation: world.a.organisation,
    role: 'clinician',
    email,
    profile,
    password,
    totpSecret: secret,
  };
  anne = await asOwner(world.db.admin, () => createAccount(world.db.admin, world.db.keys, wanted));
  await owner(`insert into ops.deliveries (channel) values ('email'), ('sms')`);
  await owner('update iam.accounts set email_confirmed_at = now() where id = $1', [anne]);
  await owner(`update access.organisations set registration = 'open' where id = $1`, [world.a.organisation]);
  const [origin] = await owner('select audit.origin($1, null, null, $2, $3) as id', [world.db.ring, IP, BROWSER]);
  const [row] = await owner('select digest from audit.origins where id = $1', [origin.id]);
  here = row.digest;
}
export async function closeStage(): Promise<void> {
  await Promise.all([gate?.end(), edge?.end()]);
  await world?.close();
}

/** A function of the gate: `iam.name(ring, …values, caller)`; its row. */
export async function call(name: string, ...values: unknown[]) {
  const all = [world.db.ring, ...values, caller];
  const { rows } = await gate.query(`select * from iam.${name}(${all.map((_, i) => `$${i + 1}`).join(', ')})`, all);
  return rows[0] as Record<string, unknown>;
}
export const of = (typed: string, account = anne) => prehash(world.db.pepper, account, typed);
export const session = async (account = anne) => {
  kept.token = await asOwner(world.db.admin, () => openSession(world.db, account));
  return kept.token;
};
export async function halfway() {
  const token = newToken();
  await owner(
    `insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, methods, origin_id)
     select iam.hash_token($1), m.account_id, m.id, m.organisation_id, m.role, '{password}', audit.origin($3, m.organisation_id, null, $4, $5)
     from access.memberships m where m.account_id = $2 and m.valid_until > now()`,
    [token, anne, world.db.ring, IP, BROWSER],
  );
  return token;
}
export async function entered<T>(token: string, phase: string, work: () => Promise<T>): Promise<T> {
  await edge.query('begin');
  try {
    await edge.query('select iam.enter($1, $2, null, $3, $4, $5)', [token, world.db.ring, phase, IP, BROWSER]);
    const result = await work();
    await edge.query('commit');
    return result;
  } catch (error) {
    await edge.query('rollback');
    throw error;
  }
}
/** A change by the pages: `name` of schema clinic, announced as `operation`; gives what it gives. */
export async function change(token: string, operation: string, name: string, ...values: unknown[]): Promise<string> {
  const key = randomUUID();
  await owner('update iam.sessions set factor_at = clock_timestamp() where token_hash = iam.hash_token($1)', [token]);
  await entered(token, 'open', () => edge.query('select ops.intend($1, $2)', [key, operation]));
  const places = [key, ...values].map((_, i) => `$${i + 1}`).join(', ');
  const { rows } = await entered(token, 'write', () =>
    edge.query(`select clinic.${name}(${places}) as id`, [key, ...values]),
  );
  return String(rows[0].id);
}
export const atPage = (token: string, query: string, values: unknown[] = []) =>
  entered(token, 'open', () => edge.query(query, values));
export const forgetLimits = () => owner('delete from ops.limits; delete from ops.delays');
export const linkOf = async (template: string) => {
  const found = (await take(world.db, gate)).find((one) => one.template === template);
  return String(found?.vars.path).split('/').at(-1) ?? '';
};
export const stale = (token: string) =>
  owner(`update iam.sessions set factor_at = factor_at - interval '11 minutes' where token_hash = iam.hash_token($1)`, [
    token,
  ]);
export const waiting = async () =>
  (await owner(`select id from iam.recoveries where state = 'waiting'`))[0]?.id as string;
export const signIn = (device: string, ip = IP) =>
  asOwner(world.db.admin, () => completeSignIn(world.db, anne, { ip, device, userAgent: BROWSER }));
export const signInOf = async (account: string) =>
  (await owner('select id from iam.sign_ins where account_id = $1 order by at desc limit 1', [account]))[0]
    .id as string;

export type Who = () => string | null;
export const me: Who = () => anne;
export const nobody: Who = () => null;
export const somebody =
  (name: 'orgAdmin' | 'clinician' | 'secretary' | 'patient'): Who =>
  () =>
    world.a[name].account;
export type Act = {
  event: string;
  what: string;
  by: Who;
  outcome: 'success' | 'failure' | 'partial';
  details?: Record<string, unknown>;
  /** Nobody asked for it from anywhere: the delivery, the administrator of the installation. */
  fromNowhere?: true;
  act: () => Promise<unknown>;
};

/** In the order in which they were told, which is that of a life. */
export const acts: Act[] = [];
export const act = (
  event: string,
  what: string,
  by: Who,
  outcome: Act['outcome'],
  details: Act['details'],
  perform: Act['act'],
  fromNowhere?: true,
) => acts.push({ event, what, by, outcome, details, act: perform, fromNowhere });
