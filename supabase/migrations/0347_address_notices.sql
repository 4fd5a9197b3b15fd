-- Address notices: "that wasn't me", said in the mailbox that somebody's account had before (0345).
--
-- Guarantees
--   1. For 7 days one link takes a change back, with whatever was changed after it, or ends one that waits. To look at it
--      changes nothing: mail programs open links by themselves.
--   2. With it every session ends, no browser is known any more, and the factors that the session which asked has added are
--      removed with those of the sessions that are doubted with it (0335). Whoever disowns that sign-in takes it back as well.
--   3. What was sent to an address that was taken back leads nowhere: no notice of a change, no question about a sign-in (0099).
--   4. It is an event, refused links too, and only so often.

set role vs_owner;

create function iam.find_address_notice(ring text, link text) returns iam.address_changes
language plpgsql volatile set search_path = '' as $$
declare
  c iam.address_changes;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  perform iam.lock_account((select x.account_id from iam.address_changes x where iam.hash_token(link) in (x.asked_hash, x.changed_hash)));
  select * into c from iam.address_changes x
  where iam.hash_token(link) in (x.asked_hash, x.changed_hash) and coalesce(x.changed_at, x.asked_at) > clock_timestamp() - interval '7 days';
  return c;
end $$;
comment on function iam.find_address_notice is 'The change that a notice is about, under the lock of its account; NULL for none. Internal. Errors: VS503.';

create function iam.look_at_address_notice(ring text, link text, caller jsonb, out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c iam.address_changes := iam.find_address_notice(ring, link);
begin
  answer := case when c.state = 'taken_back' then 'taken_back' when c.id is not null then 'ok' else 'gone' end;
  if answer = 'gone' then
    retry_after := iam.refuse_address_link(ring, link, caller);
    if retry_after > 0 then answer := 'wait'; end if;
  end if;
end $$;
comment on function iam.look_at_address_notice is 'Is there something to take back? Changes nothing. Answers ok, taken_back, gone, or wait (retry_after: seconds). Errors: VS503.';

create function iam.take_address_back(ring text, account uuid, since timestamptz) returns boolean
language plpgsql volatile set search_path = '' as $$
declare
  -- another one may have come after it
  first iam.address_changes;
begin
  select * into first from iam.address_changes x where x.account_id = account and x.former is not null and x.changed_at >= since
    and x.changed_at > clock_timestamp() - interval '7 days' order by x.changed_at limit 1;
  if first.id is null then return false; end if;
  perform iam.give_address(ring, account, iam.address_of(vault.unwrap(ring, account, 'profile'), first.id, account, 'former', first.former));
  -- what was sent since went to a mailbox that isn't theirs: whoever reads it could end what its person does from now on
  update iam.address_changes x set state = 'taken_back', former = null, former_index = null
  where x.account_id = account and (x.changed_at >= first.changed_at or x.asked_at >= first.changed_at);
  update iam.sign_ins s set link_hash = null where s.account_id = account and s.at >= first.changed_at and s.link_hash is not null;
  return true;
end $$;
comment on function iam.take_address_back is 'The address that the account had before the first change since then, without the links that went out since; was there one? Nothing waits any more (iam.cancel_address_changes). Internal.';

create function iam.find_sessions_of_change(c iam.address_changes) returns uuid[]
language plpgsql stable set search_path = '' as $$
declare
  entry iam.sign_ins;
begin
  select * into entry from iam.sign_ins s where s.session_id = c.session_id;
  return array_append(case when entry.id is null then '{}' else iam.find_doubtful_sessions(entry, null) end, c.session_id);
end $$;
comment on function iam.find_sessions_of_change is 'The session that asked, and those that 0335 doubts with it. Internal.';

create function iam.disown_address_change(ring text, link text, caller jsonb, out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c iam.address_changes := iam.find_address_notice(ring, link);
  claims text[];
  restored boolean;
  removed text[];
  ended int;
begin
  answer := case when c.state = 'taken_back' then 'taken_back' when c.id is not null then 'ok' else 'gone' end;
  if answer = 'gone' then
    retry_after := iam.refuse_address_link(ring, link, caller);
    if retry_after > 0 then answer := 'wait'; end if;
  end if;
  if answer <> 'ok' then return; end if;
  claims := iam.gate_claims(c.account_id, null, iam.caller_origin(ring, null, null, caller));
  perform iam.cancel_address_changes(c.account_id, claims, 'disowned');
  restored := iam.take_address_back(ring, c.account_id, coalesce(c.changed_at, c.asked_at));
  update iam.address_changes x set state = 'taken_back' where x.id = c.id;
  removed := iam.remove_factors_of(c.account_id, iam.find_sessions_of_change(c));
  perform iam.cancel_recoveries(ring, c.account_id, claims, 'disowned');
  ended := iam.revoke_account(claims, c.account_id, 'disowned');
  -- whoever asked had a session and a factor: no browser is known any more
  update iam.devices d set forgotten_at = clock_timestamp() where d.account_id = c.account_id and d.forgotten_at is null;
  perform ops.post(ring, c.account_id, 'email', 'address_kept');
  if removed <> '{}' then
    perform audit.append(claims, 'factor.remove', 'Person', c.account_id, null, 'success', json_build_object('because', 'disowned', 'factors', removed)::text);
  end if;
  answer := 'taken_back';
  perform audit.append(claims, 'account.change', 'Person', c.account_id, null, 'success',
    json_build_object('change', 'address', 'step', 'taken_back', 'restored', restored, 'sessions_ended', ended)::text);
end $$;
comment on function iam.disown_address_change is 'It wasn''t them: the address is what it was, nothing waits, and every session is over. Answers taken_back, gone, or wait (retry_after: seconds). Errors: VS503.';
grant execute on function iam.look_at_address_notice, iam.disown_address_change to vs_gate;

reset role;
