// An invitation is sent again, by an edge that still puts the old master key first, after a rotation has renewed its account.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Factors, openFactors } from './factors/support.ts';

let f: Factors;
beforeAll(async () => {
  f = await openFactors();
});
afterAll(() => f?.close());

const next = randomBytes(64);
const nextRing = `next=${next.toString('base64')}`;
const address = 'zoe.marchand@exemple.fr';

test('whoever takes over an address in the middle of a rotation is found by it when the old key has gone', async () => {
  const profile = JSON.stringify({ family_name: 'Marchand', given_name: 'Zoé' });
  const invite = async (organisation: unknown) =>
    (
      await f.owner("select iam.invite($1, $2, 'clinician', $3, $4) as id", [f.db.ring, organisation, address, profile])
    )[0]!.id;
  const holder = await invite(f.practice.organisation);
  const [elsewhere] = await f.owner("select iam.create_organisation($1, 'Cabinet des Lilas') as id", [f.db.ring]);
  const invited = await invite(elsewhere!.id);

  const both = `${f.db.ring},${nextRing}`;
  await f.owner("select vault.add_master('next', $1)", [next]);
  await f.owner("select vault.promote($1, 'next')", [both]);
  for (const step of ['rewrap', 'reindex'])
    while ((await f.owner(`select vault.${step}($1, 'next') as n`, [both]))[0]!.n !== 0);
  await f.owner('select iam.forget_invited($1)', [holder]);
  await f.owner('select iam.send_invitation($1, $2)', [both, invited]);
  await f.owner("select vault.retire($1, '0 s')", [f.db.ring.split('=')[0]]);

  expect(
    await f.owner('select id from iam.accounts where email_index = any (iam.email_indexes($1, $2))', [
      nextRing,
      address,
    ]),
  ).toEqual([{ id: invited }]);
});
