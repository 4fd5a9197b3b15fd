// The session cookie and the two preference cookies. What the cookie is worth is decided in SQL (`iam.enter`):
// here only its shape is looked at.
//
// 1. `__Host-vs` = `<base64url of 32 random bytes>.<role>`, Secure, HttpOnly, SameSite=Lax, Path=/, no Domain.
//    The prefix keeps subdomains and plain HTTP from planting one (RFC 6265bis §4.1.3.2).
// 2. Whatever the cookie holds, the answer is a page: an odd one is no session, never an error.
// 3. The role after the dot says which page to ask for. The database knows the real one.
// 4. A token is renewed every 15 minutes by the request that happens to come then: the database takes the new one on, and
//    the answer brings it to the browser. It follows from the present one by a keyed hash: of two requests at once both
//    bring the same, and where the first answer was dropped (a link clicked twice) the second one brings it.
// 5. `__Host-device` = 32 random bytes, for 400 days: says that this browser has signed somebody in before, and nothing else.
//    A browser without one gets it when somebody signs in; the request that does so has told the database already.
import type { Context, MiddlewareHandler } from 'hono';
import { setCookie } from 'hono/cookie';
import type { Who } from '../db/batch.ts';
import { type Bindings, clientAddress, placeOf } from './client.ts';
import type { RefusedKind } from './refusals.ts';

export type { Bindings };
export type Lang = 'fr' | 'en';
export type Theme = 'system' | 'light' | 'dark';

/** `new Hono<Env>()` */
export type Env = {
  Bindings: Bindings;
  Variables: {
    who: Who;
    lang: Lang;
    theme: Theme;
    requestId: string;
    nonce?: string;
    mailbox?: boolean;
    /** Set by whoever refuses the request before a page has seen it. */
    refused?: RefusedKind;
  };
};

const ROLES = ['anon', 'patient', 'clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher'] as const;
const COOKIE = '__Host-vs';
const DEVICE = '__Host-device';
const SHAPE = new RegExp(`^([A-Za-z0-9_-]{43})\\.(${ROLES.join('|')})$`);
const YEAR = 365 * 24 * 3600;
/** As long as browsers keep a cookie at most (RFC 6265bis §5.5). */
const LONGEST = 400 * 24 * 3600;

/** Sets `c.var.who`, `c.var.lang` and `c.var.theme` for the pages. `key`: 256 bits that the database doesn't know. */
export function session(key: Uint8Array): MiddlewareHandler<Env> {
  const successor = successorOf(key);
  return async (c, next) => {
    const { token, role } = readSession(c);
    let renewed = false;
    const renewal = { token: token ? await successor(token) : '', taken: () => (renewed = true) };
    c.set('who', {
      token,
      role,
      ip: clientAddress(c),
      userAgent: userAgent(c),
      requestId: c.get('requestId') ?? crypto.randomUUID(),
      device: readDevice(c) ?? newToken(),
      place: placeOf(c),
      ...(token && { renewal }),
    });
    c.set('lang', readCookie(c, '__Host-lang') === 'en' ? 'en' : 'fr');
    c.set('theme', readTheme(c));
    await next();
    // a page that signs somebody in or out has said already what the cookie holds
    if (renewed && !setsSession(c)) keepSession(c, renewal.token, role);
  };
}

/** A token for a new session: 256 random bits in base64url, 43 characters. */
export function newToken(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** The token after this one: HMAC-SHA-256, which nobody guesses from the present one without the key. */
function successorOf(key: Uint8Array): (token: string) => Promise<string> {
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  let imported: CryptoKey | undefined;
  return async (token) => {
    // at a request: workerd lets no promise cross from one to another
    imported ??= await crypto.subtle.importKey('raw', new Uint8Array(key), hmac, false, ['sign']);
    const message = new TextEncoder().encode(`session renewal ${token}`);
    return base64url(new Uint8Array(await crypto.subtle.sign('HMAC', imported, message)));
  };
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace('=', '');
}

/**
 * Gives the browser its session. `anon` between the password and the second factor.
 * No Max-Age: the database ends sessions, and a closed browser forgets them.
 */
export function signIn(c: Context<Env>, token: string, role: Who['role']): void {
  keepSession(c, token, role);
  if (role !== 'anon') keepDevice(c);
}

function keepSession(c: Context<Env>, token: string, role: Who['role']): void {
  setCookie(c, 'vs', `${token}.${role}`, { prefix: 'host', path: '/', secure: true, httpOnly: true, sameSite: 'Lax' });
}

/** The browser is known from now on, or will be once its sign-in is released: by a token that the database has taken on. */
export function keepDevice(c: Context<Env>): void {
  if (!c.var.who.device) return;
  setCookie(c, 'device', c.var.who.device, {
    prefix: 'host',
    path: '/',
    secure: true,
    httpOnly: true,
    sameSite: 'Lax',
    maxAge: LONGEST,
  });
}

/** What the sign-in functions want to know of a request (0090_sign_in.sql): JSON. */
export function callerOf({ ip, userAgent, device, place }: Who): string {
  return JSON.stringify({ ip, user_agent: userAgent, device: device ?? null, place: place ?? null });
}

/**
 * Takes the cookie back; `iam.end_session()` is what ends the session. What a browser has kept of pages goes with it, also in
 * those that bring a `no-store` page back by « Retour ». Not `"cookies"`: the browser stays known; not `"storage"`: settings.
 */
export function signOut(c: Context<Env>): void {
  c.header('Clear-Site-Data', '"cache"');
  setCookie(c, 'vs', '', { prefix: 'host', path: '/', secure: true, httpOnly: true, sameSite: 'Lax', maxAge: 0 });
}

/** Remembers language and theme for a year; they say nothing about the person. */
export function keepPreferences(c: Context<Env>, wanted: { lang?: Lang; theme?: Theme }): void {
  for (const name of ['lang', 'theme'] as const) {
    const value = wanted[name];
    if (value)
      setCookie(c, name, value, {
        prefix: 'host',
        path: '/',
        secure: true,
        httpOnly: true,
        sameSite: 'Lax',
        maxAge: YEAR,
      });
  }
}

function readSession(c: Context): Pick<Who, 'token' | 'role'> {
  const [, token, role] = SHAPE.exec(readCookie(c, COOKIE) ?? '') ?? [];
  return token ? { token, role: role as Who['role'] } : { token: null, role: 'anon' }; // SHAPE lists the roles
}

function readDevice(c: Context): string | null {
  const device = readCookie(c, DEVICE);
  return device && /^[A-Za-z0-9_-]{43}$/.test(device) ? device : null;
}

const setsSession = (c: Context): boolean => c.res.headers.getSetCookie().some((line) => line.startsWith(`${COOKIE}=`));

function readTheme(c: Context): Theme {
  const theme = readCookie(c, '__Host-theme');
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

/** A name sent twice is somebody's trick (browsers can't, with this prefix): then there is none. */
function readCookie(c: Context, name: string): string | undefined {
  const pairs = (c.req.header('cookie') ?? '').split(/[;,]/).map((pair) => pair.trim());
  const values = pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
  return values.length === 1 ? values[0] : undefined;
}

/** For the audit log: printable ASCII, 256 characters at most. */
function userAgent(c: Context): string {
  return (c.req.header('user-agent') ?? '').slice(0, 256).replace(/[^\x20-\x7e]/g, '?');
}
