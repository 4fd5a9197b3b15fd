import type { Door } from '../db/batch.ts';
import type { Promises } from '../db/promises/types.ts';
import type { Ring } from '../db/ring.ts';
import type { Logger } from '../edge/logging.ts';
import type { Mailbox } from '../edge/mailbox.ts';
import type { Recorder } from '../edge/refusals.ts';
import type { Assets } from './assets.ts';

/** What an entry (edge/node.ts, deno.ts, worker.ts) brings; the pages know nothing else of where they run. */
export type Services = {
  door: Door;
  /** VITAL_KEYS as it stands in the environment, or where it comes from; SQL reads it, we only hand it on. */
  ring: Ring;
  pepper: { id: string; key: Uint8Array };
  /** The invented practice of the embedded database. */
  demo: boolean;
  /** The attacks of /promises: where the embedded database is, and nowhere else. */
  promises?: Promises;
  /** What the demo's people are sent: shown at /demo/mail where the embedded database is, and nowhere else. */
  mailbox?: Mailbox;
  assets: Assets;
  log: Logger;
  /** Of refused requests; one of its own if an entry has none to share. */
  recorder?: Recorder;
};
