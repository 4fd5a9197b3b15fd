import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, print } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { readDemoAccounts } from '../demo-accounts.ts';
import { siteDirectory } from '../site.ts';
import { fromBase32, totpCode, totpStep } from '../totp.ts';

export const demoCode: Command = {
  name: 'demo code',
  summary: 'a current one-time code of a demo account',
  usage: 'EMAIL [--json]',
  help: `
Prints six digits. A code works once, so ask for one for each sign-in: asked twice in half a minute this gives the next
code, which is good already, and the third time it waits.

  --json  email and code`,
  options: { json: { type: 'boolean' } },
  run: async (input) => {
    const [email] = input.words;
    if (!email) throw new CommandError('Whose code? vitalsync demo code EMAIL.');
    const account = readDemoAccounts(siteDirectory()).find((one) => one.email === email.toLowerCase());
    if (!account) throw new CommandError(`There is no demo account ${email}; ${demoList(siteDirectory())} lists them.`);
    const code = totpCode(fromBase32(account.totpSecret), await takeStep(siteDirectory(), account.email));
    print(input.flag('json') ? { email: account.email, code } : code);
    return 0;
  },
};

/** Where the demo's accounts are listed, as one would type it from here. */
export function demoList(directory: string): string {
  const file = join(directory, 'demo.json');
  const near = relative(process.cwd(), file);
  return near.startsWith('..') ? resolve(file) : near;
}

/** What gives a code of this account: with VITAL_DIR, where the demo isn't in the directory it is by default. */
export function demoCodeCommand(directory: string, email: string): string {
  const elsewhere = directory !== resolve(import.meta.dirname, '..', '..', '.vitalsync');
  const quoted = /^[\w./-]+$/.test(directory) ? directory : `'${directory.replaceAll("'", "'\\''")}'`;
  return `${elsewhere ? `VITAL_DIR=${quoted} ` : ''}npx vitalsync demo code ${email}`;
}

/** A step whose code wasn't given out yet; the one after the present one counts as current too (RFC 6238 §5.2). */
async function takeStep(directory: string, email: string): Promise<number> {
  const file = join(directory, 'demo-codes.json');
  const given: Record<string, number> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const step = Math.max(totpStep(), (given[email] ?? 0) + 1);
  while (step > totpStep() + 1) await sleep(250);
  writeFileSync(file, JSON.stringify({ ...given, [email]: step }), { mode: 0o600 });
  return step;
}
