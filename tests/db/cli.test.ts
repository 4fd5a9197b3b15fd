import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { revokeSpills } from '../../db/superuser.ts';
import { fromBase32, totpCode } from '../../db/totp.ts';
import { isOneSentence, runCommand } from '../support/cli.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const directory = mkdtempSync(join(tmpdir(), 'vitalsync-cli-'));
let db: TestDatabase;
let environment: Record<string, string>;
const vitalsync = (...args: string[]) => runCommand(args, environment);

beforeAll(async () => {
  db = await createDatabase();
  environment = { DATABASE_URL: db.adminUrl, VITAL_DIR: directory, ...inject('testServer').keyLines };
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await db.close();
});

describe('vitalsync', () => {
  const commands = [
    'start',
    'migrate',
    'bootstrap',
    'account add',
    'import',
    'promises',
    'policy who-can-see',
    'policy why',
    'demo code',
    'db url',
    'db psql',
    'audit verify',
    'audit export',
    'keys status',
    'keys add',
    'keys rotate',
    'keys retire',
    'networks',
    'doctor',
  ];

  test('lists its commands, and each has a help of its own', async () => {
    const list = await vitalsync('--help');
    expect(list.code).toBe(0);
    const helps = await Promise.all(commands.map((command) => vitalsync(...command.split(' '), '--help')));
    for (const [i, command] of commands.entries()) {
      expect(list.out).toContain(`vitalsync ${command}`);
      expect(helps[i]).toMatchObject({ code: 0, err: '' });
      expect(helps[i]?.out).toMatch(new RegExp(`^vitalsync ${command} ?`));
    }
  }, 60_000); // a process for each

  // code in a directory that others can write to would be code of theirs
  test('keeps compiled code in the installation, not in a temporary directory', async () => {
    const temporary = mkdtempSync(join(tmpdir(), 'vitalsync-tmp-'));
    await runCommand(['--help'], { TMPDIR: temporary });
    expect(readdirSync(temporary)).toEqual([]);
    expect(readdirSync(join(import.meta.dirname, '../../node_modules/.cache/vitalsync'))).not.toEqual([]);
    rmSync(temporary, { recursive: true });
  });

  test.each([['frobnicate'], ['audit'], ['db', 'drop']])('has no command %s', async (...words) => {
    const result = await vitalsync(...words);
    expect(result.code).toBe(1);
    expect(result.err).toContain(`There is no command "${words.join(' ')}"`);
  });

  test.each([
    [['bootstrap'], '--organisation is missing'],
    [['doctor', '--jsno'], "Unknown option '--jsno'"],
    [['demo', 'code'], 'Whose code?'],
    [['promises'], 'The attacks are for the demo'],
    [['policy', 'why'], 'Which USER, and which PATIENT?'],
    [['policy', 'who-can-see', 'x'], 'is no id of a patient'],
    [['policy', 'why', 'x@exemple.fr', 'x'], 'Nobody signs in as x@exemple.fr'],
    [['import', 'x.json', '--organisation', 'Nowhere', '--clinician', 'a@b.fr'], 'There is no organisation "Nowhere"'],
    [['audit', 'verify', '/tmp'], 'is no export of the audit log'],
  ])('%s says in one sentence what is wrong', async (args, sentence) => {
    const result = await vitalsync(...args);
    expect(isOneSentence(result), result.err).toBe(true);
    expect(result.err).toContain(sentence);
  });

  test('tells nothing but class and SQLSTATE of an error that nobody foresaw', async () => {
    await db.admin.query(
      'alter table supabase_migrations.schema_migrations rename column statements to secret_statements',
    );
    const result = await vitalsync('migrate');
    await db.admin.query(
      'alter table supabase_migrations.schema_migrations rename column secret_statements to statements',
    );
    expect(result).toMatchObject({ code: 1, out: '' });
    expect(result.err).toMatch(/^Something failed that shouldn't: error \(42703\)\. .*\n$/);
  });
});

describe('vitalsync bootstrap', () => {
  const args = [
    '--organisation',
    'Cabinet des Lilas',
    '--email',
    'Admin@lilas.fr',
    '--family-name',
    'Durand',
    '--given-name',
    'Anne',
  ];

  test('creates an administrator who can sign in, and shows the secrets this once', async () => {
    const { code, out } = await vitalsync('bootstrap', ...args, '--json');
    expect(code).toBe(0);
    const made = JSON.parse(out);
    expect(made).toMatchObject({ organisation: 'Cabinet des Lilas', email: 'admin@lilas.fr', role: 'org_admin' });
    expect(totpCode(fromBase32(made.totpSecret))).toMatch(/^\d{6}$/);
    const { rows } = await db.admin.query(
      'select strpos(a::text, $1) as place from (select query from pg_stat_activity) a where strpos(a::text, $1) > 0',
      [made.password],
    );
    expect(rows).toEqual([]);
  });

  test('cannot be done twice', async () => {
    const again = await vitalsync('bootstrap', ...args);
    expect(isOneSentence(again), again.err).toBe(true);
    expect(again.err).toContain('There is an organisation already');
  });
});

describe('vitalsync account add', () => {
  const args = [
    'account',
    'add',
    ...['--organisation', 'Cabinet des Lilas', '--role', 'clinician', '--email', 'docteur@lilas.fr'],
    ...['--family-name', 'Petit', '--given-name', 'Marc', '--quality', 'Dr'],
  ];

  test('gives a clinician that an import can name', async () => {
    const { code, out } = await vitalsync(...args, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ role: 'clinician', email: 'docteur@lilas.fr' });
    const nothing = await vitalsync('import', 'no.json', ...args.slice(2, 4), '--clinician', 'docteur@lilas.fr');
    expect(nothing.err + nothing.out).not.toContain('Nobody signs in as');
  });

  test('prints the link of an invitation, and nobody knows a password', async () => {
    const invited = args.with(5, 'secretary').with(7, 'accueil@lilas.fr');
    const { code, out } = await vitalsync(...invited, '--invite', '--json');
    expect(code).toBe(0);
    const { link } = JSON.parse(out);
    expect(link).toMatch(/^https?:\/\/[^/]+\/invitations\/[\w-]{43}$/);
    const { rows } = await db.admin.query(
      'select a.status, a.password_hash from iam.accounts a join iam.invitations i on i.account_id = a.id where i.token_hash = iam.hash_token($1)',
      [link.split('/').at(-1)],
    );
    expect(rows).toEqual([{ status: 'invited', password_hash: null }]);
    const again = await vitalsync(...invited, '--invite');
    expect(again.err).toContain('signs in as accueil@lilas.fr already');
  });

  test.each([
    [args, 'signs in as docteur@lilas.fr already'],
    [args.with(5, 'patient'), '--role is one of'],
    [args.with(3, 'Nowhere').with(7, 'x@lilas.fr'), 'There is no organisation "Nowhere"'],
  ])('says in one sentence what is wrong', async (words, sentence) => {
    const result = await vitalsync(...words);
    expect(isOneSentence(result), result.err).toBe(true);
    expect(result.err).toContain(sentence);
  });
});

describe('vitalsync db url', () => {
  test('gives a login that reads ciphertext and writes nothing', async () => {
    const { url } = JSON.parse((await vitalsync('db', 'url', '--json')).out);
    const dba = await connect(url);
    const { rows } = await dba.query('select email from iam.accounts');
    expect(rows[0].email[0]).toBe(1); // the version byte of a sealed value
    await expect(dba.query('delete from audit.events')).rejects.toMatchObject({ code: '42501' });
    await expect(dba.query("select pg_read_file('/etc/passwd')")).rejects.toMatchObject({ code: '42501' });
    await dba.end();
  });
});

describe('vitalsync doctor', () => {
  const findings = async () =>
    JSON.parse((await vitalsync('doctor', '--json')).out).findings as {
      check: string;
      state: string;
      finding: string;
    }[];
  const asSuperuser = async (...statements: string[]) => {
    const superuser = await connect(db.superuserUrl);
    for (const statement of statements) await superuser.query(statement);
    await superuser.end();
  };

  test('finds nothing wrong with a fresh installation', async () => {
    const { code } = await vitalsync('doctor');
    expect((await findings()).filter(({ state }) => state === 'failure')).toEqual([]);
    expect(code).toBe(0);
  });

  test('sees that everybody may create temporary tables', async () => {
    await db.admin.query(`grant temp on database ${db.name} to public`);
    expect((await vitalsync('doctor')).code).toBe(1);
    expect(await findings()).toContainEqual(
      expect.objectContaining({ check: 'vs_clinician', state: 'failure', finding: 'has temp on the database' }),
    );
    await db.admin.query(`revoke temp on database ${db.name} from public`);
  });

  test('sees large objects, and that they may be written', async () => {
    await asSuperuser('grant execute on function lo_from_bytea(oid, bytea) to public', "select lo_from_bytea(0, 'x')");
    const found = (await findings())
      .filter(({ check }) => ['spills', 'large objects'].includes(check))
      .map(({ finding }) => finding);
    await asSuperuser('select lo_unlink(oid) from pg_largeobject_metadata', revokeSpills);
    expect(found).toEqual([expect.stringContaining('past the audit log'), expect.stringContaining('there are 1')]);
  });

  test('sees a migration with another text', async () => {
    await db.admin.query(
      "update supabase_migrations.schema_migrations set statements = array_append(statements, 'select 1') where version = '0010'",
    );
    expect(await findings()).toContainEqual(expect.objectContaining({ check: 'migrations', state: 'failure' }));
    await db.admin.query(
      "update supabase_migrations.schema_migrations set statements = statements[:cardinality(statements) - 1] where version = '0010'",
    );
  });

  test('sees keys of another database', async () => {
    const other = {
      ...environment,
      VITAL_KEYS: environment.VITAL_KEYS!.replace(/=.*/, `=${Buffer.alloc(64, 9).toString('base64')}`),
    };
    const { code, out } = await runCommand(['doctor'], other);
    expect(code).toBe(1);
    expect(out).toMatch(/failure +keys +master key \d+ is not the one/);
  });

  test('sees a chain whose end was changed', async () => {
    await asSuperuser(
      'set session_replication_role = replica; update audit.lanes set head = sha256(head) where seq > 0',
    );
    expect(await findings()).toContainEqual(expect.objectContaining({ check: 'audit', state: 'failure' }));
  });
});

test('a key file that others can read is refused', async () => {
  const file = join(directory, 'keys.env');
  writeFileSync(file, '', { mode: 0o644 });
  const result = await vitalsync('db', 'url');
  rmSync(file);
  expect(isOneSentence(result), result.err).toBe(true);
});
