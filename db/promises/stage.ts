// The people and records that the attacks are about, found in whatever practices the database holds.
import type pg from 'pg';
import { CommandError } from '../command-error.ts';
import type { Stage } from './types.ts';

const people = `
  select m.role, m.account_id as account, m.organisation_id as organisation
  from access.memberships m where access.membership_is_live(m.id)`;

/** @throws CommandError when the database hasn't two practices with notes */
export async function setStage(superuser: pg.Client, ring: string): Promise<Stage> {
  const { rows } = await superuser.query(`
    with people as (${people}), seen as (
      select c.account, c.organisation, n.patient_id, n.id as note
      from people c join store.patients p on p.organisation_id = c.organisation join store.notes n on n.patient_id = p.id
      where c.role = 'clinician' and n.subjective is not null
        and access.sees('clinician', c.account, c.organisation, null, p.id))
    select s.account, s.organisation, s.patient_id as mine, s.note, k.account as colleague, y.account as secretary,
           hidden.id as neighbour, foreign_one.id as "foreign", foreign_one.note as other_note,
           e.lane, e.seq
    from seen s
    join people k on k.organisation = s.organisation and k.role = 'clinician' and k.account <> s.account
    join people y on y.organisation = s.organisation and y.role = 'secretary'
    cross join lateral (select p.id from store.patients p where p.organisation_id = s.organisation and p.id <> s.patient_id
      order by access.sees('clinician', s.account, s.organisation, null, p.id), p.id limit 1) hidden
    cross join lateral (select p.id, n.id as note from store.patients p join store.notes n on n.patient_id = p.id
      where p.organisation_id <> s.organisation and n.subjective is not null order by n.id limit 1) foreign_one
    cross join lateral (select v.lane, v.seq from audit.events v join audit.lanes l using (organisation_id, lane)
      where v.organisation_id = s.organisation and v.seq < l.seq and v.actor_id is distinct from k.account
      order by v.at desc limit 1) e
    order by s.organisation, s.account, s.note limit 1`);
  const found = rows[0];
  if (!found)
    throw new CommandError(
      'The attacks need two practices with clinicians, secretaries and notes, as the demo has them: start with npm start in an empty VITAL_DIR.',
    );
  const { organisation, mine, neighbour, foreign, note, colleague, lane, seq } = found;
  return {
    clinician: { role: 'clinician', account: found.account, organisation },
    secretary: { role: 'secretary', account: found.secretary, organisation },
    mine,
    neighbour,
    foreign,
    note,
    otherNote: found.other_note,
    colleague,
    event: { lane, seq },
    ring,
  };
}
