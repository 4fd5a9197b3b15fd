-- Passwords: changed by the person who has one. What may be chosen is decided at the edge (edge/password-rules.ts), since
-- the database never sees a password.
--
-- Guarantees
--   1. A change needs the present password and a factor shown within 10 minutes.
--   2. All sessions end with it, the one that asked included: whoever had copied one has nothing left.
--   3. The present password is guessed five times an hour at most, from a session that somebody may have stolen.
--   4. A change and a refusal are in the log, and the person is told.

set role vs_owner;

create function iam.change_password(ring text, token text, present text, chosen text, caller jsonb, out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  allowed record;
  bucket text;
  ended int;
  claims text[];
begin
  retry_after := 0;
  select * into allowed from iam.may_change_factors(ring, token, caller, with_password => false);
  answer := case when allowed.answer = 'ok' and iam.is_half(allowed.session) then 'second_factor' else allowed.answer end;
  if answer <> 'ok' then
    perform iam.record_refused_change(ring, token, 'password.change', answer, caller);
    return;
  end if;
  bucket := 'password/change/' || allowed.account;
  -- the same twice says nothing about the present one: it is no try
  if present is distinct from chosen then retry_after := ops.delay(bucket, 5, '1 hour', '1 hour', '1 hour'); end if;
  if retry_after = 0 then perform ops.wait_for_hash_turn(); end if;
  answer := case
    when present = chosen then 'same'
    when retry_after > 0 then 'wait'
    when not exists (select from iam.accounts a where a.id = allowed.account and a.password_hash = extensions.crypt(present, a.password_hash)) then 'refused'
    else 'ok' end;
  claims := iam.gate_claims(allowed.account, allowed.session, allowed.origin);
  if answer = 'wait' then
    perform ops.record_limited(ring, claims, 'password', bucket, caller);
    return;
  elsif answer <> 'ok' then
    perform audit.append(claims, 'password.change', 'session', allowed.session, null, 'failure', json_build_object('answer', answer)::text);
    return;
  end if;
  perform ops.forgive(bucket);
  perform iam.set_password(allowed.account, chosen);
  update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'password_changed'
  where x.account_id = allowed.account and x.revoked_at is null;
  get diagnostics ended = row_count;
  perform audit.append(claims, 'password.change', 'session', allowed.session, null, 'success', json_build_object('sessions_ended', ended)::text);
  perform ops.post(ring, allowed.account, 'email', 'password_changed');
end $$;
comment on function iam.change_password is 'present, chosen: pre-hashes as in iam.sign_in_password. Answers ok (every session is over), refused (the present password is another), same, wait (retry_after: seconds), or what iam.may_change_factors says. Errors: VS503, 55P03 (no turn for hashing within 5 s).';
grant execute on function iam.change_password to vs_gate;

reset role;
