-- A log as years of work would have left it, made by the million: chains that verify, spread over the last twelve months.
-- For the bench alone (log-scale.ts), as a superuser; audit.append writes one event in each transaction.
create schema if not exists bench;

create or replace function bench.prepare(organisation uuid) returns void language plpgsql as $$
begin
  perform audit.create_lanes(organisation);
  perform audit.make_month(m) from (
    select audit.month_of(now() - make_interval(months => i)) as m from generate_series(1, 13) i
    except select month from audit.months()) x;
end $$;

-- The next events of one lane: looks and notes of 20,000 patients by 200 people.
create or replace function bench.grow(organisation uuid, in_lane int, events int, since timestamptz, step interval) returns void language plpgsql as $$
declare
  e audit.events;
  last bytea;
  patients uuid[] := array(select md5('patient' || i)::uuid from generate_series(1, 20000) i);
  people uuid[] := array(select md5('person' || i)::uuid from generate_series(1, 200) i);
  session uuid := gen_random_uuid();
begin
  select l.seq, l.head into e.seq, last from audit.lanes l where l.organisation_id = organisation and l.lane = in_lane for update;
  e.organisation_id := organisation; e.lane := in_lane; e.actor_role := 'clinician'; e.outcome := 'success'; e.session_id := session;
  e.origin_id := session;
  for i in 1 .. events loop
    e.id := gen_random_uuid(); e.seq := e.seq + 1; e.at := since + i * step;
    e.patient_id := patients[1 + floor(random() * 20000)::int]; e.actor_id := people[1 + floor(random() * 200)::int];
    if i % 5 = 0 then
      e.event := 'row.insert'; e.resource_type := 'Composition'; e.resource_id := gen_random_uuid();
      e.details := '{"digest" : "' || encode(sha256(uuid_send(e.id)), 'hex') || '", "columns" : null}';
    else
      e.event := 'patient.read'; e.resource_type := 'Patient'; e.resource_id := e.patient_id; e.details := null;
    end if;
    e.leaf := audit.leaf(e, last);
    last := sha256(convert_to(e.leaf, 'UTF8'));
    insert into audit.events values (e.*);
    insert into audit.leaves values (organisation, in_lane, e.seq, last);
  end loop;
  update audit.lanes l set seq = e.seq, head = last where l.organisation_id = organisation and l.lane = in_lane;
end $$;
