// What a promise, an attack on it and the answer of Postgres look like. An attack is data: who sends which SQL on which
// login, and what would be a refusal.
import type pg from 'pg';
import type { Site } from '../site.ts';

export type Text = { fr: string; en: string };

/** Where the statement is sent: the logins of docs/dba.md, and the superuser of the embedded Postgres. */
export type Login = 'edge' | 'dba' | 'owner' | 'superuser' | 'app';

/** What must come back for the promise to hold. */
export type Expectation =
  /** an error with this SQLSTATE */
  | { error: string }
  /** no row is given, none is changed */
  | { rows: 0 }
  /** the first row has these values */
  | { first: Record<string, unknown> }
  /** one of the rows has these values */
  | { includes: Record<string, unknown> };

export type Value = {
  /** The bind parameter; it may follow from what an earlier step answered. */
  value: string | ((earlier: readonly Answer[]) => string);
  /** Said in its place: a token and a key aren't shown. */
  secret?: string;
};

export type Step = {
  login: Login;
  /** The role that acts: `vs_clinician` after iam.enter. */
  as: string;
  /** Sent as it stands; with `measure`, what is done instead, in words. */
  sql: string;
  /** Not SQL: something is done on this connection, and gives one row. */
  measure?(wire: pg.Client, target: Target): Promise<Record<string, unknown>>;
  values?: readonly Value[];
  /** Absent: it must work. With `control`, a failure means that the attack showed nothing; else, that it succeeded. */
  expect?: Expectation;
  control?: boolean;
  /** What the attacker does: shown beside what is refused, while preparations wait behind a click. */
  deed?: boolean;
  /** What the reader should know of this step. */
  why?: Text;
};

/** Where the refusal is written: the line of this file that holds this text. */
export type Marker = { file: string; text: string };

export type Person = { role: string; account: string; organisation: string };
export type Actors = Readonly<Record<ActorName, Actor>>;
export type ActorName = 'clinician' | 'secretary';
export type Actor = Person & {
  /** The first statements of a transaction: begin, then iam.enter. */
  enters(phase: 'open' | 'read' | 'write', focus?: string): Step[];
  /** The same on the superuser's connection, inside a transaction that has begun already. */
  entersAsSuperuser(rest?: Pick<Step, 'expect'>): Step;
  asks(sql: string, rest?: Pick<Step, 'expect' | 'control' | 'deed' | 'why' | 'values'>): Step;
};

export type Attack = {
  id: string;
  title: Text;
  /** What the attacker has, and what was done. */
  story: Text;
  marker: Marker;
} & (Scripted | Measured);

export type Scripted = {
  /** Who needs a session for it; each attack gets sessions of its own. */
  actors: readonly ActorName[];
  steps(actors: Actors, stage: Stage): Step[];
};

/** What SQL alone can't show: how often a page waits for Postgres, what stands in app/. */
export type Measured = { measure(target: Target): Promise<StepResult[]> };

export type PromiseOfOurs = { number: number; sentence: Text; attacks: readonly Attack[] };

/** The database that is attacked, and where its checkpoints are kept outside of it. */
export type Target = {
  superuserUrl: string;
  adminUrl: string;
  edgeUrl: string;
  dbaUrl: string;
  ring: string;
  outside: Pick<Site, 'directory' | 'keys'>;
};

/** Who and what is there: found by SQL, in any database with two practices. */
export type Stage = {
  clinician: Person;
  secretary: Person;
  /** Patients of the clinician's care teams, one of a colleague's, one of the other practice. */
  mine: string;
  neighbour: string;
  foreign: string;
  /** A note of `mine`, and one of somebody else. */
  note: string;
  otherNote: string;
  colleague: string;
  /** An event in the middle of a chain of the practice. */
  event: { lane: number; seq: string };
  /** The text of VITAL_KEYS. */
  ring: string;
};

export type Answer =
  | { kind: 'rows'; command: string; count: number; rows: Record<string, string | null>[] }
  | { kind: 'error'; sqlstate: string; message: string; where?: string };

export type StepResult = {
  login: Login;
  as: string;
  sql: string;
  values: readonly string[];
  why?: Text;
  answer: Answer;
  /** Whether this step is one that must be refused, and was; undefined for a preparation. */
  refused?: boolean;
  deed?: boolean;
  /** Shown first: what was done, what was refused, or why nothing can be concluded. */
  decisive?: boolean;
};

export type SourceLine = { file: string; line: number; excerpt: readonly { line: number; text: string }[] };

export type AttackResult = {
  promise: number;
  id: string;
  title: Text;
  story: Text;
  steps: readonly StepResult[];
  /** `unclear`: a preparation failed, or the refusal was another one than expected. */
  outcome: 'refused' | 'succeeded' | 'unclear';
  refusedBy?: SourceLine;
};

/** What the page is given; it exists for the demo alone. */
export type Promises = {
  all: readonly { number: number; sentence: Text }[];
  /** Runs the attacks on these promises, one run at a time. */
  attack(numbers: readonly number[]): Promise<AttackResult[]>;
};
