import { z } from 'zod';

/** FHIR ServiceRequest.priority, as store.referrals has it. */
export const priorities = ['routine', 'urgent', 'asap', 'stat'] as const;
/** How long the colleague sees the record; the database allows 180 days. */
export const durations = ['7', '30', '90', '180'] as const;
export const reasonLimit = 4000;

const text = z.string().catch('');
const Form = z.object({
  key: z.guid().catch(() => crypto.randomUUID()),
  performer: text,
  priority: text,
  reason: text.transform((typed) => typed.replaceAll('\r\n', '\n').trim()),
  days: z.enum(durations).catch('30'),
});
export type ReferralValues = z.infer<typeof Form>;
export type ReferralErrors = Partial<Record<'performer' | 'reason', true>>;

export const blankReferral = (): ReferralValues => ({
  key: crypto.randomUUID(),
  performer: '',
  priority: 'routine',
  reason: '',
  days: '30',
});

export function readReferral(fields: unknown): { values: ReferralValues; errors: ReferralErrors } {
  const values = Form.parse(fields);
  const errors: ReferralErrors = {};
  if (!z.guid().safeParse(values.performer).success) errors.performer = true;
  if (values.reason === '' || values.reason.length > reasonLimit) errors.reason = true;
  return { values, errors };
}
