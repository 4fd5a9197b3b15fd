// Values planted to be looked for, made anew in each run, and every form in which one could be found.
import { randomBytes } from 'node:crypto';
import { Needles } from '../../db/existing/needles.ts';

export class Canaries {
  readonly #forms = new Map<string, Buffer>();
  /** How many values were planted. */
  planted = 0;

  /** A word that nobody else writes. */
  word(name: string): string {
    const text = `Zq${name.replaceAll(/[^a-z]/gi, '').slice(0, 12)}${randomBytes(6).toString('hex')}`;
    this.text(name, text);
    return text;
  }

  /** A text that is given: a number, a date, a token. */
  text(name: string, text: string): string {
    this.planted++;
    const add = (form: string, bytes: Buffer) => this.#forms.set(`${name} (${form})`, bytes);
    const bytes = Buffer.from(text);
    add('UTF-8', bytes);
    add('UTF-16', Buffer.from(text, 'utf16le'));
    add('UTF-16, big-endian', Buffer.from(text, 'utf16le').swap16());
    add('reversed', Buffer.from(bytes).reverse());
    if (text.toLowerCase() !== text) add('lower case', Buffer.from(text.toLowerCase()));
    if (text.toUpperCase() !== text) add('upper case', Buffer.from(text.toUpperCase()));
    this.#encoded(name, bytes);
    return text;
  }

  /** A key: as it is, its halves, and as texts. */
  key(name: string, bytes: Uint8Array): void {
    this.planted++;
    const key = Buffer.from(bytes);
    this.#forms.set(`${name} (bytes)`, key);
    if (key.length >= 32)
      for (const [part, at] of [
        ['first half', 0],
        ['second half', key.length / 2],
      ] as const)
        this.#forms.set(`${name} (${part})`, key.subarray(at, at + key.length / 2));
    this.#forms.set(`${name} (reversed)`, Buffer.from(key).reverse());
    // as a plan prints the bytes of a constant
    this.#forms.set(
      `${name} (decimals)`,
      Buffer.from([...key.subarray(0, 12)].map((b) => (b > 127 ? b - 256 : b)).join(' ')),
    );
    this.#encoded(name, key);
  }

  #encoded(name: string, bytes: Buffer): void {
    const hex = bytes.toString('hex');
    this.#forms.set(`${name} (hex)`, Buffer.from(hex));
    if (hex.toUpperCase() !== hex) this.#forms.set(`${name} (HEX)`, Buffer.from(hex.toUpperCase()));
    // wherever it begins in what was encoded: what depends on its neighbours is cut off
    for (const shift of [0, 1, 2]) {
      const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
        .toString('base64')
        .replaceAll('=', '');
      const start = [0, 2, 3][shift]!;
      const whole = Math.floor(((shift + bytes.length) * 8) / 6);
      this.#forms.set(`${name} (base64, ${shift})`, Buffer.from(encoded.slice(start, whole)));
    }
  }

  /** Of everything planted so far, and of whatever else must be found. */
  needles(...others: [label: string, bytes: Buffer][]): Needles {
    return new Needles([...this.#forms, ...others]);
  }
}
