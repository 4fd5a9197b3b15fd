// Codes by e-mail and SMS as a person meets them: no script, keyboard alone, a mail server and a webhook that are real, and
// the delivery between them (requirement A5).
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDelivery } from '../../db/delivery.ts';
import { asOwner } from '../../db/owner.ts';
import { prehash } from '../../edge/password.ts';
import { webhookSender } from '../../edge/sms.ts';
import { readSmtpUrl, smtpSender } from '../../edge/smtp.ts';
import { type MailServer, readMail, startMailServer } from '../support/mail-server.ts';
import { createPerson, type Person } from '../support/practice.ts';
import { findBarriers, overflowOf, type Stage, setStage } from './support.ts';

const password = 'correct horse battery staple';
let stage: Stage;
let person: Person;
let mail: MailServer;
let webhook: Server;
let delivery: { stop(): Promise<void> };
const texts: { to: string; text: string }[] = [];

beforeAll(async () => {
  stage = await setStage();
  const { db, practice } = stage;
  person = await asOwner(db.admin, async () => {
    const made = await createPerson(db, { organisation: practice.organisation, role: 'secretary' });
    const hash = await prehash(db.pepper, made.account, password);
    await db.admin.query('select iam.set_password($1, $2)', [made.account, hash]);
    await db.admin.query('update iam.accounts set email_confirmed_at = clock_timestamp() where id = $1', [
      made.account,
    ]);
    // nobody has these codes alone
    await db.admin.query(
      "insert into iam.totp_factors (account_id, secret, confirmed_at) values ($1, '\\x00', clock_timestamp())",
      [made.account],
    );
    return made;
  });
  mail = await startMailServer();
  webhook = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    texts.push(JSON.parse(Buffer.concat(chunks).toString()));
    response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(webhook, 'listening');
  const url = `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/`;
  const senders = {
    email: smtpSender(readSmtpUrl(`smtp://127.0.0.1:${mail.port}`, 'Vital Sync <ne-pas-repondre@exemple.fr>')),
    sms: webhookSender({ url, token: 'a-token-of-a-webhook' }),
  };
  delivery = openDelivery(db, { ring: db.ring, origin: stage.origin, senders }, () => {});
});
afterAll(async () => {
  await delivery?.stop();
  await mail?.close();
  webhook?.close();
  await stage?.close();
});

const path = (page: Page) => new URL(page.url()).pathname;
/** Sends the form, and waits for the page that answers. */
const enter = (page: Page) => Promise.all([page.waitForEvent('domcontentloaded'), page.keyboard.press('Enter')]);
const press = async (page: Page, name: string) => {
  await page.getByRole('button', { name }).focus();
  await enter(page);
};
const otherMeans = async (page: Page, name: string) => {
  await page.locator('summary', { hasText: 'Autre moyen' }).press('Enter');
  await press(page, name);
};
const mailed = async (count: number) => {
  await expect.poll(() => mail.received.length, { timeout: 10_000 }).toBe(count);
  return readMail(mail.received[count - 1]!).text;
};
const texted = async (count: number) => {
  await expect.poll(() => texts.length, { timeout: 10_000 }).toBe(count);
  return texts[count - 1]!;
};
const codeIn = (text: string) => /\d{6}/.exec(text)?.[0] ?? '';

async function giveThePassword(): Promise<Page> {
  const page = await stage.open('/sign-in', undefined, { javaScriptEnabled: false });
  await page.getByLabel('Adresse électronique').fill(person.email);
  await page.getByLabel('Mot de passe').fill(password);
  await enter(page);
  expect(path(page)).toBe('/sign-in/code');
  return page;
}

test('a code by e-mail signs in, and is asked for by a button: none goes out by itself', async () => {
  const page = await giveThePassword();
  expect(mail.received).toEqual([]);
  await otherMeans(page, 'Recevoir un code par e-mail');
  const text = await mailed(1);
  expect(text).toContain(`${stage.origin}/account/password`);
  await page.getByLabel('Code reçu par e-mail').fill('000000');
  await enter(page);
  expect(path(page)).toBe('/sign-in/code');
  await page.getByLabel('Code reçu par e-mail').fill(codeIn(text));
  await enter(page);
  expect(path(page)).toBe('/patients');
});

test('a number is confirmed by its code; from then on a code by SMS signs in', async () => {
  const page = await stage.open('/account/phone', person, { javaScriptEnabled: false });
  await page.getByLabel('Numéro de portable').fill('06 98 76 54 31');
  await enter(page);
  const sent = await texted(1);
  expect(sent.to).toBe('+33698765431');
  expect(sent.text).toMatch(new RegExp(`@127\\.0\\.0\\.1 #${codeIn(sent.text)}$`));
  await page.getByLabel('Code reçu par SMS').fill(codeIn(sent.text));
  await enter(page);
  expect(await page.getByText('Votre numéro est confirmé.').count()).toBe(1);
  expect(await mailed(2)).toContain('un code par SMS');

  const again = await giveThePassword();
  await otherMeans(again, 'Recevoir un code par SMS');
  await again.getByLabel('Code reçu par SMS').fill(codeIn((await texted(2)).text));
  await enter(again);
  expect(path(again)).toBe('/patients');
});

test.each([320, 1280])('axe finds no barrier on the telephone’s page, %i pixels wide', async (width) => {
  const page = await stage.open('/account/phone', person, { bypassCSP: true, viewport: { width, height: 900 } });
  expect(await findBarriers(page)).toEqual([]);
  expect(await overflowOf(page)).toBeLessThanOrEqual(0);
  await page.getByLabel('Numéro de portable').fill('01 23 45 67 89');
  await enter(page);
  expect(await page.title()).toMatch(/^Erreur/);
  expect(await findBarriers(page)).toEqual([]);
  expect(stage.wrongs).toEqual([]);
});
