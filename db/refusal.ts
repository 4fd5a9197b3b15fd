// From SQLSTATE to what a page says: the one place.

export type Reason =
  | 'signed_out'
  | 'second_factor'
  | 'step_up'
  | 'hidden'
  | 'forbidden'
  | 'network'
  | 'invalid'
  | 'conflict'
  | 'limited'
  | 'too_many'
  | 'too_short'
  | 'unavailable'
  | 'fault';

const statuses: Record<Reason, number> = {
  signed_out: 401,
  second_factor: 401,
  step_up: 401,
  hidden: 404,
  forbidden: 403,
  network: 403,
  invalid: 422,
  conflict: 409,
  limited: 429,
  too_many: 422,
  too_short: 422,
  unavailable: 503,
  fault: 500,
};

/** Class VS is ours (the migrations raise it); the others are Postgres's own. */
const reasons: Record<string, Reason> = {
  VS401: 'signed_out',
  VS403: 'forbidden',
  VS404: 'hidden',
  VS409: 'conflict',
  VS422: 'invalid',
  VS429: 'limited',
  VS470: 'step_up',
  VS471: 'network',
  VS503: 'unavailable',
  '42501': 'forbidden',
  '22P02': 'invalid',
  '22007': 'invalid',
  '22008': 'invalid',
  '22021': 'invalid',
  '40001': 'unavailable',
  '40P01': 'unavailable',
  '53100': 'unavailable',
  '53300': 'unavailable',
  '55P03': 'unavailable',
  '57014': 'unavailable',
  '57P01': 'unavailable',
  '57P02': 'unavailable',
  '57P03': 'unavailable',
};

/** Lost connections and conflicts after which the same batch may be sent once more (docs/ARCHITECTURE.md, retries). */
// 25P02: the connection was handed over inside a failed transaction, which the commit of this batch has ended now.
// 26000: what was prepared on the connection is gone; it is closed, and the next one prepares anew.
const passing = new Set(['25P02', '26000', '40001', '40P01', '57P01', '57P02', '57P03']);

/** Why a request isn't answered with what was asked for. `details` holds the SQLSTATE, or retry_after in seconds, and nothing personal. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly reason: Reason;
  readonly status: number;
  readonly details: Readonly<Record<string, string>>;

  constructor(reason: Reason, details: Record<string, string> = {}, options?: ErrorOptions) {
    super(reason, options);
    this.reason = reason;
    this.status = statuses[reason];
    this.details = details;
  }
}

/** The word that a function of the database answered instead of `ok`. */
export function refusedWith(answer: string): Refusal {
  return answer in statuses ? new Refusal(answer as Reason) : new Refusal('fault', { answer });
}

/** SQLSTATE of an error that Postgres sent; undefined for a broken connection. */
export function sqlstateOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E') ? code : undefined;
}

export function isPassing(error: unknown): boolean {
  if (error instanceof Refusal) return false;
  const sqlstate = sqlstateOf(error);
  return sqlstate === undefined || sqlstate.startsWith('08') || passing.has(sqlstate);
}

/** The message of Postgres stays inside (`cause`): it may hold SQL. */
export function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const sqlstate = sqlstateOf(error);
  if (sqlstate === undefined) return new Refusal('unavailable', {}, { cause: error });
  return new Refusal(reasons[sqlstate] ?? 'fault', { sqlstate }, { cause: error });
}
