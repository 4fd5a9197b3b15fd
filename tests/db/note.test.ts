// Signed notes and checkpoints as others read and write them: db/log/note.ts, db/log/checkpoint.ts, db/log/outside.ts.
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkpointText, openCheckpoint, openOwnCheckpoint, parseCheckpoint } from '../../db/log/checkpoint.ts';
import {
  cosigned,
  keyId,
  openNote,
  parseVkey,
  rawPublicKey,
  signatureLine,
  signNote,
  vkey,
} from '../../db/log/note.ts';
import { listCheckpoints, readLatest, writeCheckpoint } from '../../db/log/outside.ts';

/** c2sp.org/signed-note, "Example". */
const example = {
  vkey: 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  note: `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`,
};

/** Ed25519 of the seed 07 07 … 07; what golang.org/x/mod/sumdb/note makes of it. */
const privateKey = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]),
  format: 'der',
  type: 'pkcs8',
});
const name = 'practice.example/log';
const ours = 'practice.example/log+5c79c991+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs';
const empty = `${name}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n`;
const privateKeys = [privateKey];
const site = {
  directory: mkdtempSync(join(tmpdir(), 'vs-note-')),
  keys: { signing: { text: '', signs: [privateKey], retired: [] } },
} as never;
const directory = mkdtempSync(join(tmpdir(), 'vs-outside-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('a note', () => {
  test('of the standard opens with its key, and ours has the id that Go gives it', () => {
    expect(openNote(example.note, [example.vkey]).text).toBe('This is an example message.\n');
    expect(vkey(name, privateKey)).toBe(ours);
    expect(keyId(name, rawPublicKey(privateKey)).toString('hex')).toBe('5c79c991');
  });

  test('opens with the key that signed it, and no other', () => {
    const note = signNote(empty, { name, privateKeys });
    expect(openNote(note, [ours, example.vkey]).signatures).toMatchObject([{ name, vkey: ours }]);
    expect(() => openNote(note, [example.vkey])).toThrow('no key that is trusted');
    const sameName = vkey(name, generateKeyPairSync('ed25519').publicKey);
    expect(() => openNote(note, [sameName])).toThrow('no key that is trusted');
  });

  test('is refused when one byte of it is another', () => {
    const note = signNote(empty, { name, privateKeys });
    for (let i = 0; i < note.length; i += 1) {
      const changed = `${note.slice(0, i)}${note[i] === 'x' ? 'y' : 'x'}${note.slice(i + 1)}`;
      expect(() => openNote(changed, [ours]), `byte ${i}`).toThrow();
    }
  });

  test('is refused when a known key has a wrong signature beside a right one', () => {
    const other = generateKeyPairSync('ed25519');
    const second = vkey('other.example', other.publicKey);
    const wrong = Buffer.concat([keyId('other.example', rawPublicKey(other.publicKey)), Buffer.alloc(64)]);
    const note = signNote(empty, { name, privateKeys }) + signatureLine('other.example', wrong);
    expect(() => openNote(note, [ours, second])).toThrow('the signature of other.example is wrong');
    expect(openNote(note, [ours]).signatures).toHaveLength(1);
  });

  test.each([
    ['', 'nothing'],
    ['text\n\n', 'no signature'],
    ['text\n— a AAAAAAA=\n', 'no blank line'],
    ['text\n\n— a AAAAAAA=', 'no newline at the end'],
    ['text\n\n- a AAAAAAA=\n', 'a hyphen for the dash'],
    ['text\n\n— a b AAAAAAA=\n', 'a name with a space'],
    ['text\n\n— a+b AAAAAAA=\n', 'a name with a plus'],
    ['text\n\n— a AAAA\n', 'less than five bytes'],
    ['text\n\n— a AAAAAAA\n', 'base64 without its padding'],
    ['te\txt\n\n— a AAAAAAA=\n', 'a control character'],
    ['te\rxt\n\n— a AAAAAAA=\n', 'a carriage return'],
    ['te\ud800xt\n\n— a AAAAAAA=\n', 'half a surrogate pair'],
    [`text\n\n${'— a AAAAAAA=\n'.repeat(101)}`, 'a hundred and one signatures'],
  ])('%j is none: %s', (text) => {
    expect(() => openNote(text, [ours])).toThrow("that isn't a signed note");
  });

  test.each(['', 'x', 'a+b', 'a+00000000+AQ==', ours.replace('5c79', '5c78'), `a ${ours}`, ours.replace('+A', '+B')])(
    '%j is no verifier key',
    (text) => expect(() => parseVkey(text)).toThrow(/isn't a verifier key|is wrong/),
  );

  test('cannot be signed under a name, or with a text, that no reader would take', () => {
    for (const bad of ['', 'a b', 'a+b', 'a\u00a0b'])
      expect(() => signNote(empty, { name: bad, privateKeys })).toThrow('named');
    for (const bad of ['', 'no newline', 'a\tb\n'])
      expect(() => signNote(bad, { name, privateKeys })).toThrow('newline');
  });

  test('takes a witness along: its time is signed too', () => {
    const witness = generateKeyPairSync('ed25519');
    const witnessKey = vkey('witness.example', witness.publicKey, 4);
    const cosign = (at: bigint, signedAt = at) => {
      const time = Buffer.alloc(8);
      time.writeBigUInt64BE(at);
      const id = keyId('witness.example', rawPublicKey(witness.publicKey), 4);
      return signatureLine(
        'witness.example',
        Buffer.concat([id, time, sign(null, cosigned(empty, signedAt), witness.privateKey)]),
      );
    };
    const note = signNote(empty, { name, privateKeys });
    const at = 1795328061n;
    expect(openNote(note + cosign(at), [ours, witnessKey]).signatures[1]).toMatchObject({
      name: 'witness.example',
      at,
    });
    expect(() => openNote(note + cosign(at + 1n, at), [ours, witnessKey])).toThrow('witness.example is wrong');
  });
});

describe('a checkpoint', () => {
  test('is three lines, and comes back from its note', () => {
    const { origin, size, root } = openCheckpoint(signNote(empty, { name, privateKeys }), [ours]);
    expect(checkpointText({ origin, size, root })).toBe(empty);
  });

  test.each([
    'o\n1\n',
    'o\n1\nAAAA\n',
    empty.replace('\n0\n', '\n00\n'),
    empty.replace('\n0\n', '\n-1\n'),
    empty.replace('\n0\n', '\n9999999999999999\n'),
    empty.replace(name, ''),
    `${empty}\n`,
  ])('%j is none', (text) => {
    expect(() => parseCheckpoint(text)).toThrow("that isn't a checkpoint");
  });

  test('of another key is not ours, though it bears our name', () => {
    const forged = signNote(empty, { name, privateKeys: [generateKeyPairSync('ed25519').privateKey] });
    expect(() => openOwnCheckpoint(forged, privateKeys)).toThrow('no key that is trusted');
  });
});

describe('outside', () => {
  const at = (size: number) => {
    const text = checkpointText({ origin: name, size, root: Buffer.alloc(32, size) });
    return openOwnCheckpoint(signNote(text, { name, privateKeys }), privateKeys);
  };

  test('the newest checkpoint is found, with every earlier one and the key', () => {
    expect(readLatest(directory, site)).toBeUndefined();
    for (const size of [9, 10, 200]) writeCheckpoint(directory, at(size), site);
    expect(readLatest(directory, site)).toMatchObject({ origin: name, size: 200 });
    expect(listCheckpoints(directory).map((file) => file.slice(-20))).toEqual([
      '00000000000000000009',
      '00000000000000000010',
      '00000000000000000200',
    ]);
    expect(readFileSync(join(directory, 'key.vkey'), 'utf8')).toBe(`${ours}\n`);
  });

  test('what our key did not sign is refused, with its place', () => {
    writeFileSync(join(directory, 'checkpoint'), at(10).note.replace('\n10\n', '\n11\n'));
    expect(() => readLatest(directory, site)).toThrow(`${join(directory, 'checkpoint')} can't be believed`);
  });
});
