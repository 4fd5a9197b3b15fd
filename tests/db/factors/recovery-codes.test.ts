// Recovery codes: supabase/migrations/0093_recovery_codes.sql.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../../db/connect.ts';
import { asOwner } from '../../../db/owner.ts';
import { createPerson, type Person } from '../../support/practice.ts';
import { type Factors, newToken, openFactors } from './support.ts';

let f: Factors;
beforeAll(async () => {
  f = await openFactors();
});
afterAll(() => f?.close());

const newPerson = () =>
  asOwner(f.db.admin, () => createPerson(f.db, { organisation: f.practice.organisation, role: 'secretary' }));
const make = async (token: string) => (await f.call('make_recovery_codes', [token])).codes!;
const show = async (one: Person, code: string, client = f.gate) => {
  await f.owner("delete from ops.delays where key like 'code/%'");
  const token = await f.openAnother(one.account);
  return (await f.call('take_factor', [token, 'recovery_code', { code }, newToken()], client)).answer;
};

test('cannot be made without a session, by a link, or on a factor of more than 10 minutes', async () => {
  const one = await newPerson();
  expect(await f.call('make_recovery_codes', [newToken()])).toMatchObject({ answer: 'expired', codes: null });
  expect(await f.call('make_recovery_codes', [await f.openLink(one.account)])).toMatchObject({
    answer: 'second_factor',
    codes: null,
  });
  await f.age(one.token, '11 minutes');
  expect(await f.call('make_recovery_codes', [one.token])).toMatchObject({ answer: 'step_up', codes: null });
  expect(await f.events(one.account, 'factor.add')).toHaveLength(2);
});

test('are made ten times an hour at most, since each time the person is told', async () => {
  const one = await newPerson();
  expect(await make(one.token)).toHaveLength(10);
  // nine more times: each costs ten hashes
  const [bucket] = await f.owner(`select round(tokens)::int as left from ops.limits where key = 'codes/' || $1`, [
    one.account,
  ]);
  expect(bucket?.left).toBe(9);
  await f.owner(`update ops.limits set tokens = 0 where key = 'codes/' || $1`, [one.account]);
  expect(await f.call('make_recovery_codes', [one.token])).toMatchObject({ answer: 'wait', codes: null });
  expect(await f.mails(one.account)).toHaveLength(1);
  expect(await f.events(one.account, 'session.limited')).toHaveLength(1);
});

test('are ten, and different', async () => {
  const one = await newPerson();
  const codes = await make(one.token);
  expect(new Set(codes).size).toBe(10);
  for (const code of codes) expect(code).toMatch(/^[0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5}$/);
});

test('each works once, in any case, without its hyphen, with the letters that look alike', async () => {
  const one = await newPerson();
  const codes = await make(one.token);
  expect(await show(one, codes[0]!)).toBe('ok');
  expect(await show(one, codes[0]!)).toBe('refused');
  expect(await show(one, ` ${codes[1]!.toUpperCase().replace('-', ' ')} `)).toBe('ok');
  expect(await show(one, codes[2]!.replaceAll('0', 'O').replaceAll('1', 'l'))).toBe('ok');
  expect(await f.mails(one.account)).toEqual([
    'recovery_codes_made',
    'recovery_code_used',
    'recovery_code_used',
    'recovery_code_used',
  ]);
});

test('works once when it is sent twice at once', async () => {
  const one = await newPerson();
  const codes = await make(one.token);
  const other = await connect(f.db.gateUrl);
  try {
    for (const code of codes.slice(0, 5)) {
      const answers = await Promise.all([show(one, code), show(one, code, other)]);
      expect(answers.sort()).toEqual(['ok', 'refused']);
    }
  } finally {
    await other.end();
  }
});

test("cannot be somebody else's, empty, or one of before", async () => {
  const [one, other] = [await newPerson(), await newPerson()];
  const before = await make(one.token);
  await make(other.token);
  expect(await show(other, before[0]!)).toBe('refused');
  for (const odd of ['', '-', '’; drop table iam.accounts; --', 'é'.repeat(2000)])
    expect(await show(one, odd)).toBe('refused');
  const after = await make(one.token);
  expect(await show(one, before[1]!)).toBe('refused');
  expect(await show(one, after[1]!)).toBe('ok');
});

test('are stored with bcrypt, one salt for each set, and the code alone gives no hash', async () => {
  const one = await newPerson();
  const saltOf = async () =>
    (
      await f.owner('select distinct left(code_hash, 29) as salt from iam.recovery_codes where account_id = $1', [
        one.account,
      ])
    ).map(({ salt }) => String(salt));
  const [code] = await make(one.token);
  const first = await saltOf();
  expect(first).toEqual([expect.stringMatching(/^\$2a\$10\$/)]);
  const found = await f.owner(
    `select from iam.recovery_codes r where r.account_id = $1
       and (r.code_hash in (extensions.crypt($2, r.code_hash), extensions.crypt($3, r.code_hash)) or r::text like '%' || $2 || '%')`,
    [one.account, code!.replace('-', ''), code],
  );
  expect(found).toHaveLength(0);
  await make(one.token);
  expect(await saltOf()).not.toEqual(first);
  // nor is another kind of hash kept
  const plain = `insert into iam.recovery_codes (account_id, code_hash) values ($1, encode(sha256('x'), 'hex'))`;
  await expect(f.owner(plain, [one.account])).rejects.toMatchObject({ code: '23514' });
});
