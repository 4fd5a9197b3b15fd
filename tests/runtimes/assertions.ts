// What every runtime has to show, with a real Postgres behind a proxy that counts how often it is waited for.
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { countFlushes, type Flushes } from '../../db/promises/flushes.ts';
import { createAuthenticator } from '../support/authenticator.ts';
import { createDatabase } from '../support/database.ts';
import { createPatient, createPractice } from '../support/practice.ts';

/** Where a runtime's app is asked, whatever it listens on. */
export type Ask = (
  path: string,
  request?: { method?: string; headers?: Record<string, string>; body?: string },
) => Promise<Response>;

/** The variables of docs/dba.md, with addresses that lead through the counting proxy. */
export type Surroundings = Record<'EDGE_URL' | 'GATE_URL' | 'VITAL_KEYS' | 'VITAL_PEPPER', string>;

export type Stage = {
  surroundings: Surroundings;
  flushes: Flushes;
  /** A query as the owner of the database. */
  owner(query: string): Promise<Record<string, unknown>[]>;
  /** A clinician's account and cookie, and a patient of theirs. */
  account: string;
  cookie: string;
  patient: string;
  close(): Promise<void>;
};

/** A practice with one patient, and a session that the owner made in SQL. */
export async function setStage(): Promise<Stage> {
  const db = await createDatabase();
  const { hostname, port } = new URL(db.edgeUrl);
  const flushes = await countFlushes({ host: hostname, port: Number(port) });
  const practice = await createPractice(db);
  const patient = await createPatient(db, practice, { birth_name: 'Quéméneur', source: `Patient/${randomUUID()}` });
  const pepper = Buffer.from(db.pepper.key).toString('base64');
  return {
    surroundings: {
      EDGE_URL: flushes.through(db.edgeUrl),
      GATE_URL: flushes.through(db.gateUrl),
      VITAL_KEYS: db.ring,
      VITAL_PEPPER: `${db.pepper.id}=${pepper}`,
    },
    flushes,
    owner: (query) => asOwner(db.admin, async () => (await db.admin.query(query)).rows),
    account: practice.clinician.account,
    cookie: `__Host-vs=${practice.clinician.token}.clinician`,
    patient,
    close: async () => {
      await flushes.close();
      await db.close();
    },
  };
}

/** The assertions; the same text for Node, Deno and workerd. */
export function assertSameApp(stage: () => Stage, ask: Ask): void {
  test('the sign-in page answers, with its headers, and lets nobody in whom it does not know', async () => {
    const answer = await ask('/sign-in');
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('autocomplete="current-password"');
    expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const style = /href="(\/static\/style\.css\?v=\w+)"/.exec(await (await ask('/sign-in')).text())?.[1];
    expect((await ask(style ?? '')).headers.get('cache-control')).toContain('immutable');

    const body = 'email=personne%40exemple.fr&password=correct+horse+battery';
    const headers = { Origin: new URL(answer.url).origin, 'Content-Type': 'application/x-www-form-urlencoded' };
    expect((await ask('/sign-in', { method: 'POST', headers, body })).status).toBe(422);
  });

  test('a chart leads to the sign-in page when nobody is signed in', async () => {
    const answer = await ask(`/patients/${stage().patient}`);
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('/sign-in');
  });

  test('a clinician sees the chart of a patient, in one flush', async () => {
    const { patient, cookie, flushes } = stage();
    await ask(`/patients/${patient}`, { headers: { Cookie: cookie } }); // opens the connection, where the runtime keeps one
    flushes.take();
    const answer = await ask(`/patients/${patient}`, { headers: { Cookie: cookie } });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toMatch(/quéméneur/i);
    expect(flushes.take()).toBe(1);
  });

  test('a refused request is in the audit log, with the reference of its answer', async () => {
    const headers = { Origin: 'https://evil.example', Cookie: stage().cookie };
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const answer = await ask('/preferences', { method: 'POST', headers: { ...headers, ...type }, body: 'lang=en' });
    expect(answer.status).toBe(403);
    // recorded after the answer
    const read = () =>
      stage().owner("select * from audit.events where event = 'request.forged' and outcome = 'failure'");
    await expect
      .poll(read)
      .toMatchObject([
        { resource_id: answer.headers.get('x-request-id'), actor_id: stage().account, details: '{"times":1}' },
      ]);
  });

  test('a passkey is added and signs in: its signatures are checked by this runtime', async () => {
    const { account, cookie } = stage();
    const here = new URL((await ask('/sign-in')).url);
    here.hostname = 'localhost'; // an address of numbers has no passkeys
    const post = (path: string, fields: Record<string, string>, as = '') =>
      ask(new URL(path, here).href, {
        method: 'POST',
        headers: { Origin: here.origin, 'Content-Type': 'application/x-www-form-urlencoded', Cookie: as },
        body: new URLSearchParams(fields).toString(),
      });
    const challenge = async (purpose: string, as?: string) => {
      const { publicKey } = (await (await post('/passkeys/options', { purpose }, as)).json()) as {
        publicKey: { challenge: string };
      };
      return publicKey.challenge;
    };
    for (const algorithm of ['ES256', 'EdDSA', 'RS256'] as const) {
      const key = createAuthenticator(here.origin, account, algorithm);
      const made = JSON.stringify(key.register(await challenge('register', cookie)));
      const added = await post('/account/passkeys/new', { name: algorithm, credential: made }, cookie);
      expect([algorithm, added.headers.get('location')]).toEqual([algorithm, '/account/passkeys?done=added']);
      const shown = JSON.stringify(key.answer(await challenge('passwordless')));
      const entered = await post('/passkeys/sign-in', { credential: shown });
      expect([algorithm, entered.headers.get('location')]).toEqual([algorithm, '/']);
      const forged = key.answer(await challenge('passwordless'));
      forged.response.signature = 'AAAA';
      expect((await post('/passkeys/sign-in', { credential: JSON.stringify(forged) })).status).toBe(422);
    }
  });
}
