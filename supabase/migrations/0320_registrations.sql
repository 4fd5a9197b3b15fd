-- Registrations: how a patient gets an account and a record of their own, without anybody's help.
--
-- Guarantees
--   1. Whoever asks learns nothing about an address: known or not, the answer is one word and a message goes out. Its owner
--      alone reads whether it leads to a new account or tells of the one that is there.
--   2. An account begins with its confirmed address: until then it has no password, no membership and no record, and a day
--      later everything about it is forgotten.
--   3. A link works for 24 hours and is stored hashed. What it opens is a session of one factor, which may add the account's
--      first factor and nothing else; whoever stopped on the way comes back by another link and the password. It leads to
--      the practice that it was asked for, whatever somebody else asks for in between.
--   4. Nobody registers without the three consents that are needed (0310); record, consents and membership are made in one
--      transaction, or not at all.
--   5. The record is a new one, with a provisional identity (RNIV): nothing that the practice knows is matched or shown.
--   6. A practice may close its registration: from then on nobody asks, and no link that is under way leads to a record.
--   7. However many networks ask, no more than iam.registering says are taken up: the others are told to wait, in the same
--      words whoever has the address. Who holds a link, or was invited, doesn't wait for them.

set role vs_owner;

alter table access.organisations add column registration text not null default 'open' check (registration in ('open', 'closed'));
comment on column access.organisations.registration is 'May patients register by themselves?';

create table iam.registrations (
  account_id       uuid primary key references iam.accounts,
  -- the record's; until then where somebody asked first
  organisation_id  uuid not null references access.organisations,
  -- the last time that somebody asked
  asked_at         timestamptz not null default clock_timestamp(),
  -- password, record and consents are there; a first factor makes the account active
  completed_at     timestamptz
);
comment on table iam.registrations is 'Patients who register by themselves.';
create index registrations_organisation on iam.registrations (organisation_id);
-- forgetting what was never confirmed
create index registrations_asked on iam.registrations (asked_at) where completed_at is null;
alter table iam.registrations enable row level security;
alter table iam.registrations force row level security;
create policy all_owner on iam.registrations to vs_owner using (true) with check (true);
comment on policy all_owner on iam.registrations is 'The functions of this file.';

-- Several: somebody who asks for one in another's name must not end the link that its owner is using.
create table iam.registration_links (
  token_hash  bytea primary key check (length(token_hash) = 32),
  account_id  uuid not null references iam.registrations,
  -- that it was asked for
  organisation_id uuid not null references access.organisations,
  sent_at     timestamptz not null default clock_timestamp()
);
comment on table iam.registration_links is 'The links of a registration, for 24 hours each.';
create index registration_links_account on iam.registration_links (account_id);
create index registration_links_organisation on iam.registration_links (organisation_id);
-- clearing out
create index registration_links_sent on iam.registration_links (sent_at);
alter table iam.registration_links enable row level security;
alter table iam.registration_links force row level security;
create policy all_owner on iam.registration_links to vs_owner using (true) with check (true);
comment on policy all_owner on iam.registration_links is 'The functions of this file.';

-- ---------------------------------------------------------------- 2: forgetting

create function iam.free_registration(ring text, email text) returns void
language plpgsql volatile set search_path = '' as $$
declare
  account uuid;
begin
  select r.account_id into account from iam.registrations r join iam.accounts a on a.id = r.account_id
  where a.email_index = any (iam.email_indexes(ring, free_registration.email)) and r.completed_at is null for update of r;
  if account is not null then perform iam.forget_registration(account); end if;
end $$;
comment on function iam.free_registration is 'An address that somebody typed and nobody confirmed is held by nobody. Internal: inviting, registering.';

create function iam.forget_registration(account uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
  delete from iam.registration_links l where l.account_id = account;
  delete from iam.registrations r where r.account_id = account;
  perform iam.forget_invited(account);
end $$;
comment on function iam.forget_registration is 'Internal.';

create function iam.forget_expired_registrations() returns int
language plpgsql volatile set search_path = '' as $$
declare
  account uuid;
  n int := 0;
begin
  for account in select r.account_id from iam.registrations r
                 where r.completed_at is null and r.asked_at < clock_timestamp() - interval '24 hours'
                 limit 500 for update skip locked loop
    perform iam.forget_registration(account);
    n := n + 1;
  end loop;
  delete from iam.registration_links l where l.token_hash in (
    select x.token_hash from iam.registration_links x where x.sent_at < clock_timestamp() - interval '24 hours' limit 1000);
  return n;
end $$;
comment on function iam.forget_expired_registrations is 'Those that nobody confirmed within a day, 500 at a time. Internal: ops.upkeep.';

-- ---------------------------------------------------------------- asking

create function iam.open_practices() returns table (id uuid, name text)
language plpgsql stable security definer set search_path = '' set debug_print_plan = off as $$
begin
  return query select o.id, o.name from access.organisations o where o.registration = 'open' order by o.name, o.id;
end $$;
comment on function iam.open_practices is 'Where patients may register: names from the national directory.';
grant execute on function iam.open_practices to vs_gate;

create table iam.registering (
  one      boolean primary key default true check (one),
  at_once  int not null default 60 check (at_once between 1 and 100000),
  an_hour  int not null default 240 check (an_hour between 1 and 100000)
);
comment on table iam.registering is 'How many registrations are taken up in the whole installation: each sends an e-mail. docs/dba.md says when to raise it.';
alter table iam.registering enable row level security;
alter table iam.registering force row level security;
create policy all_owner on iam.registering to vs_owner using (true) with check (true);
comment on policy all_owner on iam.registering is 'iam.registering_wait, and the administrator of the installation.';
insert into iam.registering default values;

create function iam.registering_wait(ring text, caller jsonb) returns int
language plpgsql volatile set search_path = '' as $$
declare
  place text := 'route/register/all';
  r iam.registering;
  retry_after int;
begin
  select * into strict r from iam.registering;
  -- looked at first: those of a flood don't wait for each other
  retry_after := ops.peek(place, r.at_once, r.an_hour / 3600.0);
  if retry_after = 0 then retry_after := ops.take(place, r.at_once, r.an_hour / 3600.0); end if;
  if retry_after > 0 then perform ops.record_limited(ring, iam.gate_claims(null, null, null), 'register', place, caller); end if;
  return retry_after;
end $$;
comment on function iam.registering_wait is 'Takes a registration up: 0, or the seconds to wait. Internal.';

create function iam.request_registration(ring text, organisation uuid, email text, lang text, token text, caller jsonb,
                                         out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  index bytea := (iam.email_indexes(ring, email))[1];
  place access.organisations;
  a iam.accounts;
  r iam.registrations;
  key bytea;
  account uuid;
begin
  retry_after := 0;
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  retry_after := ops.limit_route(ring, 'register', caller);
  if retry_after > 0 then
    answer := 'wait';
    return;
  end if;
  select * into place from access.organisations o where o.id = organisation and o.registration = 'open';
  answer := case when place.id is null then 'closed'
                 when (iam.is_address(email) and lang in ('fr', 'en')) is not true then 'invalid' else 'ok' end;
  if answer = 'ok' then retry_after := iam.registering_wait(ring, caller); end if;
  if retry_after > 0 then
    answer := 'wait';
    return;
  end if;
  -- in the log of the practice, in the same words whoever has the address
  perform audit.append(array[null, null, place.id::text, 'unknown', null, null, null, iam.caller_origin(ring, place.id, null, caller)::text],
    'account.register', 'Person', null, null,
    case when answer = 'ok' then 'success' else 'failure' end, json_build_object('answer', answer)::text);
  -- three messages to an address at once and one an hour; more than that changes nothing, and says nothing
  if answer <> 'ok' or ops.take('register/' || encode(index, 'hex'), 3, 1.0 / 3600) > 0 then return; end if;
  -- two who ask for the same address come one after the other
  perform pg_advisory_xact_lock(hashtextextended('register/' || encode(index, 'hex'), 0));
  select y.* into r from iam.accounts x join iam.registrations y on y.account_id = x.id
  where x.email_index = any (iam.email_indexes(ring, request_registration.email)) and x.status = 'invited' for update of y;
  if r.account_id is null then perform iam.free_address(ring, email); end if;
  select * into a from iam.accounts x where x.id = iam.holder_of(ring, request_registration.email);
  if r.account_id is not null then
    -- another link; who has a record already stays where it is
    insert into iam.registration_links (token_hash, account_id, organisation_id) values (iam.hash_token(token), a.id, place.id);
    update iam.registrations x set asked_at = clock_timestamp() where x.account_id = a.id;
    perform ops.post(ring, a.id, 'email', 'email_confirmation', jsonb_build_object('path', '/register/' || token, 'hours', 24));
  elsif a.id is not null then
    -- somebody who was suspended or erased is told nothing
    if a.status <> 'suspended' then
      perform ops.post(ring, a.id, 'email', 'registration_exists');
    end if;
  else
    account := ops.uuid_v7();
    key := vault.create_key(ring, account, 'profile', organisation);
    insert into iam.accounts (id, email_index, email, status, lang)
    values (account, index, vault.seal(key, account, account, 1, '', 'iam.accounts.email', lower(btrim(email))), 'invited', request_registration.lang);
    insert into iam.registrations (account_id, organisation_id) values (account, organisation);
    insert into iam.registration_links (token_hash, account_id, organisation_id) values (iam.hash_token(token), account, organisation);
    perform ops.post(ring, account, 'email', 'email_confirmation', jsonb_build_object('path', '/register/' || token, 'hours', 24));
  end if;
end $$;
comment on function iam.request_registration is 'Somebody gives an address; whatever is known of it, a message goes there. token: what the link will hold. Answers ok, invalid, closed, or wait (retry_after: seconds). Errors: VS503.';
grant execute on function iam.request_registration to vs_gate;

-- ---------------------------------------------------------------- the link

create function iam.find_registration(token text) returns iam.registrations
language plpgsql volatile set search_path = '' as $$
declare
  r iam.registrations;
begin
  select x.* into r from iam.registration_links l join iam.registrations x on x.account_id = l.account_id join iam.accounts a on a.id = x.account_id
  where l.token_hash = iam.hash_token(token) and l.sent_at > clock_timestamp() - interval '24 hours' and a.status = 'invited' for update of x;
  if r.completed_at is null then
    r.organisation_id := (select l.organisation_id from iam.registration_links l where l.token_hash = iam.hash_token(token));
  end if;
  return r;
end $$;
comment on function iam.find_registration is 'The live registration of a link, locked, with the practice that the link is for; NULL for none. Internal.';

create function iam.refuse_registration(ring text, caller jsonb) returns int
language plpgsql volatile set search_path = '' as $$
declare
  retry_after int := ops.limit_route(ring, 'confirm', caller);
begin
  if retry_after = 0 then
    perform audit.append(iam.gate_claims(null, null, iam.caller_origin(ring, null, null, caller)), 'account.confirm', 'Person', null, null,
      'failure', '{"answer":"gone"}');
  end if;
  return retry_after;
end $$;
comment on function iam.refuse_registration is 'A link that leads nowhere: recorded, and only so often. Gives the seconds to wait. Internal.';

create function iam.read_registration(ring text, token text, caller jsonb,
                                      out answer text, out account uuid, out organisation text, out email text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  r iam.registrations;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  r := iam.find_registration(token);
  if r.account_id is null then
    retry_after := iam.refuse_registration(ring, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  account := r.account_id;
  select o.name, case when r.completed_at is not null then 'resume' when o.registration = 'open' then 'new' else 'closed' end
  into organisation, answer from access.organisations o where o.id = r.organisation_id;
  email := convert_from(vault.unpack(vault.unwrap(ring, account, 'profile'), iam.profile_aad(account, 'email'),
                                     (select a.email from iam.accounts a where a.id = r.account_id)), 'UTF8');
end $$;
comment on function iam.read_registration is 'Where a link leads, without using it up: mail programs open links by themselves. Answers new, resume (password and record are there, the first factor isn''t), closed, gone, or wait (retry_after: seconds). Errors: VS503.';

create function clinic.is_identity(p jsonb) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return coalesce(p ->> 'birth_name' ~ '[[:alpha:]]' and p ->> 'first_given_name' ~ '[[:alpha:]]'
    and p ->> 'sex' in ('female', 'male', 'unknown')
    and p ->> 'birth_date' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' and (p ->> 'birth_date')::date between '1890-01-01' and current_date
    and coalesce(p ->> 'birth_place', '') ~ '^([0-9][0-9AB][0-9]{3})?$' and coalesce(p ->> 'phone', '') ~ '^(\+[0-9]{6,15})?$'
    and not exists (select from jsonb_each_text(p) e where not iam.is_name(e.value, 100)
                    or e.key not in ('birth_name', 'used_name', 'first_given_name', 'birth_given_names', 'used_given_name', 'sex', 'birth_date', 'birth_place', 'phone')), false);
exception when others then
  return false;  -- the text of that error would hold the date
end $$;
comment on function clinic.is_identity is 'Are these traits of an identity, and nothing else? birth_date: YYYY-MM-DD; birth_place: INSEE code; phone: E.164. Internal.';

create function iam.complete_registration(ring text, token text, prehash text, identity jsonb, consents jsonb, new_token text, caller jsonb,
                                          out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  r iam.registrations;
  s iam.sessions;
  patient uuid := ops.uuid_v7();
  origin uuid;
  key bytea;
  address text;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  r := iam.find_registration(token);
  if r.account_id is null then
    retry_after := iam.refuse_registration(ring, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  origin := iam.caller_origin(ring, r.organisation_id, null, caller);
  answer := case when r.completed_at is not null then 'resume'
                 when exists (select from access.organisations o where o.id = r.organisation_id and o.registration = 'closed') then 'closed'
                 when not clinic.is_identity(identity) then 'invalid'
                 when privacy.agrees(consents) is not true then 'consents' else 'ok' end;
  if answer <> 'ok' then
    perform audit.append(array[null, r.account_id::text, r.organisation_id::text, 'patient', null, null, null, origin::text],
      'account.confirm', 'Person', r.account_id, null, 'failure', json_build_object('answer', answer)::text);
    return;
  end if;
  perform iam.set_password(r.account_id, prehash);
  key := vault.unwrap(ring, r.account_id, 'profile');
  address := convert_from(vault.unpack(key, iam.profile_aad(r.account_id, 'email'), (select a.email from iam.accounts a where a.id = r.account_id)), 'UTF8');
  -- who they say they are, until somebody at the practice has seen a document
  perform access.set_claims(array[null, r.account_id::text, r.organisation_id::text, 'patient', patient::text, null, null, origin::text, null]);
  perform vault.set_ring(ring);
  perform clinic.add_patient(patient, r.organisation_id, identity || jsonb_build_object('email', address));
  insert into access.memberships (account_id, organisation_id, role, patient_id) values (r.account_id, r.organisation_id, 'patient', patient);
  update iam.accounts a set email_confirmed_at = clock_timestamp(),
    family_name = vault.seal(key, a.id, a.id, 1, '', 'iam.accounts.family_name', coalesce(nullif(identity ->> 'used_name', ''), identity ->> 'birth_name')),
    given_name = vault.seal(key, a.id, a.id, 1, '', 'iam.accounts.given_name', coalesce(nullif(identity ->> 'used_given_name', ''), identity ->> 'first_given_name'))
  where a.id = r.account_id;
  s := iam.start_session(ring, r.account_id, new_token, '{link,password}', caller, enrols => true);
  -- from here on in a session, which consents name
  perform access.set_claims(array[s.id::text, r.account_id::text, r.organisation_id::text, 'patient', patient::text, null, null, s.origin_id::text, null]);
  if not privacy.first_consents(ring, access.claims(), consents) then
    raise exception using errcode = 'VS409', message = 'the texts have changed since: read them again';
  end if;
  update iam.registrations x set completed_at = clock_timestamp(), organisation_id = r.organisation_id where x.account_id = r.account_id;
  perform audit.append(access.claims(), 'account.confirm', 'Person', r.account_id, patient, 'success');
end $$;
comment on function iam.complete_registration is 'Takes a registration up: password, record of one''s own, consents, and a session under new_token that may add the first factor. prehash: as for iam.sign_in_password. identity: clinic.is_identity; consents: privacy.agrees. Answers ok, invalid (identity), consents, closed, resume (it has happened), gone, or wait (retry_after: seconds). Errors: VS409, VS503.';

create function iam.resume_registration(ring text, token text, prehash text, new_token text, caller jsonb, out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  r iam.registrations;
  s iam.sessions;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  r := iam.find_registration(token);
  if r.completed_at is null then
    retry_after := iam.refuse_registration(ring, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  retry_after := ops.take('registration/password/' || r.account_id, 5, 1.0 / 600);
  if retry_after > 0 then
    answer := 'wait';
    perform ops.record_limited(ring, iam.gate_claims(r.account_id, null, null), 'password', 'registration/password/' || r.account_id, caller);
    return;
  end if;
  perform ops.wait_for_hash_turn();
  answer := case when exists (select from iam.accounts a where a.id = r.account_id and extensions.crypt(prehash, a.password_hash) = a.password_hash) then 'ok'
                 else 'refused' end;
  if answer = 'ok' then
    s := iam.start_session(ring, r.account_id, new_token, '{link,password}', caller, enrols => true);
  end if;
  perform audit.append(iam.gate_claims(r.account_id, s.id, coalesce(s.origin_id, iam.caller_origin(ring, r.organisation_id, null, caller))), 'session.password', 'session', s.id, null,
    case when answer = 'ok' then 'success' else 'failure' end, json_build_object('answer', answer)::text);
end $$;
comment on function iam.resume_registration is 'Somebody who registered and stopped before adding a factor comes back with the password. Answers ok, refused, gone, or wait (retry_after: seconds). Errors: VS503.';
grant execute on function iam.read_registration, iam.complete_registration, iam.resume_registration to vs_gate;

-- ---------------------------------------------------------------- 6: the practice decides

create function clinic.change_registration(key uuid, registration text) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  if (c[4] = 'org_admin') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'administrators open and close the registration';
  end if;
  if (registration in ('open', 'closed')) is not true then
    raise exception using errcode = 'VS422', message = 'the registration is open or closed';
  end if;
  perform ops.fulfil(key, 'registration.change', c[3]::uuid);
  update access.organisations o set registration = change_registration.registration where o.id = c[3]::uuid;
  return c[3]::uuid;
end $$;
comment on function clinic.change_registration is 'May patients register by themselves? open or closed. key: ops.intend(key, ''registration.change''). Errors: VS208, VS403, VS422, VS428.';
grant execute on function clinic.change_registration to vs_org_admin;

create function clinic.read_registration() returns text
language plpgsql stable security definer set search_path = '' set debug_print_plan = off as $$
begin
  return (select o.registration from access.organisations o where o.id = access.organisation_as('org_admin'));
end $$;
comment on function clinic.read_registration is 'For an administrator: open or closed.';
grant execute on function clinic.read_registration to vs_org_admin;

reset role;
