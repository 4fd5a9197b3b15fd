-- A larger practice around the patients that the bench opens: as many rows in every table and index, in other care teams.
-- Nobody opens these, so their ciphertext may be a copy (it is bound to other ids and would be refused), and their events
-- are chained to nothing. As superuser, in a database of the bench's own; one call for each copy.
create schema bench;
create table bench.originals as select id from store.patients;
create table bench.teams (id uuid not null);
-- a team of no clinician, for each hundred patients of a copy
create procedure bench.copy_practice(copy int) language plpgsql as $$
declare
  organisation uuid := (select organisation_id from store.patients limit 1);
  lead uuid := (select lead_account_id from access.care_teams limit 1);
  target text;
  columns text;
begin
  set local session_replication_role = replica;
  set local synchronous_commit = off;
  create temp table map on commit drop as select o.id as old, gen_random_uuid() as new, row_number() over () as place from bench.originals o;
  analyze map;
  insert into store.patients select (jsonb_populate_record(p, jsonb_build_object('id', m.new, 'last_activity_at', p.last_activity_at - interval '20 years'))).*
  from map m join store.patients p on p.id = m.old;
  insert into vault.keys select (jsonb_populate_record(k, jsonb_build_object('subject_id', m.new))).* from map m join vault.keys k on k.subject_id = m.old;
  -- tokens that no word has: a name that is searched finds the patients that can be opened
  insert into vault.search_tokens select t.organisation_id, -1 - (random() * 268435455)::bigint, m.new
  from map m join vault.search_tokens t on t.patient_id = m.old on conflict do nothing;
  foreach target in array array['encounters', 'conditions', 'observations', 'medication_requests', 'allergy_intolerances', 'notes'] loop
    select string_agg(format('%I', attname), ', ') into columns from pg_attribute
    where attrelid = ('store.' || target)::regclass and attnum > 0 and not attisdropped and attname not in ('id', 'patient_id');
    execute format('insert into store.%I (id, patient_id, %s) select gen_random_uuid(), m.new, %s from map m join store.%I t on t.patient_id = m.old',
                   target, columns, 't.' || replace(columns, ', ', ', t.'), target);
  end loop;
  with made as (insert into access.care_teams (organisation_id, lead_account_id)
                select organisation, lead from generate_series(1, (select count(*) from map) / 100 + 1) returning id)
  insert into bench.teams select id from made;
  insert into access.care_team_patients (care_team_id, patient_id)
  select t.id, m.new from map m join (select id, row_number() over () - 1 as n, count(*) over () as teams from bench.teams) t on t.n = m.place % t.teams;
  insert into audit.events select (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), 'seq', e.seq + copy * 100000000::bigint, 'patient_id', m.new))).*
  from map m join audit.events e on e.patient_id = m.old and e.seq < 100000000;
  insert into audit.leaves select l.organisation_id, l.lane, l.seq + copy * 100000000::bigint, l.hash from audit.leaves l where l.seq < 100000000;
end $$;

-- somebody on a team that follows the whole practice: $account is put in by the bench
create procedure bench.follow_everybody(account uuid) language plpgsql as $$
declare
  team uuid;
begin
  set local session_replication_role = replica;
  insert into access.care_teams (organisation_id, lead_account_id)
  select organisation_id, account from store.patients limit 1 returning id into team;
  insert into access.care_team_members (care_team_id, account_id) values (team, account);
  insert into access.care_team_patients (care_team_id, patient_id) select team, id from store.patients;
end $$;
