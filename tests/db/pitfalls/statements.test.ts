// What is prepared on a connection outlives its user: nobody may put a statement of their own in the place of the next one's.
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDoor, type Door, type Who } from '../../../db/batch.ts';
import { connect } from '../../../db/connect.ts';
import { k } from '../../../db/query.ts';
import type { Refusal } from '../../../db/refusal.ts';
import type { Source } from '../../../db/send.ts';
import type { Person } from '../../support/practice.ts';
import { createWorld, type World } from '../../support/world.ts';

let world: World;
let door: Door;
let client: pg.Client;
let opened = 0;

beforeAll(async () => {
  world = await createWorld();
  client = await connect(world.db.edgeUrl);
  // a pool of one: a connection that is broken is replaced
  const one: Source = {
    prepares: true,
    take: async () => ({
      client,
      giveBack: (broken) => {
        if (!broken) return;
        void client.end();
        opened += 1;
        client = undefined as never;
      },
    }),
    close: async () => client.end(),
  };
  const take = one.take;
  one.take = async () => {
    client ??= await connect(world.db.edgeUrl);
    return take();
  };
  door = createDoor({ edge: one, gate: one, ring: world.db.ring });
});
afterAll(async () => {
  await door.close();
  await world.close();
});

const who = ({ token, role }: Person): Who => ({
  token,
  role: role as Who['role'],
  ip: '192.0.2.7',
  userAgent: 'test',
  requestId: randomUUID(),
});
const page = () =>
  door.read(who(world.b.clinician), {
    open: sql<{ answer: string }>`select audit.open_patient(${world.b.mine}) as answer`.compile(k),
    focus: world.b.mine,
    reads: [sql`select birth_name, current_user as acting from clinic.patients`.compile(k)],
  });
/** A whole statement of somebody who acts as a clinician of the other practice, on the same connection. */
const attack = (statement: string) =>
  door
    .read(who(world.a.clinician), {
      open: sql<{ answer: string }>`select 'ok' as answer`.compile(k),
      reads: [sql.raw(statement).compile(k)],
    })
    .then(
      ([rows]) => rows,
      (refusal: Refusal) => refusal.reason,
    );

test('cannot learn the names, nor guess them', async () => {
  const expected = await page();
  const { rows } = await client.query("select set_config('role', 'none', false), current_user");
  expect(rows[0].current_user).toBe('vs_edge');
  expect(await attack('select name, statement from pg_prepared_statements')).toBe('forbidden');
  expect(await attack('select * from pg_prepared_statement()')).toBe('forbidden');
  // as a driver would number them: whichever is found would answer the next user's page with this one's words
  for (const name of ['s', 's0', 's1', 's2', 's3', '0', '1', '2', '-0'])
    await attack(`do $$ begin
      execute 'deallocate "${name}"';
      execute 'prepare "${name}" (text, text, text, text, text, text) as select ''hijacked'' as answer, $1 as token, $2 as ring';
    exception when invalid_sql_statement_name then
      execute 'prepare "${name}" (text, text, text, text, text, text) as select ''hijacked'' as answer, $1 as token, $2 as ring';
    end $$`);
  expect(await page()).toEqual(expected);
});

test('cannot keep the next page from being answered by taking them all away', async () => {
  const expected = await page();
  const before = opened;
  expect(await attack('deallocate all')).not.toBe('forbidden');
  expect(await page()).toEqual(expected);
  expect(opened).toBe(before + 1);
});
