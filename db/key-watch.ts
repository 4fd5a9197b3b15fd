// A server takes a changed key file over by itself: looked at each second, proved against the database before it is used.
import { CommandError } from './command-error.ts';
import { type Keys, readKeys } from './keys.ts';
import { asOwner, checkRing } from './owner.ts';
import { ringNames } from './ring.ts';
import { type Site, withAdmin } from './site.ts';

export type Watch = {
  /** The ring to enter with now. */
  ring: () => string;
  stop(): void;
};

/**
 * Watches the site's key file; `site.keys` is the newest that the database knows. VITAL_KEYS of the environment stays.
 * @param tell one line for the log, which names master keys and quotes none
 */
export function watchKeys(site: Site, tell: (line: string) => void, environment = process.env): Watch {
  let looking = false;
  let refused = '';
  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      const next = readKeys(site.keyFile, environment);
      if (next.ring !== site.keys.ring && next.ring !== refused) await takeOver(next);
      if (next.ring === site.keys.ring && next.signing.text !== site.keys.signing.text) signWith(next);
    } catch (error) {
      complain(error);
    } finally {
      looking = false;
    }
  };
  const takeOver = async (next: Keys) => {
    const answer = await withAdmin(site, (admin) => asOwner(admin, () => checkRing(admin, next)));
    if (answer === 'ok') {
      site.keys = next;
      refused = '';
      tell(`Master keys now: ${ringNames(next.ring).join(', ')}.`);
    } else {
      refused = next.ring;
      tell(`${site.keyFile} was changed: ${answer}. Going on with the keys from before.`);
    }
  };
  // asked of the database when they sign for the first time
  const signWith = (next: Keys) => {
    site.keys = next;
    tell('The log is signed with other keys from now on.');
  };
  let complaint = '';
  const complain = (error: unknown) => {
    // the database is away for a moment, or the file half written by hand: looked at again in a second
    const why = error instanceof CommandError ? error.message : `it can't be used yet (${(error as Error).name})`;
    if (why !== complaint) tell(`${site.keyFile} was changed: ${why} Going on with the keys from before.`);
    complaint = why;
  };
  const timer = environment.VITAL_KEYS ? undefined : setInterval(() => void look(), 1_000).unref();
  return { ring: () => site.keys.ring, stop: () => clearInterval(timer) };
}
