// French is set as French is, a browser's language is found, and numbers keep their digits.
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatNumber, typeset, type Words } from '../../app/i18n.ts';

type Module = Record<string, Words<Record<string, unknown>>>;
const files = globSync('app/**/messages.ts');
const modules = await Promise.all(files.map((file) => import(join(process.cwd(), file)) as Promise<Module>));
const concepts = modules.flatMap((module, i) =>
  Object.entries(module).map(([name, words]) => ({ name: `${files[i]} ${name}`, words })),
);

/** What a message says, with numbers where it takes values. */
function said(message: unknown): string {
  return typeof message === 'function' ? String(message(2, 2, 2, 2, 2, 2)) : String(message);
}

describe.each(concepts)('$name', ({ words }) => {
  test('has the same messages in both languages, whole ones', () => {
    expect(Object.keys(words.en).sort()).toEqual(Object.keys(words.fr).sort());
    for (const message of [...Object.values(words.fr), ...Object.values(words.en)]) {
      expect(said(message)).not.toMatch(/undefined|NaN|\[object/);
    }
  });

  test('puts narrow spaces before ; ! ? and inside guillemets, and curls its apostrophes', () => {
    for (const message of Object.values(words.fr)) {
      expect(said(message)).not.toMatch(/[^\u202f][;!?»]|«[^\u202f]/u);
      expect(said(message)).not.toMatch(/[^\u00a0]:(?!\d)/u);
      expect(said(message)).not.toContain("'");
    }
  });

  test('never says « veuillez » nor « invalide »', () => {
    for (const message of Object.values(words.fr)) expect(said(message)).not.toMatch(/veuillez|invalide/i);
  });
});

test('finds every concept', () => {
  expect(concepts.length).toBeGreaterThan(6);
});

test('French is set with its spaces', () => {
  expect(typeset('« Oui » ; vraiment ? Note : 1')).toBe('«\u202fOui\u202f»\u202f; vraiment\u202f? Note\u00a0: 1');
});

test.each([
  ['0.5', '0,5'],
  ['5', '5'],
  ['1200', '1200'],
  ['12500', '12\u202f500'],
  ['-3.20', '\u22123,20'],
  ['>90', '>90'],
])('the value %s is written %s in French, digit for digit', (value, written) => {
  expect(formatNumber('fr', value)).toBe(written);
});
