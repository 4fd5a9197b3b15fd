// Measuring: a closed loop of some workers for some seconds, and medians over rounds.

export type Sample = {
  /** Answers in a second. */
  throughput: number;
  /** Milliseconds. */
  p50: number;
  p95: number;
  /** Milliseconds of CPU for one page; null where the system doesn't tell. */
  postgresCpu: number | null;
  nodeCpu: number | null;
  errors: number;
};

/** One page by one worker; true when it was answered well. */
export type Ask = (worker: number) => Promise<boolean>;
/** Microseconds of CPU that were used so far. */
export type Meter = () => Promise<{ postgres: number | null; node: number | null }>;

export async function measure(ask: Ask, workers: number, seconds: number, meter: Meter): Promise<Sample> {
  const before = await meter();
  const start = performance.now();
  const end = start + seconds * 1000;
  const times: number[] = [];
  let errors = 0;
  const work = async (worker: number) => {
    for (let asked = performance.now(); asked < end; ) {
      if (!(await ask(worker))) errors += 1;
      const answered = performance.now();
      times.push(answered - asked);
      asked = answered;
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  const elapsed = (performance.now() - start) / 1000;
  const after = await meter();
  times.sort((a, b) => a - b);
  const each = (from: number | null, to: number | null) =>
    from === null || to === null ? null : (to - from) / 1000 / times.length;
  return {
    throughput: times.length / elapsed,
    p50: quantile(times, 0.5),
    p95: quantile(times, 0.95),
    postgresCpu: each(before.postgres, after.postgres),
    nodeCpu: each(before.node, after.node),
    errors,
  };
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** The median of each figure; errors are added up. */
export function summarise(samples: readonly Sample[]): Sample {
  const of = (pick: (sample: Sample) => number | null): number | null => {
    const values = samples.map(pick).filter((value) => value !== null);
    return values.length > 0 ? median(values) : null;
  };
  return {
    throughput: of((s) => s.throughput) ?? 0,
    p50: of((s) => s.p50) ?? 0,
    p95: of((s) => s.p95) ?? 0,
    postgresCpu: of((s) => s.postgresCpu),
    nodeCpu: of((s) => s.nodeCpu),
    errors: samples.reduce((sum, sample) => sum + sample.errors, 0),
  };
}
