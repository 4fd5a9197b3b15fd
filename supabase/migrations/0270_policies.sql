-- Explanations: who can see a patient, and why somebody can or can't. `vitalsync policy who-can-see` and `why`.
--
-- Guarantees
--   1. The verdict is that of the predicates which decide (access.membership_is_live as in iam.admit, then access.may_open),
--      asked for each membership; the words are looked up afterwards and decide nothing.
--   2. Ids, roles and dates, no name, nothing that is sealed.
--   3. Asking is recorded, since who follows a patient says something of the patient.
--   4. For the administrator of the installation and the DBA; nobody who acts may ask.

set role vs_owner;

-- ---------------------------------------------------------------- words

create function access.moment(at timestamptz) returns text
language plpgsql stable set search_path = '' as $$
begin
  return to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC';
end $$;
comment on function access.moment is 'Internal.';

-- Every way in that a clinician has, had or will have to a patient, as the tables of 0060, 0112 and 0114 hold it.
create function access.reasons(account uuid, organisation uuid, patient uuid)
returns table (since timestamptz, until timestamptz, words text)
language sql stable set search_path = '' as $$
  select greatest(m.valid_from, p.valid_from), least(m.valid_until, p.valid_until), format('care team %s led by %s, as %s', t.id, t.lead_account_id, m.role)
  from access.care_team_members m join access.care_team_patients p using (care_team_id)
  join access.care_teams t on t.id = m.care_team_id and t.organisation_id = organisation
  where m.account_id = account and p.patient_id = patient and m.valid_from < p.valid_until and p.valid_from < m.valid_until
  union all
  select r.valid_from, r.valid_until, format('referral %s by %s, %s', r.id, r.requester_id, r.priority)
  from store.referrals r where r.performer_id = account and r.organisation_id = organisation and r.patient_id = patient
  union all
  select b.broken_at, b.ends_at, format('broken glass %s, %s', b.id, b.kind)
  from access.broken_glass b where b.account_id = account and b.organisation_id = organisation and b.patient_id = patient
$$;
comment on function access.reasons is 'What access.way_in could find, with its period, also when it is over. Internal.';

create function access.reasons_in_words(account uuid, organisation uuid, patient uuid, holding boolean) returns text[]
language plpgsql stable set search_path = '' as $$
declare
  now_at timestamptz := clock_timestamp();
begin
  return array(
    select r.words || case
      when r.since > now_at then ', from ' || access.moment(r.since)
      when r.until <= now_at then ', ended ' || access.moment(r.until)
      else ', since ' || access.moment(r.since) || case when r.until = 'infinity' then '' else ', until ' || access.moment(r.until) end end
    from access.reasons(account, organisation, patient) r
    where not holding or (r.until > now_at and r.since <= now_at + interval '5 seconds')
    order by r.until desc, r.since desc);
end $$;
comment on function access.reasons_in_words is 'Internal. holding: only those that hold now.';

-- ---------------------------------------------------------------- the explanation of one membership

create function access.explain_membership(m access.memberships, patient uuid,
                                          out identity boolean, out clinical boolean, out words text[])
language plpgsql stable set search_path = '' as $$
declare
  -- as iam.admit would seal them, with no patient on the page
  claims constant text[] := array[null, m.account_id::text, m.organisation_id::text, m.role, m.patient_id::text, null, null, null, null];
  live constant boolean := access.membership_is_live(m.id);
  place constant uuid := access.organisation_of(patient);
  status text := (select a.status from iam.accounts a where a.id = m.account_id);
begin
  identity := live and access.may_open(claims, patient, 'identity');
  clinical := live and access.may_open(claims, patient, 'clinical');
  if identity then
    words := case m.role
      when 'clinician' then access.reasons_in_words(m.account_id, m.organisation_id, patient, true)
      when 'secretary' then array['a secretary of the organisation: identity, nothing clinical']
      when 'patient' then array['their own record'] end;
    if coalesce(cardinality(words), 0) = 0 then words := array['access.way_in says yes, and 0270_policies knows no word for it']; end if;
    return;
  end if;
  words := case
    when status <> 'active' then array[format('the account is %s', status)]
    when m.valid_until < clock_timestamp() then array['the membership ended ' || access.moment(m.valid_until)]
    when m.valid_from > clock_timestamp() then array['the membership begins ' || access.moment(m.valid_from)]
    when place is null then array['there is no such patient, or it was erased']
    when m.role = 'patient' then array['a patient sees their own record alone']
    when m.role not in ('clinician', 'secretary') then array[format('the role %s sees no patient', m.role)]
    when place <> m.organisation_id then array['the patient belongs to another organisation']
    else access.reasons_in_words(m.account_id, m.organisation_id, patient, false) end;
  if cardinality(words) = 0 then words := array['no care team follows the patient with them in it, no referral, no broken glass']; end if;
end $$;
comment on function access.explain_membership is 'What the predicates say of this membership and this patient, and the words for it. Internal.';

-- ---------------------------------------------------------------- what is asked

create function access.note_explanation(patient uuid, account uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform audit.append(array[null, null, access.organisation_of(patient)::text, null, null, null, null, null, null],
    'accounts.read', 'Access', patient, null, 'success', json_build_object('account', account, 'login', session_user)::text);
end $$;
comment on function access.note_explanation is 'Asking is an event. It bears no patient, since nobody looked at one: the id stands as the resource. Internal.';

create function access.explain(account uuid, patient uuid)
returns table (organisation_id uuid, role text, identity boolean, clinical boolean, words text[])
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
begin
  perform access.note_explanation(patient, account);
  return query
    select m.organisation_id, m.role, e.identity, e.clinical, e.words
    from access.memberships m cross join lateral access.explain_membership(m, patient) e
    where m.account_id = explain.account order by m.valid_from, m.id;
end $$;
comment on function access.explain is 'For each membership of this account: does it see the patient, at which level, and why or why not. No row: the account works nowhere. Recorded.';

create function access.who_can_see(patient uuid)
returns table (account_id uuid, organisation_id uuid, role text, clinical boolean, words text[])
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
begin
  perform access.note_explanation(patient, null);
  -- everybody is asked, not those alone whom we would expect
  return query
    select m.account_id, m.organisation_id, m.role, e.clinical, e.words
    from access.memberships m cross join lateral access.explain_membership(m, patient) e
    where e.identity order by m.role, m.account_id;
end $$;
comment on function access.who_can_see is 'Every membership of the installation that sees this patient now, and why. Recorded.';

create function access.policies_for(acting text) returns table (policy text, why text, tables text[], expression text)
language sql stable set search_path = '' as $$
  select p.polname::text, obj_description(p.oid, 'pg_policy'), array_agg(p.polrelid::regclass::text order by p.polrelid::regclass::text),
         pg_get_expr(p.polqual, p.polrelid)
  from pg_policy p join pg_class c on c.oid = p.polrelid
  where c.relnamespace = 'store'::regnamespace and p.polcmd in ('r', '*') and to_regrole('vs_' || acting) = any (p.polroles)
  group by 1, 2, 4 order by 1, 2
$$;
comment on function access.policies_for is 'The policies that let an acting role (clinician, secretary, patient…) read rows about patients, as the catalog has them.';

grant execute on function access.explain, access.who_can_see, access.policies_for to vs_dba;

reset role;
