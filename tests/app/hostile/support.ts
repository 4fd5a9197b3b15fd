// Requests that no browser of ours would send, to the real app on a real Postgres.
import { randomBytes } from 'node:crypto';
import { createApp } from '../../../app/app.tsx';
import { openDoor } from '../../../db/door.ts';
import { asOwner, createAccount } from '../../../db/owner.ts';
import { readAssets } from '../../../edge/assets/files.ts';
import { openLog } from '../../../edge/logging.ts';
import { createRecorder } from '../../../edge/refusals.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { createPractice, type Practice } from '../../support/practice.ts';
import { ORIGIN } from '../support.ts';

export { ORIGIN };
export const email = 'camille@exemple.fr';
export const password = 'corde cheval 4 agrafes';
export const totpSecret = randomBytes(20);

export type Sent = {
  method?: string;
  cookie?: string;
  body?: BodyInit;
  headers?: Record<string, string>;
  address?: string;
  proxied?: boolean;
};
export type RefusalEvent = {
  event: string;
  organisation_id: string;
  resource_type: string;
  resource_id: string;
  actor_id: string | null;
  actor_role: string;
  outcome: string;
  details: { times: number; more?: number };
  /** Whether it says from where. */
  placed: boolean;
};
export type Attacked = {
  db: TestDatabase;
  practice: Practice;
  account: string;
  /** Every page and every form: no guard that stands before them. */
  routes: { method: string; path: string }[];
  lines: string[];
  send(path: string, sent?: Sent): Promise<Response>;
  owner(query: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** What the audit log says of what was refused since this was asked last: every refusal that was told, in events or counted. */
  refused(): Promise<{ counts: Record<string, number>; events: RefusalEvent[] }>;
  close(): Promise<void>;
};

/** `pace`: of what tells the database of refusals; unless said, as fast as it can. */
export async function startAttacked(pace = { burst: 1e6, everyMs: 1, patience: 5000, pause: 5 }): Promise<Attacked> {
  const db = await createDatabase();
  const practice = await createPractice(db);
  const profile = { family_name: 'Roux', given_name: 'Camille' };
  const person = { organisation: practice.organisation, role: 'clinician', email, profile, password, totpSecret };
  const account = await asOwner(db.admin, () => createAccount(db.admin, db.keys, person));
  const seen = new Set<string>();
  const lines: string[] = [];
  const door = openDoor(db);
  const log = await openLog((line) => lines.push(line));
  const recorder = createRecorder({ door, ring: db.ring }, pace);
  const app = createApp({ door, recorder, ring: db.ring, pepper: db.pepper, demo: false, assets: readAssets(), log });
  const works: Promise<void>[] = [];
  const later = (work: Promise<void>) => void works.push(work);
  const owner: Attacked['owner'] = (query, values = []) =>
    asOwner(db.admin, async () => (await db.admin.query(query, values)).rows);
  const known = new Set<string>();
  const routes = app.routes.filter(({ method, path }) => {
    const isNew = !known.has(`${method} ${path}`) && method !== 'ALL' && !path.includes('*');
    known.add(`${method} ${path}`);
    return isNew;
  });
  return {
    db,
    practice,
    account,
    routes,
    lines,
    send: async (path, { method = 'GET', cookie, body, headers = {}, address = '192.0.2.7', proxied = false } = {}) => {
      const all = { ...(cookie && { Cookie: cookie }), ...(body !== undefined && FORM), ...headers };
      const init = { method, body, headers: all, ...(body instanceof ReadableStream && { duplex: 'half' }) };
      return app.request(new Request(`${ORIGIN}${path}`, init), undefined, { address, proxied, later });
    },
    owner,
    refused: async () => {
      await Promise.all(works.splice(0));
      const rows = (await owner(readRefusals)) as (RefusalEvent & { id: string })[];
      const events = rows.filter(({ id }) => !seen.has(id)).map(({ id: _, ...event }) => event);
      for (const { id } of rows) seen.add(id);
      const counted = (await owner(
        'select kind, sum(times)::int as times from ops.unrecorded group by kind',
      )) as Counted[];
      await owner("delete from ops.unrecorded; delete from ops.limits where key like 'refusals/%'");
      return { counts: sumUp(events, counted), events };
    },
    close: () => door.close().then(() => db.close()),
  };
}

type Counted = { kind: string; times: number };
const readRefusals = `
  select id, event, organisation_id, resource_type, resource_id, actor_id, actor_role, outcome, details::json as details, origin_id is not null as placed
  from audit.events where event like 'request.%' order by at`;

function sumUp(events: RefusalEvent[], counted: Counted[]): Record<string, number> {
  const counts: Record<string, number> = {};
  const add = (kind: string, times: number) => (counts[kind] = (counts[kind] ?? 0) + times);
  for (const { event, details } of events) add(event, details.times + (details.more ?? 0));
  for (const { kind, times } of counted) add(kind, times);
  return counts;
}

/** What a form of ours brings. */
const FORM = { Origin: ORIGIN, 'Content-Type': 'application/x-www-form-urlencoded' };

/** A path that the pattern matches. */
export const pathOf = (pattern: string, id = '00000000-0000-4000-8000-000000000000') => pattern.replaceAll(/:\w+/g, id);
export const cookieIn = (answer: Response) =>
  answer.headers
    .getSetCookie()
    .find((line) => line.startsWith('__Host-vs='))
    ?.split(';')[0] ?? '';
export const tokenIn = (cookie: string) => /^__Host-vs=([\w-]{43})\./.exec(cookie)?.[1] ?? '';
export const newToken = () => randomBytes(32).toString('base64url');
export const postsOf = (app: Attacked) => app.routes.filter(({ method }) => method === 'POST');
export const getsOf = (app: Attacked) =>
  app.routes.filter(({ method, path }) => method === 'GET' && !path.startsWith('/static'));

/** What no attack may change. */
export const state = async (app: Attacked) =>
  (
    await app.owner(`select (select count(*) from iam.sessions where revoked_at is null) as live, (select count(*) from store.notes) as notes,
      (select count(*) from iam.accounts) as accounts, (select count(*) from access.memberships where valid_until > now()) as members,
      (select count(*) from iam.totp_factors) + (select count(*) from iam.passkeys) as factors`)
  )[0];
/** Lines of the server's log about errors of ours. */
export const faults = (app: Attacked) =>
  app.lines.map((line) => JSON.parse(line)).filter(({ status, level }) => status === 500 || level === 'ERROR');
