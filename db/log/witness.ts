// A witness (c2sp.org/tlog-witness): somebody else's server that remembers the last checkpoint of each log it knows, and
// puts its signature to the next one only with a proof that nothing before it was changed.
//
//   VITAL_WITNESS_URL  where: POST <url>/add-checkpoint, GET <url>/<sha256 of the origin>/checkpoint
//   VITAL_WITNESS_KEY  the witness's verifier key (type 4, cosignature/v1)
import { createHash } from 'node:crypto';
import { CommandError } from '../command-error.ts';
import type { Site } from '../site.ts';
import { everyKey, openOwnCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import { NoteError, openNote, parseVkey } from './note.ts';

export type Witness = { url: string; vkey: string };

/** What the witness doesn't do, in one sentence. */
export class WitnessError extends CommandError {}

const patience = 10_000; // milliseconds
const longestAnswer = 100_000;

/** The witness of this installation; undefined when there is none. @throws CommandError when half of it is missing */
export function findWitness(environment: NodeJS.ProcessEnv = process.env): Witness | undefined {
  const { VITAL_WITNESS_URL: url, VITAL_WITNESS_KEY: vkey } = environment;
  if (!url && !vkey) return undefined;
  if (!url || !/^https?:\/\/[^\s?#]+$/.test(url))
    throw new CommandError('VITAL_WITNESS_URL must be the address of the witness, like https://witness.example/x.');
  try {
    parseVkey(vkey ?? '');
  } catch (error) {
    throw new CommandError(`VITAL_WITNESS_KEY must be the witness's verifier key: ${(error as Error).message}.`);
  }
  return { url: url.replace(/\/+$/, ''), vkey: vkey?.trim() ?? '' };
}

/** The last checkpoint that the witness has seen of this log; undefined when it has none, or doesn't tell now. */
export async function readWitnessed(
  origin: string,
  { keys }: Pick<Site, 'keys'>,
): Promise<SignedCheckpoint | undefined> {
  const witness = findWitness();
  if (!witness) return undefined;
  const hash = createHash('sha256').update(origin).digest('hex');
  const answer = await ask(`${witness.url}/${hash}/checkpoint`).catch(() => undefined);
  if (answer?.status !== 200) return undefined; // many witnesses tell nothing; add-checkpoint compares all the same
  try {
    return openOwnCheckpoint(answer.text, everyKey(keys.signing), [witness.vkey]);
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    throw new WitnessError(`What the witness holds as our checkpoint can't be believed: ${error.message}.`);
  }
}

/**
 * Has a checkpoint cosigned; gives the note with the witness's signature added.
 * @param from the size of the last one that it cosigned, as far as we know; it corrects us
 * @param prove the consistency proof from a size to this checkpoint's
 * @throws WitnessError that says what the witness answered
 */
export async function cosign(
  { url, vkey }: Witness,
  checkpoint: SignedCheckpoint,
  from: number,
  prove: (from: number) => Promise<Buffer[]>,
): Promise<string> {
  let old = from;
  for (let tries = 0; tries < 3; tries += 1) {
    const { status, text } = await ask(`${url}/add-checkpoint`, requestBody(old, await prove(old), checkpoint.note));
    if (status === 200) return addCosignature(checkpoint.note, text, vkey);
    if (status !== 409 || !/^(0|[1-9][0-9]{0,14})\n$/.test(text) || Number(text) === old) throw refusal(status);
    old = Number(text);
    if (old > checkpoint.size)
      throw new WitnessError(`The witness has seen this log at size ${old}, and it ends at ${checkpoint.size} here.`);
  }
  throw new WitnessError('The witness changes its mind about what it has seen: somebody else posts to it too.');
}

/** Whether the witness's signature stands under a note, and is right. */
export function isCosigned(note: string, { vkey }: Witness): boolean {
  try {
    return openNote(note, [vkey]).signatures.length > 0;
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    return false;
  }
}

const requestBody = (old: number, proof: readonly Buffer[], note: string): string =>
  `old ${old}\n${proof.map((hash) => `${hash.toString('base64')}\n`).join('')}\n${note}`;

/** Only lines of the witness's own key are taken, once they are verified. */
function addCosignature(note: string, lines: string, vkey: string): string {
  try {
    const [signature] = openNote(`${note}${lines}`, [vkey]).signatures;
    return note.includes(signature!.line) ? note : note + signature!.line; // openNote gives one at least
  } catch (error) {
    throw new WitnessError(`The witness's signature can't be believed: ${(error as Error).message}.`);
  }
}

function refusal(status: number): WitnessError {
  const why: Record<number, string> = {
    400: "it can't read our request",
    403: "it doesn't take our signature: give its operator witness/key.vkey",
    404: "it doesn't know our log: give its operator witness/key.vkey",
    409: 'it says no size',
    422: 'what it has seen of this log is not the beginning of it: the log was forked',
  };
  return new WitnessError(`The witness refuses the checkpoint (${status}): ${why[status] ?? 'it answers no reason'}.`);
}

async function ask(url: string, body?: string): Promise<{ status: number; text: string }> {
  try {
    const answer = await fetch(url, {
      ...(body !== undefined && { method: 'POST', body }),
      redirect: 'error',
      signal: AbortSignal.timeout(patience),
    });
    const text = await answer.text();
    if (text.length > longestAnswer) throw new Error('too long');
    return { status: answer.status, text };
  } catch {
    throw new WitnessError(`The witness at ${new URL(url).host} doesn't answer.`);
  }
}
