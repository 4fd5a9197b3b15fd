import type pg from 'pg';

/**
 * Events of an organisation of their own in a month of long ago, chained as audit.append would have done it then, and one of
 * today. `root` is a superuser. Gives the organisation.
 */
export async function rememberPast(root: pg.Client, month: string, events = 3): Promise<string> {
  await root.query('select audit.make_month($1::timestamp at time zone $2)', [month, 'UTC']);
  const { rows } = await root.query<{ id: string }>('select gen_random_uuid() as id');
  const organisation = rows[0]!.id;
  await root.query(`do $$ declare e audit.events; h bytea := decode(repeat('00', 32), 'hex'); begin
    for i in 1 .. ${events + 1} loop
      e.id := gen_random_uuid(); e.organisation_id := '${organisation}'; e.lane := 0; e.seq := i;
      e.at := case when i <= ${events} then timestamptz '${month} 12:00+00' + make_interval(secs => i) else clock_timestamp() end;
      e.event := 'accounts.read'; e.resource_type := 'Person'; e.actor_role := 'clinician'; e.outcome := 'success';
      e.leaf := audit.leaf(e, h); h := sha256(convert_to(e.leaf, 'UTF8'));
      insert into audit.events values (e.*);
      insert into audit.leaves values (e.organisation_id, 0, i, h);
    end loop;
    perform audit.create_lanes(e.organisation_id);
    update audit.lanes l set seq = e.seq, head = h where l.organisation_id = e.organisation_id and l.lane = 0;
  end $$`);
  return organisation;
}
