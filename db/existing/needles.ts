// Looks for many byte strings at once in what is read piece by piece: by the first four bytes of each.

export class Needles {
  readonly #byStart = new Map<number, { label: string; bytes: Buffer }[]>();
  /** Which hashes of four bytes begin a needle: nearly every position is passed by this alone. */
  readonly #begins = new Uint8Array(1 << 20);
  readonly #longest: number;
  readonly size: number;

  /** Each of 4 bytes or more. */
  constructor(needles: Iterable<readonly [label: string, bytes: Buffer]>) {
    let [longest, size] = [0, 0];
    for (const [label, bytes] of needles) {
      if (bytes.length < 4) throw new Error(`${label} is too short to be looked for`);
      const start = bytes.readInt32LE(0);
      this.#byStart.set(start, [...(this.#byStart.get(start) ?? []), { label, bytes }]);
      this.#begins[hash(start)] = 1;
      longest = Math.max(longest, bytes.length);
      size++;
    }
    this.#longest = longest;
    this.size = size;
  }

  /** The labels found in these bytes. */
  find(haystack: Uint8Array): Set<string> {
    const found = new Set<string>();
    const begins = this.#begins;
    let four = 0;
    for (let end = 0; end < haystack.length; end++) {
      four = (four >>> 8) | (haystack[end]! << 24);
      if (begins[hash(four)] === 0 || end < 3) continue;
      for (const { label, bytes } of this.#byStart.get(four) ?? [])
        if (bytes.compare(haystack, end - 3, Math.min(end - 3 + bytes.length, haystack.length)) === 0) found.add(label);
    }
    return found;
  }

  /** The same in pieces; what lies across two of them is found. */
  async findInPieces(pieces: AsyncIterable<Buffer>): Promise<Set<string>> {
    const found = new Set<string>();
    let rest: Buffer = Buffer.alloc(0);
    for await (const piece of pieces) {
      const bytes = Buffer.concat([rest, piece]);
      for (const label of this.find(bytes)) found.add(label);
      rest = bytes.subarray(Math.max(0, bytes.length - this.#longest + 1));
    }
    return found;
  }
}

/** Knuth's multiplicative hash, 20 bits. */
const hash = (four: number): number => Math.imul(four, 0x9e3779b1) >>> 12;
