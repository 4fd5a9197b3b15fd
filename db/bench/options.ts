// What a script of this folder is told: numbers, and flags.
import { parseArgs } from 'node:util';
import { CommandError } from '../command-error.ts';

/**
 * `numbers`: each with what it is when nobody says; `valid`: whether they make sense together. Undefined when --help was asked for.
 * @throws CommandError with the help when they don't
 */
export function readOptions<N extends string, F extends string = never>(
  { help, flags = [] }: { help: string; flags?: readonly F[] },
  numbers: Record<N, number>,
  valid: (options: Record<N, number>) => boolean,
): (Record<N, number> & Record<F, boolean>) | undefined {
  const text = Object.keys(numbers).map((name) => [name, { type: 'string' as const }]);
  const flag = [...flags, 'help'].map((name) => [name, { type: 'boolean' as const }]);
  const { values }: { values: Record<string, unknown> } = parseArgs({
    options: Object.fromEntries([...text, ...flag]),
  });
  if (values.help) return undefined;
  // the names of the two lists above
  const read = Object.fromEntries(
    Object.entries(numbers).map(([name, usual]) => [name, Number(values[name] ?? usual)]),
  ) as Record<N, number>;
  if (!valid(read)) throw new CommandError(help);
  return { ...read, ...(Object.fromEntries(flags.map((name) => [name, values[name] === true])) as Record<F, boolean>) };
}
