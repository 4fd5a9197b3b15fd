-- Patient search: names, birth dates and INS are found although they are sealed.
--
-- Guarantees
--   1. The index holds keyed hashes of prefixes (3 to 5 letters), birth date and INS: truncated so that they collide,
--      with a key for each organisation, padded with random ones so that their number says nothing about a name.
--   2. What a search finds is filtered exactly inside the vault; only what matches is opened, and recorded as shown.
--      What was rejected is recorded apart: nobody looked at it.
--   3. A search tells nothing before it is committed: the answer is a word, the ids come in the next transaction.

set role vs_owner;

create table vault.search_tokens (
  organisation_id  uuid not null,
  token            bigint not null,
  patient_id       uuid not null references store.patients,
  primary key (organisation_id, token, patient_id)
);
comment on table vault.search_tokens is 'Equality on bigint is leakproof, so the index works under row-level security.';
-- erasure, and a changed name
create index search_tokens_patient on vault.search_tokens (patient_id);
alter table vault.search_tokens enable row level security;
alter table vault.search_tokens force row level security;
create policy all_owner on vault.search_tokens to vs_owner using (true) with check (true);
comment on policy all_owner on vault.search_tokens is 'Search and import.';

-- Lower case, no accents, letters and digits; words apart. "Œuvrard-d'Été" gives {oeuvrard,d,ete}.
create function vault.words(name text) returns text[]
language sql immutable set search_path = '' as $$
  -- collate: what comes out of convert_from is in "C", which has no capital É
  select coalesce(array_agg(w), '{}') from regexp_split_to_table(
    regexp_replace(replace(replace(replace(replace(lower(normalize(coalesce(name, ''), nfd) collate "default"),
      'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss'), 'ø', 'o'), '[\u0300-\u036f]', '', 'g'),
    '[^[:alnum:]]+') as w where w <> ''
$$;
comment on function vault.words is 'The words of a name as they are searched.';

create function vault.search_key(ring text, master text, organisation uuid) returns bytea
language sql immutable set search_path = '' as $$
  select vault.derive(vault.master(ring, master), 'search/' || organisation)
$$;

-- 28 bits: rare enough to be quick, common enough to collide
create function vault.token(key bytea, kind text, value text) returns bigint
language sql immutable set search_path = '' as $$
  select ('x' || encode(substr(extensions.hmac(convert_to(kind || '/' || value, 'UTF8'), key, 'sha256'), 1, 4), 'hex'))::bit(32)::bigint >> 4
$$;

-- every word, and the name written as one ("lemarchand" for "Le Marchand")
create function vault.name_forms(names text[]) returns text[]
language sql immutable set search_path = '' as $$
  select coalesce(array_agg(distinct f), '{}') from unnest(names) n
  cross join lateral (select vault.words(n) as w offset 0) x
  cross join lateral unnest(x.w || array_to_string(x.w, '')) f where f <> ''
$$;

create function vault.index_under(key bytea, organisation uuid, patient uuid, p jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare
  tokens bigint[];
begin
  tokens := array(
    select distinct vault.token(key, 'name', left(f, n))
    from unnest(vault.name_forms(array[p ->> 'birth_name', p ->> 'used_name', p ->> 'first_given_name', p ->> 'birth_given_names', p ->> 'used_given_name'])) f
    cross join generate_series(3, 5) n where length(f) >= n
    union select vault.token(key, 'birth_date', p ->> 'birth_date') where p ->> 'birth_date' <> ''
    union select vault.token(key, 'ins', p ->> 'ins_matricule') where p ->> 'ins_matricule' <> '');
  -- padded to a multiple of 12
  tokens := tokens || array(select (random() * 268435455)::bigint from generate_series(1, (12 - cardinality(tokens) % 12) % 12));
  insert into vault.search_tokens (organisation_id, token, patient_id)
  select distinct organisation, t, patient from unnest(tokens) t;
end $$;
comment on function vault.index_under is 'Makes the tokens of a patient under a search key. Internal.';

create function vault.index_patient(patient uuid, p jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare
  ring text := vault.ring();
  organisation uuid := access.organisation_id();
begin
  perform vault.index_under(vault.search_key(ring, vault.current_master(ring), organisation), organisation, patient, p);
end $$;
comment on function vault.index_patient is 'Makes the tokens of a patient of the session''s organisation, under the current master key. Internal.';

-- Does this patient match, word for word? Nothing of what is opened here leaves the function.
create function vault.matches(ring text, patient store.patients, typed text[], birth_date text) returns boolean
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := vault.unwrap(ring, patient.id, 'identity');
  bound bytea := '\x00'::bytea || uuid_send(patient.id) || uuid_send(patient.id) || int8send(patient.version)
    || convert_to(patient.identity_status, 'UTF8') || uuid_send(patient.organisation_id);
  forms text[];
begin
  if birth_date is not null and birth_date is distinct from
     convert_from(vault.unpack(key, 'store.patients.birth_date'::bytea || bound, patient.birth_date), 'UTF8') then
    return false;
  end if;
  if cardinality(typed) = 0 then return true; end if;
  forms := vault.name_forms(array[
    convert_from(vault.unpack(key, 'store.patients.birth_name'::bytea || bound, patient.birth_name), 'UTF8'),
    convert_from(vault.unpack(key, 'store.patients.used_name'::bytea || bound, patient.used_name), 'UTF8'),
    convert_from(vault.unpack(key, 'store.patients.first_given_name'::bytea || bound, patient.first_given_name), 'UTF8'),
    convert_from(vault.unpack(key, 'store.patients.birth_given_names'::bytea || bound, patient.birth_given_names), 'UTF8'),
    convert_from(vault.unpack(key, 'store.patients.used_given_name'::bytea || bound, patient.used_given_name), 'UTF8')]);
  return not exists (select from unnest(typed) w where not exists (select from unnest(forms) f where starts_with(f, w)));
end $$;
comment on function vault.matches is 'Internal.';

create type vault.wanted_token as (place bigint, token bigint);
comment on type vault.wanted_token is 'A token that a search looks for, and which of the typed words it stands for.';

create function audit.open_patient_search(selection uuid, name text, birth_date text) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  ring text;
  typed text[] := vault.words(left(name, 200));
  long_words text[] := array(select w from unnest(typed) w where length(w) >= 3);
  keys bytea[];
  day text := nullif(birth_date, '');
  wanted vault.wanted_token[];
  candidates uuid[];
  shown uuid[];
  rejected uuid[];
  visible uuid[];
begin
  if c is null then return 'signed_out'; end if;
  if c[4] not in ('clinician', 'secretary') then
    perform audit.append(c, 'patients.search', 'Patient', null, null, 'failure');
    return 'forbidden';
  end if;
  if day !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then return 'invalid'; end if;
  if day is null and cardinality(long_words) = 0 then return 'too_short'; end if;
  ring := vault.ring();
  keys := array(select vault.search_key(ring, m, c[3]::uuid) from unnest(vault.ring_names(ring)) m);
  -- A candidate has a token for each word and for the date, under any key of the ring. Those that a clinician doesn't see
  -- are left out by the index itself: what is thrown away afterwards could be counted (pg_stat_get_xact_…).
  wanted := array(
    select row(f.place, vault.token(k, f.kind, f.value))::vault.wanted_token
    from (select row_number() over () as place, 'name' as kind, left(w, 5) as value from unnest(long_words) w
          union all select 0, 'birth_date', day where day is not null) f
    cross join unnest(keys) k);
  if c[4] = 'clinician' then visible := access.first_patients(c, 1001); end if;
  if c[4] = 'clinician' and not access.is_wide(visible) then
    candidates := array(
      select t.patient_id from unnest(wanted) q join vault.search_tokens t on t.token = q.token
      where t.organisation_id = c[3]::uuid and t.patient_id = any (visible)
      group by t.patient_id having count(distinct q.place) = cardinality(long_words) + (day is not null)::int);
  else
    candidates := array(
      select t.patient_id from unnest(wanted) q join vault.search_tokens t on t.token = q.token
      where t.organisation_id = c[3]::uuid
      group by t.patient_id having count(distinct q.place) = cardinality(long_words) + (day is not null)::int);
    -- somebody who sees more than 1,000: one by one, but no more than would be answered with "too many" anyway
    if c[4] = 'clinician' then candidates := access.seen_among(c, candidates[1 : 2000]); end if;
  end if;
  if cardinality(candidates) > 400 then
    perform audit.append(c, 'patients.search', 'Patient', null, null, 'partial', json_build_object('candidates', cardinality(candidates))::text);
    return 'too_many';
  end if;
  select array_agg(p.id order by p.last_activity_at desc) filter (where m.ok), array_agg(p.id) filter (where not m.ok) into shown, rejected
  from store.patients p cross join lateral (select vault.matches(ring, p, typed, day) as ok) m
  where p.id = any (candidates) and p.organisation_id = c[3]::uuid;
  if cardinality(shown) > 50 then
    perform audit.append(c, 'patients.search', 'Patient', null, null, 'partial', json_build_object('matches', cardinality(shown))::text);
    return 'too_many';
  end if;
  return audit.select_patients(c, selection, coalesce(shown, '{}'), 'patients.search',
    case when rejected is not null then json_build_object('rejected', rejected)::text end);
end $$;
comment on function audit.open_patient_search is 'Finds patients by the beginnings of names (from 3 letters) and by birth date (YYYY-MM-DD), opens their identity and records what will be shown. ok, too_short, too_many, invalid, forbidden, limited or signed_out; then audit.selected gives the ids.';
grant execute on function audit.open_patient_search to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;

reset role;
