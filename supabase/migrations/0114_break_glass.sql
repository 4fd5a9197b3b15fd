-- Breaking the glass: in an emergency a clinician opens the record of somebody who isn't in their care.
--
-- Guarantees
--   1. A clinician of the patient's organisation, a kind from the list, and a reason that says something; nobody else.
--   2. It opens for 30 minutes and this person alone, by the clock, also inside a transaction that began before the end; more
--      time takes another reason. Five an hour for each clinician.
--   3. What was refused is recorded like what was granted, and both are committed before anything opens: promise 4 holds on.
--   4. At once visible to the patient, the DPO and the administrators of the organisation, reason included; an e-mail tells
--      them to look.
--   5. A patient whom one doesn't see is found by full birth name and birth date, or by INS. The answer is that there is one
--      (never who, not even an id), recorded; 20 searches an hour.
--   6. The reason has a key of its own, which goes when the patient's keys go.

set role vs_owner;

create table access.emergency_searches (
  id           uuid primary key,
  session_id   uuid not null references iam.sessions,
  account_id   uuid not null references iam.accounts,
  patient_id   uuid references store.patients,
  matches      int not null check (matches >= 0),
  made_at      timestamptz not null default clock_timestamp(),
  transaction  xid8 not null default pg_current_xact_id()
);
comment on table access.emergency_searches is 'What an emergency search found. The searcher is told "there is one"; the glass is broken by the id of the search.';
-- how many in the last hour
create index emergency_searches_account on access.emergency_searches (account_id, made_at desc);
-- clearing out, with their sessions
create index emergency_searches_session on access.emergency_searches (session_id);
create index emergency_searches_patient on access.emergency_searches (patient_id) where patient_id is not null;
alter table access.emergency_searches enable row level security;
alter table access.emergency_searches force row level security;
create policy all_owner on access.emergency_searches to vs_owner using (true) with check (true);
comment on policy all_owner on access.emergency_searches is 'Functions of the owner: the search, and what it may tell.';
-- no grant: clinic.read_emergency_search

create table access.broken_glass (
  id               uuid primary key,
  organisation_id  uuid not null references access.organisations,
  account_id       uuid not null references iam.accounts,
  patient_id       uuid not null references store.patients,
  session_id       uuid not null references iam.sessions,
  kind             text not null check (kind in ('emergency', 'on_call', 'colleague_unreachable', 'patient_asks', 'other')),
  reason           bytea not null,
  broken_at        timestamptz not null,
  ends_at          timestamptz not null check (ends_at between broken_at and broken_at + interval '30 minutes'),
  seen_by          uuid references iam.accounts,
  seen_at          timestamptz,
  check ((seen_by is null) = (seen_at is null))
);
comment on table access.broken_glass is 'Emergency access: who to whom, why, until when, and which DPO or administrator has looked into it.';
-- "may this clinician open this patient?", and how many in the last hour
create index broken_glass_account on access.broken_glass (account_id, patient_id, ends_at);
-- the patient's own page, and an erasure
create index broken_glass_patient on access.broken_glass (patient_id, broken_at desc);
-- the pages of the DPO and the administrator
create index broken_glass_organisation on access.broken_glass (organisation_id, broken_at desc);
create index broken_glass_session on access.broken_glass (session_id);
create index broken_glass_seen_by on access.broken_glass (seen_by) where seen_by is not null;

alter table access.broken_glass enable row level security;
alter table access.broken_glass force row level security;
-- predicates read this table, so the owner sees it whole
create policy select_owner on access.broken_glass for select to vs_owner using (true);
comment on policy select_owner on access.broken_glass is 'access.glass and access.patients read it.';
create policy insert_owner on access.broken_glass for insert to vs_owner
  with check ((select access.role()) = 'clinician' and account_id = (select access.account_id())
              and organisation_id = (select access.organisation_id()));
comment on policy insert_owner on access.broken_glass is 'A clinician, in their own name and organisation.';
create policy update_owner on access.broken_glass for update to vs_owner
  using (organisation_id = (select access.organisation_id()) or (select access.role()) is null)
  with check (organisation_id = (select access.organisation_id()) or (select access.role()) is null);
comment on policy update_owner on access.broken_glass is 'Ending one early, and noting who looked into it; an erasure ends them outside any session. What else may change, the trigger says.';
create policy select_dpo on access.broken_glass for select to vs_dpo
  using (organisation_id = (select access.organisation_as('dpo')));
comment on policy select_dpo on access.broken_glass is 'The DPO sees every one of the organisation.';
create policy select_org_admin on access.broken_glass for select to vs_org_admin
  using (organisation_id = (select access.organisation_as('org_admin')));
comment on policy select_org_admin on access.broken_glass is 'An administrator sees every one of the organisation: the patient is an id.';
create policy select_patient on access.broken_glass for select to vs_patient
  using (patient_id = any ((select access.patients('patient'))::uuid[]));
comment on policy select_patient on access.broken_glass is 'A patient sees those of their own record.';
create policy select_clinician on access.broken_glass for select to vs_clinician
  using (account_id = (select access.account_id()) and organisation_id = (select access.organisation_as('clinician')));
comment on policy select_clinician on access.broken_glass is 'One''s own.';

grant select on access.broken_glass to vs_dpo, vs_org_admin, vs_patient, vs_clinician;
-- no insert, update or delete: audit.break_glass, clinic.end_glass and clinic.acknowledge_glass, as the owner

create function access.tg_broken_glass__only_ends() returns trigger
language plpgsql set search_path = '' as $$
begin
  if to_jsonb(new) - 'ends_at' - 'seen_by' - 'seen_at' <> to_jsonb(old) - 'ends_at' - 'seen_by' - 'seen_at'
     or new.ends_at > old.ends_at or (old.seen_at is not null and (new.seen_by, new.seen_at) is distinct from (old.seen_by, old.seen_at)) then
    raise exception using errcode = 'VS403', message = 'a broken glass can be ended and looked into, and not changed otherwise';
  end if;
  return new;
end $$;
create trigger _100_only_ends before update on access.broken_glass for each row execute function access.tg_broken_glass__only_ends();
create trigger _900_audit after insert or update or delete on access.broken_glass for each row execute function audit.tg_row('BrokenGlass', 'patient_id');

-- Erasure destroys the patient's keys; the reasons that name the patient go with them, whoever erases.
create function access.tg_keys__forget_glass() returns trigger
language plpgsql volatile set search_path = '' as $$
begin
  delete from vault.keys k using access.broken_glass b where b.patient_id = old.subject_id and k.subject_id = b.id and k.level = 'glass';
  return null;
end $$;
create trigger _200_forget_glass after delete on vault.keys for each row when (old.level = 'identity')
  execute function access.tg_keys__forget_glass();

-- ---------------------------------------------------------------- the predicate

create function access.glass(account uuid, organisation uuid, patient uuid) returns uuid
language plpgsql stable set search_path = '' as $$
begin
  return (
    select b.id from access.broken_glass b
    where b.account_id = account and b.patient_id = patient and b.organisation_id = organisation
      -- one that begins in the future is from before the clock was put back: it doesn't last longer for that
      and clock_timestamp() >= b.broken_at - interval '5 seconds' and clock_timestamp() < b.ends_at
    order by b.ends_at desc limit 1);
end $$;
comment on function access.glass is 'The glass that this person has broken for this patient and that is open now, or NULL. access.way_in asks it last.';

-- ---------------------------------------------------------------- finding somebody in an emergency

-- Is this patient exactly who was typed? Nothing of what is opened here leaves the function.
create function vault.is_exactly(ring text, patient store.patients, typed_name text[], typed_given text[], day text, matricule text) returns boolean
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := vault.unwrap(ring, patient.id, 'identity');
  bound bytea := '\x00'::bytea || uuid_send(patient.id) || uuid_send(patient.id) || int8send(patient.version)
    || convert_to(patient.identity_status, 'UTF8') || uuid_send(patient.organisation_id);
begin
  if matricule is not null then
    return coalesce(convert_from(vault.unpack(key, 'store.patients.ins_matricule'::bytea || bound, patient.ins_matricule), 'UTF8') = matricule, false);
  end if;
  return day = convert_from(vault.unpack(key, 'store.patients.birth_date'::bytea || bound, patient.birth_date), 'UTF8')
     and typed_name = vault.words(convert_from(vault.unpack(key, 'store.patients.birth_name'::bytea || bound, patient.birth_name), 'UTF8'))
     and (typed_given = '{}' or typed_given = vault.words(convert_from(vault.unpack(key, 'store.patients.first_given_name'::bytea || bound, patient.first_given_name), 'UTF8')));
end $$;
comment on function vault.is_exactly is 'Internal.';

create function audit.open_emergency_search(search uuid, birth_name text, birth_date text, first_given_name text, ins text) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  ring text;
  typed text[] := vault.words(left(birth_name, 200));
  given text[] := vault.words(left(first_given_name, 200));
  day text := nullif(birth_date, '');
  matricule text := nullif(upper(regexp_replace(left(ins, 40), '[^0-9A-Za-z]', '', 'g')), '');
  places bigint[];
  tokens bigint[];
  found_ids uuid[];
begin
  if c is null then return 'signed_out'; end if;
  if c[4] <> 'clinician' then
    perform audit.append(c, 'patients.search', 'Patient', null, null, 'failure', '{"emergency":true}');
    return 'forbidden';
  end if;
  if matricule is null and (typed = '{}' or (day ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$') is not true) then return 'invalid'; end if;
  -- a request that is sent again after a lost connection has its answer already
  if exists (select from access.emergency_searches s where s.id = search and s.session_id = c[1]::uuid) then return 'ok'; end if;
  -- one at a time: two transactions that count at once would each find room
  perform from iam.accounts a where a.id = c[2]::uuid for no key update;
  if (select count(*) from access.emergency_searches s where s.account_id = c[2]::uuid and s.made_at > clock_timestamp() - interval '1 hour') >= 20 then
    perform audit.append(c, 'patients.search', 'Patient', null, null, 'failure', '{"emergency":true,"limited":true}');
    return 'limited';
  end if;
  ring := vault.ring();
  -- a candidate has a token for each long word and for the date, or for the INS, under any key of the ring
  select array_agg(f.place), array_agg(vault.token(vault.search_key(ring, split_part(e, '=', 1), c[3]::uuid), f.kind, f.value)) into places, tokens
  from (select row_number() over () as place, 'name' as kind, left(w, 5) as value from unnest(typed) w where length(w) >= 3 and matricule is null
        union all select 0, 'birth_date', day where matricule is null
        union all select 0, 'ins', matricule where matricule is not null) f
  cross join unnest(string_to_array(ring, ',')) e;
  found_ids := array(
    select p.id from store.patients p
    where p.organisation_id = c[3]::uuid
      and p.id = any (array(select t.patient_id from unnest(places, tokens) q (place, token) join vault.search_tokens t on t.token = q.token
                            where t.organisation_id = c[3]::uuid
                            group by t.patient_id having count(distinct q.place) = (select count(distinct w) from unnest(places) w)))
      and vault.is_exactly(ring, p, typed, given, day, matricule));
  insert into access.emergency_searches (id, session_id, account_id, patient_id, matches)
  values (search, c[1]::uuid, c[2]::uuid, case when cardinality(found_ids) = 1 then found_ids[1] end, cardinality(found_ids));
  perform audit.append(c, 'patients.search', 'Patient', search, case when cardinality(found_ids) = 1 then found_ids[1] end, 'success',
    json_build_object('emergency', true, 'matches', cardinality(found_ids))::text);
  return 'ok';
exception when unique_violation then
  raise exception using errcode = 'VS409', message = 'this page was asked for already: load it again';
end $$;
comment on function audit.open_emergency_search is 'A clinician looks for somebody whom they don''t see, by the whole birth name and birth date (YYYY-MM-DD; first given name where two are alike) or by INS, exactly. ok, invalid, forbidden, limited or signed_out; clinic.read_emergency_search tells, in a later transaction, whether there is one.';

create function clinic.read_emergency_search(search uuid) returns table (state text, patient_id uuid)
language plpgsql volatile security definer rows 1 set search_path = '' set debug_print_plan = off as $$
#variable_conflict use_column
declare
  c text[] := access.claims();
begin
  return query
  select case when s.matches = 0 then 'none' when s.matches > 1 then 'several' when v.sees then 'yours' else 'one' end,
         -- an id only of somebody whom one sees anyway
         case when v.sees then s.patient_id end
  from access.emergency_searches s
  cross join lateral (select s.patient_id is not null and access.sees(c[4], c[2]::uuid, c[3]::uuid, null, s.patient_id) as sees) v
  where s.id = search and s.session_id = c[1]::uuid and c[4] = 'clinician'
    -- not of this transaction: what a search found is told after its record is committed
    and s.transaction is distinct from pg_current_xact_id_if_assigned()
    and s.made_at > clock_timestamp() - interval '15 minutes';
end $$;
comment on function clinic.read_emergency_search is 'What one''s own emergency search found: none, one, several, or yours (with the id) for a patient whom one sees.';

-- ---------------------------------------------------------------- breaking it

create function access.tell_of_glass(ring text, organisation uuid, patient uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
  m record;
begin
  for m in select distinct on (x.account_id) x.account_id, x.role from access.memberships x join iam.accounts a on a.id = x.account_id
           where x.organisation_id = organisation and (x.patient_id = patient or x.role in ('dpo', 'org_admin'))
             and access.membership_is_live(x.id) and a.email_confirmed_at is not null order by x.account_id loop
    begin
      perform ops.post(ring, m.account_id, 'email', 'glass_broken',
        jsonb_build_object('path', case m.role when 'patient' then '/record/accesses' else '/emergencies' end));
    exception when others then
      -- an emergency waits for no message: the pages tell all the same
      continue;
    end;
  end loop;
end $$;
comment on function access.tell_of_glass is 'An e-mail to the patient, the DPO and the administrators, which says that there was one and not whose. Internal.';

create function audit.break_glass(glass uuid, search uuid, kind text, reason text) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  patient uuid;
  said text := array_to_string(vault.words(left(reason, 2000)), '');
  answer text := 'ok';
  at timestamptz := clock_timestamp();
begin
  if c is null then return 'signed_out'; end if;
  -- step-up (requirement A8)
  if c[4] = 'clinician' and not iam.factor_is_recent(c[1]::uuid) then
    perform audit.append(c, 'session.step_up', 'session', c[1]::uuid, null, 'failure', '{"asked":true}');
    return 'step_up';
  end if;
  if c[4] = 'clinician' then
    select s.patient_id into patient from access.emergency_searches s
    where s.id = search and s.session_id = c[1]::uuid and s.transaction is distinct from pg_current_xact_id_if_assigned()
      and s.made_at > clock_timestamp() - interval '15 minutes';
    -- an erasure that is under way comes first, or the reason would outlive the patient
    perform from store.patients p where p.id = patient for key share;
    -- one at a time: two transactions that count at once would each find room
    perform from iam.accounts a where a.id = c[2]::uuid for no key update;
    -- sent again after a lost connection
    if exists (select from access.broken_glass b where b.id = break_glass.glass and b.account_id = c[2]::uuid and b.patient_id = patient) then return 'ok'; end if;
  end if;
  if c[4] <> 'clinician' then answer := 'forbidden';
  elsif patient is null or access.organisation_of(patient) is distinct from c[3]::uuid or not iam.session_is_live(c[1]::uuid) then answer := 'hidden';
  elsif access.way_in(c[4], c[2]::uuid, c[3]::uuid, null, patient) in ('care_team', 'referral') then return 'ok';
  -- ten letters or digits, five of them different: what is typed to get past a field says nothing to a patient or a DPO
  elsif length(said) < 10 or length(reason) > 2000 or (select count(distinct l) from regexp_split_to_table(said, '') l) < 5
        or (kind in ('emergency', 'on_call', 'colleague_unreachable', 'patient_asks', 'other')) is not true then answer := 'invalid';
  elsif (select count(*) from access.broken_glass b where b.account_id = c[2]::uuid and b.broken_at > at - interval '1 hour') >= 5 then answer := 'limited';
  end if;
  if answer = 'ok' then
    insert into access.broken_glass (id, organisation_id, account_id, patient_id, session_id, kind, reason, broken_at, ends_at)
    values (break_glass.glass, c[3]::uuid, c[2]::uuid, patient, c[1]::uuid, break_glass.kind,
            vault.seal(vault.create_key(vault.ring(), break_glass.glass, 'glass', c[3]::uuid), break_glass.glass, patient, 1,
                       uuid_send(c[2]::uuid) || timestamptz_send(at) || convert_to(break_glass.kind, 'UTF8'), 'access.broken_glass.reason', reason),
            at, at + interval '30 minutes');
    perform access.tell_of_glass(vault.ring(), c[3]::uuid, patient);
  end if;
  perform audit.append(c, 'glass.break', 'BrokenGlass', break_glass.glass, patient, case when answer = 'ok' then 'success' else 'failure' end,
    case when answer = 'ok' then json_build_object('kind', break_glass.kind) else json_build_object('refused', answer) end::text);
  return answer;
end $$;
comment on function audit.break_glass is 'A clinician opens the record that an emergency search of theirs found, for 30 minutes. glass: a new uuid, which makes a repeated request harmless. ok, forbidden, hidden, invalid (kind or reason), limited, step_up or signed_out; then audit.open_patient works as for any other.';

-- ---------------------------------------------------------------- who is told

create function clinic.glass_reason(glass uuid) returns text
language plpgsql stable parallel unsafe security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  b access.broken_glass;
begin
  select * into b from access.broken_glass x where x.id = glass and x.organisation_id = c[3]::uuid
    and (c[4] in ('dpo', 'org_admin') or (c[4] = 'patient' and x.patient_id = c[5]::uuid) or (c[4] = 'clinician' and x.account_id = c[2]::uuid));
  if not found or not exists (select from vault.keys k where k.subject_id = glass and k.level = 'glass') then return null; end if;
  return convert_from(vault.unpack(vault.unwrap(vault.ring(), glass, 'glass'),
    'access.broken_glass.reason'::bytea || '\x00'::bytea || uuid_send(b.id) || uuid_send(b.patient_id) || int8send(1)
      || uuid_send(b.account_id) || timestamptz_send(b.broken_at) || convert_to(b.kind, 'UTF8'), b.reason), 'UTF8');
end $$;
comment on function clinic.glass_reason is 'Why a glass was broken, for the DPO and administrators of the organisation, the patient, and who broke it; NULL when the patient was erased.';

create view clinic.broken_glass with (security_invoker = true) as
  select b.id, b.patient_id, b.account_id, a.name as account_name, b.kind, r.reason, b.broken_at, b.ends_at, b.ends_at > now() as open,
         b.seen_at, s.name as seen_by_name
  from access.broken_glass b
  left join lateral (select clinic.glass_reason(b.id) as reason offset 0) r on true
  left join lateral (select iam.person_name(b.account_id) as name offset 0) a on true
  left join lateral (select iam.person_name(b.seen_by) as name offset 0) s on true;
comment on view clinic.broken_glass is 'Emergency accesses: to the organisation for DPO and administrators, to one''s own record for a patient, by oneself for a clinician. not null: id, patient_id, account_id, kind, broken_at, ends_at, open';
grant select on clinic.broken_glass to vs_dpo, vs_org_admin, vs_patient, vs_clinician;

create function audit.open_broken_glass() returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  return audit.open_page(case when c[4] = 'org_admin' then 'org_admin' else 'dpo' end, 'log.read', 'BrokenGlass');
end $$;
comment on function audit.open_broken_glass is 'The DPO or an administrator reads the emergency accesses. ok, forbidden or signed_out.';

create function clinic.end_glass(key uuid, glass uuid) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  b access.broken_glass;
begin
  select * into b from access.broken_glass x
  where x.id = glass and x.organisation_id = c[3]::uuid
    and (c[4] in ('dpo', 'org_admin') or (c[4] = 'clinician' and x.account_id = c[2]::uuid))
  for update;
  if not found or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such emergency access here';
  end if;
  perform ops.fulfil(key, 'glass.end', glass);
  if b.ends_at > clock_timestamp() then
    update access.broken_glass x set ends_at = greatest(x.broken_at, clock_timestamp()) where x.id = glass;
    perform audit.append(c, 'glass.end', 'BrokenGlass', glass, b.patient_id, 'success');
  end if;
  return glass;
end $$;
comment on function clinic.end_glass is 'Who broke it, the DPO or an administrator ends an emergency access, now. key: ops.intend(key, ''glass.end''). Errors: VS208, VS404, VS428.';

create function clinic.acknowledge_glass(key uuid, glass uuid) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  breaker uuid;
begin
  select x.account_id into breaker from access.broken_glass x
  where x.id = glass and x.organisation_id = c[3]::uuid and c[4] in ('dpo', 'org_admin') for update;
  if not found or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such emergency access here';
  end if;
  -- somebody may be a clinician and an administrator
  if breaker = c[2]::uuid then
    raise exception using errcode = 'VS403', message = 'somebody else looks into an emergency access of one''s own';
  end if;
  perform ops.fulfil(key, 'glass.acknowledge', glass);
  update access.broken_glass x set seen_by = c[2]::uuid, seen_at = clock_timestamp() where x.id = glass and x.seen_at is null;
  return glass;
end $$;
comment on function clinic.acknowledge_glass is 'The DPO or an administrator notes that they looked into it; the first one stays, and nobody into their own. key: ops.intend(key, ''glass.acknowledge''). Errors: VS208, VS403, VS404, VS428.';

grant execute on function audit.open_emergency_search, audit.break_glass, audit.open_broken_glass
  to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;
grant execute on function clinic.read_emergency_search to vs_clinician;
grant execute on function clinic.glass_reason to vs_dpo, vs_org_admin, vs_patient, vs_clinician;
grant execute on function clinic.end_glass to vs_clinician, vs_org_admin, vs_dpo;
grant execute on function clinic.acknowledge_glass to vs_org_admin, vs_dpo;

reset role;
