/** What every page that asks for a second factor reads and answers: the second step of signing in, and step-up. */
import type { Context } from 'hono';
import type { Env } from '../../edge/session.ts';
import type { CodeNotice, CodeStepProps } from './code.tsx';
import type { FactorAnswer, Method } from './queries.ts';

/** In the order in which they are asked for; the others are behind « autre moyen ». */
export const METHODS = ['totp', 'passkey', 'recovery_code', 'email_code', 'sms_code'] as const;

/** A code as it was read off a telephone or a sheet of paper, without its spaces and dashes. */
export const bare = (code: string): string => code.replace(/[\s\u00a0\u202f-]/g, '');

export const looksLike = (method: Method, code: string): boolean =>
  method === 'recovery_code' ? code.length >= 10 : /^\d{6}$/.test(code);

/** Has a code been sent that this answer is about? Every answer to a form that had the field for it is. */
export const wasSent = (notice?: CodeNotice): boolean => notice?.kind === 'sent' || notice?.kind === 'wait_to_send';

export function outcome({ errors, notice }: Partial<CodeStepProps>) {
  if (notice?.kind === 'wait' || notice?.kind === 'wait_to_send') return { error: true, status: 429 as const };
  const failed = Boolean(errors) || (notice !== undefined && notice.kind !== 'sent');
  return { error: failed, status: failed ? (422 as const) : (200 as const) };
}

export function setback(c: Context<Env>, result: FactorAnswer | undefined): CodeNotice {
  if (result?.answer !== 'wait') return { kind: 'refused' };
  return { kind: 'wait', seconds: retryAfter(c, result.retry_after) };
}

export function sentNotice(c: Context<Env>, result: { answer: string; retry_after: number } | undefined): CodeNotice {
  if (result?.answer === 'ok') return { kind: 'sent' };
  if (result?.answer !== 'wait') return { kind: 'not_sent' };
  return { kind: 'wait_to_send', seconds: retryAfter(c, result.retry_after) };
}

function retryAfter(c: Context<Env>, given: number | null): number {
  const seconds = given ?? 60;
  c.header('Retry-After', String(seconds));
  return seconds;
}
