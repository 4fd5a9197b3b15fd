// PUBLIC_ORIGIN, told to the database: passkeys belong to its host name, and no request says which that is.
import type pg from 'pg';
import { isPublicOrigin } from '../edge/client.ts';
import { CommandError } from './command-error.ts';
import { asOwner } from './owner.ts';

export type Elsewhere = { changed: boolean; accounts: number; kept_out: number };

/** Nothing without PUBLIC_ORIGIN. Gives the sentence to say when people are concerned. @throws CommandError for no origin */
export async function tellHostName(admin: pg.Client, origin: string | undefined): Promise<string | undefined> {
  if (!origin) return undefined;
  if (!isPublicOrigin(origin))
    throw new CommandError(
      'PUBLIC_ORIGIN must be like https://dossier.exemple.fr, in small letters and without a path.',
    );
  const { rows } = await asOwner(admin, () => admin.query<Elsewhere>('select * from iam.serve_at($1)', [origin]));
  return rows[0]?.changed ? sentence(rows[0]) : undefined;
}

/** Who has passkeys of another host name; undefined where nobody has. */
export function sentence({
  accounts,
  kept_out: keptOut,
}: Pick<Elsewhere, 'accounts' | 'kept_out'>): string | undefined {
  if (accounts === 0) return undefined;
  return `${accounts} ${accounts === 1 ? 'account has' : 'accounts have'} passkeys of another host name, which don't work here; ${keptOut} of them no other factor`;
}
