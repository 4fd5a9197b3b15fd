// Promise 3 against whoever runs the server: a superuser looks wherever a database can be looked at, with the most talkative
// settings that `vitalsync doctor` lets pass, while a practice works. 200 planted values and every key are looked for.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { checkPassword, lookUp, takeFactor } from '../../app/sign-in/queries.ts';
import type { Door, Who } from '../../db/batch.ts';
import { connect } from '../../db/connect.ts';
import { examine } from '../../db/doctor.ts';
import { openDoor } from '../../db/door.ts';
import type { Needles } from '../../db/existing/needles.ts';
import { asOwner, createAccount, openImportSession } from '../../db/owner.ts';
import { k } from '../../db/query.ts';
import { totpCode, totpStep } from '../../db/totp.ts';
import { prehash } from '../../edge/password.ts';
import { Canaries } from '../support/canaries.ts';
import { breakGlass, change, refer } from '../support/care.ts';
import { debianProgram, type OwnCluster, openCluster, versions } from '../support/cluster.ts';
import type { TestDatabase } from '../support/database.ts';
import { searchDirectory } from '../support/server-files.ts';
import { fillWorld, inTransaction, open, outcome, type World } from '../support/world.ts';

/** Whatever doctor has no objection to. */
const talkative = {
  log_statement: 'ddl',
  log_min_error_statement: 'fatal',
  log_min_messages: 'debug5',
  log_connections: 'on',
  log_disconnections: 'on',
  log_duration: 'on',
  log_lock_waits: 'on',
  log_temp_files: '0',
  log_checkpoints: 'on',
  log_replication_commands: 'on',
  log_autovacuum_min_duration: '0',
  log_parser_stats: 'on',
  log_planner_stats: 'on',
  log_executor_stats: 'on',
  log_line_prefix: '%m %p %q%a %u %d %h %r %i %e %c %v %x ',
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track': 'all',
  'pg_stat_statements.track_utility': 'on',
  track_activity_query_size: '1MB',
  track_io_timing: 'on',
  track_functions: 'all',
  wal_level: 'logical',
  work_mem: '64kB',
  wal_keep_size: '2GB',
};

const control = `Temoin${randomBytes(8).toString('hex')}`;

// the oldest version where .ci/run tests with it, otherwise the one that we bring
const tested = versions.filter((version) => (version === 15) === (process.env.TEST_DATABASE_URL !== undefined));
vi.setConfig({ testTimeout: 60_000 });

describe.each(tested)('on Postgres %i, nothing planted is found in', (version) => {
  const canaries = new Canaries();
  let cluster: OwnCluster;
  let db: TestDatabase;
  let world: World;
  let root: pg.Client;
  let door: Door;
  let needles: Needles;
  let backup: string;
  /** What was found in which file of the data directory. */
  let inFiles: string[];
  /** What pg_stat_activity and the directory of temporary files showed while people worked. */
  const seen = { samples: 0, busy: 0, activity: new Set<string>(), spilled: [] as string[] };

  beforeAll(async () => {
    cluster = await openCluster(version, { settings: talkative });
    db = await cluster.connect();
    root = await connect(cluster.superuserUrl);
    await root.query('create extension pg_stat_statements');
    const objections = (await examine(db.admin, cluster.site)).filter(
      (one) => one.check in talkative && one.state !== 'ok',
    );
    expect(objections).toEqual([]);
    world = await fillWorld(db);
    door = openDoor({ edgeUrl: db.edgeUrl, gateUrl: db.gateUrl, ring: db.ring });
    await plantControls();
    const watch = watchWhile();
    try {
      await work();
    } finally {
      await watch.end();
    }
    await keysOf();
    needles = canaries.needles([CONTROL, Buffer.from(control)]);
    await root.query('analyze');
    await root.query('vacuum');
    await root.query('select pg_switch_wal()');
    await root.query('checkpoint');
    backup = await takeBackup();
    inFiles = await searchDirectory(cluster.data, needles);
  }, 120_000);
  afterAll(async () => {
    await door?.close();
    await root?.end();
    await db?.admin.end();
    await cluster?.remove();
    if (backup) rmSync(backup, { recursive: true, force: true });
  });

  // -------------------------------------------------------------- a day's work

  async function work(): Promise<void> {
    const people = [];
    for (let i = 0; i < 4; i++) people.push(await employ(i));
    for (let i = 0; i < 6; i++) await admit(i, people[i % people.length]!);
    await Promise.all(people.map((person, i) => spendTheDay(person, i)));
  }

  type Employed = Who & { account: string; patients: { id: string; name: string; birthDate: string }[] };

  /** An account with every sealed column, who signs in with both factors. */
  async function employ(i: number): Promise<Employed> {
    const word = (name: string) => canaries.word(`${name} ${i}`);
    const password = word('password');
    const secret = randomBytes(20);
    canaries.key(`TOTP secret ${i}`, secret);
    const email = `${word('account').toLowerCase()}@exemple.fr`;
    const profile = {
      family_name: word('family name'),
      given_name: word('given name'),
      quality: word('quality'),
      rpps: word('rpps'),
    };
    const account = await asOwner(db.admin, async () => {
      const { organisation } = world.a;
      const id = await createAccount(db.admin, db.keys, {
        organisation,
        role: 'clinician',
        email,
        profile,
        password,
        totpSecret: secret,
      });
      return id;
    });
    const from = {
      ip: canaries.text(
        `address ${i}`,
        `2001:db8:${randomBytes(2).toString('hex')}:1${randomBytes(1).toString('hex')}::${randomBytes(2).toString('hex').replace(/^0/, '1')}`,
      ),
      userAgent: word('browser'),
      token: null,
      role: 'anon' as const,
      requestId: '',
    };
    const [half, token] = [0, 1].map((n) =>
      canaries.text(`token ${i}.${n}`, randomBytes(32).toString('base64url')),
    ) as [string, string];
    const [found] = await door.gate(lookUp(db.ring, email, from));
    expect(found?.id).toBe(account);
    const hash = canaries.text(`prehash ${i}`, await prehash(db.pepper, account, password));
    await door.gate(
      checkPassword(db.ring, account, await prehash(db.pepper, account, word('wrong password')), half, from),
    );
    const [first] = await door.gate(checkPassword(db.ring, account, hash, half, from));
    const [second] = await door.gate(
      takeFactor(db.ring, 'totp', { code: totpCode(secret, totpStep(Date.now())) }, token, { ...from, token: half }),
    );
    expect([first?.answer, second?.answer]).toEqual(['second_factor', 'ok']);
    return {
      token,
      role: 'clinician',
      ip: from.ip,
      userAgent: from.userAgent,
      requestId: randomUUID(),
      account,
      patients: [],
    };
  }

  const identity = [
    'used_name',
    'first_given_name',
    'birth_given_names',
    'used_given_name',
    'birth_place',
    'ins_oid',
    'address',
    'deceased_date',
  ];

  /** A patient with every sealed column of every table. */
  async function admit(i: number, person: Employed): Promise<void> {
    const word = (name: string) => canaries.word(`${name} ${i}`);
    const token = await asOwner(db.admin, () =>
      openImportSession(db.admin, db.keys, world.a.organisation, person.account),
    );
    canaries.text(`token of import ${i}`, token);
    const digits = (n: number) => [...randomBytes(n)].map((b) => b % 10).join('');
    const name = word('birth name');
    const birthDate = canaries.text(`birth date ${i}`, `19${10 + i * 13}-0${1 + i}-2${i}`);
    const traits = {
      ...Object.fromEntries(identity.map((column) => [column, word(column)])),
      ...{ birth_name: name, birth_date: birthDate, sex: 'female' },
      phone: canaries.text(`phone ${i}`, `06${digits(8)}`),
      ins_matricule: canaries.text(`INS ${i}`, `2${digits(14)}`),
      email: `${word('email')}@exemple.fr`,
    };
    const at = '2026-01-05T09:00:00Z';
    const rows: Record<string, object> = {
      encounters: {
        started_at: at,
        status: 'finished',
        class: word('class'),
        type: { text: word('type') },
        reason: word('reason'),
        participant: word('participant'),
      },
      conditions: { clinical_status: 'active', code: { text: word('condition') } },
      observations: {
        category: 'vital-signs',
        effective_at: at,
        status: 'final',
        code: { text: word('measure') },
        value: { text: word('value') },
      },
      medication_requests: {
        status: 'active',
        intent: 'order',
        authored_at: at,
        medication: { text: word('medication') },
        dosage: { text: word('dosage') },
      },
      allergy_intolerances: {
        clinical_status: 'active',
        code: { text: word('allergy') },
        criticality: word('criticality'),
        category: [word('category')],
        reaction: [{ text: word('reaction') }],
      },
      notes: { author_id: person.account, created_at: at, subjective: word('imported note') },
    };
    const edge = await connect(db.edgeUrl);
    const source = word('source');
    await inTransaction(edge, { token, ring: db.ring, phase: 'write' }, async () => {
      const { rows: made } = await edge.query('select id from clinic.import_patient($1)', [
        { source: `Patient/${source}`, ...traits },
      ]);
      for (const [type, row] of Object.entries(rows))
        await edge.query('select clinic.import_rows($1, $2, $3)', [
          made[0].id,
          type,
          JSON.stringify([{ source: `${type}/${source}`, ...row }]),
        ]);
      person.patients.push({ id: made[0].id, name, birthDate });
    });
    await edge.end();
  }

  const query = (text: TemplateStringsArray, ...values: unknown[]) =>
    sql<{ answer: string }>(text, ...values).compile(k);

  /** Charts, searches, notes, an emergency, a referral, and every way to be refused. */
  async function spendTheDay(who: Employed, i: number): Promise<void> {
    const edge = await connect(db.edgeUrl);
    const me = { token: who.token, ring: db.ring };
    for (const [n, { id, name, birthDate }] of who.patients.entries()) {
      const word = (kind: string) => canaries.word(`${kind} ${i}.${n}`);
      const selection = randomUUID();
      const chart = { open: query`select audit.open_patient(${id}) as answer`, focus: id };
      const reads = [
        'patients',
        'encounters',
        'conditions',
        'observations',
        'medication_requests',
        'allergy_intolerances',
        'notes',
      ];
      await door.read(who, {
        ...chart,
        reads: reads.map((view) => sql`select * from ${sql.table(`clinic.${view}`)}`.compile(k)),
      });
      await door.read(who, {
        open: query`select audit.open_patient_search(${selection}, ${name}, ${birthDate}) as answer`,
        reads: [
          query`select * from clinic.patient_names where id = any ((select audit.selected(${selection}))::uuid[])`,
        ],
      });
      await door.read(who, {
        open: query`select audit.open_patient_search(${randomUUID()}, ${word('search')}, '') as answer`,
        reads: [],
      });
      const fields = ['subjective', 'objective', 'assessment', 'plan', 'diagnosis', 'treatment_plan'];
      const note = { ...Object.fromEntries(fields.map((field) => [field, word(field)])), category: 'consultation' };
      const write = (content: object, key = randomUUID()) =>
        door.write(who, {
          ...chart,
          key,
          operation: 'notes.sign',
          change: query`select clinic.write_note(${key}, ${id}, ${JSON.stringify(content)}) as answer`,
          reads: [],
        });
      await write(note);
      const refused = [
        () => write({ ...note, category: word('bad category') }),
        () => door.read(who, { open: query`select audit.open_patient(${word('no id')}) as answer`, reads: [] }),
        () => door.read({ ...who, token: word('no token') }, { ...chart, reads: [] }),
        // what an injected expression would make of an opened value
        () => door.read(who, { ...chart, reads: [query`select birth_name::int from clinic.patients`] }),
        () =>
          door.read(who, {
            ...chart,
            reads: [query`select 1 / (length(subjective) - length(subjective)) from clinic.notes`],
          }),
        () => door.read(who, { ...chart, reads: [query`select subjective::jsonb from clinic.notes`] }),
      ];
      for (const attempt of refused) await expect(attempt()).rejects.toThrow();
      const theirs = { token: world.a.colleague.token, ring: db.ring };
      await breakGlass(
        edge,
        theirs,
        { name, day: birthDate },
        { reason: `Inconsciente aux urgences, ${word('break reason')}` },
      );
      await refer(edge, me, id, world.a.colleague.account);
      await outcome(
        change(
          edge,
          { token: world.a.dpo.token, ring: db.ring },
          'erasures.request',
          'clinic.request_erasure($1, $2, $3, $4)',
          [id, 'objection', word('erasure reason')],
        ),
      );
    }
    await open(edge, { token: world.a.auditor.token, ring: db.ring }, 'audit.open_log()');
    await edge.end();
  }

  /** Every key there is: of the ring, and what it wraps. The session secret lies in the database, and is excepted (threat-model.md). */
  async function keysOf(): Promise<void> {
    for (const entry of db.ring.split(','))
      canaries.key(`master key ${entry.split('=')[0]}`, Buffer.from(entry.split('=')[1]!, 'base64'));
    for (const label of ['wrap', 'email', `search/${world.a.organisation}`]) {
      const id = db.ring.split('=')[0];
      const { rows } = await asOwner(db.admin, () =>
        db.admin.query('select vault.derive(vault.master($1, $2), $3) as key', [db.ring, id, label]),
      );
      canaries.key(`derived key ${label.slice(0, 6)}`, rows[0].key);
    }
    canaries.key('pepper', db.pepper.key);
    canaries.key('signing key', db.keys.signing.signs[0]!.export({ format: 'der', type: 'pkcs8' }).subarray(-32));
    const { rows } = await asOwner(db.admin, () =>
      db.admin.query('select subject_id, level, vault.unwrap($1, subject_id, level) as key from vault.keys', [db.ring]),
    );
    expect(rows.length).toBeGreaterThan(20);
    for (const { level, subject_id, key } of rows) canaries.key(`${level} key of ${subject_id}`, key);
  }

  // -------------------------------------------------------------- the one who looks

  /** What the search must find, or it proves nothing. */
  async function plantControls(): Promise<void> {
    await root.query(
      `create table public.temoin as select '${control}'::text as clair, i from generate_series(1, 200) i`,
    );
    await root.query('create index on public.temoin (clair, i)');
    await root.query(`comment on table public.temoin is '${control}'`);
    await root.query(`do $$ begin raise log '${control}'; end $$`);
    await root.query('analyze public.temoin');
  }

  /** Looks at pg_stat_activity and at temporary files, over and over. */
  function watchWhile(): { end(): Promise<void> } {
    let on = true;
    const look = async () => {
      const watcher = await connect(cluster.superuserUrl);
      const busy = await connect(cluster.superuserUrl);
      // the controls: a statement with its value in it, and a sort that doesn't fit into memory
      const asleep = busy.query(`select pg_sleep(0.4), '${control}'`);
      await new Promise((later) => setTimeout(later, 50));
      await sample(watcher);
      await asleep;
      await busy.query('begin');
      await busy.query(
        `declare c cursor for select repeat('${control}', 20) || i as x from generate_series(1, 20000) i order by x`,
      );
      await busy.query('fetch 1 from c');
      await sample(watcher);
      await busy.query('rollback');
      while (on) await sample(watcher);
      await Promise.all([busy.end(), watcher.end()]);
    };
    const looking = look();
    return {
      end: async () => {
        on = false;
        await looking;
      },
    };
  }

  async function sample(watcher: pg.Client): Promise<void> {
    const { rows } = await watcher.query(
      "select query, (a.*)::text as row, state = 'active' and usename in ('vs_edge', 'vs_gate') as busy from pg_stat_activity a where pid <> pg_backend_pid()",
    );
    seen.samples++;
    for (const { query: text, row, busy } of rows) {
      if (busy) seen.busy++;
      seen.activity.add(text);
      seen.activity.add(row);
    }
    const temporary = join(cluster.data, 'base', 'pgsql_tmp');
    for (const file of existsSync(temporary) ? readdirSync(temporary, { recursive: true, encoding: 'utf8' }) : []) {
      try {
        seen.spilled.push(readFileSync(join(temporary, file)).toString('latin1'));
      } catch {
        // gone meanwhile, or a directory
      }
    }
    await new Promise((later) => setTimeout(later, 3));
  }

  /** pg_basebackup where there is one of this version, else the files of the stopped server. */
  async function takeBackup(): Promise<string> {
    const place = mkdtempSync(join(tmpdir(), 'vitalsync-backup-'));
    const program = version === 15 ? debianProgram('pg_basebackup') : undefined;
    if (program) {
      appendFileSync(join(cluster.data, 'pg_hba.conf'), 'host replication postgres 127.0.0.1/32 scram-sha-256\n');
      await root.query('select pg_reload_conf()');
      execFileSync(program, ['-d', cluster.superuserUrl, '-D', join(place, 'base'), '-X', 'stream', '-c', 'fast']);
      return place;
    }
    await root.end();
    await cluster.stop();
    execFileSync('cp', ['-a', cluster.data, join(place, 'base')]);
    await cluster.start();
    root = await connect(cluster.superuserUrl);
    return place;
  }

  const CONTROL = 'the control';
  const sorted = (labels: Iterable<string>) => {
    const all = [...labels];
    return {
      found: all.filter((one) => !one.startsWith(CONTROL)),
      control: all.some((one) => one.startsWith(CONTROL)),
    };
  };
  const findInText = (text: string) => sorted(needles.find(Buffer.from(text)));
  const nothing = { found: [], control: true };

  // -------------------------------------------------------------- where

  test('too small a search: 200 values and more were planted, in thousands of forms', () => {
    expect(canaries.planted).toBeGreaterThan(200);
    expect(needles.size).toBeGreaterThan(2000);
  });

  // the control stands in tables, indexes and statistics, in the WAL and in the log
  test.each(['base', 'pg_wal', 'log'])('the files of %s', (directory) => {
    const place = join(cluster.data, directory);
    expect(sorted(inFiles.filter((one) => one.includes(` in ${place}/`)))).toEqual(nothing);
  });

  test('any other file of the data directory, and no core', () => {
    expect(sorted(inFiles)).toEqual(nothing);
    for (const directory of ['global', 'pg_stat', 'pg_xact', 'pg_logical', 'pg_replslot'])
      expect(existsSync(join(cluster.data, directory))).toBe(true);
    expect(readdirSync(cluster.data).filter((name) => /^core/.test(name))).toEqual([]);
  });

  test('a base backup', async () => expect(sorted(await searchDirectory(backup, needles))).toEqual(nothing));

  test('the log says much, and of all logins', () => {
    const text = readdirSync(join(cluster.data, 'log'))
      .map((name) => readFileSync(join(cluster.data, 'log', name), 'utf8'))
      .join('');
    expect(text.split('\n').length).toBeGreaterThan(2000);
    for (const word of ['connection authorized', 'duration:', 'DEBUG:', 'vs_admin']) expect(text).toContain(word);
  });

  test('a logical dump', async () => {
    expect(findInText(await dump())).toEqual(nothing);
  });

  /** pg_dump where it is as new as the server, else every table by COPY's own text. */
  async function dump(): Promise<string> {
    const program = version === 15 ? debianProgram('pg_dump') : undefined;
    const options = { encoding: 'utf8', maxBuffer: 1 << 30 } as const;
    const asDba = program
      ? execFileSync(
          program,
          ['-d', db.dbaUrl, '-n', 'store', '-n', 'iam', '-n', 'vault', '-n', 'audit', '-n', 'access'],
          options,
        )
      : '';
    const whole = program ? execFileSync(program, ['-d', cluster.superuserUrl, '--inserts'], options) : '';
    const { rows: tables } = await root.query(
      "select c.oid::regclass::text as name from pg_class c where relkind in ('r', 'm') and relnamespace <> 'pg_toast'::regnamespace",
    );
    expect(tables.length).toBeGreaterThan(90);
    const texts = [];
    for (const { name } of tables)
      texts.push(...(await root.query(`select t::text as row from ${name} t`)).rows.map((row) => row.row));
    return [asDba, whole, ...texts].join('\n');
  }

  test('statistics: pg_stats, pg_statistic, extended ones', async () => {
    const { rows } = await root.query(`select
      (select string_agg(s::text, '|') from pg_stats s) || (select string_agg(s::text, '|') from pg_statistic s)
      || coalesce((select string_agg(s::text, '|') from pg_stats_ext s), '') || (select string_agg(s::text, '|') from pg_stat_user_tables s) as text`);
    expect(findInText(rows[0].text)).toEqual(nothing);
  });

  test('pg_stat_statements', async () => {
    const { rows } = await root.query(
      "select string_agg(s::text, '|') as text, count(*)::int as n from pg_stat_statements s",
    );
    // after a restart of the server they come from its file
    expect(rows[0].n).toBeGreaterThan(100);
    expect(findInText(rows[0].text)).toEqual(nothing);
  });

  test('pg_stat_activity, looked at while people worked', () => {
    expect([seen.samples > 100, seen.busy > 20]).toEqual([true, true]);
    expect(findInText([...seen.activity].join('\n'))).toEqual(nothing);
  });

  test('temporary files, looked at while people worked', () => {
    expect(seen.spilled.length).toBeGreaterThan(0);
    expect(findInText(seen.spilled.join('\n'))).toEqual(nothing);
  });

  test('settings, roles, comments, prepared statements, large objects', async () => {
    const { rows } =
      await root.query(`select (select string_agg(s::text, '|') from pg_settings s) || (select string_agg(s::text, '|') from pg_db_role_setting s)
      || (select string_agg(s::text, '|') from pg_description s) || coalesce((select string_agg(s::text, '|') from pg_largeobject s), '')
      || coalesce((select string_agg(s::text, '|') from pg_seclabel s), '') || (select string_agg(s::text, '|') from pg_authid s) as text`);
    expect(findInText(rows[0].text)).toEqual(nothing);
  });

  test('nothing, but for what doctor objects to: there, keys do stand in the log', async () => {
    await root.query("alter role vs_admin set session_preload_libraries = 'auto_explain'");
    for (const [name, value] of Object.entries({
      log_min_duration: '0',
      log_nested_statements: 'on',
      log_verbose: 'on',
    }))
      await root.query(`alter role vs_admin set auto_explain.${name} = '${value}'`);
    const admin = await connect(db.adminUrl);
    const findings = await examine(admin, cluster.site);
    await asOwner(admin, () => admin.query('select vault.master($1, $2)', [db.ring, db.ring.split('=')[0]]));
    await admin.end();
    expect(findings.filter((one) => one.check === 'modules').map((one) => one.state)).toEqual(['warning']);
    const told = sorted(await searchDirectory(join(cluster.data, 'log'), needles));
    expect(told.found.some((one) => one.startsWith('master key'))).toBe(true);
  });

  test('the session secret is there, and opens nothing by itself', async () => {
    const { rows } = await root.query("select value from vault.secrets where name = 'session'");
    const { rows: keys } = await root.query('select wrapped from vault.keys');
    for (const { wrapped } of keys.slice(0, 20))
      for (const key of [rows[0].value, createHash('sha512').update(rows[0].value).digest()])
        expect(await outcome(root.query("select vault.unpack($1, '', $2)", [key, wrapped]))).toBe('VS500');
  });
});
