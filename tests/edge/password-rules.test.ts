// Which new passwords are refused: requirement A6.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commonPasswords } from '../../edge/common-passwords.ts';
import { LONGEST, type PasswordProblem, passwordProblem } from '../../edge/password-rules.ts';

const camille = ['camille.roux@exemple.fr', 'Dr Camille Roux', 'Cabinet des Tilleuls'];

test.each<[string, PasswordProblem | undefined]>([
  ['elevenchars', 'short'],
  ['éléphantéé1', 'short'],
  // four code units each, and one character each
  ['🐘🐘🐘🐘🐘🐘', 'short'],
  ['x'.repeat(LONGEST + 1), 'long'],
  ['qwertyuiop123', 'common'],
  ['QWERTYUIOP123', 'common'],
  ['aaaaaaaaaaaaaaaa', 'common'],
  ['abababababababab', 'common'],
  ['camille.roux@exemple.fr', 'personal'],
  ['Camille-Roux-2026', 'personal'],
  ['CAMÎLLE roux !!!', 'personal'],
  ['vitalsync20261234', 'common'],
  ['Motdepasse2026!', 'common'],
  ['M0td3p@ss3-2026', 'common'],
  ['Bonjour123456', 'common'],
  ['123456789azerty', 'common'],
  ['Infirmière-2026', 'common'],
  ['Administrateur1', 'common'],
  ['Tilleuls2026!!', 'personal'],
  ['Cabinet2026!!', 'personal'],
  ['hiver dans un autre pays', undefined],
  ['bonjour petit escargot', undefined],
  ['correct horse battery staple', undefined],
  ['   cheval de mer   ', undefined],
  ['camille aime beaucoup les tartes', undefined],
  ['pâtes à la crème', undefined],
  ['病院でコーヒーを飲むのが好き', undefined],
  ['un deux trois '.repeat(73), undefined],
])('%s: %s', (password, problem) => {
  expect(passwordProblem(password, camille)).toBe(problem);
});

test('accents count once, however the keyboard writes them', () => {
  const eleven = 'éàèùçôîâêûë';
  expect([passwordProblem(eleven.normalize('NFC')), passwordProblem(eleven.normalize('NFD'))]).toEqual([
    'short',
    'short',
  ]);
});

test('nothing is known of somebody without a name', () => {
  expect(passwordProblem('correct horse battery staple', [null, undefined, ''])).toBeUndefined();
});

test('at least 3,000 common passwords are known, none shorter than a password may be', () => {
  expect(commonPasswords.size).toBeGreaterThan(3000);
  for (const one of commonPasswords) {
    expect(one).toBe(one.toLowerCase());
    expect([...one].length).toBeGreaterThanOrEqual(12);
  }
});

test('anything typed gets an answer, the same however its accents are written; nothing short is taken', () => {
  const typed = fc.string({ unit: 'binary', maxLength: 60 });
  fc.assert(
    fc.property(typed, fc.array(typed, { maxLength: 3 }), (password, about) => {
      const problem = passwordProblem(password, about);
      expect(passwordProblem(password.normalize('NFD'), about)).toBe(problem);
      if (problem === undefined) expect([...password.normalize('NFC')].length).toBeGreaterThanOrEqual(12);
    }),
  );
});
