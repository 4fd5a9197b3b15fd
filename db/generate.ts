// Writes db/types.ts and db/schema.sql from a database that the migrations made, or with --check says what differs.
// --from URL takes a migrated database of yours; without it a Postgres of npm's is started for this and thrown away.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type pg from 'pg';
import { connect } from './connect.ts';
import { prepareDirectory } from './embedded/cluster.ts';
import { embeddedLogins, openEmbedded } from './embedded.ts';
import { describeSchema } from './generate/schema.ts';
import { describeTypes } from './generate/types.ts';
import { generateKeys, readKeys } from './keys.ts';
import { migrate } from './migrate.ts';

const { values } = parseArgs({ options: { check: { type: 'boolean' }, from: { type: 'string' } } });
const texts = values.from ? await onDatabase(values.from) : await onFreshDatabase();
const changed = Object.entries(texts).filter(([file, text]) => read(file) !== text);
for (const [file, text] of changed) {
  if (values.check)
    console.error(`${file} isn't what the migrations make: run npm run generate.${firstDifference(read(file), text)}`);
  else writeFileSync(join(import.meta.dirname, file), text);
}
console.log(
  changed.length === 0
    ? 'up to date'
    : changed.map(([file]) => `${values.check ? 'differs' : 'wrote'} db/${file}`).join('\n'),
);
process.exitCode = values.check && changed.length > 0 ? 1 : 0;

async function describe(client: pg.Client): Promise<Record<string, string>> {
  return { 'types.ts': await describeTypes(client), 'schema.sql': await describeSchema(client) };
}

async function onDatabase(url: string): Promise<Record<string, string>> {
  const client = await connect(url);
  try {
    return await describe(client);
  } finally {
    await client.end();
  }
}

async function onFreshDatabase(): Promise<Record<string, string>> {
  const directory = mkdtempSync(join(tmpdir(), 'vitalsync-generate-'));
  prepareDirectory(directory);
  const embedded = await openEmbedded({
    directory,
    passwords: readKeys('', generateKeys(embeddedLogins)).passwords,
    durable: false,
  });
  try {
    const client = await connect(embedded.adminUrl);
    await migrate(client);
    const described = await describe(client);
    await client.end();
    return described;
  } finally {
    await embedded.close();
    rmSync(directory, { recursive: true });
  }
}

function read(file: string): string {
  try {
    return readFileSync(join(import.meta.dirname, file), 'utf8');
  } catch {
    return ''; // not generated yet
  }
}

function firstDifference(before: string, after: string): string {
  const [old, fresh] = [before.split('\n'), after.split('\n')];
  const line = fresh.findIndex((text, i) => text !== old[i]);
  return line < 0 ? '' : `\n  line ${line + 1}\n  - ${old[line] ?? ''}\n  + ${fresh[line]}`;
}
