// Transactions on their way: everything of a batch in one flush, and what came of each of them.
import type pg from 'pg';
import { isPassing, Refusal, sqlstateOf, toRefusal } from './refusal.ts';

/** Where connections come from: a pool, or on workerd a client for this request. */
export type Source = {
  /** May the server keep prepared statements for the next request? */
  readonly prepares: boolean;
  take(): Promise<{ client: pg.Client; giveBack(broken: boolean): void }>;
  close(): Promise<void>;
};

/**
 * Constant text, inside the transaction, so that a pooler can't send it elsewhere (docs/threat-model.md, poisoned
 * settings). `begin; rollback` ends what was left open, and unlike `rollback` alone writes no warning to the server's
 * log where nothing was. `reset all` goes back to what `alter role … set` may have poisoned, so the two settings that could
 * put a token or a key into the server's log are set besides.
 */
const cleanStart = (mode: 'read write' | 'read only') =>
  `begin; rollback; begin isolation level read committed ${mode}; reset all; set local log_parameter_max_length_on_error = 0; ` +
  'set local debug_print_plan = off; set role none; close all; unlisten *; select pg_catalog.pg_advisory_unlock_all()';
export const start = { write: cleanStart('read write'), read: cleanStart('read only') };

export type Statement = { sql: string; parameters: readonly unknown[] };
export type Transaction = { mode: 'read' | 'write'; statements: Statement[] };
export type Outcome = { rows: Record<string, unknown>[][]; failure?: unknown };

/** Once more after a lost connection or a passing conflict: reads may, and a change has its idempotency key. */
export async function sendTwice(source: Source, transactions: Transaction[]): Promise<Outcome[]> {
  try {
    const outcomes = await send(source, transactions);
    const failed = outcomes.find((o) => o.failure !== undefined);
    if (!failed || !isPassing(failed.failure)) return outcomes;
  } catch (error) {
    if (!isPassing(error)) throw toRefusal(error);
  }
  return send(source, transactions).catch((error) => {
    throw toRefusal(error);
  });
}

/** Sends everything in one flush, then looks at what came of each transaction. */
export async function send(source: Source, transactions: Transaction[]): Promise<Outcome[]> {
  const { client, giveBack } = await source.take();
  let broken = true;
  try {
    const stream = streamOf(client);
    stream.cork?.();
    const pending = transactions.map(({ mode, statements }) => [
      client.query(start[mode]),
      ...statements.map((s) => client.query(asConfig(s, source.prepares))),
      client.query('commit'),
    ]);
    process.nextTick(() => stream.uncork?.());
    const settled = await Promise.all(pending.map((queries) => Promise.allSettled(queries)));
    const outcomes = settled.map(toOutcome);
    broken = outcomes.some((o) => o.failure !== undefined && isLost(sqlstateOf(o.failure)));
    return outcomes;
  } finally {
    giveBack(broken);
  }
}

/** The connection, or (26000) the statements that were prepared on it, which somebody deallocated. */
const isLost = (sqlstate: string | undefined): boolean => sqlstate === undefined || sqlstate === '26000';

function toOutcome(settled: PromiseSettledResult<pg.QueryResult>[]): Outcome {
  const failed = settled.find((s) => s.status === 'rejected');
  if (failed) return { rows: [], failure: failed.reason };
  const results = settled.map((s) => (s as PromiseFulfilledResult<pg.QueryResult>).value);
  // the commit of a transaction that failed answers ROLLBACK, without an error
  if (results.at(-1)?.command !== 'COMMIT') return { rows: [], failure: new Refusal('fault', { commit: 'refused' }) };
  return { rows: results.slice(1, -1).map((r) => r.rows) };
}

// One name for each text: the same statement is planned once for each connection. Nobody guesses the names, or whoever
// sends whole statements could put one of their own in the place of the next user's.
const names = new Map<string, string>();
let secret: string | undefined;

function asConfig({ sql, parameters }: Statement, prepares: boolean): pg.QueryConfig {
  const config = { text: sql, values: [...parameters] };
  if (!prepares) return config;
  let name = names.get(sql);
  if (name === undefined && names.size < 1000) {
    secret ??= crypto.randomUUID();
    name = `${secret}-${names.size}`;
    names.set(sql, name);
  }
  return name === undefined ? config : { ...config, name };
}

/** `pg` doesn't type its socket; workerd's has no cork. */
function streamOf(client: pg.Client): { cork?: () => void; uncork?: () => void } {
  return (client as unknown as { connection: { stream: { cork?: () => void; uncork?: () => void } } }).connection
    .stream;
}
