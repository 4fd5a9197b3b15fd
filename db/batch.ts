// The only door to the database: a page is one batch, and a batch is one flush.
//
//   <clean start, read write>  iam.enter(…); audit.open_…(…);  commit
//   <clean start, read only>   iam.enter(…); the reads;        commit
//
// The second transaction sees only what the first one committed, which is promise 4: no plaintext without a committed
// record. Everything is sent without waiting; what came of each transaction is looked at afterwards. A statement that
// follows a failure inside its transaction fails as well, and the next clean start ends whatever was left open.
import type { AnyQuery } from './query.ts';
import { refusedWith, sqlstateOf, toRefusal } from './refusal.ts';
import { type Ring, ringNow } from './ring.ts';
import { type Outcome, type Source, type Statement, send, sendTwice, type Transaction } from './send.ts';

export { Refusal } from './refusal.ts';

export type Role = 'patient' | 'clinician' | 'secretary' | 'org_admin' | 'auditor' | 'dpo' | 'researcher' | 'import';

/** Who is asking. `role` is a hint for which page to ask for: the database decides. */
export type Who = {
  token: string | null;
  role: Role | 'anon';
  ip: string | null;
  userAgent: string | null;
  requestId: string;
  /** What the device cookie holds: it is known to the sign-in functions, and to nobody else. */
  device?: string | null;
  /** Where the request seems to come from, if whatever stands in front knows: `country/city/latitude,longitude`. */
  place?: string | null;
  /** A token for when the present one has served its 15 minutes; `taken` is called when the database has taken it on. */
  renewal?: { token: string; taken(): void };
};

export type Results<Q extends readonly AnyQuery[]> = {
  [I in keyof Q]: Q[I] extends import('kysely').CompiledQuery<infer Row> ? Row[] : never;
};

export type Page<Q extends readonly AnyQuery[]> = {
  /** `select audit.open_…(…) as answer` */
  open: AnyQuery;
  /** The patient that the page shows, if it shows one: the transaction sees no other. */
  focus?: string;
  reads: Q;
};

export type Change<Q extends readonly AnyQuery[]> = Page<Q> & {
  /** Idempotency key: a uuid from the form. A repeated key changes nothing and answers the reads. */
  key: string;
  /** What ops.intend announces, e.g. `notes.sign`. */
  operation: string;
  change: AnyQuery;
};

export interface Door {
  /** A page. Two transactions, one flush. @throws Refusal */
  read<const Q extends readonly AnyQuery[]>(who: Who, page: Page<Q>): Promise<Results<Q>>;
  /** A change: announced, made, read back. Three transactions, one flush. @throws Refusal */
  write<const Q extends readonly AnyQuery[]>(who: Who, change: Change<Q>): Promise<Results<Q>>;
  /**
   * A sign-in function, on the login vs_gate; `record` is asked for when it failed, with the SQLSTATE; that a network is
   * denied is recorded without being asked for. @throws Refusal
   */
  gate<Row>(query: import('kysely').CompiledQuery<Row>, record?: (sqlstate: string) => AnyQuery): Promise<Row[]>;
  close(): Promise<void>;
}

export function createDoor(options: { edge: Source; gate: Source; ring: Ring }): Door {
  const { edge, gate, ring } = options;

  const enter = (who: Who, phase: 'open' | 'read' | 'write', focus?: string): Statement => ({
    sql: 'select iam.enter($1, $2, $3, $4, $5, $6, $7) as answer',
    parameters: [who.token, ringNow(ring), focus ?? null, phase, who.ip, who.userAgent, renewalIn(who, phase)],
  });

  /**
   * A transaction that failed has left nothing behind, so its record gets one of its own: one flush more. What was
   * refused in words is recorded already, by the function that answered; but for a key that stands for something else.
   */
  const recordFailure = async (who: Who, focus: string | undefined, ...outcomes: (Outcome | undefined)[]) => {
    const sqlstate = whatFailed(outcomes);
    if (sqlstate === undefined) return;
    const record = {
      sql: 'select audit.record_refusal($1, $2) as answer',
      parameters: [isUuid(focus) ? focus : null, sqlstate],
    };
    // A database that is gone can't record anything; whoever asked is told what failed, not this.
    await sendTwice(edge, [{ mode: 'write', statements: [enter(who, 'open'), record] }]).catch(() => {});
  };

  return {
    async read(who, { open, focus, reads }) {
      const [opened, shown] = await sendTwice(edge, [
        { mode: 'write', statements: [enter(who, 'open', focus), open] },
        { mode: 'read', statements: [enter(who, 'read', focus), ...reads] },
      ]);
      await recordFailure(who, focus, opened, shown);
      mustBeOpen(opened, who);
      return rowsOf(shown).slice(1) as never;
    },

    async write(who, { open, focus, reads, key, operation, change }) {
      const intend = {
        sql: 'select ops.intend($1, $2, $3) as answer',
        parameters: [key, operation, JSON.stringify(change.parameters)],
      };
      const [opened, changed, shown] = await sendTwice(edge, [
        { mode: 'write', statements: [enter(who, 'open', focus), open, intend] },
        { mode: 'write', statements: [enter(who, 'write', focus), change] },
        { mode: 'read', statements: [enter(who, 'read', focus), ...reads] },
      ]);
      await recordFailure(who, focus, opened, changed, shown);
      mustBeOpen(opened, who);
      // a form that was sent twice, perhaps at the same moment: it has happened, and what it made is read back
      if (sqlstateOf(changed?.failure) !== 'VS208') rowsOf(changed);
      return rowsOf(shown).slice(1) as never;
    },

    async gate(query, record) {
      const statement = (one: Statement): Transaction[] => [{ mode: 'write', statements: [one] }];
      const [outcome] = await send(gate, statement(query)).catch((error) => {
        throw toRefusal(error);
      });
      const sqlstate = whatFailed([outcome]);
      const recordIt = deniedBy(outcome) ?? (sqlstate && record?.(sqlstate));
      if (recordIt) await send(gate, statement(recordIt)).catch(() => {});
      return rowsOf(outcome)[0] as never;
    },

    async close() {
      await Promise.all([edge.close(), gate.close()]);
    },
  };
}

/** Of ops.require_network: which entry it was stands in the error's detail. */
function deniedBy(outcome: Outcome | undefined): Statement | undefined {
  const { code, detail } = (outcome?.failure ?? {}) as { code?: unknown; detail?: unknown };
  if (code !== 'VS471' || typeof detail !== 'string') return undefined;
  return { sql: 'select iam.record_denied($1) as answer', parameters: [detail] };
}

/**
 * The SQLSTATE to record of what failed first, if anything did that isn't recorded otherwise: 08006 for a connection that
 * broke. Not VS208 (it has happened already), nor VS401 and VS471 (nobody is let in, and that is recorded as such).
 */
function whatFailed([opened, ...later]: (Outcome | undefined)[]): string | undefined {
  const refused = opened?.rows.findIndex((_, i) => !isOk(opened, i)) ?? -1;
  if (refused >= 0) return refused === 2 ? 'VS409' : undefined;
  const failures = [opened, ...later].flatMap((o) => (o?.failure === undefined ? [] : [o.failure]));
  return failures
    .map((failure) => sqlstateOf(failure) ?? '08006')
    .find((code) => !['VS208', 'VS401', 'VS471'].includes(code));
}

const renewalIn = (who: Who, phase: string): string | null => (phase === 'open' && who.renewal?.token) || null;

/** iam.enter, the opening and the intent answer with a word, so that a refusal is committed with its record. */
function mustBeOpen(opened: Outcome | undefined, who: Who): void {
  const rows = rowsOf(opened);
  if (answerOf(opened, 0) === 'renewed') who.renewal?.taken();
  for (let i = 0; i < rows.length; i++) if (!isOk(opened, i)) throw refusedWith(answerOf(opened, i));
}

/** First is iam.enter, which may have renewed the token; third the intent, which may have been fulfilled already. */
function isOk(opened: Outcome | undefined, statement: number): boolean {
  const answer = answerOf(opened, statement);
  return answer === 'ok' || (statement === 0 && answer === 'renewed') || (statement === 2 && answer === 'done');
}

function answerOf(outcome: Outcome | undefined, statement: number): string {
  return String(outcome?.rows[statement]?.[0]?.answer);
}

function rowsOf(outcome: Outcome | undefined): Record<string, unknown>[][] {
  if (!outcome || outcome.failure !== undefined) throw toRefusal(outcome?.failure);
  return outcome.rows;
}

const isUuid = (text: string | undefined): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text ?? '');
