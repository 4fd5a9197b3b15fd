// What the bench prints.
import { cpus, release, type } from 'node:os';
import { table } from '../command.ts';
import type { Comparison } from './compare.ts';
import type { Sample } from './measure.ts';

export type Report = {
  machine: { cpus: number; model: string; system: string; node: string; postgres: string; fsyncMs: number };
  size: { patients: number; notes: number; clinicians: number; seconds: number; rounds: number };
  fill: { seconds: number; rows: number; events: number; bytes: number; bareBytes: number };
  /** All guarantees against bare tables. */
  guarantees: Comparison[];
  /** Every patient against a tenth of them, for a clinician who sees 100. */
  growth: Comparison[];
};

export function machine(postgres: string, fsyncMs: number): Report['machine'] {
  const model = cpus()[0]?.model ?? '';
  return { cpus: cpus().length, model, system: `${type()} ${release()}`, node: process.version, postgres, fsyncMs };
}

export function printed(report: Report): string {
  const { machine, size, fill } = report;
  return [
    `${machine.cpus} × ${machine.model}, ${machine.system}, Node ${machine.node}, Postgres ${machine.postgres}, fsync ${machine.fsyncMs.toFixed(2)} ms`,
    `${size.patients} patients and ${size.notes} notes of ${size.clinicians} clinicians: ${fill.rows} rows sealed, ${fill.events} events chained in ${fill.seconds.toFixed(0)} s; ${megabytes(fill.bytes)}, bare ${megabytes(fill.bareBytes)}`,
    `${size.rounds} rounds of ${size.seconds} s each, medians. Milliseconds; CPU is Postgres + Node for one page.`,
    '',
    'The cost of the guarantees: with all of them | bare tables with none',
    comparisons(report.guarantees),
    '',
    `Growth, for a clinician who sees 100: ${size.patients} patients | ${Math.round(size.patients / 10)}`,
    comparisons(report.growth),
  ].join('\n');
}

export function comparisons(list: readonly Comparison[]): string {
  const head = ['page', 'measured', 'conn', ...sampleHead, '|', ...sampleHead, '|', 'times', 'CPU times', 'errors'];
  const rows = list.map(({ page, way, connections, measured, reference, ratio, cpuRatio }) => [
    page,
    way === 'http' ? 'whole page' : 'Postgres',
    String(connections),
    ...sample(measured),
    '|',
    ...sample(reference),
    '|',
    ratio.toFixed(2),
    cpuRatio?.toFixed(2) ?? '',
    String(measured.errors + reference.errors),
  ]);
  return table([head, ...rows]);
}

const sampleHead = ['/s', 'p50', 'p95', 'CPU'];

function sample({ throughput, p50, p95, postgresCpu, nodeCpu }: Sample): string[] {
  const cpu = [postgresCpu, nodeCpu].filter((part) => part !== null).map((part) => part.toFixed(2));
  return [throughput.toFixed(0), p50.toFixed(1), p95.toFixed(1), cpu.join('+')];
}

const megabytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(0)} MB`;
