// Where the ring of an installation stands, and how the keys commands change it there.
import { CommandError } from '../command-error.ts';
import { changeRing } from '../key-file.ts';
import type { Site } from '../site.ts';

/** What became of a change: the file has it, or the operator must put this text into the environment. */
export type Placed =
  | { place: 'file'; file: string; copy: string | undefined }
  | { place: 'environment'; VITAL_KEYS: string };

export const ringIsInEnvironment = (): boolean => Boolean(process.env.VITAL_KEYS);

export async function placeRing(site: Site, change: (ring: string) => string): Promise<Placed> {
  if (ringIsInEnvironment()) return { place: 'environment', VITAL_KEYS: change(site.keys.ring) };
  return { place: 'file', file: site.keyFile, copy: await changeRing(site.keyFile, change) };
}

/** For the terminal: the text is the operator's to carry, and stands nowhere else. */
export function describePlaced(placed: Placed, what: string): string {
  if (placed.place === 'file')
    return placed.copy === undefined
      ? `${placed.file} is right already.`
      : `${placed.file} ${what}; ${placed.copy} is the file as it was. A running server takes it over within seconds.`;
  return `VITAL_KEYS comes from the environment. Give every edge this text, which ${what}, and keep it where your secrets are:\n\n${placed.VITAL_KEYS}\n`;
}

/** `--settle`: seconds. */
export function readSettle(text: string | undefined): number {
  const seconds = Number(text ?? 120);
  if (Number.isFinite(seconds) && seconds >= 0 && seconds <= 86_400) return seconds;
  throw new CommandError('--settle takes seconds, 0 to 86400.');
}
