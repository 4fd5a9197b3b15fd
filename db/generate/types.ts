// db/types.ts: what Kysely knows of the database. It holds the relations that an acting role may select, since the
// pages can name no other.
import type pg from 'pg';
import { schemas } from './schema.ts';

type Column = {
  relation: string;
  comment: string | null;
  name: string;
  type: string;
  notNull: boolean;
  description: string | null;
};

const query = `
  select format('%s.%s', nspname, relname) as relation, obj_description(c.oid, 'pg_class') as comment, attname as name,
         format_type(atttypid, null) as type, attnotnull as "notNull", col_description(c.oid, attnum) as description
  from pg_class c join pg_namespace n on n.oid = relnamespace join pg_attribute a on attrelid = c.oid
  where nspname = any ($1) and relkind in ('r', 'p', 'v') and attnum > 0 and not attisdropped and not relispartition
    and exists (select from pg_roles where rolname ~ '^vs_' and rolname not in ('vs_owner', 'vs_admin', 'vs_dba')
                and not rolcanlogin and has_schema_privilege(rolname, n.oid, 'usage')
                and has_any_column_privilege(rolname, c.oid, 'select'))
  order by 1, attnum`;

/** As pg gives the values of each type. */
const types: Record<string, string> = {
  text: 'string',
  uuid: 'string',
  'character varying': 'string',
  integer: 'number',
  smallint: 'number',
  'double precision': 'number',
  bigint: 'string',
  numeric: 'string',
  boolean: 'boolean',
  date: 'Date',
  'timestamp with time zone': 'Date',
  bytea: 'Uint8Array',
  json: 'unknown',
  jsonb: 'unknown',
};

/** The whole file. */
export async function describeTypes(client: pg.Client): Promise<string> {
  const { rows } = await client.query<Column>(query, [[...schemas]]);
  const relations = [...Map.groupBy(rows, (row) => row.relation)];
  const interfaces = relations.map(([relation, columns]) => describeRelation(relation, columns));
  const entries = relations.map(([relation]) => `  '${relation}': ${typeName(relation)};`);
  return `// Generated from a migrated database by \`npm run generate\`; \`npm run check:drift\` compares.

export interface Database {
${entries.join('\n')}
}

${interfaces.join('\n')}`;
}

function describeRelation(relation: string, columns: Column[]): string {
  const never = neverNull(columns[0]?.comment ?? null);
  const lines = columns.map(
    ({ name, type, notNull }) => `  ${name}: ${typeOf(type)}${notNull || never.has(name) ? '' : ' | null'};`,
  );
  return `export interface ${typeName(relation)} {\n${lines.join('\n')}\n}\n`;
}

/** Postgres doesn't know which columns of a view are never null; the view's comment says it: "… not null: id, name". */
function neverNull(comment: string | null): Set<string> {
  const [, names = ''] = /not null: ([\w, ]+)/.exec(comment ?? '') ?? [];
  return new Set(names.split(',').map((name) => name.trim()));
}

function typeOf(type: string): string {
  const one = types[type.replace(/\[\]$/, '')];
  if (!one) throw new Error(`db/generate/types.ts doesn't know the type ${type}`);
  return type.endsWith('[]') ? `${one}[]` : one;
}

/** clinic.patient_names → ClinicPatientNames */
const typeName = (relation: string): string =>
  relation.replace(/(^|[._])([a-z])/g, (_, _before, letter) => letter.toUpperCase());
