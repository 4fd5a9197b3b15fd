// Which new passwords are refused (requirement A6; NIST SP 800-63B-4 §3.1.1.2). The edge decides: the database never sees
// a password. Nothing is asked of its composition, spaces and paste are welcome, and nobody has to change one by the calendar.
import { commonPasswords } from './common-passwords.ts';

/** In code points, after NFC: what prehash() takes. */
export const SHORTEST = 12;
export const LONGEST = 1024;

export type PasswordProblem = 'short' | 'long' | 'common' | 'personal';

/**
 * What is wrong with a password that somebody chose, or undefined.
 * @param about their e-mail address and names: a password made of little else is refused
 */
export function passwordProblem(
  password: string,
  about: readonly (string | null | undefined)[] = [],
): PasswordProblem | undefined {
  const letters = [...password.normalize('NFC')];
  if (letters.length < SHORTEST) return 'short';
  if (letters.length > LONGEST) return 'long';
  const lower = password.normalize('NFC').toLowerCase();
  if (commonPasswords.has(lower) || new Set(lower).size < 5) return 'common';
  return isPersonal(password, about) ? 'personal' : undefined;
}

/** Less than a short password is left once names, the address, our own name and digits at the end are taken out. */
function isPersonal(password: string, about: readonly (string | null | undefined)[]): boolean {
  const words = about
    .filter((one) => one !== null && one !== undefined)
    .flatMap((one) => [one, ...one.split(/[@.\s'’_-]+/)])
    .map(folded)
    .filter((word) => word.length >= 3)
    .sort((a, b) => b.length - a.length);
  let rest = folded(password);
  for (const word of [...words, 'vitalsync']) rest = rest.replaceAll(word, ' ');
  if (!rest.includes(' ')) return false;
  return rest.replace(/[\s\d]/g, '').length < 8;
}

/** Small letters and digits, without accents and without what stands between them. */
function folded(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}
