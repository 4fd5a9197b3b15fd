import type { ParseArgsOptionsConfig } from 'node:util';
import { parseArgs } from 'node:util';
import { CommandError } from './command-error.ts';

/** One command of `vitalsync`. */
export type Command = {
  /** Its words, as they are typed: `audit verify`. */
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** What follows the name: `DIR [--since OLD]`. */
  usage: string;
  /** The text of --help, after the usage line. */
  help: string;
  options: ParseArgsOptionsConfig;
  /** Gives the exit code; nothing means 0. Throws CommandError for what the user can mend. */
  run(input: Input): Promise<number | undefined>;
};

export type Input = {
  words: string[];
  text(name: string): string | undefined;
  /** Of an option that may come several times. */
  texts(name: string): string[];
  flag(name: string): boolean;
};

/** Reads what stands behind the command's name. */
export function readInput(command: Command, args: readonly string[]): Input {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: command.options, allowPositionals: true });
    return {
      words: positionals,
      text: (name) => (typeof values[name] === 'string' ? values[name] : undefined),
      texts: (name) => [values[name] ?? []].flat().filter((value) => typeof value === 'string'),
      flag: (name) => values[name] === true,
    };
  } catch (error) {
    const sentence = error instanceof Error ? error.message.split('. ')[0] : String(error);
    throw new CommandError(`${sentence}. See vitalsync ${command.name} --help.`);
  }
}

/** What an option must hold. */
export function need(command: Command, input: Input, option: string): string {
  const value = input.text(option);
  if (!value) throw new CommandError(`--${option} is missing. See vitalsync ${command.name} --help.`);
  return value;
}

/** Data for people or, with --json, for programs. */
export function print(value: string | object): void {
  process.stdout.write(typeof value === 'string' ? `${value}\n` : `${JSON.stringify(value, null, 2)}\n`);
}

/** Rows as columns of even width. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>((found, row) => row.map((cell, i) => Math.max(found[i] ?? 0, cell.length)), []);
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
