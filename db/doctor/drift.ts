// Was something changed by hand? The catalog is compared, object by object, with db/schema.sql, and each view with what
// this very server makes of its text in the migrations.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { describeSchema, schemas } from '../generate/schema.ts';
import { splitStatements } from '../split-statements.ts';
import { type Check, type Finding, fail, ok } from './finding.ts';

const here = join(import.meta.dirname, '..');
const remedy = 'compare it with supabase/migrations, and put it back as it is there';

export const drift: Check = async (admin) => {
  // Settings of the comparison, and views made to be looked at, go with the transaction.
  await admin.query('begin');
  try {
    const found = [
      ...compare(
        blocks(readFileSync(join(here, 'schema.sql'), 'utf8')),
        await withoutExisting(admin, blocks(await describeSchema(admin))),
      ),
      ...(await strangers(admin)),
      ...(await changedViews(admin)),
    ];
    return found.length > 0 ? found : [ok('drift', 'every object is as the migrations make it')];
  } finally {
    await admin.query('rollback');
  }
};

/** Views that `vitalsync encrypt-existing` made for tables of the practice. */
async function withoutExisting(admin: pg.Client, real: Map<string, string>): Promise<Map<string, string>> {
  const known = await admin.query("select to_regclass('vault.existing_tables') is not null as there");
  if (!known.rows[0].there) return real;
  await admin.query('set local role vs_owner');
  const { rows } = await admin.query<{ name: string }>(
    "select format('clinic.%I', view_name) as name from vault.existing_tables",
  );
  await admin.query('reset role');
  const views = new Set(rows.flatMap(({ name }) => [`view ${name}`, name]));
  return new Map(
    [...real].filter(([name]) => !views.has(name) && !views.has(/^grant on (.*) to \S+$/.exec(name)?.[1] ?? '')),
  );
}

function compare(wanted: Map<string, string>, real: Map<string, string>): Finding[] {
  const names = [...new Set([...wanted.keys(), ...real.keys()])];
  return names.flatMap((name) => {
    if (!real.has(name)) return [fail('drift', `${name} is missing`, remedy)];
    if (!wanted.has(name)) return [fail('drift', `${name} is nobody's of us`, remedy)];
    return real.get(name) === wanted.get(name) ? [] : [fail('drift', `${name} was changed`, remedy)];
  });
}

/** name of the object → its text. Roles are looked at apart, since what they may become depends on the server. */
function blocks(schema: string): Map<string, string> {
  const found = new Map<string, string>();
  let name = '';
  let inFunction = false;
  for (const line of schema.slice(schema.indexOf('\n-- Schemas')).split('\n')) {
    const named = inFunction ? undefined : nameOf(line);
    if (named) name = named;
    else if (!inFunction && /^(-- |$)/.test(line)) continue; // headings
    found.set(name, `${found.get(name) ?? ''}${line}\n`);
    if (named?.startsWith('function')) inFunction = true;
    if (line.includes('$function$;')) inFunction = false;
  }
  return found;
}

function nameOf(line: string): string | undefined {
  const [, thing, role] = /^grant .*? on (.*) to (\S+);$/.exec(line) ?? [];
  if (thing && role) return `grant on ${thing} to ${role}`;
  const [, kind, name, place] =
    /^create (?:unique )?(schema|table|view|function|index|policy|trigger) ([^\s(;]+)(?:.*? on (?:only )?([\w.]+))?/i.exec(
      line,
    ) ?? [];
  if (!kind || !name) return undefined;
  const what = kind.toLowerCase();
  return ['policy', 'trigger', 'index'].includes(what) ? `${what} ${name} on ${place}` : `${what} ${name}`;
}

/** What db/schema.sql doesn't say: triggers that are off, rules, objects of another owner. */
async function strangers(admin: pg.Client): Promise<Finding[]> {
  const { rows } = await admin.query<{ finding: string }>(
    `with ours as (select oid from pg_namespace where nspname = any ($1))
     select format('trigger %s on %s is off', t.tgname, t.tgrelid::regclass) as finding
     from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace in (select oid from ours) and t.tgenabled <> 'O'
     union all
     select format('rule %s on %s is nobody''s of us', r.rulename, r.ev_class::regclass)
     from pg_rewrite r join pg_class c on c.oid = r.ev_class where c.relnamespace in (select oid from ours) and r.rulename <> '_RETURN'
     union all
     -- Supabase brings some; whoever else makes one sees every command
     select format('event trigger %s is nobody''s of us', e.evtname) from pg_event_trigger e
     where e.evtowner <> coalesce(to_regrole('supabase_admin'), 0)
     union all
     select format('%s belongs to %s', c.oid::regclass, c.relowner::regrole)
     from pg_class c where c.relnamespace in (select oid from ours) and c.relowner <> 'vs_owner'::regrole
     union all
     select format('%s belongs to %s', p.oid::regprocedure, p.proowner::regrole)
     from pg_proc p where p.pronamespace in (select oid from ours) and p.proowner <> 'vs_owner'::regrole
     order by 1`,
    [[...schemas]],
  );
  return rows.map(({ finding }) => fail('drift', finding, remedy));
}

/** Each version of Postgres spells a view in its own way: so it is made once more, beside, from its text. */
async function changedViews(admin: pg.Client): Promise<Finding[]> {
  await admin.query('set local role vs_owner');
  const found: Finding[] = [];
  for (const [name, text] of viewTexts()) {
    await admin.query('savepoint beside');
    const beside = `${name}__beside`;
    try {
      await admin.query(text.replace(/create view \S+/, `create view ${beside}`));
      const query = 'select pg_get_viewdef($1::regclass) = pg_get_viewdef($2::regclass) as same';
      const { rows } = await admin.query<{ same: boolean }>(query, [name, beside]);
      if (!rows[0]?.same) found.push(fail('drift', `view ${name} selects something else`, remedy));
    } catch {
      found.push(fail('drift', `view ${name} can't be made from its text any more`, remedy));
    }
    await admin.query('rollback to savepoint beside');
  }
  await admin.query('reset role');
  return found;
}

function viewTexts(): Map<string, string> {
  const directory = join(here, '..', 'supabase', 'migrations');
  const files = readdirSync(directory)
    .filter((file) => file.endsWith('.sql'))
    .sort();
  const statements = files.flatMap((file) => splitStatements(readFileSync(join(directory, file), 'utf8')));
  const views = statements.map((text) => text.slice(Math.max(0, text.search(/^create view /m))));
  return new Map(
    views.flatMap((text) => (/^create view (\S+)/.exec(text) ? [[/^create view (\S+)/.exec(text)![1]!, text]] : [])),
  );
}
