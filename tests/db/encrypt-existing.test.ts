// `vitalsync encrypt-existing`: supabase/migrations/0280_encrypt_existing.sql. A legacy table of some thousand rows, killed,
// stopped, proven, dropped.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { connect } from '../../db/connect.ts';
import { readMap } from '../../db/existing/map.ts';
import { Needles } from '../../db/existing/needles.ts';
import { asOwner } from '../../db/owner.ts';
import { isOneSentence, type Run, runCommand, startCommand } from '../support/cli.ts';
import {
  canary,
  hostile,
  legacyTable,
  makeLegacyPatients,
  patientCanaries,
  patientsMap,
  writeMap,
} from '../support/legacy.ts';
import { searchFiles } from '../support/server-files.ts';
import { connectEdge, createWorld, look, open, openPatient, outcome, type World } from '../support/world.ts';

// each step is a command of its own
vi.setConfig({ testTimeout: 120_000 });
const ROWS = 800;
let world: World;
let admin: pg.Client;
let root: pg.Client;
let edge: pg.Client;
let directory: string;
let environment: Record<string, string>;
let map: string;
/** The rows before, as text. */
let originals: Record<string, string | null>[];

const vitalsync = (...args: string[]) => runCommand(args, environment);
const seal = (...args: string[]) => vitalsync('encrypt-existing', legacyTable, '--map', map, ...args);
const quoted = pg.escapeIdentifier(hostile);
const texts = `select id, nom, "Prénom ""usuel""" as prenom, naissance::text, sexe::text, "donneesEntretien"::text as json, brut::text,
  solde::text, "vu le"::text as vu, duree::text, note, etiquettes::text, ${quoted} as hostile, actif::text`;
const count = async (query: string): Promise<number> => (await root.query(query)).rows[0].n;

beforeAll(async () => {
  world = await createWorld();
  admin = world.db.admin;
  [root, edge] = await Promise.all([connect(world.db.superuserUrl), connectEdge(world.db)]);
  directory = mkdtempSync(join(tmpdir(), 'vitalsync-existing-'));
  environment = { DATABASE_URL: world.db.adminUrl, VITAL_DIR: directory, ...inject('testServer').keyLines };
  await makeLegacyPatients(admin, ROWS);
  await root.query("set timezone = 'UTC'; set intervalstyle = 'iso_8601'");
  originals = (await root.query(`${texts} from ${legacyTable} order by id`)).rows;
  map = writeMap(directory, patientsMap('Cabinet A', world.a.clinician.email));
});
afterAll(async () => {
  await Promise.all([root.end(), edge.end()]);
  await world.close();
  rmSync(directory, { recursive: true });
});

describe('a map that is wrong', () => {
  const good = { organisation: 'Cabinet A', patient: 'id', columns: { nom: 'identity' }, clear: ['id'] };
  test.each<[string, object | string, RegExp]>([
    ['isn’t JSON', '{\n  "organisation": "A",\n  nom\n}', /line 3, column 3: isn't JSON/],
    ['isn’t whole JSON', '{\n  "organisation": "A"', /line 2, column \d+: isn't JSON/],
    ['has a word of its own', { ...good, tables: 1 }, /line \d+: tables: is nothing that a map says/],
    [
      'names a key that there isn’t',
      { ...good, columns: { nom: 'secret' } },
      /line \d+: columns\.nom: is identity, clinical or profile/,
    ],
    ['is of nobody', { ...good, patient: undefined }, /either patient or account/],
    ['is of both', { ...good, account: 'mail' }, /either patient or account/],
    ['seals nothing', { ...good, columns: {} }, /columns: names at least one/],
    [
      'seals a patient with a profile key',
      { ...good, columns: { nom: 'profile' } },
      /columns\.nom: is sealed with identity or clinical/,
    ],
    ['seals and leaves clear', { ...good, clear: ['nom'] }, /nom: is in columns and in clear/],
    [
      'creates half a patient',
      { ...good, create: { clinician: 'a@b', birth_name: 'nom' } },
      /create\.first_given_name/,
    ],
  ])('%s', (_, content, sentence) => {
    expect(() => readMap(writeMap(directory, content))).toThrow(sentence);
  });

  test('names a column that isn’t there, or forgets one', async () => {
    const base = patientsMap('Cabinet A', world.a.clinician.email);
    const attempt = (changed: object) =>
      vitalsync('encrypt-existing', legacyTable, '--map', writeMap(directory, { ...base, ...changed }));
    const [missing, undecided, nowhere] = await Promise.all([
      attempt({ columns: { ...base.columns, prénom: 'identity' } }),
      attempt({ clear: ['id'] }),
      attempt({ organisation: 'Cabinet C' }),
    ]);
    expect([missing, undecided, nowhere].every(isOneSentence)).toBe(true);
    expect(missing.err).toMatch(/names prénom, and .* has no such column/);
    expect(undecided.err).toMatch(/doesn't say what becomes of actif/);
    expect(nowhere.err).toMatch(/there is no "Cabinet C"/);
  });
});

test('cannot begin while anything else keeps or reads the plaintext, and touches nothing', async () => {
  await admin.query(`
    create index par_nom on ${legacyTable} (lower(nom));
    create view ancien.liste as select id, nom from ${legacyTable};
    create view ancien.tout as select p from ${legacyTable} p;
    alter table ${legacyTable} add column complet text generated always as (nom || '!') stored, add constraint nomme check (nom <> '');
    create statistics ancien.stat on nom, note from ${legacyTable};
    create function ancien.copie() returns trigger language plpgsql as 'begin return new; end';
    create trigger copie before update on ${legacyTable} for each row execute function ancien.copie()`);
  const refused = await vitalsync(
    'encrypt-existing',
    legacyTable,
    '--map',
    writeMap(directory, { ...patientsMap('Cabinet A', world.a.clinician.email), clear: ['id', 'actif', 'complet'] }),
  );
  expect(isOneSentence(refused)).toBe(true);
  for (const word of [
    'index ancien.par_nom',
    'view ancien.liste',
    'view ancien.tout',
    'generated column complet',
    'constraint nomme',
    'statistics stat',
    'trigger copie',
  ])
    expect(refused.err).toContain(word);
  expect(
    await count(
      `select count(*)::int as n from pg_attribute where attrelid = '${legacyTable}'::regclass and attname ~ '^vs_'`,
    ),
  ).toBe(0);
  await admin.query(`drop view ancien.liste, ancien.tout; drop trigger copie on ${legacyTable}; drop statistics ancien.stat;
    drop index ancien.par_nom; alter table ${legacyTable} drop constraint nomme, drop column complet`);
  const strangers = await vitalsync(
    'encrypt-existing',
    legacyTable,
    '--map',
    writeMap(directory, { ...patientsMap('Cabinet A', world.a.clinician.email), create: undefined }),
  );
  expect(strangers.err).toMatch(new RegExp(`${ROWS} values of id lead to no patient of Cabinet A`));
  expect(await count(`select count(*)::int as n from vault.existing_tables`)).toBe(0);
});

test('cannot begin while code of its owner would run with our rights', async () => {
  await admin.query(`
    create function ancien.espion(int) returns boolean immutable language plpgsql as 'begin return true; end';
    create domain ancien.surveille as int check (ancien.espion(value));
    create domain ancien.entier as ancien.surveille;
    alter table ${legacyTable} add constraint garde check (ancien.espion(id)), alter id type ancien.entier;
    create index par_id on ${legacyTable} (ancien.espion(id))`);
  const refused = await seal();
  expect(isOneSentence(refused)).toBe(true);
  for (const word of ['constraint garde', 'constraint surveille_check', 'index ancien.par_id'])
    expect(refused.err).toMatch(
      new RegExp(`${word}[^;]* would run function ancien.espion\\(integer\\) with our rights`),
    );
  await admin.query(`drop index ancien.par_id; alter table ${legacyTable} drop constraint garde, alter id type int;
    drop domain ancien.entier, ancien.surveille; drop function ancien.espion`);
  expect(await count(`select count(*)::int as n from vault.existing_tables`)).toBe(0);
});

const progress = () => count(`select coalesce((select rows_sealed from vault.existing_tables), 0)::int as n`);
const whole = async () => {
  // a row is sealed, or as it was: never half
  const { rows } = await root.query(`
    select count(*)::int as rows, count(*) filter (where vs_id is null and nom is not null)::int as open,
           count(*) filter (where vs_id is not null and nom_sealed is not null and num_nulls(nom, note, "donneesEntretien") = 3)::int as sealed from ${legacyTable}`);
  expect(rows[0]).toEqual({ rows: ROWS, open: ROWS - (await progress()), sealed: await progress() });
};

const inStatistics = () =>
  count(
    `select count(*)::int as n from pg_stats where schemaname = 'ancien' and concat(most_common_vals, histogram_bounds) like '%${patientCanaries.name}%'`,
  );

test('killed in the middle, nothing is lost; nobody writes meanwhile, and a stop is clean', async () => {
  expect(await inStatistics()).toBeGreaterThan(1);
  const killed = startCommand(['encrypt-existing', legacyTable, '--map', map, '--batch', '2'], environment);
  while ((await progress()) === 0) await new Promise((later) => setTimeout(later, 10));
  killed.child.kill('SIGKILL');
  await killed.ended;
  expect(await progress()).toBeLessThan(ROWS);
  await whole();
  // by the old application, by the owner of the table and by a superuser
  for (const write of [
    `update ${legacyTable} set nom = 'x' where id = 1`,
    `insert into ${legacyTable} (id, nom) values (0, 'x')`,
    `delete from ${legacyTable}`,
    `truncate ${legacyTable}`,
  ])
    for (const by of [admin, root]) expect([write, await outcome(by.query(write))]).toEqual([write, 'VS403']);
  await root.query('set session_replication_role = replica');
  expect(await outcome(root.query(`delete from ${legacyTable}`))).toBe('VS403');
  await root.query('reset session_replication_role');

  const before = await progress();
  const stopped = startCommand(['encrypt-existing', legacyTable, '--map', map, '--batch', '2'], environment);
  while ((await progress()) === before) await new Promise((later) => setTimeout(later, 10));
  stopped.child.kill('SIGINT');
  const { code, out } = await stopped.ended;
  expect([code, out]).toEqual([1, expect.stringContaining('Stopped after a batch')]);
  await whole();
  const other = await vitalsync(
    'encrypt-existing',
    legacyTable,
    '--map',
    writeMap(directory, { ...patientsMap('Cabinet A', world.a.clinician.email), view: 'autre' }),
  );
  expect(other.err).toMatch(/begun with another map/);
});

const proofOf = (run: Run): Record<string, string> =>
  Object.fromEntries(JSON.parse(run.out).proof.map((one: { check: string; state: string }) => [one.check, one.state]));

test('goes on to the end and proves that nothing is left, in the raw files too', async () => {
  // the search must be able to find: what isn't sealed yet, and a copy that somebody forgot
  const { rows } = await root.query(
    "select 'base/' || oid as path from pg_database where datname = current_database()",
  );
  const needles = new Needles(Object.entries(patientCanaries).map(([name, text]) => [name, Buffer.from(text)]));
  await root.query(
    `create table ancien.sauvegarde as select id, nom from ${legacyTable} where nom is not null; checkpoint`,
  );
  expect(await searchFiles(world.db, rows[0].path, needles)).not.toEqual([]);
  const done = await seal('--files-proof', world.db.superuserUrl, '--json');
  expect([done.code, done.err.replaceAll(/\d+ % .*\n/g, '').trim()]).toEqual([0, '']);
  expect(proofOf(done)).toMatchObject({
    table: 'ok',
    count: 'ok',
    opens: 'ok',
    copies: 'ok',
    statistics: 'ok',
    'vacuum full': 'ok',
    files: 'ok',
  });
  await whole();
  expect(done.out).toContain("values stand in other tables too, which this map isn't about: ancien.sauvegarde");
  // our own search of what the server keeps for this database
  await root.query('drop table ancien.sauvegarde; checkpoint');
  expect(await inStatistics()).toBe(0);
  expect(await searchFiles(world.db, rows[0].path, needles)).toEqual([]);
  const event = await root.query(
    "select details from audit.events where event = 'existing.encrypt' and outcome = 'success'",
  );
  expect(event.rows[0].details).toMatch(/"step":"proven","rows":800/);
});

test('every value is what it was, NULL and empty apart', async () => {
  const { rows: columns } = await root.query<{ name: string; level: string; sealed: string; type: string }>(
    'select name, level, sealed_name as sealed, type from vault.existing_columns order by position',
  );
  expect(columns.find((one) => one.name === 'solde')?.type).toBe('numeric(12,4)');
  await root.query('set role vs_owner');
  const aliases: Record<string, string> = {
    'Prénom "usuel"': 'prenom',
    donneesEntretien: 'json',
    'vu le': 'vu',
    [hostile]: 'hostile',
  };
  for (const level of ['identity', 'clinical']) {
    const some = columns.filter((one) => one.level === level);
    const { rows } = await root.query<{ id: number; opened: (string | null)[] }>(
      `select id, vault.open_existing($1, '${level}', vs_id, vs_patient, $2, array[${some.map((one) => root.escapeIdentifier(one.sealed)).join(', ')}]) as opened
       from ${legacyTable} order by id`,
      [
        world.db.ring,
        some.map((one) => `${legacyTable}.${/^[a-z]+$/.test(one.name) ? one.name : root.escapeIdentifier(one.name)}`),
      ],
    );
    expect(rows).toHaveLength(ROWS);
    for (const [i, { opened }] of rows.entries())
      expect(opened).toEqual(some.map((one) => originals[i]![aliases[one.name] ?? one.name]));
  }
  await root.query('reset role');
});

test('is read by the care team alone, after a committed opening, with the types that it had', async () => {
  const { rows } = await root.query(
    `select id, vs_patient as patient from ${legacyTable} where id in (600, 601) order by id`,
  );
  const me = { token: world.a.clinician.token, ring: world.db.ring };
  const view = `${texts} from clinic.anciens_patients order by id`;
  expect(await outcome(look(edge, { ...me, focus: rows[0].patient }, view))).toBe('VS428');
  for (const { id, patient } of rows) {
    expect(await openPatient(edge, me, patient)).toBe('ok');
    await edge.query("set timezone = 'UTC'; set intervalstyle = 'iso_8601'");
    const seen = await look(edge, { ...me, focus: patient }, view);
    expect(seen).toEqual([originals[id - 1]]);
    expect(
      (await look(edge, { ...me, focus: patient }, 'select naissance from clinic.anciens_patients'))[0].naissance,
    ).toBeInstanceOf(Date);
  }
  for (const who of [world.a.colleague, world.b.clinician])
    expect(
      await look(edge, { token: who.token, ring: world.db.ring }, 'select id from clinic.anciens_patients'),
    ).toEqual([]);
  for (const who of [world.a.secretary, world.a.orgAdmin, world.a.auditor])
    expect(
      await outcome(look(edge, { token: who.token, ring: world.db.ring }, 'select id from clinic.anciens_patients')),
    ).toBe('42501');
  // a value of another row, by somebody with the files in hand
  await root.query(`alter table ${legacyTable} disable trigger vs_sealed`);
  await root.query(
    `update ${legacyTable} set nom_sealed = (select nom_sealed from ${legacyTable} where id = 601) where id = 600`,
  );
  expect(await outcome(look(edge, { ...me, focus: rows[0].patient }, 'select nom from clinic.anciens_patients'))).toBe(
    'VS500',
  );
});

test('the proof fails where something is wrong', async () => {
  const changed = await seal('--json');
  expect([changed.code, proofOf(changed)]).toEqual([
    1,
    expect.objectContaining({ opens: 'failure', table: 'ok', files: 'unknown' }),
  ]);
  await root.query(`update ${legacyTable} set nom_sealed = null, nom = $1 where id = 600`, [originals[599]!.nom]);
  const reader = await connect(world.db.superuserUrl);
  await reader.query('begin isolation level repeatable read; select 1');
  await root.query(`update ${legacyTable} set nom = nom where id = 600`);
  const left = await seal('--json');
  expect([left.code, proofOf(left)]).toEqual([
    1,
    expect.objectContaining({ table: 'failure', count: 'failure', 'vacuum full': 'failure' }),
  ]);
  await reader.query('rollback');
  await reader.end();
  // sealed anew, as if it had been left
  await root.query(`alter table ${legacyTable} alter vs_id drop not null, alter vs_patient drop not null`);
  await root.query(
    `update ${legacyTable} t set vs_id = null, vs_patient = null, prenom_scelle = null, naissance_sealed = null, naissance = $1,
    nom = nom || '' where id = 600`,
    [originals[599]!.naissance],
  );
  await root.query(`update vault.existing_tables set rows_sealed = rows_sealed - 1`);
  await root.query(
    `update vault.existing_columns c set values_sealed = (select count(*) filter (where j ->> c.sealed_name is not null) from (select to_jsonb(t) j from ${legacyTable} t where id <> 600) x)`,
  );
  await root.query(`alter table ${legacyTable} enable always trigger vs_sealed`);
  const mended = await seal('--json');
  expect([mended.code, proofOf(mended)]).toEqual([
    0,
    expect.objectContaining({ table: 'ok', count: 'ok', opens: 'ok' }),
  ]);
});

test('doctor finds nothing changed by hand', async () => {
  const told = await vitalsync('doctor', '--json');
  const drift = JSON.parse(told.out).findings.filter((one: { check: string }) => one.check === 'drift');
  expect(drift).toEqual([expect.objectContaining({ state: 'ok' })]);
});

test('the old columns go on request alone', async () => {
  const asked = await seal('--drop');
  expect([
    isOneSentence({
      ...asked,
      err: asked.err
        .split('\n')
        .filter((l) => !/%/.test(l))
        .join('\n'),
    }),
    asked.err,
  ]).toEqual([true, expect.stringContaining('say --yes')]);
  const dropped = await seal('--drop', '--yes');
  expect([dropped.code, dropped.out]).toEqual([0, expect.stringContaining('the old columns are gone')]);
  const { rows } = await root.query(
    `select array_agg(attname::text order by attnum) as names from pg_attribute where attrelid = '${legacyTable}'::regclass and attnum > 0 and not attisdropped`,
  );
  expect(rows[0].names.slice(0, 4)).toEqual(['id', 'actif', 'vs_id', 'vs_patient']);
  expect((await seal()).err).toMatch(/there is nothing left to do/);
  const me = { token: world.a.clinician.token, ring: world.db.ring };
  const patient = (await root.query(`select vs_patient as id from ${legacyTable} where id = 7`)).rows[0].id;
  await openPatient(edge, me, patient);
  expect(
    (await look(edge, { ...me, focus: patient }, 'select nom, brut::text from clinic.anciens_patients'))[0],
  ).toEqual({ nom: originals[6]!.nom, brut: originals[6]!.brut });
});

test('interviews find their patients by the same key, and a patient reads their own', async () => {
  const text = canary('Entretien');
  await admin.query(`create table ancien.entretiens (n bigserial primary key, patient_id int, "donneesEntretien" jsonb);
    insert into ancien.entretiens (patient_id, "donneesEntretien") select 1 + i % ${ROWS}, jsonb_build_object('texte', '${text}') from generate_series(1, 3000) i`);
  const file = writeMap(directory, {
    organisation: 'Cabinet A',
    patient: 'patient_id',
    columns: { donneesEntretien: 'clinical' },
    clear: ['n', 'patient_id'],
  });
  await admin.query('insert into ancien.entretiens (patient_id) values (999999)');
  expect((await vitalsync('encrypt-existing', 'ancien.entretiens', '--map', file)).err).toMatch(
    /1 values of patient_id lead to no patient/,
  );
  await admin.query(
    'delete from ancien.entretiens where patient_id = 999999; insert into ancien.entretiens default values',
  );
  expect((await vitalsync('encrypt-existing', 'ancien.entretiens', '--map', file)).err).toMatch(
    /1 rows of ancien.entretiens have no patient_id/,
  );
  await admin.query('delete from ancien.entretiens where patient_id is null');
  expect((await vitalsync('encrypt-existing', 'ancien.entretiens', '--map', file, '--drop', '--yes')).code).toBe(0);
  const patient = (await root.query(`select vs_patient as id from ancien.entretiens where patient_id = 12 limit 1`))
    .rows[0].id;
  expect(patient).toBe((await root.query(`select vs_patient as id from ${legacyTable} where id = 12`)).rows[0].id);
  const me = { token: world.a.clinician.token, ring: world.db.ring };
  await openPatient(edge, me, patient);
  expect(
    await look(
      edge,
      { ...me, focus: patient },
      'select patient_id, "donneesEntretien" from clinic.existing_entretiens',
    ),
  ).toEqual(Array(4).fill({ patient_id: 12, donneesEntretien: { texte: text } }));
});

test('profiles are sealed with their account’s key and open for that person alone', async () => {
  const { clinician, colleague } = world.a;
  await admin.query(
    `create table ancien.users (email text, profil jsonb); insert into ancien.users values ('${clinician.email.toUpperCase()}', '{"tel": "06 12 34 56 78"}'), ('${colleague.email}', '{"tel": "07"}')`,
  );
  const file = writeMap(directory, {
    organisation: 'Cabinet A',
    account: 'email',
    columns: { email: 'profile', profil: 'profile' },
  });
  expect(await vitalsync('encrypt-existing', 'ancien.users', '--map', file)).toMatchObject({ code: 0 });
  const me = { token: clinician.token, ring: world.db.ring };
  await open(edge, me, 'audit.open_home()');
  expect(await look(edge, me, 'select email, profil from clinic.existing_users')).toEqual([
    { email: clinician.email.toUpperCase(), profil: { tel: '06 12 34 56 78' } },
  ]);
  expect(
    await look(
      edge,
      { token: world.b.clinician.token, ring: world.db.ring },
      'select email from clinic.existing_users',
    ),
  ).toEqual([]);
  // somebody who was erased since: nothing of theirs opens, and nothing else is in doubt
  await root.query(
    `set session_replication_role = replica; delete from vault.keys where subject_id = '${colleague.account}'; reset session_replication_role`,
  );
  const again = await vitalsync('encrypt-existing', 'ancien.users', '--map', file);
  expect([again.code, again.out]).toEqual([
    0,
    expect.stringContaining('all 2 sealed values open; 1 rows are of people whose keys were erased'),
  ]);
  const dba = await connect(world.db.dbaUrl);
  expect((await dba.query('select email, length(email_sealed) > 64 as sealed from ancien.users')).rows).toEqual([
    { email: null, sealed: true },
    { email: null, sealed: true },
  ]);
  await dba.end();
  expect(
    await asOwner(
      admin,
      async () => (await admin.query('select count(*)::int as n from audit.verify_all()')).rows[0].n,
    ),
  ).toBe(0);
});
