import { sql } from 'kysely';
import { z } from 'zod';
import { k } from '../../db/query.ts';

/** clinic.consent_proof: docs/formats.md. `at` is UTC, in microseconds. */
export const Proof = z.object({
  consent: z.guid(),
  organisation_name: z.string(),
  patient: z.guid(),
  account: z.guid(),
  given: z.boolean(),
  at: z.coerce.date(),
  ip: z.string().nullable(),
  text: z.object({
    version: z.string(),
    lang: z.enum(['fr', 'en']),
    title: z.string(),
    body: z.string(),
    hash: z.string(),
  }),
  row_digest: z.string(),
  log: z.array(z.object({ event: z.string(), lane: z.number(), seq: z.number(), leaf_hash: z.string() })),
});
export type Proof = z.infer<typeof Proof>;

export function openProof(consent: string) {
  return sql<{ answer: string }>`select audit.open_consent_proof(${consent}::uuid) as answer`.compile(k);
}

export function readProof(consent: string) {
  return sql<{ proof: unknown }>`select clinic.consent_proof(${consent}::uuid) as proof`.compile(k);
}
