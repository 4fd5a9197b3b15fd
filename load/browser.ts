// What a script of k6 needs to be a browser of Vital Sync: both factors, and the headers that a browser sends.
import { fail } from 'k6';
import { hmac } from 'k6/crypto';
import http from 'k6/http';

export type Account = { email: string; role: string; password: string; totpSecret: string };

export const base = __ENV.BASE_URL || 'http://127.0.0.1:3000';

/** @param json as in demo.json */
export function cliniciansOf(json: string): Account[] {
  return JSON.parse(json).filter((account: Account) => account.role === 'clinician');
}

/** Paths of the patients on the first page of somebody's list. */
export function patientsOf(account: Account, cookie: string): string[] {
  const list = http.get(`${base}/patients`, { headers: reading(cookie) });
  const found = String(list.body).match(/\/patients\/[0-9a-f-]{36}/g) ?? [];
  const patients = found.filter((path, i) => found.indexOf(path) === i);
  if (patients.length === 0) fail(`no patient on the list of ${account.email} (status ${list.status})`);
  return patients;
}

export const pick = <T>(of: readonly T[]): T => of[Math.floor(Math.random() * of.length)] as T;

// ---------------------------------------------------------------- signing in

export const signIn = (account: Account): string => enter(account).cookie;

/** With both factors; `device` is what the browser is known by from then on. */
export function enter({ email, password, totpSecret }: Account): { cookie: string; device: string } {
  const first = http.post(`${base}/sign-in`, { email, password }, { headers: writing(''), ...withoutJar() });
  const halfway = cookieOf(first);
  if (!halfway) fail(`${email}: the password was answered with ${first.status}`);
  // A code works once: when this one was used a moment ago, the next step's is taken already (RFC 6238 §5.2).
  const now = Math.floor(Date.now() / 30_000);
  for (const step of [now, now + 1]) {
    const form = { code: totp(fromBase32(totpSecret), step) };
    const second = http.post(`${base}/sign-in/code`, form, { headers: writing(halfway), ...withoutJar() });
    const cookie = second.status === 303 ? cookieOf(second) : undefined;
    if (cookie) return { cookie, device: second.cookies['__Host-device']?.[0]?.value ?? '' };
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

export function reading(cookie: string): Record<string, string> {
  return {
    Cookie: `__Host-vs=${cookie}`,
    'Accept-Language': 'fr',
    'Sec-Fetch-Site': 'same-origin',
    'Sec-Fetch-Mode': 'navigate',
    'Sec-Fetch-Dest': 'document',
  };
}

/** With `cookie` '' it is the sign-in form, which a browser without script sends. */
export function writing(cookie: string): Record<string, string> {
  const common = { Origin: base, 'Sec-Fetch-Site': 'same-origin', 'Accept-Language': 'fr' };
  if (!cookie) return common;
  return { ...common, Cookie: `__Host-vs=${cookie}`, 'HX-Request': 'true', 'Sec-Fetch-Mode': 'cors' };
}
