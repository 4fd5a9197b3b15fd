// Ten thousand refusals: they fill neither the log nor the gate's connections, and none is forgotten.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPatient } from '../../support/practice.ts';
import { cookieOf } from '../support.ts';
import { type Attacked, faults, newToken, startAttacked } from './support.ts';

let app: Attacked;
let patient: string;
beforeAll(async () => {
  // as an edge does it, but for the ten seconds of patience
  app = await startAttacked({ burst: 10, everyMs: 5_000, patience: 2_000, pause: 50 });
  patient = await createPatient(app.db, app.practice);
});
afterAll(() => app?.close());

const chart = async () => (await app.send(`/patients/${patient}`, { cookie: cookieOf(app.practice.clinician) })).status;
const atTheGate = async () => {
  const query =
    "select count(*)::int as n from pg_stat_activity where usename = 'vs_gate' and datname = current_database()";
  return Number((await app.owner(query))[0]?.n);
};

test('ten thousand forged requests are 130 events at most; each is counted, and charts answer', {
  timeout: 120_000,
}, async () => {
  const statuses: Record<number, number> = {};
  const charts: number[] = [];
  let sent = 0;
  let connections = 0;
  const attack = async () => {
    while (sent < 10_000) {
      sent += 1;
      const n = sent;
      // through somebody's browser, with tokens of nobody, and without any; from five hundred networks
      const cookie = [cookieOf(app.practice.colleague), `__Host-vs=${newToken()}.clinician`, undefined][n % 3];
      const headers = { Origin: 'https://evil.example' };
      const address = `198.51.${n % 5}.${n % 100}`;
      const { status } = await app.send('/preferences', { method: 'POST', body: 'lang=en', headers, cookie, address });
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (n % 500 === 0) charts.push(await chart());
      if (n % 1000 === 0) connections = Math.max(connections, await atTheGate());
    }
  };
  await Promise.all(Array.from({ length: 16 }, attack));
  expect(statuses).toEqual({ 403: 10_000 });
  const { counts, events } = await app.refused();
  expect(counts).toEqual({ 'request.forged': 10_000 });
  expect(events.length).toBeGreaterThan(10);
  expect(events.length).toBeLessThanOrEqual(130);
  expect(charts).toEqual(Array(20).fill(200));
  expect(connections).toBeLessThanOrEqual(1);
  expect(faults(app)).toEqual([]);
  // what the log says by itself of the person through whose browser it came
  const own = events.filter(({ actor_id }) => actor_id === app.practice.colleague.account);
  expect(own.length).toBeGreaterThan(0);
});

test('the next event of the kind says how many there were besides', async () => {
  const forge = async () => {
    await app.send('/preferences', { method: 'POST', body: 'lang=en', headers: { Origin: 'https://evil.example' } });
    return app.refused();
  };
  await app.refused();
  await app.owner("insert into ops.unrecorded values ('00000000-0000-0000-0000-000000000000', 'request.forged', 4312)");
  expect((await forge()).events).toMatchObject([{ details: { times: 1, more: 4312 } }]);
});
