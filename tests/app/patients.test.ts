// The list, the search, and what the database hides from them.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPatient } from '../support/practice.ts';
import { cookieOf, type Running, startApp } from './support.ts';

let app: Running;
let cookie: string;
let zoe: string;

beforeAll(async () => {
  app = await startApp();
  cookie = cookieOf(app.practice.clinician);
  zoe = await createPatient(app.db, app.practice, {
    birth_name: 'Lefèvre',
    first_given_name: 'Zoé',
    birth_date: '1990-07-04',
  });
  await createPatient(app.db, app.practice, {
    birth_name: '<img src=x onerror=alert(1)>',
    first_given_name: '"><script>',
  });
});
afterAll(() => app?.close());

const search = (q: string, more = {}) => app.ask('/patients/search', { cookie, form: { q }, ...more });

test('the list names the patients of the team, whatever their names hold', async () => {
  const page = await (await app.ask('/patients', { cookie })).text();
  expect(page).toContain('LEFÈVRE');
  expect(page).toContain('&lt;IMG SRC=X ONERROR=ALERT(1)>');
  expect(page).not.toMatch(/<img|"><script>/i);
});

test.each(['lef', 'LEFE', 'Lefè', 'zoé', 'lefevre zoe', '04/07/1990', '1990-07-04', 'lefe 04/07/1990'])(
  '%s finds Zoé Lefèvre',
  async (q) => {
    const page = await (await search(q)).text();
    expect(page).toContain(`href="/patients/${zoe}"`);
    expect(page).toContain('1 patient trouvé');
  },
);

test('as one types, htmx gets options for the list, and their number for the screen reader', async () => {
  const answer = await search('lef', { htmx: true });
  const piece = await answer.text();
  expect(piece).not.toContain('<html');
  expect(piece).toContain(`role="option" id="patient-search-${zoe}"`);
  expect(piece).toContain('<hx-partial hx-target="#status"');
});

test('without script the same address gives a page that keeps what was typed', async () => {
  const page = await (await search('lef')).text();
  expect(page).toContain('<html lang="fr"');
  expect(page).toMatch(/<input id="patient-search"[^>]*value="lef"/);
});

test('a search that cannot be made says what to type instead', async () => {
  const short = await search('le');
  expect([short.status, await short.text()]).toEqual([422, expect.stringContaining('au moins 3 lettres')]);
  const odd = await search('31/02/1990', { htmx: true });
  expect([odd.status, await odd.text()]).toEqual([422, expect.stringContaining('n’existe pas')]);
  const empty = await search('', { htmx: true });
  expect(await empty.text()).toBe('');
});

test('cannot find a patient of another team', async () => {
  const other = cookieOf(app.practice.colleague);
  const page = await (await search('lef', { cookie: other })).text();
  expect(page).not.toContain(zoe);
  expect(page).toContain('Aucun de vos patients');
});

test('cannot search with a role that has no patients', async () => {
  const answer = await search('lef', { cookie: cookieOf(app.practice.auditor) });
  expect(answer.status).toBe(403);
  expect(await answer.text()).not.toContain(zoe);
});

test('what was searched for stands in no log line', async () => {
  await search('lefev');
  expect(app.lines.join('\n')).not.toMatch(/lefev|Lefèvre/i);
  expect((await app.ask('/patients/search', { cookie })).headers.get('location')).toBe('/patients');
});
