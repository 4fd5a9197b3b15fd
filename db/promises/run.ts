// Runs attacks: each on connections of its own, which are rolled back and closed whatever happened.
import pg from 'pg';
import { connect, connectionConfig } from '../connect.ts';
import { endSession, openSession, type Session } from './actors.ts';
import { answerOf, asText, judge, measured } from './answers.ts';
import { findMarker, findRaise } from './source.ts';
import { setStage } from './stage.ts';
import type {
  Actors,
  Answer,
  Attack,
  AttackResult,
  Login,
  PromiseOfOurs,
  Scripted,
  Stage,
  Step,
  StepResult,
  Target,
} from './types.ts';

/** Every attack on these promises, one after the other. */
export async function attack(target: Target, promises: readonly PromiseOfOurs[]): Promise<AttackResult[]> {
  const superuser = await connect(target.superuserUrl);
  const stage = await setStage(superuser, target.ring).finally(() => superuser.end());
  const results: AttackResult[] = [];
  for (const { number, attacks } of promises)
    for (const one of attacks) results.push({ promise: number, ...(await run(target, stage, one)) });
  return results;
}

async function run(target: Target, stage: Stage, one: Attack): Promise<Omit<AttackResult, 'promise'>> {
  const steps = 'measure' in one ? await one.measure(target) : await runSteps(target, stage, one);
  const refusals = steps.filter(({ refused }) => refused !== undefined);
  const outcome = unclear(steps) ? 'unclear' : refusals.every(({ refused }) => refused) ? 'refused' : 'succeeded';
  const { id, title, story, marker } = one;
  const raised = steps.findLast(({ refused, answer }) => refused && answer.kind === 'error' && answer.where)?.answer;
  const refusedBy = (raised?.kind === 'error' && findRaise(raised.where ?? '')) || findMarker(marker);
  const told = steps.map((step) => ({ ...step, decisive: isDecisive(step, outcome) }));
  return { id, title, story, steps: told, outcome, ...(outcome === 'refused' && refusedBy && { refusedBy }) };
}

const isDecisive = ({ refused, deed, answer }: StepResult, outcome: string): boolean =>
  refused !== undefined || deed === true || (outcome === 'unclear' && answer.kind === 'error');

/** A preparation that failed, or nothing that was to be refused: then nothing was shown. */
function unclear(steps: readonly StepResult[]): boolean {
  const attacked = steps.filter(({ refused }) => refused !== undefined);
  const odd = attacked.some(({ refused, answer }) => !refused && answer.kind === 'error');
  const broken = steps.some(({ refused, answer }) => refused === undefined && answer.kind === 'error');
  return attacked.length === 0 || odd || broken;
}

async function runSteps(target: Target, stage: Stage, one: Scripted): Promise<StepResult[]> {
  const wires = new Map<Login, pg.Client>();
  const sessions: Session[] = [];
  try {
    const owner = await open(target, 'owner');
    wires.set('owner', owner);
    const actors: Record<string, Session['actor']> = {};
    for (const name of one.actors) {
      const session = await openSession(owner, stage[name], target.ring);
      sessions.push(session);
      actors[name] = session.actor;
    }
    const results: StepResult[] = [];
    const answers: Answer[] = [];
    for (const step of one.steps(actors as Actors, stage)) {
      const wire = wires.get(step.login) ?? (await open(target, step.login));
      wires.set(step.login, wire);
      const result = await take(wire, step, answers, target);
      answers.push(result.answer);
      results.push(result);
      if (step.control && step.expect && !judge(step.expect, result.answer)) break; // it shows nothing any more
    }
    return results;
  } finally {
    await leaveNothing(target, wires, sessions);
  }
}

async function take(wire: pg.Client, step: Step, earlier: readonly Answer[], target: Target): Promise<StepResult> {
  const { login, as, sql, expect, control, deed, why } = step;
  const bound = (step.values ?? []).map(({ value, secret }) => ({
    value: typeof value === 'string' ? value : value(earlier),
    secret,
  }));
  const values = bound.map(({ value, secret }, i) => `$${i + 1} = ${secret ?? asText(value)}`);
  const parameters = bound.map(({ value }) => value);
  const answer = step.measure
    ? measured(await step.measure(wire, target))
    : await answerOf(wire.query(sql, parameters.length > 0 ? parameters : undefined));
  const met = expect && judge(expect, answer);
  const failedControl = control && met === false;
  const shown: Answer = failedControl
    ? { kind: 'error', sqlstate: '—', message: `expected ${JSON.stringify(expect)}` }
    : answer;
  return {
    login,
    as,
    sql,
    values,
    ...(why && { why }),
    ...(deed && { deed }),
    answer: shown,
    ...(met !== undefined && !control && { refused: met }),
  };
}

async function open(target: Target, login: Login): Promise<pg.Client> {
  const urls: Partial<Record<Login, string>> = {
    edge: target.edgeUrl,
    dba: target.dbaUrl,
    owner: target.adminUrl,
    superuser: target.superuserUrl,
  };
  const client = new pg.Client({
    ...connectionConfig(urls[login] ?? ''),
    statement_timeout: 60_000,
    lock_timeout: 5_000,
  });
  client.on('error', () => {}); // the query that is under way tells
  await client.connect();
  return client;
}

async function leaveNothing(target: Target, wires: Map<Login, pg.Client>, sessions: readonly Session[]): Promise<void> {
  for (const wire of wires.values()) await wire.end().catch(() => {}); // ends whatever transaction was left open
  if (sessions.length === 0) return;
  const edge = await connect(target.edgeUrl);
  for (const session of sessions) await endSession(edge, session, target.ring).catch(() => {}); // it ends by itself in 30 minutes
  await edge.end();
}
