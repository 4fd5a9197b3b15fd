// The line that refused, looked up in the files at run time: by what Postgres says of its own error ("PL/pgSQL function
// access.claims() line 7 at RAISE"), else by a text that stands there once.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Marker, SourceLine } from './types.ts';

const root = join(import.meta.dirname, '..', '..');
const AROUND = 2;

/** Undefined when the error came from elsewhere than a function of ours. */
export function findRaise(where: string): SourceLine | undefined {
  const [, name, line] = /^PL\/pgSQL function ([\w.]+)\([^)]*\) line (\d+) at RAISE/.exec(where) ?? [];
  if (!name || !line) return undefined;
  for (const file of migrations()) {
    const lines = read(file);
    const head = lines.findIndex((text) => text.startsWith(`create function ${name}(`));
    if (head < 0) continue;
    const body = lines.findIndex((text, i) => i >= head && /\bas \$\$\s*$/.test(text));
    return excerpt(file, lines, body + Number(line) - 1);
  }
  return undefined;
}

export function findMarker({ file, text }: Marker): SourceLine | undefined {
  const lines = read(file);
  const at = lines.findIndex((line) => line.includes(text));
  return at < 0 ? undefined : excerpt(file, lines, at);
}

function excerpt(file: string, lines: readonly string[], at: number): SourceLine {
  const from = Math.max(0, at - AROUND);
  const around = lines.slice(from, at + AROUND + 1).map((text, i) => ({ line: from + i + 1, text }));
  return { file, line: at + 1, excerpt: around };
}

const migrations = (): string[] =>
  readdirSync(join(root, 'supabase/migrations'))
    .filter((name) => name.endsWith('.sql'))
    .map((name) => `supabase/migrations/${name}`);

const read = (file: string): string[] => readFileSync(join(root, file), 'utf8').split('\n');
