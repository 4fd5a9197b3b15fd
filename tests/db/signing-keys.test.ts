// Another key signs the log: supabase/migrations/0235_signing_keys.sql, `vitalsync keys signing`. What the old one signed is
// believed for ever, and what it signs from then on by nobody.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { readErasures } from '../../db/erasures.ts';
import { readKeys } from '../../db/keys.ts';
import { openCheckpoint } from '../../db/log/checkpoint.ts';
import { signNote, vkey } from '../../db/log/note.ts';
import { isOneSentence } from '../support/cli.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPractice } from '../support/practice.ts';
import { openTestSite, type TestSite } from '../support/site.ts';

let db: TestDatabase;
let site: TestSite;
let scratch: string;
const verifierKeys: { old: string; next: string } = { old: '', next: '' };
const exports: Record<'before' | 'both' | 'after', string> = { before: '', both: '', after: '' };

beforeAll(async () => {
  db = await createDatabase();
  await createPractice(db);
  site = openTestSite(db);
  scratch = mkdtempSync(join(tmpdir(), 'vs-signing-'));
  for (const name of ['before', 'both', 'after'] as const) exports[name] = join(scratch, name);
  await run('audit', 'export', exports.before);
  verifierKeys.old = keysOf(exports.before)[0]!;
});
afterAll(async () => {
  await site?.close();
  await db?.close();
  rmSync(scratch, { recursive: true });
});

async function run(...args: string[]): Promise<string> {
  const { code, out, err } = await site.vitalsync(...args);
  expect([code, err]).toEqual([0, '']);
  return out;
}
const outside = (...names: string[]) => join(site.directory, 'witness', ...names);
const keysOf = (directory: string) => readFileSync(join(directory, 'key.vkey'), 'utf8').trim().split('\n');
const signersOf = (note: string, vkeys: string[]) => openCheckpoint(note, vkeys).signatures.map((one) => one.vkey);
const states = async () =>
  JSON.parse(await run('keys', 'signing', '--json')).map((one: { state: string }) => one.state);

test('a key that is alone is not retired', async () => {
  const refused = await site.vitalsync('keys', 'signing', '--retire');
  expect(isOneSentence(refused)).toBe(true);
  expect(refused.err).toContain('--add');
  expect(await states()).toEqual(['signs first']);
});

test('while two sign, whoever knows the old verifier key alone goes on believing, and learns the new one', {
  timeout: 60_000,
}, async () => {
  expect(await run('keys', 'signing', '--add')).toContain('key.vkey');
  expect(await states()).toEqual(['signs first', 'signs']);
  await run('audit', 'export', exports.both);
  const [next, old] = keysOf(exports.both);
  expect(old).toBe(verifierKeys.old);
  verifierKeys.next = next!;
  const note = readFileSync(join(exports.both, 'checkpoint'), 'utf8');
  expect(signersOf(note, [next!, old!])).toEqual([next, old]);
  for (const key of [old!, next!]) await run('audit', 'verify', exports.both, '--key', key);
  const leaves = readFileSync(join(exports.both, 'leaves.jsonl'), 'utf8');
  expect(leaves).toContain(JSON.stringify('keys.add'));
});

test('retired, the old one signs no more, and what it signed is believed', { timeout: 60_000 }, async () => {
  await run('keys', 'signing', '--retire');
  expect(await states()).toEqual(['signs first', 'retired']);
  expect(readFileSync(site.keyFile, 'utf8')).toMatch(/^VITAL_SIGNING_KEY=[^,:]+,retired:[^,:]+$/m);
  await run('audit', 'export', exports.after);
  const note = readFileSync(join(exports.after, 'checkpoint'), 'utf8');
  expect(signersOf(note, [verifierKeys.next, verifierKeys.old])).toEqual([verifierKeys.next]);
  // inside, outside with each checkpoint that was ever signed, and an export held against the one from before
  expect(await run('audit', 'verify', '--live')).toContain('intact');
  await run('audit', 'verify', exports.after, '--since', exports.before, '--checkpoint', outside('checkpoints'));
  expect((await site.vitalsync('audit', 'verify', exports.after, '--key', verifierKeys.old)).code).not.toBe(0);
  // an event from before, under the key of now
  const event = JSON.parse(readFileSync(join(exports.before, 'leaves.jsonl'), 'utf8').split('\n')[0]!)[1];
  await run('audit', 'proof', event, scratch);
  await run('audit', 'verify', join(scratch, `${event}.tlog-proof`));
  expect(readErasures({ ...site, keys: readKeys(site.keyFile, {}) })?.lines.size).toBe(0);
});

/** What somebody signs who has the retired key: the end of the log as it is, or as they like. */
function signedByThief(size: number, root: string): string {
  const origin = verifierKeys.old.split('+')[0]!;
  const thief = db.keys.signing.signs; // the key of the first file
  expect(vkey(origin, thief[0]!)).toBe(verifierKeys.old);
  return signNote(`${origin}\n${size}\n${root}\n`, { name: origin, privateKeys: thief });
}

test('a stolen retired key speaks for the end of no log: not outside, not in the database, not in an export', {
  timeout: 60_000,
}, async () => {
  const root = Buffer.alloc(32, 7).toString('base64');
  const honest = readFileSync(outside('checkpoint'), 'utf8');
  writeFileSync(outside('checkpoint'), signedByThief(1_000_000, root));
  for (const command of ['seal', 'verify']) {
    const { code, out, err } = await site.vitalsync('audit', command);
    expect(code).toBe(1);
    expect(out + err).toContain("can't be believed");
  }
  writeFileSync(outside('checkpoint'), honest);

  const superuser = await connect(db.superuserUrl);
  await superuser.query('set session_replication_role = replica');
  const { rows } = await superuser.query(
    'select size, root, note from audit.checkpoints where size = (select max(size) from audit.checkpoints)',
  );
  const [last] = rows;
  const forged = signedByThief(Number(last.size), last.root.toString('base64'));
  await superuser.query('update audit.checkpoints set note = $1 where size = $2', [forged, last.size]);
  expect((await site.vitalsync('audit', 'verify')).out).toContain("isn't signed by our key");
  await superuser.query('update audit.checkpoints set note = $1 where size = $2', [last.note, last.size]);
  await superuser.end();
  expect(await run('audit', 'verify')).toContain('intact');

  const copy = join(scratch, 'forged');
  cpSync(exports.after, copy, { recursive: true });
  writeFileSync(join(copy, 'checkpoint'), forged);
  expect((await site.vitalsync('audit', 'verify', copy)).err).toContain("can't be believed");
});

test('put back as a key that signs, it signs nothing, and the sentence says where to look', async () => {
  const text = readFileSync(site.keyFile, 'utf8');
  const before = readFileSync(outside('checkpoint'), 'utf8');
  const [seed] = db.keys.signing.text.split(',');
  writeFileSync(site.keyFile, text.replace(/^VITAL_SIGNING_KEY=([^,]+),.*$/m, `VITAL_SIGNING_KEY=$1,${seed}`));
  const refused = await site.vitalsync('audit', 'seal');
  expect(isOneSentence(refused)).toBe(true);
  expect(refused.err).toContain('vitalsync keys signing');
  expect(readFileSync(outside('checkpoint'), 'utf8')).toBe(before);
  writeFileSync(site.keyFile, text);
  await run('audit', 'seal');
});

test('with the key in the environment the operator gets the text, and no file is touched', async () => {
  const text = readFileSync(site.keyFile, 'utf8');
  const given = /^VITAL_SIGNING_KEY=(.*)$/m.exec(text)![1]!;
  const { out, code } = await site.vitalsyncWith({ VITAL_SIGNING_KEY: given }, 'keys', 'signing', '--add');
  expect(code).toBe(0);
  expect(out).toMatch(new RegExp(`^[A-Za-z0-9+/=]{44},${given.replaceAll(/[+/]/g, '\\$&')}$`, 'm'));
  expect(readFileSync(site.keyFile, 'utf8')).toBe(text);
});
