// Requests that the guards refuse become security events (0087_refusals.sql), and cost an attacker more than us.
//
// 1. The answer doesn't wait for it, and a database that is gone changes nothing about it.
// 2. One call at a time, on one of the gate's connections: a network has ten at once and one in 5 s, all have thirty and two
//    a second. What comes meanwhile is counted, and told with the next call of the same network and session cookie.
// 3. After ten seconds of a flood the rest is told in one call, without its place. No refusal is told twice; what an edge
//    that is cut off had counted since is lost, and is in its request log.
// 4. A flood takes no memory: a thousand networks and twenty cookies of each are told apart.

import type { MiddlewareHandler } from 'hono';
import { sql } from 'kysely';
import type { Door, Who } from '../db/batch.ts';
import { k } from '../db/query.ts';
import { type Ring, ringNow } from '../db/ring.ts';
import type { Env } from './session.ts';
import { networkOf } from './turns.ts';

/** The closed list of ops.unrecorded: another site's, a Host that is none, no sound request, a method that isn't used, one thing said twice, too large. */
export type RefusedKind =
  | 'request.forged'
  | 'request.host'
  | 'request.malformed'
  | 'request.method'
  | 'request.polluted'
  | 'request.too_large';

export type Recorder = {
  /** Counts one. Gives the work that telling it is, unless it is under way already; the work never fails. */
  note(who: Who, kind: RefusedKind): Promise<void> | undefined;
};
type Bucket = { left: number; at: number };
type Waiting = { who: Who | null; counts: Map<RefusedKind, number> };
type Network = { bucket: Bucket; waiting: Map<string, Waiting> };

/** Stands before the guards; `c.var.refused` is what they have said. */
export function refusals(recorder: Recorder): MiddlewareHandler<Env> {
  return async (c, next) => {
    await next();
    const kind = c.var.refused;
    const work = kind && recorder.note(c.var.who, kind);
    if (work) c.env?.later?.(work);
  };
}

export function createRecorder(
  { door, ring }: { door: Door; ring: Ring },
  { burst = 10, everyMs = 5_000, patience = 10_000, pause = 250 } = {},
): Recorder {
  const networks = new Map<string, Network>();
  const rest: Waiting = { who: null, counts: new Map() };
  const all: Bucket = { left: 3 * burst, at: Date.now() };
  const hasAll = () => refill(all, 3 * burst, everyMs / 10) >= 1;
  /** One that was cut off, as runtimes may do, ends by itself. */
  let busyUntil = 0;

  const placeOf = (who: Who): Waiting => {
    const name = networkOf(who.ip);
    let network = networks.get(name);
    if (!network && networks.size >= 1000) return rest;
    if (!network) {
      network = { bucket: { left: burst, at: Date.now() }, waiting: new Map() };
      networks.set(name, network);
    }
    const key = who.token && (network.waiting.has(who.token) || network.waiting.size < 20) ? who.token : '';
    let waiting = network.waiting.get(key);
    if (!waiting) {
      waiting = { who: key ? who : { ...who, token: null }, counts: new Map() };
      network.waiting.set(key, waiting);
    }
    return waiting;
  };

  /** What may be told now, its tokens taken. Who was told goes to the end of the line. */
  const next = (): { network: Network; key: string; waiting: Waiting } | undefined => {
    if (!hasAll()) return undefined;
    for (const [name, network] of networks) {
      const [first] = network.waiting;
      if (!first || refill(network.bucket, burst, everyMs) < 1) continue;
      network.bucket.left -= 1;
      all.left -= 1;
      networks.delete(name);
      networks.set(name, network);
      return { network, key: first[0], waiting: first[1] };
    }
    return undefined;
  };

  const tell = async ({ who, counts }: Waiting) => {
    const told = new Map(counts);
    counts.clear();
    await door.gate(recordRefusals(ringNow(ring), who, told)).catch((error) => {
      add(counts, told);
      throw error;
    });
  };

  /** Without places, in one call. */
  const tellRest = async () => {
    for (const [name, network] of networks) {
      for (const { counts } of network.waiting.values()) add(rest.counts, counts);
      network.waiting.clear();
      if (refill(network.bucket, burst, everyMs) >= burst) networks.delete(name);
    }
    if (rest.counts.size > 0) await tell(rest);
  };

  const isWaiting = () => rest.counts.size > 0 || [...networks.values()].some(({ waiting }) => waiting.size > 0);

  const drain = async () => {
    const until = Date.now() + patience;
    const mine = until + 60_000;
    busyUntil = mine;
    try {
      while (isWaiting()) {
        if (Date.now() > until) {
          await tellRest();
          break;
        }
        const due = next();
        if (!due) {
          await after(pause);
          continue;
        }
        await tell(due.waiting);
        if (due.waiting.counts.size === 0) due.network.waiting.delete(due.key);
      }
    } catch {
      // the database is gone, or busy: what was counted waits for the next refusal
    } finally {
      if (busyUntil === mine) busyUntil = 0;
    }
  };

  return {
    note(who, kind) {
      add(placeOf(who).counts, [[kind, 1]]);
      return Date.now() < busyUntil ? undefined : drain();
    },
  };
}

function recordRefusals(ring: string, who: Who | null, counts: Map<RefusedKind, number>) {
  const caller = who && JSON.stringify({ ip: who.ip, user_agent: who.userAgent });
  const told = JSON.stringify(Object.fromEntries(counts));
  return sql<{ answer: 'ok' }>`
    select ops.record_refusals(${ring}, ${who?.token ?? null}, ${caller}::jsonb, ${who?.requestId ?? null}::uuid, ${told}::jsonb) as answer`.compile(
    k,
  );
}

function add(to: Map<RefusedKind, number>, more: Iterable<readonly [RefusedKind, number]>): void {
  for (const [kind, times] of more) to.set(kind, (to.get(kind) ?? 0) + times);
}

/** What is in a bucket now. */
function refill(bucket: Bucket, most: number, everyMs: number): number {
  const now = Date.now();
  bucket.left = Math.min(most, bucket.left + Math.max(0, now - bucket.at) / everyMs);
  bucket.at = now;
  return bucket.left;
}

/** Keeps no process alive. */
const after = (milliseconds: number) =>
  new Promise<void>((resolve) => {
    const timer: unknown = setTimeout(resolve, milliseconds);
    if (timer && typeof timer === 'object' && 'unref' in timer && typeof timer.unref === 'function') timer.unref();
  });
