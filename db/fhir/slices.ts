import { NotFhir } from './refusal.ts';

/** One member of the bundle, or one element of its `entry`, as the bytes stand in the file. */
export type Slice = { key: string; index: number; bytes: Uint8Array; members: number };

/** Deeper than any FHIR resource; keeps recursive readers safe. */
const DEEPEST = 100;
/** A single resource that doesn't fit here (an attachment of 48 MB) would break the memory budget. */
const LARGEST = 64 * 1024 * 1024;

const [TAB, LF, CR, SPACE, QUOTE, COMMA, COLON] = [0x09, 0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x3a];
const [BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [0x5c, 0x5b, 0x5d, 0x7b, 0x7d];
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const isSpace = (byte: number) => byte === SPACE || byte === LF || byte === CR || byte === TAB;

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

/**
 * Cuts the file of one JSON object into its members, and its member `entry` into elements, without
 * holding more than one of them. It looks only at structure: each slice is then parsed by JSON.parse,
 * which is what makes the result strict JSON (RFC 8259). `members` counts the colons outside of
 * strings, so that a parsed slice with fewer members has a repeated one.
 * @throws NotFhir for what isn't one whole JSON object
 */
export async function* slices(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Slice> {
  let expecting: Expecting = 'start';
  let key = '';
  let index = -1;
  let offset = 0;
  // The value being captured.
  let parts: Uint8Array[] | null = null;
  let size = 0,
    depth = 0,
    members = 0;
  let kind: 'nested' | 'string' | 'scalar' = 'scalar';
  let inString = false,
    escaped = false;
  const seen = new Set<string>();

  const where = () => (index >= 0 && (expecting === 'entry' || expecting === 'entry comma') ? `entry[${index}]` : key);
  const broken = (at: number) => new NotFhir(where(), `not JSON: unexpected character at byte ${offset + at}`);

  for await (const chunk of chunks) {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (parts) {
        let done = false;
        if (inString) {
          if (escaped) escaped = false;
          else if (byte === BACKSLASH) escaped = true;
          else if (byte === QUOTE) {
            inString = false;
            done = kind === 'string';
          }
        } else if (kind === 'scalar') {
          if (isSpace(byte) || byte === COMMA || byte === CLOSE || byte === CLOSE_LIST) {
            done = true;
            i--;
          }
        } else if (byte === QUOTE) inString = true;
        else if (byte === COLON) members++;
        else if (byte === OPEN || byte === OPEN_LIST) {
          if (++depth > DEEPEST) throw new NotFhir(where(), `nested deeper than ${DEEPEST}`);
        } else if (byte === CLOSE || byte === CLOSE_LIST) done = --depth === 0;
        if (!done) continue;

        parts.push(chunk.subarray(from, i + 1));
        const bytes = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
        parts = null;
        if (expecting === 'first key' || expecting === 'key') {
          key = memberName(bytes);
          if (seen.has(key)) throw new NotFhir(key, 'this member is repeated');
          seen.add(key);
          expecting = 'colon';
        } else {
          yield { key, index: expecting === 'entry' ? index : -1, bytes, members };
          expecting = expecting === 'entry' ? 'entry comma' : 'comma';
        }
        continue;
      }
      if (isSpace(byte)) continue;
      switch (expecting) {
        case 'start':
          if (byte === BYTE_ORDER_MARK[offset + i]) continue;
          if (byte !== OPEN) throw new NotFhir('', 'not a JSON object');
          expecting = 'first key';
          continue;
        case 'colon':
          if (byte !== COLON) throw broken(i);
          expecting = 'value';
          continue;
        case 'comma':
          if (byte === CLOSE) expecting = 'end';
          else if (byte === COMMA) expecting = 'key';
          else throw broken(i);
          continue;
        case 'entry comma':
          if (byte === CLOSE_LIST) {
            expecting = 'comma';
            index = -1;
          } else if (byte === COMMA) expecting = 'entry';
          else throw broken(i);
          continue;
        case 'end':
          throw new NotFhir('', `something follows the end of the bundle, at byte ${offset + i}`);
        case 'first key':
          if (byte === CLOSE) {
            expecting = 'end';
            continue;
          }
          if (byte !== QUOTE) throw broken(i);
          break;
        case 'key':
          if (byte !== QUOTE) throw broken(i);
          break;
        case 'value':
          if (key === 'entry' && byte === OPEN_LIST) {
            expecting = 'first entry';
            continue;
          }
          break;
        case 'first entry':
          if (byte === CLOSE_LIST) {
            expecting = 'comma';
            continue;
          }
          expecting = 'entry';
          break;
      }
      if (byte === COMMA || byte === CLOSE || byte === CLOSE_LIST || byte === COLON) throw broken(i);
      if (expecting === 'entry') index++;
      parts = [];
      from = i;
      size = members = 0;
      kind = byte === QUOTE ? 'string' : byte === OPEN || byte === OPEN_LIST ? 'nested' : 'scalar';
      inString = kind === 'string';
      escaped = false;
      depth = kind === 'nested' ? 1 : 0;
    }
    if (parts) {
      parts.push(chunk.slice(from));
      size += chunk.length - from;
      if (size > LARGEST) throw new NotFhir(where(), `larger than ${LARGEST / 1024 / 1024} MB`);
    }
    offset += chunk.length;
  }
  if (expecting === 'start') throw new NotFhir('', 'the file is empty');
  if (expecting !== 'end')
    throw new NotFhir(where(), `the file ends in the middle, after ${offset} bytes (truncated?)`);
}

function memberName(bytes: Uint8Array): string {
  try {
    return String(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    throw new NotFhir('', 'not JSON: a member name is broken');
  }
}
