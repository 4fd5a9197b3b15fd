// Promise: with a correct password and no second factor, no page, fragment or form gives anything personal. Every route that
// the app has is asked, by the session of each role after its password: a new one is asked without being listed here.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../app/app.tsx';
import { openDoor } from '../../db/door.ts';
import { asOwner } from '../../db/owner.ts';
import { readAssets } from '../../edge/assets/files.ts';
import { openLog } from '../../edge/logging.ts';
import { liveIn } from '../support/matrix/lived-in.ts';
import { afterPassword, foundIn, plant } from '../support/one-factor.ts';
import { openSession, type Person } from '../support/practice.ts';
import { connectEdge, createWorld, type World } from '../support/world.ts';

const ORIGIN = 'http://vital.test';

let world: World;
let people: Person[];
let app: ReturnType<typeof createApp>;
let routes: { method: string; path: string }[];
/** Ids of all kinds, for the parameters of paths. */
let ids: string[];
let close: () => Promise<void>;

beforeAll(async () => {
  world = await createWorld();
  const { db, a } = world;
  const edge = await connectEdge(db);
  await liveIn(world, edge);
  await edge.end();
  people = [a.clinician, a.secretary, a.orgAdmin, a.auditor, a.dpo, a.researcher, a.patient];
  await plant(db, people);
  const door = openDoor(db);
  const log = await openLog(() => {});
  app = createApp({ door, ring: db.ring, pepper: db.pepper, demo: false, assets: readAssets(), log });
  routes = routesOf(app);
  ids = await readIds();
  close = () => door.close().then(() => db.close());
}, 60_000);
afterAll(() => close());

/** Once each: guards are routes as well, of every path. */
function routesOf({ routes }: typeof app) {
  const all = routes.filter(({ method, path }) => method !== 'ALL' && !path.endsWith('*'));
  return [...new Map(all.map(({ method, path }) => [`${method} ${path}`, { method, path }])).values()];
}

async function readIds(): Promise<string[]> {
  const { db, a } = world;
  const { rows } = await asOwner(db.admin, () =>
    db.admin.query<{ id: string }>('select id from iam.sign_ins where account_id = $1 limit 1', [a.clinician.account]),
  );
  return [a.mine, a.colleague.account, rows[0]!.id];
}

/** A path for each id; one without parameters is itself. */
const pathsOf = (path: string): string[] =>
  path.includes(':') ? ids.map((id) => path.replace(/:\w+(\{[^}]*\})?/g, id)) : [path];

/** A bit of everything that forms of ours hold. */
const form = () =>
  new URLSearchParams({
    ...{
      key: randomUUID(),
      patient: ids[0]!,
      account: ids[1]!,
      code: '000000',
      method: 'totp',
      term: 'nom cab',
      q: 'nom',
    },
    ...{
      name: 'x',
      birth_date: '1950-01-01',
      subjective: 'x',
      author: ids[1]!,
      search: randomUUID(),
      return: '/record',
    },
  });

let addresses = 0;
/** Of a network of its own each time: a refusal for having asked too often would prove nothing. */
const anotherAddress = () => `2001:db8:${(addresses++).toString(16)}::1`;

type Answer = { route: string; status: number; found: string[] };

type Way = 'page' | 'fragment' | 'form';

/** Each route with a session of its own: one of them signs out. */
async function walk(person: Person, newSession: () => Promise<string>, ways: readonly Way[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const { method, path } of routes) {
    const asked = ways.filter((way) => (way === 'form') === (method !== 'GET'));
    const token = asked.length > 0 ? await newSession() : '';
    for (const there of pathsOf(path))
      for (const way of asked) {
        const htmx = { 'HX-Request': 'true', 'HX-Request-Type': 'partial' };
        const cookie = `__Host-vs=${token}.${person.role}`;
        const headers = { Origin: ORIGIN, Cookie: cookie, ...(way === 'fragment' && htmx) };
        const init = { method, headers, ...(way === 'form' && { body: form() }) };
        const answer = await app.request(new Request(ORIGIN + there, init), undefined, { address: anotherAddress() });
        const said = `${await answer.text()} ${[...answer.headers].join(' ')}`;
        answers.push({ route: `${method} ${path}`, status: answer.status, found: foundIn(said) });
      }
  }
  return answers;
}

const leaks = (answers: Answer[]): string[] => [
  ...new Set(
    answers.filter(({ found }) => found.length > 0).map(({ route, found }) => `${route}: ${found.join(', ')}`),
  ),
];

// What tells nobody anything: signing in and what leads there. Whatever else answers 200 to one factor is looked at first.
const open =
  /^(GET|POST) \/(health|static|preferences|session\/ended|sign-in|sign-ins|sign-out|step-up|enrol|passkeys|invitations|register|recover)(\/|$)/;

const all = ['page', 'fragment', 'form'] as const;
const pages = ['page', 'fragment'] as const;

describe('with a password and no second factor', () => {
  test.each([0, 1, 2, 3, 4, 5, 6])(
    'no route says anything personal, nor breaks: person %i',
    async (n) => {
      const person = people[n]!;
      // who has a record, who opens records, and who looks after accounts: forms as well, of which some take their time
      const ways = [world.a.clinician, world.a.orgAdmin, world.a.patient].includes(person) ? all : pages;
      const answers = await walk(person, () => afterPassword(world.db, person), ways);
      expect(leaks(answers)).toEqual([]);
      expect(answers.filter(({ status }) => status >= 500 || status === 429)).toEqual([]);
      expect(answers.filter(({ route, status }) => status === 200 && !open.test(route))).toEqual([]);
    },
    60_000,
  );
});

test('is looked for where it can be found: with two factors there is plenty', async () => {
  const { clinician } = world.a;
  const newSession = () => asOwner(world.db.admin, () => openSession(world.db, clinician.account));
  expect(leaks(await walk(clinician, newSession, pages)).length).toBeGreaterThan(5);
});
