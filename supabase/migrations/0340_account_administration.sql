-- Administration of accounts: who works here, in which role, from when until when.
--
-- Guarantees
--   1. An administrator suspends, restores and gives a role to people who work in the organisation, and ends their stay:
--      nobody else's, and no patient's. Each on a factor shown within 10 minutes.
--   2. Somebody who can sign in and administer always stays, also when two administrators lower each other at once.
--   3. What was taken away is gone with the next transaction: sessions end, and with the role of a clinician the care teams.
--   4. Each change is an event that names what changed, and its person is told.
--   5. Nobody gets a second factor, a password or an address by this: those are their person's alone.

set role vs_owner;

-- ---------------------------------------------------------------- internal

create function access.require_member(account uuid) returns access.memberships
language plpgsql volatile set search_path = '' as $$
declare
  c text[] := access.claims();
  m access.memberships;
begin
  if (c[4] = 'org_admin') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'administrators keep the accounts';
  end if;
  -- 2: one change after the other
  perform pg_advisory_xact_lock(hashtextextended('accounts/' || c[3], 0)), iam.lock_account(account);
  select * into m from access.memberships x
  where x.account_id = account and x.organisation_id = c[3]::uuid and x.role <> 'patient'
    and not exists (select from iam.invitations i where i.account_id = account and i.withdrawn_at is not null)
  order by x.valid_until desc, x.valid_from desc, x.id limit 1;
  if m.id is null then
    raise exception using errcode = 'VS404', message = 'there is no such account here';
  end if;
  return m;
end $$;
comment on function access.require_member is 'Somebody who works, or worked, in the administrator''s organisation: the latest membership. Internal. Errors: VS403, VS404.';

create function access.require_administrator(organisation uuid) returns void
language plpgsql stable set search_path = '' as $$
begin
  if not exists (select from access.memberships m where m.organisation_id = organisation and m.role = 'org_admin'
                 and access.membership_is_live(m.id) and iam.methods_of(m.account_id) <> '{}') then
    raise exception using errcode = 'VS409', message = 'somebody else who can sign in must be an administrator first';
  end if;
end $$;
comment on function access.require_administrator is 'After a change: is there still somebody who can sign in and administer? Internal. Errors: VS409.';

create function access.leave_care_teams(account uuid, organisation uuid) returns void
language sql volatile set search_path = '' as $$
  update access.care_team_members m set valid_until = greatest(m.valid_from, clock_timestamp())
  from access.care_teams t where t.id = m.care_team_id and t.organisation_id = organisation and m.account_id = account
    and m.valid_until > clock_timestamp()
$$;
comment on function access.leave_care_teams is 'Who is no clinician any more follows nobody, and doesn''t come back into teams with the role. Internal.';

create function iam.record_account_change(c text[], account uuid, change text, role text default null) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform audit.append(c, 'account.change', 'Person', account, null, 'success',
    json_strip_nulls(json_build_object('change', change, 'role', role))::text);
  if exists (select from iam.accounts a where a.id = account and a.status <> 'invited') then
    perform ops.post(vault.ring(), account, 'email', 'account_changed', jsonb_strip_nulls(jsonb_build_object('change', change, 'role', role,
      'organisation', (select o.name from access.organisations o where o.id = c[3]::uuid))));
  end if;
end $$;
comment on function iam.record_account_change is 'change: suspended, restored, role, ended or name (0342). Internal.';

-- ---------------------------------------------------------------- what an administrator changes

create function clinic.suspend_account(key uuid, account uuid) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  m access.memberships := access.require_member(account);
begin
  perform ops.fulfil(key, 'accounts.change', account);
  update iam.accounts a set status = 'suspended' where a.id = account and a.status = 'active';
  if not found then
    raise exception using errcode = 'VS422', message = 'only an active account can be suspended';
  end if;
  if m.role = 'org_admin' then perform access.require_administrator(c[3]::uuid); end if;
  perform iam.revoke_account(c, account, 'suspended');
  perform iam.cancel_recoveries(vault.ring(), account, c);
  perform iam.record_account_change(c, account, 'suspended');
  return account;
end $$;
comment on function clinic.suspend_account is 'For an administrator: somebody can''t sign in until restored. key: ops.intend(key, ''accounts.change''). Errors: VS208, VS403, VS404, VS409 (nobody would administer), VS422, VS428, VS470.';

create function clinic.restore_account(key uuid, account uuid) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  m access.memberships := access.require_member(account);
begin
  perform ops.fulfil(key, 'accounts.change', account);
  update iam.accounts a set status = 'active' where a.id = account and a.status = 'suspended' and m.valid_until > clock_timestamp();
  if not found then
    raise exception using errcode = 'VS422', message = 'only a suspended account can be restored';
  end if;
  perform iam.record_account_change(c, account, 'restored');
  return account;
end $$;
comment on function clinic.restore_account is 'For an administrator: somebody who was suspended may sign in again, with the factors they have. key: ops.intend(key, ''accounts.change''). Errors: VS208, VS403, VS404, VS422, VS428, VS470.';

create function clinic.change_role(key uuid, account uuid, role text) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  m access.memberships := access.require_member(account);
begin
  if (role in ('clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher')) is not true then
    raise exception using errcode = 'VS422', message = 'the role is not one of the list';
  end if;
  perform ops.fulfil(key, 'accounts.change', account);
  if m.role = change_role.role and m.valid_until > clock_timestamp() then return account; end if;
  update access.memberships x set valid_until = greatest(x.valid_from, clock_timestamp())
  where x.account_id = account and x.organisation_id = c[3]::uuid and x.role <> 'patient' and x.valid_until > clock_timestamp();
  insert into access.memberships (account_id, organisation_id, role, valid_from) values (account, c[3]::uuid, change_role.role, clock_timestamp())
  on conflict on constraint memberships_account_id_organisation_id_role_key do update set valid_from = excluded.valid_from, valid_until = 'infinity';
  if change_role.role <> 'clinician' then perform access.leave_care_teams(account, c[3]::uuid); end if;
  if m.role = 'org_admin' then perform access.require_administrator(c[3]::uuid); end if;
  -- a session has the role that it was begun with
  perform iam.revoke_account(c, account, 'administrator');
  perform iam.record_account_change(c, account, 'role', change_role.role);
  return account;
end $$;
comment on function clinic.change_role is 'For an administrator: another role, or a role again for somebody who had left. Their sessions end. key: ops.intend(key, ''accounts.change''). Errors: VS208, VS403, VS404, VS409 (nobody would administer), VS422, VS428, VS470.';

create function clinic.end_membership(key uuid, account uuid) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  m access.memberships := access.require_member(account);
begin
  perform ops.fulfil(key, 'accounts.change', account);
  if m.valid_until <= clock_timestamp() then return account; end if;
  if exists (select from iam.accounts a where a.id = account and a.status = 'invited') then
    raise exception using errcode = 'VS422', message = 'an invitation is withdrawn';
  end if;
  update access.memberships x set valid_until = greatest(x.valid_from, clock_timestamp())
  where x.account_id = account and x.organisation_id = c[3]::uuid and x.role <> 'patient' and x.valid_until > clock_timestamp();
  perform access.leave_care_teams(account, c[3]::uuid);
  if m.role = 'org_admin' then perform access.require_administrator(c[3]::uuid); end if;
  perform iam.revoke_account(c, account, 'administrator');
  perform iam.cancel_recoveries(vault.ring(), account, c);
  perform iam.record_account_change(c, account, 'ended');
  return account;
end $$;
comment on function clinic.end_membership is 'For an administrator: somebody doesn''t work here any more. Sessions and stays in care teams end. key: ops.intend(key, ''accounts.change''). Errors: VS208, VS403, VS404, VS409 (nobody would administer), VS422, VS428, VS470.';
grant execute on function clinic.suspend_account, clinic.restore_account, clinic.change_role, clinic.end_membership to vs_org_admin;

reset role;
