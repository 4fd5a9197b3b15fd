// Promise 3, the cipher by itself: supabase/migrations/0030_vault.sql guarantee 1; RFC 7518 §5.2.5; docs/formats.md.
// sealing.test.ts attacks the values in their tables.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { decrypt, encrypt, open, seal } from '../support/webcrypto.ts';

let db: TestDatabase;
/** The DBA, with keys of their own. */
let dba: pg.Client;
/** vs_owner, whom pack and unpack belong to. */
let owner: pg.Client;
beforeAll(async () => {
  db = await createDatabase();
  [dba, owner] = await Promise.all([connect(db.dbaUrl), connect(db.adminUrl)]);
  await owner.query('set role vs_owner');
});
afterAll(async () => {
  await Promise.all([dba.end(), owner.end()]);
  await db.close();
});

// RFC 7518 appendix B.3, byte by byte
const hex = (...lines: string[]) => Buffer.from(lines.join('').replaceAll(' ', ''), 'hex');
const key = hex(
  '00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f',
  '20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f 30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f',
);
const plaintext = hex(
  '41 20 63 69 70 68 65 72 20 73 79 73 74 65 6d 20 6d 75 73 74 20 6e 6f 74 20 62 65 20 72 65 71 75',
  '69 72 65 64 20 74 6f 20 62 65 20 73 65 63 72 65 74 2c 20 61 6e 64 20 69 74 20 6d 75 73 74 20 62',
  '65 20 61 62 6c 65 20 74 6f 20 66 61 6c 6c 20 69 6e 74 6f 20 74 68 65 20 68 61 6e 64 73 20 6f 66',
  '20 74 68 65 20 65 6e 65 6d 79 20 77 69 74 68 6f 75 74 20 69 6e 63 6f 6e 76 65 6e 69 65 6e 63 65',
);
const iv = hex('1a f3 8c 2d c2 b9 6f fd d8 66 94 09 23 41 bc 04');
const aad = hex(
  '54 68 65 20 73 65 63 6f 6e 64 20 70 72 69 6e 63 69 70 6c 65 20 6f 66 20 41 75 67 75 73 74 65 20',
  '4b 65 72 63 6b 68 6f 66 66 73',
);
const ciphertext = hex(
  '4a ff aa ad b7 8c 31 c5 da 4b 1b 59 0d 10 ff bd 3d d8 d5 d3 02 42 35 26 91 2d a0 37 ec bc c7 bd',
  '82 2c 30 1d d6 7c 37 3b cc b5 84 ad 3e 92 79 c2 e6 d1 2a 13 74 b7 7f 07 75 53 df 82 94 10 44 6b',
  '36 eb d9 70 66 29 6a e6 42 7e a7 5c 2e 08 46 a1 1a 09 cc f5 37 0d c8 0b fe cb ad 28 c7 3f 09 b3',
  'a3 b7 5e 66 2a 25 94 41 0a e4 96 b2 e2 e6 60 9e 31 e6 e0 2c c8 37 f0 53 d2 1f 37 ff 4f 51 95 0b',
  'be 26 38 d0 9d d7 a4 93 09 30 80 6d 07 03 b1 f6',
);
const tag = hex('4d d3 b4 c0 88 a7 f4 5c 21 68 39 64 5b 20 12 bf 2e 62 69 a8 c5 6a 81 6d bc 1b 26 77 61 95 5b c5');

type Value = Uint8Array | null;
type Refusal = { code: string; message: string; where: string; detail?: string; hint?: string };

/** All that somebody is told about a refusal; what isn't refused fails. */
async function refusal(attempt: Promise<unknown>): Promise<Refusal> {
  try {
    await attempt;
  } catch (error) {
    const { code, message, where, detail, hint } = error as Refusal;
    return { code, message, where, ...(detail && { detail }), ...(hint && { hint }) };
  }
  throw new Error('was not refused');
}

const ask = async (client: pg.Client, query: string, values: Value[]) => (await client.query(query, values)).rows[0];
const inSql = {
  encrypt: (...values: Value[]) => ask(dba, 'select * from vault.aead_encrypt($1, $2, $3, $4)', values),
  decrypt: async (...values: Value[]): Promise<Buffer> =>
    (await ask(dba, 'select vault.aead_decrypt($1, $2, $3, $4, $5) as plaintext', values)).plaintext,
  pack: async (...values: Value[]): Promise<Buffer> =>
    (await ask(owner, 'select vault.pack($1, $2, $3) as value', values)).value,
  unpack: async (...values: Value[]): Promise<Buffer> =>
    (await ask(owner, 'select vault.unpack($1, $2, $3) as plaintext', values)).plaintext,
};

const flipped = (value: Uint8Array, bit: number): Buffer =>
  Buffer.from(value.map((byte, i) => (i === bit >> 3 ? byte ^ (0x80 >> (bit & 7)) : byte)));
const bitsOf = (value: Uint8Array): number[] => [...Array(value.length * 8).keys()];
/** Every size there can be but the right one, and none at all. */
const wrongSizes = (value: Uint8Array): Value[] => [
  null,
  ...[0, 1, value.length - 16, value.length - 1].filter((n) => n >= 0).map((n) => value.subarray(0, n)),
  Buffer.concat([value, Buffer.of(0)]),
  Buffer.concat([value, Buffer.alloc(16)]),
  Buffer.concat([value, value]),
];

/** The one answer; its text is written out here so that it can't grow. */
const theOne: Refusal = {
  code: 'VS500',
  message: "the value can't be opened",
  where: expect.stringMatching(
    /^PL\/pgSQL function vault\.aead_decrypt\(bytea,bytea,bytea,bytea,bytea\) line \d+ at RAISE$/,
  ),
};

describe('A256CBC-HS512', () => {
  test('makes the vector of RFC 7518 B.3', async () => {
    expect(await inSql.encrypt(key, iv, aad, plaintext)).toEqual({ ciphertext, tag });
    expect(await inSql.decrypt(key, iv, aad, ciphertext, tag)).toEqual(plaintext);
    // and so does the implementation that it is compared with below
    const second = await encrypt(
      new Uint8Array(key),
      new Uint8Array(iv),
      new Uint8Array(aad),
      new Uint8Array(plaintext),
    );
    expect([Buffer.from(second.ciphertext), Buffer.from(second.tag)]).toEqual([ciphertext, tag]);
  });

  const sizes = { minLength: 0, maxLength: 5000, size: 'max' } as const;
  const some = (length?: number) =>
    fc
      .uint8Array(length === undefined ? sizes : { minLength: length, maxLength: length })
      .map((b) => new Uint8Array(b));
  const empty = new Uint8Array(0);
  const [key0, iv0] = [new Uint8Array(64), new Uint8Array(16)];

  test('agrees with WebCrypto on anything, in both directions', async () => {
    await fc.assert(
      fc.asyncProperty(some(64), some(16), some(), some(), async (k, i, a, p) => {
        const [ours, theirs] = [await inSql.encrypt(k, i, a, p), await encrypt(k, i, a, p)];
        expect([ours.ciphertext, ours.tag]).toEqual([Buffer.from(theirs.ciphertext), Buffer.from(theirs.tag)]);
        const here = { ciphertext: new Uint8Array(ours.ciphertext), tag: new Uint8Array(ours.tag) };
        expect(Buffer.from(await decrypt(k, i, a, here))).toEqual(Buffer.from(p));
        expect(await inSql.decrypt(k, i, a, theirs.ciphertext, theirs.tag)).toEqual(Buffer.from(p));
      }),
      {
        numRuns: 60,
        examples: [
          [key0, iv0, empty, empty],
          [key0, iv0, empty, new Uint8Array(16)],
          [key0, iv0, new Uint8Array(5000), new Uint8Array(15)],
        ],
      },
    );
  });

  test('agrees with WebCrypto on stored values, in both directions', async () => {
    await fc.assert(
      fc.asyncProperty(some(64), some(), some(), async (k, a, p) => {
        expect(Buffer.from(await open(k, a, await inSql.pack(k, a, p)))).toEqual(Buffer.from(p));
        expect(await inSql.unpack(k, a, await seal(k, a, p))).toEqual(Buffer.from(p));
      }),
      { numRuns: 60, examples: [[key0, empty, empty]] },
    );
  });
});

describe('there is one error, word for word, for', () => {
  let expected: Refusal;
  beforeAll(async () => {
    expected = await refusal(inSql.decrypt(key, iv, aad, ciphertext, flipped(tag, 0)));
    expect(expected).toEqual(theOne);
  });
  const all = async (attempts: Promise<unknown>[]): Promise<void> => {
    for (const told of await Promise.all(attempts.map(refusal))) expect(told).toEqual(expected);
  };

  test.each([
    ['AAD', aad, (x: Buffer) => inSql.decrypt(key, iv, x, ciphertext, tag)],
    ['IV', iv, (x: Buffer) => inSql.decrypt(key, x, aad, ciphertext, tag)],
    ['ciphertext', ciphertext, (x: Buffer) => inSql.decrypt(key, iv, aad, x, tag)],
    ['tag', tag, (x: Buffer) => inSql.decrypt(key, iv, aad, ciphertext, x)],
    [
      'MAC key',
      key.subarray(0, 32),
      (x: Buffer) => inSql.decrypt(Buffer.concat([x, key.subarray(32)]), iv, aad, ciphertext, tag),
    ],
  ] as const)('any bit of the %s turned over', async (_, value, attempt) => {
    await all(bitsOf(value).map((bit) => attempt(flipped(value, bit))));
  });

  test('any wrong size of anything, and NULL', async () => {
    await all([
      ...wrongSizes(key).map((x) => inSql.decrypt(x, iv, aad, ciphertext, tag)),
      ...wrongSizes(iv).map((x) => inSql.decrypt(key, x, aad, ciphertext, tag)),
      ...wrongSizes(aad).map((x) => inSql.decrypt(key, iv, x, ciphertext, tag)),
      ...wrongSizes(ciphertext).map((x) => inSql.decrypt(key, iv, aad, x, tag)),
      ...wrongSizes(tag).map((x) => inSql.decrypt(key, iv, aad, ciphertext, x)),
    ]);
  });

  test('parts that change places', async () => {
    const other = await inSql.encrypt(key, randomBytes(16), aad, plaintext);
    await all([
      inSql.decrypt(Buffer.concat([key.subarray(32), key.subarray(0, 32)]), iv, aad, ciphertext, tag),
      inSql.decrypt(key, iv, aad, ciphertext, other.tag),
      inSql.decrypt(key, iv, aad, other.ciphertext, tag),
      inSql.decrypt(key, iv, iv, ciphertext, tag),
      inSql.decrypt(key, aad.subarray(0, 16), iv, ciphertext, tag),
      // what stands between AAD, IV and ciphertext is their lengths alone
      inSql.decrypt(key, aad.subarray(26), Buffer.concat([aad.subarray(0, 26)]), Buffer.concat([iv, ciphertext]), tag),
      inSql.decrypt(key, ciphertext.subarray(0, 16), Buffer.concat([aad, iv]), ciphertext.subarray(16), tag),
    ]);
  });

  test('a right tag over padding that is none: a cipher key with any bit turned over', async () => {
    for (const bit of bitsOf(key.subarray(32))) {
      const wrong = Buffer.concat([key.subarray(0, 32), flipped(key.subarray(32), bit)]);
      // One in 256 looks padded. The tag doesn't cover the cipher key (RFC 7518 §5.2.2.1); nothing of the text comes out.
      const harmless = await inSql.decrypt(wrong, iv, aad, ciphertext, tag).then(
        (text) => !text.equals(plaintext),
        (error: Refusal) => error.code === expected.code && error.message === expected.message,
      );
      expect([bit, harmless]).toEqual([bit, true]);
    }
    // padding by hand, under the right key and tag: 0, 17, more than there is, and uneven
    for (const end of ['00', '11', 'ff', '0302', '01020304040304']) {
      const block = Buffer.concat([Buffer.alloc(16, 0x41), Buffer.from(end, 'hex')]).subarray(-16);
      const { rows } = await owner.query(
        `with e as (select extensions.encrypt_iv($1, substr($2::bytea, 33, 32), $3, 'aes-cbc/pad:none') as c)
         select c, substr(extensions.hmac($4::bytea || $3::bytea || c || int8send(length($4::bytea) * 8::bigint), substr($2::bytea, 1, 32), 'sha512'), 1, 32) as t from e`,
        [block, key, iv, aad],
      );
      expect(await refusal(inSql.decrypt(key, iv, aad, rows[0].c, rows[0].t))).toEqual(expected);
    }
  });

  test('a stored value with any bit turned over, the version byte too, or another size', async () => {
    const value = await inSql.pack(key, aad, plaintext);
    const told = await Promise.all(
      [
        ...bitsOf(value).map((bit) => inSql.unpack(key, aad, flipped(value, bit))),
        ...wrongSizes(value)
          .filter((x) => x !== null)
          .map((x) => inSql.unpack(key, aad, x)),
        ...bitsOf(aad).map((bit) => inSql.unpack(key, flipped(aad, bit), value)),
        ...wrongSizes(key).map((x) => inSql.unpack(x, aad, value)),
        inSql.unpack(key, null, value),
      ].map(refusal),
    );
    for (const one of told) {
      expect(one).toEqual(told[0]);
      expect(one).toMatchObject({ code: expected.code, message: expected.message });
    }
    expect(await inSql.unpack(key, aad, null)).toBeNull();
  });
});

describe('sealing', () => {
  test('is refused without a whole key, an IV and a place, rather than losing the value or weakening the cipher', async () => {
    const attempts = [
      ...wrongSizes(key).map((x) => inSql.encrypt(x, iv, aad, plaintext)),
      ...wrongSizes(iv).map((x) => inSql.encrypt(key, x, aad, plaintext)),
      inSql.encrypt(key, iv, null, plaintext),
      inSql.encrypt(key, iv, aad, null),
      ...wrongSizes(key).map((x) => inSql.pack(x, aad, plaintext)),
      // pgcrypto would take these as AES-128 and AES-192
      ...[48, 56].map((n) => inSql.pack(key.subarray(0, n), aad, plaintext)),
      inSql.pack(key, null, plaintext),
    ];
    for (const told of await Promise.all(attempts.map(refusal))) expect(told.code).toBe('VS500');
    expect(await inSql.pack(key, aad, null)).toBeNull();
  });

  test('tells nothing of key or text in any refusal', async () => {
    const secret = randomBytes(64);
    const text = Buffer.from('Canari du texte');
    const [sealed, value] = [await inSql.encrypt(secret, iv, aad, text), await inSql.pack(secret, aad, text)];
    const told = await Promise.all(
      [
        inSql.decrypt(secret.subarray(1), iv, aad, sealed.ciphertext, sealed.tag),
        inSql.decrypt(secret, iv, text, sealed.ciphertext, sealed.tag),
        inSql.decrypt(secret, iv, aad, sealed.ciphertext, flipped(sealed.tag, 7)),
        inSql.encrypt(secret.subarray(1), iv, aad, text),
        inSql.pack(secret.subarray(1), aad, text),
        inSql.unpack(secret, text, value),
      ].map(refusal),
    );
    const said = JSON.stringify(told);
    for (const hidden of [secret, secret.subarray(0, 32), secret.subarray(1, 33), text])
      for (const form of ['hex', 'base64', 'latin1'] as const)
        expect(said).not.toContain(hidden.toString(form).slice(0, 12));
  });
});
