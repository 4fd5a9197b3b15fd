-- Organisations: the practices that share one installation and must never see each other.
--
-- Guarantees
--   1. A member sees its own organisation and no other.
--   2. An organisation is created by the owner alone, with its audit lanes and its audit key.
--
-- The name of a practice is public (it is in the national directory), so it stays in clear.

set role vs_owner;

create table access.organisations (
  id          uuid primary key default ops.uuid_v7(),
  name        text not null check (length(name) between 1 and 200),
  -- may a code be sent as the second factor? (ASVS 5.0 level 3 forbids e-mail: 6.6.1)
  email_codes boolean not null default true,
  sms_codes   boolean not null default true,
  -- scores of an unusual sign-in (0097) from which people are told, and from which it is stopped
  notice_from int not null default 40 check (notice_from between 1 and 1000),
  stop_from   int not null default 80 check (stop_from between 1 and 1000),
  created_at  timestamptz not null default clock_timestamp(),
  check (notice_from <= stop_from)
);
comment on table access.organisations is 'FHIR Organization: a practice.';

alter table access.organisations enable row level security;
alter table access.organisations force row level security;

-- predicates read this table, so the owner sees it whole (a policy that asked a predicate would recurse)
create policy select_owner on access.organisations for select to vs_owner using (true);
comment on policy select_owner on access.organisations is 'Predicates and definer functions read it.';
create policy insert_owner on access.organisations for insert to vs_owner with check (true);
comment on policy insert_owner on access.organisations is 'iam.create_organisation, called by the administrator of the installation.';
create policy update_owner on access.organisations for update to vs_owner using (true) with check (true);
comment on policy update_owner on access.organisations is 'clinic.change_security, called by an administrator of the organisation.';

reset role;
