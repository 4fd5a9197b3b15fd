-- Sessions: who is asking, and the door that every transaction comes through.
--
-- Guarantees
--   1. A session token is random, stored hashed, and checked here; an expired, revoked or unfinished one opens nothing.
--   2. The identity that policies read is authenticated with a secret that acting roles can't read, over the backend
--      and the transaction: set_config, set role and injected SQL don't forge it, and it can't be replayed.
--   3. The role is part of that identity: becoming another role by hand widens nothing.
--   4. Nothing personal below two factors.
--   5. Nobody enters a database that was restarted or restored before it was cleared (0250).
--   6. A token is replaced after 15 minutes. For 30 seconds the old one serves the requests that were under way; whoever
--      brings it later holds a copy, and the whole session ends. A browser that never got its new one (a link clicked
--      twice: the first answer is dropped) is given it again within these seconds, at the address where it was made.
--   7. A session opens nothing to who comes from a denied network (0088), and goes on elsewhere.
--   8. What asks for it (iam.asks_again) wants a factor that was shown within the last 10 minutes.

set role vs_owner;

create table iam.sessions (
  id               uuid primary key default ops.uuid_v7(),
  token_hash       bytea not null unique check (length(token_hash) = 32),
  account_id       uuid references iam.accounts,
  membership_id    uuid references access.memberships,
  organisation_id  uuid not null references access.organisations,
  role             text not null,
  patient_id       uuid,
  care_team_id     uuid,
  factors          int not null default 1 check (factors between 1 and 2),
  -- how, in the order shown; a password or a link alone is one factor
  methods          text[] not null default '{}' check (methods <@ array['password', 'link', 'totp', 'passkey', 'recovery_code',
                                                                       'email_code', 'sms_code', 'import', 'owner']),
  -- when a factor was shown last: step-up asks for its age
  factor_at        timestamptz not null default clock_timestamp(),
  -- when the password was shown last, and a passkey that verified its user: NULL for never in this session
  password_at      timestamptz,
  verified_at      timestamptz,
  -- made by a link (invitation, registration, recovery): it may add the account's first factor, and nothing else before
  enrols           boolean not null default false,
  attempts         int not null default 0,
  created_at       timestamptz not null default clock_timestamp(),
  last_seen_at     timestamptz not null default clock_timestamp(),
  expires_at       timestamptz not null default clock_timestamp() + interval '12 hours',
  rotated_at       timestamptz not null default clock_timestamp(),
  revoked_at       timestamptz,
  revoked_because  text check (revoked_because in ('signed_out', 'signed_in_again', 'token_reused', 'tries', 'own', 'administrator',
                                                   'suspended', 'password_changed', 'address_changed', 'recovered', 'held', 'disowned')),
  origin_id        uuid,
  replaces_id      uuid references iam.sessions,
  check ((role = 'import') = (care_team_id is not null)),
  check ((role = 'import') = (account_id is null))
);
comment on table iam.sessions is 'A sign-in: 30 minutes idle, 12 hours in all (NIST 800-63B-4 AAL2 allows 1 h and 24 h).';
-- all sessions of an account: sign-out everywhere
create index sessions_account on iam.sessions (account_id);
create index sessions_membership on iam.sessions (membership_id);
create index sessions_organisation on iam.sessions (organisation_id);
create index sessions_replaces on iam.sessions (replaces_id) where replaces_id is not null;
alter table iam.sessions enable row level security;
alter table iam.sessions force row level security;
create policy all_owner on iam.sessions to vs_owner using (true) with check (true);
comment on policy all_owner on iam.sessions is 'iam.enter and the sign-in functions.';

create table iam.old_tokens (
  token_hash   bytea primary key check (length(token_hash) = 32),
  session_id   uuid not null references iam.sessions,
  retired_at   timestamptz not null default clock_timestamp(),
  -- from where (audit.origins): there the new one is given again
  origin_id    uuid
);
comment on table iam.old_tokens is 'Tokens that a session had before: 48 at most in its 12 hours. Who brings one late holds a copy.';
create index old_tokens_session on iam.old_tokens (session_id);
alter table iam.old_tokens enable row level security;
alter table iam.old_tokens force row level security;
create policy all_owner on iam.old_tokens to vs_owner using (true) with check (true);
comment on policy all_owner on iam.old_tokens is 'iam.admit and the sign-in functions.';

create function iam.hash_token(token text) returns bytea
language plpgsql immutable set search_path = '' as $$
begin
  return sha256(convert_to(token, 'UTF8'));
end $$;
comment on function iam.hash_token is 'A token has 256 bits of randomness, so one round of SHA-256 is enough.';

create function iam.session_is_live(session uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (
    select from iam.sessions s
    where s.id = session and s.factors = 2 and s.revoked_at is null and s.expires_at > clock_timestamp()
      and s.last_seen_at > clock_timestamp() - case when s.role = 'import' then interval '12 hours' else interval '30 minutes' end);
end $$;

create function iam.factor_is_recent(session uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (
    select from iam.sessions s
    where s.id = session and s.factors = 2
      -- one from the future (the clock was stepped) doesn't count for ever
      and s.factor_at between clock_timestamp() - interval '10 minutes' and clock_timestamp() + interval '5 seconds');
end $$;
comment on function iam.factor_is_recent is 'Was a factor shown within the last 10 minutes? Internal: ops.intend, ops.fulfil and the openings that step up ask it.';

create function iam.asks_again(operation text) returns boolean
language sql immutable set search_path = '' as $$
  select operation in ('notes.sign', 'erasures.request', 'accounts.change', 'accounts.invite', 'sessions.end', 'sign_ins.disown', 'sign_ins.release',
                       'security.change', 'audit.export')
$$;
comment on function iam.asks_again is 'Operations that step up (requirement A8), by the words of ops.fulfil and audit.may_export; breaking the glass, confirming a recovery and changing a factor ask by themselves.';

-- ---------------------------------------------------------------- tokens

-- Replaces a session's token: its row is locked by the caller, or asked for with the token that it has.
create function iam.replace_token(session uuid, old_hash bytea, new_token text, origin uuid default null) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  update iam.sessions s set token_hash = iam.hash_token(new_token), rotated_at = clock_timestamp()
  where s.id = session and s.token_hash = old_hash;
  -- two requests at once: the first one has done it, and the token that came with it serves for a while longer
  if not found then return false; end if;
  insert into iam.old_tokens (token_hash, session_id, origin_id) values (old_hash, session, origin);
  return true;
end $$;
comment on function iam.replace_token is 'Internal.';

-- An old token: `late` after its 30 seconds. Then it was copied, by whoever brings it or by whoever goes on with the new one.
create function iam.find_by_old_token(hash bytea, out session uuid, out late boolean, out origin uuid)
language plpgsql stable set search_path = '' as $$
begin
  select o.session_id, o.retired_at <= clock_timestamp() - interval '30 seconds', o.origin_id into session, late, origin
  from iam.old_tokens o where o.token_hash = hash;
end $$;
comment on function iam.find_by_old_token is 'Internal.';

create function iam.end_family(s iam.sessions, origin uuid) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'token_reused' where x.id = s.id and x.revoked_at is null;
  if not found then return false; end if;
  perform audit.append(array[s.id::text, s.account_id::text, s.organisation_id::text, s.role, null, null, null, origin::text],
    'session.reuse', 'session', s.id, null, 'failure');
  return true;
end $$;
comment on function iam.end_family is 'Ends a session whose old token came back, and records it; false when it was over. Internal.';

-- ---------------------------------------------------------------- the identity of a transaction
-- A text[] of fixed length: 1 session, 2 account, 3 organisation, 4 role, 5 own record (patients), 6 the patient
-- on the page, 7 care team (import), 8 origin, 9 the broken glass that this patient is seen through. It isn't secret, so it carries a MAC rather than being encrypted.

create function access.claims_mac(claims text) returns text
language plpgsql stable parallel restricted set search_path = '' as $$
begin
  return encode(extensions.hmac(convert_to(claims, 'UTF8') || int4send(pg_backend_pid()) || timestamptz_send(now()),
                                vault.session_secret(), 'sha256'), 'hex');
end $$;

create function access.claims() returns text[]
language plpgsql stable parallel restricted security definer set search_path = '' set debug_print_plan = off as $$
declare
  setting text := current_setting('vs.claims', true);
begin
  if setting is null or setting = '' then return null; end if;
  if (sha256(vault.session_secret() || convert_to(left(setting, 64), 'UTF8'))
      = sha256(vault.session_secret() || convert_to(access.claims_mac(substr(setting, 65)), 'UTF8'))) is not true then
    raise exception using errcode = 'VS401', message = 'the identity in this transaction isn''t one that iam.enter gave';
  end if;
  return substr(setting, 65)::text[];
end $$;
comment on function access.claims is 'The verified identity of this transaction; NULL before iam.enter. Errors: VS401 when it was forged or replayed.';

create function access.set_claims(claims text[]) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform set_config('vs.claims', access.claims_mac(claims::text) || claims::text, true);
end $$;

create function access.account_id() returns uuid
language plpgsql stable parallel restricted security definer set search_path = '' set debug_print_plan = off as $$
begin
  return (access.claims())[2]::uuid;
end $$;
create function access.organisation_id() returns uuid
language plpgsql stable parallel restricted security definer set search_path = '' set debug_print_plan = off as $$
begin
  return (access.claims())[3]::uuid;
end $$;
create function access.role() returns text
language plpgsql stable parallel restricted security definer set search_path = '' set debug_print_plan = off as $$
begin
  return (access.claims())[4];
end $$;
comment on function access.role is 'The role of the verified identity: policies ask this, since vs_edge could become any acting role.';

-- For policies: the organisation, if this is really the role that the policy is for.
create function access.organisation_as(role text) returns uuid
language plpgsql stable parallel restricted security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  if c[4] = role then return c[3]::uuid; end if;
  return null;
end $$;
grant execute on function access.account_id, access.organisation_id, access.role, access.organisation_as
  to vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher, vs_import;

-- ---------------------------------------------------------------- the door

-- A definer, since it reads sessions and the secret. Returns {answer, role to act in, whether the token is `renewal` now}.
create function iam.admit(token text, ring text, focus uuid, phase text, ip text, user_agent text, renewal text) returns text[]
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  s iam.sessions;
  answer text;
  origin uuid;
  seen uuid;
  way text;
  glass uuid;
  -- hashed before it is asked for, so that the plan is made once
  hash bytea := iam.hash_token(token);
  -- of a token that the session had before
  session uuid;
  late boolean := false;
  replaced_at uuid;
  renewed boolean := false;
  told boolean := false;
  denied uuid;
begin
  if phase not in ('open', 'read', 'write') then
    raise exception using errcode = 'VS422', message = 'phase is open, read or write';
  end if;
  -- nothing is recorded either: a restored log must not go on before it was compared
  perform ops.require_clearance();
  perform set_config('vs.claims', '', true), set_config('vs.keys', '', true), set_config('vs.slot', '', true), set_config('vs.lane', '', true);
  if phase <> 'read' then
    -- a record of an access must not be lost after it was shown, and nobody waits for ever
    perform set_config('synchronous_commit', 'on', true), set_config('lock_timeout', '5s', true);
  end if;
  select * into s from iam.sessions x where x.token_hash = hash;
  if s.id is null then
    select o.session, coalesce(o.late, false), o.origin into session, late, replaced_at from iam.find_by_old_token(hash) o;
    if session is not null then select * into s from iam.sessions x where x.id = session; end if;
    if late and phase = 'open' then
      told := iam.end_family(s, audit.origin(ring, s.organisation_id, s.id, ip, user_agent));
    end if;
  end if;
  if s.id is null or late or s.revoked_at is not null or s.expires_at <= clock_timestamp()
     or s.last_seen_at <= clock_timestamp() - (case when s.role = 'import' then interval '12 hours' else interval '30 minutes' end)
     -- who is on the way to a first factor isn't active yet, and is told where to go on
     or (s.membership_id is not null and not access.membership_is_live(s.membership_id) and not (s.enrols and s.factors = 1)) then
    answer := 'signed_out';
  elsif s.factors < 2 then
    answer := 'second_factor';
  else
    answer := 'ok';
    -- most installations deny nobody: asked here, that costs nothing
    if exists (select from ops.networks n where n.lifted_at is null) then
      select n.id into denied from ops.network_of(ip) n where n.list = 'deny';
      if denied is not null then answer := 'network'; end if;
    end if;
  end if;
  if answer <> 'ok' then
    if phase <> 'open' then
      if denied is not null then perform ops.require_network(ip); end if;
      raise exception using errcode = 'VS401', message = 'no session: sign in';
    end if;
    if denied is not null then
      perform ops.record_denied(denied, array[s.id::text, s.account_id::text, s.organisation_id::text, s.role, null, null, null, null]);
      return array[answer, 'vs_anon'];
    end if;
    -- somebody tries a token: of a session that is known, and is over or unfinished, or of none. The log doesn't grow by it for ever.
    if s.id is null and token is not null then
      perform ops.record_unknown(ring, 'page', ip, user_agent);
    elsif s.id is not null and not told and ops.take('refused/' || s.id, 30, 1.0 / 60) = 0 then
      perform audit.append(array[s.id::text, s.account_id::text, s.organisation_id::text, s.role, null, null, null,
                                 audit.origin(ring, s.organisation_id, s.id, ip, user_agent)::text],
        'page.refused', 'session', s.id, null, 'failure', json_build_object('answer', answer)::text);
    end if;
    return array[answer, 'vs_anon'];
  end if;
  if phase <> 'read' then
    if s.last_seen_at < clock_timestamp() - interval '1 minute' then
      update iam.sessions set last_seen_at = clock_timestamp() where id = s.id;
      -- which master keys its edge has: rotation asks. An import would keep the row locked for minutes.
      if s.role <> 'import' then perform vault.saw_ring(ring); end if;
    end if;
    origin := audit.origin(ring, s.organisation_id, s.id, ip, user_agent);
    if phase = 'open' and renewal is not null and s.rotated_at < clock_timestamp() - interval '15 minutes' and s.role <> 'import' then
      renewed := iam.replace_token(s.id, hash, renewal, origin);
    elsif session is not null and s.token_hash = iam.hash_token(renewal) then
      -- its answer was lost, and this is the browser that it was for: elsewhere an old token is given nothing
      renewed := coalesce(origin = replaced_at, false);
    end if;
  end if;
  if focus is not null then
    -- a page that shows one patient sees that one alone, or nobody
    way := access.way_in(s.role, s.account_id, s.organisation_id, s.patient_id, focus);
    seen := case when way is not null then focus else '00000000-0000-0000-0000-000000000000' end;
    if way = 'glass' then
      glass := access.glass(s.account_id, s.organisation_id, focus);
      -- it ended between the two questions
      if glass is null then seen := '00000000-0000-0000-0000-000000000000'; end if;
    end if;
  end if;
  perform access.set_claims(array[s.id::text, s.account_id::text, s.organisation_id::text, s.role,
                                  s.patient_id::text, seen::text, s.care_team_id::text, origin::text, glass::text]);
  perform vault.set_ring(ring);
  -- where there is one (Postgres 17 on): a transaction that was left open ends; an import of a large bundle takes its time
  if s.role <> 'import' and current_setting('server_version_num')::int >= 170000 then
    perform set_config('transaction_timeout', '60s', true);
  end if;
  return array['ok', 'vs_' || s.role, renewed::text];
end $$;
comment on function iam.admit is 'The checking half of iam.enter.';
grant execute on function iam.admit to vs_edge;

create function iam.enter(token text, ring text, focus uuid default null, phase text default 'open',
                          ip text default null, user_agent text default null, renewal text default null) returns text
language plpgsql volatile set search_path = '' as $$
declare
  admitted text[] := iam.admit(token, ring, focus, phase, ip, user_agent, renewal);
begin
  -- a definer can't set the role; it lasts to the end of the transaction
  perform set_config('role', admitted[2], true);
  return case when admitted[3] = 'true' then 'renewed' else admitted[1] end;
end $$;
comment on function iam.enter is 'Who is asking: checks the session token, seals identity and keys into this transaction, and takes the role on.
phase `open` (first transaction): answers ok, renewed (ok, and `renewal` is the session''s token from now on), signed_out, second_factor or network (a denied one), and acts as vs_anon unless ok; `read` and `write`: raises VS401 or VS471 instead.
ring: VITAL_KEYS. focus: the patient on the page, if there is one. renewal: a new token, used when the present one is older than 15 minutes.';
grant execute on function iam.enter to vs_edge;

create function iam.end_session() returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  if c is null then return 'ok'; end if;
  update iam.sessions set revoked_at = clock_timestamp(), revoked_because = 'signed_out' where id = c[1]::uuid and revoked_at is null;
  perform audit.append(c, 'session.end', 'session', c[1]::uuid, null, 'success');
  return 'ok';
end $$;
comment on function iam.end_session is 'Sign-out: this session opens nothing from the next transaction on.';
grant execute on function iam.end_session to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher, vs_import;

-- ---------------------------------------------------------------- the import's session

create function iam.open_import_session(ring text, organisation uuid, clinician uuid) returns text
language plpgsql volatile set search_path = '' as $$
declare
  token text := translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || E'\n', '-_');
  team uuid;
begin
  perform vault.require_ring(ring);
  if not exists (select from access.memberships m where m.account_id = clinician and m.organisation_id = organisation
                 and m.role = 'clinician' and access.membership_is_live(m.id)) then
    raise exception using errcode = 'VS422', message = 'this person is not a clinician of this organisation';
  end if;
  select t.id into team from access.care_teams t where t.organisation_id = organisation and t.lead_account_id = clinician
  order by t.id limit 1;
  if team is null then team := access.create_care_team(organisation, clinician); end if;
  insert into iam.sessions (token_hash, organisation_id, role, care_team_id, factors, methods)
  values (iam.hash_token(token), organisation, 'import', team, 2, '{import}');
  perform audit.append(array[null, null, organisation::text, null, null, null, null, null], 'session.factor', 'session', null, null,
    'success', '{"factor":"import"}');
  return token;
end $$;
comment on function iam.open_import_session is 'A session of the import, which may seal and not open: made by the administrator''s connection as vs_owner, ended by iam.end_session. Gives the token.';

reset role;
