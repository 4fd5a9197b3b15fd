// A plan holds the values that were folded into it, and any user may have plans printed to the log (and to the
// client): the functions that handle keys pin debug_print_plan. Migrations 0030_vault, 0050_sessions.
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPractice, type Practice } from '../support/practice.ts';

let db: TestDatabase;
let practice: Practice;
beforeAll(async () => {
  db = await createDatabase();
  practice = await createPractice(db);
});
afterAll(() => db.close());

/** As a plan prints the bytes of a constant: signed decimals. */
const asPrinted = (bytes: Uint8Array) => [...bytes].map((byte) => (byte > 127 ? byte - 256 : byte)).join(' ');

test('cannot have the session secret or the key ring printed with a plan', async () => {
  const { rows } = await asOwner(db.admin, () =>
    db.admin.query("select value from vault.secrets where name = 'session'"),
  );
  const secrets = [rows[0].value.subarray(0, 12), new TextEncoder().encode(db.ring).subarray(8, 24)].map(asPrinted);
  // a connection of its own: plans are made at the first call
  const client = new pg.Client(db.edgeUrl);
  const printed: string[] = [];
  client.on('notice', (notice) => printed.push(`${notice.message} ${notice.detail}`));
  await client.connect();
  try {
    await client.query('begin');
    await client.query('select iam.enter($1, $2)', [practice.clinician.token, db.ring]);
    await client.query(
      "select set_config('client_min_messages', 'log', true), set_config('debug_print_plan', 'on', true)",
    );
    await client.query('select audit.open_patient_list($1)', [crypto.randomUUID()]);
    await client.query('select count(*) from clinic.patient_names');
    await client.query('select * from clinic.me');
    await client.query('commit');
  } finally {
    await client.end();
  }
  const text = printed.join('\n').replaceAll(/\s+/g, ' ');
  expect(text).toContain(':planTree'); // the attacker's own statements are printed
  for (const secret of secrets) expect(text).not.toContain(secret);
});
