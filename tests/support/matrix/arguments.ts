// Calls of functions with arguments that make sense, so that what is asked last is reached as well.
import type pg from 'pg';
import { inTransaction, type World } from '../world.ts';
import type { Actor } from './actors.ts';

export type Callable = {
  name: string;
  parameters: { name: string; type: string }[];
  /** What its intent has to be announced as, read from its text; NULL when it takes none. */
  operation: string | null;
};

/** Definer functions that any of the acting roles may execute. */
export async function readCallable(root: pg.Client): Promise<(Callable & { roles: string[] })[]> {
  const { rows } = await root.query<Callable & { roles: string[] }>(
    `select p.oid::regproc::text as name,
       array(select substr(r.rolname, 4) from pg_roles r where pg_has_role('vs_edge', r.oid, 'member') and r.rolname <> 'vs_edge'
             and has_function_privilege(r.oid, p.oid, 'execute')) as roles,
       coalesce((select json_agg(json_build_object('name', p.proargnames[place], 'type', format_type(t, null)) order by place)
                 from unnest(p.proargtypes) with ordinality x (t, place)), '[]') as parameters,
       substring(p.prosrc from 'ops\\.fulfil\\(\\w+, ''([a-z_.]+)''') as operation
     from pg_proc p join tests.ours n on n.oid = p.pronamespace where p.prosecdef and p.prorettype <> 'trigger'::regtype order by 1`,
  );
  return rows.filter(({ roles }) => roles.length > 0);
}

const byType: Record<string, unknown> = {
  text: 'x',
  jsonb: '{}',
  'timestamp with time zone': '2027-01-01T00:00:00Z',
  bigint: 1,
  integer: 1,
};

/** For each parameter by its name, then by its type. */
export function plausible({ a }: World, { name, type }: Callable['parameters'][number], more: Record<string, unknown>) {
  const named: Record<string, unknown> = {
    patient: a.mine,
    account: a.colleague.account,
    performer: a.colleague.account,
    lead: a.clinician.account,
    level: 'clinical',
    priority: 'routine',
    role: 'clinician',
    reason: 'Urgence vitale au cabinet',
    birth_date: '1958-03-12',
    name: 'Nom Cabinet',
    birth_name: 'Nom Cabinet',
    sqlstate: '42501',
    rows: '[]',
    note: '{"subjective": "toux"}',
    ...more,
  };
  return named[name] ?? byType[type] ?? null;
}

/** Announces a change as somebody, committed; gives its key. */
export async function announce(actor: Actor, { db }: World, key: string, operation: string): Promise<void> {
  await inTransaction(actor.client, { token: actor.token ?? null, ring: db.ring, phase: 'open' }, () =>
    actor.client.query("select ops.intend($1, $2, '')", [key, operation]),
  );
}
