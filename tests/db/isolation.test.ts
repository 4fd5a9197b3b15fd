// Promise 1: no row without permission, and two practices never see each other; facts.md, pitfalls of row-level security.
// Who gets what of each table is tried in matrix.test.ts; here is what people get to see, and to guess.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import type { Person } from '../support/practice.ts';
import {
  clinicalTables,
  connectEdge,
  createWorld,
  type Entry,
  type House,
  inTransaction,
  look,
  open,
  openPatient,
  outcome,
  type World,
} from '../support/world.ts';

const people = ['patient', 'clinician', 'colleague', 'secretary', 'orgAdmin', 'auditor', 'dpo', 'researcher'] as const;

let world: World;
let edge: pg.Client;
let relations: string[];
let secretIds: string[];

beforeAll(async () => {
  world = await createWorld();
  edge = await connectEdge(world.db);
  const found =
    await world.db.admin.query(`select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('iam', 'access', 'vault', 'audit', 'store', 'clinic', 'privacy', 'ops') and c.relkind in ('r', 'p', 'v', 'm', 'S') order by 1`);
  relations = found.rows.map((r) => r.name);
  expect(relations.length).toBeGreaterThan(30);
  // somebody works on A's records, so that there is something to see in its log
  await openPatient(edge, entry(world.a.clinician), world.a.mine);
  await openPatient(edge, entry(world.b.clinician), world.b.mine);
  await openPatient(edge, entry(world.b.patient), world.b.mine);
  secretIds = [world.a.organisation, world.a.mine, world.a.theirs, ...people.map((p) => world.a[p].account)];
});
afterAll(async () => {
  await edge.end();
  await world.close();
});

const entry = (person: Person, rest: Partial<Entry> = {}): Entry => ({
  token: person.token,
  ring: world.db.ring,
  ...rest,
});
/** Everything a relation shows to somebody, as text; or the SQLSTATE. */
const all = (person: Person, relation: string, rest: Partial<Entry> = {}) =>
  outcome(
    look(edge, entry(person, rest), `select coalesce(string_agg(t::text, '|'), '') as text from ${relation} t`).then(
      (rows) => rows[0].text as string,
    ),
  );

describe.each(people)('a %s of the other practice', (person) => {
  test('sees nothing of this one in any table or view', async () => {
    for (const relation of relations) {
      const text = await all(world.b[person], relation);
      if (/^(42501|VS\d{3})$/.test(text)) continue;
      for (const id of [...secretIds, 'Cabinet A']) expect(`${relation}: ${text}`).not.toContain(id);
    }
  });
});

describe.each(people)('a %s of the other practice', (person) => {
  test('cannot open, list, find or read the records of this one', async () => {
    const me = entry(world.b[person]);
    expect(await openPatient(edge, me, world.a.mine)).toBe('hidden');
    const selection = randomUUID();
    expect(await open(edge, me, 'audit.open_patient_search($1, $2, $3)', [selection, 'Nom Cabinet', ''])).toMatch(
      /^(ok|forbidden)$/,
    );
    const seen = await outcome(look(edge, me, 'select audit.selected($1) as ids', [selection]));
    if (typeof seen === 'object') for (const id of seen[0].ids) expect([world.b.mine, world.b.theirs]).toContain(id);
    const focused = await outcome(
      look(edge, { ...me, focus: world.a.mine }, 'select id from clinic.patients where id = $1', [world.a.mine]),
    );
    expect(['42501', []]).toContainEqual(focused);
  });

  test('learns no name of this one', async () => {
    for (const someone of people) {
      const result = await outcome(
        look(edge, entry(world.b[person]), 'select iam.person_name($1) as name', [world.a[someone].account]),
      );
      expect(result === '42501' || (result as { name: null }[])[0]!.name === null).toBe(true);
    }
  });
});

describe('within one practice', () => {
  test('a clinician sees the patients of the care team and no other', async () => {
    for (const relation of ['clinic.patients', ...clinicalTables.map((t) => `clinic.${t}`)]) {
      const text = await all(world.a.clinician, relation, { focus: world.a.theirs });
      expect([relation, text]).toEqual([relation, '']);
    }
    expect(await openPatient(edge, entry(world.a.clinician), world.a.theirs)).toBe('hidden');
  });

  test('a secretary opens identity, and no clinical row at all', async () => {
    const me = entry(world.a.secretary);
    expect(await openPatient(edge, me, world.a.mine)).toBe('ok');
    expect(
      await look(edge, { ...me, focus: world.a.mine }, 'select birth_name from clinic.patients where id = $1', [
        world.a.mine,
      ]),
    ).toEqual([{ birth_name: 'Nom Cabinet A' }]);
    for (const table of [...clinicalTables, 'allergy_status'])
      expect(await all(world.a.secretary, `clinic.${table}`)).toBe('42501');
  });

  test.each(['orgAdmin', 'auditor', 'dpo', 'researcher'] as const)(
    "a %s opens neither identity nor anything clinical, nor learns a patient's name",
    async (person) => {
      expect(await openPatient(edge, entry(world.a[person]), world.a.mine)).toBe('hidden');
      for (const view of ['patients', 'patient_names', ...clinicalTables])
        expect(await all(world.a[person], `clinic.${view}`)).toBe('42501');
      const name = await outcome(
        look(edge, entry(world.a[person]), 'select iam.person_name($1) as name', [world.a.patient.account]),
      );
      expect(name === '42501' || (name as { name: null }[])[0]!.name === null).toBe(true);
    },
  );

  test("a patient sees one record, one's own", async () => {
    const me = entry(world.a.patient);
    expect(await open(edge, me, 'audit.open_own_record()')).toBe('ok');
    expect(await look(edge, me, 'select id from clinic.patients')).toEqual([{ id: world.a.mine }]);
    expect(await openPatient(edge, me, world.a.theirs)).toBe('hidden');
    const accesses = await look(edge, me, 'select actor_name from clinic.record_accesses');
    expect(accesses.length).toBeGreaterThan(0);
  });

  test('somebody who works in both practices sees in a session of one nothing of the other', async () => {
    const both = world.b.clinician;
    await asOwner(world.db.admin, async () => {
      const teams = await world.db.admin.query('select id from access.care_teams where lead_account_id = $1', [
        world.a.clinician.account,
      ]);
      await world.db.admin.query('insert into access.care_team_members (care_team_id, account_id) values ($1, $2)', [
        teams.rows[0].id,
        both.account,
      ]);
    });
    expect(await openPatient(edge, entry(both), world.a.mine)).toBe('hidden');
    expect(await look(edge, entry(both), 'select id from clinic.patients where id = $1', [world.a.mine])).toEqual([]);
  });

  test('a membership of a care team that ended shows nothing from then on', async () => {
    const { account, token } = world.a.colleague;
    const ends = (when: string) =>
      asOwner(world.db.admin, () =>
        world.db.admin.query(`update access.care_team_members set valid_until = ${when} where account_id = $1`, [
          account,
        ]),
      );
    await openPatient(edge, entry(world.a.colleague), world.a.theirs);
    await ends('clock_timestamp()');
    expect(await openPatient(edge, { token, ring: world.db.ring }, world.a.theirs)).toBe('hidden');
    expect(
      await look(edge, entry(world.a.colleague, { focus: world.a.theirs }), 'select birth_name from clinic.patients'),
    ).toEqual([]);
    await ends("'infinity'");
  });

  test("an opening isn't a permission: it is worth nothing once the access is gone", async () => {
    await openPatient(edge, entry(world.a.colleague), world.a.theirs);
    await asOwner(world.db.admin, () =>
      world.db.admin.query(
        `insert into audit.openings select s.id, $2, l, clock_timestamp(), pg_current_xact_id() from iam.sessions s, unnest(array['identity', 'clinical']) l
       where s.token_hash = iam.hash_token($1) on conflict do nothing`,
        [world.b.clinician.token, world.a.mine],
      ),
    );
    expect(
      await look(edge, entry(world.b.clinician), 'select * from clinic.observations where patient_id = $1', [
        world.a.mine,
      ]),
    ).toEqual([]);
  });
});

describe('hidden and missing answer alike', () => {
  const hidden = () => world.a.theirs;
  const missing = '00000000-0000-4000-8000-00000000dead';
  const full = async (attempt: Promise<unknown>) =>
    attempt.catch((error: Error) => {
      const { message, ...rest } = JSON.parse(JSON.stringify(error, Object.getOwnPropertyNames(error)));
      return {
        message,
        code: rest.code,
        detail: rest.detail,
        hint: rest.hint,
        where: rest.where,
        table: rest.table,
        constraint: rest.constraint,
      };
    });

  test.each(['clinician', 'secretary', 'patient', 'auditor'] as const)('to a %s', async (person) => {
    const me = entry(person === 'secretary' ? world.b.secretary : world.a[person]);
    for (const id of [hidden(), missing]) expect(await openPatient(edge, me, id)).toBe('hidden');
    const ask = (id: string) => full(look(edge, { ...me, focus: id }, 'select id from clinic.me'));
    expect(await ask(hidden())).toEqual(await ask(missing));
  });

  test('to somebody who writes a note', async () => {
    const write = async (id: string) => {
      const key = randomUUID();
      await open(edge, entry(world.a.clinician), 'ops.intend($1, $2)', [key, 'notes.sign']);
      return full(
        inTransaction(edge, entry(world.a.clinician, { phase: 'write' }), () =>
          edge.query('select clinic.write_note($1, $2, $3)', [key, id, { subjective: 'x' }]),
        ),
      );
    };
    const [one, two] = [await write(hidden()), await write(missing)];
    expect(one).toEqual(two);
    expect(one).toMatchObject({ code: 'VS404' });
  });

  test('to somebody who guesses an import', async () => {
    const token = (
      await asOwner(world.db.admin, () =>
        world.db.admin.query('select iam.open_import_session($1, $2, $3) as token', [
          world.db.ring,
          world.b.organisation,
          world.b.clinician.account,
        ]),
      )
    ).rows[0].token;
    const rows = (id: string) =>
      full(
        inTransaction(edge, { token, ring: world.db.ring, phase: 'write' }, () =>
          edge.query('select clinic.import_rows($1, $2, $3)', [id, 'notes', '[]']),
        ),
      );
    expect(await rows(world.a.mine)).toEqual(await rows(missing));
    // the same source in another practice is another patient
    const twice = (organisation: string) =>
      outcome(
        inTransaction(
          edge,
          { token: organisation, ring: world.db.ring, phase: 'write' },
          async () =>
            (
              await edge.query('select * from clinic.import_patient($1)', [
                { source: 'Patient/same', birth_name: 'Même' },
              ])
            ).rows[0],
        ),
      );
    const other = (
      await asOwner(world.db.admin, () =>
        world.db.admin.query('select iam.open_import_session($1, $2, $3) as token', [
          world.db.ring,
          world.a.organisation,
          world.a.clinician.account,
        ]),
      )
    ).rows[0].token;
    const [one, two] = [await twice(token), await twice(other)];
    expect(one).toMatchObject({ taken: true });
    expect(two).toMatchObject({ taken: true });
    expect((one as { id: string }).id).not.toBe((two as { id: string }).id);
  });
});

describe('what leaks beside the rows', () => {
  const intruder = (query: string) => outcome(look(edge, entry(world.b.clinician, { focus: world.b.mine }), query));

  test('errors of expressions never come from hidden rows', async () => {
    const hidden = world.a.mine;
    const expressions = (id: string) => [
      `1 / (case when ${id} = '${hidden}' then 0 else 1 end) > 0`,
      `(case when ${id} = '${hidden}' then 'x' else '1' end)::int > 0`,
      `sqrt(case when ${id} = '${hidden}' then -1 else 1 end) > 0`,
    ];
    for (const relation of ['clinic.patients', 'clinic.patient_names'])
      for (const expression of expressions('id'))
        expect(await intruder(`select id from ${relation} where ${expression}`)).toEqual([{ id: world.b.mine }]);
    for (const table of clinicalTables)
      for (const expression of expressions('patient_id'))
        expect(await intruder(`select patient_id from clinic.${table} where ${expression}`)).toEqual([
          { patient_id: world.b.mine },
        ]);
    const log = (id: string) => outcome(look(edge, entry(world.b.auditor), `select id from audit.events where ${id}`));
    for (const expression of expressions('organisation_id').map((e) => e.replace(hidden, world.a.organisation)))
      expect(await log(expression)).toBeInstanceOf(Array);
  });

  test('EXPLAIN counts no hidden row, and names no value', async () => {
    const plan = (
      await look(
        edge,
        entry(world.b.clinician),
        `explain (analyze, verbose, format json) select 1 from clinic.observations where patient_id = '${world.a.mine}'`,
      )
    )[0]['QUERY PLAN'];
    const text = JSON.stringify(plan);
    expect(plan[0].Plan['Actual Rows']).toBe(0);
    for (const secret of [world.db.ring, world.a.organisation, world.b.clinician.token])
      expect(text).not.toContain(secret);
  });

  test('statistics, activity and prepared texts show nothing of others', async () => {
    await world.db.admin.query(
      'set role vs_owner; analyze store.patients; analyze iam.accounts; analyze audit.events; reset role',
    );
    expect(
      await intruder("select * from pg_stats where schemaname in ('store', 'iam', 'access', 'vault', 'ops')"),
    ).toEqual([]);
    expect(await intruder("select most_common_vals from pg_stats where schemaname = 'audit'")).toEqual([]);
    expect(await intruder('select stxdmcv from pg_statistic_ext_data')).toBe('42501');
    const others = await connectEdge(world.db);
    await look(others, entry(world.a.clinician), 'select $1::text as seen', ['Canari']);
    for (const role of ['vs_clinician', 'none'])
      expect(
        JSON.stringify(await intruder(`select set_config('role', '${role}', true), query from pg_stat_activity`)),
      ).not.toMatch(/Canari|Cabinet/);
    await others.end();
  });

  test('there is no sequence whose value tells how much others wrote', async () => {
    expect(
      (
        await world.db.admin.query(
          "select count(*)::int as n from pg_class c join pg_namespace n on n.oid = c.relnamespace where relkind = 'S' and nspname in ('iam', 'access', 'vault', 'audit', 'store', 'clinic', 'ops')",
        )
      ).rows[0].n,
    ).toBe(0);
  });
});

describe('one prepared statement under several people of one connection', () => {
  const texts = [
    'select id from clinic.patients',
    'with p as materialized (select id from clinic.patients) select * from p',
    'select n.patient_id as id from clinic.notes n where exists (select from clinic.patients p where p.id = n.patient_id)',
  ];
  test.each(['auto', 'force_generic_plan', 'force_custom_plan'])('shows each their own (%s)', async (mode) => {
    const shared = await connectEdge(world.db);
    const asked = async (person: Person, house: House, text: string, focus?: string) => {
      await openPatient(shared, entry(person), house.mine);
      return inTransaction(shared, entry(person, { focus: focus ?? null }), async () => {
        await shared.query(`set local plan_cache_mode = ${mode}`);
        return (await shared.query({ name: `shared-${texts.indexOf(text)}`, text })).rows;
      });
    };
    for (let round = 0; round < 3; round += 1)
      for (const text of texts)
        for (const house of [world.a, world.b])
          for (const person of [house.clinician, house.patient])
            expect(await asked(person, house, text, house.mine)).toEqual([{ id: house.mine }]);
    expect(await outcome(asked(world.a.orgAdmin, world.a, texts[0]!))).toBe('42501');
    await shared.end();
  });
});
