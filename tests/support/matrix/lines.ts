// The files of supabase/tests/matrix: who gets what, one file for each migration, one line for an object and the roles that
// get the same. What they say, and what is found, are compared word by word.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readMigrations } from '../../../db/migrate.ts';

export const folder = join(import.meta.dirname, '..', '..', '..', 'supabase', 'tests', 'matrix');

const people = ['patient', 'clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher'];
const groups: Record<string, string[]> = { everyone: ['anon', ...people, 'import'], people };
export const roles = ['anon', ...people, 'import', 'edge', 'gate', 'dba'] as const;
export type Role = (typeof roles)[number];

/** Object → role → what it gets: `team  -` (reads, writes), `call` or `use`. A role that gets nothing isn't there. */
export type Matrix = Map<string, Map<string, string>>;
export type Line = { file: string; object: string; who: string[]; gets: string };

/** What the files say. */
export function readLines(): Line[] {
  return readdirSync(folder).flatMap((file) =>
    textOf(file)
      .map((text) => parse(file, text))
      .filter((line) => line !== undefined),
  );
}

const textOf = (file: string): string[] =>
  existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8').split('\n') : [];

function parse(file: string, text: string): Line | undefined {
  if (/^\s*(#|$)/.test(text)) return undefined;
  const [object = '', who = '', ...gets] = text.trim().split(/\t+| {2,}/);
  const named = who === 'nobody' ? [] : who.split(', ').flatMap((name) => groups[name] ?? [name]);
  return { file, object, who: named, gets: gets.join('  ') };
}

/** The same as lines; an object that nobody gets anything of has one as well. */
export function toLines(object: string, gets: Map<string, string>, file: string): Line[] {
  const answers = [...new Set(gets.values())];
  if (answers.length === 0) return [{ file, object, who: [], gets: '' }];
  return answers.map((answer) => ({
    file,
    object,
    who: roles.filter((role) => gets.get(role) === answer),
    gets: answer,
  }));
}

export function toText({ object, who, gets }: Line): string {
  const grouped = [...who];
  for (const [group, members] of Object.entries(groups))
    if (members.every((role) => grouped.includes(role)))
      grouped.splice(0, grouped.length, group, ...grouped.filter((role) => !members.includes(role)));
  const [reads = '', ...writes] = gets.split('  ');
  return [object.padEnd(38), (grouped.join(', ') || 'nobody').padEnd(30), reads.padEnd(13), ...writes]
    .join('  ')
    .trim();
}

const title = (file: string) =>
  `# Who gets what of ${file.replace(/^\d+_(.*)\.txt$/, '$1').replaceAll('_', ' ')}: tried, not believed. How to read and change it: docs/dba.md, "Who may do what".`;

/** Lines that aren't right, by file: those to take out and those to put in. */
export function compare(
  found: Matrix,
  place: (object: string) => string,
): Map<string, { out: string[]; in: string[] }> {
  const said = Map.groupBy(readLines(), (line) => line.object);
  const changes = new Map<string, { out: string[]; in: string[] }>();
  const change = (file: string) => {
    if (!changes.has(file)) changes.set(file, { out: [], in: [] });
    return changes.get(file)!;
  };
  for (const object of new Set([...said.keys(), ...found.keys()])) {
    const gets = found.get(object);
    const file = place(object);
    const there = said.get(object) ?? [];
    const right = gets ? toLines(object, gets, file) : [];
    if (expanded(there) === expanded(right)) continue;
    const same = (one: Line) => (other: Line) => one.file === other.file && toText(one) === toText(other);
    for (const line of there) if (!right.some(same(line))) change(line.file).out.push(toText(line));
    for (const line of right) if (!there.some(same(line))) change(line.file).in.push(toText(line));
  }
  return changes;
}

/** Role by role, so that lines may be written apart or together. */
const expanded = (lines: Line[]): string =>
  lines
    .flatMap(({ file, who, gets }) =>
      who.length === 0 ? [`${file} nobody`] : who.map((role) => `${file} ${role} ${gets}`),
    )
    .sort()
    .join('\n');

/** The file of the migration that makes an object; partitions and the like stand with what they are named after. */
export function placesInMigrations(): (object: string) => string {
  const files = new Map<string, string>();
  for (const { file, text } of readMigrations())
    for (const [, name = ''] of text.matchAll(
      /^\s*create (?:or replace )?(?:table|view|function|schema) ([a-z_0-9.]+)/gm,
    ))
      if (!files.has(name)) files.set(name, file.replace('.sql', '.txt'));
  return (object) => {
    const name = object
      .replace(/^schema /, '')
      .replace(/\(.*$/, '')
      .replace(/_YYYY_MM$/, '');
    return files.get(name) ?? readLines().find((line) => line.object === object)?.file ?? '0900_elsewhere.txt';
  };
}

/** Puts right what isn't; comments and the other lines stay as they are. */
export function writeLines(found: Matrix): void {
  for (const [file, { out, in: right }] of compare(found, placesInMigrations())) {
    const kept = textOf(file).filter((text) => {
      const line = parse(file, text);
      return !line || !out.includes(toText(line));
    });
    const text = kept.length > 0 ? kept : [title(file), ''];
    while (text.at(-1) === '') text.pop();
    if (text.length === 1) text.push('');
    // tables and views, then functions
    for (const line of right.toSorted((a, b) => Number(a.includes('()')) - Number(b.includes('()')))) {
      const object = parse(file, line)?.object;
      const last = text.findLastIndex((one) => parse(file, one)?.object === object);
      text.splice(last < 0 ? text.length : last + 1, 0, line);
    }
    writeFileSync(join(folder, file), `${text.join('\n')}\n`);
  }
}
