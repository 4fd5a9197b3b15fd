// What one's own account page reads: supabase/migrations/0325_own_factors.sql.

import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../../db/connect.ts';
import { totpCode } from '../../../db/totp.ts';
import { inTransaction } from '../../support/world.ts';
import { type Factors, newToken, openFactors } from './support.ts';

let f: Factors;
let edge: pg.Client;
beforeAll(async () => {
  f = await openFactors();
  edge = await connect(f.db.edgeUrl);
});
afterAll(async () => {
  await edge?.end();
  await f?.close();
});

const own = async (token: string) =>
  inTransaction(
    edge,
    { token, ring: f.db.ring },
    async () => (await edge.query('select * from clinic.own_factors')).rows,
  );

test('is one row, of whoever asks: factors are counted, and a password is old after 90 days', async () => {
  const { somebody: one } = f;
  const secret = (await f.call('begin_totp', [one.token])).secret!;
  await f.call('confirm_totp', [one.token, totpCode(secret), newToken()]);
  const { codes } = await f.call('make_recovery_codes', [one.token]);
  await f.call('take_factor', [await f.openAnother(one.account), 'recovery_code', { code: codes![0] }, newToken()]);
  expect(await own(one.token)).toEqual([
    {
      email: one.email,
      totp_since: expect.any(Date),
      passkeys: 0,
      passkeys_elsewhere: 0,
      recovery_codes: 9,
      recovery_codes_made_at: expect.any(Date),
      email_codes: false,
      sms_codes: false,
      password_changed_at: expect.any(Date),
      password_is_old: false,
    },
  ]);
  expect(await own(f.practice.colleague.token)).toMatchObject([
    { email: f.practice.colleague.email, totp_since: null, recovery_codes: 0 },
  ]);
  await f.owner("update iam.accounts set password_changed_at = clock_timestamp() - interval '91 days' where id = $1", [
    one.account,
  ]);
  expect(await own(one.token)).toMatchObject([{ password_is_old: true }]);
});
