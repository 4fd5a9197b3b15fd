// Which new passwords are refused (requirement A6; NIST SP 800-63B-4 §3.1.1.2). The edge decides: the database never sees
// a password. Nothing is asked of its composition, spaces and paste are welcome, and nobody has to change one by the calendar.
import { commonPasswords } from './common-passwords.ts';
import { expectedWords } from './expected-words.ts';

/** In code points, after NFC: what prehash() takes. */
export const SHORTEST = 12;
export const LONGEST = 1024;

export type PasswordProblem = 'short' | 'long' | 'common' | 'personal';

/**
 * What is wrong with a password that somebody chose, or undefined.
 * @param about their e-mail address and names, and the practice's: a password made of little else is refused
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
  const own = wordsOf(about);
  if (isMadeOf(password, own)) return 'personal';
  return isMadeOf(password, [...own, ...expectedWords]) ? 'common' : undefined;
}

function wordsOf(about: readonly (string | null | undefined)[]): string[] {
  return about
    .filter((one) => one !== null && one !== undefined)
    .flatMap((one) => [one, ...one.split(/[@.\s'’_-]+/)])
    .map(folded)
    .filter((word) => word.length >= 3);
}

/** Eight letters aren't left once these words and all digits are taken out; `P@ssw0rd` is read as it is meant, too. */
function isMadeOf(password: string, words: readonly string[]): boolean {
  const longestFirst = [...words].sort((a, b) => b.length - a.length);
  return [password, unmasked(password)].some((reading) => {
    let rest = folded(reading);
    for (const word of longestFirst) rest = rest.replaceAll(word, ' ');
    return rest.includes(' ') && rest.replace(/[\s\d]/g, '').length < 8;
  });
}

const MASKS: Record<string, string> = {
  '@': 'a',
  '4': 'a',
  '3': 'e',
  '1': 'i',
  '!': 'i',
  '0': 'o',
  $: 's',
  '5': 's',
  '7': 't',
};
const unmasked = (text: string): string => text.replace(/[@431!0$57]/g, (sign) => MASKS[sign] ?? sign);

/** Small letters and digits, without accents and without what stands between them. */
function folded(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}
