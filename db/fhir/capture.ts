export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;
export const OPEN = 0x7b;
export const CLOSE = 0x7d;
const BACKSLASH = 0x5c;

export const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
export const endsScalar = (byte: number): boolean =>
  isSpace(byte) || byte === COMMA || byte === CLOSE || byte === CLOSE_LIST;

/**
 * One JSON value on its way through the chunks of a file: it finds the end by brackets and quotes alone, and keeps
 * the bytes. Whether they are JSON is for JSON.parse to say.
 */
export class Capture {
  /** Colons outside of strings: the members of all objects within. */
  members = 0;
  deepest = 0;
  size = 0;
  readonly #kind: 'nested' | 'string' | 'scalar';
  readonly #parts: Uint8Array[] = [];
  #inString = false;
  #escaped = false;
  #depth = 0;

  /** @param first the value's first byte, which scan then sees as well */
  constructor(first: number) {
    this.#kind = first === QUOTE ? 'string' : first === OPEN || first === OPEN_LIST ? 'nested' : 'scalar';
  }

  /** Takes bytes from here on. Gives the index after the value's last byte, or -1 when the chunk ends before it does. */
  scan(chunk: Uint8Array, from: number): number {
    for (let i = from; i < chunk.length; i++) {
      const end = this.#endsWith(chunk[i] as number);
      if (end < 0) continue;
      this.#keep(chunk.subarray(from, i + end));
      return i + end;
    }
    // A copy: the stream may use the chunk's memory again.
    this.#keep(chunk.slice(from));
    return -1;
  }

  bytes(): Uint8Array {
    return this.#parts.length === 1 ? (this.#parts[0] as Uint8Array) : Buffer.concat(this.#parts);
  }

  /** -1: the value goes on; 1: this byte was its last; 0: it ended before this byte. */
  #endsWith(byte: number): -1 | 0 | 1 {
    if (this.#inString) return this.#withinString(byte);
    if (this.#kind === 'scalar') return endsScalar(byte) ? 0 : -1;
    if (byte === QUOTE) this.#inString = true;
    else if (byte === COLON) this.members++;
    else if (byte === OPEN || byte === OPEN_LIST) this.deepest = Math.max(this.deepest, ++this.#depth);
    else if ((byte === CLOSE || byte === CLOSE_LIST) && --this.#depth === 0) return 1;
    return -1;
  }

  #withinString(byte: number): -1 | 1 {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) {
      this.#inString = false;
      if (this.#kind === 'string') return 1;
    }
    return -1;
  }

  #keep(part: Uint8Array): void {
    this.#parts.push(part);
    this.size += part.length;
  }
}
