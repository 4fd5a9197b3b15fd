\ir support/world.psql
select no_plan();

select policies_are('vault', t, array['all_owner']) from unnest(array['existing_tables', 'existing_columns']) t;
select policy_roles_are('vault', t, 'all_owner', array['vs_owner']) from unnest(array['existing_tables', 'existing_columns']) t;

-- tests/db/encrypt-existing.test.ts runs the command, kills it and looks into the files
select tests.the('ring') as ring, tests.the('a.mine') as mine, tests.the('a.theirs') as theirs, tests.the('a.organisation') as organisation,
       tests.the('a.clinician.account') as account, gen_random_uuid() as row_id \gset

-- 1, 2
create temp table sealed as select vault.seal_existing(:'ring', 'identity', :'row_id', :'mine', array['ancien.p.nom', 'ancien.p.ville'], array['Canari', null]) as v;
select is(vault.open_existing(:'ring', 'identity', :'row_id', :'mine', array['ancien.p.nom', 'ancien.p.ville'], v), array['Canari', null], 'opens in its place, NULL stays NULL') from sealed;
select is(encode(v[1], 'escape') like '%Canari%', false, 'is ciphertext') from sealed;
select throws_ok(format('select vault.open_existing(%L, %L, %L, %L, array[%L], %L)', :'ring', level, row_id, subject, label, array[v[1]]), 'VS500', 'the value can''t be opened', 'cannot be opened ' || place)
  from sealed, (values ('clinical', :'row_id', :'mine', 'ancien.p.nom', 'with the other key'), ('identity', gen_random_uuid()::text, :'mine', 'ancien.p.nom', 'in another row'),
    ('identity', :'row_id', :'theirs', 'ancien.p.nom', 'as another patient''s'), ('identity', :'row_id', :'mine', 'ancien.p.ville', 'in another column')) x (level, row_id, subject, label, place);
select throws_ok(format('select vault.seal_existing(%L, ''identity'', %L, gen_random_uuid(), array[''a''], array[''b''])', :'ring', :'row_id'), 'VS404', null, 'nobody''s values cannot be sealed');

-- whose a row is
select is(vault.source_id(:'ring', :'organisation', 'Patient/mine'), :'mine'::uuid, 'a key of the old table leads to the patient that the import makes of it');
select is(vault.existing_account(:'ring', :'organisation', ' ACLINICIAN@exemple.fr '), :'account'::uuid, 'an address leads to the account');
select is(vault.existing_account(:'ring', tests.the('b.organisation')::uuid, 'aclinician@exemple.fr'), null, 'and to none of another organisation');

-- 3
create schema ancien;
create table ancien.p (nom text);
insert into ancien.p values ('avant');
create trigger vs_sealed before insert or update or delete or truncate on ancien.p for each statement execute function vault.tg_existing__sealed();
alter table ancien.p enable always trigger vs_sealed;
grant usage on schema ancien to vs_owner;
grant select, update on ancien.p to vs_owner;
select throws_ok(s, 'VS403', 'ancien.p is sealed by vitalsync encrypt-existing: nothing is written to it any more', 'a superuser cannot ' || s)
  from unnest(array['insert into ancien.p values (1)', 'update ancien.p set nom = null', 'delete from ancien.p', 'truncate ancien.p']) s;
select is(tests.owner('update ancien.p set nom = ''scellé'''), 'done', 'the command can');

-- 4
select vault.seal_existing(:'ring', 'profile', :'row_id', :'account', array['ancien.u.tel'], array['0612345678']) as profile \gset
select format($$select clinic.open_profile(%L, %L, array[convert_to('ancien.u.tel', 'UTF8')], %L)$$, :'account', :'row_id', :'profile') as own \gset
select is(tests.attempt('a.clinician', :'own'), '({0612345678})', 'one''s own profile opens');
select is(tests.attempt(who, :'own'), '()', who || ' opens nothing of it') from unnest(array['a.colleague', 'a.org_admin', 'b.clinician']) who;

drop schema ancien cascade;
select * from finish();
