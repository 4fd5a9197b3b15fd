// `vitalsync`: everything that is done to an installation from a terminal.
import { type Command, print, readInput, table } from './command.ts';
import { CommandError } from './command-error.ts';
import { accountAdd } from './commands/account-add.ts';
import { auditExport } from './commands/audit-export.ts';
import { auditProof } from './commands/audit-proof.ts';
import { auditPrune } from './commands/audit-prune.ts';
import { auditSeal } from './commands/audit-seal.ts';
import { auditVerify } from './commands/audit-verify.ts';
import { bootstrap } from './commands/bootstrap.ts';
import { dbPsql, dbUrl } from './commands/db.ts';
import { deliver } from './commands/deliver.ts';
import { demoCode } from './commands/demo-code.ts';
import { doctor } from './commands/doctor.ts';
import { encryptExisting } from './commands/encrypt-existing.ts';
import { eraseCommand } from './commands/erase.ts';
import { importCommand } from './commands/import.ts';
import { keysAdd } from './commands/keys-add.ts';
import { keysRetire } from './commands/keys-retire.ts';
import { keysRotate } from './commands/keys-rotate.ts';
import { keysSigning } from './commands/keys-signing.ts';
import { keysStatus } from './commands/keys-status.ts';
import { migrateCommand } from './commands/migrate.ts';
import { networks } from './commands/networks.ts';
import { policyWhoCanSee, policyWhy } from './commands/policy.ts';
import { promisesCommand } from './commands/promises.ts';
import { start } from './commands/start.ts';

const commands: readonly Command[] = [
  start,
  migrateCommand,
  bootstrap,
  accountAdd,
  importCommand,
  eraseCommand,
  encryptExisting,
  deliver,
  demoCode,
  promisesCommand,
  policyWhoCanSee,
  policyWhy,
  dbUrl,
  dbPsql,
  auditVerify,
  auditSeal,
  auditExport,
  auditProof,
  auditPrune,
  keysStatus,
  keysAdd,
  keysRotate,
  keysRetire,
  keysSigning,
  networks,
  doctor,
];

/**
 * Runs one command; gives the exit code. Every failure is one sentence on standard error: what a user can mend is
 * a CommandError, and of anything else only the class and the SQLSTATE are told, since a message may quote a value.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await dispatch(args);
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    if (process.env.VITAL_DEBUG) console.error(error);
    return 1;
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const command = commands.find(({ name }) => name.split(' ').every((word, i) => args[i] === word));
  if (!command) return listCommands(args);
  const rest = args.slice(command.name.split(' ').length);
  if (rest.includes('--help') || rest.includes('-h')) {
    print(`vitalsync ${command.name} ${command.usage}\n\n${command.help.trim()}`);
    return 0;
  }
  return (await command.run(readInput(command, rest))) ?? 0;
}

function listCommands(args: readonly string[]): number {
  const asked = args.length === 0 || ['help', '--help', '-h'].includes(args[0] ?? '');
  const within = commands.filter(({ name }) => name.split(' ')[0] === args[0]);
  const shown = within.length > 0 ? within : commands;
  const list = table(shown.map(({ name, summary }) => [`  vitalsync ${name}`, summary]));
  const text = `${list}\n\nvitalsync COMMAND --help tells more. DATABASE_URL chooses another Postgres, VITAL_DIR another directory.`;
  if (asked) print(text);
  else process.stderr.write(`There is no command "${args.join(' ')}".\n\n${text}\n`);
  return asked ? 0 : 1;
}

function explain(error: unknown): string {
  if (error instanceof CommandError) return error.message;
  const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
  // The database's own sentences are written to be read; anything else may quote a value.
  if (error instanceof Error && /^ \(VS\d{3}\)$/.test(code)) return `${error.message}${code}.`;
  if (/3F000|42P01|42883/.test(code))
    return `The database isn't what this version of Vital Sync makes${code}: run vitalsync migrate.`;
  const name = error instanceof Error ? error.name : 'Error';
  return `Something failed that shouldn't: ${name}${code}. VITAL_DEBUG=1 shows where.`;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
