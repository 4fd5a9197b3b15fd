import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { connectionConfig } from '../../db/connect.ts';
import { generateKeys, readKeys, writeKeyFile } from '../../db/keys.ts';
import { scramVerifier } from '../../db/scram.ts';
import { fromBase32, toBase32, totpCode } from '../../db/totp.ts';

const directory = mkdtempSync(join(tmpdir(), 'vitalsync-keys-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('keys', () => {
  const good = generateKeys(['edge'], 2026);
  const refuse = (change: Record<string, string>) => expect(() => readKeys('', { ...good, ...change }));

  test('are generated in the form that they are read in', () => {
    const keys = readKeys('', good);
    expect(keys.ring).toBe(good.VITAL_KEYS);
    expect(keys.pepper.id).toBe('2026');
    expect(keys.pepper.key).toHaveLength(32);
    expect(keys.signing.signs.map((key) => key.asymmetricKeyType)).toEqual(['ed25519']);
    expect(keys.passwords.edge).toHaveLength(32);
  });

  test('are written to a file of mode 0600, whole or not at all', () => {
    const file = join(directory, 'keys.env');
    writeKeyFile(file, good);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(`${file}.new`)).toBe(false);
    writeKeyFile(file, { VITAL_GATE_PASSWORD: 'x'.repeat(20) });
    expect(readFileSync(file, 'utf8')).toContain(`VITAL_KEYS=${good.VITAL_KEYS}`);
    expect(readKeys(file, {}).passwords.gate).toBe('x'.repeat(20));
  });

  test('of the environment go before those of the file', () => {
    const other = generateKeys([], 2027);
    expect(readKeys(join(directory, 'keys.env'), other).ring).toBe(other.VITAL_KEYS);
  });

  test('take several master keys, the current one first', () => {
    const second = generateKeys([], 2025).VITAL_KEYS;
    expect(readKeys('', { ...good, VITAL_KEYS: `${good.VITAL_KEYS}, ${second}` }).ring).toBe(
      `${good.VITAL_KEYS},${second}`,
    );
  });

  test.each([
    ['VITAL_KEYS', '', 'VITAL_KEYS is missing'],
    ['VITAL_KEYS', '2026', 'form name=base64'],
    ['VITAL_KEYS', `2026=${Buffer.alloc(32).toString('base64')}`, 'must hold 64 bytes'],
    ['VITAL_KEYS', `${good.VITAL_KEYS},${good.VITAL_KEYS}`, 'two keys of the same name'],
    ['VITAL_PEPPER', `2026=${Buffer.alloc(31).toString('base64')}`, 'must hold 32 bytes'],
    ['VITAL_SIGNING_KEY', 'AAAA', 'must hold 32 bytes'],
    ['VITAL_EDGE_PASSWORD', 'short', 'must be 16 to 128'],
  ])('%s=%s is refused', (name, value, sentence) => {
    refuse({ [name]: value }).toThrow(sentence);
  });
});

describe('the link to Postgres', () => {
  test.each(['disable', 'allow', 'prefer', 'no-verify'])('cannot be sslmode=%s outside of this machine', (mode) => {
    expect(() => connectionConfig(`postgres://a:b@db.example/x?sslmode=${mode}`)).toThrow(
      "isn't allowed outside this machine",
    );
  });

  test('is verified TLS outside of this machine, whatever the URL leaves out', () => {
    expect(connectionConfig('postgres://a:b@db.example/x').ssl).toMatchObject({ rejectUnauthorized: true });
    expect(connectionConfig('postgres://a:b@10.0.0.5/x?sslmode=require').ssl).toMatchObject({
      rejectUnauthorized: true,
    });
    expect(connectionConfig('postgres://a:b@127.0.0.1.example/x').ssl).toMatchObject({ rejectUnauthorized: true });
  });

  test('is a plain one on the loopback or a Unix socket', () => {
    for (const place of ['127.0.0.1', '[::1]', 'localhost'])
      expect(connectionConfig(`postgres://a:b@${place}/x`).ssl).toBe(false);
    expect(connectionConfig('postgres://a@localhost/x?host=/run/postgresql')).toMatchObject({
      ssl: false,
      host: '/run/postgresql',
    });
  });

  test('keeps characters of passwords that URLs escape', () => {
    expect(connectionConfig('postgres://a:p%40%2F%3A@localhost/x')).toMatchObject({
      user: 'a',
      password: 'p@/:',
      port: 5432,
    });
  });
});

describe('standards', () => {
  test.each([
    [59, '287082'],
    [1111111109, '081804'],
    [20000000000, '353130'],
  ])('TOTP at %i s is as in RFC 6238 appendix B', (seconds, code) => {
    expect(totpCode(Buffer.from('12345678901234567890'), Math.floor(seconds / 30))).toBe(code);
  });

  test('base32 is as in RFC 4648 §10', () => {
    expect(toBase32(Buffer.from('foobar'))).toBe('MZXW6YTBOI');
    expect(fromBase32('mzxw 6ytb oi======').toString()).toBe('foobar');
    expect(() => fromBase32('m1')).toThrow(RangeError);
  });

  test('a SCRAM verifier is as in RFC 7677 §3', () => {
    const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
    // that RFC's exchange ends with v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=, which this server key signs
    expect(scramVerifier('pencil', salt)).toBe(
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    );
  });
});
