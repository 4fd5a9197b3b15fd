import { type Command, need, print, table } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { connect } from '../connect.ts';
import type { FileResult, ImportResult, Progress } from '../import.ts';
import type { Tallies } from '../import-tally.ts';
import { asOwner, findAccount, findOrganisation, openImportSession } from '../owner.ts';
import { clearToServe } from '../service.ts';
import { type Site, withAdmin, withSite } from '../site.ts';
import { untilInterrupted } from '../terminal.ts';

export const importCommand: Command = {
  name: 'import',
  summary: 'read FHIR R4 bundles into the record',
  usage: 'FILES… --organisation NAME --clinician EMAIL [--json]',
  help: `
Takes Patient, Encounter, Condition, Observation, MedicationRequest and AllergyIntolerance from transaction, collection
and searchset bundles. The patients join the organisation and the clinician's care team. Each file is taken whole or
not at all; what was taken before isn't taken twice. The exit code is 1 when a file failed.

  --organisation  the practice, by its exact name
  --clinician     by the e-mail address
  --json          the result as data, without a progress bar`,
  options: { organisation: { type: 'string' }, clinician: { type: 'string' }, json: { type: 'boolean' } },
  run: async (input) => {
    if (input.words.length === 0) throw new CommandError('Which files? See vitalsync import --help.');
    const organisation = need(importCommand, input, 'organisation');
    const clinician = need(importCommand, input, 'clinician');
    const bar = input.flag('json') || !process.stderr.isTTY ? undefined : progressBar();
    const result = await withSite((site) => importInto(site, input.words, { organisation, clinician, bar }));
    print(input.flag('json') ? result : describe(result));
    return result.files.every((file) => file.outcome === 'taken') ? 0 : 1;
  },
};

type Target = { organisation: string; clinician: string; bar: ((progress: Progress) => void) | undefined };

/** The session of the service account ends with the command, also when it failed. */
async function importInto(
  site: Site,
  files: string[],
  { organisation, clinician, bar }: Target,
): Promise<ImportResult> {
  const { importFiles } = await import('../import.ts'); // half of what the command line would load at each command
  const token = await openSession(site, organisation, clinician);
  const connection = await connect(site.edgeUrl);
  try {
    const options = { connection, token, ring: site.keys.ring, ...(bar && { onProgress: bar }) };
    return await untilInterrupted((signal) => importFiles(files, { ...options, signal }));
  } finally {
    if (bar) process.stderr.write('\r\x1b[K');
    // Where the connection was lost, that is what is told, and the session ends by itself.
    await endSession(connection, token, site.keys.ring).catch(() => {});
    await connection.end();
  }
}

function openSession(site: Site, organisation: string, clinician: string): Promise<string> {
  return withAdmin(site, async (admin) => {
    await clearToServe(site, admin); // this very command may have started the database
    return asOwner(admin, async () => {
      const place = await findOrganisation(admin, organisation);
      if (!place) throw new CommandError(`There is no organisation "${organisation}": give its exact name.`);
      const person = await findAccount(admin, site.keys, clinician);
      if (!person) throw new CommandError(`Nobody signs in as ${clinician}: give the e-mail address of a clinician.`);
      return openImportSession(admin, site.keys, place, person);
    });
  });
}

async function endSession(connection: Awaited<ReturnType<typeof connect>>, token: string, ring: string): Promise<void> {
  await connection.query('rollback; begin isolation level read committed');
  await connection.query('select iam.enter(token => $1, ring => $2)', [token, ring]);
  await connection.query('select iam.end_session()');
  await connection.query('commit');
}

function progressBar(): (progress: Progress) => void {
  let drawn = 0;
  return ({ file, number, files, read, size }) => {
    if (Date.now() - drawn < 50) return;
    drawn = Date.now();
    const share = size > 0 ? (number + read / size) / files : 0;
    const bar = '█'.repeat(Math.floor(share * 30)).padEnd(30, '░');
    const line = `${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${number + 1}/${files}  ${file}`;
    process.stderr.write(`\r\x1b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
  };
}

function describe({ files, types }: ImportResult): string {
  const taken = files.filter((file) => file.outcome === 'taken').length;
  const parts = [
    describeTypes(types),
    files.flatMap(describeFailure).join('\n'),
    `${taken} of ${files.length} files taken.`,
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function describeTypes(types: Tallies): string {
  const rows = Object.entries(types).sort(([, a], [, b]) => b.taken - a.taken);
  if (rows.length === 0) return '';
  const lines = rows.map(([type, { taken, present, left }]) => {
    const reasons = Object.entries(left).map(([why, count]) => `${count} ${why}`);
    const count = Object.values(left).reduce((sum, one) => sum + one, 0);
    return [type, String(taken), String(present), String(count), reasons.join('; ')];
  });
  return table([['type', 'taken', 'there already', 'left', 'why'], ...lines]);
}

function describeFailure(file: FileResult): string[] {
  if (file.outcome === 'taken') return [];
  if (file.outcome === 'stopped') return [`${file.file}: not taken, since the import was stopped`];
  return [`${file.file}: nothing taken: ${file.path ? `${file.path}: ` : ''}${file.why}`];
}
