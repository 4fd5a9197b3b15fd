import { randomBytes, randomInt } from 'node:crypto';
import type pg from 'pg';
import { prehash } from '../../edge/password.ts';
import { toBase32 } from '../totp.ts';
import type { Colleague } from './practices.ts';

export type DemoAccount = { email: string; role: string; organisation: string; password: string; totpSecret: string };
export type Made = { id: string; account: DemoAccount };

/** The form of a bcrypt hash that no password has; setPasswords comes next. */
const NO_PASSWORD = `$2a$12$${'.'.repeat(53)}`;

/** An account with random secrets and no password yet. As vs_owner. */
export async function makeAccount(
  admin: pg.Client,
  ring: string,
  organisation: { id: string; name: string },
  role: string,
  person: Colleague,
  patient: string | null = null,
): Promise<Made> {
  const secret = randomBytes(20);
  const { email, ...profile } = person;
  const { rows } = await admin.query<{ id: string }>(
    `select iam.create_account(ring => $1, organisation => $2, role => $3, email => $4, profile => $5, prehash => null,
                               totp_secret => $6, patient => $7, password_hash => $8) as id`,
    [ring, organisation.id, role, email, profile, secret, patient, NO_PASSWORD],
  );
  const { id } = rows[0] as { id: string };
  // as if they had opened their invitation: codes may be sent there
  await admin.query('update iam.accounts set email_confirmed_at = clock_timestamp() where id = $1', [id]);
  const account = { email, role, organisation: organisation.name, password: typeable(), totpSecret: toBase32(secret) };
  return { id, account };
}

/** bcrypt takes a quarter of a second each, so the connections share them. */
export async function setPasswords(
  connections: readonly pg.Client[],
  pepper: { id: string; key: Uint8Array },
  made: readonly Made[],
): Promise<void> {
  const queue = [...made];
  const work = async (connection: pg.Client) => {
    await connection.query('set role vs_owner');
    for (let next = queue.shift(); next; next = queue.shift())
      await connection.query('select iam.set_password($1, $2)', [
        next.id,
        await prehash(pepper, next.id, next.account.password),
      ]);
    await connection.query('reset role');
  };
  await Promise.all(connections.map(work));
}

/** Six syllable pairs, 73 bits, easy to read out and to type: `bozu-kita-…`. */
function typeable(): string {
  const letter = (of: string) => of[randomInt(of.length)];
  const syllable = () => `${letter('bcdfgjklmnprstvz')}${letter('aeiou')}`;
  return Array.from({ length: 6 }, () => syllable() + syllable()).join('-');
}
