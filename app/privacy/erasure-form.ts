import { z } from 'zod';
import { recordNumber } from '../patients/record-number.ts';

/** RGPD art. 17(1), as privacy.erasure_requests has it. */
export const grounds = [
  'consent_withdrawn',
  'objection',
  'retention_ended',
  'no_longer_necessary',
  'unlawful_processing',
  'legal_obligation',
] as const;
export const reasonLimit = 2000;

const text = z.string().catch('');
const Form = z.object({
  key: z.guid().catch(() => crypto.randomUUID()),
  patient: text.transform((typed) => typed.trim()),
  ground: text,
  reason: text.transform((typed) => typed.replaceAll('\r\n', '\n').trim()),
});
export type ErasureValues = z.infer<typeof Form>;
/** Field → which sentence of erasure-words.ts. */
export type ErasureProblems = Partial<
  Record<'patient' | 'ground' | 'reason', 'patient' | 'unknown' | 'ground' | 'reason'>
>;

export const blankErasure = (patient = ''): ErasureValues => Form.parse({ patient });

export function readErasure(fields: unknown): { values: ErasureValues; problems: ErasureProblems } {
  const values = Form.parse(fields);
  const problems: ErasureProblems = {};
  if (!recordNumber(values.patient)) problems.patient = 'patient';
  if (!grounds.some((ground) => ground === values.ground)) problems.ground = 'ground';
  if (values.reason === '' || values.reason.length > reasonLimit) problems.reason = 'reason';
  return { values, problems };
}
