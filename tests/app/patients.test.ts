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
  const ambiguous = await search('04/07/19');
  expect([ambiguous.status, await ambiguous.text()]).toEqual([422, expect.stringContaining('quatre chiffres')]);
});

test('a search that cannot be made takes away the number of the one before, and says so to the screen reader', async () => {
  const piece = await (await search('le', { htmx: true })).text();
  expect(piece).toMatch(/<hx-partial hx-target="#status"[^>]*><p class="visually-hidden">Saisissez au moins 3 lettres/);
  const empty = await (await search('', { htmx: true })).text();
  expect(empty).toBe('<hx-partial hx-target="#status" hx-swap="innerHTML"></hx-partial>');
});

test('a page that refuses a search still says who is signed in', async () => {
  expect(await (await search('le')).text()).toContain('Camille NOMCLINICIAN');
});

test('a year of two digits is completed, and the page says how it was understood', async () => {
  for (const htmx of [true, false]) {
    const found = await (await search('04/07/90', { htmx })).text();
    expect(found).toContain(`/patients/${zoe}"`);
    expect(found).toContain('Date de naissance comprise\u00a0: 04/07/1990.');
  }
});

test('the list says truthfully what it holds, to a clinician and to a secretary', async () => {
  const listed = async (person: typeof app.practice.clinician) =>
    (await app.ask('/patients', { cookie: cookieOf(person) })).text();
  expect(await listed(app.practice.clinician)).toContain('>Vos patients, par nom</caption>');
  expect(await listed(app.practice.secretary)).toContain('>Patients du cabinet, par nom</caption>');
});

test('a place of birth is called an Insee code where it is one', async () => {
  const labelOf = async (birth_place: string) => {
    const id = await createPatient(app.db, app.practice, { birth_place });
    const page = await (await app.ask(`/patients/${id}`, { cookie: cookieOf(app.practice.secretary) })).text();
    return /<dt>(Lieu de naissance[^<]*)</.exec(page)?.[1];
  };
  expect(await labelOf('2A004')).toBe('Lieu de naissance (code Insee)');
  expect(await labelOf('Lyon')).toBe('Lieu de naissance');
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
