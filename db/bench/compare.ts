// Two sides of one question, measured in turns: what else the machine does meanwhile hits both.
import { type Ask, type Meter, measure, median, type Sample, summarise } from './measure.ts';
import type { PageName } from './pages.ts';
import type { Target } from './target.ts';

export type Way = 'http' | 'postgres';
export type Question = { page: PageName; way: Way; connections: number };
export type Comparison = Question & {
  measured: Sample;
  reference: Sample;
  /** How many times the reference's cost: medians over the rounds. */
  ratio: number;
  /** The same of CPU time, Postgres and Node together, which a busy machine disturbs less. */
  cpuRatio: number | null;
};

type Side = { ask: Ask; close(): void; meter: Meter };

export async function compare(
  question: Question,
  measured: Target,
  reference: Target,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Comparison> {
  const sides = [await open(question, measured), await open(question, reference)] as const;
  const samples: [Sample[], Sample[]] = [[], []];
  try {
    for (const side of sides) await measure(side.ask, question.connections, Math.min(seconds, 0.3), side.meter);
    for (let round = 0; round < rounds; round++)
      for (const i of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const))
        samples[i].push(await measure(sides[i].ask, question.connections, seconds, sides[i].meter));
  } finally {
    for (const side of sides) side.close();
  }
  const perRound = (of: (ours: Sample, theirs: Sample) => number) =>
    median(samples[0].map((ours, round) => of(ours, samples[1][round]!)));
  return {
    ...question,
    measured: summarise(samples[0]),
    reference: summarise(samples[1]),
    ratio: perRound((ours, theirs) => theirs.throughput / ours.throughput),
    cpuRatio: cpu(samples[0][0]!) === null ? null : perRound((ours, theirs) => cpu(ours)! / cpu(theirs)!),
  };
}

/** V8 takes thousands of pages to find the quick way: each server serves every kind before anything counts. */
export async function warmUp(target: Target, pages: readonly PageName[], seconds: number): Promise<void> {
  for (const page of pages) {
    const side = await open({ page, way: 'http', connections: 8 }, target);
    await measure(side.ask, 8, seconds, side.meter);
    side.close();
  }
}

async function open({ page, way, connections }: Question, target: Target): Promise<Side> {
  const opened = way === 'http' ? await target.overHttp(page, connections) : await target.throughDoor(page);
  return { ...opened, meter: () => meterOf(target, way) };
}

/** Without the server there is only Postgres to count. */
async function meterOf(target: Target, way: Way) {
  const { postgres, node } = await target.meter();
  return { postgres, node: way === 'http' ? node : null };
}

function cpu({ postgresCpu, nodeCpu }: Sample): number | null {
  return postgresCpu === null ? null : postgresCpu + (nodeCpu ?? 0);
}
