-- Refusals of the edge: requests that no page of ours makes (another site's form, a strange Host, a body that is too large …).
-- The edge answers them without asking here, and tells afterwards (edge/refusals.ts).
--
-- Guarantees
--   1. An event says a word of a closed list, how often, from where, in whose session, and under which reference the answer
--      was given. Nothing that the request said is in it: whoever is refused writes nothing into a log that can't forget.
--   2. A flood doesn't fill the log: of a network, or of a session, ten events at once and one a minute; a hundred at once
--      and six a minute of all networks, and as many of all sessions, so that strangers don't use up those of people.
--   3. What isn't recorded by itself is counted, and goes as `more` into the next event of its kind in the same log.
--   4. A live session's token says whose browser it was: the event is in its organisation's log, where an auditor reads it.
--      Any other one says nothing. Nothing is renewed or ended by it: a refused request has done nothing.

set role vs_owner;

create table ops.unrecorded (
  organisation_id  uuid not null,
  kind             text not null check (kind in ('request.forged', 'request.host', 'request.malformed', 'request.method',
                                                 'request.polluted', 'request.too_large')),
  times            bigint not null check (times > 0),
  primary key (organisation_id, kind)
) with (fillfactor = 50);
comment on table ops.unrecorded is 'Refused requests that are in no event yet, by log and kind. Organisation 00000000-… is the installation.';
alter table ops.unrecorded enable row level security;
alter table ops.unrecorded force row level security;
create policy all_owner on ops.unrecorded to vs_owner using (true) with check (true);
comment on policy all_owner on ops.unrecorded is 'ops.record_refusals.';

create function ops.session_of_refusal(token text) returns iam.sessions
language plpgsql stable set search_path = '' as $$
declare
  s iam.sessions;
  hash bytea := iam.hash_token(token);
begin
  select * into s from iam.sessions x
  where x.id = coalesce((select y.id from iam.sessions y where y.token_hash = hash),
                        -- renewed by another request of the same browser, a moment ago
                        (select o.session from iam.find_by_old_token(hash) o where not o.late))
    and x.revoked_at is null and x.expires_at > clock_timestamp() and x.last_seen_at > clock_timestamp() - interval '30 minutes'
    and (x.membership_id is null or x.enrols or access.membership_is_live(x.membership_id));
  return s;
end $$;
comment on function ops.session_of_refusal is 'The live session of a token, with one factor or two, or NULLs. Changes nothing. Internal.';

create function ops.record_refusals(ring text, token text, caller jsonb, request uuid, counts jsonb) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  s iam.sessions;
  claims text[];
  place uuid;
  own text;
  everybody text;
  kinds text[];
  taken boolean[] := array[]::boolean[];
  told bigint;
  counted bigint;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  s := ops.session_of_refusal(token);
  place := coalesce(s.organisation_id, '00000000-0000-0000-0000-000000000000');
  own := case when s.id is null then 'refusals/address/' || ops.network_key(ring, caller ->> 'ip') else 'refusals/session/' || s.id end;
  everybody := case when s.id is null then 'refusals/addresses' else 'refusals/sessions' end;
  kinds := array(select x.key from jsonb_object_keys(counts) as x(key) order by x.key);
  -- all buckets before all counters, or two edges could wait for each other
  for i in 1 .. cardinality(kinds) loop
    taken := taken || (ops.peek(own, 10, 1.0 / 60) = 0 and ops.peek(everybody, 100, 0.1) = 0
                       and ops.take(own, 10, 1.0 / 60) = 0 and ops.take(everybody, 100, 0.1) = 0);
  end loop;
  for i in 1 .. cardinality(kinds) loop
    told := least((counts ->> kinds[i])::bigint, 1000000000::bigint);
    -- its list of kinds is the closed one; the event's is longer
    insert into ops.unrecorded as u (organisation_id, kind, times) values (place, kinds[i], told)
    on conflict on constraint unrecorded_pkey do update set times = u.times + excluded.times returning u.times into counted;
    if taken[i] then
      delete from ops.unrecorded u where u.organisation_id = place and u.kind = kinds[i];
      claims := array[s.id::text, s.account_id::text, s.organisation_id::text, coalesce(s.role, 'unknown'), null, null, null,
                      iam.caller_origin(ring, s.organisation_id, s.id, caller)::text];
      perform audit.append(claims, kinds[i], 'request', request, null, 'failure',
        json_strip_nulls(json_build_object('times', told, 'more', nullif(counted - told, 0)))::text);
    end if;
  end loop;
  return 'ok';
end $$;
comment on function ops.record_refusals is 'Records requests that an edge has refused since it told last. token: of the session cookie that came along, if any. caller: {ip, user_agent}, or NULL for several places. request: the reference that the answer bore. counts: {kind: how often}. Errors: VS503, 23514 for another kind or none.';
grant execute on function ops.record_refusals to vs_gate;

reset role;
