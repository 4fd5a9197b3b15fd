// When more people sign in than passwords may be hashed (0086_limits.sql, edge/turns.ts): told so, counted as nothing.
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { type Attacked, email, newToken, password, startAttacked } from './hostile/support.ts';

let app: Attacked;
let others: pg.Client;
beforeAll(async () => {
  app = await startAttacked();
  others = await connect(app.db.superuserUrl);
  // both turns are taken, by sign-ins that don't end
  await others.query("select pg_advisory_lock(hashtextextended('ops.hashing/' || i, 0)) from generate_series(1, 2) i");
});
afterAll(async () => {
  await others?.end();
  await app?.close();
});

const signIn = (cookie?: string) =>
  app.send('/sign-in', { method: 'POST', cookie, body: new URLSearchParams({ email, password }).toString() });

test('who finds no turn within ten seconds is told to come back, with the address kept and nothing counted', async () => {
  const answer = await signIn();
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThanOrEqual(5);
  const page = await answer.text();
  expect(page).toContain('Beaucoup de personnes se connectent en ce moment.');
  expect(page).toContain(`value="${email}"`);
  expect(page).not.toContain(password);
  expect(await app.owner('select key from ops.delays union all select key from ops.limits')).toEqual([]);
  const [row] = await app.owner("select count(*)::int as attempts from audit.events where event = 'session.password'");
  expect(row?.attempts).toBe(0);
}, 30_000);

test('a browser that the account knows gets in all the same', async () => {
  const device = newToken();
  await app.owner('insert into iam.devices (account_id, token_hash) values ($1, iam.hash_token($2))', [
    app.account,
    device,
  ]);
  const answer = await signIn(`__Host-device=${device}`);
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/sign-in/code']);
});

test('and everybody, as soon as a turn is given back', async () => {
  const waiting = signIn();
  await new Promise((resolve) => setTimeout(resolve, 500));
  await others.query('select pg_advisory_unlock_all()');
  expect((await waiting).status).toBe(303);
});
