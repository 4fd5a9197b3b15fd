// Looks for many byte strings at once in what is read piece by piece: by the first four bytes of each.

export class Needles {
  readonly #byStart = new Map<number, { label: string; bytes: Buffer }[]>();
  /** Which first two bytes occur at all: most positions are passed by this alone. */
  readonly #pairs = new Uint8Array(65536);
  readonly #longest: number;
  readonly size: number;

  /** Each of 4 bytes or more. */
  constructor(needles: Iterable<readonly [label: string, bytes: Buffer]>) {
    let [longest, size] = [0, 0];
    for (const [label, bytes] of needles) {
      if (bytes.length < 4) throw new Error(`${label} is too short to be looked for`);
      const start = bytes.readUInt32LE(0);
      this.#byStart.set(start, [...(this.#byStart.get(start) ?? []), { label, bytes }]);
      this.#pairs[bytes.readUInt16LE(0)] = 1;
      longest = Math.max(longest, bytes.length);
      size++;
    }
    this.#longest = longest;
    this.size = size;
  }

  /** The labels found in these bytes. */
  find(haystack: Buffer): Set<string> {
    const found = new Set<string>();
    for (let at = 0; at + 4 <= haystack.length; at++) {
      if (this.#pairs[haystack[at]! | (haystack[at + 1]! << 8)] === 0) continue;
      for (const { label, bytes } of this.#byStart.get(haystack.readUInt32LE(at)) ?? [])
        if (bytes.compare(haystack, at, Math.min(at + bytes.length, haystack.length)) === 0) found.add(label);
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
