// An account that the administrator of an installation makes from the terminal: its password and TOTP secret are shown
// once and kept nowhere in clear.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { otpauthUri, toBase32 } from '../edge/otpauth.ts';
import type { Keys } from './keys.ts';
import { createAccount, type Profile } from './owner.ts';

export type Wanted = { organisation: { id: string; name: string }; role: string; email: string; profile: Profile };
export type Made = {
  organisation: string;
  email: string;
  role: string;
  password: string;
  totpSecret: string;
  /** What a phone's app reads from a QR code (Key Uri Format). */
  totpUri: string;
};

/** Inside `asOwner`. Errors: VS409 when the address has an account, VS422 when it is none. */
export async function makeAccount(admin: pg.Client, keys: Keys, wanted: Wanted): Promise<Made> {
  const { organisation, role, email, profile } = wanted;
  const password = randomBytes(18).toString('base64url');
  const secret = randomBytes(20);
  await createAccount(admin, keys, {
    organisation: organisation.id,
    role,
    email,
    profile,
    password,
    totpSecret: secret,
  });
  const totpSecret = toBase32(secret);
  const totpUri = otpauthUri(totpSecret, email);
  return { organisation: organisation.name, email, role, password, totpSecret, totpUri };
}

export type Invited = { organisation: string; email: string; role: string; link: string };

/** Nobody but its reader ever knows the password and the secret. Inside `asOwner`. Errors: VS409, VS422. */
export async function inviteAccount(admin: pg.Client, { ring }: Keys, wanted: Wanted): Promise<Invited> {
  const { organisation, role, email, profile } = wanted;
  const { rows } = await admin.query<{ token: string }>('select iam.open_invitation($1, $2, $3, $4, $5) as token', [
    ring,
    organisation.id,
    role,
    email,
    profile,
  ]);
  const origin = process.env.PUBLIC_ORIGIN || `http://127.0.0.1:${process.env.PORT || 3000}`;
  return { organisation: organisation.name, email, role, link: `${origin}/invitations/${rows[0]!.token}` };
}

export function describeInvitation({ email, link }: Invited): string {
  return `
  e-mail  ${email}
  link    ${link}

It works once, for 72 hours. Give it to nobody but its reader.`;
}

export function describeAccount({ email, password, totpSecret, totpUri }: Made): string {
  return `
  e-mail       ${email}
  password     ${password}
  TOTP secret  ${totpSecret}
               ${totpUri}

This is shown once.`;
}
