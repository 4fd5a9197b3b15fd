import { type Command, print } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { shownRows } from '../promises/answers.ts';
import { promisesOf } from '../promises/service.ts';
import type { AttackResult, Promises, StepResult } from '../promises/types.ts';
import { clearToServe } from '../service.ts';
import { isEmbedded, withAdmin, withSite } from '../site.ts';

export const promisesCommand: Command = {
  name: 'promises',
  summary: 'attack the demo’s database, and show what refuses',
  usage: '[NUMBER…] [--steps] [--json]',
  help: `
Runs the real attacks on the nine promises, or on those that are named, against the embedded database: a forged identity,
a look that is rolled back, a moved ciphertext, an edited event… Shows the SQL, what Postgres answered, and the line that
refused it. Everything is rolled back; the sessions and openings that it takes are recorded like any other. The exit code
is 1 when an attack succeeded. The page /promises of the demo shows the same.

  --steps  every statement, not only the one that must be refused
  --json   everything, as data`,
  options: { steps: { type: 'boolean' }, json: { type: 'boolean' } },
  run: async (input) => {
    if (!isEmbedded())
      throw new CommandError('The attacks are for the demo, whose superuser they need: run this without DATABASE_URL.');
    return withSite(async (site) => {
      await withAdmin(site, (admin) => clearToServe(site, admin)); // this very command may have started the database
      const promises = promisesOf(site);
      if (!promises) throw new CommandError('There is no demo here.');
      const numbers = readNumbers(input.words, promises.all.length);
      return report(promises, numbers, { steps: input.flag('steps'), json: input.flag('json') });
    });
  },
};

/** Attacks, and prints as it goes; gives the exit code. */
export async function report(promises: Promises, numbers: readonly number[], { steps = false, json = false } = {}) {
  const results: AttackResult[] = [];
  for (const number of numbers) {
    const these = await promises.attack([number]);
    if (!json) print(describe(promises, number, these, steps));
    results.push(...these);
  }
  const held = results.every(({ outcome }) => outcome === 'refused');
  print(json ? { held, attacks: results } : summary(results));
  return held ? 0 : 1;
}

function readNumbers(words: readonly string[], count: number): number[] {
  if (words.length === 0) return Array.from({ length: count }, (_, i) => i + 1);
  const numbers = words.map(Number);
  if (numbers.some((n) => !(Number.isInteger(n) && n >= 1 && n <= count)))
    throw new CommandError(`Promises have the numbers 1 to ${count}.`);
  return numbers;
}

function describe(promises: Promises, number: number, results: readonly AttackResult[], all: boolean): string {
  const sentence = promises.all.find((promise) => promise.number === number)?.sentence.en ?? '';
  return [`${number}. ${sentence}`, ...results.map((result) => describeAttack(result, all)), ''].join('\n');
}

const words = { refused: 'refused  ', succeeded: 'SUCCEEDED', unclear: 'UNCLEAR  ' };

function describeAttack({ title, outcome, steps, refusedBy }: AttackResult, all: boolean): string {
  const shown = steps.filter((step) => all || step.decisive);
  const by = refusedBy ? [`     by ${refusedBy.file}:${refusedBy.line}`] : [];
  return [`   ${words[outcome]}  ${title.en}`, ...shown.map(describeStep), ...by].join('\n');
}

function describeStep({ as, sql, answer }: StepResult): string {
  const text = sql.replace(/\s+/g, ' ');
  return `     ${as}> ${text.length > 200 ? `${text.slice(0, 200)}…` : text}\n       ${describeAnswer(answer)}`;
}

function describeAnswer(answer: StepResult['answer']): string {
  if (answer.kind === 'error') return `${answer.sqlstate} ${answer.message}`;
  if (answer.rows.length === 0) return `${answer.command} ${answer.count}`;
  const { rows, left } = shownRows(answer);
  const lines = rows.map((row) =>
    Object.entries(row)
      .map(([name, value]) => `${name}: ${value ?? 'null'}`)
      .join(', '),
  );
  return [...lines, ...(left > 0 ? [`… and ${left} more`] : [])].join('\n       ');
}

function summary(results: readonly AttackResult[]): string {
  const held = results.filter(({ outcome }) => outcome === 'refused').length;
  return held === results.length
    ? `${held} attacks, all refused.`
    : `${results.length} attacks, ${results.length - held} NOT refused.`;
}
