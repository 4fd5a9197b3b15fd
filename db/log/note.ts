// Signed notes, to the byte as c2sp.org/signed-note and golang.org/x/mod/sumdb/note have them:
//
//   text\n
//   \n
//   — <key name> <base64(key id ‖ signature)>\n
//
// and cosignatures of witnesses (c2sp.org/tlog-cosignature, Ed25519), which hold a time as well.
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

export type Signer = {
  /** The keys' name: the log's origin. */
  name: string;
  privateKeys: readonly KeyObject[];
};
/** One signature that was verified; `at` is a witness's time, in seconds since 1970. */
export type Signature = { name: string; vkey: string; line: string; at?: bigint };
export type OpenedNote = { text: string; signatures: Signature[] };

/** A note that can't be read or believed; the message says why. */
export class NoteError extends Error {
  override name = 'NoteError';
}

const ed25519 = 0x01;
const cosignatureV1 = 0x04;
const mostSignatures = 100; // Go's limit; the standard wants at least 16
const longestNote = 1_000_000;
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex'); // SubjectPublicKeyInfo before the key's 32 bytes, RFC 8410 §4

/** The note of this text with a signature by each key. The text ends with a newline and has no other control character. */
export function signNote(text: string, { name, privateKeys }: Signer): string {
  checkText(text);
  checkName(name);
  const lines = privateKeys.map((key) => {
    const signature = sign(null, Buffer.from(text, 'utf8'), key);
    return signatureLine(name, Buffer.concat([keyId(name, rawPublicKey(key)), signature]));
  });
  return `${text}\n${lines.join('')}`;
}

/** A signature line, newline included; `bytes` are the key id and the signature. */
export const signatureLine = (name: string, bytes: Uint8Array): string =>
  `— ${name} ${Buffer.from(bytes).toString('base64')}\n`;

/**
 * The text of a note and the signatures by these keys, all of them verified. Signatures by other keys are ignored.
 * @param vkeys verifier keys: `name+hex id+base64(type ‖ public key)`; type 1 (Ed25519) or 4 (a witness's cosignature)
 * @throws NoteError when the note is malformed, a known key's signature is wrong, or no known key signed it
 */
export function openNote(note: string, vkeys: readonly string[], longest = longestNote): OpenedNote {
  const { text, lines } = splitNote(note, longest);
  const known = vkeys.map(parseVkey);
  const signatures: Signature[] = [];
  for (const { name, bytes, line } of lines) {
    const key = known.find((one) => one.name === name && one.id.equals(bytes.subarray(0, 4)));
    if (!key || signatures.some((one) => one.vkey === key.vkey)) continue;
    const at = verifySignature(key, text, bytes.subarray(4));
    if (at === false) throw new NoteError(`the signature of ${name} is wrong`);
    signatures.push({ name, vkey: key.vkey, line, ...(at !== true && { at }) });
  }
  if (signatures.length === 0) throw new NoteError('no key that is trusted has signed it');
  return { text, signatures };
}

/** Text and signature lines, unverified. */
export function splitNote(
  note: string,
  longest = longestNote,
): { text: string; lines: { name: string; bytes: Buffer; line: string }[] } {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the standard forbids them
  if (note.length > longest || !note.isWellFormed() || /[\0-\x09\x0b-\x1f]/.test(note)) throw malformed();
  const end = note.lastIndexOf('\n\n');
  if (end < 0 || !note.endsWith('\n')) throw malformed();
  const lines = note.slice(end + 2, -1).split('\n');
  if (lines.length > mostSignatures) throw malformed();
  return { text: note.slice(0, end + 1), lines: lines.map(parseLine) };
}

function parseLine(line: string): { name: string; bytes: Buffer; line: string } {
  const [, name = '', encoded = ''] = /^— ([^ ]+) ([^ ]+)$/.exec(line) ?? [];
  const bytes = decode(encoded);
  if (!isName(name) || !bytes || bytes.length < 5) throw malformed();
  return { name, bytes, line: `${line}\n` };
}

/** The verifier key of an Ed25519 key: of a log (type 1), or of a witness (type 4). */
export function vkey(name: string, publicKey: KeyObject | Uint8Array, type = ed25519): string {
  checkName(name);
  const raw = publicKey instanceof Uint8Array ? publicKey : rawPublicKey(publicKey);
  const material = Buffer.concat([Buffer.of(type), raw]).toString('base64');
  return `${name}+${keyId(name, raw, type).toString('hex')}+${material}`;
}

/** First four bytes of SHA-256(name ‖ newline ‖ type ‖ public key). */
export function keyId(name: string, publicKey: Uint8Array, type = ed25519): Buffer {
  return createHash('sha256').update(`${name}\n`).update(Buffer.of(type)).update(publicKey).digest().subarray(0, 4);
}

/** The 32 bytes of an Ed25519 key's public half. */
export function rawPublicKey(key: KeyObject): Buffer {
  const open = key.type === 'private' ? createPublicKey(key) : key;
  return open.export({ format: 'der', type: 'spki' }).subarray(-32);
}

/** From its 32 bytes. */
export const publicKeyOf = (raw: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.concat([spkiPrefix, raw]), format: 'der', type: 'spki' });

type Verifier = { vkey: string; name: string; id: Buffer; type: number; publicKey: KeyObject };

/** @throws NoteError when it isn't a verifier key, or its id isn't the key's */
export function parseVkey(text: string): Verifier {
  const [, name = '', id = '', encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text.trim()) ?? [];
  const material = decode(encoded);
  const type = material?.[0];
  if (!isName(name) || material?.length !== 33 || (type !== ed25519 && type !== cosignatureV1))
    throw new NoteError("that isn't a verifier key: name+id+base64 of an Ed25519 key");
  const raw = material.subarray(1);
  if (keyId(name, raw, type).toString('hex') !== id) throw new NoteError(`the id of the verifier key ${name} is wrong`);
  return { vkey: text.trim(), name, id: Buffer.from(id, 'hex'), type, publicKey: publicKeyOf(raw) };
}

/** What a witness signs: c2sp.org/tlog-cosignature, "Ed25519 signed message". */
export const cosigned = (text: string, at: bigint): Buffer =>
  Buffer.from(`cosignature/v1\ntime ${at}\n${text}`, 'utf8');

/** True, or a witness's time, or false when it is wrong. */
function verifySignature({ type, publicKey }: Verifier, text: string, signature: Buffer): boolean | bigint {
  if (type === ed25519) return signature.length === 64 && verify(null, Buffer.from(text, 'utf8'), publicKey, signature);
  if (signature.length !== 72) return false;
  const at = signature.readBigUInt64BE(0);
  return verify(null, cosigned(text, at), publicKey, signature.subarray(8)) && at;
}

/** Standard base64 with its padding, or undefined. */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return text !== '' && bytes.toString('base64') === text ? bytes : undefined;
}

const isName = (name: string): boolean => name !== '' && name.isWellFormed() && !/[\p{White_Space}+]/u.test(name);

function checkName(name: string): void {
  if (!isName(name)) throw new NoteError(`a key can't be named "${name}": no spaces, no plus`);
}

function checkText(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the standard forbids them
  if (!text.endsWith('\n') || !text.isWellFormed() || /[\0-\x09\x0b-\x1f]/.test(text))
    throw new NoteError('the text of a note ends with a newline and has no other control character');
}

const malformed = (): NoteError => new NoteError("that isn't a signed note");
