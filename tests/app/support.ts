// The real app on a real Postgres, asked in memory as a browser would.
import { createApp } from '../../app/app.tsx';
import { openDoor } from '../../db/door.ts';
import { readAssets } from '../../edge/assets/files.ts';
import { openLog } from '../../edge/logging.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPractice, type Person, type Practice } from '../support/practice.ts';

export const ORIGIN = 'http://vital.test';

export type Asked = {
  cookie?: string;
  /** A form: makes the request a POST. */
  form?: Record<string, string>;
  /** As htmx asks: for a piece of the page. */
  htmx?: boolean;
  headers?: Record<string, string>;
};
export type Running = {
  db: TestDatabase;
  practice: Practice;
  lines: string[];
  ask(path: string, asked?: Asked): Promise<Response>;
  close(): Promise<void>;
};

export async function startApp(given?: TestDatabase): Promise<Running> {
  const db = given ?? (await createDatabase());
  const practice = await createPractice(db);
  const lines: string[] = [];
  const door = openDoor(db);
  const log = await openLog((line) => lines.push(line));
  const app = createApp({ door, ring: db.ring, pepper: db.pepper, demo: false, assets: readAssets(), log });
  const ask = async (path: string, asked: Asked = {}) =>
    app.request(toRequest(path, asked), undefined, { address: '192.0.2.7' });
  const close = () => door.close().then(() => db.close());
  return { db, practice, lines, ask, close };
}

export function cookieOf(person: Person): string {
  return `__Host-vs=${person.token}.${person.role}`;
}

function toRequest(path: string, { cookie, form, htmx, headers = {} }: Asked): Request {
  const all: Record<string, string> = {
    ...(cookie && { Cookie: cookie }),
    ...(form && { Origin: ORIGIN, 'Content-Type': 'application/x-www-form-urlencoded' }),
    ...(htmx && { 'HX-Request': 'true', 'HX-Request-Type': 'partial' }),
    ...headers,
  };
  const body = form && new URLSearchParams(form).toString();
  return new Request(`${ORIGIN}${path}`, { method: form ? 'POST' : 'GET', headers: all, body });
}
