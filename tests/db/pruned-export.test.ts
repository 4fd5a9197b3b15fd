// What an export calls pruned is as old as that: db/log/pruned.ts. The same inside the database: tamper.test.ts.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { PrunedEvents } from '../../db/log/pruned.ts';

const old = 'd0a4c6be-6a0d-4bd0-9d4c-2f9c63c0f7f5';
/** A UUID of version 7, made in November 2026. */
const young = '01a202b4-8e0d-78fd-b0ff-6e742aab22de';
const hash = 'ab'.repeat(32);
const missing = [{ lane: 0, seq: 1, problem: 'events to 9 are missing, and were not pruned' }];
const found = (organisation: string) => missing.map((problem) => ({ organisation, ...problem }));

test.each([
  ['old enough', old, '2020-04-01T00:00:00Z', '2023-04-01T00:00:00.000000Z', []],
  ['a day too young', old, '2020-04-01T00:00:00Z', '2023-03-31T23:59:59.000000Z', found(old)],
  ['told in a time to come', old, '2026-12-01T00:00:00Z', '2999-12-01T00:00:00.000000Z', found(old)],
  ['of a practice that was not there yet', young, '2020-04-01T00:00:00Z', '2026-11-30T00:00:00.000000Z', found(young)],
])('%s', (_, organisation, until, at, problems) => {
  const range = { organisation, lane: 0, first_seq: 1, last_seq: 9, until, head: hash };
  const digest = createHash('sha256')
    .update(JSON.stringify(['0', '1', '9', until, hash]))
    .digest('hex');
  const events = new PrunedEvents();
  const line = { organisation, lane: 0, event: '', at: '', details: null };
  for (let seq = 1; seq < 10; seq += 1) events.follow({ ...line, seq, gone: { hash, leafHash: hash } });
  events.follow({ ...line, seq: 10, event: 'log.prune', at, details: `{"month" : "2020-03", "digest" : "${digest}"}` });
  expect(events.compareWith([range])).toEqual(problems);
});
