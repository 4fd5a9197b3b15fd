-- Intents: a write is announced and committed before it happens, and happens once.
--
-- Guarantees
--   1. A change needs its intent, committed by an earlier transaction of the same person.
--   2. An idempotency key is fulfilled once, however often the form is sent, and stands for one content: a form that was
--      amended in between is a conflict, not "done".
--   3. An intent that was never fulfilled is a failed attempt, and stays.
--   4. What steps up (iam.asks_again) is neither announced nor done on a factor older than 10 minutes.

set role vs_owner;

create table ops.intents (
  key           uuid primary key,
  session_id    uuid not null,
  account_id    uuid,
  digest        bytea not null,
  operation     text not null check (operation ~ '^[a-z_]+\.[a-z_]+$'),
  announced_at  timestamptz not null default clock_timestamp(),
  transaction   xid8 not null default pg_current_xact_id(),
  fulfilled_at  timestamptz,
  result_id     uuid
);
comment on table ops.intents is 'Idempotency keys of changes.';
-- clearing out, and the failed ones of the last hours
create index intents_announced on ops.intents (announced_at);
alter table ops.intents enable row level security;
alter table ops.intents force row level security;
create policy all_owner on ops.intents to vs_owner using (true) with check (true);
comment on policy all_owner on ops.intents is 'ops.intend and ops.fulfil.';

create function ops.intend(key uuid, operation text, content text default '') returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  i ops.intents;
  ring text;
  keyed bytea[];
begin
  if c is null then return 'signed_out'; end if;
  if iam.asks_again(operation) and not iam.factor_is_recent(c[1]::uuid) then
    perform audit.append(c, 'session.step_up', 'session', c[1]::uuid, null, 'failure', json_build_object('asked', true)::text);
    return 'step_up';
  end if;
  ring := vault.ring();
  -- under each key of the ring: a form that is sent again after another master key became current is the same form
  keyed := array(select extensions.hmac(convert_to(content, 'UTF8'), vault.derive(vault.master(ring, name), 'intent'), 'sha256')
                 from unnest(vault.ring_names(ring)) with ordinality n (name, place) order by place);
  insert into ops.intents (key, session_id, account_id, operation, digest)
  values (intend.key, c[1]::uuid, c[2]::uuid, intend.operation, keyed[1]) on conflict on constraint intents_pkey do nothing;
  select * into i from ops.intents x where x.key = intend.key;
  if i.account_id is distinct from c[2]::uuid or i.operation <> intend.operation or i.digest <> all (keyed) then return 'conflict'; end if;
  return case when i.fulfilled_at is null then 'ok' else 'done' end;
end $$;
comment on function ops.intend is 'Announces a change. content: what will be written, of which a keyed digest is kept. ok, done (it has happened already), conflict (the key stands for something else), step_up (show a factor again, then ask again) or signed_out.';
grant execute on function ops.intend to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;
grant usage on schema ops to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;

create function ops.fulfil(key uuid, operation text, result uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
  c text[] := access.claims();
  i ops.intents;
begin
  select * into i from ops.intents x where x.key = fulfil.key for update;
  if not found or i.account_id is distinct from c[2]::uuid or i.operation <> fulfil.operation
     or i.transaction is not distinct from pg_current_xact_id_if_assigned()
     or i.announced_at < clock_timestamp() - interval '12 hours' then
    raise exception using errcode = 'VS428', message = 'no committed intent for this change: call ops.intend in an earlier transaction';
  end if;
  if i.fulfilled_at is not null then
    raise exception using errcode = 'VS208', message = 'this change has happened already';
  end if;
  if iam.asks_again(operation) and not iam.factor_is_recent(c[1]::uuid) then
    raise exception using errcode = 'VS470', message = 'this asks for a factor that was shown within the last 10 minutes';
  end if;
  update ops.intents x set fulfilled_at = clock_timestamp(), result_id = result where x.key = fulfil.key;
end $$;
comment on function ops.fulfil is 'Uses an intent up. Internal: write functions call it first. Errors: VS208 (already done), VS428, VS470 (step-up).';

reset role;
