-- Upkeep: what a job does for the tables that only matter for a while.
--
-- Guarantees
--   1. Nothing that is evidence is removed: events, leaves and lanes stay (pruning after three years is a command: 0260_retention).
--   2. What is removed can't open anything any more: it is older than any session.
--   3. Figures are counts and times of the installation, nothing of anybody's; monitoring reads them as vs_dba.

set role vs_owner;

create function ops.upkeep() returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform audit.ensure_partitions();
  -- at most 10,000 rows of a table at a time, so that the job never holds much
  delete from audit.selections s where s.id in (select x.id from audit.selections x where x.made_at < now() - interval '1 day' limit 10000);
  delete from audit.exports e where e.id in (select x.id from audit.exports x where x.until < now() - interval '1 day' limit 10000);
  delete from audit.openings o where o.ctid in (
    select x.ctid from audit.openings x join iam.sessions s on s.id = x.session_id
    where coalesce(s.revoked_at, s.expires_at) < now() - interval '1 day' limit 10000);
  -- searches older than an hour no longer count, and the log has them
  delete from access.emergency_searches e where e.id in (select x.id from access.emergency_searches x where x.made_at < now() - interval '1 day' limit 10000);
  -- these clear out as they come (0086_limits); here, what a flood has left
  delete from ops.limits l where l.key in (select x.key from ops.limits x where x.full_at < now() limit 10000 for update skip locked);
  delete from ops.delays d where d.key in (select x.key from ops.delays x where x.forgotten_at < now() limit 10000 for update skip locked);
  -- an intent that was never fulfilled stays: it is a failed attempt
  delete from ops.intents i where i.key in (
    select x.key from ops.intents x where x.fulfilled_at < now() - interval '30 days' limit 10000);
  -- a session that is over refuses its old tokens like any unknown one
  delete from iam.old_tokens t where t.token_hash in (
    select x.token_hash from iam.old_tokens x join iam.sessions s on s.id = x.session_id
    where coalesce(s.revoked_at, s.expires_at) < now() - interval '1 day' limit 10000 for update of x skip locked);
  delete from iam.totp_enrolments e where e.session_id in (select x.session_id from iam.totp_enrolments x where x.made_at < now() - interval '1 hour' limit 10000);
  delete from vault.rings r where r.seen_at < now() - interval '1 day';
  perform ops.clear_outbox(), iam.clear_sent_codes(), iam.clear_challenges(10000);
  perform iam.forget_expired_registrations(), iam.forget_ended_recoveries(), iam.forget_address_changes();
  perform audit.forget_origins();
  perform iam.forget_expired_invitations();
  -- first what points to the others
  perform iam.forget_sign_ins();
  perform iam.forget_sessions(), iam.forget_devices();
  perform ops.forget_networks(), ops.forget_traffic();
end $$;
comment on function ops.upkeep is 'Partitions of the coming months, and clearing out what is over. As vs_owner, at every start and once an hour.';

-- A line for each figure; plpgsql binds late, so it may ask a later file.
create function ops.figures() returns table (name text, help text, value double precision)
language plpgsql stable security definer set search_path = '' set debug_print_plan = off as $$
begin
  return query
  select 'days_until_master_key_due', 'Days until the current master key has served for a year; negative when overdue.', vault.days_until_due()
  union all
  select 'keys_under_older_masters', 'Keys that are wrapped or found under a master key other than the current one.',
    (select (l.keys + l.indexes)::double precision from vault.left_to_renew(vault.promoted()) l)
  union all
  select 'events_outside_partitions', 'Audit events dated outside of the prepared months: a clock is off.',
    (select coalesce(sum(s.events), 0)::double precision from audit.strays() s)
  union all
  select 'cleared_to_serve', '0: the database was restarted or restored and lets nobody in before it was compared.', ops.is_cleared()::int::double precision
  union all
  select 'erasures_incomplete', 'Erasures of which backups of before may still be around.',
    (select count(*)::double precision from privacy.erasures e where e.complete_from > clock_timestamp())
  union all
  select 'events_unsealed', 'Audit events that no checkpoint holds yet.', audit.waiting_events()::double precision
  union all
  select 'seconds_since_checkpoint', 'Age of the last signed checkpoint of the audit log.',
    (select extract(epoch from clock_timestamp() - max(c.sealed_at))::double precision from audit.checkpoints c)
  union all
  select f.name, f.help, f.value from ops.outbox_figures() f
  union all
  select f.name, f.help, f.value from ops.traffic_figures() f;
end $$;
comment on function ops.figures is 'What monitoring watches. A definer, since vs_dba executes nothing of the vault; it gives numbers alone. NULL: not known yet.';
grant execute on function ops.figures to vs_dba;

reset role;
