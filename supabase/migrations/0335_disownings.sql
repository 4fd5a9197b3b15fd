-- Disownings: "that wasn't me", and what such a sign-in has left behind.
--
-- Guarantees
--   1. One disowns a sign-in of one's own: by the link that was mailed, or on its page, on a factor shown within 10 minutes,
--      and never the sign-in that one is using.
--   2. It ends every session of the account but the one that asks, and a recovery or a change of the address that was asked
--      for, whoever asked; a change that such a session has made is taken back, within 7 days (0345).
--   3. Passkeys, app, telephone number and recovery codes that it added are removed, and its browser is forgotten; so is what
--      came after it in browsers that the account didn't know before, for whoever has come in so may have come in elsewhere.
--      Who has signed in twice gains nothing by it: what came from that browser since it was new counts as well, for 7 days.
--      What the session that asks has added stays, and what is older.
--   4. The person reads what was undone, there and by e-mail; each of it is in the log.
--   5. Who has no factor left by that signs in with none: a recovery (0300) leads back, the session that asks adds another.

set role vs_owner;

create function iam.find_doubtful_sessions(entry iam.sign_ins, asking iam.sessions) returns uuid[]
language plpgsql stable set search_path = '' as $$
begin
  return array(
    select s.id from iam.sessions s left join iam.devices d on d.id = s.device_id left join iam.sign_ins i on i.session_id = s.id
    where s.account_id = entry.account_id and s.id is distinct from asking.id
      and (s.id = entry.session_id
           or (coalesce(i.at, s.created_at) >= entry.at
               and (asking.device_id is null or s.device_id is distinct from asking.device_id)
               -- a browser that was known before stays the person's
               and (d.id is null or d.id = entry.device_id or d.first_seen_at >= entry.at))
           -- the same browser, once it was new beside another: in one's first, one has added one's own
           or (s.device_id = entry.device_id and s.device_id is distinct from asking.device_id
               and coalesce(i.at, s.created_at) >= (select min(n.at) from iam.sign_ins n
                 where n.account_id = entry.account_id and n.device_id = entry.device_id and 'new_device' = any (n.signals)
                   and n.released_at is null and n.at > entry.at - interval '7 days'))));
end $$;
comment on function iam.find_doubtful_sessions is 'The session of a sign-in, those of the same browser since it was new, and those that came after it in browsers that were not known before. asking: the session that says so, if there is one. Internal.';

create function iam.remove_factors_of(account uuid, sessions uuid[]) returns text[]
language plpgsql volatile set search_path = '' as $$
declare
  removed text[] := array[]::text[];
begin
  delete from iam.passkeys p where p.account_id = account and p.added_in = any (sessions);
  if found then removed := removed || 'passkey'::text; end if;
  -- one that stood in the place of another: that one is gone as well
  delete from iam.totp_factors f where f.account_id = account and f.added_in = any (sessions);
  if found then removed := removed || 'totp'::text; end if;
  delete from iam.phones p where p.account_id = account and p.added_in = any (sessions);
  if found then removed := removed || 'sms_code'::text; end if;
  -- a number that still waits for its code
  delete from iam.phones p where p.account_id = account and p.number is null;
  update iam.phones p set pending = null where p.account_id = account and p.pending is not null;
  delete from iam.recovery_codes r where r.account_id = account and r.added_in = any (sessions);
  if found then removed := removed || 'recovery_code'::text; end if;
  update iam.sent_codes c set used_at = clock_timestamp() where c.account_id = account and c.session_id = any (sessions) and c.used_at is null;
  return removed;
end $$;
comment on function iam.remove_factors_of is 'What these sessions have added counts no more; gives which kinds that was. Internal.';

create function iam.disown_sign_in(ring text, claims text[], entry iam.sign_ins) returns void
language plpgsql volatile set search_path = '' as $$
declare
  asking iam.sessions;
  doubtful uuid[];
  removed text[];
  ended text[] := array[]::text[];
begin
  select * into asking from iam.sessions s where s.id = claims[1]::uuid;
  doubtful := iam.find_doubtful_sessions(entry, asking);
  removed := iam.remove_factors_of(entry.account_id, doubtful);
  if iam.revoke_account(claims, entry.account_id, 'disowned', asking.id) > 0 then ended := ended || 'session'::text; end if;
  -- also where a change of the address came from there (0345): the notices go to whom they belong
  perform iam.cancel_address_changes(entry.account_id, claims, 'disowned');
  if iam.take_address_back(ring, entry.account_id, (select min(x.changed_at) from iam.address_changes x
      where x.account_id = entry.account_id and x.former is not null and x.session_id = any (doubtful))) then
    ended := ended || 'address'::text;
  end if;
  if iam.cancel_recoveries(ring, entry.account_id, claims, 'disowned') then ended := ended || 'recovery'::text; end if;
  update iam.devices d set forgotten_at = clock_timestamp()
  where d.forgotten_at is null
    and (d.id = entry.device_id
         or (d.id in (select s.device_id from iam.sessions s where s.id = any (doubtful)) and d.id is distinct from asking.device_id));
  if found then ended := ended || 'device'::text; end if;
  ended := ended || removed;
  update iam.sign_ins s set disowned_at = clock_timestamp(), undone = ended where s.id = entry.id;
  perform audit.append(claims, 'session.unusual', 'SignIn', entry.id, null, 'success', json_build_object('disowned', true, 'undone', ended)::text);
  if removed <> '{}' then
    perform audit.append(claims, 'factor.remove', 'Person', entry.account_id, null, 'success', json_build_object('because', 'disowned', 'factors', removed)::text);
  end if;
  perform ops.post(ring, entry.account_id, 'email', 'sign_in_disowned', jsonb_build_object('undone', ended));
end $$;
comment on function iam.disown_sign_in is 'claims: who says so, of iam.gate_claims for the link. The account is locked. Internal.';

create function clinic.disown_sign_in(key uuid, sign_in uuid) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  entry iam.sign_ins;
begin
  perform iam.lock_account(c[2]::uuid);
  select * into entry from iam.sign_ins s where s.id = sign_in and s.account_id = c[2]::uuid for update;
  if not found or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such sign-in here';
  end if;
  if entry.session_id = c[1]::uuid then
    raise exception using errcode = 'VS422', message = 'this is the sign-in that you are using';
  end if;
  perform ops.fulfil(key, 'sign_ins.disown', sign_in);
  if entry.disowned_at is null then perform iam.disown_sign_in(vault.ring(), c, entry); end if;
  return sign_in;
end $$;
comment on function clinic.disown_sign_in is '"That wasn''t me": ends all other sessions, and nothing of that sign-in is trusted any more. key: ops.intend(key, ''sign_ins.disown''). Errors: VS208, VS404, VS422, VS428, VS470.';
grant execute on function clinic.disown_sign_in to vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;

reset role;
