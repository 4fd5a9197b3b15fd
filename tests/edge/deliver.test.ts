// Delivery to real peers: an SMTP server and a webhook that refuse, fall silent and hang up, and a sender that is killed.
// Whatever happens, nobody gets a message twice.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Door } from '../../db/batch.ts';
import { openDoor } from '../../db/door.ts';
import { type Delivery, deliverDue, keepDelivering, type Sender } from '../../edge/deliver.ts';
import { readWebhook, webhookSender } from '../../edge/sms.ts';
import { readSmtpUrl, smtpSender } from '../../edge/smtp.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type MailServer, readMail, startMailServer } from '../support/mail-server.ts';
import { owner, post, stateOf } from '../support/outbox.ts';
import { createPractice, type Practice } from '../support/practice.ts';

const FROM = 'Vital Sync <ne-pas-repondre@exemple.fr>';
/** Enough for a machine that does other things besides. */
const impatient = { session: 1_500, silence: 1_500, whole: 6_000 };

let db: TestDatabase;
let door: Door;
let practice: Practice;
let server: MailServer;

beforeAll(async () => {
  db = await createDatabase();
  practice = await createPractice(db);
  door = openDoor(db);
  server = await startMailServer();
});
afterAll(async () => {
  await server.close();
  await door.close();
  await db.close();
});
beforeEach(async () => {
  await owner(db, 'delete from ops.outbox');
  server.mood = {};
  server.received.length = 0;
});

const mailTo = (port: number, login = '') =>
  smtpSender(readSmtpUrl(`smtp://${login}127.0.0.1:${port}`, FROM), impatient);
const delivery = (senders: Delivery['senders'] = { email: mailTo(server.port) }): Delivery => ({
  door,
  ring: db.ring,
  origin: 'https://dossier.exemple.fr',
  senders,
});
const deliver = (senders?: Delivery['senders']) => deliverDue(delivery(senders));
const again = () => owner(db, "update ops.outbox set next_at = clock_timestamp() where state = 'waiting'");
const clinician = () => practice.clinician.account;

describe('an e-mail', () => {
  test('arrives once, in words, at its address alone', async () => {
    const id = await post(db, clinician(), 'email_code', { code: '042817' });
    expect(await deliver()).toEqual([{ outcome: 'sent' }]);
    expect(await deliver()).toEqual([]);
    const [mail] = server.received;
    expect(mail).toMatchObject({ from: 'ne-pas-repondre@exemple.fr', to: [practice.clinician.email] });
    const { headers, text } = readMail(mail!);
    expect(headers).toMatchObject({
      to: practice.clinician.email,
      subject: 'Votre code de connexion',
      'auto-submitted': 'auto-generated',
      'content-language': 'fr',
      'message-id': `<${id}@exemple.fr>`,
    });
    expect(text).toContain('Votre code\u00a0: 042817');
    expect(text).toContain('https://dossier.exemple.fr/account/password');
  });

  test.each(['a,b@exemple.fr', '"x"<y>@exemple.fr', 'x;y@exemple.fr', 'a b@exemple.fr'])(
    'to the address %s goes there alone, or nowhere',
    async (address) => {
      const email = mailTo(server.port);
      const base = {
        id: 'x',
        lang: 'fr',
        template: 'password_changed',
        channel: 'email',
        subject: 'a',
        text: 'b',
      } as const;
      const { outcome } = await email({ ...base, address });
      // RFC 5321 §4.1.2 puts such a local part into quotes
      const quoted = address.replace(/^(.*)@/, '"$1"@');
      if (outcome === 'sent') expect([[[address]], [[quoted]]]).toContainEqual(server.received.map(({ to }) => to));
      else expect([outcome, server.received]).toEqual(['failed', []]);
    },
  );

  test('cannot get a header of its own by what the practice is called', async () => {
    await owner(db, "update access.organisations set name = E'Lilas\\r\\nBcc: x@evil.example' where id = $1", [
      practice.organisation,
    ]);
    await post(db, clinician(), 'invitation', { path: '/invitations/abc' });
    await deliver();
    expect(readMail(server.received[0]!).headers.bcc).toBeUndefined();
    await owner(db, "update access.organisations set name = 'Lilas' where id = $1", [practice.organisation]);
  });
});

describe('a mail server that', () => {
  const waits = { state: 'waiting', gone: false };
  const failed = { state: 'failed', gone: true };
  const uncertain = { state: 'uncertain', gone: true };
  test.each([
    ['refuses the login', { login: 535 }, waits, 'smtp 535'],
    ['refuses the recipient for now', { recipient: 451 }, waits, 'smtp 451'],
    ['refuses the recipient for good', { recipient: 550 }, failed, 'smtp 550'],
    ['refuses the content for now', { content: 452 }, waits, 'smtp 452'],
    ['refuses the content for good', { content: 554 }, failed, 'smtp 554'],
    ['never greets', { silent: 'greeting' }, waits, 'ETIMEDOUT'],
    ['falls silent before the content', { silent: 'recipient' }, waits, 'ETIMEDOUT'],
    ['falls silent after the content', { silent: 'after' }, uncertain, 'ETIMEDOUT'],
    ['hangs up before the content', { cut: 'recipient' }, waits, 'ECONNECTION'],
    ['hangs up after the content', { cut: 'after' }, uncertain, 'ECONNECTION'],
  ] as const)('%s', async (_what, mood, state, reason) => {
    const id = await post(db, clinician());
    server.mood = mood;
    const [outcome] = await deliver({ email: mailTo(server.port, 'moi:secret@') });
    expect(outcome?.reason).toBe(reason);
    expect(await stateOf(db, id)).toMatchObject(state);
    // it works again: what waited arrives, and of what may have arrived nothing comes a second time
    const before = server.received.length;
    server.mood = {};
    await again();
    await deliver();
    expect(server.received.length - before).toBe(state === waits ? 1 : 0);
    expect(server.received.length).toBeLessThanOrEqual(1);
  });

  test('is down: the message waits, and arrives once it is back', async () => {
    const gone = await startMailServer();
    await gone.close();
    const id = await post(db, clinician());
    expect(await deliver({ email: mailTo(gone.port) })).toMatchObject([{ outcome: 'retry' }]);
    expect(await stateOf(db, id)).toMatchObject({ ...waits, due: 15 });
    const back = await startMailServer({ port: gone.port });
    await again();
    await deliver({ email: mailTo(gone.port) });
    expect(back.received).toHaveLength(1);
    await back.close();
  });

  test('is elsewhere and has no TLS gets neither the login nor the message', async () => {
    // 127.0.0.2 isn't one of the names of this machine, so it counts as elsewhere
    const elsewhere = await startMailServer({ host: '127.0.0.2' });
    const id = await post(db, clinician());
    const email = smtpSender(readSmtpUrl(`smtp://moi:secret@127.0.0.2:${elsewhere.port}`, FROM), impatient);
    expect(await deliver({ email })).toMatchObject([{ outcome: 'retry' }]);
    expect([elsewhere.received, (await stateOf(db, id)).state]).toEqual([[], 'waiting']);
    await elsewhere.close();
  });
});

test('two that deliver at once send each message once', async () => {
  const all = [];
  for (let i = 0; i < 12; i++) all.push(await post(db, clinician(), 'email_code', { code: String(100_000 + i) }));
  const both = [keepDelivering(delivery(), () => {}, 20), keepDelivering(delivery(), () => {}, 20)];
  await expect.poll(() => server.received.length, { timeout: 5_000 }).toBe(12);
  await Promise.all(both.map((one) => one.stop()));
  const codes = server.received.map((mail) => /\d{6}/.exec(readMail(mail).text)?.[0]);
  expect(new Set(codes).size).toBe(12);
  expect(await owner(db, "select count(*)::int as sent from ops.outbox where state = 'sent'")).toEqual([{ sent: 12 }]);
});

test.each(['recipient', 'after'] as const)(
  'killed while the server thinks (%s), it leaves a message that nobody sends again',
  async (silent) => {
    const id = await post(db, clinician());
    server.mood = { silent };
    const env = { ...process.env, GATE_URL: db.gateUrl, VITAL_KEYS: db.ring, SMTP_PORT: String(server.port) };
    const child = fork('tests/support/deliverer.ts', { env, execArgv: [], stdio: 'ignore' });
    await expect.poll(async () => (await stateOf(db, id)).state, { timeout: 10_000 }).toBe('sending');
    await sleep(300);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const arrived = server.received.length;
    expect(arrived).toBe(silent === 'after' ? 1 : 0);
    server.mood = {};
    expect(await deliver()).toEqual([]); // its two minutes aren't over
    await owner(db, 'update ops.outbox set lease_until = clock_timestamp()');
    expect(await deliver()).toEqual([]);
    expect(await stateOf(db, id)).toMatchObject({ state: 'uncertain', gone: true });
    expect(server.received.length).toBe(arrived);
  },
);

test('a sender that breaks, or words that are missing, hold up no other message', async () => {
  const [broken, without] = [
    await post(db, clinician(), 'password_changed'),
    await post(db, clinician(), 'invitation'),
  ];
  const fine = await post(db, clinician(), 'account_changed');
  const good = mailTo(server.port);
  const email: Sender = (message) => {
    if (message.id === broken) throw new Error('nobody foresaw this');
    return good(message);
  };
  await deliver({ email: async (message) => email(message) });
  const states = await Promise.all([broken, without, fine].map(async (id) => (await stateOf(db, id)).state));
  expect(states).toEqual(['uncertain', 'failed', 'sent']);
});

test('what is wrong is told once, and that it works again', async () => {
  const told: (string | undefined)[] = [];
  server.mood = { recipient: 451 };
  const one = keepDelivering(delivery(), (problem) => told.push(problem), 20);
  for (let i = 0; i < 3; i++) await post(db, clinician());
  await expect.poll(() => told).toEqual(["a message wasn't sent (retry: smtp 451)."]);
  server.mood = {};
  await again();
  await expect.poll(() => server.received.length).toBe(3);
  await one.stop();
  expect(told.at(-1)).toBeUndefined();
});

describe('an SMS', () => {
  let webhook: Server;
  let url: string;
  let got: { headers: Record<string, unknown>; body: unknown }[];
  let answer: number | 'silence' | 'cut';
  const token = 'a-token-of-a-webhook';
  const sms = () => webhookSender(readWebhook(url, token), 1_500);
  const message = {
    id: 'a1',
    lang: 'fr',
    template: 'sms_code',
    channel: 'sms',
    subject: null,
    text: 'Vital Sync',
    address: '+33612345678',
  } as const;

  beforeAll(async () => {
    webhook = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      got.push({ headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) });
      if (answer === 'cut') request.socket.destroy();
      else if (answer !== 'silence') response.writeHead(answer, { location: 'https://evil.example/' }).end();
    });
    webhook.listen(0, '127.0.0.1');
    await once(webhook, 'listening');
    url = `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/sms`;
  });
  beforeEach(() => {
    got = [];
    answer = 204;
  });
  afterEach(() => webhook.closeAllConnections());
  afterAll(() => webhook.close());

  test('is posted once, with its key and the token', async () => {
    expect(await sms()(message)).toEqual({ outcome: 'sent' });
    expect(got).toHaveLength(1);
    expect(got[0]).toMatchObject({
      headers: { authorization: `Bearer ${token}`, 'idempotency-key': 'a1', 'content-type': 'application/json' },
      body: { id: 'a1', to: '+33612345678', text: 'Vital Sync' },
    });
  });

  test.each([
    [429, 'retry'],
    [503, 'retry'],
    [400, 'failed'],
    [401, 'failed'],
    [307, 'failed'],
    [500, 'uncertain'],
    [502, 'uncertain'],
    ['silence', 'uncertain'],
    ['cut', 'uncertain'],
  ] as const)('whose webhook answers %s: %s', async (given, outcome) => {
    answer = given;
    expect((await sms()(message)).outcome).toBe(outcome);
    expect(got).toHaveLength(1);
  });

  test('whose webhook isn’t there waits', async () => {
    const gone = await startMailServer();
    await gone.close();
    const nobody = webhookSender({ url: `http://127.0.0.1:${gone.port}/sms`, token }, 1_500);
    expect(await nobody(message)).toMatchObject({ outcome: 'retry', reason: 'ECONNREFUSED' });
  });
});

describe('settings', () => {
  test.each(['smtp.exemple.fr', 'http://x', 'smtp://', 'ftp://x:1', 'smtps:///x'])('cannot be SMTP_URL: %s', (text) => {
    expect(() => readSmtpUrl(text, FROM)).toThrow(/^SMTP_URL must look like/);
  });
  test.each(['', 'nobody', 'x <y>', 'a@b\r\nBcc: c@d', '<a@b><c@d>'])('cannot be MAIL_FROM: %s', (from) => {
    expect(() => readSmtpUrl('smtp://127.0.0.1', from)).toThrow(/^MAIL_FROM must be/);
  });
  test.each([
    ['http://sms.exemple.fr/', 'a-token-of-a-webhook', /^SMS_WEBHOOK_URL/],
    ['https://me:secret@sms.exemple.fr/', 'a-token-of-a-webhook', /^SMS_WEBHOOK_URL/],
    ['nothing', 'a-token-of-a-webhook', /^SMS_WEBHOOK_URL/],
    ['https://sms.exemple.fr/', undefined, /^SMS_WEBHOOK_TOKEN/],
    ['https://sms.exemple.fr/', 'short', /^SMS_WEBHOOK_TOKEN/],
    ['https://sms.exemple.fr/', 'two words with spaces', /^SMS_WEBHOOK_TOKEN/],
  ])('cannot be a webhook: %s %s', (url, token, sentence) => {
    expect(() => readWebhook(url, token)).toThrow(sentence);
  });
});
