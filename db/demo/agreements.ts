// What the patients with an account have agreed to, and one who took something back: so that the DPO has something to answer.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { asOwner } from '../owner.ts';

type Decision = readonly [type: string, given: boolean];
const AGREED: readonly Decision[] = [
  ['data_processing', true],
  ['medical_record_storage', true],
  ['telemedicine_usage', true],
  ['mes_sharing', true],
];

/** `accounts`: of patients, each in a session that ends with it. The first one wants to be seen at the practice after all. */
export async function agree(
  admin: pg.Client,
  ring: string,
  edge: pg.Client,
  accounts: readonly string[],
): Promise<void> {
  const texts = await asOwner(admin, () =>
    admin.query<{ type: string; hash: string }>("select type, hash from iam.consent_texts('fr')"),
  );
  const hashes = new Map(texts.rows.map(({ type, hash }) => [type, hash]));
  for (const [place, account] of accounts.entries()) {
    const { rows } = await asOwner(admin, () =>
      admin.query<{ token: string }>('select iam.open_session($1) as token', [account]),
    );
    const ask = (call: string, values: unknown[]) => enter(edge, [rows[0]?.token, ring], call, values);
    const decisions = place === 0 ? [...AGREED, ['telemedicine_usage', false] as const] : AGREED;
    for (const [type, given] of decisions) {
      const key = randomUUID();
      // as a page does it: announced, then done
      await ask('ops.intend($1, $2)', [key, given ? 'consents.give' : 'consents.withdraw']);
      await ask('clinic.change_consent($1, $2, $3, $4)', [key, type, given, hashes.get(type)]);
    }
    await ask('iam.end_session()', []);
  }
}

async function enter(edge: pg.Client, who: unknown[], call: string, values: unknown[]): Promise<void> {
  await edge.query('begin isolation level read committed');
  await edge.query('select iam.enter($1, $2)', who);
  await edge.query(`select ${call}`, values);
  await edge.query('commit');
}
