\ir support/world.psql
select no_plan();

select policies_are('ops', 'outbox', array['all_owner']);
select policy_roles_are('ops', 'outbox', 'all_owner', array['vs_owner']);
select policies_are('ops', 'deliveries', array['all_owner']);
select policy_roles_are('ops', 'deliveries', 'all_owner', array['vs_owner']);

-- 1, 3, 4: tests/db/outbox.test.ts has senders that are killed
create function tests.post(template text, vars jsonb default '{}', channel text default 'email') returns text language sql as $$
  select tests.owner(format('select ops.post(%L, %L, %L, %L, %L)', tests.the('ring'), tests.the('a.clinician.account'), channel, template, vars))
$$;
create function tests.gate(query text) returns text language plpgsql as $$
declare
  result text;
begin
  perform set_config('role', 'vs_gate', true);
  execute query into result;
  perform set_config('role', 'none', true);
  return result;
exception when others then
  return sqlstate;
end $$;

-- 2
select isnt(tests.post('email_code', '{"code": "042817"}'), null, 'a message is posted');
select is_empty($$select 1 from ops.outbox where position('042817'::bytea in vars) > 0 or position('code'::bytea in vars) > 0$$, 'cannot be read in the table');
-- 5
select is(tests.post('invitation', jsonb_build_object('path', p)), 'VS422', 'cannot lead elsewhere: ' || p) from unnest(array['//evil.example/x', 'https://evil.example', '/\evil.example', E'/a\nb', '/a b', '/a@evil', '']) p;
select is(tests.post('address_link', jsonb_build_object('path', '/x', 'to', t)), 'VS422', 'cannot go to what is no address: ' || t) from unnest(array['', 'x', E'a@b.fr\nBcc: c@d.fr', 'a@b.fr, c@d.fr']) t;
select is(tests.post('invitation', '["x"]'), 'VS422', 'cannot hold anything but named values');
select is(tests.post('invitation', jsonb_build_object('path', '/invitations/' || repeat('A-_z', 11) || '?lang=fr')) ~ '^[0-9a-f-]{36}$', true, 'a path of ours is fine');
select is(tests.post('advertisement'), '23514', 'cannot say what isn''t in the list');
-- 3
select is(tests.gate(format('select count(*) from ops.take_messages(%L, array[''email''], 20)', tests.the('ring'))), '2', 'who delivers gets what is due');
select is(tests.gate(format('select count(*) from ops.take_messages(%L, array[''email''], 20)', tests.the('ring'))), '0', 'and nobody gets it again');
select is(tests.gate('select ops.message_done(null, 1, ''lost'', null)'), 'VS422', 'cannot tell what isn''t an outcome');
-- 6
select is(tests.attempt('a.clinician', format('select * from ops.take_messages(%L, array[''email''], 20)', tests.the('ring'))), '42501', 'cannot be taken by anybody who signs in');
select is(tests.attempt('a.clinician', 'select ops.message_done(null, 1, ''sent'', null)'), '42501', 'nor ended');
select is(tests.gate('select count(*) from ops.outbox'), '42501', 'the delivery cannot read the table');
select is(tests.gate('select ops.post(null, null, null, null)'), '42501', 'nor post anything itself');

select * from finish();
