// The raw files of the server under test, as somebody sees them who stole the disk.
import { createReadStream, type Dirent, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../../db/connect.ts';
import type { Needles } from '../../db/existing/needles.ts';
import type { TestDatabase } from './database.ts';

/** Where the server keeps its data, and the text of its log. */
export async function serverFiles(db: TestDatabase): Promise<{ data: string; log(): string }> {
  const client = await connect(db.superuserUrl);
  const { rows } = await client.query("select current_setting('data_directory') as data, pg_current_logfile() as log");
  await client.end();
  const { data, log } = rows[0] as { data: string; log: string | null };
  // without a collector the log stands beside the data directory (.ci/run)
  const file = log ? join(data, log) : join(data, '..', 'log');
  if (!existsSync(file)) throw new Error(`the server's log is not at ${file}: these tests have to read it`);
  return { data, log: () => readFileSync(file, 'utf8') };
}

/** Which of these byte strings stands in which file below `directory`. */
export async function findInFiles(directory: string, needles: Map<string, Buffer>): Promise<string[]> {
  const found: string[] = [];
  const longest = Math.max(...[...needles.values()].map((n) => n.length));
  for (const file of filesBelow(directory)) {
    let rest: Buffer = Buffer.alloc(0);
    try {
      for await (const chunk of createReadStream(file, { highWaterMark: 4 * 1024 * 1024 })) {
        const bytes = Buffer.concat([rest, chunk]);
        for (const [label, needle] of needles) if (bytes.includes(needle)) found.push(`${label} in ${file}`);
        rest = bytes.subarray(-longest);
      }
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return found;
}

function* filesBelow(directory: string): Generator<string> {
  for (const entry of entriesOf(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

/** Other tests drop their databases meanwhile: what is gone holds nothing. */
function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

const isGone = (error: unknown): boolean => (error as { code?: string }).code === 'ENOENT';

/** The same for many needles at once, below a directory of the server's data. */
export async function searchFiles(db: TestDatabase, below: string, needles: Needles): Promise<string[]> {
  const { data } = await serverFiles(db);
  return searchDirectory(join(data, below), needles);
}

export async function searchDirectory(directory: string, needles: Needles): Promise<string[]> {
  const found: string[] = [];
  for (const file of filesBelow(directory)) {
    try {
      // a stream for each of a thousand small files would take longer than reading them
      const labels =
        statSync(file).size < 8 * 1024 * 1024
          ? needles.find(readFileSync(file))
          : await needles.findInPieces(
              createReadStream(file, { highWaterMark: 4 * 1024 * 1024 }) as AsyncIterable<Buffer>,
            );
      for (const label of labels) found.push(`${label} in ${file}`);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return found;
}
