// The daily mix of a practice, for k6: each user signs in once with both factors, then 60 % charts, 25 % lists and
// searches, 15 % notes. `npm run load` fills a database for it; against a running server:
//
//   k6 run -e ACCOUNTS=$PWD/.vitalsync/demo.json -e USERS=4 load/daily.ts
//
// ACCOUNTS  JSON as in demo.json: email, role, password, totpSecret (base32); its clinicians are the users
// BASE_URL  http://127.0.0.1:3000
// USERS     16; more users than clinicians share accounts
// DURATION  30s
// THINK     seconds between two pages of a user: 0, the next page at once
import { check, fail, sleep } from 'k6';
import http from 'k6/http';
import { type Account, base, cliniciansOf, patientsOf, pick, reading, signIn, writing } from './browser.ts';

type User = { cookie: string; patients: string[]; author: string };

const users = Number(__ENV.USERS || 16);
const think = Number(__ENV.THINK || 0);
const accounts: Account[] = cliniciansOf(open(__ENV.ACCOUNTS || '../.vitalsync/demo.json'));

export const options = {
  scenarios: { day: { executor: 'constant-vus', vus: users, duration: __ENV.DURATION || '30s' } },
  setupTimeout: '180s',
  // a threshold for each page makes k6 print it apart; signing in isn't among the pages
  thresholds: {
    'http_req_duration{kind:page}': ['p(95)<200'],
    'http_req_failed{kind:page}': ['rate<0.001'],
    'checks{kind:page}': ['rate>0.999'],
    'http_req_duration{page:chart}': ['p(95)<200'],
    'http_req_duration{page:list}': ['p(95)<200'],
    'http_req_duration{page:search}': ['p(95)<200'],
    'http_req_duration{page:note}': ['p(95)<200'],
  },
};

/** Signs everybody in, one after the other: bcrypt would otherwise take the cores from nothing that is measured. */
export function setup(): User[] {
  if (accounts.length === 0) fail(`no clinician in ${__ENV.ACCOUNTS}`);
  return accounts.slice(0, users).map((account) => {
    const cookie = signIn(account);
    const patients = patientsOf(account, cookie);
    // a note names who began it, as the form does
    const form = http.get(`${base}${patients[0]}/notes/new`, { headers: reading(cookie) });
    const author = /name="author" value="([0-9a-f-]{36})"/.exec(String(form.body))?.[1];
    if (!author) fail(`the form of a note names no author (status ${form.status})`);
    return { cookie, patients, author };
  });
}

export default function (signedIn: User[]): void {
  const user = signedIn[(__VU - 1) % signedIn.length] as User;
  const chance = Math.random();
  if (chance < 0.6) openChart(user);
  else if (chance < 0.725) openList(user);
  else if (chance < 0.85) search(user);
  else writeNote(user);
  if (think > 0) sleep(think * (0.5 + Math.random()));
}

function openChart({ cookie, patients }: User): void {
  const answer = http.get(base + pick(patients), { headers: reading(cookie), ...named('/patients/:id', 'chart') });
  expect(answer, 'chart', 'id="timeline"');
}

function openList({ cookie }: User): void {
  const answer = http.get(`${base}/patients`, { headers: reading(cookie), ...named('/patients', 'list') });
  expect(answer, 'list', '/patients/');
}

function search({ cookie }: User): void {
  const form = { q: pick(['gau', 'lef', 'mar', 'per', 'vid', 'cla', 'nic', 'mon']) };
  const answer = http.post(`${base}/patients/search`, form, {
    headers: writing(cookie),
    ...named('/patients/search', 'search'),
  });
  expect(answer, 'search', '');
}

function writeNote({ cookie, patients, author }: User): void {
  const form = {
    key: crypto.randomUUID(),
    author,
    category: 'consultation',
    priority: 'routine',
    status: 'final',
    subjective: 'Se sent mieux depuis la dernière visite, dort bien, appétit conservé.',
    objective: 'Auscultation claire, bruits du cœur réguliers, mollets souples. TA 128/76.',
    assessment: 'Évolution favorable.',
    plan: 'Poursuite du traitement, à revoir dans trois mois.',
    diagnosis: 'Hypertension artérielle',
    treatment_plan: '1 comprimé le matin',
  };
  const answer = http.post(`${base}${pick(patients)}/notes`, form, {
    headers: writing(cookie),
    ...named('/patients/:id/notes', 'note'),
  });
  expect(answer, 'note', 'id="timeline"');
}

/** One name for all addresses of a route, so that k6 adds them up. */
const tags = (page: string) => ({ kind: 'page', page });
const named = (name: string, page: string) => ({ tags: { ...tags(page), name }, redirects: 0 });

function expect(answer: { status: number; body: unknown }, page: string, text: string): void {
  check(
    answer,
    { [`${page} is there`]: ({ status, body }) => status === 200 && String(body).includes(text) },
    tags(page),
  );
}
