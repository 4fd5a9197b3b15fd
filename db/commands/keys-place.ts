// Where the keys of an installation stand, and how the keys commands change them there.
import { CommandError } from '../command-error.ts';
import { changeKeys, textOf, type Variable } from '../key-file.ts';
import type { Site } from '../site.ts';

/** What became of a change: the file has it, or the operator must put this text into the environment. */
export type Placed =
  | { place: 'file'; file: string; copy: string | undefined }
  | ({ place: 'environment' } & Partial<Record<Variable, string>>);

export const isInEnvironment = (variable: Variable): boolean => Boolean(process.env[variable]);

export async function place(site: Site, variable: Variable, change: (text: string) => string): Promise<Placed> {
  if (isInEnvironment(variable)) return { place: 'environment', [variable]: change(textOf(site.keys, variable)) };
  return { place: 'file', file: site.keyFile, copy: await changeKeys(site.keyFile, variable, change) };
}

/** For the terminal: the text is the operator's to carry, and stands nowhere else. */
export function describePlaced(placed: Placed, what: string): string {
  if (placed.place === 'file')
    return placed.copy === undefined
      ? `${placed.file} is right already.`
      : `${placed.file} ${what}; ${placed.copy} is the file as it was. A running server takes it over within seconds.`;
  const [variable, who] = placed.VITAL_KEYS
    ? (['VITAL_KEYS', 'every edge'] as const)
    : (['VITAL_SIGNING_KEY', 'whoever seals'] as const);
  return `${variable} comes from the environment. Give ${who} this text, which ${what}, and keep it where your secrets are:\n\n${placed[variable]}\n`;
}

/** `--settle`: seconds. */
export function readSettle(text: string | undefined): number {
  const seconds = Number(text ?? 120);
  if (Number.isFinite(seconds) && seconds >= 0 && seconds <= 86_400) return seconds;
  throw new CommandError('--settle takes seconds, 0 to 86400.');
}
