// What only a superuser can do for an installation, done once. With the embedded Postgres `vitalsync migrate` does it;
// elsewhere `vitalsync doctor` prints these statements for whoever is superuser there.
import type pg from 'pg';
import { connect } from './connect.ts';

/**
 * Functions that let plaintext spill out of a read only transaction, past the audit log (hardening rule 9); those by which
 * one injected statement could end everybody else's connection, since all are of the same login; the counters by which
 * a search that is rolled back would still tell how much it found; the locks by which it could keep others from signing in
 * (0090_sign_in counts attempts by them, and pg_locks shows everybody's); and the names of what is prepared on a connection,
 * by which it could put a statement in the place of the next user's.
 */
const spilling =
  "'^(lo_|loread$|lowrite$|pg_notify$|pg_logical_emit_message$|pg_(terminate|cancel)_backend$|pg_stat_get_xact_|pg_(try_)?advisory_(xact_)?lock|pg_prepared_statement$)'";

export const revokeSpills = `do $$ declare f regprocedure; begin
  for f in select oid from pg_proc where pronamespace = 'pg_catalog'::regnamespace and proname ~ ${spilling} loop
    execute format('revoke execute on function %s from public', f);
  end loop;
end $$`;

/** The DBA still ends a connection that hangs. */
export const letDbaEndBackends = `do $$ declare f regprocedure; begin
  for f in select oid from pg_proc where pronamespace = 'pg_catalog'::regnamespace and proname ~ '^pg_(terminate|cancel)_backend$' loop
    execute format('grant execute on function %s to vs_dba', f);
  end loop;
  -- vs_dba inherits nothing else; on 15 it says "set role pg_signal_backend" first
  if current_setting('server_version_num')::int >= 160000 then
    execute 'grant pg_signal_backend to vs_dba with inherit true';
  else
    grant pg_signal_backend to vs_dba;
    grant execute on function pg_terminate_backend(int, bigint), pg_cancel_backend(int) to pg_signal_backend;
  end if;
end $$`;

/** Signing in, making partitions and migrating take locks, as the owner. */
export const letOwnerLock = `do $$ declare f regprocedure; begin
  for f in select oid from pg_proc where pronamespace = 'pg_catalog'::regnamespace and proname ~ '^pg_(try_)?advisory_(xact_)?lock' loop
    execute format('grant execute on function %s to vs_owner', f);
  end loop;
end $$`;

/** An error's message may quote a value, so the log of what pages do holds none; the edge logs the SQLSTATE. */
export const silenceErrors = (['vs_edge', 'vs_gate'] as const).map(
  (role) => `alter role ${role} set log_min_messages = 'fatal'`,
);

/** So that dumps by the DBA are whole. */
export const letDumpsBeWhole = 'alter role vs_dba bypassrls';

export const superuserStatements: readonly string[] = [
  revokeSpills,
  letDbaEndBackends,
  letOwnerLock,
  ...silenceErrors,
  letDumpsBeWhole,
];

/** What of it is still to be done here. Any login may ask. */
export async function missingPowers(client: pg.Client): Promise<{ spills: boolean; errors: boolean; dumps: boolean }> {
  const { rows } = await client.query(`
    select exists (select from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ ${spilling}
                   and has_function_privilege('vs_clinician', p.oid, 'execute')) as spills,
           (select count(*) from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
            where s.setdatabase = 0 and r.rolname in ('vs_edge', 'vs_gate') and 'log_min_messages=fatal' = any (s.setconfig)) < 2 as errors,
           not (select rolbypassrls from pg_roles where rolname = 'vs_dba') as dumps`);
  return rows[0];
}

/** @param url a superuser on the database of the installation */
export async function useSuperuser(url: string): Promise<void> {
  const superuser = await connect(url);
  try {
    for (const statement of superuserStatements) await superuser.query(statement);
  } finally {
    await superuser.end();
  }
}
