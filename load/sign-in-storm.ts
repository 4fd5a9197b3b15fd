// A storm of sign-ins while a practice works, for k6: ten seconds of calm, then 50 sign-ins a second, from as many addresses,
// with right and wrong passwords, for accounts that are there and others that aren't; meanwhile clinicians open charts, and
// one of them signs in every two seconds in a browser that is known.
// `npm run bench:sign-in` fills a database for it and starts the server as behind a proxy (TRUST_PROXY), which tells the addresses.
//
// ACCOUNTS  JSON as in demo.json: its clinicians are the users
// BASE_URL  http://127.0.0.1:3000
// RATE      50 sign-ins a second
// DURATION  30s of storm
// USERS     4 clinicians who open a chart every half second or so
import { check, sleep } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter } from 'k6/metrics';
import { type Account, base, cliniciansOf, enter, patientsOf, pick, reading, writing } from './browser.ts';

type User = { account: Account; cookie: string; device: string; patients: string[] };

const calm = 10;
const storm = __ENV.DURATION || '30s';
const users = Number(__ENV.USERS || 4);
const accounts: Account[] = cliniciansOf(open(__ENV.ACCOUNTS || '../.vitalsync/demo.json'));
const answers = new Counter('sign_ins');

const charts = { executor: 'constant-vus', vus: users, exec: 'openChart', gracefulStop: '0s' };
export const options = {
  scenarios: {
    calm: { ...charts, duration: `${calm}s`, tags: { weather: 'calm' } },
    work: { ...charts, duration: storm, startTime: `${calm}s`, tags: { weather: 'storm' } },
    owner: {
      executor: 'constant-arrival-rate',
      exec: 'comeBack',
      rate: 1,
      timeUnit: '2s',
      duration: storm,
      startTime: `${calm}s`,
      preAllocatedVUs: 5,
      gracefulStop: '15s',
    },
    storm: {
      executor: 'constant-arrival-rate',
      exec: 'knock',
      rate: Number(__ENV.RATE || 50),
      timeUnit: '1s',
      duration: storm,
      startTime: `${calm}s`,
      preAllocatedVUs: 300,
      maxVUs: 1200,
      gracefulStop: '15s',
    },
  },
  setupTimeout: '180s',
  thresholds: {
    'http_req_duration{page:chart,weather:calm}': ['p(95)<200'],
    'http_req_duration{page:chart,weather:storm}': ['p(95)<200'],
    'checks{page:chart}': ['rate>0.999'],
    'http_req_duration{page:own browser}': ['p(95)<3000'],
    'checks{page:own browser}': ['rate>0.99'],
    // who isn't told to wait, and how long that takes: these are only counted
    'http_req_duration{page:sign-in}': ['max<15000'],
    'sign_ins{answer:signed in}': ['count>0'],
    'sign_ins{answer:refused}': ['count>0'],
    'sign_ins{answer:wait (429)}': ['count>=0'],
    'sign_ins{answer:wait (503)}': ['count>0'],
    'sign_ins{answer:something else}': ['count<1'],
  },
};

export function setup(): User[] {
  return accounts.slice(0, users).map((account) => {
    const { cookie, device } = enter(account);
    return { account, cookie, device, patients: patientsOf(account, cookie) };
  });
}

export function openChart(signedIn: User[]): void {
  const { cookie, patients } = signedIn[exec.vu.idInTest % signedIn.length] as User;
  const tags = { page: 'chart', name: '/patients/:id' };
  const answer = http.get(base + pick(patients), { headers: reading(cookie), tags, redirects: 0 });
  check(
    answer,
    { 'the chart is there': ({ status, body }) => status === 200 && String(body).includes('timeline') },
    tags,
  );
  sleep(0.25 + Math.random() / 2);
}

/** The password's step alone: what a storm could hold up. */
export function comeBack(signedIn: User[]): void {
  const { account, device } = signedIn[0] as User;
  const tags = { page: 'own browser', name: '/sign-in' };
  const form = { email: account.email, password: account.password };
  const headers = { ...writing(''), Cookie: `__Host-device=${device}`, 'X-Forwarded-Proto': 'http' };
  const answer = http.post(`${base}/sign-in`, form, { headers, jar: new http.CookieJar(), redirects: 0, tags });
  check(answer, { 'a known browser gets in': ({ status }) => status === 303 }, tags);
}

/** What each status means here; 429 and 503 come with Retry-After. */
const meanings: Record<number, string> = { 303: 'signed in', 422: 'refused', 429: 'wait (429)', 503: 'wait (503)' };

export function knock(): void {
  const { email, password } = pick(accounts);
  const form = pick([
    { email, password },
    { email, password: 'un autre mot de passe' },
    { email: `personne-${exec.scenario.iterationInTest}@exemple.fr`, password: 'un autre mot de passe' },
  ]);
  const octet = () => 1 + Math.floor(250 * Math.random());
  const answer = http.post(`${base}/sign-in`, form, {
    headers: { ...writing(''), 'X-Forwarded-For': `10.${octet()}.${octet()}.${octet()}`, 'X-Forwarded-Proto': 'http' },
    jar: new http.CookieJar(),
    redirects: 0,
    tags: { page: 'sign-in', name: '/sign-in' },
    responseCallback: http.expectedStatuses(303, 422, 429, 503),
  });
  const waits = answer.status !== 429 && answer.status !== 503;
  const meaning = waits || answer.headers['Retry-After'] ? meanings[answer.status] : undefined;
  answers.add(1, { answer: meaning ?? 'something else' });
}
