-- Invitations: how somebody who works here, or a patient of the practice, gets an account.
--
-- Guarantees
--   1. A link works once, for 72 hours, until it is withdrawn or another one is sent; it is stored hashed.
--   2. It proves an address and lets a password be chosen. What it opens is a session of one factor, which may add the
--      account's first factor and nothing else; the account is active from then on.
--   3. An administrator invites people who work here. Somebody of the care team invites a patient to the patient's own record;
--      a secretary does at the address that the record has, and at no other: whoever chose it could read what secretaries
--      don't. Each on a factor shown within 10 minutes.
--   4. Whoever invites learns nothing about an address: one that has an account elsewhere, or as a patient, is answered,
--      listed and recorded like any other. Whoever has that account is told.
--   5. What was typed about somebody who didn't come is forgotten, and the address is free again.

set role vs_owner;

create table iam.invitations (
  account_id       uuid primary key references iam.accounts,
  organisation_id  uuid not null references access.organisations,
  token_hash       bytea not null unique check (length(token_hash) = 32),
  -- where it was sent to
  email            bytea,
  sent_at          timestamptz not null default clock_timestamp(),
  expires_at       timestamptz not null default clock_timestamp() + interval '72 hours',
  -- a password was chosen: the link is used up
  accepted_at      timestamptz,
  -- or nobody came, and everything was forgotten
  withdrawn_at     timestamptz
);
comment on table iam.invitations is 'Accounts that somebody was invited to, and the one link that leads there now.';
create index invitations_organisation on iam.invitations (organisation_id);
-- forgetting those whom nobody took up
create index invitations_expiry on iam.invitations (expires_at) where withdrawn_at is null;
alter table iam.invitations enable row level security;
alter table iam.invitations force row level security;
create policy all_owner on iam.invitations to vs_owner using (true) with check (true);
comment on policy all_owner on iam.invitations is 'The functions of this file.';

create function iam.invitation_aad(account uuid) returns bytea
language plpgsql immutable set search_path = '' as $$
begin
  return convert_to('iam.invitations.email', 'UTF8') || '\x00'::bytea || uuid_send(account) || uuid_send(account) || int8send(1);
end $$;

-- ---------------------------------------------------------------- 5: forgetting

create function iam.forget_invited(account uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform iam.lock_account(account);
  update iam.invitations i set withdrawn_at = clock_timestamp(), email = null where i.account_id = account;
  -- the index of an address could be tried with the master key: random bytes instead
  update iam.accounts a set status = 'suspended', email_index = extensions.gen_random_bytes(16), password_hash = null, pepper_id = null,
    family_name = null, given_name = null, quality = null, rpps = null where a.id = account;
  update access.memberships m set valid_until = greatest(m.valid_from, clock_timestamp())
  where m.account_id = account and m.valid_until > clock_timestamp();
  update iam.sessions s set revoked_at = clock_timestamp(), revoked_because = 'suspended' where s.account_id = account and s.revoked_at is null;
  perform ops.end_message(o, 'failed', 'withdrawn') from ops.outbox o where o.account_id = account and o.state = 'waiting';
  delete from iam.former_names n where n.account_id = account;
  -- what is left is ciphertext, and its key is gone
  delete from vault.keys k where k.subject_id = account and k.level = 'profile';
end $$;
comment on function iam.forget_invited is 'Somebody who was invited and never became active: nothing that was typed about them stays. Internal.';

create function iam.is_forgettable(i iam.invitations) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return i.withdrawn_at is null and i.expires_at <= clock_timestamp()
    -- who chose a password has an hour to add a factor
    and coalesce(i.accepted_at <= clock_timestamp() - interval '1 hour', true)
    and exists (select from iam.accounts a where a.id = i.account_id and a.status = 'invited');
end $$;
comment on function iam.is_forgettable is 'Internal.';

create function iam.free_address(ring text, email text) returns void
language plpgsql volatile set search_path = '' as $$
declare
  i iam.invitations;
begin
  select x.* into i from iam.accounts a join iam.invitations x on x.account_id = a.id
  where a.email_index = any (iam.email_indexes(ring, free_address.email)) for update of x;
  if i.account_id is not null and iam.is_forgettable(i) then perform iam.forget_invited(i.account_id); end if;
  -- nor does a registration that nobody confirmed: whoever types somebody's address can't keep them from being invited
  perform iam.free_registration(ring, email);
end $$;
comment on function iam.free_address is 'An invitation that ran out holds no address: called before an account is looked for. Internal: inviting, registering.';

create function iam.forget_expired_invitations() returns int
language plpgsql volatile set search_path = '' as $$
declare
  account uuid;
  n int := 0;
begin
  -- a month later: until then the list says who didn't answer, and another link can be sent
  for account in select i.account_id from iam.invitations i
                 where i.withdrawn_at is null and i.expires_at < clock_timestamp() - interval '30 days' and iam.is_forgettable(i)
                 limit 100 for update skip locked loop
    perform iam.forget_invited(account);
    n := n + 1;
  end loop;
  return n;
end $$;
comment on function iam.forget_expired_invitations is 'Those that nobody took up within a month, 100 at a time. Internal: ops.upkeep.';

-- ---------------------------------------------------------------- 1: the link

create function iam.renew_invitation(account uuid) returns text
language plpgsql volatile set search_path = '' as $$
declare
  token text := translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || E'\n', '-_');
begin
  perform iam.lock_account(account);
  update iam.invitations i set token_hash = iam.hash_token(token), sent_at = clock_timestamp(), accepted_at = null,
    expires_at = clock_timestamp() + interval '72 hours' where i.account_id = account;
  -- whoever took the last link up, and stopped on the way, begins again
  update iam.sessions s set revoked_at = clock_timestamp(), revoked_because = 'signed_in_again'
  where s.account_id = account and s.revoked_at is null;
  perform ops.end_message(o, 'failed', 'replaced') from ops.outbox o where o.account_id = account and o.state = 'waiting' and o.template = 'invitation';
  return token;
end $$;
comment on function iam.renew_invitation is 'Another link; the one before is worth nothing. Gives the token. Internal.';

create function iam.send_invitation(ring text, account uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
  i iam.invitations;
  address text;
  holder uuid;
begin
  select * into strict i from iam.invitations x where x.account_id = account;
  address := convert_from(vault.unpack(vault.unwrap(ring, account, 'profile'), iam.invitation_aad(account), i.email), 'UTF8');
  perform iam.free_address(ring, address);
  holder := iam.holder_of(ring, address);
  if holder is null then
    -- whoever had it is gone
    perform iam.give_address(ring, account, address);
    holder := account;
  end if;
  if holder = account then
    perform ops.post(ring, account, 'email', 'invitation', jsonb_build_object('path', '/invitations/' || iam.renew_invitation(account)));
  else
    -- 4: the token of this one goes nowhere
    perform iam.renew_invitation(account);
    perform ops.post(ring, holder, 'email', 'invitation_exists', jsonb_build_object('practice',
      (select o.name from access.organisations o where o.id = i.organisation_id)));
  end if;
end $$;
comment on function iam.send_invitation is 'Sends the link, or tells whoever has an account with this address that another address is needed. Internal.';

create function iam.invite(ring text, organisation uuid, role text, email text, profile jsonb, lang text default 'fr', patient uuid default null) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
  address text := lower(btrim(email));
  holder uuid;
  account uuid;
begin
  if (iam.is_address(address) and lang in ('fr', 'en')
      and iam.is_name(profile ->> 'family_name', 100) and btrim(profile ->> 'family_name') <> ''
      and iam.is_name(profile ->> 'given_name', 100) and btrim(profile ->> 'given_name') <> ''
      and iam.is_name(coalesce(profile ->> 'quality', ''), 40) and coalesce(length(profile ->> 'rpps'), 0) <= 20) is not true then
    raise exception using errcode = 'VS422', message = 'an invitation has an e-mail address, a family name and a given name';
  end if;
  perform iam.free_address(ring, address);
  holder := iam.holder_of(ring, address);
  -- staff of the same practice: the administrator has the address on the list already
  if role <> 'patient' and exists (select from access.memberships m where m.account_id = holder
                                   and m.organisation_id = organisation and m.role <> 'patient') then
    raise exception using errcode = 'VS409', message = 'somebody of the practice has this e-mail address';
  end if;
  account := iam.create_account(ring, organisation, role,
    case when holder is null then address else ops.uuid_v7() || '@nobody.invalid' end,
    profile, null, null, patient);
  update iam.accounts a set status = 'invited', lang = invite.lang where a.id = account;
  insert into iam.invitations (account_id, organisation_id, token_hash, email)
  values (account, organisation, extensions.gen_random_bytes(32),
          vault.seal(vault.unwrap(ring, account, 'profile'), account, account, 1, '', 'iam.invitations.email', address));
  return account;
end $$;
comment on function iam.invite is 'An account that waits for its person; no link yet (iam.send_invitation, or iam.renew_invitation). As vs_owner. Errors: VS409, VS422.';

create function iam.open_invitation(ring text, organisation uuid, role text, email text, profile jsonb) returns text
language plpgsql volatile set search_path = '' as $$
declare
  account uuid := iam.invite(ring, organisation, role, email, profile);
begin
  perform audit.append(array[null, null, organisation::text, null, null, null, null, null], 'account.invite', 'Person', account, null,
    'success', json_build_object('role', role)::text);
  return iam.renew_invitation(account);
end $$;
comment on function iam.open_invitation is 'For `vitalsync account add --invite`: the token of a link, which nobody mails. As vs_owner. Errors: VS409, VS422.';

-- ---------------------------------------------------------------- 3: who invites

create function access.require_inviter(account uuid) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
  c text[] := access.claims();
  m access.memberships;
begin
  select x.* into m from access.memberships x join iam.accounts a on a.id = x.account_id
  where x.account_id = account and x.organisation_id = c[3]::uuid and a.status = 'invited';
  -- somebody else's and nobody's are answered alike
  if m.id is null or not iam.session_is_live(c[1]::uuid)
     or (case when m.role <> 'patient' then c[4] = 'org_admin'
              when c[4] = 'clinician' then access.in_care_of(c[2]::uuid, c[3]::uuid, m.patient_id)
              else c[4] = 'secretary' end) is not true then
    raise exception using errcode = 'VS404', message = 'there is no such invitation here';
  end if;
  return m.patient_id;
end $$;
comment on function access.require_inviter is 'An administrator for staff, a secretary or somebody of the care team for a patient; gives the patient. Internal. Errors: VS404.';

create function access.limit_invitations(c text[], account uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
  ring text := vault.ring();
  address text;
begin
  select convert_from(vault.unpack(vault.unwrap(ring, account, 'profile'), iam.invitation_aad(account), i.email), 'UTF8') into address
  from iam.invitations i where i.account_id = account;
  -- the address, since each invitation has another account; in this practice, so that nobody learns of another's
  if ops.take('invitations/' || c[3], 200, 1.0 / 10) > 0
     or ops.take('invitation/' || c[3] || '/' || encode((iam.email_indexes(ring, address))[1], 'hex'), 5, 1.0 / 3600) > 0 then
    raise exception using errcode = 'VS429', message = 'too many invitations in a short time';
  end if;
end $$;
comment on function access.limit_invitations is 'Nobody''s mailbox is filled: five messages to an address and then one an hour, from one practice. Internal. Errors: VS429.';

create function clinic.invite_member(key uuid, role text, email text, profile jsonb, lang text default 'fr') returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  account uuid;
begin
  if (c[4] = 'org_admin') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'administrators invite people who work here';
  end if;
  if (role in ('clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher')) is not true then
    raise exception using errcode = 'VS422', message = 'the role is not one of the list';
  end if;
  -- first: a form that is sent twice must not meet its own invitation
  perform ops.fulfil(key, 'accounts.invite', null);
  account := iam.invite(vault.ring(), c[3]::uuid, role, email, profile, lang);
  perform access.limit_invitations(c, account);
  perform iam.send_invitation(vault.ring(), account);
  perform audit.append(c, 'account.invite', 'Person', account, null, 'success', json_build_object('role', role)::text);
  return account;
exception when unique_violation then
  raise exception using errcode = 'VS409', message = 'somebody of the practice has this e-mail address';
end $$;
comment on function clinic.invite_member is 'For an administrator: invites somebody to work here. profile: family_name, given_name, quality, rpps. key: ops.intend(key, ''accounts.invite''). Errors: VS208, VS403, VS409, VS422, VS428, VS429, VS470.';

create function clinic.invite_patient(key uuid, patient uuid, email text, lang text default 'fr') returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  p record;
  way text;
  account uuid;
begin
  if (c[4] in ('secretary', 'clinician')) is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'the care team and secretaries invite patients';
  end if;
  -- an erasure that is under way comes first; and two who invite the same patient come one after the other
  perform from store.patients x where x.id = patient for no key update;
  way := access.way_in(c[4], c[2]::uuid, c[3]::uuid, null, patient);
  if way is null then
    raise exception using errcode = 'VS404', message = 'there is no such record here';
  end if;
  if c[4] = 'clinician' and way <> 'care_team' then
    raise exception using errcode = 'VS403', message = 'somebody of the care team invites a patient';
  end if;
  perform ops.fulfil(key, 'accounts.invite', patient);
  if exists (select from access.memberships m where m.patient_id = patient and m.valid_until > clock_timestamp()) then
    raise exception using errcode = 'VS409', message = 'this patient has an account, or was invited';
  end if;
  select x.birth_name, x.used_name, x.first_given_name, x.used_given_name, x.email into p from clinic.patients x where x.id = patient;
  if c[4] = 'secretary' and lower(btrim(email)) is distinct from lower(btrim(p.email)) then
    raise exception using errcode = 'VS422', message = 'a secretary invites a patient at the address that the record has';
  end if;
  account := iam.invite(vault.ring(), c[3]::uuid, 'patient', email, jsonb_build_object(
    'family_name', left(coalesce(nullif(p.used_name, ''), p.birth_name), 100),
    'given_name', left(coalesce(nullif(p.used_given_name, ''), p.first_given_name), 100)), lang, patient);
  perform access.limit_invitations(c, account);
  perform iam.send_invitation(vault.ring(), account);
  perform audit.append(c, 'account.invite', 'Person', account, patient, 'success', '{"role":"patient"}');
  return account;
exception when unique_violation then
  raise exception using errcode = 'VS409', message = 'this patient has an account, or was invited';
end $$;
comment on function clinic.invite_patient is 'For a secretary, and the care team: invites a patient to their own record, which an earlier transaction opened. key: ops.intend(key, ''accounts.invite''). Errors: VS208, VS403, VS404, VS409, VS422, VS428, VS429, VS470.';

create function clinic.resend_invitation(key uuid, account uuid) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  patient uuid;
begin
  perform ops.fulfil(key, 'accounts.invite', account);
  perform from iam.invitations i where i.account_id = account for update;
  patient := access.require_inviter(account);
  perform access.limit_invitations(c, account);
  perform iam.send_invitation(vault.ring(), account);
  perform audit.append(c, 'account.invite', 'Person', account, patient, 'success', '{"again":true}');
  return account;
end $$;
comment on function clinic.resend_invitation is 'Another link, for 72 hours; the one before is worth nothing. For whoever may invite this person. key: ops.intend(key, ''accounts.invite''). Errors: VS208, VS404, VS428, VS429, VS470.';

create function clinic.withdraw_invitation(key uuid, account uuid) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  patient uuid;
begin
  perform ops.fulfil(key, 'accounts.invite', account);
  perform from iam.invitations i where i.account_id = account for update;
  patient := access.require_inviter(account);
  perform iam.forget_invited(account);
  perform audit.append(c, 'account.invite', 'Person', account, patient, 'success', '{"withdrawn":true}');
  return account;
end $$;
comment on function clinic.withdraw_invitation is 'The link is worth nothing any more, and what was typed is forgotten. For whoever may invite this person. key: ops.intend(key, ''accounts.invite''). Errors: VS208, VS404, VS428, VS470.';
grant execute on function clinic.invite_member to vs_org_admin;
grant execute on function clinic.invite_patient to vs_secretary, vs_clinician;
grant execute on function clinic.resend_invitation, clinic.withdraw_invitation to vs_org_admin, vs_secretary, vs_clinician;

-- Whether a patient has an account: for whoever may invite.
create function clinic.read_patient_account(patient uuid) returns table (account_id uuid, status text, email text, expires_at timestamptz, last_sign_in_at timestamptz)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  if (c[4] in ('secretary', 'clinician')) is not true or not access.may_open(c, patient, 'identity') then return; end if;
  return query
  select a.id, a.status,
         convert_from(vault.unpack(vault.unwrap(vault.ring(), a.id, 'profile'),
           case when i.email is null then iam.profile_aad(a.id, 'email') else iam.invitation_aad(a.id) end, coalesce(i.email, a.email)), 'UTF8'),
         i.expires_at, a.last_sign_in_at
  from access.memberships m join iam.accounts a on a.id = m.account_id left join iam.invitations i on i.account_id = a.id
  where m.patient_id = patient and m.organisation_id = c[3]::uuid and m.valid_until > clock_timestamp();
end $$;
comment on function clinic.read_patient_account is 'For whoever sees this patient: the account that leads to the record, or was invited to; no row for none.';
grant execute on function clinic.read_patient_account to vs_secretary, vs_clinician;

-- ---------------------------------------------------------------- 2: taking it up

-- The live invitation of a token, locked: the second of two who bring it at once finds it used.
create function iam.find_invitation(token text) returns iam.invitations
language plpgsql volatile set search_path = '' as $$
declare
  i iam.invitations;
begin
  select x.* into i from iam.invitations x where x.token_hash = iam.hash_token(token) for update;
  if i.accepted_at is not null or i.withdrawn_at is not null or i.expires_at <= clock_timestamp()
     or not exists (select from iam.accounts a join access.memberships m on m.account_id = a.id
                    where a.id = i.account_id and a.status = 'invited' and clock_timestamp() between m.valid_from and m.valid_until) then
    return null;
  end if;
  return i;
end $$;
comment on function iam.find_invitation is 'NULL for one that was used, ran out, was withdrawn or never was. Internal.';

-- A link that leads nowhere: recorded, in the log of its practice if it had one, and only so often.
create function iam.refuse_invitation(ring text, token text, caller jsonb) returns int
language plpgsql volatile set search_path = '' as $$
declare
  i iam.invitations;
  retry_after int := ops.limit_route(ring, 'accept', caller);
begin
  if retry_after > 0 then return retry_after; end if;
  select x.* into i from iam.invitations x where x.token_hash = iam.hash_token(token);
  perform audit.append(iam.gate_claims(i.account_id, null, iam.caller_origin(ring, i.organisation_id, null, caller)),
    'account.accept', 'Person', i.account_id, null, 'failure', '{"answer":"gone"}');
  return 0;
end $$;
comment on function iam.refuse_invitation is 'Gives the seconds to wait for an address that brought many. Internal.';

create function iam.read_invitation(ring text, token text, caller jsonb,
                                    out answer text, out account uuid, out organisation text, out role text, out about text[], out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  i iam.invitations;
  a iam.accounts;
  key bytea;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  i := iam.find_invitation(token);
  if i.account_id is null then
    retry_after := iam.refuse_invitation(ring, token, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  select * into strict a from iam.accounts x where x.id = i.account_id;
  key := vault.unwrap(ring, a.id, 'profile');
  about := array[convert_from(vault.unpack(key, iam.invitation_aad(a.id), i.email), 'UTF8'),
                 convert_from(vault.unpack(key, iam.profile_aad(a.id, 'family_name'), a.family_name), 'UTF8'),
                 convert_from(vault.unpack(key, iam.profile_aad(a.id, 'given_name'), a.given_name), 'UTF8')];
  answer := 'ok';
  account := a.id;
  select o.name, m.role into organisation, role from access.memberships m join access.organisations o on o.id = m.organisation_id
  where m.account_id = a.id and m.organisation_id = i.organisation_id order by m.valid_until desc, m.valid_from desc limit 1;
end $$;
comment on function iam.read_invitation is 'Where a link leads, without using it up: mail programs open links by themselves. about: address and names, which a password must not be made of; for the edge, and no page shows them. Answers ok, gone, or wait (retry_after: seconds). Errors: VS503.';

create function iam.accept_invitation(ring text, token text, prehash text, consents jsonb, new_token text, caller jsonb,
                                      out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  i iam.invitations;
  s iam.sessions;
  patient uuid;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  i := iam.find_invitation(token);
  if i.account_id is null then
    retry_after := iam.refuse_invitation(ring, token, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  select m.patient_id into patient from access.memberships m where m.account_id = i.account_id and m.patient_id is not null;
  if patient is not null then
    if privacy.agrees(consents) is not true then
      answer := 'consents';
      perform audit.append(iam.gate_claims(i.account_id, null, iam.caller_origin(ring, i.organisation_id, null, caller)),
        'account.accept', 'Person', i.account_id, patient, 'failure', '{"answer":"consents"}');
      return;
    end if;
  end if;
  perform iam.set_password(i.account_id, prehash);
  update iam.accounts a set email_confirmed_at = clock_timestamp() where a.id = i.account_id;
  update iam.invitations x set accepted_at = clock_timestamp() where x.account_id = i.account_id;
  s := iam.start_session(ring, i.account_id, new_token, '{link,password}', caller, enrols => true);
  if patient is not null then
    -- a consent names the session that it was given in
    perform access.set_claims(array[s.id::text, s.account_id::text, s.organisation_id::text, s.role, patient::text, null, null, s.origin_id::text, null]);
    if not privacy.first_consents(ring, access.claims(), consents) then
      raise exception using errcode = 'VS409', message = 'the texts have changed since: read them again';
    end if;
  end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, s.origin_id), 'account.accept', 'Person', s.account_id, patient, 'success');
  answer := 'ok';
end $$;
comment on function iam.accept_invitation is 'Takes an invitation up: a password, a patient''s consents (privacy.agrees), and a session under new_token that may add the first factor. prehash: as for iam.sign_in_password. Answers ok, consents, gone, or wait (retry_after: seconds). Errors: VS409, VS503.';
grant execute on function iam.read_invitation, iam.accept_invitation to vs_gate;

reset role;
