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
import { hmac } from 'k6/crypto';
import http from 'k6/http';

type Account = { email: string; role: string; password: string; totpSecret: string };
type User = { cookie: string; patients: string[]; author: string };

const base = __ENV.BASE_URL || 'http://127.0.0.1:3000';
const users = Number(__ENV.USERS || 16);
const think = Number(__ENV.THINK || 0);
const accounts: Account[] = JSON.parse(open(__ENV.ACCOUNTS || '../.vitalsync/demo.json')).filter(
  (account: Account) => account.role === 'clinician',
);

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
    const list = http.get(`${base}/patients`, { headers: reading(cookie) });
    const found = String(list.body).match(/\/patients\/[0-9a-f-]{36}/g) ?? [];
    const patients = found.filter((path, i) => found.indexOf(path) === i);
    if (patients.length === 0) fail(`no patient on the list of ${account.email} (status ${list.status})`);
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

// ---------------------------------------------------------------- signing in

function signIn({ email, password, totpSecret }: Account): string {
  const first = http.post(`${base}/sign-in`, { email, password }, { headers: writing(''), ...withoutJar() });
  const halfway = cookieOf(first);
  if (!halfway) fail(`${email}: the password was answered with ${first.status}`);
  // A code works once: when this one was used a moment ago, the next step's is taken already (RFC 6238 §5.2).
  const now = Math.floor(Date.now() / 30_000);
  for (const step of [now, now + 1]) {
    const form = { code: totp(fromBase32(totpSecret), step) };
    const second = http.post(`${base}/sign-in/code`, form, { headers: writing(halfway), ...withoutJar() });
    const cookie = second.status === 303 ? cookieOf(second) : undefined;
    if (cookie) return cookie;
  }
  return fail(`${email}: no code was taken; wait for 30 seconds after the last run`);
}

/** The script sends the cookie itself: sent by k6's jar as well, it would be there twice, which is no session. */
const withoutJar = () => ({ jar: new http.CookieJar(), redirects: 0 });

function cookieOf(answer: { cookies: Record<string, { value: string }[]> }): string | undefined {
  return answer.cookies['__Host-vs']?.[0]?.value;
}

/** RFC 6238 with SHA-1 and 6 digits. */
function totp(secret: ArrayBuffer, step: number): string {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setUint32(4, step);
  const mac = new DataView(hmac('sha1', secret, counter.buffer, 'binary'));
  const code = (mac.getUint32(mac.getUint8(19) & 15) & 0x7fffffff) % 1_000_000;
  return String(code).padStart(6, '0');
}

function fromBase32(text: string): ArrayBuffer {
  const bits = [...text]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  const bytes = bits.match(/.{8}/g) ?? [];
  return new Uint8Array(bytes.map((eight) => Number.parseInt(eight, 2))).buffer;
}

// ---------------------------------------------------------------- requests as a browser sends them

function reading(cookie: string): Record<string, string> {
  return {
    Cookie: `__Host-vs=${cookie}`,
    'Accept-Language': 'fr',
    'Sec-Fetch-Site': 'same-origin',
    'Sec-Fetch-Mode': 'navigate',
    'Sec-Fetch-Dest': 'document',
  };
}

/** With `cookie` '' it is the sign-in form, which a browser without script sends. */
function writing(cookie: string): Record<string, string> {
  const common = { Origin: base, 'Sec-Fetch-Site': 'same-origin', 'Accept-Language': 'fr' };
  if (!cookie) return common;
  return { ...common, Cookie: `__Host-vs=${cookie}`, 'HX-Request': 'true', 'Sec-Fetch-Mode': 'cors' };
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

const pick = <T>(of: readonly T[]): T => of[Math.floor(Math.random() * of.length)] as T;
