-- One's own account: which factors it has, and since when. What its pages show.
--
-- Guarantees
--   1. One row, of whoever is asking; of secrets, codes and numbers there is nothing in it.

set role vs_owner;

create function iam.read_own_factors() returns table (email text, totp_since timestamptz, passkeys int, passkeys_elsewhere int, recovery_codes int,
  recovery_codes_made_at timestamptz, email_codes boolean, sms_codes boolean, password_changed_at timestamptz, password_is_old boolean)
language plpgsql volatile security definer rows 1 set search_path = '' set debug_print_plan = off as $$
#variable_conflict use_column
declare
  account uuid := (access.claims())[2]::uuid;
  methods text[] := iam.methods_of(account);
begin
  return query
  select convert_from(vault.unpack(vault.unwrap(vault.ring(), a.id, 'profile'), iam.profile_aad(a.id, 'email'), a.email), 'UTF8'),
         f.confirmed_at,
         (select count(*)::int from iam.passkeys p where p.account_id = a.id and iam.is_here(p.rp_id)),
         (select count(*)::int from iam.passkeys p where p.account_id = a.id and not iam.is_here(p.rp_id)),
         (select count(*)::int from iam.recovery_codes r where r.account_id = a.id and r.used_at is null),
         (select max(r.made_at) from iam.recovery_codes r where r.account_id = a.id),
         'email_code' = any (methods), 'sms_code' = any (methods),
         coalesce(a.password_changed_at, a.created_at),
         -- suggested, never forced (A6)
         coalesce(a.password_changed_at, a.created_at) < clock_timestamp() - interval '90 days'
  from iam.accounts a left join iam.totp_factors f on f.account_id = a.id
  where a.id = account;
end $$;
comment on function iam.read_own_factors is 'Of whoever is signed in.';
create view clinic.own_factors with (security_invoker = true) as select * from iam.read_own_factors();
comment on view clinic.own_factors is 'One''s own factors: one row. email_codes, sms_codes: may be sent; passkeys_elsewhere: of another host name, which don''t count. not null: email, passkeys, passkeys_elsewhere, recovery_codes, email_codes, sms_codes, password_changed_at, password_is_old';
grant execute on function iam.read_own_factors to vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;
grant select on clinic.own_factors to vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;

reset role;
