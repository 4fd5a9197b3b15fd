import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { prehash } from '../../edge/password.ts';

const pepper = { id: '2026', key: new Uint8Array(32).fill(7) };
const account = '0198c0de-0000-7000-8000-000000000001';

test('is pepper id:base64(HMAC-SHA-256(pepper, account ‖ password)), as an independent library computes it', async () => {
  const expected = createHmac('sha256', pepper.key).update(`${account}correct horse é`).digest('base64');
  expect(await prehash(pepper, account, 'correct horse é')).toBe(`2026:${expected}`);
  expect(expected).toHaveLength(44);
});

test('differs beyond the 72nd byte, after a NUL, per account and per pepper', async () => {
  const long = 'a'.repeat(100);
  const all = [
    await prehash(pepper, account, long),
    await prehash(pepper, account, `${long}b`),
    await prehash(pepper, account, 'secret\0one'),
    await prehash(pepper, account, 'secret\0two'),
    await prehash(pepper, account.replace('1', '2'), long),
    await prehash({ ...pepper, key: new Uint8Array(32).fill(8) }, account, long),
  ];
  expect(new Set(all).size).toBe(all.length);
});

test('is the same for an accent typed as one character or two, and for an id in capitals', async () => {
  expect(await prehash(pepper, account, 'été')).toBe(await prehash(pepper, account.toUpperCase(), 'e\u0301te\u0301'));
});
