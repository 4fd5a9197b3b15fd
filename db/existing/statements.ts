// The SQL of encrypt-existing. Names come from the practice's own table, so each one is quoted here; values are parameters.
import pg from 'pg';
import type { Level } from './map.ts';
import { type Plan, quote, type SealedColumn } from './table.ts';

const literal = pg.escapeLiteral;
export const levelsOf = ({ sealed }: Plan): Level[] => [...new Set(sealed.map((one) => one.level))];
export const columnsOf = ({ sealed }: Plan, level: Level): SealedColumn[] =>
  sealed.filter((one) => one.level === level);

/** The text of a value must not depend on who runs this: docs/formats.md. */
export const pinnedFormats =
  "set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'iso_8601'; " +
  "set local extra_float_digits = 1; set local bytea_output = 'hex'; set local lc_monetary = 'C'";

/** Before the first batch, in the transaction that decides: new columns, nobody writes, and who may read. */
export function setUp(plan: Plan, organisation: string): { asAdministrator: string[]; asOwner: string[] } {
  const { table, sealed, clear, subjectColumn, view, map } = plan;
  const readers = readersOf(plan);
  const readable = [...clear.map((one) => one.name), 'vs_id', subjectColumn, ...sealed.map((one) => one.into)];
  const policy = (name: string, verb: string, to: string, condition: string, why: string) => [
    `create policy ${name} on ${table.sql} for ${verb} to ${to} using (${condition})`,
    `comment on policy ${name} on ${table.sql} is ${literal(why)}`,
  ];
  return {
    asAdministrator: [
      `alter table ${table.sql} add column vs_id uuid, add column ${quote(subjectColumn)} uuid, ${sealed.map((one) => `add column ${quote(one.into)} bytea`).join(', ')}`,
      ...sealed
        .filter((one) => one.notNull)
        .map((one) => `alter table ${table.sql} alter column ${quote(one.name)} drop not null`),
      `create trigger vs_sealed before insert or update or delete or truncate on ${table.sql} for each statement execute function vault.tg_existing__sealed()`,
      `alter table ${table.sql} enable always trigger vs_sealed, enable row level security, force row level security`,
      ...policy('select_owner', 'select', 'vs_owner', 'true', 'vitalsync encrypt-existing.'),
      ...policy('update_owner', 'update', 'vs_owner', 'true', 'vitalsync encrypt-existing, which seals.'),
      ...readers.flatMap((role) =>
        policy(
          `select_${role}`,
          'select',
          `vs_${role}`,
          conditionOf(plan, role, organisation),
          'As in the tables of store.',
        ),
      ),
      `grant usage on schema ${quote(table.schema)} to vs_owner, vs_dba`,
      `grant select, update on ${table.sql} to vs_owner`,
      `grant select on ${table.sql} to vs_dba`,
      `grant select (${readable.map(quote).join(', ')}) on ${table.sql} to ${readers.map((role) => `vs_${role}`).join(', ')}`,
      // "this patient's rows"
      `create index on ${table.sql} (${quote(subjectColumn)})`,
    ],
    asOwner: [
      createView(plan),
      `comment on view clinic.${quote(view)} is ${literal(`Opened from ${table.sql}, which vitalsync encrypt-existing sealed. not null: ${subjectColumn}`)}`,
      `grant select on clinic.${quote(view)} to ${readers.map((role) => `vs_${role}`).join(', ')}, vs_dba`,
      `insert into vault.existing_tables (name, organisation_id, subject, view_name, map_digest)
       values (${literal(table.sql)}, ${literal(organisation)}, ${literal(map.subject.kind)}, ${literal(view)}, '\\x${map.digest.toString('hex')}')`,
      ...sealed.map(
        (one, i) => `insert into vault.existing_columns (table_name, position, name, type, level, sealed_name)
          values (${[table.sql, String(i + 1), one.name, one.type, one.level, one.into].map(literal).join(', ')})`,
      ),
    ],
  };
}

/** A secretary sees identity alone; profiles open for the person that they are of. */
function readersOf({ sealed, map }: Plan): string[] {
  if (map.subject.kind === 'account')
    return ['patient', 'clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher'];
  return sealed.every((one) => one.level === 'identity')
    ? ['patient', 'clinician', 'secretary']
    : ['patient', 'clinician'];
}

function conditionOf({ subjectColumn }: Plan, role: string, organisation: string): string {
  if (subjectColumn === 'vs_account') return 'vs_account = (select access.account_id())';
  return role === 'secretary'
    ? `${literal(organisation)}::uuid = (select access.organisation_as('secretary'))`
    : `vs_patient = any ((select access.patients('${role}'))::uuid[])`;
}

function createView(plan: Plan): string {
  const { table, clear, subjectColumn, view } = plan;
  const opened = levelsOf(plan).map((level) => {
    const columns = columnsOf(plan, level);
    const labels = `array[${columns.map((one) => `'\\x${Buffer.from(one.label).toString('hex')}'::bytea`).join(', ')}]`;
    const values = `array[${columns.map((one) => `t.${quote(one.into)}`).join(', ')}]`;
    const call =
      level === 'profile'
        ? `clinic.open_profile(t.vs_account, t.vs_id, ${labels}, ${values})`
        : `vault.open('${level}', t.vs_id, t.vs_patient, 1::bigint, ''::bytea, ${labels}, ${values})`;
    return { level, join: `cross join lateral (select ${call} as v) ${level}`, columns };
  });
  const outputs = opened.flatMap(({ level, columns }) =>
    columns.map(
      (one, i) =>
        `(${level}.v[${i + 1}])${one.plain && one.type !== 'text' ? `::${one.type}` : ''} as ${quote(one.name)}`,
    ),
  );
  return `create view clinic.${quote(view)} with (security_invoker = true) as
    select ${[`t.${quote(subjectColumn)}`, ...clear.map((one) => `t.${quote(one.name)}`), ...outputs].join(', ')}
    from ${table.sql} t ${opened.map(({ join }) => join).join(' ')}`;
}

/** $1 ring, $2 organisation: whose a row is. NULL when there is nobody. */
export function subjectOf({ map }: Plan): string {
  const column = `t.${quote(map.subject.column)}`;
  if (map.subject.kind === 'account') return `vault.existing_account($1, $2, ${column}::text)`;
  return map.subject.source === undefined
    ? `${column}::text::uuid`
    : `vault.source_id($1, $2, ${literal(map.subject.source)} || ${column}::text)`;
}

/**
 * One batch, whole: seals what stands in these blocks and clears what it was, in one statement.
 * $1 ring, $2 organisation, $3 and $4 the blocks as tids. Gives rows, values of each column, and how many don't come back.
 */
export function sealBatch(plan: Plan): string {
  const { table, sealed, subjectColumn } = plan;
  const levels = levelsOf(plan);
  const texts = (level: Level) =>
    `array[${columnsOf(plan, level)
      .map((one) => `t.${quote(one.name)}::text`)
      .join(', ')}]`;
  const same = sealed
    .map((one) => `t.${quote(one.name)}::text::${one.type}::text is not distinct from t.${quote(one.name)}::text`)
    .join(' and ');
  const labels = (level: Level) =>
    `array[${columnsOf(plan, level)
      .map((one) => literal(one.label))
      .join(', ')}]`;
  const position = (one: SealedColumn) => columnsOf(plan, one.level).indexOf(one) + 1;
  return `
    with batch as materialized (
      select t.ctid as place, ops.uuid_v7() as id, ${subjectOf(plan)} as subject, ${levels.map((level) => `${texts(level)} as ${level}`).join(', ')},
             ${same} as same
      from ${table.sql} t where t.ctid >= $3::tid and t.ctid < $4::tid and t.vs_id is null for update),
    sealed as materialized (
      select place, id, subject, same, ${levels.map((level) => `vault.seal_existing($1, '${level}', id, subject, ${labels(level)}, ${level}) as ${level}`).join(', ')}
      from batch),
    moved as (
      update ${table.sql} t set vs_id = s.id, ${quote(subjectColumn)} = s.subject,
        ${sealed.map((one) => `${quote(one.into)} = s.${one.level}[${position(one)}], ${quote(one.name)} = null`).join(', ')}
      from sealed s where t.ctid = s.place and t.ctid >= $3::tid and t.ctid < $4::tid
      returning s.same, ${sealed.map((one, i) => `(${`s.${one.level}[${position(one)}]`} is not null)::int as c${i}`).join(', ')})
    select count(*)::int as rows, count(*) filter (where not same)::int as changed,
           array[${sealed.map((_, i) => `coalesce(sum(c${i}), 0)`).join(', ')}]::int[] as values from moved`;
}

/** $1 ring, $2 organisation: rows that belong to nobody here. */
export function countStrangers(plan: Plan): string {
  const { table, map } = plan;
  const known =
    map.subject.kind === 'account'
      ? 's.subject is not null'
      : `exists (select from store.patients p where p.id = s.subject and p.organisation_id = $2)
         and (select count(*) from vault.keys k where k.subject_id = s.subject and k.level in ('identity', 'clinical')) = 2`;
  return `
    with keys as (select distinct t.${quote(map.subject.column)} from ${table.sql} t where t.vs_id is null),
         subjects as (select ${subjectOf(plan)} as subject from keys t where t.${quote(map.subject.column)} is not null)
    select (select count(*) from ${table.sql} t where t.vs_id is null and t.${quote(map.subject.column)} is null)::int as nobody,
           (select count(*) from subjects s where exists (select from privacy.erasures e where e.patient_id = s.subject))::int as erased,
           (select count(*) from subjects s where (${known}) is not true)::int as strangers`;
}
