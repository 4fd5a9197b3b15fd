import { Capture, CLOSE, CLOSE_LIST, COLON, COMMA, isSpace, OPEN, OPEN_LIST, QUOTE } from './capture.ts';
import { NotFhir } from './refusal.ts';

/** One member of the bundle, or one element of its `entry` (then with its index), as the bytes stand in the file. */
export type Slice = { key: string; index: number; bytes: Uint8Array; members: number };

/** Deeper than any FHIR resource; keeps recursive readers safe. */
const DEEPEST = 100;
/** A single resource that doesn't fit here would break the memory that an import may take. */
const LARGEST = 64 * 1024 * 1024;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/**
 * Cuts the file of one JSON object into its members, and its member `entry` into elements, without
 * holding more than one of them. It looks only at structure: each slice is then parsed by JSON.parse,
 * which is what makes the result strict JSON (RFC 8259). `members` counts the members of all objects
 * within, so that a parsed slice with fewer of them has a repeated one.
 * @throws NotFhir for what isn't one whole JSON object
 */
export async function* slices(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Slice> {
  const cutter = new Cutter();
  for await (const chunk of chunks) yield* cutter.cut(chunk);
  cutter.end();
}

type Expecting =
  | 'start'
  | 'first key'
  | 'key'
  | 'colon'
  | 'value'
  | 'comma'
  | 'first entry'
  | 'entry'
  | 'entry comma'
  | 'end';
type Step = Expecting | 'capture' | undefined;

class Cutter {
  #expecting: Expecting = 'start';
  #capture: Capture | null = null;
  #key = '';
  #index = -1;
  /** Bytes before the chunk at hand. */
  #offset = 0;
  readonly #seen = new Set<string>();

  *cut(chunk: Uint8Array): Generator<Slice> {
    for (let i = 0; i < chunk.length; ) {
      if (!this.#capture) {
        // A byte that starts a value is looked at again, as part of it.
        this.#between(chunk[i] as number, this.#offset + i);
        if (!this.#capture) i++;
        continue;
      }
      i = this.#capture.scan(chunk, i);
      this.#checkSize(this.#capture);
      if (i < 0) break;
      const slice = this.#finish(this.#capture);
      if (slice) yield slice;
    }
    this.#offset += chunk.length;
  }

  end(): void {
    if (this.#expecting === 'start') throw new NotFhir('', 'the file is empty');
    if (this.#expecting !== 'end')
      throw this.#broken(`the file ends in the middle, after ${this.#offset} bytes (truncated?)`);
  }

  /** One byte that belongs to no value: what is expected after it. */
  #between(byte: number, position: number): void {
    if (isSpace(byte) || (this.#expecting === 'start' && byte === BYTE_ORDER_MARK[position])) return;
    if (this.#expecting === 'start' && byte !== OPEN) throw new NotFhir('', 'not a JSON object');
    if (this.#expecting === 'end')
      throw new NotFhir('', `something follows the end of the bundle, at byte ${position}`);
    const step = this.#step(byte);
    if (step === undefined) throw this.#broken(`not JSON: unexpected character at byte ${position}`);
    if (step !== 'capture') {
      if (this.#expecting === 'entry comma' && step === 'comma') this.#index = -1;
      this.#expecting = step;
      return;
    }
    if (this.#expecting === 'first entry') this.#expecting = 'entry';
    if (this.#expecting === 'entry') this.#index++;
    this.#capture = new Capture(byte);
  }

  #step(byte: number): Step {
    const value: Step =
      byte === COMMA || byte === COLON || byte === CLOSE || byte === CLOSE_LIST ? undefined : 'capture';
    switch (this.#expecting) {
      case 'start':
        return 'first key';
      case 'first key':
        return byte === CLOSE ? 'end' : byte === QUOTE ? 'capture' : undefined;
      case 'key':
        return byte === QUOTE ? 'capture' : undefined;
      case 'colon':
        return byte === COLON ? 'value' : undefined;
      case 'value':
        return this.#key === 'entry' && byte === OPEN_LIST ? 'first entry' : value;
      case 'comma':
        return byte === COMMA ? 'key' : byte === CLOSE ? 'end' : undefined;
      case 'first entry':
        return byte === CLOSE_LIST ? 'comma' : value;
      case 'entry':
        return value;
      case 'entry comma':
        return byte === COMMA ? 'entry' : byte === CLOSE_LIST ? 'comma' : undefined;
      case 'end':
        return undefined;
    }
  }

  #finish(capture: Capture): Slice | undefined {
    this.#capture = null;
    const bytes = capture.bytes();
    if (this.#expecting === 'first key' || this.#expecting === 'key') {
      this.#key = memberName(bytes);
      if (this.#seen.has(this.#key)) throw new NotFhir(this.#key, 'this member is repeated');
      this.#seen.add(this.#key);
      this.#expecting = 'colon';
      return undefined;
    }
    const isEntry = this.#expecting === 'entry';
    this.#expecting = isEntry ? 'entry comma' : 'comma';
    return { key: this.#key, index: isEntry ? this.#index : -1, bytes, members: capture.members };
  }

  #checkSize({ deepest, size }: Capture): void {
    if (deepest > DEEPEST) throw this.#broken(`nested deeper than ${DEEPEST}`);
    if (size > LARGEST) throw this.#broken(`larger than ${LARGEST / 1024 / 1024} MB`);
  }

  #broken(why: string): NotFhir {
    return new NotFhir(this.#index >= 0 ? `entry[${this.#index}]` : this.#key, why);
  }
}

function memberName(bytes: Uint8Array): string {
  try {
    return String(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    throw new NotFhir('', 'not JSON: a member name is broken');
  }
}
