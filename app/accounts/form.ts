import { z } from 'zod';
import { emailAddress } from '../address.ts';

/** The roles of people who work in a practice (0040_accounts). */
export const staffRoles = ['clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher'] as const;

const text = (most: number) => z.string().trim().max(most).catch('');
const Form = z.object({
  key: z.guid().catch(() => crypto.randomUUID()),
  role: text(20),
  family_name: text(100),
  given_name: text(100),
  quality: text(40),
  rpps: text(20).transform((typed) => typed.replace(/\s/g, '')),
  email: text(254).transform((typed) => typed.toLowerCase()),
  lang: z.enum(['fr', 'en']).catch('fr'),
});
export type InviteValues = z.infer<typeof Form>;
export type InviteErrors = Partial<Record<keyof InviteValues, 'family' | 'given' | 'email' | 'rpps' | 'choice'>>;

export const blankInvite = (): InviteValues => Form.parse({});

export function readInvite(fields: unknown): { values: InviteValues; errors: InviteErrors } {
  const values = Form.parse(fields);
  const errors: InviteErrors = {};
  // in the order of the fields, which is that of the summary
  if (!(staffRoles as readonly string[]).includes(values.role)) errors.role = 'choice';
  if (!values.family_name) errors.family_name = 'family';
  if (!values.given_name) errors.given_name = 'given';
  if (!emailAddress.test(values.email)) errors.email = 'email';
  if (values.rpps && !/^\d{11}$/.test(values.rpps)) errors.rpps = 'rpps';
  return { values, errors };
}
