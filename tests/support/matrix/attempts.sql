-- What the matrix tries, generated from the catalog, and how. Put by a superuser into a database that is thrown away
-- (tests/support/matrix/try.ts).

create schema tests;
grant usage on schema tests to public;

create view tests.ours as
  select oid, nspname as name from pg_namespace
  where nspname in ('iam', 'access', 'vault', 'audit', 'store', 'clinic', 'privacy', 'ops');

-- `object` is the name in supabase/tests/matrix: the partitions of months are one object
create view tests.relations as
  select regexp_replace(c.oid::regclass::text, '_\d{4}_\d{2}$', '_YYYY_MM') as object, c.oid::regclass::text as name, c.relkind::text as kind,
    (select array_agg(quote_ident(a.attname) order by a.attnum) from pg_attribute a
     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    (select string_agg(quote_ident(a.attname), ', ') from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
     where i.indrelid = c.oid and i.indisprimary) as key
  from pg_class c join tests.ours n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S');

-- :rows and :values are put in by whoever tries: all rows at first, then those of one place
create view tests.writes as
  select r.object, r.name, v.verb, v.sql from tests.relations r, lateral (values
    ('insert', format('insert into %s :values', name)),
    ('insert returning', format('insert into %s :values returning *', name)),
    ('on conflict do nothing', format('insert into %s :values on conflict do nothing', name)),
    ('on conflict do update', 'insert into ' || name || ' :values on conflict (' || key || ') do update set ' || columns[1] || ' = excluded.' || columns[1]),
    ('update returning', format('update %s t set %s = %s where :rows returning *', name, columns[1], columns[1])),
    ('delete', format('delete from %s t where :rows', name)),
    ('delete returning', format('delete from %s t where :rows returning *', name)),
    ('merge update', format('merge into %s t using (select 1) s on :rows when matched then update set %s = t.%s', name, columns[1], columns[1])),
    ('merge delete', format('merge into %s t using (select 1) s on :rows when matched then delete', name)),
    ('merge insert', format('merge into %s t using (select 1) s on false when not matched then insert default values', name)),
    ('for update', format('select 1 from %s t where :rows for update', name)),
    ('for no key update', format('select 1 from %s t where :rows for no key update', name)),
    ('for share', format('select 1 from %s t where :rows for share', name)),
    ('for key share', format('select 1 from %s t where :rows for key share', name)),
    ('truncate', format('truncate %s cascade', name)),
    ('lock', format('lock table %s in row exclusive mode', name)),
    -- what belongs to the owner alone
    ('alter', format('alter table %s disable row level security', name)),
    ('own', format('alter table %s owner to current_user', name)),
    ('rename', format('alter table %s rename to stolen', name)),
    ('drop', format('drop table %s', name)),
    ('policy', format('create policy mine on %s using (true)', name)),
    ('trigger', format('create trigger mine before insert on %s for each row execute function audit.tg_row()', name)),
    ('rule', format('create rule mine as on delete to %s do instead nothing', name)),
    ('index', format('create index on %s (%s)', name, columns[1])),
    ('comment', format('comment on table %s is ''x''', name))) v (verb, sql)
  where v.sql is not null and (r.kind in ('r', 'p') or v.verb <> 'index')
  union all
  -- a grant may be on one column alone
  select r.object, r.name, v.verb || ' ' || c, format(v.sql, r.name, c, c) from tests.relations r, unnest(r.columns) c, (values
    ('insert', 'insert into %s (%s) values (default)'),
    ('update', 'update %s t set %s = %s where :rows')) v (verb, sql);

create view tests.functions as
  select case when count(*) over (partition by p.pronamespace, p.proname) = 1 then p.oid::regproc::text || '()' else p.oid::regprocedure::text end as object,
    p.oid::regprocedure::text as name,
    format('%s(%s)', p.oid::regproc, (select string_agg('null::' || format_type(t, null), ', ' order by place)
                                             from unnest(p.proargtypes) with ordinality x (t, place))) as sql,
    array(select substr(r.rolname, 4) from pg_roles r where r.rolname ~ '^vs_' and has_function_privilege(r.oid, p.oid, 'execute')) as granted
  from pg_proc p join tests.ours n on n.oid = p.pronamespace;

-- Tries each statement as whoever calls, and takes it back: its rows (`select`), how many it touched, or the SQLSTATE.
create function tests.tried(attempts jsonb) returns table (attempt text, answer jsonb) language plpgsql as $$
declare
  statement text;
  touched bigint;
begin
  for attempt, statement in select key, value from jsonb_each_text(attempts) loop
    begin
      if statement ~ '^select ' and statement !~ ' for [a-z ]+$' then
        execute format('select coalesce(jsonb_agg(to_jsonb(t)), ''[]'') from (%s) t', statement) into answer;
      else
        execute statement;
        get diagnostics touched = row_count;
        answer := to_jsonb(touched);
      end if;
      raise exception using errcode = 'MX000';
    exception
      when sqlstate 'MX000' then null;
      when others then
        -- a view takes no such thing: refused as well
        answer := to_jsonb(case when sqlstate in ('42809', '55000', '0A000') then '42501' else sqlstate end);
    end;
    return next;
  end loop;
end $$;
