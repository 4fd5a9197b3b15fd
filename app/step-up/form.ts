import { z } from 'zod';
import type { Unsent } from '../errors/unsent.tsx';
import { localPath } from '../local-path.ts';
import { bare, METHODS } from '../sign-in/code-form.ts';
import type { Method } from '../sign-in/queries.ts';

/** What waits for the factor: a form to send again, or a page to come back to. */
export type Waiting =
  | { unsent: Unsent }
  | {
      path: string;
      /** Its form holds what isn't kept, and is to be filled in again. */
      again?: boolean;
    };

const Fields = z.object({
  step_up_to: localPath.catch('/'),
  step_up_method: z.enum(METHODS).catch('totp'),
  // a button: this one instead, or sent again
  step_up_by: z.enum(METHODS).optional().catch(undefined),
  // there where the page asked for one
  step_up_code: z.string().max(40).optional().catch(''),
  // there where the page asked for it; checked first
  step_up_password: z.string().max(10_000).optional().catch(''),
  // what waits changes how somebody signs in: the password as well
  step_up_both: z.string().optional().catch(undefined),
  // what a passkey answered, as JSON
  step_up_credential: z.string().max(60_000).catch(''),
});

export type Shown = { to: string; method: Method; by?: Method; both: boolean } & {
  /** Undefined where the page didn't ask for it. */
  password?: string;
  code?: string;
  credential: string;
};

/** In: the posted form, of which other fields belong to the form that waits. */
export function readStepUp(body: Record<string, unknown>): Shown {
  const fields = Fields.parse(body);
  return {
    to: fields.step_up_to,
    method: fields.step_up_method,
    by: fields.step_up_by,
    both: fields.step_up_both !== undefined,
    password: fields.step_up_password,
    code: fields.step_up_code === undefined ? undefined : bare(fields.step_up_code),
    credential: fields.step_up_credential,
  };
}
