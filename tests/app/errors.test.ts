// What happened, what is kept, what to do; and nothing of how we are made.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPatient } from '../support/practice.ts';
import { cookieOf, type Running, startApp } from './support.ts';

let app: Running;
let hidden: string;

beforeAll(async () => {
  app = await startApp();
  hidden = await createPatient(app.db, app.practice);
});
afterAll(() => app?.close());

const withoutReference = (page: string) => page.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '…');

test('a hidden record, a missing one and an id that is none get the same page', async () => {
  const cookie = cookieOf(app.practice.colleague);
  const answers = await Promise.all([hidden, randomUUID(), 'x'].map((id) => app.ask(`/patients/${id}`, { cookie })));
  const pages = await Promise.all(answers.map((answer) => answer.text()));
  expect(answers.map((answer) => answer.status)).toEqual([404, 404, 404]);
  expect(withoutReference(pages[1] ?? '')).toBe(withoutReference(pages[0] ?? ''));
  expect(withoutReference(pages[2] ?? '')).toContain('Page introuvable');
});

test('the reference of a page is the request’s id in the log', async () => {
  const answer = await app.ask('/nowhere', { cookie: cookieOf(app.practice.clinician) });
  const reference = answer.headers.get('X-Request-Id') ?? 'none';
  expect(await answer.text()).toContain(reference);
  expect(app.lines.some((line) => line.includes(reference))).toBe(true);
});

test('a refusal during htmx goes to the alert and leaves the screen as it is', async () => {
  const answer = await app.ask(`/patients/${hidden}`, { cookie: cookieOf(app.practice.colleague), htmx: true });
  const piece = await answer.text();
  expect(answer.status).toBe(404);
  expect(piece).toMatch(/^<hx-partial hx-target="#alert"/);
});

test('without a session a page leads to signing in, and a change says that nothing typed is lost', async () => {
  const page = await app.ask('/patients');
  expect([page.status, page.headers.get('location')]).toEqual([303, '/sign-in']);
  const change = await app.ask('/patients/search', { form: { q: 'lef' }, htmx: true });
  expect(change.status).toBe(401);
  expect(await change.text()).toContain('reste à l’écran');
});

test('without script as well: the page gives back what was sent, and sends it again', async () => {
  const fields = { key: randomUUID(), reason: 'Douleur "brutale" <b>hier</b>' };
  const change = await app.ask(`/patients/${hidden}/referrals`, { form: fields });
  const text = await change.text();
  expect(change.status).toBe(401);
  expect(text).toContain(`action="/patients/${hidden}/referrals"`);
  expect(text).toContain(`name="key" value="${fields.key}"`);
  expect(text).toContain('name="reason" value="Douleur &quot;brutale&quot; &lt;b>hier&lt;/b>"');
  expect(text).not.toContain('<b>hier');
  const refused = await app.ask(`/patients/${hidden}/referrals`, {
    form: fields,
    cookie: cookieOf(app.practice.colleague),
  });
  const words = await refused.text();
  expect([refused.status, words.includes('class="written">Douleur')]).toEqual([404, true]);
  expect(words).not.toContain(`value="${fields.key}"`);
  const secret = await app.ask('/sign-in/code', { form: { code: '12 34 56' } });
  expect(await secret.text()).not.toContain('12 34 56');
});

test('preferences come back to the page they were set on, and nowhere else', async () => {
  const lang = await app.ask('/preferences', { form: { lang: 'en', return: '/sign-in' } });
  expect([lang.status, lang.headers.get('location')]).toEqual([303, '/sign-in']);
  expect(lang.headers.getSetCookie()[0]).toMatch(/^__Host-lang=en;/);
  const shown = await (await app.ask('/sign-in?by=%22%3E%3Cb%3E&sent=1')).text();
  expect(shown.match(/name="return" value="\/sign-in\?by=%22%3E%3Cb%3E&amp;sent=1"/g)).toHaveLength(2);
  const back = await app.ask('/preferences', { form: { lang: 'en', return: '/recover/x?lost=factors' } });
  expect(back.headers.get('location')).toBe('/recover/x?lost=factors');
  for (const elsewhere of [
    '//evil.example',
    'https://evil.example',
    '/\\evil.example',
    '/a?b=//evil.example',
    '/?https://evil.example',
    '/a?b=c\r\nSet-Cookie: a=b',
    '/a?b=c#d',
    'javascript:alert(1)',
  ]) {
    const answer = await app.ask('/preferences', { form: { theme: 'dark', return: elsewhere } });
    expect(answer.headers.get('location')).toBe('/');
  }
  expect(await (await app.ask('/sign-in', { cookie: '__Host-lang=en' })).text()).toContain('<html lang="en"');
  expect(await (await app.ask('/sign-in', { cookie: '__Host-theme=dark' })).text()).toContain('data-theme="dark"');
});
