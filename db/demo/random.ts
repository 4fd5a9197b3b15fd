/** Chance that repeats: the same seed gives the same practice on every machine (mulberry32). */
export class Chance {
  #state: number;
  readonly #said = new Map<string, string>();
  constructor(seed: string) {
    this.#state = 2166136261;
    for (const letter of seed) this.#state = Math.imul(this.#state ^ letter.charCodeAt(0), 16777619);
    for (let i = 0; i < 8; i++) this.next();
  }
  /** From 0 up to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  /** A whole number, both ends included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }
  /** A number with this many decimals, as text, around a middle. */
  around(middle: number, spread: number, decimals = 0): string {
    return (middle + (this.next() + this.next() - 1) * spread).toFixed(decimals);
  }
  pick<T>(of: readonly T[]): T {
    return of[Math.floor(this.next() * of.length)] as T;
  }
  /** One of several wordings, and not the one that came last. */
  vary(of: readonly string[]): string {
    const key = of[0] ?? '';
    const text = this.pick(of.filter((one) => one !== this.#said.get(key)));
    this.#said.set(key, text);
    return text;
  }
  /** The same things in another order. */
  shuffle<T>(of: readonly T[]): T[] {
    return of
      .map((one) => ({ one, place: this.next() }))
      .sort((a, b) => a.place - b.place)
      .map(({ one }) => one);
  }
  maybe(probability: number): boolean {
    return this.next() < probability;
  }
}
