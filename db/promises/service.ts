// What `vitalsync start` gives its pages, and `vitalsync promises` runs: the attacks on the embedded database, one run
// at a time.
import { Refusal } from '../refusal.ts';
import { type Ring, ringNow } from '../ring.ts';
import type { Site } from '../site.ts';
import { promises } from './promises.ts';
import { attack } from './run.ts';
import type { AttackResult, Promises, Target } from './types.ts';

const WAITING = 4; // runs

/** Nothing for a database that isn't the demo's: these attacks need its superuser, and nobody should start them there. */
export function promisesOf(site: Site, ring: Ring = site.keys.ring): Promises | undefined {
  const { embedded, adminUrl, edgeUrl, dbaUrl } = site;
  if (!embedded) return undefined;
  const superuserUrl = new URL(embedded.superuserUrl);
  superuserUrl.pathname = new URL(adminUrl).pathname;
  return promisesFor({ superuserUrl: superuserUrl.href, adminUrl, edgeUrl, dbaUrl, outside: site }, ring);
}

/** @throws Refusal `limited` when too many wait already: whoever sees the page may push the button */
export function promisesFor(target: Omit<Target, 'ring'>, ring: Ring): Promises {
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  return {
    all: promises,
    async attack(numbers): Promise<AttackResult[]> {
      if (waiting === WAITING) throw new Refusal('limited');
      waiting += 1;
      const chosen = promises.filter(({ number }) => numbers.includes(number));
      const run = last.then(() => attack({ ...target, ring: ringNow(ring) }, chosen)).finally(() => (waiting -= 1));
      last = run.catch(() => {}); // whoever asked for it is told
      return run;
    },
  };
}
