// The host name that passkeys belong to: said, and the same as the pages'?
import { sentence } from '../host-name.ts';
import { asOwner } from '../owner.ts';
import { type Check, ok, warn } from './finding.ts';

export const hostName: Check = (admin) =>
  asOwner(admin, async () => {
    const { rows } = await admin.query<{ origin: string | null; accounts: number; kept_out: number }>(
      'select h.origin, c.accounts, c.kept_out from iam.hosts h, iam.count_elsewhere() c',
    );
    const { origin = null, accounts = 0, kept_out = 0 } = rows[0] ?? {};
    const said = process.env.PUBLIC_ORIGIN || null;
    if (said !== null && said !== origin)
      return [
        warn(
          'host name',
          `PUBLIC_ORIGIN is ${said}, and passkeys are counted for ${origin ?? 'any name'}`,
          'vitalsync migrate tells the database',
        ),
      ];
    const concerned = sentence({ accounts, kept_out });
    if (concerned)
      return [
        warn(
          'host name',
          `${concerned} (${origin})`,
          'they come back by /recover; an administrator confirms colleagues, a secretary patients',
        ),
      ];
    return [ok('host name', origin ?? 'not said (PUBLIC_ORIGIN): every passkey counts')];
  });
