/**
 * A new password, typed twice: the fields of every form that has one, and what is wrong with what was sent. The rules are
 * edge/password-rules.ts; `prehash` (edge/password.ts) makes of it what the database gets.
 */
import { z } from 'zod';
import { passwordProblem } from '../../edge/password-rules.ts';
import type { Lang } from '../../edge/session.ts';
import { inLang, useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Field } from '../ui/field.tsx';
import type { Errors } from '../ui/form.tsx';
import { passwords } from './messages.ts';

/**
 * A password as somebody typed it. Not trimmed: a space may begin or end one. 1,024 characters may be chosen, and accents that
 * a keyboard writes apart are more until they are joined; whatever is longer than this counts as not given.
 */
export const typedPassword = z.string().max(10_000).catch('');
const Chosen = z.object({ password: typedPassword, again: typedPassword });

/** `about`: the person's e-mail address and names, and the practice's. */
export function readNewPassword(
  fields: unknown,
  about: readonly (string | null | undefined)[],
  lang: Lang,
): { password: string; errors: Errors } {
  const { password, again } = Chosen.parse(fields);
  const t = inLang(passwords, lang);
  const problem = password ? passwordProblem(password, about) : 'missing';
  if (problem) return { password, errors: { password: labelOf(t, 'problem', problem) } };
  return { password, errors: password === again ? {} : { again: t.problem_different } };
}

/** Never given back: what was typed in a password field isn't sent to the browser again. No maxLength: it would cut what is pasted. */
export function NewPasswordFields({ errors, label }: { errors: Errors; label?: string }) {
  const t = useWords(passwords);
  // it was right and something else wasn't: nobody would see that the field is empty again
  const again = Object.keys(errors).length > 0 && !errors.password && !errors.again;
  return (
    <>
      {again ? <Alert tone="info" title={t.retype} /> : null}
      <Field
        name="password"
        type="password"
        label={label ?? t.newPassword}
        hint={t.rules}
        error={errors.password}
        autocomplete="new-password"
        required
      />
      <Field name="again" type="password" label={t.again} error={errors.again} autocomplete="new-password" required />
    </>
  );
}
