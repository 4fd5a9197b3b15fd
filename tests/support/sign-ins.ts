// Sign-ins without a password, made by the owner: bcrypt takes its quarter of a second each time.
import { randomBytes } from 'node:crypto';
import { asOwner } from '../../db/owner.ts';
import type { TestDatabase } from './database.ts';

/** Where a sign-in comes from, as the edge tells it; `device` is one letter here, and 43 of it in the cookie. */
export type From = { ip?: string; device?: string; place?: string | null; userAgent?: string };

export const newToken = (): string => randomBytes(32).toString('base64url');

export function callerFrom({ ip = '192.0.2.7', device, place = null, userAgent = 'Firefox' }: From) {
  return { ip, user_agent: userAgent, device: device?.repeat(43) ?? null, place };
}

/** Both factors were right: what the database makes of it. Inside `asOwner`. */
export async function completeSignIn(db: TestDatabase, account: string, from: From = {}) {
  const token = newToken();
  const { rows } = await db.admin.query<{ answer: string }>(
    `select iam.accept_factor($1, iam.start_session($1, $2, $3, '{password}', $4), 'totp', $5, $4) as answer`,
    [db.ring, account, newToken(), callerFrom(from), token],
  );
  return { answer: rows[0]!.answer, token };
}

export const signInFrom = (db: TestDatabase, account: string, from: From = {}) =>
  asOwner(db.admin, () => completeSignIn(db, account, from));
