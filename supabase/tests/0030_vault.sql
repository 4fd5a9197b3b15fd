\ir support/world.psql
select no_plan();

-- 1, 2: tests/db/aead.test.ts tries every bit and size, tests/db/sealing.test.ts every row, column and version
select is(encode((vault.aead_encrypt(decode(string_agg(lpad(to_hex(i), 2, '0'), '' order by i), 'hex'), '\x1af38c2dc2b96ffdd86694092341bc04',
    convert_to('The second principle of Auguste Kerckhoffs', 'UTF8'),
    convert_to('A cipher system must not be required to be secret, and it must be able to fall into the hands of the enemy without inconvenience', 'UTF8'))).tag, 'hex'),
  '4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5', 'the tag of RFC 7518 B.3') from generate_series(0, 63) i;
select is(vault.unpack(k, a, vault.pack(k, a, p)), p, 'what is packed is unpacked') from (values (decode(repeat('07', 64), 'hex'), 'aad'::bytea)) key (k, a), unnest(array['', 'x', repeat('é', 999)]) t, lateral convert_to(t, 'UTF8') p;
select is(vault.unpack(decode(repeat('07', 64), 'hex'), '', null), null, 'NULL stays NULL');
select throws_ok(format('select vault.unpack(decode(repeat(''07'', 64), ''hex''), '''', %L::bytea)', v), 'VS500', 'the value can''t be opened', 'cannot unpack ' || v) from unnest(array['', '\x01', '\x02' || repeat('00', 80), '\x01' || repeat('00', 80), '\x01' || repeat('00', 81)]) v;
select throws_ok(format('select vault.aead_decrypt(%s)', args), 'VS500', 'the value can''t be opened', 'cannot decrypt with ' || what) from (values
  ('no key', $$null, decode(repeat('00', 16), 'hex'), '', decode(repeat('00', 16), 'hex'), decode(repeat('00', 32), 'hex')$$),
  ('a short key', $$decode(repeat('00', 48), 'hex'), decode(repeat('00', 16), 'hex'), '', decode(repeat('00', 16), 'hex'), decode(repeat('00', 32), 'hex')$$),
  ('no IV', $$decode(repeat('00', 64), 'hex'), null, '', decode(repeat('00', 16), 'hex'), decode(repeat('00', 32), 'hex')$$),
  ('no AAD', $$decode(repeat('00', 64), 'hex'), decode(repeat('00', 16), 'hex'), null, decode(repeat('00', 16), 'hex'), decode(repeat('00', 32), 'hex')$$),
  ('no tag', $$decode(repeat('00', 64), 'hex'), decode(repeat('00', 16), 'hex'), '', decode(repeat('00', 16), 'hex'), null$$),
  ('no ciphertext', $$decode(repeat('00', 64), 'hex'), decode(repeat('00', 16), 'hex'), '', '', decode(repeat('00', 32), 'hex')$$)) x (what, args);
select throws_ok(format('select vault.pack(%s, ''text'')', args), 'VS500', null, 'cannot seal with ' || args) from unnest(array['null, ''''', $$decode(repeat('00', 48), 'hex'), ''$$, $$decode(repeat('00', 64), 'hex'), null$$]) args;
select is(vault.pack(null, null, null), null, 'NULL stays NULL, whatever the key');

select policies_are('vault', 'secrets', array['select_owner', 'insert_owner']);
select policies_are('vault', 'masters', array['select_owner', 'insert_owner', 'update_owner']);
select policies_are('vault', 'keys', array['select_owner', 'insert_owner', 'update_owner', 'delete_owner']);
select policy_roles_are('vault', t, p, array['vs_owner']) from (values ('secrets', 'select_owner'), ('secrets', 'insert_owner'), ('masters', 'select_owner'), ('masters', 'insert_owner'), ('masters', 'update_owner'), ('keys', 'select_owner'), ('keys', 'insert_owner'), ('keys', 'update_owner'), ('keys', 'delete_owner')) x (t, p);

-- 3
select is((select strpos(string_agg(m::text, ' '), split_part(tests.the('ring'), '=', 2)) from vault.masters m), 0, 'a master key is never stored');
select is(tests.attempt('a.clinician', 'select * from vault.' || t), '42501', 'cannot name vault.' || t) from unnest(array['secrets', 'masters', 'keys', 'search_tokens']) t;
select is(tests.owner(format('update vault.keys set %s where level = ''profile''', change)), 'VS403', 'the owner cannot set ' || change || ' of a key')
  from unnest(array['wrapped = ''\x00''', 'subject_id = gen_random_uuid()', 'level = ''clinical'', indexed = null', 'organisation_id = gen_random_uuid()', 'created_at = now()']) change;

-- 6
select is(tests.owner('with gone as (delete from vault.masters returning 1) select count(*) from gone'), '0', 'the owner cannot remove a master key from the list');
select throws_ok('delete from vault.masters', 'VS403', null, 'nor can a superuser, unless they switch the trigger off');
select is(tests.owner('truncate vault.masters cascade'), 'VS403', 'nor emptied out');
select is(tests.owner('update vault.masters set ' || change), 'VS403', 'the owner cannot set ' || change || ' of a master key')
  from unnest(array['check_value = substr(sha256(check_value), 1, 16)', 'added_at = now()', 'id = ''other''']) change;
select is(tests.owner('update vault.masters set retired_at = now(), active = false where active'), '23503', 'a master key that wraps something cannot be retired');
select is(tests.owner('update vault.masters set retired_at = now() where active'), '23514', 'nor half of it');
select is(tests.owner(format('select vault.create_key(%L, gen_random_uuid(), ''profile'', %L)', r, tests.the('a.organisation'))), 'VS503', 'nothing is wrapped with a key that isn''t this database''s')
  from unnest(array['pgtap=' || translate(encode(sha512('x'), 'base64'), E'\n', ''), 'other=' || split_part(tests.the('ring'), '=', 2) || '==', split_part(tests.the('ring'), '=', 2), '']) r;
select throws_ok(format('select vault.master(%L, ''cGllY2VvZmFrZXk'')', r), 'VS503', 'VITAL_KEYS isn''t of the form name=base64 of 64 bytes, with commas between', 'no piece of a key is quoted as if it were a name') from unnest(array['cGllY2VvZmFrZXk==', 'a=b,cGllY2VvZmFrZXk==']) r;
select is(vault.ring_problem(r), p, coalesce(p, 'a ring that is right')) from (values
  (tests.the('ring'), null),
  (null, 'VITAL_KEYS is missing'), ('', 'VITAL_KEYS is missing'),
  ('pgtap', 'VITAL_KEYS isn''t of the form name=base64 of 64 bytes, with commas between'),
  (split_part(tests.the('ring'), '=', 2), 'VITAL_KEYS isn''t of the form name=base64 of 64 bytes, with commas between'),
  (left(tests.the('ring'), -3), 'VITAL_KEYS isn''t of the form name=base64 of 64 bytes, with commas between'),
  (tests.the('ring') || ',' || left(split_part(tests.the('ring'), '=', 2), 20) || '==', 'VITAL_KEYS isn''t of the form name=base64 of 64 bytes, with commas between'),
  ('pgtap=' || encode(sha512('x'), 'base64'), 'master key pgtap is not the one that this database was sealed with'),
  (tests.the('ring') || ',new=' || encode(sha512('x'), 'base64'), 'VITAL_KEYS has a master key new that this database doesn''t know (vitalsync keys add registers one)')) v (r, p);

-- 4
select is(tests.attempt('a.clinician', 'select birth_name from clinic.patients'), 'VS428', 'cannot read what nobody opened');
select is(tests.opened('a.clinician', 'a.mine'), '(ok)', 'opens');
select is(tests.attempt('a.clinician', 'select birth_name from clinic.patients'), '(Moreau)', 'and reads');
select is(tests.attempt('a.clinician', 'select audit.open_patient(id), birth_name from (select id, birth_name from clinic.patients) p', 'open'), '(ok,Moreau)', 'also in a transaction that opens again, by the opening before');
select is(tests.opened('a.secretary', 'a.mine'), '(ok)', 'a secretary opens');
select is(tests.attempt('a.secretary', format('select birth_name from clinic.patients where id = %L', tests.the('a.mine'))), '(Moreau)', 'identity');
select is(tests.attempt('a.secretary', 'select * from clinic.notes'), '42501', 'and nothing clinical');

-- 5
select is_empty($$select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace, pg_roles r
  where n.nspname = 'vault' and p.proname <> 'open' and r.rolname ~ '^vs_' and r.rolname not in ('vs_owner', 'vs_dba', 'vs_admin') and has_function_privilege(r.oid, p.oid, 'execute')$$,
  'no function that acting roles execute is in the vault, but vault.open, which gives no key');

select * from finish();
