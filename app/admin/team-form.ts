import { z } from 'zod';

/** The roles of access.care_team_members (0060_care_teams); FHIR CareTeam.participant.role. */
export const teamRoles = [
  'lead',
  'physician',
  'nurse',
  'midwife',
  'physiotherapist',
  'pharmacist',
  'psychologist',
  'other',
] as const;

const text = z.string().trim().max(60).catch('');
const day = z
  .union([z.literal(''), z.iso.date()])
  .default('')
  .catch('?');
const Form = z.object({
  key: z.guid().catch(() => crypto.randomUUID()),
  account: text,
  role: text,
  from: day,
  until: day,
});
export type MemberValues = z.infer<typeof Form>;
export type MemberErrors = Partial<Record<'account' | 'from' | 'until', 'choice' | 'not_a_date' | 'ends_before_start'>>;

export const blankMember = (role = 'physician'): MemberValues => ({
  key: crypto.randomUUID(),
  account: '',
  role,
  from: '',
  until: '',
});

export function readMember(fields: unknown): { values: MemberValues; errors: MemberErrors } {
  const values = Form.parse(fields);
  const errors: MemberErrors = {};
  if (!z.guid().safeParse(values.account).success) errors.account = 'choice';
  if (values.from === '?') errors.from = 'not_a_date';
  if (values.until === '?') errors.until = 'not_a_date';
  else if (values.from && values.until && values.until < values.from) errors.until = 'ends_before_start';
  return { values, errors };
}
