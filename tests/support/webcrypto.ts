// Opens what the database stores, with docs/formats.md and WebCrypto alone: nothing of db/ or of the migrations is used
// here. An outsider would write the same.
type Bytes = Uint8Array<ArrayBuffer>;
export type Sealed = { ciphertext: Bytes; tag: Bytes };

const { subtle } = globalThis.crypto;
const algorithm = { name: 'HMAC', hash: 'SHA-512' } as const;

export const bytes = (...parts: Iterable<number>[]): Bytes => new Uint8Array(parts.flatMap((part) => [...part]));
export const utf8 = (text: string): Bytes => new TextEncoder().encode(text);
export const uuid = (id: string): Bytes => new Uint8Array(Buffer.from(id.replaceAll('-', ''), 'hex'));
export const int8 = (n: bigint): Bytes => {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, n);
  return new Uint8Array(view.buffer);
};

/** timestamptz_send of what Postgres prints under UTC and ISO: "2026-01-05 09:00:00.123456+00". NULL counts as infinity. */
export function timestamptz(printed: string | null): Bytes {
  if (printed === null) return int8(0x7fffffffffffffffn);
  const [, date, time, micros = ''] = /^(\S+) (\d\d:\d\d:\d\d)\.?(\d*)\+00$/.exec(printed) ?? [];
  if (!date) throw new Error('not a time as Postgres prints it');
  const milliseconds = BigInt(Date.parse(`${date}T${time}Z`) - Date.UTC(2000, 0, 1));
  return int8(milliseconds * 1000n + BigInt(micros.padEnd(6, '0')));
}

// ---------------------------------------------------------------- RFC 7518 §5.2.2

const hmac = async (key: Bytes, data: Bytes): Promise<Bytes> =>
  new Uint8Array(await subtle.sign('HMAC', await subtle.importKey('raw', key, algorithm, false, ['sign']), data));
const cipherKey = (key: Bytes, use: 'encrypt' | 'decrypt') =>
  subtle.importKey('raw', key.slice(32), 'AES-CBC', false, [use]);
const tagOf = async (key: Bytes, iv: Bytes, aad: Bytes, ciphertext: Bytes): Promise<Bytes> => {
  const data = Buffer.concat([aad, iv, ciphertext, int8(BigInt(aad.length) * 8n)]);
  return (await hmac(key.slice(0, 32), new Uint8Array(data))).slice(0, 32);
};

export async function encrypt(key: Bytes, iv: Bytes, aad: Bytes, plaintext: Bytes): Promise<Sealed> {
  const cipher = await cipherKey(key, 'encrypt');
  const ciphertext = new Uint8Array(await subtle.encrypt({ name: 'AES-CBC', iv }, cipher, plaintext));
  return { ciphertext, tag: await tagOf(key, iv, aad, ciphertext) };
}

export async function decrypt(key: Bytes, iv: Bytes, aad: Bytes, { ciphertext, tag }: Sealed): Promise<Bytes> {
  if (Buffer.compare(await tagOf(key, iv, aad, ciphertext), tag) !== 0) throw new Error('refused');
  return new Uint8Array(await subtle.decrypt({ name: 'AES-CBC', iv }, await cipherKey(key, 'decrypt'), ciphertext));
}

// ---------------------------------------------------------------- docs/formats.md: stored value, keys

export async function seal(key: Bytes, aad: Bytes, plaintext: Bytes): Promise<Bytes> {
  const iv = globalThis.crypto.getRandomValues(new Uint8Array(16));
  const { ciphertext, tag } = await encrypt(key, iv, aad, plaintext);
  return new Uint8Array(Buffer.concat([Buffer.of(1), iv, ciphertext, tag]));
}

export async function open(key: Bytes, aad: Bytes, value: Uint8Array): Promise<Bytes> {
  const v = new Uint8Array(value);
  if (v[0] !== 1 || v.length < 65) throw new Error('refused');
  return decrypt(key, v.slice(1, 17), aad, { ciphertext: v.slice(17, -32), tag: v.slice(-32) });
}

/** HKDF-Expand of one block. */
export const derive = (master: Bytes, label: string): Promise<Bytes> =>
  hmac(master, bytes(utf8(`vitalsync/${label}`), [1]));

export type WrappedKey = { subject_id: string; level: string; master: string; wrapped: Uint8Array };

/** A key of vault.keys, with the text of VITAL_KEYS. */
export async function unwrap(ring: string, key: WrappedKey): Promise<Bytes> {
  const entry = ring.split(',').find((one) => one.startsWith(`${key.master}=`));
  const master = new Uint8Array(Buffer.from(entry?.slice(key.master.length + 1) ?? '', 'base64'));
  const aad = bytes(utf8(`vault.keys/${key.level}/${key.master}`), [0], uuid(key.subject_id));
  return open(await derive(master, 'wrap'), aad, key.wrapped);
}

/** Where a value stands: its column, row, patient and version, and the row's clear columns. */
export const placeOf = (column: string, row: string, patient: string, version: bigint, context: Bytes): Bytes =>
  bytes(utf8(column), [0], uuid(row), uuid(patient), int8(version), context);
