import { z } from 'zod';

const text = (most: number) => z.string().trim().max(most).catch('');
const Form = z.object({
  key: z.guid().catch(() => crypto.randomUUID()),
  family_name: text(100),
  given_name: text(100),
  quality: text(40),
});
export type NameValues = z.infer<typeof Form>;
export type NameErrors = Partial<Record<'family_name' | 'given_name' | 'quality', 'missing' | 'letters'>>;

/** What isn't seen, or turns the reading direction: iam.is_name (0342_names.sql) refuses the same. */
export const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800<>]/u;

export function readNameForm(fields: unknown): { values: NameValues; errors: NameErrors } {
  const values = Form.parse(fields);
  const errors: NameErrors = {};
  for (const name of ['family_name', 'given_name', 'quality'] as const)
    if (hidden.test(values[name])) errors[name] = 'letters';
    else if (!values[name] && name !== 'quality') errors[name] = 'missing';
  return { values, errors };
}
