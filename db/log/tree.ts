// The Merkle log as the database tells it. Nothing here is believed: merkle.ts verifies what is asked here.
import type pg from 'pg';

/** One generation of the log; the highest one grows. */
export type Generation = { generation: number; origin: string };
/** The size of a generation and its root then, as the database says. */
export type Head = Generation & { size: number; root: Buffer };

/** Every generation, oldest first. */
export async function readGenerations(admin: pg.Client): Promise<Generation[]> {
  const { rows } = await admin.query<Generation>(
    'select generation, origin from audit.log_origins order by generation',
  );
  return rows;
}

export async function readHead(admin: pg.Client, { generation, origin }: Generation): Promise<Head> {
  const { rows } = await admin.query<{ size: string; root: Buffer }>(
    'select size, audit.root(size, $1) as root from audit.log_size($1) as size',
    [generation],
  );
  return { generation, origin, size: Number(rows[0]!.size), root: rows[0]!.root }; // a function gives one row
}

/** The root when the log had this size. */
export async function readRoot(admin: pg.Client, generation: number, size: number): Promise<Buffer> {
  const { rows } = await admin.query<{ root: Buffer }>('select audit.root($1, $2) as root', [size, generation]);
  return rows[0]!.root;
}

export async function readConsistencyProof(
  admin: pg.Client,
  generation: number,
  before: number,
  after: number,
): Promise<Buffer[]> {
  const query = 'select audit.consistency_proof($1, $2, $3) as proof';
  const { rows } = await admin.query<{ proof: Buffer[] }>(query, [before, after, generation]);
  return rows[0]!.proof;
}

export async function readInclusionProof(
  admin: pg.Client,
  generation: number,
  index: number,
  size: number,
): Promise<Buffer[]> {
  const query = 'select audit.inclusion_proof($1, $2, $3) as proof';
  const { rows } = await admin.query<{ proof: Buffer[] }>(query, [index, size, generation]);
  return rows[0]!.proof;
}
