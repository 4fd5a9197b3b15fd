import { NotFhir } from './refusal.ts';
import type { Slice } from './slices.ts';

/** A JSON number as it was written: 2.50 stays 2.50, as FHIR asks of decimals. */
export class Decimal {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** The context holds the number's own text (ES2025, JSON.parse source text access). */
function asWritten(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' ? new Decimal(context?.source ?? String(value)) : value;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * One slice as plain values, with numbers as Decimal.
 * @throws NotFhir where it isn't JSON in UTF-8, repeats a member, or holds text that a database can't
 */
export function parse(slice: Slice, path: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(slice.bytes), asWritten);
  } catch {
    // The parser's own message quotes the text, which may be a name or a diagnosis.
    throw new NotFhir(path, 'not JSON in UTF-8');
  }
  if (inspect(value, path) !== slice.members) throw new NotFhir(path, 'a member is repeated');
  return value;
}

/** Counts the members of all objects within, and refuses text that can't be stored. */
function inspect(value: unknown, path: string): number {
  if (typeof value === 'string') {
    if (value.includes('\u0000')) throw new NotFhir(path, 'holds a NUL character');
    if (!value.isWellFormed()) throw new NotFhir(path, 'holds half of a surrogate pair');
    return 0;
  }
  if (typeof value !== 'object' || value === null) return 0;
  if (value instanceof Decimal) {
    if (!Number.isFinite(Number(value.text))) throw new NotFhir(path, 'this number is too large');
    return 0;
  }
  let members = 0;
  if (Array.isArray(value)) for (let i = 0; i < value.length; i++) members += inspect(value[i], `${path}[${i}]`);
  else
    for (const key of Object.keys(value)) {
      // FHIR's element names are plain; anything else ( __proto__, NUL) isn't one.
      const name = /^_?[A-Za-z][A-Za-z0-9_-]*$/.test(key) ? key : '(a member that is not FHIR)';
      if (name !== key) throw new NotFhir(`${path}.${name}`, 'not an element name of FHIR');
      members += 1 + inspect((value as Record<string, unknown>)[key], `${path}.${key}`);
    }
  return members;
}
