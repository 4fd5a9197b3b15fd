\ir support/world.psql
select no_plan();

select policies_are('ops', 'unrecorded', array['all_owner']);
select policy_roles_are('ops', 'unrecorded', 'all_owner', array['vs_owner']);

create function tests.refuse(counts text, token text default null, caller text default '{"ip": "203.0.113.87", "user_agent": "curl/8"}') returns text
language plpgsql as $$
declare
  ring text := tests.the('ring');
  result text;
begin
  perform set_config('role', 'vs_gate', true);
  result := ops.record_refusals(ring, token, caller::jsonb, '00000000-0000-4000-8000-000000000087', counts::jsonb);
  perform set_config('role', 'none', true);
  return result;
exception when others then
  return sqlstate;
end $$;
create function tests.last_refusal(what text) returns text language sql as $$
  select format('%s %s %s %s %s', e.event, e.resource_type, e.actor_role, e.outcome, e.details) || case when e.origin_id is null then '' else ' from somewhere' end
  from audit.events e where e.event = what order by e.at desc limit 1
$$;
-- other files refuse nothing
delete from ops.limits where key like 'refusals/%';

-- 1
select is(tests.refuse('{"row.insert": 1}'), '23514', 'cannot write an event of another kind');
select is(tests.refuse('{"request.forged": 0}'), '23514', 'cannot say that nothing happened');
select is(tests.refuse('{"request.forged": -4}'), '23514', 'nor less');
select is(tests.refuse('{"request.forged": "many"}'), '22P02', 'nor how often in words');
select is(tests.refuse('{"request.forged": 1}', null, '{"ip": "1; drop table", "user_agent": ""}'), 'VS422', 'cannot come from what is no address');
select is_empty($$select 1 from ops.unrecorded$$, 'and none of this was counted');
select is(tests.refuse('{"request.forged": 1}'), 'ok');
select is(tests.last_refusal('request.forged'), 'request.forged request unknown failure {"times":1} from somewhere', 'of a stranger, in the log of the installation: a word, how often, from where');
select is_empty($$select 1 from audit.origins o join audit.events e on e.origin_id = o.id where e.event like 'request.%' and o.ip is not null$$, 'of a stranger''s address a digest is kept');
select is(tests.refuse('{"request.host": 2}', null, 'null'), 'ok');
select is(tests.last_refusal('request.host'), 'request.host request unknown failure {"times":2}', 'several places are none');

-- 4
select is(tests.refuse('{"request.forged": 1, "request.polluted": 3}', tests.the('a.clinician')), 'ok');
select is(e.actor_id::text || e.actor_role || e.organisation_id, tests.the('a.clinician.account') || 'clinician' || tests.the('a.organisation'), e.event || ' in a live session is its organisation''s')
from audit.events e where e.event in ('request.forged', 'request.polluted') and e.session_id is not null;
select isnt_empty($$select 1 from audit.events e join audit.origins o on o.id = e.origin_id where e.event = 'request.polluted' and o.ip is not null and o.organisation_id = e.organisation_id$$, 'with the address, sealed for its auditors');
select is(tests.attempt('a.auditor', $$select count(*) from clinic.audit_events where event like 'request.%'$$), '(2)', 'who read it');
select is(tests.attempt('b.auditor', $$select count(*) from clinic.audit_events where event like 'request.%'$$), '(0)', 'cannot be read by another organisation');
select is((ops.session_of_refusal('nobody''s')).id, null, 'a token of nobody names nobody');
select is((ops.session_of_refusal(null)).id, null, 'nor does none');
do $$ begin perform tests.owner($o$update iam.sessions set revoked_at = clock_timestamp(), revoked_because = 'own' where token_hash = iam.hash_token('$o$ || tests.the('a.secretary') || $o$')$o$); end $$;
select is((ops.session_of_refusal(tests.the('a.secretary'))).id, null, 'nor one of a session that is over');
do $$ begin perform tests.owner($o$update iam.sessions set revoked_at = null, revoked_because = null where token_hash = iam.hash_token('$o$ || tests.the('a.secretary') || $o$')$o$); end $$;

-- 2, 3
select is(string_agg(distinct tests.refuse('{"request.method": 5}'), ' '), 'ok', 'a flood is taken') from generate_series(1, 30);
select is((select count(*) from audit.events where event = 'request.method')::int, 9, 'and fills no log: ten events of a network, one of which was another''s');
select is((select times from ops.unrecorded where kind = 'request.method')::int, 105, 'the others are counted');
select is(tests.refuse('{"request.method": 1}', null, '{"ip": "203.0.113.88"}'), 'ok');
select is(tests.last_refusal('request.method'), 'request.method request unknown failure {"times":1,"more":105} from somewhere', 'the next event of the kind says how many');
select is_empty($$select 1 from ops.unrecorded$$, 'and they are counted once');
select is(tests.refuse('{"request.method": 1}', tests.the('a.clinician')), 'ok');
select is(tests.last_refusal('request.method'), 'request.method request clinician failure {"times":1} from somewhere', 'a flood of strangers doesn''t use up what people have');
select is((select sum((e.details::json ->> 'times')::int + coalesce((e.details::json ->> 'more')::int, 0)) from audit.events e where e.event = 'request.method')::int, 152, 'nothing is lost');

select is(string_agg(distinct tests.refuse('{"request.too_large": 1}', null, format('{"ip": "198.51.100.%s"}', n)), ' '), 'ok', 'a flood from many networks is taken') from generate_series(1, 150) n;
select cmp_ok((select count(*) from audit.events where event = 'request.too_large')::int, '<=', 100, 'and is a hundred events at most, whatever the networks');
select is((select sum((e.details::json ->> 'times')::int) from audit.events e where e.event = 'request.too_large')::int + (select times from ops.unrecorded where kind = 'request.too_large')::int, 150, 'each counted');
select is(string_agg(distinct tests.refuse('{"request.host": 1}', tests.the('a.clinician')), ' '), 'ok', 'a flood in a session is taken') from generate_series(1, 20);
select is((select organisation_id::text from ops.unrecorded where kind = 'request.host'), tests.the('a.organisation'), 'and counted in the log of its organisation');

select is(tests.attempt('a.clinician', $$select ops.record_refusals('', null, null, null, '{}')$$, 'write'), '42501', 'cannot be told by anybody who signs in');

select * from finish();
