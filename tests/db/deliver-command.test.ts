// `vitalsync deliver`, and what `vitalsync start` says of settings for mail that don't fit.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isOneSentence } from '../support/cli.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { post, stateOf } from '../support/outbox.ts';
import { createPractice, type Practice } from '../support/practice.ts';
import { openTestSite, type TestSite } from '../support/site.ts';

const PUBLIC_ORIGIN = 'https://dossier.exemple.fr';
const secret = 'aVerySecretPassword';

let db: TestDatabase;
let site: TestSite;
let practice: Practice;
let server: MailServer;
beforeAll(async () => {
  db = await createDatabase();
  practice = await createPractice(db);
  site = openTestSite(db);
  server = await startMailServer();
});
afterAll(async () => {
  await server?.close();
  await site?.close();
  await db?.close();
});

const smtp = () => `smtp://moi:${secret}@127.0.0.1:${server.port}`;

test('sends what waits, once, and says so', async () => {
  const ids = [];
  for (let i = 0; i < 7; i++) ids.push(await post(db, practice.clinician.account, 'password_changed'));
  const settings = { PUBLIC_ORIGIN, SMTP_URL: smtp(), MAIL_FROM: 'Lilas <bonjour@exemple.fr>' };
  const first = await site.vitalsyncWith(settings, 'deliver', '--json');
  expect([first.err, JSON.parse(first.out)]).toEqual(['', { sent: 7, retry: 0, failed: 0, uncertain: 0 }]);
  expect(server.received.map(({ from }) => from)).toEqual(Array(7).fill('bonjour@exemple.fr'));
  expect((await stateOf(db, ids[0] ?? '')).state).toBe('sent');
  const again = await site.vitalsyncWith(settings, 'deliver');
  expect([again.code, again.out]).toEqual([0, '0 sent, 0 to be tried again, 0 failed, 0 uncertain.\n']);
});

describe('says in one sentence, without a secret in it, that it can’t', () => {
  test.each([
    ['deliver', { SMTP_URL: 'smtp://127.0.0.1:25' }, 'PUBLIC_ORIGIN is missing'],
    ['deliver', { PUBLIC_ORIGIN }, 'Nobody would send anything'],
    ['deliver', { PUBLIC_ORIGIN: 'dossier.exemple.fr', SMTP_URL: 'smtp://127.0.0.1:25' }, 'PUBLIC_ORIGIN must be'],
    ['deliver', { PUBLIC_ORIGIN, SMTP_URL: `http://moi:${secret}@x` }, 'SMTP_URL must look like'],
    ['deliver', { PUBLIC_ORIGIN, SMTP_URL: 'smtp://127.0.0.1', MAIL_FROM: 'nobody' }, 'MAIL_FROM must be'],
    ['deliver', { PUBLIC_ORIGIN, SMS_WEBHOOK_URL: 'https://sms.exemple.fr' }, 'SMS_WEBHOOK_TOKEN must have'],
    [
      'deliver',
      { PUBLIC_ORIGIN, SMS_WEBHOOK_URL: 'http://sms.exemple.fr', SMS_WEBHOOK_TOKEN: secret },
      'SMS_WEBHOOK_URL must be',
    ],
    ['start', { SMTP_URL: 'smtp://127.0.0.1:25' }, 'PUBLIC_ORIGIN is missing'],
    ['start', { PUBLIC_ORIGIN, SMTP_URL: `smtp:${secret}` }, 'SMTP_URL must look like'],
  ])('%s %j', async (command, settings, sentence) => {
    const run = await site.vitalsyncWith(settings as Record<string, string>, command);
    expect(run.err).toContain(sentence);
    expect(isOneSentence(run)).toBe(true);
    expect(run.err).not.toContain(secret);
  });
});
