import { z } from 'zod';
import type { Unsent } from '../errors/unsent.tsx';
import { localPath } from '../local-path.ts';
import type { Method } from '../sign-in/queries.ts';

/** What waits for the factor: a form to send again, or a page to come back to. */
export type Waiting = { unsent: Unsent } | { path: string };

/** In the order in which they are offered. */
export const methods = ['totp', 'passkey', 'recovery_code', 'sms_code', 'email_code'] as const;

/** A code as it was read off a telephone or a sheet of paper: spaces and dashes don't count. */
const code = z
  .string()
  .max(60)
  .transform((typed) => typed.replace(/[\s\u00a0\u202f-]/g, ''))
  .catch('');

const Fields = z.object({
  step_up_to: localPath.catch('/'),
  step_up_method: z.enum(methods).catch('totp'),
  // a button: ask for this one instead
  step_up_other: z.enum(methods).optional().catch(undefined),
  step_up_code: code,
  step_up_proof: z.string().max(60_000).catch(''),
});

export type Shown = { to: string; method: Method; other?: Method; code: string; credential: string };

/** In: the posted form. `credential`: what a passkey answered, as JSON. */
export function readStepUp(body: Record<string, unknown>): Shown {
  const { step_up_to, step_up_method, step_up_other, step_up_code, step_up_proof } = Fields.parse(body);
  return {
    to: step_up_to,
    method: step_up_method,
    other: step_up_other,
    code: step_up_code,
    credential: step_up_proof,
  };
}
