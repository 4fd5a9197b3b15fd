import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { CommandError } from './command-error.ts';
import { replaceFile } from './durable-file.ts';
import { publicKeyOf, rawPublicKey } from './log/note.ts';

/** Everything secret that Vital Sync is given from outside. The texts are the ones of the environment. */
export type Keys = {
  /** Master keys, `id=base64(64 bytes)`, comma between them, the current one first. */
  ring: string;
  /** What passwords are hashed with before the database sees them. */
  pepper: { id: string; key: Uint8Array };
  signing: SigningKeys;
  passwords: Passwords;
};
/** Ed25519 keys of the audit log's checkpoints. */
export type SigningKeys = {
  /** The text of VITAL_SIGNING_KEY: seeds, the current one first, and behind `retired:` the public halves of earlier ones. */
  text: string;
  /** Private, at least one: each of them signs. */
  signs: KeyObject[];
  /** Public: what they signed before is believed. */
  retired: KeyObject[];
};
export type Login = 'edge' | 'gate' | 'dba' | 'admin' | 'superuser';
export type Passwords = Partial<Record<Login, string>>;

type Environment = Readonly<Record<string, string | undefined>>;

const passwordNames: Record<Login, string> = {
  edge: 'VITAL_EDGE_PASSWORD',
  gate: 'VITAL_GATE_PASSWORD',
  dba: 'VITAL_DBA_PASSWORD',
  admin: 'VITAL_ADMIN_PASSWORD',
  superuser: 'VITAL_SUPERUSER_PASSWORD',
};
const retiredMark = 'retired:';
const ed25519Prefix = Buffer.from('302e020100300506032b657004220420', 'hex'); // PKCS#8 around a seed, RFC 8410 §7

/**
 * Reads keys.env, checks every value, and lets the environment override it.
 * @throws CommandError naming the variable that is missing or bad, never its value
 */
export function readKeys(file: string, environment: Environment = process.env): Keys {
  const values = { ...readKeyFile(file), ...definedOnly(environment) };
  const need = (name: string): string => {
    const value = values[name];
    if (value) return value;
    throw new CommandError(`${name} is missing: put it into the environment or into ${file}, from your backup.`);
  };
  return {
    ring: checkRing(need('VITAL_KEYS')),
    pepper: parsePepper(need('VITAL_PEPPER')),
    signing: parseSigningKeys(need('VITAL_SIGNING_KEY')),
    passwords: readPasswords(values),
  };
}

/** True when neither the environment nor the file holds any key: a first start. */
export function noKeysYet(file: string, environment: Environment = process.env): boolean {
  return !existsSync(file) && !environment.VITAL_KEYS && !environment.VITAL_PEPPER;
}

/** Fresh keys and passwords, as the lines of a keys.env. */
export function generateKeys(logins: readonly Login[], year = new Date().getUTCFullYear()): Record<string, string> {
  return {
    VITAL_KEYS: `${year}=${randomBytes(64).toString('base64')}`,
    VITAL_PEPPER: `${year}=${randomBytes(32).toString('base64')}`,
    VITAL_SIGNING_KEY: generateSeed(),
    ...generatePasswords(logins),
  };
}

/** A signing key, as it stands in VITAL_SIGNING_KEY. */
export const generateSeed = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32).toString('base64');

/** How the public half of a key that signs no more stands in VITAL_SIGNING_KEY. */
export const asRetired = (key: KeyObject): string => `${retiredMark}${rawPublicKey(key).toString('base64')}`;

export function generatePasswords(logins: readonly Login[]): Record<string, string> {
  return Object.fromEntries(logins.map((login) => [passwordNames[login], randomBytes(24).toString('base64url')]));
}

/** Adds values to keys.env: whole or not at all, on disk before it returns, mode 0600. */
export function writeKeyFile(file: string, added: Record<string, string>): void {
  const head = existsSync(file) ? readFileSync(file, 'utf8') : keyFileHead;
  const lines = Object.entries(added).map(([name, value]) => `${name}=${value}\n`);
  replaceFile(file, head + lines.join(''));
}

const keyFileHead = `# Whoever holds this file and the database can read every record; whoever loses it can read none.
# Keep a copy where the backups of the database are not.
`;

function readKeyFile(file: string): Record<string, string> {
  if (!existsSync(file)) return {};
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0)
    throw new CommandError(`${file} can be read by others: run chmod 600 on it.`);
  const lines = readFileSync(file, 'utf8').split('\n');
  const pairs = lines.map((line) => /^\s*([A-Z_]+)\s*=\s*(.*?)\s*$/.exec(line));
  return Object.fromEntries(pairs.flatMap((pair) => (pair ? [[pair[1], pair[2]]] : [])));
}

function definedOnly(environment: Environment): Record<string, string> {
  const pairs = Object.entries(environment).filter(([name, value]) => name.startsWith('VITAL_') && value);
  return Object.fromEntries(pairs) as Record<string, string>; // the filter left no undefined
}

function readPasswords(values: Record<string, string>): Passwords {
  const found: Passwords = {};
  for (const login of Object.keys(passwordNames) as Login[]) {
    const password = values[passwordNames[login]];
    if (password === undefined) continue;
    if (!/^[!-~]{16,128}$/.test(password))
      throw new CommandError(`${passwordNames[login]} must be 16 to 128 printable ASCII characters without spaces.`);
    found[login] = password;
  }
  return found;
}

function checkRing(ring: string): string {
  const keys = ring.split(',').map((part) => splitKey('VITAL_KEYS', part, 64));
  if (new Set(keys.map((key) => key.id)).size !== keys.length)
    throw new CommandError('VITAL_KEYS holds two keys of the same name: give each one its own.');
  return keys.map((key) => `${key.id}=${Buffer.from(key.key).toString('base64')}`).join(',');
}

function parsePepper(text: string): Keys['pepper'] {
  const pepper = splitKey('VITAL_PEPPER', text, 32);
  // the id stands before the pre-hash, and bcrypt reads 72 bytes of both (edge/password.ts)
  if (pepper.id.length > 27) throw new CommandError('VITAL_PEPPER has a name of more than 27 characters: shorten it.');
  return pepper;
}

function parseSigningKeys(text: string): SigningKeys {
  const signs: KeyObject[] = [];
  const retired: KeyObject[] = [];
  for (const part of text.split(',').map((one) => one.trim())) {
    const bytes = base64('VITAL_SIGNING_KEY', part.replace(retiredMark, ''), 32);
    if (part.startsWith(retiredMark)) retired.push(publicKeyOf(bytes));
    else signs.push(createPrivateKey({ key: Buffer.concat([ed25519Prefix, bytes]), format: 'der', type: 'pkcs8' }));
  }
  if (signs.length === 0) throw new CommandError('VITAL_SIGNING_KEY holds no key that signs: put back your backup.');
  return { text, signs, retired };
}

function splitKey(variable: string, part: string, length: number): { id: string; key: Uint8Array } {
  const match = /^\s*([A-Za-z0-9_-]{1,32})=([A-Za-z0-9+/]+={0,2})\s*$/.exec(part);
  if (!match?.[1] || !match[2])
    throw new CommandError(`${variable} isn't of the form name=base64: put back the value from your backup.`);
  return { id: match[1], key: base64(variable, match[2], length) };
}

function base64(variable: string, text: string, length: number): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== length || bytes.toString('base64') !== text)
    throw new CommandError(`${variable} must hold ${length} bytes in base64: put back the value from your backup.`);
  return bytes;
}
