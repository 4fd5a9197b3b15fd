// An earlier export against the running database.
import type pg from 'pg';
import { headsByLane, readHeadsFile } from './files.ts';
import { keyOf, type Problem } from './problem.ts';

/**
 * Whatever an earlier export ends with must still be in the database: no chain can show by itself that its end was cut
 * off. `dba` reads audit.leaves.
 */
export async function compareWithEarlier(dba: pg.Client, since: string): Promise<Problem[]> {
  const heads = [...headsByLane(readHeadsFile(since)).values()].filter((head) => head.seq > 0);
  const { rows } = await dba.query<{ organisation: string; lane: number; seq: string; hash: string | null }>(
    `select h.organisation, h.lane, h.seq, encode(l.hash, 'hex') as hash
     from unnest($1::uuid[], $2::int[], $3::int8[]) as h (organisation, lane, seq)
     left join audit.leaves l on (l.organisation_id, l.lane, l.seq) = (h.organisation, h.lane, h.seq)`,
    [heads.map((head) => head.organisation), heads.map((head) => head.lane), heads.map((head) => head.seq)],
  );
  const known = new Map(heads.map((head) => [keyOf(head), head.head]));
  return rows.flatMap(({ organisation, lane, seq, hash }) => {
    if (hash === known.get(keyOf({ organisation, lane }))) return [];
    const problem =
      hash === null
        ? `the earlier export goes to ${seq}: the end of the chain was cut off`
        : 'is not the event that the earlier export ends with';
    return [{ organisation, lane, seq: Number(seq), problem }];
  });
}
