import { connect } from '../connect.ts';

/** Identity and clinical keys of subjects that have nothing else; past the triggers, so that there are many in no time. */
export async function addManyKeys(superuserUrl: string, ring: string, organisation: string, subjects: number) {
  const superuser = await connect(superuserUrl);
  try {
    await superuser.query('set session_replication_role = replica');
    await superuser.query(
      `insert into vault.keys (subject_id, level, organisation_id, master, wrapped, indexed)
       select s, l, $2, m, vault.pack(vault.derive(vault.master($1, m), 'wrap'), vault.wrap_aad(s, l, m), extensions.gen_random_bytes(64)),
              case l when 'identity' then m end
       from vault.current_master($1) m, (select gen_random_uuid() as s from generate_series(1, $3)) x, unnest(array['identity', 'clinical']) l`,
      [ring, organisation, subjects],
    );
    await superuser.query('analyze vault.keys');
  } finally {
    await superuser.end();
  }
}
