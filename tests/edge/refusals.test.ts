// What the edge tells the database of refused requests, and when: edge/refusals.ts. What becomes of it: tests/app/hostile.
import { expect, test } from 'vitest';
import type { Door, Who } from '../../db/batch.ts';
import { createRecorder } from '../../edge/refusals.ts';

type Told = { token: unknown; caller: { ip: string } | null; counts: Record<string, number> };
const pace = { burst: 2, everyMs: 40, patience: 400, pause: 5 };
const somebody = (ip: string, token: string | null = null): Who => {
  return { token, role: 'anon', ip, userAgent: 'curl', requestId: '00000000-0000-4000-8000-000000000001' };
};
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A gate that remembers what it was told. `answer`: what it does before. */
function listening(answer: () => Promise<void> = async () => {}) {
  const told: Told[] = [];
  let at = 0;
  const most = { atOnce: 0 };
  const gate = async ({ parameters }: { parameters: readonly unknown[] }) => {
    at += 1;
    most.atOnce = Math.max(most.atOnce, at);
    await answer().finally(() => (at -= 1));
    const [, token, caller, , counts] = parameters as string[];
    told.push({ token, caller: JSON.parse(caller ?? 'null'), counts: JSON.parse(counts ?? '{}') });
    return [];
  };
  return { told, most, door: { gate } as unknown as Door };
}
const total = (told: Told[]) => told.flatMap(({ counts }) => Object.values(counts)).reduce((sum, n) => sum + n, 0);

test('one refusal is told at once, with its place and session', async () => {
  const { told, door } = listening();
  await createRecorder({ door, ring: 'ring' }, pace).note(somebody('192.0.2.1', 'token'), 'request.forged');
  expect(told).toEqual([
    { token: 'token', caller: { ip: '192.0.2.1', user_agent: 'curl' }, counts: { 'request.forged': 1 } },
  ]);
});

test('a flood of one network is told in a few calls, one at a time; another network isn’t kept waiting', async () => {
  const { told, most, door } = listening(() => wait(2));
  const recorder = createRecorder({ door, ring: 'ring' }, { ...pace, everyMs: 10_000 });
  const works = Array.from({ length: 5000 }, (_, n) =>
    recorder.note(somebody(`2001:db8:1:1::${(n % 9) + 1}`), 'request.host'),
  );
  works.push(recorder.note(somebody('192.0.2.1'), 'request.forged'));
  await Promise.all(works);
  expect(works.filter(Boolean).length).toBe(1); // a /64 is one network, and one call tells the others
  expect(total(told)).toBe(5001);
  expect(told.length).toBeLessThan(8);
  expect(told.slice(0, 3).some(({ caller }) => caller?.ip === '192.0.2.1')).toBe(true);
  expect(most.atOnce).toBe(1);
});

test('a flood of many networks and cookies takes no memory, and is counted', async () => {
  const { told, door } = listening();
  const recorder = createRecorder({ door, ring: 'ring' }, { ...pace, burst: 1e6 });
  for (let n = 0; n < 20_000; n++) {
    void recorder.note(somebody('192.0.2.1', `token ${n}`), 'request.method');
    void recorder.note(somebody(`10.${n % 200}.${Math.floor(n / 200)}.1`), 'request.polluted');
  }
  while (total(told) < 40_000) await wait(10);
  expect(total(told)).toBe(40_000);
  expect(new Set(told.map(({ caller }) => caller?.ip)).size).toBe(1001); // and those without a place
  expect(new Set(told.map(({ token }) => token)).size).toBe(21); // and those without a cookie
});

test('without a database nothing is refused otherwise, nothing is lost, and it is told when there is one again', async () => {
  let gone = true;
  const { told, door } = listening(async () => {
    if (gone) throw new Error('ECONNREFUSED');
  });
  const recorder = createRecorder({ door, ring: 'ring' }, pace);
  for (let n = 0; n < 50; n++) await recorder.note(somebody('192.0.2.1'), 'request.forged');
  expect(told).toEqual([]);
  gone = false;
  await recorder.note(somebody('192.0.2.1'), 'request.forged');
  expect(total(told)).toBe(51);
});

test('a call that never ends holds nobody up, and takes one connection', async () => {
  const { told, most, door } = listening(() => new Promise(() => {}));
  const recorder = createRecorder({ door, ring: 'ring' }, pace);
  for (let n = 0; n < 1000; n++) void recorder.note(somebody(`192.0.2.${n % 250}`), 'request.forged');
  await wait(50);
  expect([told.length, most.atOnce]).toEqual([0, 1]);
});
