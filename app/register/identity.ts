/** Who somebody says they are: read from the form as clinic.is_identity wants it, which decides. */
import { z } from 'zod';
import { hidden } from '../names/form.ts';
import { dayOf } from '../ui/time.tsx';

/** More than a name may have is read, so that it can be given back. */
const name = z.string().trim().max(10_000).catch('');
const Form = z.object({
  birth_name: name,
  used_name: name,
  first_given_name: name,
  sex: name,
  birth_date: name,
  phone: z.string().trim().max(40).catch(''),
});
export type Identity = z.infer<typeof Form>;
export type IdentityProblem = keyof Identity;

export const sexes = ['female', 'male', 'unknown'] as const;
export const nobody: Identity = {
  birth_name: '',
  used_name: '',
  first_given_name: '',
  sex: '',
  birth_date: '',
  phone: '',
};

/** `traits`: what SQL gets, without what was left empty. */
export function readIdentity(fields: unknown): {
  values: Identity;
  traits: Record<string, string>;
  problems: IdentityProblem[];
} {
  const values = Form.parse(fields);
  const phone = toE164(values.phone);
  const problems = (Object.keys(values) as IdentityProblem[]).filter((field) => !isRight(field, values, phone));
  const traits = Object.entries({ ...values, phone }).filter(([, value]) => value !== '');
  return { values, traits: Object.fromEntries(traits), problems };
}

function isRight(field: IdentityProblem, values: Identity, phone: string): boolean {
  const value = values[field];
  switch (field) {
    case 'birth_name':
    case 'first_given_name':
      return /\p{L}/u.test(value) && isName(value);
    case 'used_name':
      return isName(value);
    case 'sex':
      return sexes.some((one) => one === value);
    case 'birth_date':
      return z.iso.date().safeParse(value).success && value >= '1890-01-01' && value <= dayOf(new Date());
    case 'phone':
      return phone === '' || /^\+\d{6,15}$/.test(phone);
  }
}

const isName = (value: string) => value.length <= 100 && !hidden.test(value);

/** « 06 12 34 56 78 » is a number of France; what begins with + or 00 says of where. */
function toE164(typed: string): string {
  return typed
    .replace(/[\s().-]/g, '')
    .replace(/^00/, '+')
    .replace(/^0(?=\d{9}$)/, '+33');
}
