// Hardening rule 9: what was opened spills nowhere, not into temporary files, nor through a cursor that outlives its
// transaction. Rule 16: two transactions of one simple message share now(), so nothing that carries a value goes that way.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type CompiledQuery, sql } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAccounts } from '../../../app/accounts/queries.ts';
import { readCareTeams } from '../../../app/admin/queries.ts';
import { readEvents } from '../../../app/audit/queries.ts';
import * as auditExport from '../../../app/audit-export/queries.ts';
import * as chart from '../../../app/chart/queries.ts';
import { readSelection } from '../../../app/patients/queries.ts';
import { ownPatient, readAccesses } from '../../../app/record/queries.ts';
import type { Who } from '../../../db/batch.ts';
import { openDoor } from '../../../db/door.ts';
import { k } from '../../../db/query.ts';
import { start } from '../../../db/send.ts';
import type { Person } from '../../support/practice.ts';
import { findInFiles, serverFiles } from '../../support/server-files.ts';
import { openTap } from '../../support/wire-tap.ts';
import {
  connectEdge,
  createWorld,
  importRecord,
  inTransaction,
  openPatient,
  outcome,
  type World,
} from '../../support/world.ts';

let world: World;
let edge: pg.Client;
let patient: string;
const canary = `Kanari${randomUUID().replaceAll('-', '')}`;

beforeAll(async () => {
  world = await createWorld();
  edge = await connectEdge(world.db);
  patient = await importRecord(world.db, world.a, world.a.clinician, { birth_name: canary });
  await openPatient(edge, as(world.a.clinician), patient);
});
afterAll(async () => {
  await edge.end();
  await world.close();
});
const as = ({ token }: Person) => ({ token, ring: world.db.ring });

type Plan = { 'Node Type': string; 'Parent Relationship'?: string; Output?: string[]; Plans?: Plan[] };

/**
 * Nodes that keep rows, on disk when they are many, with what was opened in them. A sort below a limit keeps as many as are
 * shown; names of colleagues are as few as a team has.
 */
function keeping(plan: Plan, parent?: Plan): string[] {
  const keeps =
    /^(Sort|Incremental Sort|Materialize|Hash|Aggregate|HashAggregate|WindowAgg|Unique|SetOp|CTE Scan|Recursive Union)$/;
  const opened = /vault\.open|read_origin|glass_reason/.test((plan.Output ?? []).join());
  const bounded = /Sort$/.test(plan['Node Type']) && parent?.['Node Type'] === 'Limit';
  const own =
    keeps.test(plan['Node Type']) && opened && !bounded ? [`${plan['Node Type']}: ${plan.Output?.join(', ')}`] : [];
  return [...own, ...(plan.Plans ?? []).flatMap((child) => keeping(child, plan))];
}

describe('a temporary file', () => {
  const pages = (): [Person, readonly CompiledQuery<unknown>[]][] => [
    [
      world.a.clinician,
      [
        ...chart.readBanner(patient),
        ...chart.readSummary(patient),
        ...chart.readHistory(patient, 20),
        ...chart.readHistory(patient, 20, new Date()),
        readSelection(randomUUID()),
      ],
    ],
    [
      world.a.patient,
      [
        ...chart.readBanner(ownPatient),
        ...chart.readSummary(ownPatient),
        ...chart.readHistory(ownPatient, 20),
        readAccesses(50),
      ],
    ],
    [
      world.a.auditor,
      [
        readEvents({} as Parameters<typeof readEvents>[0]),
        ...[auditExport.readExport, auditExport.readPeople, auditExport.readPlaces].map((read) =>
          read(randomUUID(), {} as Parameters<typeof read>[1]),
        ),
      ],
    ],
    [world.a.orgAdmin, [readAccounts(), readCareTeams()].flat()],
  ];

  test("takes nothing that was opened: no page's query sorts, hashes or keeps such rows", async () => {
    let plans = 0;
    for (const [person, queries] of pages())
      for (const { sql: text, parameters } of queries) {
        const rows = await inTransaction(edge, as(person), async () => {
          const { rows } = await edge.query(`explain (verbose, format json) ${text}`, [...parameters]);
          return rows as { 'QUERY PLAN': { Plan: Plan }[] }[];
        });
        plans += 1;
        expect([text, keeping(rows[0]!['QUERY PLAN'][0]!.Plan)]).toEqual([text, []]);
      }
    expect(plans).toBeGreaterThan(20);
  });

  test('of a cursor that somebody kept over the end of a transaction is gone with the next clean start, and so is the cursor', async () => {
    const { data } = await serverFiles(world.db);
    const onDisk = () => findInFiles(join(data, 'base', 'pgsql_tmp'), new Map([['plaintext', Buffer.from(canary)]]));
    const kept = 'fetch 1 from kept';
    await edge.query('begin read only');
    await edge.query("select iam.enter($1, $2, $3, 'read')", [world.a.clinician.token, world.db.ring, patient]);
    await edge.query("set local work_mem = '64kB'");
    await edge.query(
      'declare kept cursor with hold for select birth_name, repeat(birth_name, 100) from clinic.patients, generate_series(1, 500)',
    );
    await edge.query('commit');
    // the attack works: plaintext in a file, and for whoever comes next on this connection
    expect(await onDisk()).not.toEqual([]);
    expect((await edge.query(kept)).rows[0].birth_name).toBe(canary);
    await edge.query(start.read);
    expect(await outcome(edge.query(kept))).toBe('34000');
    await edge.query('rollback');
    expect(await onDisk()).toEqual([]);
  });
});

describe('one simple message', () => {
  const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const enter = () => `select iam.enter(${literal(world.a.clinician.token)}, ${literal(world.db.ring)}, null, 'read')`;
  const replay =
    "select set_config('vs.claims', current_setting('test.claims'), true), set_config('vs.keys', current_setting('test.keys'), true), set_config('role', 'vs_clinician', true)";
  const keep =
    "select set_config('test.claims', current_setting('vs.claims'), false), set_config('test.keys', current_setting('vs.keys'), false)";

  test('is where an identity of one transaction is good in the next: it stays the same person, and what was not opened stays closed', async () => {
    const two = (read: string) =>
      outcome(
        edge
          .query(`begin; ${enter()}; ${keep}; commit; begin; ${replay}; ${read}; commit`)
          .then((results) => (results as unknown as pg.QueryResult[]).at(-2)!.rows),
      ).finally(() => edge.query('rollback'));
    expect(await two(`select id from clinic.patient_names where id = '${patient}'`)).toEqual([{ id: patient }]);
    expect(await two('select birth_name from clinic.patients')).toBe('VS428');
    // in a message of its own it is worth nothing
    await edge.query('begin');
    await edge.query(replay);
    expect(await outcome(edge.query('select id from clinic.patients'))).toBe('VS401');
    await edge.query('rollback; reset all');
  });

  test('carries nothing but constants: every value goes by bind, none stands in a text', async () => {
    const tap = await openTap(world.db.edgeUrl);
    const door = openDoor({ edgeUrl: tap.url, gateUrl: world.db.gateUrl, ring: world.db.ring });
    const { token } = world.a.clinician;
    const who: Who = { token, role: 'clinician', ip: '192.0.2.7', userAgent: 'tap', requestId: randomUUID() };
    const key = randomUUID();
    await door.write(who, {
      open: chart.openPatient(patient),
      focus: patient,
      key,
      operation: 'notes.sign',
      change: sql`select clinic.write_note(${key}, ${patient}, ${JSON.stringify({ subjective: canary })})`.compile(k),
      reads: [chart.readNotes(patient, 5)],
    });
    await door.close();
    await tap.close();
    const simple = tap.messages
      .filter(({ type }) => type === 'Q')
      .map(({ body }) => body.toString('utf8').replace('\0', ''));
    expect(new Set(simple)).toEqual(new Set([start.write, start.read, 'commit']));
    const values = [token, world.db.ring, patient, canary, key, '192.0.2.7'];
    const says = (type: string, value: string) => tap.messages.some((m) => m.type === type && m.body.includes(value));
    for (const value of values) {
      expect([value, says('B', value)]).toEqual([value, true]);
      for (const type of ['P', 'Q']) expect([type, value, says(type, value)]).toEqual([type, value, false]);
    }
  });
});
