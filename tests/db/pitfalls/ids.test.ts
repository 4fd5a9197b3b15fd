// Ids as questions: whatever function somebody may call, an id that is hidden and one that isn't there answer alike, to the
// word and the line; and each definer function asks who is there before anything else. From the catalog: a new one joins by itself.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asActor } from '../../support/matrix/actors.ts';
import { announce, type Callable, plausible, readCallable } from '../../support/matrix/arguments.ts';
import { readPlaces } from '../../support/matrix/places.ts';
import { createReaders, type Reader, type Readers } from '../../support/matrix/readers.ts';
import { outcome, type World } from '../../support/world.ts';

let readers: Readers;
let world: World;
let callable: Awaited<ReturnType<typeof readCallable>>;
/** One id of each kind in the other practice, and of the other team: `audit.origins.id` → id. */
let hidden: Map<string, string>;
const isId = /^(?!0{8})[0-9a-f]{8}-(.{4}-){3}.{12}$/;

beforeAll(async () => {
  readers = await createReaders();
  ({ world } = readers);
  callable = await readCallable(readers.root);
  const { stored } = await readPlaces(readers.root, [world.a, world.b]);
  hidden = new Map([['the patient of another team', world.a.theirs]]);
  const known = new Set<string>();
  for (const { relation, row, place } of stored)
    for (const [column, value] of Object.entries(row)) {
      const id = String(value);
      const kind = `${relation.replace(/_\d{4}_\d{2}$/, '')}.${column}`;
      if (place?.organisation !== world.b.organisation || !isId.test(id) || known.has(id) || hidden.has(kind)) continue;
      known.add(id);
      hidden.set(kind, id);
    }
  expect(hidden.size).toBeGreaterThan(20);
});
afterAll(() => readers.close());

const acting = (): Reader[] => readers.acting.filter(({ actor }) => actor.token);

/** Everything that a client is told, of one attempt that is taken back. */
async function told(client: pg.Client, { name, parameters }: Callable, values: unknown[], id: string): Promise<string> {
  const call = `select * from ${name}(${parameters.map(({ type }, i) => `$${i + 1}::${type}`)}) as answer`;
  const savepoint = client.query('savepoint one');
  const asked = client.query(call, values).then(
    ({ rows }) => ({ rows }),
    ({ code, message, detail, hint, where, schema, table, column, constraint }) => ({
      ...{ code, message, detail, hint, where, schema, table, column, constraint },
    }),
  );
  const [, answer] = await Promise.all([savepoint, asked, client.query('rollback to one')]);
  return JSON.stringify(answer).replaceAll(id, 'ID');
}

// Numbers of what the call makes: the client draws them at random, and who knows somebody else's was told by its owner.
const isDrawn = (name: string, parameter: string): boolean =>
  parameter === 'key' || /^audit\.(open_.*\((selection|search)|break_glass\(glass)$/.test(`${name}(${parameter}`);

describe('a function that takes an id', () => {
  test('answers alike for one that is hidden and one that is missing', async () => {
    let compared = 0;
    const differing: string[] = [];
    for (const { actor } of acting())
      for (const one of callable.filter(({ roles }) => roles.includes(actor.role))) {
        const key = randomUUID();
        if (one.operation) await announce(actor, world, key, one.operation);
        const values = one.parameters.map((p) => plausible(world, p, { key }));
        for (const [place, parameter] of one.parameters.entries()) {
          if (parameter.type !== 'uuid' || isDrawn(one.name, parameter.name)) continue;
          // others look after the whole organisation
          const kinds = [...hidden].filter(
            ([kind]) =>
              kind !== 'the patient of another team' || /^(clinician|patient|researcher|import)$/.test(actor.role),
          );
          // the first of a transaction names another place in PL/pgSQL, whatever it is
          const [, missing, ...answers] = await asActor(actor, world.db, () =>
            Promise.all(
              [randomUUID(), randomUUID(), ...kinds.map(([, id]) => id)].map((id) =>
                told(actor.client, one, values.with(place, id), id),
              ),
            ),
          );
          compared += answers.length;
          for (const [i, answer] of answers.entries())
            if (answer !== missing)
              differing.push(
                `${actor.role} ${one.name}(${parameter.name}: ${kinds[i]![0]}): ${answer}, but ${missing}`,
              );
        }
      }
    expect(compared).toBeGreaterThan(300);
    expect(differing).toEqual([]);
  });
});

describe('each definer function asks who is there', () => {
  // words and errors that say nothing else
  const nothing = /^(42501|VS4\d\d|\[\]|\[(null|""|"signed_out"|"hidden"|"forbidden"|\[\]|\{\})\])$/;
  const called = async (reader: Reader, one: Callable, role: string) => {
    const { actor } = reader;
    const values = one.parameters.map((p) => plausible(world, p, { key: randomUUID() }));
    return asActor(actor, world.db, async () => {
      await actor.client.query("select set_config('role', $1, true)", [`vs_${role}`]);
      const call = `select * from ${one.name}(${one.parameters.map(({ type }, i) => `$${i + 1}::${type}`)}) as answer`;
      const rows = await outcome(
        actor.client.query({ text: call, values, rowMode: 'array' }).then((result) => result.rows),
      );
      return typeof rows === 'string' ? rows : JSON.stringify(rows.map((row) => (row.length === 1 ? row[0] : row)));
    });
  };

  test('nobody: a role that was taken on without coming in by the door gets nothing', async () => {
    const edge = readers.acting.find(({ actor }) => actor.role === 'edge')!;
    const got: string[] = [];
    for (const one of callable)
      for (const role of one.roles) {
        const answer = await called(edge, one, role);
        if (!nothing.test(answer) && !(one.name === 'iam.end_session' && answer === '["ok"]'))
          got.push(`${role} ${one.name}: ${answer}`);
      }
    expect(got).toEqual([]);
  });

  test('somebody else: with another role taken on by hand gets nothing of it', async () => {
    const got: string[] = [];
    // what anon may call is for everybody, and oneself is told to whoever asks
    for (const reader of acting())
      for (const one of callable.filter(
        ({ name, roles }) =>
          !/^clinic\.read_me$/.test(name) && !roles.includes('anon') && !roles.includes(reader.actor.role),
      )) {
        const answer = await called(reader, one, one.roles[0]!);
        if (!nothing.test(answer)) got.push(`${reader.actor.role} as ${one.roles[0]} ${one.name}: ${answer}`);
      }
    expect(got).toEqual([]);
  });

  // a refusal is recorded whatever it was
  test('and is given nothing: NULL for every argument gives no row and no consent', async () => {
    const got: string[] = [];
    for (const reader of acting())
      for (const one of callable.filter(
        ({ name, roles, parameters }) =>
          name !== 'audit.record_refusal' && parameters.length > 0 && roles.includes(reader.actor.role),
      )) {
        const call = `select * from ${one.name}(${one.parameters.map(({ type }) => `null::${type}`)}) as answer`;
        const rows = await asActor(reader.actor, world.db, () =>
          outcome(reader.actor.client.query({ text: call, rowMode: 'array' }).then((result) => result.rows)),
        );
        const answer =
          typeof rows === 'string' ? rows : JSON.stringify(rows.map((row) => (row.length === 1 ? row[0] : row)));
        if (!nothing.test(answer) && !/^(22004|22023|23502|23514|\["(too_short|invalid)"\])$/.test(answer))
          got.push(`${reader.actor.role} ${one.name}: ${answer}`);
      }
    expect(got).toEqual([]);
  });
});
