// `vitalsync encrypt-existing` of a table that still has somebody who was erased.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runCommand } from '../support/cli.ts';
import { writeMap } from '../support/legacy.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
let directory: string;
let environment: Record<string, string>;
const vitalsync = (...args: string[]) => runCommand(args, environment);

beforeAll(async () => {
  world = await createWorld();
  directory = mkdtempSync(join(tmpdir(), 'vitalsync-erased-'));
  environment = { DATABASE_URL: world.db.adminUrl, VITAL_DIR: directory, ...inject('testServer').keyLines };
});
afterAll(async () => {
  await world.close();
  rmSync(directory, { recursive: true });
});

test('takes nobody in again who was erased, says so before anything is changed, and goes on without them', async () => {
  const { admin } = world.db;
  await admin.query('create schema legacy');
  for (const table of ['legacy.before', 'legacy.after'])
    await admin.query(`create table ${table} as select 7 as id, 'Petit'::text as name, 'Luc'::text as given`);
  const map = writeMap(directory, {
    organisation: 'Cabinet A',
    patient: 'id',
    create: {
      clinician: world.a.clinician.email,
      birth_name: 'name',
      first_given_name: 'given',
      birth_date: { value: '1958-03-12' },
      sex: { value: 'male' },
    },
    columns: { name: 'identity', given: 'identity' },
    clear: ['id'],
  });
  expect((await vitalsync('encrypt-existing', 'legacy.before', '--map', map)).err).toBe('');
  const { rows } = await admin.query('select vs_patient from legacy.before');
  const erased = await vitalsync('erase', rows[0].vs_patient, '--ground', 'unlawful_processing', '--yes');
  expect(erased.err).toBe('');
  const refused = await vitalsync('encrypt-existing', 'legacy.after', '--map', map);
  expect(refused.err).toContain(
    '1 values of id are of people who were erased (vitalsync erase --list): delete these rows',
  );
  await admin.query('update legacy.after set id = 8');
  expect((await vitalsync('encrypt-existing', 'legacy.after', '--map', map)).err).toBe('');
});
