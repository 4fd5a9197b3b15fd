-- Generated from a migrated database by `npm run generate`; `npm run check:drift` compares.

-- Roles
-- vs_anon: role
-- vs_auditor: role
-- vs_clinician: role
-- vs_dba: role, login
-- vs_dpo: role
-- vs_edge: role, login, may become vs_anon, vs_auditor, vs_clinician, vs_dpo, vs_import, vs_org_admin, vs_patient, vs_researcher, vs_secretary
-- vs_gate: role, login
-- vs_import: role
-- vs_org_admin: role
-- vs_owner: role
-- vs_patient: role
-- vs_researcher: role
-- vs_secretary: role

-- Schemas
create schema access; -- Organisations, memberships, care teams, and the predicates that policies read.
create schema audit; -- Openings, events, lanes, leaves.
create schema clinic; -- The views and functions that pages use.
create schema iam; -- Accounts, factors, sessions, and the door: iam.enter.
create schema ops; -- Limits, intents, jobs: what keeps the service going.
create schema privacy; -- Consents, requests, classification, retention.
create schema store; -- The record as it is stored: ciphertext. Acting roles may not name it.
create schema vault; -- Keys, sealing, opening. Acting roles may not name it.

-- Tables

create table access.broken_glass (
  id uuid not null,
  organisation_id uuid not null,
  account_id uuid not null,
  patient_id uuid not null,
  session_id uuid not null,
  kind text not null,
  reason bytea not null,
  broken_at timestamp with time zone not null,
  ends_at timestamp with time zone not null,
  seen_by uuid,
  seen_at timestamp with time zone,
  constraint broken_glass_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint broken_glass_check CHECK (((ends_at >= broken_at) AND (ends_at <= (broken_at + 'PT30M'::interval)))),
  constraint broken_glass_check1 CHECK (((seen_by IS NULL) = (seen_at IS NULL))),
  constraint broken_glass_kind_check CHECK ((kind = ANY (ARRAY['emergency'::text, 'on_call'::text, 'colleague_unreachable'::text, 'patient_asks'::text, 'other'::text]))),
  constraint broken_glass_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES access.organisations(id),
  constraint broken_glass_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES store.patients(id),
  constraint broken_glass_pkey PRIMARY KEY (id),
  constraint broken_glass_seen_by_fkey FOREIGN KEY (seen_by) REFERENCES iam.accounts(id),
  constraint broken_glass_session_id_fkey FOREIGN KEY (session_id) REFERENCES iam.sessions(id)
);
alter table access.broken_glass enable row level security;
alter table access.broken_glass force row level security;
comment on table access.broken_glass is 'Emergency access: who to whom, why, until when, and which DPO or administrator has looked into it.';

create table access.care_team_members (
  id uuid default ops.uuid_v7() not null,
  care_team_id uuid not null,
  account_id uuid not null,
  role text default 'physician'::text not null,
  valid_from timestamp with time zone default clock_timestamp() not null,
  valid_until timestamp with time zone default 'infinity'::timestamp with time zone not null,
  constraint care_team_members_account_id_care_team_id_valid_from_key UNIQUE (account_id, care_team_id, valid_from),
  constraint care_team_members_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint care_team_members_care_team_id_fkey FOREIGN KEY (care_team_id) REFERENCES access.care_teams(id),
  constraint care_team_members_check CHECK ((valid_until >= valid_from)),
  constraint care_team_members_pkey PRIMARY KEY (id),
  constraint care_team_members_role_check CHECK ((role = ANY (ARRAY['lead'::text, 'physician'::text, 'nurse'::text, 'midwife'::text, 'physiotherapist'::text, 'pharmacist'::text, 'psychologist'::text, 'other'::text])))
);
alter table access.care_team_members enable row level security;
alter table access.care_team_members force row level security;
comment on table access.care_team_members is 'FHIR CareTeam.participant: one stay of one person in one team. `lead` is the médecin traitant or référent.';

create table access.care_team_patients (
  id uuid default ops.uuid_v7() not null,
  care_team_id uuid not null,
  patient_id uuid not null,
  valid_from timestamp with time zone default clock_timestamp() not null,
  valid_until timestamp with time zone default 'infinity'::timestamp with time zone not null,
  constraint care_team_patients_care_team_id_fkey FOREIGN KEY (care_team_id) REFERENCES access.care_teams(id),
  constraint care_team_patients_care_team_id_patient_id_valid_from_key UNIQUE (care_team_id, patient_id, valid_from),
  constraint care_team_patients_check CHECK ((valid_until >= valid_from)),
  constraint care_team_patients_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES store.patients(id),
  constraint care_team_patients_pkey PRIMARY KEY (id)
);
alter table access.care_team_patients enable row level security;
alter table access.care_team_patients force row level security;
comment on table access.care_team_patients is 'FHIR CareTeam.subject: one period in which one team follows one patient.';

create table access.care_teams (
  id uuid default ops.uuid_v7() not null,
  organisation_id uuid not null,
  lead_account_id uuid not null,
  created_at timestamp with time zone default clock_timestamp() not null,
  constraint care_teams_lead_account_id_fkey FOREIGN KEY (lead_account_id) REFERENCES iam.accounts(id),
  constraint care_teams_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES access.organisations(id),
  constraint care_teams_pkey PRIMARY KEY (id)
);
alter table access.care_teams enable row level security;
alter table access.care_teams force row level security;
comment on table access.care_teams is 'FHIR CareTeam. It has no name of its own: it is called by its lead.';

create table access.emergency_searches (
  id uuid not null,
  session_id uuid not null,
  account_id uuid not null,
  patient_id uuid,
  matches integer not null,
  made_at timestamp with time zone default clock_timestamp() not null,
  transaction xid8 default pg_current_xact_id() not null,
  constraint emergency_searches_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint emergency_searches_matches_check CHECK ((matches >= 0)),
  constraint emergency_searches_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES store.patients(id),
  constraint emergency_searches_pkey PRIMARY KEY (id),
  constraint emergency_searches_session_id_fkey FOREIGN KEY (session_id) REFERENCES iam.sessions(id)
);
alter table access.emergency_searches enable row level security;
alter table access.emergency_searches force row level security;
comment on table access.emergency_searches is 'What an emergency search found. The searcher is told "there is one"; the glass is broken by the id of the search.';

create table access.memberships (
  id uuid default ops.uuid_v7() not null,
  account_id uuid not null,
  organisation_id uuid not null,
  role text not null,
  patient_id uuid,
  valid_from timestamp with time zone default '-infinity'::timestamp with time zone not null,
  valid_until timestamp with time zone default 'infinity'::timestamp with time zone not null,
  constraint memberships_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint memberships_account_id_organisation_id_role_key UNIQUE (account_id, organisation_id, role),
  constraint memberships_check CHECK (((role = 'patient'::text) = (patient_id IS NOT NULL))),
  constraint memberships_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES access.organisations(id),
  constraint memberships_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES store.patients(id),
  constraint memberships_pkey PRIMARY KEY (id),
  constraint memberships_role_check CHECK ((role = ANY (ARRAY['patient'::text, 'clinician'::text, 'secretary'::text, 'org_admin'::text, 'auditor'::text, 'dpo'::text, 'researcher'::text])))
);
alter table access.memberships enable row level security;
alter table access.memberships force row level security;
comment on table access.memberships is 'FHIR PractitionerRole, and the link from a patient''s account to their record.';

create table access.organisations (
  id uuid default ops.uuid_v7() not null,
  name text not null,
  email_codes boolean default true not null,
  sms_codes boolean default true not null,
  notice_from integer default 40 not null,
  stop_from integer default 80 not null,
  created_at timestamp with time zone default clock_timestamp() not null,
  registration text default 'open'::text not null,
  constraint organisations_check CHECK ((notice_from <= stop_from)),
  constraint organisations_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
  constraint organisations_notice_from_check CHECK (((notice_from >= 1) AND (notice_from <= 1000))),
  constraint organisations_pkey PRIMARY KEY (id),
  constraint organisations_registration_check CHECK ((registration = ANY (ARRAY['open'::text, 'closed'::text]))),
  constraint organisations_stop_from_check CHECK (((stop_from >= 1) AND (stop_from <= 1000)))
);
alter table access.organisations enable row level security;
alter table access.organisations force row level security;
comment on table access.organisations is 'FHIR Organization: a practice.';

create table audit.checkpoints (
  generation integer not null,
  size bigint not null,
  root bytea not null,
  note text not null,
  sealed_at timestamp with time zone default clock_timestamp() not null,
  constraint checkpoints_pkey PRIMARY KEY (generation, size),
  constraint checkpoints_root_check CHECK ((length(root) = 32)),
  constraint checkpoints_size_check CHECK ((size > 0))
);
alter table audit.checkpoints enable row level security;
alter table audit.checkpoints force row level security;
comment on table audit.checkpoints is 'What was signed: C2SP checkpoints, as they also stand outside of the database.';

create table audit.events (
  id uuid not null,
  organisation_id uuid not null,
  lane integer not null,
  seq bigint not null,
  at timestamp with time zone not null,
  event text not null,
  resource_type text not null,
  resource_id uuid,
  patient_id uuid,
  actor_id uuid,
  actor_role text not null,
  session_id uuid,
  origin_id uuid,
  outcome text not null,
  shown uuid[],
  details text,
  leaf text not null,
  constraint events_event_check CHECK ((event = ANY (ARRAY['patient.read'::text, 'patients.list'::text, 'patients.search'::text, 'log.read'::text, 'log.verify'::text, 'accounts.read'::text, 'row.insert'::text, 'row.update'::text, 'row.delete'::text, 'page.refused'::text, 'session.password'::text, 'session.factor'::text, 'session.end'::text, 'session.reuse'::text, 'session.step_up'::text, 'session.revoke'::text, 'session.unusual'::text, 'session.limited'::text, 'openings.limited'::text, 'network.deny'::text, 'network.allow'::text, 'network.lift'::text, 'network.refused'::text, 'traffic.unusual'::text, 'request.forged'::text, 'request.host'::text, 'request.malformed'::text, 'request.method'::text, 'request.polluted'::text, 'request.too_large'::text, 'factor.add'::text, 'factor.remove'::text, 'factor.counter'::text, 'password.change'::text, 'code.send'::text, 'message.send'::text, 'account.invite'::text, 'account.accept'::text, 'account.register'::text, 'account.confirm'::text, 'account.change'::text, 'recovery.request'::text, 'recovery.confirm'::text, 'recovery.cancel'::text, 'recovery.complete'::text, 'consent.give'::text, 'consent.withdraw'::text, 'request.answer'::text, 'log.export'::text, 'log.prune'::text, 'log.restart'::text, 'service.clear'::text, 'glass.break'::text, 'glass.end'::text, 'referral.make'::text, 'referral.end'::text, 'keys.add'::text, 'keys.rotate'::text, 'keys.retire'::text, 'patient.erase'::text, 'erasure.replay'::text, 'existing.encrypt'::text]))),
  constraint events_outcome_check CHECK ((outcome = ANY (ARRAY['success'::text, 'failure'::text, 'partial'::text]))),
  constraint events_pkey PRIMARY KEY (organisation_id, lane, seq, at)
) partition by RANGE (at);
alter table audit.events enable row level security;
alter table audit.events force row level security;
comment on table audit.events is 'FHIR AuditEvent: the fields to search by, and the leaf, the exact text that is hashed.';

create table audit.events_default (
  id uuid not null,
  organisation_id uuid not null,
  lane integer not null,
  seq bigint not null,
  at timestamp with time zone not null,
  event text not null,
  resource_type text not null,
  resource_id uuid,
  patient_id uuid,
  actor_id uuid,
  actor_role text not null,
  session_id uuid,
  origin_id uuid,
  outcome text not null,
  shown uuid[],
  details text,
  leaf text not null,
  constraint events_default_pkey PRIMARY KEY (organisation_id, lane, seq, at),
  constraint events_event_check CHECK ((event = ANY (ARRAY['patient.read'::text, 'patients.list'::text, 'patients.search'::text, 'log.read'::text, 'log.verify'::text, 'accounts.read'::text, 'row.insert'::text, 'row.update'::text, 'row.delete'::text, 'page.refused'::text, 'session.password'::text, 'session.factor'::text, 'session.end'::text, 'session.reuse'::text, 'session.step_up'::text, 'session.revoke'::text, 'session.unusual'::text, 'session.limited'::text, 'openings.limited'::text, 'network.deny'::text, 'network.allow'::text, 'network.lift'::text, 'network.refused'::text, 'traffic.unusual'::text, 'request.forged'::text, 'request.host'::text, 'request.malformed'::text, 'request.method'::text, 'request.polluted'::text, 'request.too_large'::text, 'factor.add'::text, 'factor.remove'::text, 'factor.counter'::text, 'password.change'::text, 'code.send'::text, 'message.send'::text, 'account.invite'::text, 'account.accept'::text, 'account.register'::text, 'account.confirm'::text, 'account.change'::text, 'recovery.request'::text, 'recovery.confirm'::text, 'recovery.cancel'::text, 'recovery.complete'::text, 'consent.give'::text, 'consent.withdraw'::text, 'request.answer'::text, 'log.export'::text, 'log.prune'::text, 'log.restart'::text, 'service.clear'::text, 'glass.break'::text, 'glass.end'::text, 'referral.make'::text, 'referral.end'::text, 'keys.add'::text, 'keys.rotate'::text, 'keys.retire'::text, 'patient.erase'::text, 'erasure.replay'::text, 'existing.encrypt'::text]))),
  constraint events_outcome_check CHECK ((outcome = ANY (ARRAY['success'::text, 'failure'::text, 'partial'::text])))
);
alter table audit.events_default enable row level security;
alter table audit.events_default force row level security;
comment on table audit.events_default is NULL;

create table audit.exports (
  id uuid not null,
  session_id uuid not null,
  digest bytea not null,
  until timestamp with time zone not null,
  transaction xid8 default pg_current_xact_id() not null,
  constraint exports_digest_check CHECK ((length(digest) = 32)),
  constraint exports_pkey PRIMARY KEY (id)
);
alter table audit.exports enable row level security;
alter table audit.exports force row level security;
comment on table audit.exports is 'Exports that were announced: by whom, a digest of the criteria, up to when. The event of the log is what stays.';

create table audit.lanes (
  organisation_id uuid not null,
  lane integer not null,
  seq bigint default 0 not null,
  head bytea default '\x0000000000000000000000000000000000000000000000000000000000000000'::bytea not null,
  constraint lanes_head_check CHECK ((length(head) = 32)),
  constraint lanes_lane_check CHECK (((lane >= 0) AND (lane <= 15))),
  constraint lanes_pkey PRIMARY KEY (organisation_id, lane)
) with (fillfactor=50);
alter table audit.lanes enable row level security;
alter table audit.lanes force row level security;
comment on table audit.lanes is 'The end of each chain. Organisation 00000000-… is the installation: sign-ins of unknown people.';

create table audit.leaves (
  organisation_id uuid not null,
  lane integer not null,
  seq bigint not null,
  hash bytea not null,
  constraint leaves_hash_check CHECK ((length(hash) = 32)),
  constraint leaves_pkey PRIMARY KEY (organisation_id, lane, seq)
);
alter table audit.leaves enable row level security;
alter table audit.leaves force row level security;
comment on table audit.leaves is 'Every leaf''s hash, never partitioned and never pruned: no number is used twice.';

create table audit.log (
  generation integer not null,
  leaf_index bigint not null,
  organisation_id uuid not null,
  lane integer not null,
  seq bigint not null,
  hash bytea not null,
  constraint log_hash_check CHECK ((length(hash) = 32)),
  constraint log_leaf_index_check CHECK ((leaf_index >= 0)),
  constraint log_organisation_id_lane_seq_key UNIQUE (organisation_id, lane, seq),
  constraint log_pkey PRIMARY KEY (generation, leaf_index)
);
alter table audit.log enable row level security;
alter table audit.log force row level security;
comment on table audit.log is 'The leaves of the Merkle log in their order, never partitioned and never pruned. hash = sha256(0x00 ‖ leaf).';

create table audit.log_origins (
  generation integer not null,
  origin text not null,
  began_at timestamp with time zone default clock_timestamp() not null,
  leaf text,
  constraint log_origins_check CHECK (((leaf IS NULL) = (generation = 1))),
  constraint log_origins_generation_check CHECK ((generation > 0)),
  constraint log_origins_origin_check CHECK ((origin ~ '^[!-*,-~]{1,200}$'::text)),
  constraint log_origins_origin_key UNIQUE (origin),
  constraint log_origins_pkey PRIMARY KEY (generation)
);
alter table audit.log_origins enable row level security;
alter table audit.log_origins force row level security;
comment on table audit.log_origins is 'What the log is called. A log that a restore cut short goes on as another generation, under another name.';

create table audit.nodes (
  generation integer not null,
  level integer not null,
  node_index bigint not null,
  hash bytea not null,
  constraint nodes_hash_check CHECK ((length(hash) = 32)),
  constraint nodes_level_check CHECK (((level > 0) AND ((level % 4) = 0))),
  constraint nodes_node_index_check CHECK ((node_index >= 0)),
  constraint nodes_pkey PRIMARY KEY (generation, level, node_index)
);
alter table audit.nodes enable row level security;
alter table audit.nodes force row level security;
comment on table audit.nodes is 'Hashes of complete subtrees of 16, 256, 4096 … leaves (level 4, 8, 12 …), so that no proof reads the whole log.';

create table audit.openings (
  session_id uuid not null,
  patient_id uuid not null,
  level text not null,
  opened_at timestamp with time zone not null,
  transaction xid8 not null,
  constraint openings_level_check CHECK ((level = ANY (ARRAY['identity'::text, 'clinical'::text]))),
  constraint openings_pkey PRIMARY KEY (session_id, patient_id, level)
) with (fillfactor=80);
alter table audit.openings enable row level security;
alter table audit.openings force row level security;
comment on table audit.openings is 'Which session opened which patient, when, and in which transaction.';

create table audit.origins (
  id uuid not null,
  organisation_id uuid not null,
  session_id uuid,
  digest bytea not null,
  ip bytea,
  user_agent bytea,
  created_at timestamp with time zone default clock_timestamp() not null,
  constraint origins_digest_check CHECK ((length(digest) = 32)),
  constraint origins_pkey PRIMARY KEY (id)
);
alter table audit.origins enable row level security;
alter table audit.origins force row level security;
comment on table audit.origins is 'Address and browser of a session, sealed with the organisation''s key; events refer to it.';

create table audit.pruned (
  organisation_id uuid not null,
  lane integer not null,
  first_seq bigint not null,
  last_seq bigint not null,
  until timestamp with time zone not null,
  head bytea not null,
  constraint pruned_check CHECK ((last_seq >= first_seq)),
  constraint pruned_first_seq_check CHECK ((first_seq > 0)),
  constraint pruned_head_check CHECK ((length(head) = 32)),
  constraint pruned_lane_check CHECK (((lane >= 0) AND (lane <= 15))),
  constraint pruned_pkey PRIMARY KEY (organisation_id, lane, first_seq)
);
alter table audit.pruned enable row level security;
alter table audit.pruned force row level security;
comment on table audit.pruned is 'Events that are gone by retention: from which number to which, and the hash of the last one, which the next one holds.';

create table audit.selections (
  id uuid not null,
  session_id uuid not null,
  patients uuid[] not null,
  made_at timestamp with time zone default clock_timestamp() not null,
  transaction xid8 default pg_current_xact_id() not null,
  constraint selections_pkey PRIMARY KEY (id)
);
alter table audit.selections enable row level security;
alter table audit.selections force row level security;
comment on table audit.selections is 'What a list or a search will show: chosen in the first transaction, read in the second.';

create table audit.signing_keys (
  public_key bytea not null,
  since timestamp with time zone default clock_timestamp() not null,
  retired_at timestamp with time zone,
  constraint signing_keys_pkey PRIMARY KEY (public_key),
  constraint signing_keys_public_key_check CHECK ((length(public_key) = 32))
);
alter table audit.signing_keys enable row level security;
alter table audit.signing_keys force row level security;
comment on table audit.signing_keys is 'Every key that ever signed this log.';

create table iam.accounts (
  id uuid default ops.uuid_v7() not null,
  email_index bytea not null,
  email bytea not null,
  family_name bytea,
  given_name bytea,
  quality bytea,
  rpps bytea,
  password_hash text,
  pepper_id text,
  status text default 'active'::text not null,
  lang text default 'fr'::text not null,
  email_confirmed_at timestamp with time zone,
  password_changed_at timestamp with time zone,
  last_sign_in_at timestamp with time zone,
  created_at timestamp with time zone default clock_timestamp() not null,
  constraint accounts_email_index_check CHECK ((length(email_index) = 16)),
  constraint accounts_email_index_key UNIQUE (email_index),
  constraint accounts_lang_check CHECK ((lang = ANY (ARRAY['fr'::text, 'en'::text]))),
  constraint accounts_password_hash_check CHECK ((password_hash ~ '^\$2[aby]\$12\$'::text)),
  constraint accounts_pepper_id_check CHECK (((length(pepper_id) >= 1) AND (length(pepper_id) <= 27))),
  constraint accounts_pkey PRIMARY KEY (id),
  constraint accounts_status_check CHECK ((status = ANY (ARRAY['invited'::text, 'active'::text, 'suspended'::text])))
);
alter table iam.accounts enable row level security;
alter table iam.accounts force row level security;
comment on table iam.accounts is 'FHIR Person: somebody who signs in.';

create table iam.address_changes (
  id uuid default ops.uuid_v7() not null,
  account_id uuid not null,
  session_id uuid not null,
  email bytea,
  former bytea,
  former_index bytea,
  token_hash bytea not null,
  asked_hash bytea not null,
  changed_hash bytea,
  state text default 'waiting'::text not null,
  asked_at timestamp with time zone default clock_timestamp() not null,
  ends_at timestamp with time zone default (clock_timestamp() + 'PT1H'::interval) not null,
  changed_at timestamp with time zone,
  message_id uuid,
  constraint address_changes_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint address_changes_asked_hash_check CHECK ((length(asked_hash) = 32)),
  constraint address_changes_asked_hash_key UNIQUE (asked_hash),
  constraint address_changes_changed_hash_check CHECK ((length(changed_hash) = 32)),
  constraint address_changes_changed_hash_key UNIQUE (changed_hash),
  constraint address_changes_check CHECK (((email IS NOT NULL) = (state = 'waiting'::text))),
  constraint address_changes_check1 CHECK (((former IS NOT NULL) = (former_index IS NOT NULL))),
  constraint address_changes_check2 CHECK (((former IS NULL) OR (state = 'done'::text))),
  constraint address_changes_former_index_check CHECK ((length(former_index) = 16)),
  constraint address_changes_pkey PRIMARY KEY (id),
  constraint address_changes_session_id_fkey FOREIGN KEY (session_id) REFERENCES iam.sessions(id),
  constraint address_changes_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'done'::text, 'cancelled'::text, 'taken_back'::text]))),
  constraint address_changes_token_hash_check CHECK ((length(token_hash) = 32)),
  constraint address_changes_token_hash_key UNIQUE (token_hash)
);
alter table iam.address_changes enable row level security;
alter table iam.address_changes force row level security;
comment on table iam.address_changes is 'Changes of the address that somebody signs in with: asked for, done, taken back.';

create table iam.challenges (
  hash bytea not null,
  purpose text not null,
  session_id uuid,
  origin text not null,
  made_at timestamp with time zone default clock_timestamp() not null,
  constraint challenges_check CHECK (((purpose = 'passwordless'::text) = (session_id IS NULL))),
  constraint challenges_hash_check CHECK ((length(hash) = 32)),
  constraint challenges_pkey PRIMARY KEY (hash),
  constraint challenges_purpose_check CHECK ((purpose = ANY (ARRAY['register'::text, 'factor'::text, 'passwordless'::text]))),
  constraint challenges_session_id_fkey FOREIGN KEY (session_id) REFERENCES iam.sessions(id)
);
alter table iam.challenges enable row level security;
alter table iam.challenges force row level security;
comment on table iam.challenges is 'Challenges that wait for their answer: 5 minutes, then they are cleared out.';

create table iam.devices (
  id uuid default ops.uuid_v7() not null,
  account_id uuid not null,
  token_hash bytea not null,
  first_seen_at timestamp with time zone default clock_timestamp() not null,
  last_seen_at timestamp with time zone default clock_timestamp() not null,
  forgotten_at timestamp with time zone,
  constraint devices_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint devices_account_id_token_hash_key UNIQUE (account_id, token_hash),
  constraint devices_pkey PRIMARY KEY (id),
  constraint devices_token_hash_check CHECK ((length(token_hash) = 32))
);
alter table iam.devices enable row level security;
alter table iam.devices force row level security;
comment on table iam.devices is 'A browser in which somebody has shown two factors. forgotten_at: it isn''t known any more, or not yet.';

create table iam.former_names (
  id uuid default ops.uuid_v7() not null,
  account_id uuid not null,
  name bytea not null,
  ended_at timestamp with time zone default clock_timestamp() not null,
  changed_by uuid not null,
  constraint former_names_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint former_names_changed_by_fkey FOREIGN KEY (changed_by) REFERENCES iam.accounts(id),
  constraint former_names_pkey PRIMARY KEY (id)
);
alter table iam.former_names enable row level security;
alter table iam.former_names force row level security;
comment on table iam.former_names is 'Names that people of this installation had before.';

create table iam.hosts (
  one boolean default true not null,
  origin text,
  constraint hosts_one_check CHECK (one),
  constraint hosts_origin_check CHECK ((origin ~ '^https?://[^/]+$'::text)),
  constraint hosts_pkey PRIMARY KEY (one)
);
alter table iam.hosts enable row level security;
alter table iam.hosts force row level security;
comment on table iam.hosts is 'Where browsers reach this installation: https://dossier.exemple.fr.';

create table iam.invitations (
  account_id uuid not null,
  organisation_id uuid not null,
  token_hash bytea not null,
  email bytea,
  sent_at timestamp with time zone default clock_timestamp() not null,
  expires_at timestamp with time zone default (clock_timestamp() + 'PT72H'::interval) not null,
  accepted_at timestamp with time zone,
  withdrawn_at timestamp with time zone,
  constraint invitations_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint invitations_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES access.organisations(id),
  constraint invitations_pkey PRIMARY KEY (account_id),
  constraint invitations_token_hash_check CHECK ((length(token_hash) = 32)),
  constraint invitations_token_hash_key UNIQUE (token_hash)
);
alter table iam.invitations enable row level security;
alter table iam.invitations force row level security;
comment on table iam.invitations is 'Accounts that somebody was invited to, and the one link that leads there now.';

create table iam.old_tokens (
  token_hash bytea not null,
  session_id uuid not null,
  retired_at timestamp with time zone default clock_timestamp() not null,
  origin_id uuid,
  constraint old_tokens_pkey PRIMARY KEY (token_hash),
  constraint old_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES iam.sessions(id),
  constraint old_tokens_token_hash_check CHECK ((length(token_hash) = 32))
);
alter table iam.old_tokens enable row level security;
alter table iam.old_tokens force row level security;
comment on table iam.old_tokens is 'Tokens that a session had before: 48 at most in its 12 hours. Who brings one late holds a copy.';

create table iam.passkeys (
  id uuid default ops.uuid_v7() not null,
  account_id uuid not null,
  rp_id text not null,
  credential_id bytea not null,
  public_key bytea not null,
  sign_count bigint default 0 not null,
  transports text[] default '{}'::text[] not null,
  name bytea not null,
  user_verified boolean not null,
  backup_eligible boolean not null,
  backed_up boolean not null,
  created_at timestamp with time zone default clock_timestamp() not null,
  last_used_at timestamp with time zone,
  added_in uuid,
  constraint passkeys_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint passkeys_credential_id_check CHECK (((length(credential_id) >= 16) AND (length(credential_id) <= 1023))),
  constraint passkeys_credential_id_key UNIQUE (credential_id),
  constraint passkeys_pkey PRIMARY KEY (id)
);
alter table iam.passkeys enable row level security;
alter table iam.passkeys force row level security;
comment on table iam.passkeys is 'WebAuthn credential records. The public key is COSE, as the authenticator gave it.';

create table iam.phones (
  account_id uuid not null,
  number bytea,
  confirmed_at timestamp with time zone,
  pending bytea,
  added_in uuid,
  constraint phones_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint phones_check CHECK (((number IS NULL) = (confirmed_at IS NULL))),
  constraint phones_check1 CHECK (((number IS NOT NULL) OR (pending IS NOT NULL))),
  constraint phones_pkey PRIMARY KEY (account_id)
);
alter table iam.phones enable row level security;
alter table iam.phones force row level security;
comment on table iam.phones is 'A telephone number (E.164, sealed) that codes are sent to, once it is confirmed.';

create table iam.recoveries (
  id uuid default ops.uuid_v7() not null,
  account_id uuid not null,
  organisation_id uuid not null,
  token_hash bytea not null,
  ready_hash bytea,
  cancel_hash bytea,
  lost text,
  state text default 'asked'::text not null,
  password_hash text,
  pepper_id text,
  session_id uuid,
  tries integer default 0 not null,
  code_tries integer default 0 not null,
  asked_at timestamp with time zone default clock_timestamp() not null,
  ends_at timestamp with time zone default (clock_timestamp() + 'PT1H'::interval) not null,
  ready_at timestamp with time zone,
  confirmed_by uuid,
  confirmed_at timestamp with time zone,
  ready_message_id uuid,
  constraint recoveries_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint recoveries_cancel_hash_check CHECK ((length(cancel_hash) = 32)),
  constraint recoveries_cancel_hash_key UNIQUE (cancel_hash),
  constraint recoveries_check CHECK (((confirmed_by IS NULL) = (confirmed_at IS NULL))),
  constraint recoveries_check1 CHECK (((state <> 'waiting'::text) OR ((COALESCE(lost, ''::text) = ANY (ARRAY['factors'::text, 'both'::text])) AND (ready_at IS NOT NULL)))),
  constraint recoveries_confirmed_by_fkey FOREIGN KEY (confirmed_by) REFERENCES iam.accounts(id),
  constraint recoveries_lost_check CHECK ((lost = ANY (ARRAY['password'::text, 'factors'::text, 'both'::text]))),
  constraint recoveries_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES access.organisations(id),
  constraint recoveries_password_hash_check CHECK ((password_hash ~ '^\$2[aby]\$12\$'::text)),
  constraint recoveries_pepper_id_check CHECK (((length(pepper_id) >= 1) AND (length(pepper_id) <= 27))),
  constraint recoveries_pkey PRIMARY KEY (id),
  constraint recoveries_ready_hash_check CHECK ((length(ready_hash) = 32)),
  constraint recoveries_ready_hash_key UNIQUE (ready_hash),
  constraint recoveries_session_id_fkey FOREIGN KEY (session_id) REFERENCES iam.sessions(id),
  constraint recoveries_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'waiting'::text, 'done'::text, 'cancelled'::text]))),
  constraint recoveries_token_hash_check CHECK ((length(token_hash) = 32)),
  constraint recoveries_token_hash_key UNIQUE (token_hash)
);
alter table iam.recoveries enable row level security;
alter table iam.recoveries force row level security;
comment on table iam.recoveries is 'Ways back into an account: what was lost, who confirms, until when.';

create table iam.recovery_codes (
  id uuid default ops.uuid_v7() not null,
  account_id uuid not null,
  code_hash text not null,
  made_at timestamp with time zone default clock_timestamp() not null,
  used_at timestamp with time zone,
  added_in uuid,
  constraint recovery_codes_account_id_code_hash_key UNIQUE (account_id, code_hash),
  constraint recovery_codes_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint recovery_codes_code_hash_check CHECK ((code_hash ~ '^\$2[ab]\$1[0-9]\$.{53}$'::text)),
  constraint recovery_codes_pkey PRIMARY KEY (id)
);
alter table iam.recovery_codes enable row level security;
alter table iam.recovery_codes force row level security;
comment on table iam.recovery_codes is 'Codes to sign in with when no other factor is at hand; ten at a time.';

create table iam.registering (
  one boolean default true not null,
  at_once integer default 60 not null,
  an_hour integer default 240 not null,
  constraint registering_an_hour_check CHECK (((an_hour >= 1) AND (an_hour <= 100000))),
  constraint registering_at_once_check CHECK (((at_once >= 1) AND (at_once <= 100000))),
  constraint registering_one_check CHECK (one),
  constraint registering_pkey PRIMARY KEY (one)
);
alter table iam.registering enable row level security;
alter table iam.registering force row level security;
comment on table iam.registering is 'How many registrations are taken up in the whole installation: each sends an e-mail. docs/dba.md says when to raise it.';

create table iam.registration_links (
  token_hash bytea not null,
  account_id uuid not null,
  organisation_id uuid not null,
  sent_at timestamp with time zone default clock_timestamp() not null,
  constraint registration_links_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.registrations(account_id),
  constraint registration_links_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES access.organisations(id),
  constraint registration_links_pkey PRIMARY KEY (token_hash),
  constraint registration_links_token_hash_check CHECK ((length(token_hash) = 32))
);
alter table iam.registration_links enable row level security;
alter table iam.registration_links force row level security;
comment on table iam.registration_links is 'The links of a registration, for 24 hours each.';

create table iam.registrations (
  account_id uuid not null,
  organisation_id uuid not null,
  asked_at timestamp with time zone default clock_timestamp() not null,
  completed_at timestamp with time zone,
  constraint registrations_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint registrations_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES access.organisations(id),
  constraint registrations_pkey PRIMARY KEY (account_id)
);
alter table iam.registrations enable row level security;
alter table iam.registrations force row level security;
comment on table iam.registrations is 'Patients who register by themselves.';

create table iam.sent_codes (
  id uuid default ops.uuid_v7() not null,
  session_id uuid not null,
  account_id uuid not null,
  method text not null,
  code_hash bytea not null,
  sent_at timestamp with time zone default clock_timestamp() not null,
  tries integer default 0 not null,
  used_at timestamp with time zone,
  constraint sent_codes_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint sent_codes_code_hash_check CHECK ((length(code_hash) = 32)),
  constraint sent_codes_method_check CHECK ((method = ANY (ARRAY['email_code'::text, 'sms_code'::text, 'phone_code'::text]))),
  constraint sent_codes_pkey PRIMARY KEY (id),
  constraint sent_codes_session_id_fkey FOREIGN KEY (session_id) REFERENCES iam.sessions(id)
);
alter table iam.sent_codes enable row level security;
alter table iam.sent_codes force row level security;
comment on table iam.sent_codes is 'One-time codes that were sent; a new one ends the one before. phone_code: to a number that is to be confirmed.';

create table iam.sessions (
  id uuid default ops.uuid_v7() not null,
  token_hash bytea not null,
  account_id uuid,
  membership_id uuid,
  organisation_id uuid not null,
  role text not null,
  patient_id uuid,
  care_team_id uuid,
  factors integer default 1 not null,
  methods text[] default '{}'::text[] not null,
  factor_at timestamp with time zone default clock_timestamp() not null,
  password_at timestamp with time zone,
  verified_at timestamp with time zone,
  enrols boolean default false not null,
  attempts integer default 0 not null,
  created_at timestamp with time zone default clock_timestamp() not null,
  last_seen_at timestamp with time zone default clock_timestamp() not null,
  expires_at timestamp with time zone default (clock_timestamp() + 'PT12H'::interval) not null,
  rotated_at timestamp with time zone default clock_timestamp() not null,
  revoked_at timestamp with time zone,
  revoked_because text,
  origin_id uuid,
  replaces_id uuid,
  device_id uuid,
  constraint sessions_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint sessions_check CHECK (((role = 'import'::text) = (care_team_id IS NOT NULL))),
  constraint sessions_check1 CHECK (((role = 'import'::text) = (account_id IS NULL))),
  constraint sessions_device_id_fkey FOREIGN KEY (device_id) REFERENCES iam.devices(id),
  constraint sessions_factors_check CHECK (((factors >= 1) AND (factors <= 2))),
  constraint sessions_membership_id_fkey FOREIGN KEY (membership_id) REFERENCES access.memberships(id),
  constraint sessions_methods_check CHECK ((methods <@ ARRAY['password'::text, 'link'::text, 'totp'::text, 'passkey'::text, 'recovery_code'::text, 'email_code'::text, 'sms_code'::text, 'import'::text, 'owner'::text])),
  constraint sessions_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES access.organisations(id),
  constraint sessions_pkey PRIMARY KEY (id),
  constraint sessions_replaces_id_fkey FOREIGN KEY (replaces_id) REFERENCES iam.sessions(id),
  constraint sessions_revoked_because_check CHECK ((revoked_because = ANY (ARRAY['signed_out'::text, 'signed_in_again'::text, 'token_reused'::text, 'tries'::text, 'own'::text, 'administrator'::text, 'suspended'::text, 'password_changed'::text, 'address_changed'::text, 'recovered'::text, 'held'::text, 'disowned'::text]))),
  constraint sessions_token_hash_check CHECK ((length(token_hash) = 32)),
  constraint sessions_token_hash_key UNIQUE (token_hash)
);
alter table iam.sessions enable row level security;
alter table iam.sessions force row level security;
comment on table iam.sessions is 'A sign-in: 30 minutes idle, 12 hours in all (NIST 800-63B-4 AAL2 allows 1 h and 24 h).';

create table iam.sign_ins (
  id uuid default ops.uuid_v7() not null,
  account_id uuid not null,
  organisation_id uuid not null,
  session_id uuid not null,
  device_id uuid,
  at timestamp with time zone default clock_timestamp() not null,
  network bytea,
  placed boolean not null,
  signals text[] not null,
  score integer not null,
  outcome text not null,
  facts bytea not null,
  link_hash bytea,
  released_at timestamp with time zone,
  released_by uuid,
  disowned_at timestamp with time zone,
  undone text[] default '{}'::text[] not null,
  constraint sign_ins_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint sign_ins_check CHECK (((outcome = 'stopped'::text) OR (released_at IS NULL))),
  constraint sign_ins_check1 CHECK (((released_at IS NOT NULL) OR (released_by IS NULL))),
  constraint sign_ins_device_id_fkey FOREIGN KEY (device_id) REFERENCES iam.devices(id),
  constraint sign_ins_link_hash_check CHECK ((length(link_hash) = 32)),
  constraint sign_ins_link_hash_key UNIQUE (link_hash),
  constraint sign_ins_network_check CHECK ((length(network) = 16)),
  constraint sign_ins_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES access.organisations(id),
  constraint sign_ins_outcome_check CHECK ((outcome = ANY (ARRAY['let_in'::text, 'told'::text, 'stopped'::text]))),
  constraint sign_ins_pkey PRIMARY KEY (id),
  constraint sign_ins_released_by_fkey FOREIGN KEY (released_by) REFERENCES iam.accounts(id),
  constraint sign_ins_score_check CHECK ((score >= 0)),
  constraint sign_ins_session_id_fkey FOREIGN KEY (session_id) REFERENCES iam.sessions(id),
  constraint sign_ins_session_id_key UNIQUE (session_id),
  constraint sign_ins_signals_check CHECK ((signals <@ ARRAY['new_device'::text, 'new_network'::text, 'impossible_speed'::text, 'many_failures'::text, 'odd_hour'::text])),
  constraint sign_ins_undone_check CHECK ((undone <@ ARRAY['session'::text, 'device'::text, 'recovery'::text, 'address'::text, 'passkey'::text, 'totp'::text, 'sms_code'::text, 'recovery_code'::text]))
);
alter table iam.sign_ins enable row level security;
alter table iam.sign_ins force row level security;
comment on table iam.sign_ins is 'Sign-ins with two factors. facts (sealed JSON): ip, user_agent, place, and what the signals are about: km, minutes, failures.';

create table iam.totp_enrolments (
  session_id uuid not null,
  secret bytea not null,
  made_at timestamp with time zone default clock_timestamp() not null,
  constraint totp_enrolments_pkey PRIMARY KEY (session_id),
  constraint totp_enrolments_session_id_fkey FOREIGN KEY (session_id) REFERENCES iam.sessions(id)
);
alter table iam.totp_enrolments enable row level security;
alter table iam.totp_enrolments force row level security;
comment on table iam.totp_enrolments is 'Secrets that are shown to be scanned and don''t count yet: an hour, then ops.upkeep clears them out.';

create table iam.totp_factors (
  account_id uuid not null,
  secret bytea not null,
  confirmed_at timestamp with time zone,
  last_step bigint default 0 not null,
  added_in uuid,
  constraint totp_factors_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint totp_factors_pkey PRIMARY KEY (account_id)
);
alter table iam.totp_factors enable row level security;
alter table iam.totp_factors force row level security;
comment on table iam.totp_factors is 'RFC 6238: the sealed secret, and the last time step that was used up.';

create table ops.delays (
  key text not null,
  failures integer not null,
  not_before timestamp with time zone not null,
  forgotten_at timestamp with time zone not null,
  was_forgotten_at timestamp with time zone not null,
  constraint delays_failures_check CHECK ((failures >= 0)),
  constraint delays_pkey PRIMARY KEY (key)
) with (fillfactor=70);
alter table ops.delays enable row level security;
alter table ops.delays force row level security;
comment on table ops.delays is 'Failures in a row, and when the next try is taken. Keys as in ops.limits.';

create table ops.deliveries (
  channel text not null,
  seen_at timestamp with time zone default clock_timestamp() not null,
  constraint deliveries_channel_check CHECK ((channel = ANY (ARRAY['email'::text, 'sms'::text]))),
  constraint deliveries_pkey PRIMARY KEY (channel)
) with (fillfactor=50);
alter table ops.deliveries enable row level security;
alter table ops.deliveries force row level security;
comment on table ops.deliveries is 'When somebody last asked for messages of this kind: what nobody delivers isn''t offered.';

create table ops.hashing (
  one boolean default true not null,
  at_once integer default 2 not null,
  constraint hashing_at_once_check CHECK (((at_once >= 1) AND (at_once <= 64))),
  constraint hashing_one_check CHECK (one),
  constraint hashing_pkey PRIMARY KEY (one)
);
alter table ops.hashing enable row level security;
alter table ops.hashing force row level security;
comment on table ops.hashing is 'How many passwords are hashed at a time: each takes a core for a quarter of a second. docs/dba.md says when to raise it.';

create table ops.intents (
  key uuid not null,
  session_id uuid not null,
  account_id uuid,
  digest bytea not null,
  operation text not null,
  announced_at timestamp with time zone default clock_timestamp() not null,
  transaction xid8 default pg_current_xact_id() not null,
  fulfilled_at timestamp with time zone,
  result_id uuid,
  constraint intents_operation_check CHECK ((operation ~ '^[a-z_]+\.[a-z_]+$'::text)),
  constraint intents_pkey PRIMARY KEY (key)
);
alter table ops.intents enable row level security;
alter table ops.intents force row level security;
comment on table ops.intents is 'Idempotency keys of changes.';

create table ops.limits (
  key text not null,
  tokens double precision not null,
  at timestamp with time zone not null,
  full_at timestamp with time zone default (clock_timestamp() + 'P1D'::interval) not null,
  constraint limits_pkey PRIMARY KEY (key)
) with (fillfactor=70);
alter table ops.limits enable row level security;
alter table ops.limits force row level security;
comment on table ops.limits is 'Token buckets, shared by all edges. Keys hold ids and keyed hashes, no addresses. One that is full again is as good as none.';

create table ops.networks (
  id uuid default ops.uuid_v7() not null,
  network cidr not null,
  list text not null,
  reason text not null,
  made_by name default SESSION_USER not null,
  made_at timestamp with time zone default clock_timestamp() not null,
  until timestamp with time zone not null,
  lifted_at timestamp with time zone,
  lifted_by name,
  constraint networks_check CHECK (((until > made_at) AND (until <= (made_at + 'P1Y'::interval)))),
  constraint networks_check1 CHECK (((NOT ops.is_wide((network)::inet)) AND ((list = 'allow'::text) OR (NOT ops.is_local((network)::inet))))),
  constraint networks_check2 CHECK (
CASE list
    WHEN 'deny'::text THEN (reason = ANY (ARRAY['guessing'::text, 'flood'::text, 'scanning'::text, 'incident'::text, 'test'::text]))
    ELSE (reason = ANY (ARRAY['practice'::text, 'partner'::text, 'test'::text]))
END),
  constraint networks_check3 CHECK (((lifted_at IS NULL) = (lifted_by IS NULL))),
  constraint networks_list_check CHECK ((list = ANY (ARRAY['allow'::text, 'deny'::text]))),
  constraint networks_network_check CHECK ((ops.plain_network((network)::inet) = (network)::inet)),
  constraint networks_pkey PRIMARY KEY (id)
);
alter table ops.networks enable row level security;
alter table ops.networks force row level security;
comment on table ops.networks is 'Denied and allowed networks, each with its end. Changed by ops.deny_network, ops.allow_network and ops.lift_network.';

create table ops.outbox (
  id uuid default ops.uuid_v7() not null,
  account_id uuid not null,
  channel text not null,
  template text not null,
  vars bytea,
  state text default 'waiting'::text not null,
  attempts integer default 0 not null,
  next_at timestamp with time zone default clock_timestamp() not null,
  expires_at timestamp with time zone not null,
  lease_until timestamp with time zone,
  created_at timestamp with time zone default clock_timestamp() not null,
  ended_at timestamp with time zone,
  constraint outbox_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint outbox_channel_check CHECK ((channel = ANY (ARRAY['email'::text, 'sms'::text]))),
  constraint outbox_check CHECK (((lease_until IS NOT NULL) = (state = 'sending'::text))),
  constraint outbox_check1 CHECK (((ended_at IS NOT NULL) = (state = ANY (ARRAY['sent'::text, 'failed'::text, 'uncertain'::text])))),
  constraint outbox_check2 CHECK (((vars IS NULL) = (state = ANY (ARRAY['sent'::text, 'failed'::text, 'uncertain'::text])))),
  constraint outbox_pkey PRIMARY KEY (id),
  constraint outbox_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'sending'::text, 'sent'::text, 'failed'::text, 'uncertain'::text]))),
  constraint outbox_template_check CHECK ((template = ANY (ARRAY['invitation'::text, 'invitation_exists'::text, 'email_confirmation'::text, 'registration_exists'::text, 'email_code'::text, 'sms_code'::text, 'phone_code'::text, 'recovery_link'::text, 'recovery_requested'::text, 'recovery_requested_sms'::text, 'recovery_ready'::text, 'recovery_confirmed'::text, 'recovery_cancelled'::text, 'recovery_asks_colleague'::text, 'unusual_sign_in'::text, 'unusual_sign_in_of_member'::text, 'sign_in_stopped'::text, 'sign_in_disowned'::text, 'codes_refused'::text, 'unusual_traffic'::text, 'factor_added'::text, 'factor_removed'::text, 'recovery_codes_made'::text, 'recovery_code_used'::text, 'password_changed'::text, 'account_changed'::text, 'glass_broken'::text, 'consent_withdrawn'::text, 'consent_withdrawn_here'::text, 'address_link'::text, 'address_exists'::text, 'address_asked'::text, 'address_changed'::text, 'address_kept'::text])))
);
alter table ops.outbox enable row level security;
alter table ops.outbox force row level security;
comment on table ops.outbox is 'Messages to people. `uncertain`: whoever was sending it was lost meanwhile, so it isn''t sent again.';

create table ops.service (
  id integer default 1 not null,
  started_at timestamp with time zone not null,
  file text not null,
  writer xid not null,
  compared text not null,
  cleared_at timestamp with time zone default clock_timestamp() not null,
  constraint service_compared_check CHECK ((compared = ANY (ARRAY['outside'::text, 'empty'::text, 'nothing'::text]))),
  constraint service_id_check CHECK ((id = 1)),
  constraint service_pkey PRIMARY KEY (id)
);
alter table ops.service enable row level security;
alter table ops.service force row level security;
comment on table ops.service is 'One row: for which start, file and transaction this database was cleared to serve.';

create table ops.traffic (
  at timestamp with time zone not null,
  tries integer not null,
  failures integer not null,
  unknown integer not null,
  constraint traffic_pkey PRIMARY KEY (at)
);
alter table ops.traffic enable row level security;
alter table ops.traffic force row level security;
comment on table ops.traffic is 'Tries of five minutes each, of the whole installation: what is usual. unknown: for addresses without an account.';

create table ops.tries (
  id uuid default ops.uuid_v7() not null,
  at timestamp with time zone not null,
  network text,
  account text,
  known boolean not null,
  ok boolean not null,
  constraint tries_account_check CHECK ((account ~ '^[0-9a-f]{24}$'::text)),
  constraint tries_network_check CHECK ((network ~ '^[0-9a-f]{24}$'::text)),
  constraint tries_pkey PRIMARY KEY (id)
);
alter table ops.tries enable row level security;
alter table ops.tries force row level security;
comment on table ops.tries is 'Tries to sign in of the last hours. network, account: keyed hashes; known: there is such an account; ok: they came in.';

create table ops.unrecorded (
  organisation_id uuid not null,
  kind text not null,
  times bigint not null,
  constraint unrecorded_kind_check CHECK ((kind = ANY (ARRAY['request.forged'::text, 'request.host'::text, 'request.malformed'::text, 'request.method'::text, 'request.polluted'::text, 'request.too_large'::text]))),
  constraint unrecorded_pkey PRIMARY KEY (organisation_id, kind),
  constraint unrecorded_times_check CHECK ((times > 0))
) with (fillfactor=50);
alter table ops.unrecorded enable row level security;
alter table ops.unrecorded force row level security;
comment on table ops.unrecorded is 'Refused requests that are in no event yet, by log and kind. Organisation 00000000-… is the installation.';

create table ops.unusual (
  id uuid default ops.uuid_v7() not null,
  at timestamp with time zone default clock_timestamp() not null,
  signal text not null,
  subject text not null,
  figure integer not null,
  usual integer,
  floor integer not null,
  organisation_id uuid,
  told_at timestamp with time zone,
  constraint unusual_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES access.organisations(id),
  constraint unusual_pkey PRIMARY KEY (id),
  constraint unusual_signal_check CHECK ((signal = ANY (ARRAY['many_tries'::text, 'many_failures'::text, 'unknown_addresses'::text, 'many_accounts'::text, 'many_networks'::text]))),
  constraint unusual_subject_check CHECK ((subject ~ '^([0-9a-f]{24})?$'::text))
);
alter table ops.unusual enable row level security;
alter table ops.unusual force row level security;
comment on table ops.unusual is 'What was unusual, once an hour for each. `vitalsync networks --check ADDRESS` says whether it came from there.';

create table privacy.answers (
  id uuid default ops.uuid_v7() not null,
  organisation_id uuid not null,
  consent_id uuid,
  erasure_request_id uuid,
  answer text not null,
  answered_by uuid not null,
  answered_at timestamp with time zone default clock_timestamp() not null,
  constraint answers_answered_by_fkey FOREIGN KEY (answered_by) REFERENCES iam.accounts(id),
  constraint answers_check CHECK ((num_nonnulls(consent_id, erasure_request_id) = 1)),
  constraint answers_check1 CHECK (
CASE
    WHEN (consent_id IS NOT NULL) THEN (answer = ANY (ARRAY['informed'::text, 'care_ended'::text, 'erasure_requested'::text, 'mistake'::text]))
    ELSE (answer = ANY (ARRAY['kept_by_law'::text, 'taken_back'::text]))
END),
  constraint answers_consent_id_fkey FOREIGN KEY (consent_id) REFERENCES privacy.consents(id),
  constraint answers_consent_id_key UNIQUE (consent_id),
  constraint answers_erasure_request_id_fkey FOREIGN KEY (erasure_request_id) REFERENCES privacy.erasure_requests(id),
  constraint answers_erasure_request_id_key UNIQUE (erasure_request_id),
  constraint answers_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES access.organisations(id),
  constraint answers_pkey PRIMARY KEY (id)
);
alter table privacy.answers enable row level security;
alter table privacy.answers force row level security;
comment on table privacy.answers is 'What the DPO answered to a withdrawn agreement that is needed, or to somebody whose erasure was asked for.';

create table privacy.consent_texts (
  type text not null,
  version text not null,
  lang text not null,
  title text not null,
  body text not null,
  hash bytea not null,
  published_at timestamp with time zone default clock_timestamp() not null,
  constraint consent_texts_body_check CHECK (((length(body) >= 1) AND (length(body) <= 4000))),
  constraint consent_texts_hash_check CHECK ((length(hash) = 32)),
  constraint consent_texts_hash_key UNIQUE (hash),
  constraint consent_texts_lang_check CHECK ((lang = ANY (ARRAY['fr'::text, 'en'::text]))),
  constraint consent_texts_pkey PRIMARY KEY (type, version, lang),
  constraint consent_texts_title_check CHECK (((length(title) >= 1) AND (length(title) <= 200))),
  constraint consent_texts_type_check CHECK ((type = ANY (ARRAY['data_processing'::text, 'telemedicine_usage'::text, 'medical_record_storage'::text, 'mes_sharing'::text, 'research_anonymized'::text, 'marketing'::text]))),
  constraint consent_texts_version_check CHECK ((version ~ '^[0-9]{4}\.[0-9]{1,3}$'::text))
);
alter table privacy.consent_texts enable row level security;
alter table privacy.consent_texts force row level security;
comment on table privacy.consent_texts is 'What people are asked, word for word: published for everybody, so it is in clear.';

create table privacy.consents (
  id uuid default ops.uuid_v7() not null,
  account_id uuid not null,
  organisation_id uuid not null,
  patient_id uuid not null,
  type text not null,
  given boolean not null,
  text_hash bytea not null,
  session_id uuid not null,
  origin_id uuid,
  ip bytea,
  at timestamp with time zone default clock_timestamp() not null,
  seq integer not null,
  constraint consents_account_id_fkey FOREIGN KEY (account_id) REFERENCES iam.accounts(id),
  constraint consents_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES access.organisations(id),
  constraint consents_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES store.patients(id),
  constraint consents_patient_id_type_seq_key UNIQUE (patient_id, type, seq),
  constraint consents_pkey PRIMARY KEY (id),
  constraint consents_seq_check CHECK ((seq > 0)),
  constraint consents_text_hash_fkey FOREIGN KEY (text_hash) REFERENCES privacy.consent_texts(hash),
  constraint consents_type_check CHECK ((type = ANY (ARRAY['data_processing'::text, 'telemedicine_usage'::text, 'medical_record_storage'::text, 'mes_sharing'::text, 'research_anonymized'::text, 'marketing'::text])))
);
alter table privacy.consents enable row level security;
alter table privacy.consents force row level security;
comment on table privacy.consents is 'FHIR Consent: given or withdrawn, one row each; the last row of a type counts.';

create table privacy.erasure_requests (
  id uuid not null,
  organisation_id uuid not null,
  patient_id uuid not null,
  requested_by uuid not null,
  requested_at timestamp with time zone default clock_timestamp() not null,
  ground text not null,
  reason bytea not null,
  constraint erasure_requests_ground_check CHECK ((ground = ANY (ARRAY['retention_ended'::text, 'no_longer_necessary'::text, 'consent_withdrawn'::text, 'objection'::text, 'unlawful_processing'::text, 'legal_obligation'::text]))),
  constraint erasure_requests_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES access.organisations(id),
  constraint erasure_requests_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES store.patients(id),
  constraint erasure_requests_pkey PRIMARY KEY (id),
  constraint erasure_requests_requested_by_fkey FOREIGN KEY (requested_by) REFERENCES iam.accounts(id)
);
alter table privacy.erasure_requests enable row level security;
alter table privacy.erasure_requests force row level security;
comment on table privacy.erasure_requests is 'What a DPO asked the administrator of the installation to erase; the reason is sealed with the patient''s identity key, and goes with it.';

create table privacy.erasures (
  id uuid not null,
  patient_id uuid not null,
  organisation_id uuid not null,
  request_id uuid,
  ground text not null,
  erased_at timestamp with time zone not null,
  complete_from timestamp with time zone not null,
  masters text[] not null,
  destroyed jsonb not null,
  event_id uuid not null,
  leaf_hash bytea not null,
  replayed_at timestamp with time zone,
  constraint erasures_ground_check CHECK ((ground = ANY (ARRAY['retention_ended'::text, 'no_longer_necessary'::text, 'consent_withdrawn'::text, 'objection'::text, 'unlawful_processing'::text, 'legal_obligation'::text]))),
  constraint erasures_leaf_hash_check CHECK ((length(leaf_hash) = 32)),
  constraint erasures_patient_id_key UNIQUE (patient_id),
  constraint erasures_pkey PRIMARY KEY (id)
);
alter table privacy.erasures enable row level security;
alter table privacy.erasures force row level security;
comment on table privacy.erasures is 'Who was forgotten, when and on which ground; the certificate is made of it.';

create table privacy.periods (
  name text not null,
  period interval not null,
  why text not null,
  constraint periods_name_check CHECK ((name = ANY (ARRAY['record'::text, 'backup'::text]))),
  constraint periods_period_check CHECK ((period > 'PT0S'::interval)),
  constraint periods_pkey PRIMARY KEY (name)
);
alter table privacy.periods enable row level security;
alter table privacy.periods force row level security;
comment on table privacy.periods is 'How long something is kept: the record after the last visit, and backups of the database.';

create table store.allergy_intolerances (
  id uuid not null,
  patient_id uuid not null,
  version bigint default 1 not null,
  clinical_status text not null,
  verification_status text,
  recorded_at timestamp with time zone,
  code bytea not null,
  criticality bytea,
  category bytea,
  reaction bytea,
  created_at timestamp with time zone default clock_timestamp() not null,
  constraint allergy_intolerances_clinical_status_check CHECK ((clinical_status = ANY (ARRAY['active'::text, 'inactive'::text, 'resolved'::text, 'unknown'::text]))),
  constraint allergy_intolerances_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES store.patients(id),
  constraint allergy_intolerances_pkey PRIMARY KEY (id),
  constraint allergy_intolerances_verification_status_check CHECK ((verification_status = ANY (ARRAY['unconfirmed'::text, 'confirmed'::text, 'refuted'::text, 'presumed'::text]))),
  constraint allergy_intolerances_version_check CHECK ((version > 0))
);
alter table store.allergy_intolerances enable row level security;
alter table store.allergy_intolerances force row level security;
comment on table store.allergy_intolerances is 'FHIR AllergyIntolerance.';

create table store.conditions (
  id uuid not null,
  patient_id uuid not null,
  version bigint default 1 not null,
  clinical_status text not null,
  verification_status text,
  onset_at timestamp with time zone,
  abatement_at timestamp with time zone,
  recorded_at timestamp with time zone,
  code bytea not null,
  created_at timestamp with time zone default clock_timestamp() not null,
  constraint conditions_clinical_status_check CHECK ((clinical_status = ANY (ARRAY['active'::text, 'recurrence'::text, 'relapse'::text, 'inactive'::text, 'remission'::text, 'resolved'::text, 'unknown'::text]))),
  constraint conditions_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES store.patients(id),
  constraint conditions_pkey PRIMARY KEY (id),
  constraint conditions_verification_status_check CHECK ((verification_status = ANY (ARRAY['unconfirmed'::text, 'provisional'::text, 'differential'::text, 'confirmed'::text, 'refuted'::text]))),
  constraint conditions_version_check CHECK ((version > 0))
);
alter table store.conditions enable row level security;
alter table store.conditions force row level security;
comment on table store.conditions is 'FHIR Condition.';

create table store.encounters (
  id uuid not null,
  patient_id uuid not null,
  version bigint default 1 not null,
  started_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  status text not null,
  class bytea,
  type bytea,
  reason bytea,
  participant bytea,
  created_at timestamp with time zone default clock_timestamp() not null,
  constraint encounters_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES store.patients(id),
  constraint encounters_pkey PRIMARY KEY (id),
  constraint encounters_status_check CHECK ((status = ANY (ARRAY['planned'::text, 'arrived'::text, 'triaged'::text, 'in-progress'::text, 'onleave'::text, 'finished'::text, 'cancelled'::text, 'unknown'::text]))),
  constraint encounters_version_check CHECK ((version > 0))
);
alter table store.encounters enable row level security;
alter table store.encounters force row level security;
comment on table store.encounters is 'FHIR Encounter.';

create table store.medication_requests (
  id uuid not null,
  patient_id uuid not null,
  version bigint default 1 not null,
  status text not null,
  intent text not null,
  authored_at timestamp with time zone not null,
  medication bytea not null,
  dosage bytea,
  created_at timestamp with time zone default clock_timestamp() not null,
  constraint medication_requests_intent_check CHECK ((intent = ANY (ARRAY['proposal'::text, 'plan'::text, 'order'::text, 'original-order'::text, 'reflex-order'::text, 'filler-order'::text, 'instance-order'::text, 'option'::text]))),
  constraint medication_requests_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES store.patients(id),
  constraint medication_requests_pkey PRIMARY KEY (id),
  constraint medication_requests_status_check CHECK ((status = ANY (ARRAY['active'::text, 'on-hold'::text, 'cancelled'::text, 'completed'::text, 'stopped'::text, 'draft'::text, 'unknown'::text]))),
  constraint medication_requests_version_check CHECK ((version > 0))
);
alter table store.medication_requests enable row level security;
alter table store.medication_requests force row level security;
comment on table store.medication_requests is 'FHIR MedicationRequest.';

create table store.notes (
  id uuid not null,
  patient_id uuid not null,
  version bigint default 1 not null,
  author_id uuid not null,
  category text not null,
  priority text not null,
  status text not null,
  subjective bytea,
  objective bytea,
  assessment bytea,
  plan bytea,
  diagnosis bytea,
  treatment_plan bytea,
  created_at timestamp with time zone default clock_timestamp() not null,
  updated_at timestamp with time zone default clock_timestamp() not null,
  constraint notes_author_id_fkey FOREIGN KEY (author_id) REFERENCES iam.accounts(id),
  constraint notes_category_check CHECK ((category = ANY (ARRAY['consultation'::text, 'teleconsultation'::text, 'follow_up'::text, 'emergency'::text, 'procedure'::text, 'administrative'::text]))),
  constraint notes_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES store.patients(id),
  constraint notes_pkey PRIMARY KEY (id),
  constraint notes_priority_check CHECK ((priority = ANY (ARRAY['routine'::text, 'urgent'::text, 'emergency'::text]))),
  constraint notes_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'final'::text]))),
  constraint notes_version_check CHECK ((version > 0))
);
alter table store.notes enable row level security;
alter table store.notes force row level security;
comment on table store.notes is 'FHIR Composition: a SOAP note. Category, priority and status stay in clear (requirement B1).';

create table store.observations (
  id uuid not null,
  patient_id uuid not null,
  version bigint default 1 not null,
  category text not null,
  effective_at timestamp with time zone not null,
  status text not null,
  code bytea not null,
  value bytea not null,
  created_at timestamp with time zone default clock_timestamp() not null,
  constraint observations_category_check CHECK ((category ~ '^[a-z-]{1,40}$'::text)),
  constraint observations_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES store.patients(id),
  constraint observations_pkey PRIMARY KEY (id),
  constraint observations_status_check CHECK ((status = ANY (ARRAY['registered'::text, 'preliminary'::text, 'final'::text, 'amended'::text, 'corrected'::text, 'cancelled'::text, 'unknown'::text]))),
  constraint observations_version_check CHECK ((version > 0))
);
alter table store.observations enable row level security;
alter table store.observations force row level security;
comment on table store.observations is 'FHIR Observation.';

create table store.patients (
  id uuid not null,
  organisation_id uuid not null,
  version bigint default 1 not null,
  identity_status text default 'provisoire'::text not null,
  birth_name bytea not null,
  used_name bytea,
  first_given_name bytea not null,
  birth_given_names bytea,
  used_given_name bytea,
  sex bytea not null,
  birth_date bytea not null,
  birth_place bytea,
  ins_matricule bytea,
  ins_oid bytea,
  phone bytea,
  email bytea,
  address bytea,
  deceased_date bytea,
  created_at timestamp with time zone default clock_timestamp() not null,
  last_activity_at timestamp with time zone default clock_timestamp() not null,
  erased_at timestamp with time zone,
  constraint patients_identity_status_check CHECK ((identity_status = ANY (ARRAY['provisoire'::text, 'recuperee'::text, 'validee'::text, 'qualifiee'::text]))),
  constraint patients_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES access.organisations(id),
  constraint patients_pkey PRIMARY KEY (id),
  constraint patients_version_check CHECK ((version > 0))
);
alter table store.patients enable row level security;
alter table store.patients force row level security;
comment on table store.patients is 'FHIR Patient with the INS traits (référentiel INS, RNIV).';

create table store.referrals (
  id uuid not null,
  organisation_id uuid not null,
  patient_id uuid not null,
  requester_id uuid not null,
  performer_id uuid not null,
  priority text not null,
  reason bytea not null,
  valid_from timestamp with time zone not null,
  valid_until timestamp with time zone not null,
  ended_by uuid,
  constraint referrals_check CHECK ((performer_id <> requester_id)),
  constraint referrals_check1 CHECK (((valid_until >= valid_from) AND (valid_until <= (valid_from + 'P180D'::interval)))),
  constraint referrals_ended_by_fkey FOREIGN KEY (ended_by) REFERENCES iam.accounts(id),
  constraint referrals_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES access.organisations(id),
  constraint referrals_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES store.patients(id),
  constraint referrals_performer_id_fkey FOREIGN KEY (performer_id) REFERENCES iam.accounts(id),
  constraint referrals_pkey PRIMARY KEY (id),
  constraint referrals_priority_check CHECK ((priority = ANY (ARRAY['routine'::text, 'urgent'::text, 'asap'::text, 'stat'::text]))),
  constraint referrals_requester_id_fkey FOREIGN KEY (requester_id) REFERENCES iam.accounts(id)
);
alter table store.referrals enable row level security;
alter table store.referrals force row level security;
comment on table store.referrals is 'FHIR ServiceRequest: requester, performer, priority, occurrencePeriod.';

create table vault.existing_columns (
  table_name text not null,
  "position" integer not null,
  name text not null,
  type text not null,
  level text not null,
  sealed_name text not null,
  values_sealed bigint default 0 not null,
  constraint existing_columns_level_check CHECK ((level = ANY (ARRAY['identity'::text, 'clinical'::text, 'profile'::text]))),
  constraint existing_columns_pkey PRIMARY KEY (table_name, "position"),
  constraint existing_columns_table_name_fkey FOREIGN KEY (table_name) REFERENCES vault.existing_tables(name)
);
alter table vault.existing_columns enable row level security;
alter table vault.existing_columns force row level security;
comment on table vault.existing_columns is 'Their columns: what type the plaintext had, whose key seals it, and how many values were sealed.';

create table vault.existing_tables (
  name text not null,
  organisation_id uuid not null,
  subject text not null,
  view_name text not null,
  map_digest bytea not null,
  rows_sealed bigint default 0 not null,
  began_at timestamp with time zone default clock_timestamp() not null,
  proven_at timestamp with time zone,
  dropped_at timestamp with time zone,
  constraint existing_tables_map_digest_check CHECK ((length(map_digest) = 32)),
  constraint existing_tables_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES access.organisations(id),
  constraint existing_tables_pkey PRIMARY KEY (name),
  constraint existing_tables_subject_check CHECK ((subject = ANY (ARRAY['patient'::text, 'account'::text])))
);
alter table vault.existing_tables enable row level security;
alter table vault.existing_tables force row level security;
comment on table vault.existing_tables is 'Tables whose plaintext columns are being sealed, or were; name as quote_ident writes it, and as it stands in every AAD.';

create table vault.keys (
  subject_id uuid not null,
  level text not null,
  organisation_id uuid not null,
  master text not null,
  wrapped bytea not null,
  indexed text,
  active boolean default true not null,
  created_at timestamp with time zone default clock_timestamp() not null,
  constraint keys_active_check CHECK (active),
  constraint keys_check CHECK (((indexed IS NOT NULL) = (level = ANY (ARRAY['identity'::text, 'profile'::text])))),
  constraint keys_indexed_active_fkey FOREIGN KEY (indexed, active) REFERENCES vault.masters(id, active),
  constraint keys_level_check CHECK ((level = ANY (ARRAY['identity'::text, 'clinical'::text, 'profile'::text, 'organisation'::text, 'glass'::text]))),
  constraint keys_master_active_fkey FOREIGN KEY (master, active) REFERENCES vault.masters(id, active),
  constraint keys_pkey PRIMARY KEY (subject_id, level)
);
alter table vault.keys enable row level security;
alter table vault.keys force row level security;
comment on table vault.keys is 'A patient has an identity and a clinical key, an account a profile key, an organisation one for its log, a broken glass one for its reason; each wrapped with a master key.';

create table vault.masters (
  id text not null,
  check_value bytea not null,
  added_at timestamp with time zone default clock_timestamp() not null,
  current_since timestamp with time zone,
  retired_at timestamp with time zone,
  active boolean default true not null,
  constraint masters_check CHECK ((active = (retired_at IS NULL))),
  constraint masters_check_value_check CHECK ((length(check_value) = 16)),
  constraint masters_id_active_key UNIQUE (id, active),
  constraint masters_id_check CHECK ((id ~ '^[A-Za-z0-9_-]{1,32}$'::text)),
  constraint masters_pkey PRIMARY KEY (id)
);
alter table vault.masters enable row level security;
alter table vault.masters force row level security;
comment on table vault.masters is 'Which master keys this database has seen: a check value of each, never the key.';

create table vault.rings (
  names text not null,
  seen_at timestamp with time zone default clock_timestamp() not null,
  constraint rings_names_check CHECK ((length(names) <= 400)),
  constraint rings_pkey PRIMARY KEY (names)
) with (fillfactor=50);
alter table vault.rings enable row level security;
alter table vault.rings force row level security;
comment on table vault.rings is 'Which rings edges have shown, and when last: names of master keys.';

create table vault.search_tokens (
  organisation_id uuid not null,
  token bigint not null,
  patient_id uuid not null,
  constraint search_tokens_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES store.patients(id),
  constraint search_tokens_pkey PRIMARY KEY (organisation_id, token, patient_id)
);
alter table vault.search_tokens enable row level security;
alter table vault.search_tokens force row level security;
comment on table vault.search_tokens is 'Equality on bigint is leakproof, so the index works under row-level security.';

create table vault.secrets (
  name text not null,
  value bytea not null,
  constraint secrets_name_check CHECK ((name = 'session'::text)),
  constraint secrets_pkey PRIMARY KEY (name),
  constraint secrets_value_check CHECK ((length(value) = 64))
);
alter table vault.secrets enable row level security;
alter table vault.secrets force row level security;
comment on table vault.secrets is 'Seals what is put into transaction-local settings (identity, keys). Nothing stored depends on it: a superuser may replace it at any time, and everybody reconnects.';

-- Indexes
CREATE INDEX address_changes_account ON iam.address_changes USING btree (account_id);
CREATE INDEX address_changes_asked ON iam.address_changes USING btree (asked_at);
CREATE INDEX address_changes_former ON iam.address_changes USING btree (former_index) WHERE (former_index IS NOT NULL);
CREATE INDEX address_changes_session ON iam.address_changes USING btree (session_id);
CREATE INDEX allergy_intolerances_patient ON store.allergy_intolerances USING btree (patient_id, recorded_at DESC);
CREATE INDEX answers_answered_by ON privacy.answers USING btree (answered_by);
CREATE INDEX answers_organisation ON privacy.answers USING btree (organisation_id);
CREATE INDEX broken_glass_account ON access.broken_glass USING btree (account_id, patient_id, ends_at);
CREATE INDEX broken_glass_organisation ON access.broken_glass USING btree (organisation_id, broken_at DESC);
CREATE INDEX broken_glass_patient ON access.broken_glass USING btree (patient_id, broken_at DESC);
CREATE INDEX broken_glass_seen_by ON access.broken_glass USING btree (seen_by) WHERE (seen_by IS NOT NULL);
CREATE INDEX broken_glass_session ON access.broken_glass USING btree (session_id);
CREATE INDEX care_team_members_team ON access.care_team_members USING btree (care_team_id);
CREATE INDEX care_team_patients_patient ON access.care_team_patients USING btree (patient_id, care_team_id);
CREATE INDEX care_teams_lead ON access.care_teams USING btree (lead_account_id);
CREATE INDEX care_teams_organisation ON access.care_teams USING btree (organisation_id, lead_account_id);
CREATE INDEX challenges_made ON iam.challenges USING btree (made_at);
CREATE INDEX challenges_session ON iam.challenges USING btree (session_id) WHERE (session_id IS NOT NULL);
CREATE INDEX conditions_patient ON store.conditions USING btree (patient_id, onset_at DESC NULLS LAST);
CREATE INDEX consents_account ON privacy.consents USING btree (account_id);
CREATE INDEX consents_organisation ON privacy.consents USING btree (organisation_id, at DESC);
CREATE INDEX consents_text ON privacy.consents USING btree (text_hash);
CREATE INDEX consents_withdrawn ON privacy.consents USING btree (organisation_id, at DESC) WHERE (NOT given);
CREATE INDEX delays_forgotten ON ops.delays USING btree (forgotten_at);
CREATE INDEX devices_seen ON iam.devices USING btree (last_seen_at);
CREATE INDEX emergency_searches_account ON access.emergency_searches USING btree (account_id, made_at DESC);
CREATE INDEX emergency_searches_patient ON access.emergency_searches USING btree (patient_id) WHERE (patient_id IS NOT NULL);
CREATE INDEX emergency_searches_session ON access.emergency_searches USING btree (session_id);
CREATE INDEX encounters_patient ON store.encounters USING btree (patient_id, started_at DESC);
CREATE INDEX erasure_requests_organisation ON privacy.erasure_requests USING btree (organisation_id, requested_at DESC);
CREATE INDEX erasure_requests_patient ON privacy.erasure_requests USING btree (patient_id, requested_at DESC);
CREATE INDEX erasure_requests_requested_by ON privacy.erasure_requests USING btree (requested_by);
CREATE INDEX erasures_organisation ON privacy.erasures USING btree (organisation_id, erased_at DESC);
CREATE INDEX events_at ON ONLY audit.events USING btree (organisation_id, at DESC);
CREATE INDEX events_default_actor_id_at_idx ON audit.events_default USING btree (actor_id, at DESC) WHERE ((outcome = 'failure'::text) AND (event = ANY (ARRAY['session.password'::text, 'session.factor'::text])));
CREATE INDEX events_default_organisation_id_at_idx ON audit.events_default USING btree (organisation_id, at DESC);
CREATE INDEX events_default_origin_id_idx ON audit.events_default USING btree (origin_id) WHERE ((session_id IS NULL) AND (origin_id IS NOT NULL));
CREATE INDEX events_default_patient_id_at_idx ON audit.events_default USING btree (patient_id, at DESC) WHERE (patient_id IS NOT NULL);
CREATE INDEX events_default_shown_idx ON audit.events_default USING gin (shown) WHERE (shown IS NOT NULL);
CREATE INDEX events_failures ON ONLY audit.events USING btree (actor_id, at DESC) WHERE ((outcome = 'failure'::text) AND (event = ANY (ARRAY['session.password'::text, 'session.factor'::text])));
CREATE INDEX events_origin ON ONLY audit.events USING btree (origin_id) WHERE ((session_id IS NULL) AND (origin_id IS NOT NULL));
CREATE INDEX events_patient ON ONLY audit.events USING btree (patient_id, at DESC) WHERE (patient_id IS NOT NULL);
CREATE INDEX events_shown ON ONLY audit.events USING gin (shown) WHERE (shown IS NOT NULL);
CREATE INDEX existing_tables_organisation ON vault.existing_tables USING btree (organisation_id);
CREATE INDEX exports_until ON audit.exports USING btree (until);
CREATE INDEX former_names_account ON iam.former_names USING btree (account_id);
CREATE INDEX former_names_changed_by ON iam.former_names USING btree (changed_by);
CREATE INDEX intents_announced ON ops.intents USING btree (announced_at);
CREATE INDEX invitations_expiry ON iam.invitations USING btree (expires_at) WHERE (withdrawn_at IS NULL);
CREATE INDEX invitations_organisation ON iam.invitations USING btree (organisation_id);
CREATE INDEX keys_indexed ON vault.keys USING btree (indexed, active, organisation_id) WHERE (indexed IS NOT NULL);
CREATE INDEX keys_master ON vault.keys USING btree (master, active, organisation_id);
CREATE INDEX keys_organisation ON vault.keys USING btree (organisation_id);
CREATE INDEX limits_full ON ops.limits USING btree (full_at);
CREATE INDEX medication_requests_patient ON store.medication_requests USING btree (patient_id, authored_at DESC);
CREATE INDEX memberships_organisation ON access.memberships USING btree (organisation_id, account_id);
CREATE INDEX memberships_patient ON access.memberships USING btree (patient_id) WHERE (patient_id IS NOT NULL);
CREATE INDEX networks_network ON ops.networks USING gist (network inet_ops) WHERE (lifted_at IS NULL);
CREATE INDEX notes_author ON store.notes USING btree (author_id);
CREATE INDEX notes_patient ON store.notes USING btree (patient_id, created_at DESC);
CREATE INDEX observations_patient ON store.observations USING btree (patient_id, category, effective_at DESC);
CREATE INDEX old_tokens_session ON iam.old_tokens USING btree (session_id);
CREATE INDEX outbox_account ON ops.outbox USING btree (account_id);
CREATE INDEX outbox_due ON ops.outbox USING btree (next_at) WHERE (state = 'waiting'::text);
CREATE INDEX outbox_ended ON ops.outbox USING btree (ended_at) WHERE (ended_at IS NOT NULL);
CREATE INDEX outbox_lease ON ops.outbox USING btree (lease_until) WHERE (state = 'sending'::text);
CREATE INDEX passkeys_account ON iam.passkeys USING btree (account_id);
CREATE INDEX patients_activity ON store.patients USING btree (organisation_id, last_activity_at DESC, id) WHERE (erased_at IS NULL);
CREATE INDEX recoveries_account ON iam.recoveries USING btree (account_id);
CREATE INDEX recoveries_confirmed_by ON iam.recoveries USING btree (confirmed_by) WHERE (confirmed_by IS NOT NULL);
CREATE INDEX recoveries_ends ON iam.recoveries USING btree (ends_at);
CREATE INDEX recoveries_organisation ON iam.recoveries USING btree (organisation_id) WHERE (state = 'waiting'::text);
CREATE INDEX recoveries_practice ON iam.recoveries USING btree (organisation_id);
CREATE INDEX recoveries_session ON iam.recoveries USING btree (session_id) WHERE (session_id IS NOT NULL);
CREATE INDEX referrals_ended_by ON store.referrals USING btree (ended_by) WHERE (ended_by IS NOT NULL);
CREATE INDEX referrals_organisation ON store.referrals USING btree (organisation_id, valid_until DESC);
CREATE INDEX referrals_patient ON store.referrals USING btree (patient_id, valid_from DESC);
CREATE INDEX referrals_performer ON store.referrals USING btree (performer_id, patient_id);
CREATE INDEX referrals_requester ON store.referrals USING btree (requester_id);
CREATE INDEX registration_links_account ON iam.registration_links USING btree (account_id);
CREATE INDEX registration_links_organisation ON iam.registration_links USING btree (organisation_id);
CREATE INDEX registration_links_sent ON iam.registration_links USING btree (sent_at);
CREATE INDEX registrations_asked ON iam.registrations USING btree (asked_at) WHERE (completed_at IS NULL);
CREATE INDEX registrations_organisation ON iam.registrations USING btree (organisation_id);
CREATE INDEX search_tokens_patient ON vault.search_tokens USING btree (patient_id);
CREATE INDEX selections_made ON audit.selections USING btree (made_at);
CREATE INDEX sent_codes_account ON iam.sent_codes USING btree (account_id);
CREATE INDEX sent_codes_sent ON iam.sent_codes USING btree (sent_at);
CREATE INDEX sent_codes_session ON iam.sent_codes USING btree (session_id);
CREATE INDEX sessions_account ON iam.sessions USING btree (account_id);
CREATE INDEX sessions_device ON iam.sessions USING btree (device_id) WHERE (device_id IS NOT NULL);
CREATE INDEX sessions_membership ON iam.sessions USING btree (membership_id);
CREATE INDEX sessions_organisation ON iam.sessions USING btree (organisation_id);
CREATE INDEX sessions_over ON iam.sessions USING btree (COALESCE(revoked_at, expires_at));
CREATE INDEX sessions_replaces ON iam.sessions USING btree (replaces_id) WHERE (replaces_id IS NOT NULL);
CREATE INDEX sessions_unfinished ON iam.sessions USING btree (organisation_id, expires_at) WHERE (revoked_at IS NULL);
CREATE INDEX sign_ins_account ON iam.sign_ins USING btree (account_id, at DESC);
CREATE INDEX sign_ins_device ON iam.sign_ins USING btree (device_id) WHERE (device_id IS NOT NULL);
CREATE INDEX sign_ins_network ON iam.sign_ins USING btree (account_id, network, at);
CREATE INDEX sign_ins_placed ON iam.sign_ins USING btree (account_id, at DESC) WHERE placed;
CREATE INDEX sign_ins_released_by ON iam.sign_ins USING btree (released_by) WHERE (released_by IS NOT NULL);
CREATE INDEX sign_ins_unusual ON iam.sign_ins USING btree (organisation_id, at DESC) WHERE (outcome <> 'let_in'::text);
CREATE INDEX totp_enrolments_made ON iam.totp_enrolments USING btree (made_at);
CREATE INDEX tries_account ON ops.tries USING btree (account, at);
CREATE INDEX tries_at ON ops.tries USING btree (at);
CREATE INDEX tries_network ON ops.tries USING btree (network, at);
CREATE INDEX unusual_at ON ops.unusual USING btree (at);
CREATE INDEX unusual_to_tell ON ops.unusual USING btree (organisation_id) WHERE ((organisation_id IS NOT NULL) AND (told_at IS NULL));
CREATE UNIQUE INDEX address_changes_waiting ON iam.address_changes USING btree (account_id) WHERE (state = 'waiting'::text);
CREATE UNIQUE INDEX care_team_members_lead ON access.care_team_members USING btree (care_team_id) WHERE ((role = 'lead'::text) AND (valid_until = 'infinity'::timestamp with time zone));
CREATE UNIQUE INDEX care_team_members_open ON access.care_team_members USING btree (care_team_id, account_id) WHERE (valid_until = 'infinity'::timestamp with time zone);
CREATE UNIQUE INDEX care_team_patients_open ON access.care_team_patients USING btree (care_team_id, patient_id) WHERE (valid_until = 'infinity'::timestamp with time zone);
CREATE UNIQUE INDEX networks_once ON ops.networks USING btree (network, list) WHERE (lifted_at IS NULL);
CREATE UNIQUE INDEX origins_digest ON audit.origins USING btree (organisation_id, session_id, digest) NULLS NOT DISTINCT;
CREATE UNIQUE INDEX recoveries_waiting ON iam.recoveries USING btree (account_id) WHERE (state = 'waiting'::text);

-- Policies
create policy insert_owner on access.broken_glass for insert to vs_owner with check (((( SELECT access.role() AS role) = 'clinician'::text) AND (account_id = ( SELECT access.account_id() AS account_id)) AND (organisation_id = ( SELECT access.organisation_id() AS organisation_id)))); -- A clinician, in their own name and organisation.
create policy select_clinician on access.broken_glass for select to vs_clinician using (((account_id = ( SELECT access.account_id() AS account_id)) AND (organisation_id = ( SELECT access.organisation_as('clinician'::text) AS organisation_as)))); -- One's own.
create policy select_dpo on access.broken_glass for select to vs_dpo using ((organisation_id = ( SELECT access.organisation_as('dpo'::text) AS organisation_as))); -- The DPO sees every one of the organisation.
create policy select_org_admin on access.broken_glass for select to vs_org_admin using ((organisation_id = ( SELECT access.organisation_as('org_admin'::text) AS organisation_as))); -- An administrator sees every one of the organisation: the patient is an id.
create policy select_owner on access.broken_glass for select to vs_owner using (true); -- access.glass and access.patients read it.
create policy select_patient on access.broken_glass for select to vs_patient using ((patient_id = ANY (( SELECT access.patients('patient'::text) AS patients)::uuid[]))); -- A patient sees those of their own record.
create policy update_owner on access.broken_glass for update to vs_owner using (((organisation_id = ( SELECT access.organisation_id() AS organisation_id)) OR (( SELECT access.role() AS role) IS NULL))) with check (((organisation_id = ( SELECT access.organisation_id() AS organisation_id)) OR (( SELECT access.role() AS role) IS NULL))); -- Ending one early, and noting who looked into it; an erasure ends them outside any session. What else may change, the trigger says.
create policy all_owner on access.care_team_members for all to vs_owner using (true) with check (true); -- Predicates, and functions of the owner.
create policy select_org_admin on access.care_team_members for select to vs_org_admin using ((care_team_id IN ( SELECT t.id
   FROM access.care_teams t))); -- Members of the teams that the administrator sees.
create policy all_owner on access.care_team_patients for all to vs_owner using (true) with check (true); -- Predicates, and functions of the owner.
create policy select_org_admin on access.care_team_patients for select to vs_org_admin using ((care_team_id IN ( SELECT t.id
   FROM access.care_teams t))); -- To count them: ids, no identity.
create policy all_owner on access.care_teams for all to vs_owner using (true) with check (true); -- Predicates, and functions of the owner.
create policy select_org_admin on access.care_teams for select to vs_org_admin using ((organisation_id = ( SELECT access.organisation_as('org_admin'::text) AS organisation_as))); -- An administrator sees the teams of the organisation.
create policy all_owner on access.emergency_searches for all to vs_owner using (true) with check (true); -- Functions of the owner: the search, and what it may tell.
create policy all_owner on access.memberships for all to vs_owner using (true) with check (true); -- Predicates read it; functions of the owner write it.
create policy insert_owner on access.organisations for insert to vs_owner with check (true); -- iam.create_organisation, called by the administrator of the installation.
create policy select_owner on access.organisations for select to vs_owner using (true); -- Predicates and definer functions read it.
create policy update_owner on access.organisations for update to vs_owner using (true) with check (true); -- clinic.change_security, called by an administrator of the organisation.
create policy insert_owner on audit.checkpoints for insert to vs_owner with check (true); -- `vitalsync audit seal`, once it has signed.
create policy select_dba on audit.checkpoints for select to vs_dba using (true); -- Signatures: `vitalsync audit verify`.
create policy select_owner on audit.checkpoints for select to vs_owner using (true); -- Proofs, export, verification, and the auditor's page.
create policy insert_owner on audit.events for insert to vs_owner with check (true); -- audit.append.
create policy select_auditor on audit.events for select to vs_auditor using ((organisation_id = ( SELECT access.organisation_as('auditor'::text) AS organisation_as))); -- An auditor reads the log of the organisation.
create policy select_owner on audit.events for select to vs_owner using (true); -- Verification, export, and who looked at a record.
create policy select_patient on audit.events for select to vs_patient using ((patient_id = ANY (( SELECT access.patients('patient'::text) AS patients)::uuid[]))); -- A patient sees who looked at their record.
create policy all_owner on audit.exports for all to vs_owner using (true) with check (true); -- Written by audit.begin_export, read by audit.export_events.
create policy all_owner on audit.lanes for all to vs_owner using (true) with check (true); -- audit.append moves the head.
create policy select_dba on audit.lanes for select to vs_dba using (true); -- The ends of the chains: `vitalsync audit verify`.
create policy insert_owner on audit.leaves for insert to vs_owner with check (true); -- audit.append.
create policy select_dba on audit.leaves for select to vs_dba using (true); -- Hashes: `vitalsync audit verify --since`.
create policy select_owner on audit.leaves for select to vs_owner using (true); -- Verification and export.
create policy insert_owner on audit.log for insert to vs_owner with check (true); -- audit.extend_log.
create policy select_dba on audit.log for select to vs_dba using (true); -- Hashes: proofs and `vitalsync audit verify`.
create policy select_owner on audit.log for select to vs_owner using (true); -- Proofs, export and verification.
create policy insert_owner on audit.log_origins for insert to vs_owner with check (true); -- audit.log_origin and audit.restart_log.
create policy select_dba on audit.log_origins for select to vs_dba using (true); -- A DBA without BYPASSRLS verifies all the same.
create policy select_owner on audit.log_origins for select to vs_owner using (true); -- Sealing and verification.
create policy insert_owner on audit.nodes for insert to vs_owner with check (true); -- audit.extend_log.
create policy select_dba on audit.nodes for select to vs_dba using (true); -- Hashes: proofs and `vitalsync audit verify`.
create policy select_owner on audit.nodes for select to vs_owner using (true); -- Proofs and verification.
create policy all_owner on audit.openings for all to vs_owner using (true) with check (true); -- Written by audit.open_…, read by vault.release.
create policy delete_owner on audit.origins for delete to vs_owner using ((created_at < (now() - 'P3Y'::interval))); -- audit.forget_origins, when their events have been pruned.
create policy insert_owner on audit.origins for insert to vs_owner with check (true); -- audit.origin.
create policy select_auditor on audit.origins for select to vs_auditor using ((organisation_id = ( SELECT access.organisation_as('auditor'::text) AS organisation_as))); -- An auditor sees where from.
create policy select_owner on audit.origins for select to vs_owner using (true); -- audit.origin finds the one that exists.
create policy all_owner on audit.pruned for all to vs_owner using (true) with check (true); -- audit.prune_month, which joins neighbours, and verification.
create policy select_dba on audit.pruned for select to vs_dba using (true); -- A DBA without BYPASSRLS verifies all the same.
create policy all_owner on audit.selections for all to vs_owner using (true) with check (true); -- Written by audit.open_…, read through audit.selected.
create policy insert_owner on audit.signing_keys for insert to vs_owner with check (true); -- audit.register_signing_keys.
create policy select_dba on audit.signing_keys for select to vs_dba using (true); -- Public halves: `vitalsync keys signing` and the DBA guide.
create policy select_owner on audit.signing_keys for select to vs_owner using (true); -- audit.register_signing_keys compares.
create policy update_owner on audit.signing_keys for update to vs_owner using (true) with check (true); -- audit.register_signing_keys; what may change, the trigger says.
create policy all_owner on iam.accounts for all to vs_owner using (true) with check (true); -- Functions of the owner: creation, sign-in, names of colleagues.
create policy all_owner on iam.address_changes for all to vs_owner using (true) with check (true); -- The functions of this file.
create policy all_owner on iam.challenges for all to vs_owner using (true) with check (true); -- Made and used up by functions of the gate.
create policy all_owner on iam.devices for all to vs_owner using (true) with check (true); -- Known by the sign-in functions.
create policy all_owner on iam.former_names for all to vs_owner using (true) with check (true); -- The functions of this file.
create policy all_owner on iam.hosts for all to vs_owner using (true) with check (true); -- iam.serve_at, and the functions that count factors.
create policy all_owner on iam.invitations for all to vs_owner using (true) with check (true); -- The functions of this file.
create policy all_owner on iam.old_tokens for all to vs_owner using (true) with check (true); -- iam.admit and the sign-in functions.
create policy all_owner on iam.passkeys for all to vs_owner using (true) with check (true); -- Registration, authentication and removal, by functions of the gate.
create policy all_owner on iam.phones for all to vs_owner using (true) with check (true); -- Enrolment and sending, by functions of the gate.
create policy all_owner on iam.recoveries for all to vs_owner using (true) with check (true); -- The functions of this file.
create policy all_owner on iam.recovery_codes for all to vs_owner using (true) with check (true); -- Made and used up by functions of the gate.
create policy all_owner on iam.registering for all to vs_owner using (true) with check (true); -- iam.registering_wait, and the administrator of the installation.
create policy all_owner on iam.registration_links for all to vs_owner using (true) with check (true); -- The functions of this file.
create policy all_owner on iam.registrations for all to vs_owner using (true) with check (true); -- The functions of this file.
create policy all_owner on iam.sent_codes for all to vs_owner using (true) with check (true); -- Made and used up by functions of the gate.
create policy all_owner on iam.sessions for all to vs_owner using (true) with check (true); -- iam.enter and the sign-in functions.
create policy all_owner on iam.sign_ins for all to vs_owner using (true) with check (true); -- Written at sign-in; read by functions that ask who is there.
create policy all_owner on iam.totp_enrolments for all to vs_owner using (true) with check (true); -- Enrolment, by functions of the gate.
create policy all_owner on iam.totp_factors for all to vs_owner using (true) with check (true); -- Enrolment and sign-in.
create policy all_owner on ops.delays for all to vs_owner using (true) with check (true); -- ops.delay.
create policy all_owner on ops.deliveries for all to vs_owner using (true) with check (true); -- The delivery writes, sending a code asks.
create policy all_owner on ops.hashing for all to vs_owner using (true) with check (true); -- ops.hash_turn, and the administrator of the installation.
create policy all_owner on ops.intents for all to vs_owner using (true) with check (true); -- ops.intend and ops.fulfil.
create policy all_owner on ops.limits for all to vs_owner using (true) with check (true); -- ops.take.
create policy all_owner on ops.networks for all to vs_owner using (true) with check (true); -- The administrator of the installation, and whoever asks about an address.
create policy select_dba on ops.networks for select to vs_dba using (true); -- What is refused, and until when.
create policy all_owner on ops.outbox for all to vs_owner using (true) with check (true); -- ops.post, and the delivery.
create policy all_owner on ops.service for all to vs_owner using (true) with check (true); -- ops.is_cleared, ops.clear_to_serve.
create policy select_dba on ops.service for select to vs_dba using (true); -- Why nobody enters: `vitalsync doctor`.
create policy all_owner on ops.traffic for all to vs_owner using (true) with check (true); -- ops.forget_traffic writes, ops.usual_traffic reads.
create policy all_owner on ops.tries for all to vs_owner using (true) with check (true); -- ops.note_try.
create policy all_owner on ops.unrecorded for all to vs_owner using (true) with check (true); -- ops.record_refusals.
create policy all_owner on ops.unusual for all to vs_owner using (true) with check (true); -- ops.note_try writes, monitoring reads.
create policy select_dba on ops.unusual for select to vs_dba using (true); -- What was unusual, and when.
create policy insert_owner on privacy.answers for insert to vs_owner with check (((( SELECT access.role() AS role) = 'dpo'::text) AND (organisation_id = ( SELECT access.organisation_id() AS organisation_id)) AND (answered_by = ( SELECT access.account_id() AS account_id)) AND ((answered_at >= (clock_timestamp() - 'PT1M'::interval)) AND (answered_at <= (clock_timestamp() + 'PT5S'::interval))))); -- A DPO, in their own name and organisation, now.
create policy select_owner on privacy.answers for select to vs_owner using (true); -- The functions below, and privacy.erase_patient.
create policy insert_owner on privacy.consent_texts for insert to vs_owner with check (true); -- privacy.publish_text, when the words change.
create policy select_owner on privacy.consent_texts for select to vs_owner using (true); -- Pages show them, and consents refer to them.
create policy insert_owner on privacy.consents for insert to vs_owner with check (((( SELECT access.role() AS role) = 'patient'::text) AND (account_id = ( SELECT access.account_id() AS account_id)) AND (organisation_id = ( SELECT access.organisation_id() AS organisation_id)) AND (patient_id = ANY (( SELECT access.patients('patient'::text) AS patients)::uuid[])) AND ((at >= (clock_timestamp() - 'PT1M'::interval)) AND (at <= (clock_timestamp() + 'PT5S'::interval))))); -- A patient, in their own name, of their own record, now.
create policy select_dpo on privacy.consents for select to vs_dpo using ((organisation_id = ( SELECT access.organisation_as('dpo'::text) AS organisation_as))); -- The DPO shows that somebody has agreed (RGPD art. 7(1)).
create policy select_owner on privacy.consents for select to vs_owner using (true); -- access.consents_to.
create policy select_patient on privacy.consents for select to vs_patient using ((patient_id = ANY (( SELECT access.patients('patient'::text) AS patients)::uuid[]))); -- One's own.
create policy insert_owner on privacy.erasure_requests for insert to vs_owner with check (((( SELECT access.role() AS role) = 'dpo'::text) AND (organisation_id = ( SELECT access.organisation_id() AS organisation_id)) AND (requested_by = ( SELECT access.account_id() AS account_id)))); -- A DPO, in their own name and organisation.
create policy select_owner on privacy.erasure_requests for select to vs_owner using (true); -- privacy.erase_patient, clinic.read_erasure_requests.
create policy insert_owner on privacy.erasures for insert to vs_owner with check (true); -- privacy.erase_patient, privacy.replay_erasure.
create policy select_owner on privacy.erasures for select to vs_owner using (true); -- Certificates, the record outside, and whoever makes a key.
create policy insert_owner on privacy.periods for insert to vs_owner with check (true); -- Made once, by this migration.
create policy select_owner on privacy.periods for select to vs_owner using (true); -- Legal hold and completeness.
create policy update_owner on privacy.periods for update to vs_owner using (true) with check (true); -- The administrator, where backups are kept for another time; recorded.
create policy insert_owner on store.allergy_intolerances for insert to vs_owner with check (((( SELECT access.role() AS role) = 'import'::text) AND (access.organisation_of(patient_id) = ( SELECT access.organisation_id() AS organisation_id)))); -- The import, into its own organisation.
create policy select_clinician on store.allergy_intolerances for select to vs_clinician using ((patient_id = ANY (( SELECT access.patients('clinician'::text) AS patients)::uuid[]))); -- Patients of one's care teams.
create policy select_owner on store.allergy_intolerances for select to vs_owner using ((( SELECT access.role() AS role) IS NOT NULL)); -- Functions of the owner, within a session.
create policy select_patient on store.allergy_intolerances for select to vs_patient using ((patient_id = ANY (( SELECT access.patients('patient'::text) AS patients)::uuid[]))); -- One's own record.
create policy insert_owner on store.conditions for insert to vs_owner with check (((( SELECT access.role() AS role) = 'import'::text) AND (access.organisation_of(patient_id) = ( SELECT access.organisation_id() AS organisation_id)))); -- The import, into its own organisation.
create policy select_clinician on store.conditions for select to vs_clinician using ((patient_id = ANY (( SELECT access.patients('clinician'::text) AS patients)::uuid[]))); -- Patients of one's care teams.
create policy select_owner on store.conditions for select to vs_owner using ((( SELECT access.role() AS role) IS NOT NULL)); -- Functions of the owner, within a session.
create policy select_patient on store.conditions for select to vs_patient using ((patient_id = ANY (( SELECT access.patients('patient'::text) AS patients)::uuid[]))); -- One's own record.
create policy insert_owner on store.encounters for insert to vs_owner with check (((( SELECT access.role() AS role) = 'import'::text) AND (access.organisation_of(patient_id) = ( SELECT access.organisation_id() AS organisation_id)))); -- The import, into its own organisation.
create policy select_clinician on store.encounters for select to vs_clinician using ((patient_id = ANY (( SELECT access.patients('clinician'::text) AS patients)::uuid[]))); -- Patients of one's care teams.
create policy select_owner on store.encounters for select to vs_owner using ((( SELECT access.role() AS role) IS NOT NULL)); -- Functions of the owner, within a session.
create policy select_patient on store.encounters for select to vs_patient using ((patient_id = ANY (( SELECT access.patients('patient'::text) AS patients)::uuid[]))); -- One's own record.
create policy insert_owner on store.medication_requests for insert to vs_owner with check (((( SELECT access.role() AS role) = 'import'::text) AND (access.organisation_of(patient_id) = ( SELECT access.organisation_id() AS organisation_id)))); -- The import, into its own organisation.
create policy select_clinician on store.medication_requests for select to vs_clinician using ((patient_id = ANY (( SELECT access.patients('clinician'::text) AS patients)::uuid[]))); -- Patients of one's care teams.
create policy select_owner on store.medication_requests for select to vs_owner using ((( SELECT access.role() AS role) IS NOT NULL)); -- Functions of the owner, within a session.
create policy select_patient on store.medication_requests for select to vs_patient using ((patient_id = ANY (( SELECT access.patients('patient'::text) AS patients)::uuid[]))); -- One's own record.
create policy insert_owner on store.notes for insert to vs_owner with check ((((( SELECT access.role() AS role) = 'clinician'::text) AND (author_id = ( SELECT access.account_id() AS account_id)) AND (patient_id = ANY (( SELECT access.patients('clinician'::text) AS patients)::uuid[]))) OR ((( SELECT access.role() AS role) = 'import'::text) AND (access.organisation_of(patient_id) = ( SELECT access.organisation_id() AS organisation_id))))); -- A clinician, in their own name, for a patient of the care team; the import, within its organisation.
create policy select_clinician on store.notes for select to vs_clinician using ((patient_id = ANY (( SELECT access.patients('clinician'::text) AS patients)::uuid[]))); -- Patients of one's care teams.
create policy select_owner on store.notes for select to vs_owner using ((( SELECT access.role() AS role) IS NOT NULL)); -- Functions of the owner, within a session.
create policy select_patient on store.notes for select to vs_patient using ((patient_id = ANY (( SELECT access.patients('patient'::text) AS patients)::uuid[]))); -- One's own record.
create policy insert_owner on store.observations for insert to vs_owner with check (((( SELECT access.role() AS role) = 'import'::text) AND (access.organisation_of(patient_id) = ( SELECT access.organisation_id() AS organisation_id)))); -- The import, into its own organisation.
create policy select_clinician on store.observations for select to vs_clinician using ((patient_id = ANY (( SELECT access.patients('clinician'::text) AS patients)::uuid[]))); -- Patients of one's care teams.
create policy select_owner on store.observations for select to vs_owner using ((( SELECT access.role() AS role) IS NOT NULL)); -- Functions of the owner, within a session.
create policy select_patient on store.observations for select to vs_patient using ((patient_id = ANY (( SELECT access.patients('patient'::text) AS patients)::uuid[]))); -- One's own record.
create policy insert_owner on store.patients for insert to vs_owner with check (((organisation_id = ( SELECT access.organisation_id() AS organisation_id)) AND ((( SELECT access.role() AS role) = 'import'::text) OR ((( SELECT access.role() AS role) = 'patient'::text) AND (id = (( SELECT (access.claims())[5] AS claims))::uuid) AND (identity_status = 'provisoire'::text))))); -- The import, into its own organisation; and a patient who registers, their own record (0320).
create policy select_clinician on store.patients for select to vs_clinician using ((id = ANY (( SELECT access.patients('clinician'::text) AS patients)::uuid[]))); -- Patients of one's care teams.
create policy select_owner on store.patients for select to vs_owner using (true); -- access.organisation_of and the open functions read it.
create policy select_patient on store.patients for select to vs_patient using ((id = ANY (( SELECT access.patients('patient'::text) AS patients)::uuid[]))); -- One's own record.
create policy select_secretary on store.patients for select to vs_secretary using (((organisation_id = ( SELECT access.organisation_as('secretary'::text) AS organisation_as)) AND (erased_at IS NULL))); -- Patients of the organisation who weren't erased: identity alone, the clinical tables have no such policy.
create policy update_owner on store.patients for update to vs_owner using (((organisation_id = ( SELECT access.organisation_id() AS organisation_id)) OR ((( SELECT access.role() AS role) IS NULL) AND (erased_at IS NULL)))) with check (((organisation_id = ( SELECT access.organisation_id() AS organisation_id)) OR ((( SELECT access.role() AS role) IS NULL) AND (erased_at IS NOT NULL)))); -- The date of the last activity, by the functions that write to the record; and an erasure, outside any session.
create policy insert_owner on store.referrals for insert to vs_owner with check (((( SELECT access.role() AS role) = 'clinician'::text) AND (requester_id = ( SELECT access.account_id() AS account_id)) AND (organisation_id = ( SELECT access.organisation_id() AS organisation_id)))); -- A clinician, in their own name and organisation.
create policy select_clinician on store.referrals for select to vs_clinician using ((patient_id = ANY (( SELECT access.patients('clinician'::text) AS patients)::uuid[]))); -- Referrals of the patients that one sees.
create policy select_org_admin on store.referrals for select to vs_org_admin using ((organisation_id = ( SELECT access.organisation_as('org_admin'::text) AS organisation_as))); -- An administrator sees who sees whom by referral: ids, no identity and no reason.
create policy select_owner on store.referrals for select to vs_owner using (true); -- access.is_referred and access.patients read it.
create policy select_patient on store.referrals for select to vs_patient using ((patient_id = ANY (( SELECT access.patients('patient'::text) AS patients)::uuid[]))); -- One's own record.
create policy update_owner on store.referrals for update to vs_owner using (((organisation_id = ( SELECT access.organisation_id() AS organisation_id)) OR (( SELECT access.role() AS role) IS NULL))) with check (((organisation_id = ( SELECT access.organisation_id() AS organisation_id)) OR (( SELECT access.role() AS role) IS NULL))); -- Ending one, within the organisation; an erasure ends them outside any session. What else may change, the trigger says.
create policy all_owner on vault.existing_columns for all to vs_owner using (true) with check (true); -- The administrator's command, as vs_owner.
create policy all_owner on vault.existing_tables for all to vs_owner using (true) with check (true); -- The administrator's command, as vs_owner.
create policy delete_owner on vault.keys for delete to vs_owner using (true); -- Erasure destroys keys.
create policy insert_owner on vault.keys for insert to vs_owner with check (true); -- vault.create_key, when a patient, an account or an organisation is created.
create policy select_owner on vault.keys for select to vs_owner using (true); -- Release and sealing, after their own checks.
create policy update_owner on vault.keys for update to vs_owner using (true) with check (true); -- Rotation wraps anew; what may change, the trigger says.
create policy insert_owner on vault.masters for insert to vs_owner with check (true); -- vault.check_ring at the first start, vault.add_master afterwards.
create policy select_owner on vault.masters for select to vs_owner using (true); -- vault.check_ring compares.
create policy update_owner on vault.masters for update to vs_owner using (true) with check (true); -- vault.promote and vault.retire; what may change, the trigger says.
create policy all_owner on vault.rings for all to vs_owner using (true) with check (true); -- vault.saw_ring writes, rotation asks, upkeep clears.
create policy all_owner on vault.search_tokens for all to vs_owner using (true) with check (true); -- Search and import.
create policy insert_owner on vault.secrets for insert to vs_owner with check (true); -- Made once, by this migration.
create policy select_owner on vault.secrets for select to vs_owner using (true); -- The sealing functions alone.

-- Views (what they select is in the migrations: each version of Postgres spells it in its own way)

create view clinic.accounts with (security_invoker=true) (
  id uuid,
  display_name text,
  role text,
  email text,
  status text,
  second_factor boolean,
  methods text[],
  open_sessions integer,
  last_seen_at timestamp with time zone,
  last_sign_in_at timestamp with time zone,
  invitation_expires_at timestamp with time zone,
  accepted boolean
);
comment on view clinic.accounts is 'Accounts of the organisation''s staff, also of those who left. status: active, invited, suspended or ended. methods: second factors; second_factor: one of them is neither an e-mail nor a recovery code. accepted: an invited person has chosen a password. not null: id, role, status, second_factor, methods, open_sessions, accepted';

create view clinic.allergy_intolerances with (security_invoker=true) (
  id uuid,
  patient_id uuid,
  clinical_status text,
  verification_status text,
  recorded_at timestamp with time zone,
  code text,
  criticality text,
  category text,
  reaction text
);
comment on view clinic.allergy_intolerances is 'Opened allergy intolerances; JSON columns hold JSON as text. not null: id, patient_id, clinical_status, code';

create view clinic.allergy_status with (security_invoker=true) (
  patient_id uuid,
  state text,
  recorded_at timestamp with time zone
);
comment on view clinic.allergy_status is 'Whether allergies are known: unknown isn''t none. not null: patient_id, state';

create view clinic.audit_events with (security_invoker=true) (
  id uuid,
  at timestamp with time zone,
  lane integer,
  seq bigint,
  event text,
  resource_type text,
  resource_id uuid,
  patient_id uuid,
  actor_id uuid,
  actor_name text,
  actor_role text,
  outcome text,
  details text,
  ip text,
  user_agent text
);
comment on view clinic.audit_events is 'The log, for an auditor. not null: id, at, lane, seq, event, resource_type, actor_role, outcome';

create view clinic.broken_glass with (security_invoker=true) (
  id uuid,
  patient_id uuid,
  account_id uuid,
  account_name text,
  kind text,
  reason text,
  broken_at timestamp with time zone,
  ends_at timestamp with time zone,
  open boolean,
  seen_at timestamp with time zone,
  seen_by_name text
);
comment on view clinic.broken_glass is 'Emergency accesses: to the organisation for DPO and administrators, to one''s own record for a patient, by oneself for a clinician. not null: id, patient_id, account_id, kind, broken_at, ends_at, open';

create view clinic.care_teams with (security_invoker=true) (
  id uuid,
  lead_account_id uuid,
  lead_name text,
  members text,
  patient_count integer
);
comment on view clinic.care_teams is 'Care teams with their members of now and later (JSON: stay, id, name, role, from, until), and how many patients. not null: id, lead_account_id, members, patient_count';

create view clinic.colleagues with (security_invoker=true) (
  account_id uuid,
  display_name text
);
comment on view clinic.colleagues is 'The other clinicians of the organisation. not null: account_id';

create view clinic.conditions with (security_invoker=true) (
  id uuid,
  patient_id uuid,
  clinical_status text,
  verification_status text,
  onset_at timestamp with time zone,
  abatement_at timestamp with time zone,
  recorded_at timestamp with time zone,
  code text
);
comment on view clinic.conditions is 'Opened conditions; JSON columns hold JSON as text. not null: id, patient_id, clinical_status, code';

create view clinic.consent_counts with (security_invoker=true) (
  type text,
  version text,
  present boolean,
  given bigint,
  withdrawn bigint
);
comment on view clinic.consent_counts is 'Of the organisation''s patients, by their last decision of each type. present: the text that is asked now. not null: type, version, present, given, withdrawn';

create view clinic.consent_history with (security_invoker=true) (
  id uuid,
  type text,
  given boolean,
  at timestamp with time zone,
  text_hash text
);
comment on view clinic.consent_history is 'Everything that a patient has agreed to or withdrawn, newest first. not null: id, type, given, at, text_hash';

create view clinic.consent_proofs with (security_invoker=true) (
  id uuid,
  patient_id uuid,
  type text,
  given boolean,
  at timestamp with time zone,
  text_hash text,
  ip text
);
comment on view clinic.consent_proofs is 'For the DPO: who agreed to which words, when and from where. not null: id, patient_id, type, given, at, text_hash';

create view clinic.consents with (security_invoker=true) (
  type text,
  version text,
  lang text,
  needed boolean,
  title text,
  body text,
  hash text,
  given boolean,
  at timestamp with time zone,
  agreed_version text
);
comment on view clinic.consents is 'What a patient is asked, in each language, and what they have agreed to so far (agreed_version: which words). not null: type, version, lang, needed, title, body, hash, given';

create view clinic.encounters with (security_invoker=true) (
  id uuid,
  patient_id uuid,
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  status text,
  class text,
  type text,
  reason text,
  participant text
);
comment on view clinic.encounters is 'Opened encounters; JSON columns hold JSON as text. not null: id, patient_id, started_at, status';

create view clinic.erasure_requests with (security_invoker=true) (
  id uuid,
  patient_id uuid,
  ground text,
  reason text,
  requested_by uuid,
  requested_by_name text,
  requested_at timestamp with time zone,
  erased_at timestamp with time zone,
  complete_from timestamp with time zone,
  due_at timestamp with time zone,
  held_until integer,
  answer text,
  answered_at timestamp with time zone
);
comment on view clinic.erasure_requests is 'Requests of erasure in the organisation. not null: id, patient_id, ground, requested_by, requested_at, due_at';

create view clinic.me with (security_invoker=true) (
  account_id uuid,
  organisation_id uuid,
  organisation_name text,
  role text,
  display_name text,
  patient_id uuid,
  session_expires_at timestamp with time zone,
  idle_expires_at timestamp with time zone,
  glass_id uuid,
  glass_kind text,
  glass_reason text,
  glass_ends_at timestamp with time zone
);
comment on view clinic.me is 'Who is signed in: one row; glass_…: the emergency access that shows the patient on the page. not null: account_id, organisation_id, organisation_name, role, session_expires_at, idle_expires_at';

create view clinic.medication_requests with (security_invoker=true) (
  id uuid,
  patient_id uuid,
  status text,
  intent text,
  authored_at timestamp with time zone,
  medication text,
  dosage text
);
comment on view clinic.medication_requests is 'Opened medication requests; JSON columns hold JSON as text. not null: id, patient_id, status, intent, authored_at, medication';

create view clinic.notes with (security_invoker=true) (
  id uuid,
  patient_id uuid,
  version bigint,
  author_id uuid,
  author_name text,
  created_at timestamp with time zone,
  updated_at timestamp with time zone,
  category text,
  priority text,
  status text,
  subjective text,
  objective text,
  assessment text,
  plan text,
  diagnosis text,
  treatment_plan text
);
comment on view clinic.notes is 'Opened notes. not null: id, patient_id, version, author_id, created_at, updated_at, category, priority, status';

create view clinic.observations with (security_invoker=true) (
  id uuid,
  patient_id uuid,
  category text,
  effective_at timestamp with time zone,
  status text,
  code text,
  value text
);
comment on view clinic.observations is 'Opened observations; JSON columns hold JSON as text. not null: id, patient_id, category, effective_at, status, code, value';

create view clinic.own_factors with (security_invoker=true) (
  email text,
  totp_since timestamp with time zone,
  passkeys integer,
  passkeys_elsewhere integer,
  recovery_codes integer,
  recovery_codes_made_at timestamp with time zone,
  email_codes boolean,
  sms_codes boolean,
  password_changed_at timestamp with time zone,
  password_is_old boolean
);
comment on view clinic.own_factors is 'One''s own factors: one row. email_codes, sms_codes: may be sent; passkeys_elsewhere: of another host name, which don''t count. not null: email, passkeys, passkeys_elsewhere, recovery_codes, email_codes, sms_codes, password_changed_at, password_is_old';

create view clinic.own_sessions with (security_invoker=true) (
  id uuid,
  current boolean,
  ip text,
  user_agent text,
  place text,
  methods text[],
  created_at timestamp with time zone,
  last_seen_at timestamp with time zone,
  ended_at timestamp with time zone,
  ended_because text
);
comment on view clinic.own_sessions is 'One''s own sessions, open (ended_at is null) or ended within a day, and why. not null: id, current, methods, created_at, last_seen_at';

create view clinic.own_sign_ins with (security_invoker=true) (
  id uuid,
  at timestamp with time zone,
  current boolean,
  methods text[],
  signals text[],
  score integer,
  outcome text,
  released_at timestamp with time zone,
  disowned_at timestamp with time zone,
  undone text[],
  ip text,
  user_agent text,
  place text,
  km integer,
  minutes integer,
  failures integer
);
comment on view clinic.own_sign_ins is 'One''s own sign-ins, newest first, and what was unusual about them. not null: id, at, current, methods, signals, score, outcome, undone';

create view clinic.patient_names with (security_invoker=true) (
  id uuid,
  birth_name text,
  used_name text,
  first_given_name text,
  used_given_name text,
  sex text,
  birth_date text,
  last_activity_at timestamp with time zone,
  identity_status text
);
comment on view clinic.patient_names is 'Who a patient is, in short, for lists. not null: id, birth_name, first_given_name, sex, birth_date, last_activity_at, identity_status';

create view clinic.patients with (security_invoker=true) (
  id uuid,
  organisation_id uuid,
  version bigint,
  identity_status text,
  last_activity_at timestamp with time zone,
  birth_name text,
  used_name text,
  first_given_name text,
  used_given_name text,
  sex text,
  birth_date text,
  birth_given_names text,
  birth_place text,
  ins_matricule text,
  ins_oid text,
  phone text,
  email text,
  address text,
  deceased_date text
);
comment on view clinic.patients is 'A patient''s identity, whole. not null: id, organisation_id, version, birth_name, first_given_name, sex, birth_date, last_activity_at, identity_status';

create view clinic.privacy_tasks with (security_invoker=true) (
  kind text,
  id uuid,
  patient_id uuid,
  what text,
  since timestamp with time zone,
  due_at timestamp with time zone
);
comment on view clinic.privacy_tasks is 'What waits for the DPO: erasures that were asked for (what: the ground), withdrawn agreements that are needed (the type) and emergency accesses that nobody looked into (the kind). not null: kind, id, patient_id, what, since';

create view clinic.record_accesses with (security_invoker=true) (
  id uuid,
  at timestamp with time zone,
  event text,
  actor_id uuid,
  actor_name text,
  actor_role text,
  resource_type text,
  outcome text
);
comment on view clinic.record_accesses is 'Who looked at one''s record or had one on a list, and who wrote in it. not null: id, at, event, actor_role, resource_type, outcome';

create view clinic.recoveries with (security_invoker=true) (
  id uuid,
  display_name text,
  role text,
  lost text,
  asked_at timestamp with time zone,
  ready_at timestamp with time zone,
  confirmed_at timestamp with time zone,
  confirmed_by_name text
);
comment on view clinic.recoveries is 'Who waits for somebody to confirm that it is them. not null: id, role, lost, asked_at';

create view clinic.referral_periods with (security_invoker=true) (
  id uuid,
  patient_id uuid,
  requester_id uuid,
  requester_name text,
  performer_id uuid,
  performer_name text,
  priority text,
  valid_from timestamp with time zone,
  valid_until timestamp with time zone
);
comment on view clinic.referral_periods is 'For an administrator: the referrals of now, without their reason. not null: id, patient_id, requester_id, performer_id, priority, valid_from, valid_until';

create view clinic.referrals with (security_invoker=true) (
  id uuid,
  patient_id uuid,
  requester_id uuid,
  requester_name text,
  performer_id uuid,
  performer_name text,
  priority text,
  reason text,
  valid_from timestamp with time zone,
  valid_until timestamp with time zone,
  ended_by uuid,
  status text
);
comment on view clinic.referrals is 'Referrals with their reason (FHIR ServiceRequest.status). not null: id, patient_id, requester_id, performer_id, priority, reason, valid_from, valid_until, status';

create view clinic.security with (security_invoker=true) (
  organisation_id uuid,
  notice_from integer,
  stop_from integer,
  email_codes boolean,
  sms_codes boolean,
  points json
);
comment on view clinic.security is 'How the organisation judges sign-ins, and which codes may be sent; points: what each signal weighs. not null: organisation_id, notice_from, stop_from, email_codes, sms_codes, points';

create view clinic.unusual_sign_ins with (security_invoker=true) (
  id uuid,
  at timestamp with time zone,
  account_id uuid,
  display_name text,
  role text,
  own boolean,
  signals text[],
  score integer,
  outcome text,
  released_at timestamp with time zone,
  released_by_name text,
  disowned_at timestamp with time zone,
  place text,
  km integer,
  minutes integer,
  failures integer
);
comment on view clinic.unusual_sign_ins is 'Sign-ins in the organisation that were told of or held back, newest first. not null: id, at, role, own, signals, score, outcome';

create view clinic.withdrawals with (security_invoker=true) (
  id uuid,
  patient_id uuid,
  type text,
  at timestamp with time zone,
  due_at timestamp with time zone,
  again_at timestamp with time zone,
  answer text,
  answered_at timestamp with time zone,
  answered_by_name text,
  open boolean
);
comment on view clinic.withdrawals is 'Withdrawn agreements that are needed, and what became of each; open: nobody has answered it and the patient hasn''t agreed again. not null: id, patient_id, type, at, due_at, open';

create view ops.networks_in_force with (security_invoker=true) (
  network cidr,
  list text,
  reason text,
  made_by name,
  made_at timestamp with time zone,
  until timestamp with time zone,
  id uuid
);
comment on view ops.networks_in_force is 'What is denied and allowed now.';

-- Functions

create function access.account_id() returns uuid
language plpgsql stable parallel restricted security definer set debug_print_plan=off set search_path="" as $function$
begin
  return (access.claims())[2]::uuid;
end $function$;
comment on function access.account_id is NULL;

create function access.claims() returns text[]
language plpgsql stable parallel restricted security definer set debug_print_plan=off set search_path="" as $function$
declare
  setting text := current_setting('vs.claims', true);
begin
  if setting is null or setting = '' then return null; end if;
  if (sha256(vault.session_secret() || convert_to(left(setting, 64), 'UTF8'))
      = sha256(vault.session_secret() || convert_to(access.claims_mac(substr(setting, 65)), 'UTF8'))) is not true then
    raise exception using errcode = 'VS401', message = 'the identity in this transaction isn''t one that iam.enter gave';
  end if;
  return substr(setting, 65)::text[];
end $function$;
comment on function access.claims is 'The verified identity of this transaction; NULL before iam.enter. Errors: VS401 when it was forged or replayed.';

create function access.claims_mac(claims text) returns text
language plpgsql stable parallel restricted as $function$
begin
  return encode(extensions.hmac(convert_to(claims, 'UTF8') || int4send(pg_backend_pid()) || timestamptz_send(now()),
                                vault.session_secret(), 'sha256'), 'hex');
end $function$;
comment on function access.claims_mac is NULL;

create function access.consents_to(patient uuid, type text) returns boolean
language plpgsql stable as $function$
begin
  return coalesce((select c.given from privacy.consents c
                   where c.patient_id = patient and c.type = consents_to.type order by c.seq desc limit 1), false);
end $function$;
comment on function access.consents_to is 'Does this patient agree, now? Whoever shares, invites to a remote consultation or does research asks it. Internal.';

create function access.create_care_team(organisation uuid, lead uuid) returns uuid
language plpgsql volatile as $function$
declare
  team uuid := ops.uuid_v7();
begin
  insert into access.care_teams (id, organisation_id, lead_account_id) values (team, organisation, lead);
  insert into access.care_team_members (care_team_id, account_id, role) values (team, lead, 'lead');
  return team;
end $function$;
comment on function access.create_care_team is 'A team and its lead. As vs_owner; clinic.create_care_team asks first.';

create function access.explain(account uuid, patient uuid) returns TABLE(organisation_id uuid, role text, identity boolean, clinical boolean, words text[])
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
begin
  perform access.note_explanation(patient, account);
  return query
    select m.organisation_id, m.role, e.identity, e.clinical, e.words
    from access.memberships m cross join lateral access.explain_membership(m, patient) e
    where m.account_id = explain.account order by m.valid_from, m.id;
end $function$;
comment on function access.explain is 'For each membership of this account: does it see the patient, at which level, and why or why not. No row: the account works nowhere. Recorded.';

create function access.explain_membership(m access.memberships, patient uuid, OUT identity boolean, OUT clinical boolean, OUT words text[]) returns record
language plpgsql stable as $function$
declare
  -- as iam.admit would seal them, with no patient on the page
  claims constant text[] := array[null, m.account_id::text, m.organisation_id::text, m.role, m.patient_id::text, null, null, null, null];
  live constant boolean := access.membership_is_live(m.id);
  place constant uuid := access.organisation_of(patient);
  status text := (select a.status from iam.accounts a where a.id = m.account_id);
begin
  identity := live and access.may_open(claims, patient, 'identity');
  clinical := live and access.may_open(claims, patient, 'clinical');
  if identity then
    words := case m.role
      when 'clinician' then access.reasons_in_words(m.account_id, m.organisation_id, patient, true)
      when 'secretary' then array['a secretary of the organisation: identity, nothing clinical']
      when 'patient' then array['their own record'] end;
    if coalesce(cardinality(words), 0) = 0 then words := array['access.way_in says yes, and 0270_policies knows no word for it']; end if;
    return;
  end if;
  words := case
    when status <> 'active' then array[format('the account is %s', status)]
    when m.valid_until < clock_timestamp() then array['the membership ended ' || access.moment(m.valid_until)]
    when m.valid_from > clock_timestamp() then array['the membership begins ' || access.moment(m.valid_from)]
    when place is null then array['there is no such patient, or it was erased']
    when m.role = 'patient' then array['a patient sees their own record alone']
    when m.role not in ('clinician', 'secretary') then array[format('the role %s sees no patient', m.role)]
    when place <> m.organisation_id then array['the patient belongs to another organisation']
    else access.reasons_in_words(m.account_id, m.organisation_id, patient, false) end;
  if cardinality(words) = 0 then words := array['no care team follows the patient with them in it, no referral, no broken glass']; end if;
end $function$;
comment on function access.explain_membership is 'What the predicates say of this membership and this patient, and the words for it. Internal.';

create function access.first_patients(claims text[], most integer) returns uuid[]
language plpgsql stable as $function$
begin
  if claims[6] is not null then return array(select claims[6]::uuid where access.may_open(claims, claims[6]::uuid, 'identity')); end if;
  return array(
    (select p.patient_id
     from access.care_team_members m join access.care_team_patients p using (care_team_id)
     join access.care_teams t on t.id = m.care_team_id and t.organisation_id = claims[3]::uuid
     where m.account_id = claims[2]::uuid
       and clock_timestamp() >= p.valid_from and clock_timestamp() < p.valid_until
       and clock_timestamp() >= m.valid_from and clock_timestamp() < m.valid_until
     limit most)
    union all
    select r.patient_id from store.referrals r
    where r.performer_id = claims[2]::uuid and r.organisation_id = claims[3]::uuid
      and clock_timestamp() >= r.valid_from and clock_timestamp() < r.valid_until
    union all
    select b.patient_id from access.broken_glass b
    where b.account_id = claims[2]::uuid and b.organisation_id = claims[3]::uuid
      and clock_timestamp() >= b.broken_at - interval '5 seconds' and clock_timestamp() < b.ends_at);
end $function$;
comment on function access.first_patients is 'The patients of a clinician by every way, those of the care teams up to `most`. Internal.';

create function access.glass(account uuid, organisation uuid, patient uuid) returns uuid
language plpgsql stable as $function$
begin
  return (
    select b.id from access.broken_glass b
    where b.account_id = account and b.patient_id = patient and b.organisation_id = organisation
      -- one that begins in the future is from before the clock was put back: it doesn't last longer for that
      and clock_timestamp() >= b.broken_at - interval '5 seconds' and clock_timestamp() < b.ends_at
    order by b.ends_at desc limit 1);
end $function$;
comment on function access.glass is 'The glass that this person has broken for this patient and that is open now, or NULL. access.way_in asks it last.';

create function access.has_withdrawn(patient uuid, types text[]) returns boolean
language plpgsql stable as $function$
begin
  return exists (select from unnest(types) t cross join lateral (
    select c.given from privacy.consents c where c.patient_id = patient and c.type = t order by c.seq desc limit 1) l where not l.given);
end $function$;
comment on function access.has_withdrawn is 'Has this patient agreed to one of these and taken it back? Who never was asked has not. Internal: 0110 and 0112 ask it.';

create function access.in_care_of(account uuid, organisation uuid, patient uuid) returns boolean
language plpgsql stable as $function$
begin
  return exists (
    select from access.care_team_patients p join access.care_team_members m using (care_team_id)
    -- somebody may work in two organisations; a session is in one
    join access.care_teams t on t.id = p.care_team_id and t.organisation_id = organisation
    where p.patient_id = patient and m.account_id = account
      and clock_timestamp() >= p.valid_from and clock_timestamp() < p.valid_until
      and clock_timestamp() >= m.valid_from and clock_timestamp() < m.valid_until);
end $function$;
comment on function access.in_care_of is NULL;

create function access.is_clinician_of(account uuid, organisation uuid) returns boolean
language plpgsql stable as $function$
begin
  return exists (select from access.memberships m where m.account_id = account and m.organisation_id = organisation
                 and m.role = 'clinician' and access.membership_is_live(m.id));
end $function$;
comment on function access.is_clinician_of is 'Somebody who may take care of patients of this organisation now.';

create function access.is_referred(account uuid, organisation uuid, patient uuid) returns boolean
language plpgsql stable as $function$
begin
  return exists (
    select from store.referrals r
    where r.performer_id = account and r.patient_id = patient and r.organisation_id = organisation
      and clock_timestamp() >= r.valid_from and clock_timestamp() < r.valid_until);
end $function$;
comment on function access.is_referred is 'Has this patient been referred to this person, now? access.way_in asks it where the care team said no.';

create function access.is_wide(patients uuid[]) returns boolean
language plpgsql immutable as $function$
begin
  return cardinality(patients) >= 1001;
end $function$;
comment on function access.is_wide is 'Does this list (of access.first_patients with 1001) belong to somebody who sees more than 1,000 patients? Lists are quick up to there (docs/performance.md). Internal.';

create function access.knows(claims text[], account uuid) returns boolean
language plpgsql stable as $function$
begin
  if claims[2]::uuid = account then return true; end if;
  if claims[4] = 'patient' then
    return exists (select from audit.events e where e.patient_id = claims[5]::uuid and e.actor_id = account)
        or exists (select from audit.events e where e.shown @> array[claims[5]::uuid] and e.actor_id = account)
        or exists (select from store.notes n where n.patient_id = claims[5]::uuid and n.author_id = account)
        or exists (select from store.referrals r where r.patient_id = claims[5]::uuid and r.performer_id = account);
  end if;
  -- whoever vs_edge could be besides (vs_researcher, vs_import) works with no names, whatever role was taken on by hand
  if (claims[4] in ('clinician', 'secretary', 'org_admin', 'auditor', 'dpo')) is not true then return false; end if;
  -- a colleague isn't a patient who has an account here: identity is the vault's to open
  return exists (select from access.memberships m where m.account_id = account and m.organisation_id = claims[3]::uuid and m.role <> 'patient');
end $function$;
comment on function access.knows is NULL;

create function access.leave_care_teams(account uuid, organisation uuid) returns void
language sql volatile as $function$
  update access.care_team_members m set valid_until = greatest(m.valid_from, clock_timestamp())
  from access.care_teams t where t.id = m.care_team_id and t.organisation_id = organisation and m.account_id = account
    and m.valid_until > clock_timestamp()
$function$;
comment on function access.leave_care_teams is 'Who is no clinician any more follows nobody, and doesn''t come back into teams with the role. Internal.';

create function access.limit_invitations(c text[], account uuid) returns void
language plpgsql volatile as $function$
declare
  ring text := vault.ring();
  address text;
begin
  select convert_from(vault.unpack(vault.unwrap(ring, account, 'profile'), iam.invitation_aad(account), i.email), 'UTF8') into address
  from iam.invitations i where i.account_id = account;
  -- the address, since each invitation has another account; in this practice, so that nobody learns of another's
  if ops.take('invitations/' || c[3], 200, 1.0 / 10) > 0
     or ops.take('invitation/' || c[3] || '/' || encode((iam.email_indexes(ring, address))[1], 'hex'), 5, 1.0 / 3600) > 0 then
    raise exception using errcode = 'VS429', message = 'too many invitations in a short time';
  end if;
end $function$;
comment on function access.limit_invitations is 'Nobody''s mailbox is filled: five messages to an address and then one an hour, from one practice. Internal. Errors: VS429.';

create function access.may_open(claims text[], patient uuid, level text) returns boolean
language plpgsql stable as $function$
begin
  if level not in ('identity', 'clinical') or (level = 'clinical' and claims[4] = 'secretary') then return false; end if;
  -- iam.enter has asked for the patient on the page in this very transaction; nobody is the zero that says no
  if claims[6] is not null and (claims[6]::uuid = patient and patient <> '00000000-0000-0000-0000-000000000000') is not true then return false; end if;
  -- a broken glass ends by the clock, in the middle of a transaction if need be
  if claims[6] is not null and claims[9] is null then return true; end if;
  return access.way_in(claims[4], claims[2]::uuid, claims[3]::uuid, claims[5]::uuid, patient) is not null;
end $function$;
comment on function access.may_open is 'May this identity open this patient at this level, here and now? Internal.';

create function access.membership_is_live(membership uuid) returns boolean
language plpgsql stable as $function$
begin
  return exists (
    select from access.memberships m join iam.accounts a on a.id = m.account_id
    where m.id = membership and a.status = 'active' and clock_timestamp() between m.valid_from and m.valid_until);
end $function$;
comment on function access.membership_is_live is NULL;

create function access.moment(at timestamp with time zone) returns text
language plpgsql stable as $function$
begin
  return to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC';
end $function$;
comment on function access.moment is 'Internal.';

create function access.note_explanation(patient uuid, account uuid) returns void
language plpgsql volatile as $function$
begin
  perform audit.append(array[null, null, access.organisation_of(patient)::text, null, null, null, null, null, null],
    'accounts.read', 'Access', patient, null, 'success', json_build_object('account', account, 'login', session_user)::text);
end $function$;
comment on function access.note_explanation is 'Asking is an event. It bears no patient, since nobody looked at one: the id stands as the resource. Internal.';

create function access.organisation_as(role text) returns uuid
language plpgsql stable parallel restricted security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  if c[4] = role then return c[3]::uuid; end if;
  return null;
end $function$;
comment on function access.organisation_as is NULL;

create function access.organisation_id() returns uuid
language plpgsql stable parallel restricted security definer set debug_print_plan=off set search_path="" as $function$
begin
  return (access.claims())[3]::uuid;
end $function$;
comment on function access.organisation_id is NULL;

create function access.organisation_of(patient uuid) returns uuid
language plpgsql stable as $function$
begin
  return (select p.organisation_id from store.patients p where p.id = patient and p.erased_at is null);
end $function$;
comment on function access.organisation_of is 'Where a patient is; NULL for one who never was here or was erased.';

create function access.patients(role text) returns uuid[]
language plpgsql stable parallel restricted security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  seen uuid[];
begin
  if (c[4] = role) is not true then return '{}'::uuid[]; end if;
  if c[6] is not null and c[9] is null then return array[c[6]::uuid]; end if;
  if c[6] is not null then
    return case when access.may_open(c, c[6]::uuid, 'identity') then array[c[6]::uuid] else '{}' end;
  end if;
  if role = 'patient' then return array[c[5]::uuid]; end if;
  seen := access.first_patients(c, 1001);
  if access.is_wide(seen) then
    return access.seen_among(c, array(select distinct o.patient_id from audit.openings o
                                      where o.session_id = c[1]::uuid and o.opened_at > clock_timestamp() - interval '15 minutes'));
  end if;
  return seen;
end $function$;
comment on function access.patients is 'The patients that the verified identity sees, if it has this role; on a page that shows one patient, that one; for somebody who sees more than 1,000, those that the session has opened.';

create function access.period(starts timestamp with time zone, ends timestamp with time zone, OUT valid_from timestamp with time zone, OUT valid_until timestamp with time zone) returns record
language plpgsql volatile as $function$
begin
  valid_from := greatest(starts, clock_timestamp());
  valid_until := coalesce(ends, 'infinity');
  if valid_until <= valid_from then
    raise exception using errcode = 'VS422', message = 'a period ends after it begins, and not in the past';
  end if;
end $function$;
comment on function access.period is 'Internal. Errors: VS422.';

create function access.policies_for(acting text) returns TABLE(policy text, why text, tables text[], expression text)
language sql stable as $function$
  select p.polname::text, obj_description(p.oid, 'pg_policy'), array_agg(p.polrelid::regclass::text order by p.polrelid::regclass::text),
         pg_get_expr(p.polqual, p.polrelid)
  from pg_policy p join pg_class c on c.oid = p.polrelid
  where c.relnamespace = 'store'::regnamespace and p.polcmd in ('r', '*') and to_regrole('vs_' || acting) = any (p.polroles)
  group by 1, 2, 4 order by 1, 2
$function$;
comment on function access.policies_for is 'The policies that let an acting role (clinician, secretary, patient…) read rows about patients, as the catalog has them.';

create function access.reasons(account uuid, organisation uuid, patient uuid) returns TABLE(since timestamp with time zone, until timestamp with time zone, words text)
language sql stable as $function$
  select greatest(m.valid_from, p.valid_from), least(m.valid_until, p.valid_until), format('care team %s led by %s, as %s', t.id, t.lead_account_id, m.role)
  from access.care_team_members m join access.care_team_patients p using (care_team_id)
  join access.care_teams t on t.id = m.care_team_id and t.organisation_id = organisation
  where m.account_id = account and p.patient_id = patient and m.valid_from < p.valid_until and p.valid_from < m.valid_until
  union all
  select r.valid_from, r.valid_until, format('referral %s by %s, %s', r.id, r.requester_id, r.priority)
  from store.referrals r where r.performer_id = account and r.organisation_id = organisation and r.patient_id = patient
  union all
  select b.broken_at, b.ends_at, format('broken glass %s, %s', b.id, b.kind)
  from access.broken_glass b where b.account_id = account and b.organisation_id = organisation and b.patient_id = patient
$function$;
comment on function access.reasons is 'What access.way_in could find, with its period, also when it is over. Internal.';

create function access.reasons_in_words(account uuid, organisation uuid, patient uuid, holding boolean) returns text[]
language plpgsql stable as $function$
declare
  now_at timestamptz := clock_timestamp();
begin
  return array(
    select r.words || case
      when r.since > now_at then ', from ' || access.moment(r.since)
      when r.until <= now_at then ', ended ' || access.moment(r.until)
      else ', since ' || access.moment(r.since) || case when r.until = 'infinity' then '' else ', until ' || access.moment(r.until) end end
    from access.reasons(account, organisation, patient) r
    where not holding or (r.until > now_at and r.since <= now_at + interval '5 seconds')
    order by r.until desc, r.since desc);
end $function$;
comment on function access.reasons_in_words is 'Internal. holding: only those that hold now.';

create function access.require_admin_of(team uuid) returns text[]
language plpgsql volatile as $function$
declare
  c text[] := access.claims();
begin
  if (c[4] = 'org_admin') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'administrators keep the care teams';
  end if;
  if team is not null and not exists (select from access.care_teams t where t.id = team and t.organisation_id = c[3]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such care team here';
  end if;
  return c;
end $function$;
comment on function access.require_admin_of is 'Internal. Errors: VS403, VS404.';

create function access.require_administrator(organisation uuid) returns void
language plpgsql stable as $function$
begin
  if not exists (select from access.memberships m where m.organisation_id = organisation and m.role = 'org_admin'
                 and access.membership_is_live(m.id) and iam.methods_of(m.account_id) <> '{}') then
    raise exception using errcode = 'VS409', message = 'somebody else who can sign in must be an administrator first';
  end if;
end $function$;
comment on function access.require_administrator is 'After a change: is there still somebody who can sign in and administer? Internal. Errors: VS409.';

create function access.require_inviter(account uuid) returns uuid
language plpgsql volatile as $function$
declare
  c text[] := access.claims();
  m access.memberships;
begin
  select x.* into m from access.memberships x join iam.accounts a on a.id = x.account_id
  where x.account_id = account and x.organisation_id = c[3]::uuid and a.status = 'invited';
  -- somebody else's and nobody's are answered alike
  if m.id is null or not iam.session_is_live(c[1]::uuid)
     or (case when m.role <> 'patient' then c[4] = 'org_admin'
              when c[4] = 'clinician' then access.in_care_of(c[2]::uuid, c[3]::uuid, m.patient_id)
              else c[4] = 'secretary' end) is not true then
    raise exception using errcode = 'VS404', message = 'there is no such invitation here';
  end if;
  return m.patient_id;
end $function$;
comment on function access.require_inviter is 'An administrator for staff, a secretary or somebody of the care team for a patient; gives the patient. Internal. Errors: VS404.';

create function access.require_member(account uuid) returns access.memberships
language plpgsql volatile as $function$
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
end $function$;
comment on function access.require_member is 'Somebody who works, or worked, in the administrator''s organisation: the latest membership. Internal. Errors: VS403, VS404.';

create function access.role() returns text
language plpgsql stable parallel restricted security definer set debug_print_plan=off set search_path="" as $function$
begin
  return (access.claims())[4];
end $function$;
comment on function access.role is 'The role of the verified identity: policies ask this, since vs_edge could become any acting role.';

create function access.seen_among(claims text[], patients uuid[]) returns uuid[]
language plpgsql stable as $function$
declare
  seen uuid[] := '{}'::uuid[];
begin
  if claims[4] = 'clinician' and claims[6] is null then
    -- the care team for all of them at once; the other ways, which few have, one by one below
    seen := array(
      select p.patient_id
      from access.care_team_patients p join access.care_team_members m using (care_team_id)
      join access.care_teams t on t.id = p.care_team_id and t.organisation_id = claims[3]::uuid
      where p.patient_id = any (patients) and m.account_id = claims[2]::uuid
        and clock_timestamp() >= p.valid_from and clock_timestamp() < p.valid_until
        and clock_timestamp() >= m.valid_from and clock_timestamp() < m.valid_until);
  end if;
  return array(select p from unnest(patients) p where p = any (seen) or access.may_open(claims, p, 'identity'));
end $function$;
comment on function access.seen_among is 'Those of these patients that this identity sees, here and now. Internal.';

create function access.sees(role text, account uuid, organisation uuid, own uuid, patient uuid) returns boolean
language plpgsql stable as $function$
begin
  return access.way_in(role, account, organisation, own, patient) is not null;
end $function$;
comment on function access.sees is 'Does this person see this patient at all? access.way_in tells by which way.';

create function access.set_claims(claims text[]) returns void
language plpgsql volatile as $function$
begin
  perform set_config('vs.claims', access.claims_mac(claims::text) || claims::text, true);
end $function$;
comment on function access.set_claims is NULL;

create function access.tell_of_glass(ring text, organisation uuid, patient uuid) returns void
language plpgsql volatile as $function$
declare
  m record;
begin
  for m in select distinct on (x.account_id) x.account_id, x.role from access.memberships x join iam.accounts a on a.id = x.account_id
           where x.organisation_id = organisation and (x.patient_id = patient or x.role in ('dpo', 'org_admin'))
             and access.membership_is_live(x.id) and a.email_confirmed_at is not null order by x.account_id loop
    begin
      perform ops.post(ring, m.account_id, 'email', 'glass_broken',
        jsonb_build_object('path', case m.role when 'patient' then '/record/accesses' else '/emergencies' end));
    exception when others then
      -- an emergency waits for no message: the pages tell all the same
      continue;
    end;
  end loop;
end $function$;
comment on function access.tell_of_glass is 'An e-mail to the patient, the DPO and the administrators, which says that there was one and not whose. Internal.';

create function access.tg_broken_glass__only_ends() returns trigger
language plpgsql volatile as $function$
begin
  if to_jsonb(new) - 'ends_at' - 'seen_by' - 'seen_at' <> to_jsonb(old) - 'ends_at' - 'seen_by' - 'seen_at'
     or new.ends_at > old.ends_at or (old.seen_at is not null and (new.seen_by, new.seen_at) is distinct from (old.seen_by, old.seen_at)) then
    raise exception using errcode = 'VS403', message = 'a broken glass can be ended and looked into, and not changed otherwise';
  end if;
  return new;
end $function$;
comment on function access.tg_broken_glass__only_ends is NULL;

create function access.tg_care_team_members__apart() returns trigger
language plpgsql volatile as $function$
begin
  perform from access.care_teams t where t.id = new.care_team_id for no key update;
  if exists (select from access.care_team_members m
             where m.account_id = new.account_id and m.care_team_id = new.care_team_id and m.id <> new.id
               and m.valid_from < new.valid_until and new.valid_from < m.valid_until) then
    raise exception using errcode = 'VS409', message = 'this person is in the team at that time already';
  end if;
  if new.role = 'lead' and exists (select from access.care_team_members m
             where m.care_team_id = new.care_team_id and m.role = 'lead' and m.id <> new.id
               and m.valid_from < new.valid_until and new.valid_from < m.valid_until) then
    raise exception using errcode = 'VS409', message = 'the team has a lead at that time already';
  end if;
  return new;
end $function$;
comment on function access.tg_care_team_members__apart is NULL;

create function access.tg_care_team_patients__apart() returns trigger
language plpgsql volatile as $function$
begin
  perform from access.care_teams t where t.id = new.care_team_id for no key update;
  -- an erasure that is under way comes first, and nobody follows somebody who was erased
  perform from store.patients p where p.id = new.patient_id for key share;
  -- asked once, here, and not at each look: a team and its patients are of one practice
  if (select t.organisation_id from access.care_teams t where t.id = new.care_team_id) is distinct from access.organisation_of(new.patient_id) then
    raise exception using errcode = 'VS422', message = 'a team follows patients of its own organisation';
  end if;
  if exists (select from access.care_team_patients p
             where p.patient_id = new.patient_id and p.care_team_id = new.care_team_id and p.id <> new.id
               and p.valid_from < new.valid_until and new.valid_from < p.valid_until) then
    raise exception using errcode = 'VS409', message = 'the team follows this patient at that time already';
  end if;
  return new;
end $function$;
comment on function access.tg_care_team_patients__apart is NULL;

create function access.tg_keys__forget_glass() returns trigger
language plpgsql volatile as $function$
begin
  delete from vault.keys k using access.broken_glass b where b.patient_id = old.subject_id and k.subject_id = b.id and k.level = 'glass';
  return null;
end $function$;
comment on function access.tg_keys__forget_glass is NULL;

create function access.way_in(role text, account uuid, organisation uuid, own uuid, patient uuid) returns text
language plpgsql stable as $function$
begin
  if role = 'clinician' then
    if access.in_care_of(account, organisation, patient) then return 'care_team'; end if;
    if access.is_referred(account, organisation, patient) then return 'referral'; end if;
    if access.glass(account, organisation, patient) is not null then return 'glass'; end if;
  elsif role = 'secretary' then
    if access.organisation_of(patient) = organisation then return 'organisation'; end if;
  elsif role = 'patient' then
    if patient = own then return 'own'; end if;
  end if;
  return null;
end $function$;
comment on function access.way_in is 'care_team, referral or glass for a clinician, within the organisation of the session; organisation for a secretary; own for a patient; NULL: not at all.';

create function access.who_can_see(patient uuid) returns TABLE(account_id uuid, organisation_id uuid, role text, clinical boolean, words text[])
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
begin
  perform access.note_explanation(patient, null);
  -- everybody is asked, not those alone whom we would expect
  return query
    select m.account_id, m.organisation_id, m.role, e.clinical, e.words
    from access.memberships m cross join lateral access.explain_membership(m, patient) e
    where e.identity order by m.role, m.account_id;
end $function$;
comment on function access.who_can_see is 'Every membership of the installation that sees this patient now, and why. Recorded.';

create function audit.append(claims text[], event text, resource_type text, resource_id uuid, patient uuid, outcome text, details text DEFAULT NULL::text, shown uuid[] DEFAULT NULL::uuid[]) returns uuid
language plpgsql volatile as $function$
declare
  organisation uuid := coalesce(claims[3]::uuid, '00000000-0000-0000-0000-000000000000');
  e audit.events;
  remembered text := current_setting('vs.lane', true);
  -- each backend has a lane that it tries first, so that those of a pool rarely meet, and a row stays in its caches
  first int := pg_backend_pid() % 16;
  before bytea;
  place tid;
  digest bytea;
begin
  -- One lane in a transaction, or two transactions could wait for each other. The setting is a hint: the lock below decides.
  if left(remembered, 36) = organisation::text then
    -- By its place: the index would lead through every version that this transaction has left behind, thousands in an import.
    select l.ctid, l.lane, l.seq, l.head into place, e.lane, e.seq, before from audit.lanes l
    where l.ctid = split_part(remembered, ' ', 3)::tid and l.organisation_id = organisation
      and l.lane = split_part(remembered, ' ', 2)::int for update;
    if e.lane is null then
      -- a savepoint that was rolled back took that version away
      select l.ctid, l.lane, l.seq, l.head into place, e.lane, e.seq, before from audit.lanes l
      where l.organisation_id = organisation and l.lane = split_part(remembered, ' ', 2)::int for update;
    end if;
  else
    for i in first .. first + 15 loop
      select l.ctid, l.lane, l.seq, l.head into place, e.lane, e.seq, before from audit.lanes l
      where l.organisation_id = organisation and l.lane = i % 16 for update skip locked;
      exit when found;
    end loop;
    if e.lane is null then
      select l.ctid, l.lane, l.seq, l.head into place, e.lane, e.seq, before from audit.lanes l
      where l.organisation_id = organisation and l.lane = first for update;
    end if;
  end if;
  if e.lane is null then
    raise exception using errcode = 'VS500', message = 'this organisation has no audit lanes';
  end if;
  e.id := ops.uuid_v7();
  e.organisation_id := organisation;
  e.seq := e.seq + 1;
  e.at := clock_timestamp();
  e.event := event;
  e.resource_type := resource_type;
  e.resource_id := resource_id;
  e.patient_id := patient;
  e.actor_id := claims[2]::uuid;
  e.actor_role := coalesce(claims[4], 'owner');
  e.session_id := claims[1]::uuid;
  e.origin_id := claims[8]::uuid;
  e.outcome := outcome;
  e.shown := shown;
  e.details := details;
  e.leaf := audit.leaf(e, before);
  digest := sha256(convert_to(e.leaf, 'UTF8'));
  insert into audit.events values (e.*);
  insert into audit.leaves values (organisation, e.lane, e.seq, digest);
  update audit.lanes l set seq = e.seq, head = digest
  where l.ctid = place and l.organisation_id = organisation and l.lane = e.lane returning l.ctid into place;
  if place is null then
    raise exception using errcode = 'VS500', message = 'the lane was lost while it was held';
  end if;
  perform set_config('vs.lane', organisation::text || ' ' || e.lane || ' ' || place, true);
  return e.id;
end $function$;
comment on function audit.append is 'Writes one event at the end of a lane; gives its id. Internal: only definer functions and triggers call it.';

create function audit.are_open(session uuid, patients uuid[], level text) returns boolean
language plpgsql volatile as $function$
begin
  return cardinality(patients) = (
    select count(*) from audit.openings o
    where o.session_id = session and o.patient_id = any (patients) and o.level = are_open.level
      and o.transaction is distinct from pg_current_xact_id_if_assigned()
      and o.opened_at between clock_timestamp() - interval '15 minutes' and clock_timestamp() + interval '5 seconds');
end $function$;
comment on function audit.are_open is 'audit.is_open of all of them, none named twice. Internal.';

create function audit.begin_export(export uuid, criteria jsonb, format text) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  answer text := audit.may_export(c);
  kinds text[] := array(select k.key from jsonb_object_keys(criteria) as k(key) order by k.key);
  now_at timestamptz := clock_timestamp();
  found_events int;
begin
  if answer <> 'ok' then return answer; end if;
  -- they stand in the log by name
  if (kinds <@ array['event', 'outcome', 'role', 'actor', 'patient', 'from', 'to'] and format in ('csv', 'jsonl')) is not true then
    raise exception using errcode = 'VS422', message = 'no such criterion, or no such format';
  end if;
  found_events := (select count(*) from audit.find_events(c[3]::uuid, criteria, now_at, 10001));
  if found_events > 10000 then
    perform audit.append(c, 'log.export', 'AuditEvent', null, null, 'failure',
      json_build_object('format', format, 'criteria', kinds, 'answer', 'too_many')::text);
    return 'too_many';
  end if;
  -- a request that is sent again after a lost connection brings the same id
  insert into audit.exports as x (id, session_id, digest, until) values (export, c[1]::uuid, sha256(convert_to(criteria::text, 'UTF8')), now_at)
  on conflict (id) do update set digest = excluded.digest, until = excluded.until, transaction = excluded.transaction where x.session_id = excluded.session_id;
  if not found then
    raise exception using errcode = 'VS409', message = 'this export was asked for already: ask for another';
  end if;
  perform audit.append(c, 'log.export', 'AuditEvent', export, null, 'success',
    json_build_object('format', format, 'criteria', kinds, 'events', found_events)::text);
  return 'ok';
end $function$;
comment on function audit.begin_export is 'Announces an export, and records it. ok, forbidden, step_up, too_many or signed_out; then, in another transaction, audit.export_events gives the lines. Errors: VS409, VS422.';

create function audit.break_glass(glass uuid, search uuid, kind text, reason text) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  patient uuid;
  said text := array_to_string(vault.words(left(reason, 2000)), '');
  answer text := 'ok';
  at timestamptz := clock_timestamp();
begin
  if c is null then return 'signed_out'; end if;
  -- step-up (requirement A8)
  if c[4] = 'clinician' and not iam.factor_is_recent(c[1]::uuid) then
    perform audit.append(c, 'session.step_up', 'session', c[1]::uuid, null, 'failure', '{"asked":true}');
    return 'step_up';
  end if;
  if c[4] = 'clinician' then
    select s.patient_id into patient from access.emergency_searches s
    where s.id = search and s.session_id = c[1]::uuid and s.transaction is distinct from pg_current_xact_id_if_assigned()
      and s.made_at > clock_timestamp() - interval '15 minutes';
    -- an erasure that is under way comes first, or the reason would outlive the patient
    perform from store.patients p where p.id = patient for key share;
    -- one at a time: two transactions that count at once would each find room
    perform from iam.accounts a where a.id = c[2]::uuid for no key update;
    -- sent again after a lost connection
    if exists (select from access.broken_glass b where b.id = break_glass.glass and b.account_id = c[2]::uuid and b.patient_id = patient) then return 'ok'; end if;
  end if;
  if c[4] <> 'clinician' then answer := 'forbidden';
  elsif patient is null or access.organisation_of(patient) is distinct from c[3]::uuid or not iam.session_is_live(c[1]::uuid) then answer := 'hidden';
  elsif access.way_in(c[4], c[2]::uuid, c[3]::uuid, null, patient) in ('care_team', 'referral') then return 'ok';
  -- ten letters or digits, five of them different: what is typed to get past a field says nothing to a patient or a DPO
  elsif length(said) < 10 or length(reason) > 2000 or (select count(distinct l) from regexp_split_to_table(said, '') l) < 5
        or (kind in ('emergency', 'on_call', 'colleague_unreachable', 'patient_asks', 'other')) is not true then answer := 'invalid';
  elsif (select count(*) from access.broken_glass b where b.account_id = c[2]::uuid and b.broken_at > at - interval '1 hour') >= 5 then answer := 'limited';
  end if;
  if answer = 'ok' then
    insert into access.broken_glass (id, organisation_id, account_id, patient_id, session_id, kind, reason, broken_at, ends_at)
    values (break_glass.glass, c[3]::uuid, c[2]::uuid, patient, c[1]::uuid, break_glass.kind,
            vault.seal(vault.create_key(vault.ring(), break_glass.glass, 'glass', c[3]::uuid), break_glass.glass, patient, 1,
                       uuid_send(c[2]::uuid) || timestamptz_send(at) || convert_to(break_glass.kind, 'UTF8'), 'access.broken_glass.reason', reason),
            at, at + interval '30 minutes');
    perform access.tell_of_glass(vault.ring(), c[3]::uuid, patient);
  end if;
  perform audit.append(c, 'glass.break', 'BrokenGlass', break_glass.glass, patient, case when answer = 'ok' then 'success' else 'failure' end,
    case when answer = 'ok' then json_build_object('kind', break_glass.kind) else json_build_object('refused', answer) end::text);
  return answer;
end $function$;
comment on function audit.break_glass is 'A clinician opens the record that an emergency search of theirs found, for 30 minutes. glass: a new uuid, which makes a repeated request harmless. ok, forbidden, hidden, invalid (kind or reason), limited, step_up or signed_out; then audit.open_patient works as for any other.';

create function audit.check_joined(organisation uuid, lane integer) returns TABLE(generation integer, leaf_index bigint, seq bigint, problem text)
language sql stable as $function$
  select x.generation, x.leaf_index, x.seq,
         case when x.recorded is null then 'an event that joined the log is missing'
              when x.step <> 1 then 'events of its lane before it are missing in the log'
              when x.before >= x.here then 'it joined the log before the event that it follows'
              else 'the log holds another hash than the event''s' end
  from (
    select l.generation, l.leaf_index, l.seq, f.hash as recorded, row(l.generation, l.leaf_index) as here,
           l.seq - coalesce(lag(l.seq) over w, 0) as step, lag(row(l.generation, l.leaf_index)) over w as before,
           e.hash is not null and l.hash is distinct from e.hash as other
    from (select j.* from audit.log j where j.organisation_id = organisation and j.lane = check_joined.lane) l
    left join (select g.seq, g.hash from audit.leaves g where g.organisation_id = organisation and g.lane = check_joined.lane) f on f.seq = l.seq
    left join (select v.seq, audit.leaf_hash(v.leaf) as hash from audit.events v where v.organisation_id = organisation and v.lane = check_joined.lane) e on e.seq = l.seq
    window w as (order by l.seq)
  ) x
  where x.recorded is null or x.step <> 1 or x.other or x.before >= x.here
$function$;
comment on function audit.check_joined is 'Every way in which one lane of the log isn''t its chain. Internal.';

create function audit.check_lane(organisation uuid, lane integer) returns TABLE(seq bigint, problem text)
language plpgsql stable as $function$
begin
  return query
  select c.seq,
         case when c.hash is null then 'the event is missing'
              when c.step <> 1 then format('%s events before this one are missing or out of order', abs(c.step - 1))
              when c.leaf is distinct from audit.leaf(c.event, c.hash_before) then 'the event is not what was chained'
              else 'the leaf''s hash is not the one recorded' end
  from (
    select x.*, x.seq - coalesce(lag(x.seq) over w, 0) as step,
           coalesce(lag(coalesce(x.hash, x.recorded)) over w, decode(repeat('00', 32), 'hex')) as hash_before
    from (
      select coalesce(e.seq, f.seq) as seq, e.event, e.leaf, sha256(convert_to(e.leaf, 'UTF8')) as hash, f.hash as recorded
      from (select v.seq, v.leaf, v as event from audit.events v where v.organisation_id = organisation and v.lane = check_lane.lane) e
      full join (select l.seq, l.hash from audit.leaves l where l.organisation_id = organisation and l.lane = check_lane.lane) f on f.seq = e.seq
    ) x
    window w as (order by x.seq)
  ) c
  where (c.step <> 1 or c.hash is distinct from c.recorded or c.leaf is distinct from audit.leaf(c.event, c.hash_before))
    and not (c.hash is null and c.step = 1 and exists (select from audit.pruned p where p.organisation_id = organisation and p.lane = check_lane.lane
                                                         and c.seq between p.first_seq and p.last_seq));
  -- a lane has a head also when somebody took its row away
  return query
  select coalesce(h.seq, t.seq), 'the head of the lane is not its last event'
  from (select) o
  left join audit.lanes h on (h.organisation_id, h.lane) = (organisation, check_lane.lane)
  left join lateral (
    select y.seq, y.hash from (
      (select e.seq, sha256(convert_to(e.leaf, 'UTF8')) as hash from audit.events e
       where e.organisation_id = organisation and e.lane = check_lane.lane order by e.seq desc limit 1)
      union all
      (select p.last_seq, p.head from audit.pruned p where p.organisation_id = organisation and p.lane = check_lane.lane order by p.last_seq desc limit 1)) y
    order by y.seq desc limit 1) t on true
  where (h.seq, h.head) is distinct from (coalesce(t.seq, 0), coalesce(t.hash, decode(repeat('00', 32), 'hex')));
end $function$;
comment on function audit.check_lane is 'Every break in one chain. Internal.';

create function audit.check_lanes(organisations uuid[]) returns TABLE(organisation_id uuid, lane integer, seq bigint, problem text)
language plpgsql stable as $function$
begin
  -- lanes that are named anywhere: one whose row was taken away is still verified
  for organisation_id, lane in
    select l.organisation_id, l.lane from audit.lanes l where l.organisation_id = any (organisations)
    union select l.organisation_id, l.lane from audit.leaves l where l.organisation_id = any (organisations)
    union select e.organisation_id, e.lane from audit.events e where e.organisation_id = any (organisations)
    union select p.organisation_id, p.lane from audit.pruned p where p.organisation_id = any (organisations)
    order by 1, 2
  loop
    for seq, problem in select c.seq, c.problem from audit.check_lane(organisation_id, lane) c loop return next; end loop;
  end loop;
  return query select l.organisation_id, l.lane, max(l.seq), 'the lane has two heads' from audit.lanes l
  where l.organisation_id = any (organisations) group by l.organisation_id, l.lane having count(*) > 1;
  return query select g.organisation_id, g.lane, g.seq, g.problem from audit.check_pruned(organisations) g;
end $function$;
comment on function audit.check_lanes is 'Every break in the chains of these organisations, with its place; no row: intact. Internal.';

create function audit.check_log() returns TABLE(generation integer, leaf_index bigint, organisation_id uuid, lane integer, seq bigint, problem text)
language plpgsql stable as $function$
declare
  o record;
  c record;
begin
  for o in select l.organisation_id as id, l.lane as number from audit.log l group by 1, 2 order by 1, 2 loop
    return query select j.generation, j.leaf_index, o.id, o.number, j.seq, j.problem from audit.check_joined(o.id, o.number) j;
  end loop;
  return query
  select l.generation, l.leaf_index, l.organisation_id, l.lane, l.seq, 'a leaf of the log is no event''s' from audit.log l
  where l.organisation_id is null or l.lane is null or l.seq is null;

  return query
  select g.generation, 0::bigint, null::uuid, null::int, null::bigint, 'the log isn''t what it began as'
  from audit.log_origins g left join audit.log l on l.generation = g.generation and l.leaf_index = 0
  where case g.generation when 1 then g.leaf is not null else l.hash is distinct from audit.leaf_hash(g.leaf) end
  union all
  select g.generation, 0::bigint, null::uuid, null::int, null::bigint, 'the log has two names' from audit.log_origins g group by 1 having count(*) > 1;

  for o in select distinct g.generation from audit.log_origins g order by 1 loop
    return query
    select o.generation, x.leaf_index, x.organisation_id, x.lane, x.seq, format('%s leaves of the log before this one are missing', x.leaf_index - x.before - 1)
    from (select l.*, lag(l.leaf_index, 1, -1::bigint) over (order by l.leaf_index) as before from audit.log l where l.generation = o.generation) x
    where x.leaf_index <> x.before + 1;
    return query select * from audit.check_nodes(o.generation);
  end loop;

  for c in select p.* from audit.checkpoints p order by 1, 2 loop
    begin
      if c.root is distinct from audit.root(c.size, c.generation) then
        return query select c.generation, c.size, null::uuid, null::int, null::bigint, format('the checkpoint of size %s isn''t of this log', c.size);
      end if;
    exception when sqlstate 'VS422' or sqlstate 'VS500' then
      return query select c.generation, c.size, null::uuid, null::int, null::bigint, format('the checkpoint of size %s goes beyond this log', c.size);
    end;
  end loop;
end $function$;
comment on function audit.check_log is 'Every way in which the Merkle log isn''t that of the chains, with its place; no row: intact. Internal.';

create function audit.check_nodes(generation integer) returns TABLE(generation_ integer, leaf_index bigint, organisation_id uuid, lane integer, seq bigint, problem text)
language plpgsql stable as $function$
declare
  height int := 4;
  size bigint := audit.log_size(generation);
begin
  loop
    -- the hash of sixteen below, beside the one that is stored: another, too few and too many
    return query
    select check_nodes.generation, coalesce(m.node_index, n.node_index) << height, null::uuid, null::int, null::bigint,
           format('the hash of the %s leaves from here isn''t the one stored', 1::bigint << height)
    from (
      select b.place >> 4 as node_index, audit.fold_hashes(array_agg(b.hash order by b.place)) as hash from (
        select l.leaf_index as place, l.hash from audit.log l where height = 4 and l.generation = check_nodes.generation and l.leaf_index < (size >> 4) << 4
        union all
        select x.node_index, x.hash from audit.nodes x where x.generation = check_nodes.generation and x.level = height - 4 and x.node_index < (size >> height) << 4) b
      group by b.place >> 4) m
    full join (select y.node_index, y.hash from audit.nodes y where y.generation = check_nodes.generation and y.level = height) n on n.node_index = m.node_index
    where m.hash is distinct from n.hash;
    height := height + 4;
    exit when height > 60;
  end loop;
end $function$;
comment on function audit.check_nodes is 'Every stored subtree that isn''t the hash of what is below it. Internal.';

create function audit.check_pruned(organisations uuid[]) returns TABLE(organisation_id uuid, lane integer, seq bigint, problem text)
language sql stable as $function$
  with mine as (select p.* from audit.pruned p where p.organisation_id = any (organisations)),
  told as (select o.organisation_id, audit.prune_digest(o.organisation_id) as digest, max(o.until) as until from mine o group by o.organisation_id)
  select p.organisation_id, p.lane, p.first_seq, 'no event log.prune covers what was pruned here'
  from mine p join told t on t.organisation_id = p.organisation_id
  where not exists (select from audit.events e where e.organisation_id = t.organisation_id and e.event = 'log.prune'
                    and e.details::json ->> 'digest' = t.digest and e.at >= audit.month_after(t.until, 36)
                    -- nobody prunes in a time to come
                    and e.at < clock_timestamp() + interval '1 day')
  union all
  select p.organisation_id, p.lane, p.first_seq, 'the organisation is younger than what was pruned here'
  from mine p where p.until <= ops.uuid_v7_time(p.organisation_id)
  union all
  -- an event of more than a month later was signed before the last one of these joined the log: it isn't that old
  select p.organisation_id, p.lane, p.first_seq, 'what was pruned here joined the log long after its month'
  from mine p join audit.log l on (l.organisation_id, l.lane, l.seq) = (p.organisation_id, p.lane, p.last_seq)
  where exists (
    select from (select v.lane, v.seq from audit.events v where v.organisation_id = p.organisation_id and v.at >= audit.month_after(p.until)
                 order by v.at limit 1) e
    join audit.log x on (x.organisation_id, x.lane, x.seq) = (p.organisation_id, e.lane, e.seq)
    where x.generation < l.generation or (x.generation = l.generation and x.leaf_index <
      (select max(c.size) from audit.checkpoints c where c.generation = l.generation and c.size <= l.leaf_index)))
  union all
  select p.organisation_id, p.lane, p.first_seq, 'a month ends otherwise' from mine p where p.until is distinct from audit.month_of(p.until)
  union all
  select p.organisation_id, p.lane, p.last_seq, 'the leaf of the last event that was pruned is not the one recorded'
  from mine p left join audit.leaves l on (l.organisation_id, l.lane, l.seq) = (p.organisation_id, p.lane, p.last_seq)
  where l.hash is distinct from p.head
  union all
  select p.organisation_id, p.lane, p.first_seq, format('%s leaves of pruned events are missing', p.last_seq - p.first_seq + 1 - n.leaves)
  from mine p cross join lateral (select count(*) as leaves from audit.leaves l where (l.organisation_id, l.lane) = (p.organisation_id, p.lane)
                                  and l.seq between p.first_seq and p.last_seq) n
  where n.leaves <> p.last_seq - p.first_seq + 1
$function$;
comment on function audit.check_pruned is 'What is wrong with the record of pruned events; no row: nothing. Internal.';

create function audit.check_tree(generation integer, size bigint) returns void
language plpgsql stable as $function$
begin
  if (size between 0 and audit.log_size(generation)) is not true then
    raise exception using errcode = 'VS422', message = format('the log has %s leaves', audit.log_size(generation));
  end if;
end $function$;
comment on function audit.check_tree is 'Refuses a size that the log hasn''t reached. Errors: VS422. Internal.';

create function audit.complete_nodes(generation integer, before bigint, size bigint) returns void
language plpgsql volatile as $function$
declare
  height int := 4;
begin
  while (size >> height) > (before >> height) loop
    insert into audit.nodes (generation, level, node_index, hash)
    select complete_nodes.generation, height, c.place >> 4, audit.fold_hashes(array_agg(c.hash order by c.place))
    from (
      select l.leaf_index as place, l.hash from audit.log l where height = 4 and l.generation = complete_nodes.generation
        and l.leaf_index >= (before >> 4) << 4 and l.leaf_index < (size >> 4) << 4
      union all
      select n.node_index, n.hash from audit.nodes n where n.generation = complete_nodes.generation and n.level = height - 4
        and n.node_index >= (before >> height) << 4 and n.node_index < (size >> height) << 4
    ) c
    group by c.place >> 4;
    height := height + 4;
  end loop;
end $function$;
comment on function audit.complete_nodes is 'Stores the subtrees that became complete. Internal.';

create function audit.confirm_recovery(recovery uuid, code text) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  r iam.recoveries;
  answer text;
begin
  if c is null then return 'signed_out'; end if;
  perform iam.lock_account((select x.account_id from iam.recoveries x where x.id = recovery and x.organisation_id = c[3]::uuid));
  select * into r from iam.recoveries x where x.id = recovery and x.organisation_id = c[3]::uuid and x.account_id <> c[2]::uuid
    and x.state = 'waiting' and x.ends_at > clock_timestamp() and iam.confirming_role(x) = c[4]
    and (select a.status from iam.accounts a where a.id = x.account_id) = 'active' for update;
  if c[4] not in ('org_admin', 'secretary') then answer := 'forbidden';
  elsif not iam.factor_is_recent(c[1]::uuid) then answer := 'step_up';
  elsif r.id is null or not iam.session_is_live(c[1]::uuid) then answer := 'hidden';
  -- sent again after a lost connection
  elsif r.confirmed_by = c[2]::uuid then return 'ok';
  elsif r.confirmed_at is not null then answer := 'conflict';
  elsif r.code_tries >= 5 then answer := 'limited';
  elsif (sha256(convert_to(iam.recovery_confirmation(vault.ring(), r), 'UTF8')) = sha256(convert_to(code, 'UTF8'))) is not true then
    update iam.recoveries x set code_tries = x.code_tries + 1 where x.id = r.id;
    answer := 'invalid';
  else
    update iam.recoveries x set confirmed_by = c[2]::uuid, confirmed_at = clock_timestamp() where x.id = r.id;
    perform iam.send_ready(vault.ring(), r.id, 'recovery_confirmed', clock_timestamp());
    answer := 'ok';
  end if;
  perform audit.append(c, case when answer = 'step_up' then 'session.step_up' else 'recovery.confirm' end, 'Recovery', r.id, null,
    case when answer = 'ok' then 'success' else 'failure' end, json_build_object('answer', answer)::text);
  return answer;
end $function$;
comment on function audit.confirm_recovery is 'Somebody else of the practice has recognised the person, who told them the code of their page. ok, invalid (another code), limited, conflict (somebody has confirmed), hidden, forbidden, step_up or signed_out.';

create function audit.consistency_proof(old_size bigint, new_size bigint, generation integer DEFAULT audit.log_generation()) returns bytea[]
language plpgsql stable as $function$
declare
  first bigint := 0;
  past bigint := new_size;
  whole boolean := true;
  proof bytea[] := array[]::bytea[];
  middle bigint;
begin
  perform audit.check_tree(generation, new_size);
  if (old_size between 0 and new_size) is not true then
    raise exception using errcode = 'VS422', message = format('a log of %s leaves never had %s', new_size, old_size);
  end if;
  if old_size = 0 then return proof; end if;
  while past > old_size loop
    middle := first + audit.tree_split(past - first);
    if old_size <= middle then
      proof := audit.tree_hash(generation, middle, past) || proof;
      past := middle;
    else
      proof := audit.tree_hash(generation, first, middle) || proof;
      first := middle;
      whole := false;
    end if;
  end loop;
  if not whole then proof := audit.tree_hash(generation, first, past) || proof; end if;
  return proof;
end $function$;
comment on function audit.consistency_proof is 'RFC 6962 §2.1.2: that the log of the old size is the beginning of the log of the new one. Errors: VS422. For the DBA.';

create function audit.count_events(criteria jsonb) returns integer
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
declare
  organisation uuid := access.organisation_as('auditor');
begin
  -- none isn't nought
  if organisation is null or criteria is null then return null; end if;
  return (select count(*)::int from audit.find_events(organisation, criteria, clock_timestamp(), 10001));
end $function$;
comment on function audit.count_events is 'For an auditor: how many events an export would give, 10,001 at most; NULL for anybody else.';

create function audit.create_lanes(organisation uuid) returns void
language sql volatile as $function$
  insert into audit.lanes (organisation_id, lane) select organisation, lane from generate_series(0, 15) as lane
$function$;
comment on function audit.create_lanes is NULL;

create function audit.ensure_partitions(ahead integer DEFAULT 3, today timestamp with time zone DEFAULT now()) returns integer
language plpgsql volatile as $function$
declare
  now_month timestamptz := audit.month_of(today);
  newest timestamptz;
  wanted timestamptz[];
begin
  -- two at once: the second one finds everything made
  perform pg_advisory_xact_lock(hashtextextended('audit.ensure_partitions', 0));
  -- without a gap since the newest month before this one (a server that slept), but not for ever (a clock that was far off)
  select max(m.month) into newest from audit.months() m where m.month < now_month;
  wanted := array(
    select audit.month_after(now_month, i) from generate_series(
      least(-1, greatest(-36, audit.months_between(now_month, newest))), ahead) i
    -- and the months that a clock which was behind has written into
    union select s.month from audit.strays() s where s.month between audit.month_after(now_month, -36) and audit.month_after(now_month, ahead)
    except select m.month from audit.months() m
    order by 1);
  if exists (select from audit.strays() s where s.month = any (wanted)) then
    perform audit.file_strays(wanted);
  else
    perform audit.make_month(m) from unnest(wanted) m;
  end if;
  return cardinality(wanted);
end $function$;
comment on function audit.ensure_partitions is 'Makes the partitions of the coming months and files events that were dated outside of them. As vs_owner, at every start and by a job.';

create function audit.export_events(export uuid, criteria jsonb) returns TABLE(id uuid, at timestamp with time zone, lane integer, seq bigint, event text, resource_type text, resource_id uuid, patient_id uuid, actor_id uuid, actor_role text, session_id uuid, origin_id uuid, outcome text, details text)
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  announced timestamptz;
begin
  if c[4] is distinct from 'auditor' then
    raise exception using errcode = 'VS403', message = 'auditors export the log';
  end if;
  select x.until into announced from audit.exports x
  where x.id = export and x.session_id = c[1]::uuid and x.digest = sha256(convert_to(criteria::text, 'UTF8'))
    -- not of this transaction, which could still be rolled back; visible and not ours means committed
    and x.transaction is distinct from pg_current_xact_id_if_assigned()
    and x.until between clock_timestamp() - interval '5 minutes' and clock_timestamp() + interval '5 seconds';
  if announced is null then
    raise exception using errcode = 'VS428', message = 'no committed export with these criteria: call audit.begin_export in an earlier transaction';
  end if;
  return query
  select e.id, e.at, e.lane, e.seq, e.event, e.resource_type, e.resource_id, e.patient_id, e.actor_id, e.actor_role, e.session_id, e.origin_id,
         e.outcome, e.details
  from audit.find_events(c[3]::uuid, criteria, announced, 10000) e
  order by e.at desc, e.id desc;
end $function$;
comment on function audit.export_events is 'The events of an announced export, newest first. Errors: VS403, VS428.';

create function audit.extend_log(at_most bigint DEFAULT 100000) returns TABLE(generation integer, size bigint, joined bigint)
language plpgsql volatile as $function$
declare
  before bigint;
begin
  -- the lock comes before the snapshot that sees what the one before us has joined
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception using errcode = 'VS500', message = 'the log grows in read committed transactions';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('audit.extend_log', 0));
  perform audit.log_origin();
  generation := audit.log_generation();
  before := audit.log_size(generation);
  insert into audit.log (generation, leaf_index, organisation_id, lane, seq, hash)
  select extend_log.generation, before - 1 + row_number() over (order by o.organisation_id, o.lane, o.seq), o.organisation_id, o.lane, o.seq, o.hash
  from (
    -- as far as the chain holds: no event before it is missing, and it is what was chained
    select c.organisation_id, c.lane, c.seq, c.hash,
           bool_and(c.seq = c.joined + c.place and c.chained = c.recorded and c.says = c.recorded_before) over (partition by c.organisation_id, c.lane order by c.seq) as holds
    from (
      select g.organisation_id, g.lane, e.seq, e.hash, g.joined, row_number() over w as place, e.chained, e.recorded,
             e.says, encode(coalesce(lag(e.recorded) over w, g.head), 'hex') as recorded_before
      from (select x.*, (sum(x.upto - x.joined) over (order by x.organisation_id, x.lane))::bigint - (x.upto - x.joined) as ahead
            from audit.growing_lanes() x where not x.stuck) g
      cross join lateral (
        select v.seq, audit.leaf_hash(v.leaf) as hash, sha256(convert_to(v.leaf, 'UTF8')) as chained, left(right(v.leaf, 66), 64) as says,
               (select f.hash from audit.leaves f where f.organisation_id = v.organisation_id and f.lane = v.lane and f.seq = v.seq) as recorded
        from audit.events v where v.organisation_id = g.organisation_id and v.lane = g.lane and v.seq > g.joined and v.seq <= g.upto
        order by v.seq limit at_most - g.ahead) e
      where g.ahead < at_most
      window w as (partition by g.organisation_id, g.lane order by e.seq)
    ) c
  ) o
  where o.holds;
  get diagnostics joined = row_count;
  size := before + joined;
  perform audit.complete_nodes(generation, before, size);
  return next;
end $function$;
comment on function audit.extend_log is 'Lets events join the log, at most so many: its generation, its size then, and how many joined. As vs_owner; commit before the root is signed.';

create function audit.file_strays(wanted timestamp with time zone[]) returns bigint
language plpgsql volatile as $function$
declare
  aside text := 'events_astray';
  month timestamptz;
  astray bigint;
  back bigint;
begin
  perform set_config('lock_timeout', '5s', true);
  lock table audit.events in access exclusive mode;
  execute 'alter table audit.events_default no force row level security';
  execute format('create table audit.%I as select * from audit.events_default', aside);
  get diagnostics astray = row_count;
  execute 'drop table audit.events_default';
  foreach month in array wanted loop perform audit.make_month(month); end loop;
  perform audit.make_default();
  execute format('insert into audit.events select * from audit.%I', aside);
  get diagnostics back = row_count;
  if back <> astray then
    raise exception using errcode = 'VS500', message = 'events of the default partition were not filed: nothing was changed';
  end if;
  execute format('drop table audit.%I', aside);
  return astray - coalesce((select sum(s.events) from audit.strays() s), 0);
end $function$;
comment on function audit.file_strays is 'Makes these months and files what the default partition holds of them; gives the number of events. Internal.';

create function audit.find_events(organisation uuid, criteria jsonb, until timestamp with time zone, most integer) returns SETOF audit.events
language plpgsql stable as $function$
begin
  return query
  select e.* from audit.events e
  where e.organisation_id = organisation and e.at <= find_events.until
    and (criteria ->> 'event' is null or e.event = criteria ->> 'event')
    and (criteria ->> 'outcome' is null or e.outcome = criteria ->> 'outcome')
    and (criteria ->> 'role' is null or e.actor_role = criteria ->> 'role')
    and (criteria ->> 'actor' is null or e.actor_id = (criteria ->> 'actor')::uuid)
    and (criteria ->> 'patient' is null or e.patient_id = (criteria ->> 'patient')::uuid)
    and (criteria ->> 'from' is null or e.at >= (criteria ->> 'from')::date::timestamp at time zone 'Europe/Paris')
    and (criteria ->> 'to' is null or e.at < ((criteria ->> 'to')::date + 1)::timestamp at time zone 'Europe/Paris')
  order by e.at desc, e.id desc limit most;
end $function$;
comment on function audit.find_events is 'What the criteria find, newest first. Internal: access was asked before.';

create function audit.fold_hashes(hashes bytea[]) returns bytea
language plpgsql immutable as $function$
declare
  above bytea[];
begin
  while cardinality(hashes) > 1 loop
    above := null;
    for i in 1 .. cardinality(hashes) by 2 loop
      above := above || sha256('\x01'::bytea || hashes[i] || hashes[i + 1]);
    end loop;
    hashes := above;
  end loop;
  return hashes[1];
end $function$;
comment on function audit.fold_hashes is 'The root above 1, 2, 4, 8 or 16 neighbours. Internal.';

create function audit.forget_origins(at_most integer DEFAULT 10000) returns integer
language plpgsql volatile as $function$
declare
  oldest timestamptz := (select min(m.month) from audit.months() m);
  forgotten int;
begin
  -- a session lasts 12 hours at most, so that its events are gone with the month after
  delete from audit.origins o where o.id in (
    select x.id from audit.origins x
    where x.created_at < least(oldest - interval '1 day', now() - interval '3 years')
      -- one of a sign-in belongs to no session and may have been used since
      and not exists (select from audit.events e where e.origin_id = x.id and e.session_id is null)
      -- what a clock that was far off has dated
      and not exists (select from audit.strays() s)
    order by x.created_at limit at_most);
  get diagnostics forgotten = row_count;
  return forgotten;
end $function$;
comment on function audit.forget_origins is 'Removes addresses and browsers to which no event refers any more. As vs_owner, by a job.';

create function audit.growing_lanes() returns TABLE(organisation_id uuid, lane integer, joined bigint, head bytea, upto bigint, stuck boolean)
language sql stable as $function$
  -- each looked up by its whole key, whatever the planner believes of tables that have just grown
  select x.organisation_id, x.lane, x.joined, x.head, x.upto,
         (sha256(convert_to(x.leaf, 'UTF8')) = (select f.hash from audit.leaves f where f.organisation_id = x.organisation_id and f.lane = x.lane and f.seq = x.joined + 1)
          and right(x.leaf, 67) = '"' || encode(x.head, 'hex') || '"]') is not true
  from (
    select l.organisation_id, l.lane, j.seq as joined, l.seq as upto,
           coalesce((select b.hash from audit.leaves b where b.organisation_id = l.organisation_id and b.lane = l.lane and b.seq = j.seq), decode(repeat('00', 32), 'hex')) as head,
           (select e.leaf from audit.events e where e.organisation_id = l.organisation_id and e.lane = l.lane and e.seq = j.seq + 1 limit 1) as leaf
    from audit.lanes l
    cross join lateral (select coalesce(max(y.seq), 0) as seq from audit.log y where y.organisation_id = l.organisation_id and y.lane = l.lane) j
    where l.seq > j.seq) x
$function$;
comment on function audit.growing_lanes is 'Lanes with events that haven''t joined the log yet. Internal.';

create function audit.heads() returns TABLE(lane integer, events bigint, head text, last_at timestamp with time zone)
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
declare
  organisation uuid := access.organisation_as('auditor');
begin
  return query
    select l.lane, l.seq, encode(l.head, 'hex'),
           (select e.at from audit.events e where e.organisation_id = l.organisation_id and e.lane = l.lane and e.seq = l.seq)
    from audit.lanes l where l.organisation_id = organisation order by l.lane;
end $function$;
comment on function audit.heads is 'For an auditor: the chains of the organisation and their ends.';

create function audit.inclusion_proof(leaf_index bigint, size bigint, generation integer DEFAULT audit.log_generation()) returns bytea[]
language plpgsql stable as $function$
declare
  first bigint := 0;
  past bigint := size;
  proof bytea[] := array[]::bytea[];
  middle bigint;
begin
  perform audit.check_tree(generation, size);
  if (leaf_index >= 0 and leaf_index < size) is not true then
    raise exception using errcode = 'VS422', message = format('a log of %s leaves has no leaf %s', size, leaf_index);
  end if;
  while past - first > 1 loop
    middle := first + audit.tree_split(past - first);
    if leaf_index < middle then
      proof := audit.tree_hash(generation, middle, past) || proof;
      past := middle;
    else
      proof := audit.tree_hash(generation, first, middle) || proof;
      first := middle;
    end if;
  end loop;
  return proof;
end $function$;
comment on function audit.inclusion_proof is 'RFC 6962 §2.1.1, from the leaf''s sibling up. Errors: VS422 (no such leaf or size). For the DBA.';

create function audit.is_open(session uuid, patient uuid, level text) returns boolean
language plpgsql volatile as $function$
begin
  return exists (
    select from audit.openings o
    where o.session_id = session and o.patient_id = patient and o.level = is_open.level
      -- not of this transaction, which could still be rolled back; visible and not ours means committed
      and o.transaction is distinct from pg_current_xact_id_if_assigned()
      and o.opened_at between clock_timestamp() - interval '15 minutes' and clock_timestamp() + interval '5 seconds');
end $function$;
comment on function audit.is_open is NULL;

create function audit.last_checkpoint() returns TABLE(origin text, size bigint, root text, sealed_at timestamp with time zone)
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
begin
  return query
    select o.origin, c.size, encode(c.root, 'base64'), c.sealed_at
    from audit.checkpoints c join audit.log_origins o on o.generation = c.generation
    where access.organisation_as('auditor') is not null order by c.generation desc, c.size desc limit 1;
end $function$;
comment on function audit.last_checkpoint is 'For an auditor: what was signed last, to compare with what is kept outside. No row: nothing yet.';

create function audit.latest_seen(claims text[], most integer) returns uuid[]
language plpgsql stable as $function$
declare
  latest uuid[];
  seen uuid[] := '{}'::uuid[];
  looked_at int := 0;
begin
  loop
    latest := array(select p.id from store.patients p where p.organisation_id = claims[3]::uuid and p.erased_at is null
                    order by p.last_activity_at desc, p.id offset looked_at limit 200);
    seen := seen || array(select p.id from unnest(latest) with ordinality p (id, place)
                          where p.id = any ((select access.seen_among(claims, latest))::uuid[]) order by p.place);
    looked_at := looked_at + 200;
    exit when cardinality(seen) >= most or cardinality(latest) < 200;
  end loop;
  return seen[1 : most];
end $function$;
comment on function audit.latest_seen is 'The patients with the latest activity among those that this clinician sees, for somebody who sees most of them. Internal.';

create function audit.leaf(e audit.events, before bytea) returns text
language plpgsql stable as $function$
begin
  return array_to_json(array[
    'vs1', e.id::text, e.organisation_id::text, e.lane::text, e.seq::text,
    to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    e.event, e.resource_type, e.resource_id::text, e.patient_id::text, e.actor_id::text, e.actor_role,
    e.session_id::text, e.origin_id::text, e.outcome, e.shown::text, e.details, encode(before, 'hex')])::text;
end $function$;
comment on function audit.leaf is 'The text that is hashed: see the head of 0070_audit and docs/formats.md.';

create function audit.leaf_hash(leaf text) returns bytea
language sql immutable parallel safe as $function$
  select sha256('\x00'::bytea || convert_to(leaf, 'UTF8'))
$function$;
comment on function audit.leaf_hash is 'A leaf''s hash in the Merkle log. For the DBA.';

create function audit.log_generation() returns integer
language sql stable as $function$
  select max(o.generation) from audit.log_origins o
$function$;
comment on function audit.log_generation is 'The generation that grows. For the DBA.';

create function audit.log_origin(name text DEFAULT NULL::text) returns text
language plpgsql volatile as $function$
declare
  found_origin text;
begin
  select o.origin into found_origin from audit.log_origins o order by o.generation desc limit 1;
  if found_origin is null then
    insert into audit.log_origins (generation, origin) values (1, coalesce(name, 'vitalsync.local/' || ops.uuid_v7()))
    on conflict (generation) do nothing;
    select o.origin into strict found_origin from audit.log_origins o order by o.generation desc limit 1;
  end if;
  return found_origin;
end $function$;
comment on function audit.log_origin is 'What the log is called now; begins it under this name when it hasn''t begun. Internal.';

create function audit.log_size(generation integer DEFAULT audit.log_generation()) returns bigint
language sql stable as $function$
  select coalesce(max(l.leaf_index) + 1, 0) from audit.log l where l.generation = $1
$function$;
comment on function audit.log_size is 'How many leaves a generation of the log has. For the DBA.';

create function audit.make_default() returns void
language plpgsql volatile as $function$
begin
  execute 'create table audit.events_default partition of audit.events default';
  execute 'alter table audit.events_default enable row level security';
  execute 'alter table audit.events_default force row level security';
end $function$;
comment on function audit.make_default is 'The partition for what is dated outside of every month. Internal.';

create function audit.make_month(month timestamp with time zone) returns void
language plpgsql volatile as $function$
declare
  name text := 'events_' || to_char(month at time zone 'UTC', 'YYYY_MM');
begin
  execute format('create table audit.%I partition of audit.events for values from (%L) to (%L)', name, month, audit.month_after(month));
  execute format('alter table audit.%I enable row level security', name);
  execute format('alter table audit.%I force row level security', name);
end $function$;
comment on function audit.make_month is 'The partition of one month. Internal.';

create function audit.may_export(claims text[]) returns text
language plpgsql volatile as $function$
begin
  if claims is null then return 'signed_out'; end if;
  if claims[4] <> 'auditor' then
    perform audit.append(claims, 'log.export', 'AuditEvent', null, null, 'failure');
    return 'forbidden';
  end if;
  if iam.asks_again('audit.export') and not iam.factor_is_recent(claims[1]::uuid) then
    perform audit.append(claims, 'session.step_up', 'session', claims[1]::uuid, null, 'failure', json_build_object('asked', true)::text);
    return 'step_up';
  end if;
  return 'ok';
end $function$;
comment on function audit.may_export is 'Of both functions below; a refusal is recorded. Internal.';

create function audit.month_after(month timestamp with time zone, months integer DEFAULT 1) returns timestamp with time zone
language sql immutable as $function$
  select (month at time zone 'UTC' + pg_catalog.make_interval(months => months)) at time zone 'UTC'
$function$;
comment on function audit.month_after is NULL;

create function audit.month_of(at timestamp with time zone) returns timestamp with time zone
language sql immutable as $function$
  select pg_catalog.date_trunc('month', at at time zone 'UTC') at time zone 'UTC'
$function$;
comment on function audit.month_of is NULL;

create function audit.months() returns TABLE(month timestamp with time zone, name text)
language sql stable as $function$
  select to_timestamp(substr(c.relname, 8) || '-01', 'YYYY_MM-DD')::timestamp at time zone 'UTC', c.relname::text
  from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'audit.events'::regclass and c.relname ~ '^events_[0-9]{4}_[0-9]{2}$'
$function$;
comment on function audit.months is 'The months that have a partition (their first moment, in UTC), and its name. Internal.';

create function audit.months_between(since timestamp with time zone, until timestamp with time zone) returns integer
language sql immutable as $function$
  select coalesce((extract(year from until at time zone 'UTC') - extract(year from since at time zone 'UTC')) * 12
                  + extract(month from until at time zone 'UTC') - extract(month from since at time zone 'UTC'), 0)::int
$function$;
comment on function audit.months_between is NULL;

create function audit.note_export() returns uuid
language sql volatile as $function$
  select audit.append(array_fill(null::text, array[8]), 'log.export', 'AuditEvent', null, null, 'success')
$function$;
comment on function audit.note_export is 'The event of `vitalsync audit export`. As vs_owner.';

create function audit.open_accounts() returns text
language sql volatile security definer set debug_print_plan=off set search_path="" as $function$ select audit.open_page('org_admin', 'accounts.read', 'Person') $function$;
comment on function audit.open_accounts is 'An administrator reads accounts and teams.';

create function audit.open_all(claims text[], patients uuid[], levels text[]) returns boolean
language plpgsql volatile as $function$
declare
  session uuid := claims[1]::uuid;
  fresh int;
begin
  -- an opening from the future (the clock was stepped) is refreshed like an old one
  select count(*) into fresh from audit.openings o
  where o.session_id = session and o.patient_id = any (patients) and o.level = any (levels)
    and o.opened_at between clock_timestamp() - interval '10 minutes' and clock_timestamp() + interval '1 second';
  if fresh = cardinality(patients) * cardinality(levels) then return true; end if;
  -- one at a time: two transactions that count at once would each find room
  perform from iam.sessions s where s.id = session for no key update;
  if (select count(distinct o.patient_id) from audit.openings o
      where o.session_id = session and o.opened_at > clock_timestamp() - interval '1 hour') + cardinality(patients) > 1000 then
    perform audit.append(claims, 'openings.limited', 'session', session, null, 'failure');
    return false;
  end if;
  insert into audit.openings as o (session_id, patient_id, level, opened_at, transaction)
  select session, p.id, l.level, clock_timestamp(), pg_current_xact_id()
  from unnest(patients) p (id) cross join unnest(levels) l (level)
  order by p.id, l.level
  on conflict (session_id, patient_id, level) do update set opened_at = excluded.opened_at, transaction = excluded.transaction;
  return true;
end $function$;
comment on function audit.open_all is 'Opens these patients for the session; false when it has opened too many. Internal: access was asked before.';

create function audit.open_broken_glass() returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  return audit.open_page(case when c[4] = 'org_admin' then 'org_admin' else 'dpo' end, 'log.read', 'BrokenGlass');
end $function$;
comment on function audit.open_broken_glass is 'The DPO or an administrator reads the emergency accesses. ok, forbidden or signed_out.';

create function audit.open_consent_proof(consent uuid) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  x privacy.consents;
begin
  if c is null then return 'signed_out'; end if;
  x := privacy.proof_of(c, consent);
  if c[4] = 'patient' and x.id is not null then return 'ok'; end if;
  perform audit.append(c, 'log.read', 'Consent', consent, x.patient_id, case when x.id is null then 'failure' else 'success' end);
  return case when x.id is not null then 'ok' when c[4] in ('dpo', 'patient') then 'hidden' else 'forbidden' end;
end $function$;
comment on function audit.open_consent_proof is 'The DPO reads the proof of one consent, which the log and the patient''s page tell; a patient their own. ok, hidden, forbidden or signed_out.';

create function audit.open_consents() returns text
language sql volatile security definer set debug_print_plan=off set search_path="" as $function$ select audit.open_page('dpo', 'log.read', 'Consent') $function$;
comment on function audit.open_consents is 'The DPO reads consents and their proofs. ok, forbidden or signed_out.';

create function audit.open_emergency_search(search uuid, birth_name text, birth_date text, first_given_name text, ins text) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  ring text;
  typed text[] := vault.words(left(birth_name, 200));
  given text[] := vault.words(left(first_given_name, 200));
  day text := nullif(birth_date, '');
  matricule text := nullif(upper(regexp_replace(left(ins, 40), '[^0-9A-Za-z]', '', 'g')), '');
  places bigint[];
  tokens bigint[];
  found_ids uuid[];
begin
  if c is null then return 'signed_out'; end if;
  if c[4] <> 'clinician' then
    perform audit.append(c, 'patients.search', 'Patient', null, null, 'failure', '{"emergency":true}');
    return 'forbidden';
  end if;
  if matricule is null and (typed = '{}' or (day ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$') is not true) then return 'invalid'; end if;
  -- a request that is sent again after a lost connection has its answer already
  if exists (select from access.emergency_searches s where s.id = search and s.session_id = c[1]::uuid) then return 'ok'; end if;
  -- one at a time: two transactions that count at once would each find room
  perform from iam.accounts a where a.id = c[2]::uuid for no key update;
  if (select count(*) from access.emergency_searches s where s.account_id = c[2]::uuid and s.made_at > clock_timestamp() - interval '1 hour') >= 20 then
    perform audit.append(c, 'patients.search', 'Patient', null, null, 'failure', '{"emergency":true,"limited":true}');
    return 'limited';
  end if;
  ring := vault.ring();
  -- a candidate has a token for each long word and for the date, or for the INS, under any key of the ring
  select array_agg(f.place), array_agg(vault.token(vault.search_key(ring, split_part(e, '=', 1), c[3]::uuid), f.kind, f.value)) into places, tokens
  from (select row_number() over () as place, 'name' as kind, left(w, 5) as value from unnest(typed) w where length(w) >= 3 and matricule is null
        union all select 0, 'birth_date', day where matricule is null
        union all select 0, 'ins', matricule where matricule is not null) f
  cross join unnest(string_to_array(ring, ',')) e;
  found_ids := array(
    select p.id from store.patients p
    where p.organisation_id = c[3]::uuid
      and p.id = any (array(select t.patient_id from unnest(places, tokens) q (place, token) join vault.search_tokens t on t.token = q.token
                            where t.organisation_id = c[3]::uuid
                            group by t.patient_id having count(distinct q.place) = (select count(distinct w) from unnest(places) w)))
      and vault.is_exactly(ring, p, typed, given, day, matricule));
  insert into access.emergency_searches (id, session_id, account_id, patient_id, matches)
  values (search, c[1]::uuid, c[2]::uuid, case when cardinality(found_ids) = 1 then found_ids[1] end, cardinality(found_ids));
  perform audit.append(c, 'patients.search', 'Patient', search, case when cardinality(found_ids) = 1 then found_ids[1] end, 'success',
    json_build_object('emergency', true, 'matches', cardinality(found_ids))::text);
  return 'ok';
exception when unique_violation then
  raise exception using errcode = 'VS409', message = 'this page was asked for already: load it again';
end $function$;
comment on function audit.open_emergency_search is 'A clinician looks for somebody whom they don''t see, by the whole birth name and birth date (YYYY-MM-DD; first given name where two are alike) or by INS, exactly. ok, invalid, forbidden, limited or signed_out; clinic.read_emergency_search tells, in a later transaction, whether there is one.';

create function audit.open_export() returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  answer text := audit.may_export(c);
begin
  if answer = 'ok' then perform audit.append(c, 'log.read', 'AuditEvent', null, null, 'success'); end if;
  return answer;
end $function$;
comment on function audit.open_export is 'The page before an export: asks for the factor, so that the file comes at once. ok, forbidden, step_up or signed_out.';

create function audit.open_home() returns text
language sql stable security definer set debug_print_plan=off set search_path="" as $function$
  select case when access.claims() is null then 'signed_out' else 'ok' end
$function$;
comment on function audit.open_home is 'A page that shows nothing personal but one''s own name: nothing to record.';

create function audit.open_log() returns text
language sql volatile security definer set debug_print_plan=off set search_path="" as $function$ select audit.open_page('auditor', 'log.read', 'AuditEvent') $function$;
comment on function audit.open_log is 'An auditor reads the log.';

create function audit.open_own_record() returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  if c is null then return 'signed_out'; end if;
  if c[5] is null then return 'hidden'; end if;
  return audit.open_patient(c[5]::uuid);
end $function$;
comment on function audit.open_own_record is 'A patient opens their own record.';

create function audit.open_page(role text, event text, resource_type text) returns text
language plpgsql volatile as $function$
declare
  c text[] := access.claims();
begin
  if c is null then return 'signed_out'; end if;
  perform audit.append(c, event, resource_type, null, null, case when c[4] = role then 'success' else 'failure' end);
  return case when c[4] = role then 'ok' else 'forbidden' end;
end $function$;
comment on function audit.open_page is NULL;

create function audit.open_patient(patient uuid) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  if c is null then return 'signed_out'; end if;
  if not access.may_open(c, patient, 'identity') then
    perform audit.append(c, 'patient.read', 'Patient', patient, null, 'failure');
    return 'hidden';
  end if;
  if not audit.open_all(c, array[patient],
                        case when c[4] = 'secretary' then array['identity'] else array['identity', 'clinical'] end) then
    return 'limited';
  end if;
  perform audit.append(c, 'patient.read', 'Patient', patient, patient, 'success',
    case when c[9] is not null then json_build_object('glass', c[9])::text end);
  return 'ok';
end $function$;
comment on function audit.open_patient is 'Opens one patient: identity for a secretary, the whole record for a clinician who sees it (access.way_in) or the patient. ok, hidden, limited or signed_out.';

create function audit.open_patient_list(selection uuid) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  found_ids uuid[];
  seen uuid[];
begin
  if c is null then return 'signed_out'; end if;
  if c[4] = 'clinician' then
    seen := access.first_patients(c, 1001);
    if access.is_wide(seen) then
      -- nearly every patient is one of theirs: a few hundred of the latest hold the first fifty
      found_ids := audit.latest_seen(c, 50);
    else
      found_ids := array(select p.id from store.patients p where p.id = any (seen)
                         order by p.last_activity_at desc, p.id limit 50);
    end if;
  elsif c[4] = 'secretary' then
    found_ids := array(select p.id from store.patients p where p.organisation_id = c[3]::uuid and p.erased_at is null
                       order by p.last_activity_at desc, p.id limit 50);
  else
    perform audit.append(c, 'patients.list', 'Patient', null, null, 'failure');
    return 'forbidden';
  end if;
  return audit.select_patients(c, selection, found_ids, 'patients.list', null);
end $function$;
comment on function audit.open_patient_list is 'The 50 patients with the last activity. ok, forbidden, limited or signed_out; then audit.selected gives their ids.';

create function audit.open_patient_search(selection uuid, name text, birth_date text) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  ring text;
  typed text[] := vault.words(left(name, 200));
  long_words text[] := array(select w from unnest(typed) w where length(w) >= 3);
  keys bytea[];
  day text := nullif(birth_date, '');
  wanted vault.wanted_token[];
  candidates uuid[];
  shown uuid[];
  rejected uuid[];
  visible uuid[];
begin
  if c is null then return 'signed_out'; end if;
  if c[4] not in ('clinician', 'secretary') then
    perform audit.append(c, 'patients.search', 'Patient', null, null, 'failure');
    return 'forbidden';
  end if;
  if day !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then return 'invalid'; end if;
  if day is null and cardinality(long_words) = 0 then return 'too_short'; end if;
  ring := vault.ring();
  keys := array(select vault.search_key(ring, m, c[3]::uuid) from unnest(vault.ring_names(ring)) m);
  -- A candidate has a token for each word and for the date, under any key of the ring. Those that a clinician doesn't see
  -- are left out by the index itself: what is thrown away afterwards could be counted (pg_stat_get_xact_…).
  wanted := array(
    select row(f.place, vault.token(k, f.kind, f.value))::vault.wanted_token
    from (select row_number() over () as place, 'name' as kind, left(w, 5) as value from unnest(long_words) w
          union all select 0, 'birth_date', day where day is not null) f
    cross join unnest(keys) k);
  if c[4] = 'clinician' then visible := access.first_patients(c, 1001); end if;
  if c[4] = 'clinician' and not access.is_wide(visible) then
    candidates := array(
      select t.patient_id from unnest(wanted) q join vault.search_tokens t on t.token = q.token
      where t.organisation_id = c[3]::uuid and t.patient_id = any (visible)
      group by t.patient_id having count(distinct q.place) = cardinality(long_words) + (day is not null)::int);
  else
    candidates := array(
      select t.patient_id from unnest(wanted) q join vault.search_tokens t on t.token = q.token
      where t.organisation_id = c[3]::uuid
      group by t.patient_id having count(distinct q.place) = cardinality(long_words) + (day is not null)::int);
    -- somebody who sees more than 1,000: one by one, but no more than would be answered with "too many" anyway
    if c[4] = 'clinician' then candidates := access.seen_among(c, candidates[1 : 2000]); end if;
  end if;
  if cardinality(candidates) > 400 then
    perform audit.append(c, 'patients.search', 'Patient', null, null, 'partial', json_build_object('candidates', cardinality(candidates))::text);
    return 'too_many';
  end if;
  select array_agg(p.id order by p.last_activity_at desc) filter (where m.ok), array_agg(p.id) filter (where not m.ok) into shown, rejected
  from store.patients p cross join lateral (select vault.matches(ring, p, typed, day) as ok) m
  where p.id = any (candidates) and p.organisation_id = c[3]::uuid;
  if cardinality(shown) > 50 then
    perform audit.append(c, 'patients.search', 'Patient', null, null, 'partial', json_build_object('matches', cardinality(shown))::text);
    return 'too_many';
  end if;
  return audit.select_patients(c, selection, coalesce(shown, '{}'), 'patients.search',
    case when rejected is not null then json_build_object('rejected', rejected)::text end);
end $function$;
comment on function audit.open_patient_search is 'Finds patients by the beginnings of names (from 3 letters) and by birth date (YYYY-MM-DD), opens their identity and records what will be shown. ok, too_short, too_many, invalid, forbidden, limited or signed_out; then audit.selected gives the ids.';

create function audit.open_privacy() returns text
language sql volatile security definer set debug_print_plan=off set search_path="" as $function$ select audit.open_page('dpo', 'log.read', 'ErasureRequest') $function$;
comment on function audit.open_privacy is 'The DPO reads requests and what became of them. ok, forbidden or signed_out.';

create function audit.open_recoveries() returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  shown uuid[];
begin
  if c is null then return 'signed_out'; end if;
  if c[4] = 'secretary' then
    shown := array(select m.patient_id from iam.recoveries r join access.memberships m on m.account_id = r.account_id and m.organisation_id = r.organisation_id
                   where r.organisation_id = c[3]::uuid and r.state = 'waiting' and m.role = 'patient');
  end if;
  perform audit.append(c, 'accounts.read', 'Recovery', null, null, case when c[4] in ('org_admin', 'secretary') then 'success' else 'failure' end, null, nullif(shown, '{}'));
  return case when c[4] in ('org_admin', 'secretary') then 'ok' else 'forbidden' end;
end $function$;
comment on function audit.open_recoveries is 'An administrator or a secretary reads who waits for a confirmation. ok, forbidden or signed_out.';

create function audit.open_sign_ins() returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
begin
  return audit.open_page('org_admin', 'accounts.read', 'SignIn');
end $function$;
comment on function audit.open_sign_ins is 'An administrator reads the unusual sign-ins, or the settings that they are judged by. ok, forbidden or signed_out.';

create function audit.open_verification() returns text
language sql volatile security definer set debug_print_plan=off set search_path="" as $function$ select audit.open_page('auditor', 'log.verify', 'AuditEvent') $function$;
comment on function audit.open_verification is 'An auditor has the log verified.';

create function audit.origin(ring text, organisation uuid, session uuid, ip text, user_agent text) returns uuid
language plpgsql volatile as $function$
declare
  address text;
  browser text := left(user_agent, 300);
  place uuid := coalesce(organisation, '00000000-0000-0000-0000-000000000000');
  keyed bytea;
  found_id uuid;
  key bytea;
begin
  if ip is null and user_agent is null then return null; end if;
  address := host(ip::inet);
  keyed := extensions.hmac(convert_to(array_to_json(array[address, browser])::text, 'UTF8'),
                           vault.derive(vault.master(ring, vault.current_master(ring)), 'origin'), 'sha256');
  select o.id into found_id from audit.origins o
  where o.organisation_id = place and o.session_id is not distinct from session and o.digest = keyed;
  if found_id is not null then return found_id; end if;
  found_id := ops.uuid_v7();
  if organisation is not null then key := vault.unwrap(ring, organisation, 'organisation'); end if;
  insert into audit.origins (id, organisation_id, session_id, digest, ip, user_agent)
  values (found_id, place, session, keyed,
          -- of somebody unknown nothing is kept but the digest: there is no organisation whose key would seal it
          case when key is not null then vault.seal(key, found_id, organisation, 1, '', 'audit.origins.ip', address) end,
          case when key is not null then vault.seal(key, found_id, organisation, 1, '', 'audit.origins.user_agent', browser) end)
  on conflict (organisation_id, session_id, digest) do nothing;
  -- two requests of a new session at once: the other one's is there, committed
  if not found then
    select o.id into strict found_id from audit.origins o
    where o.organisation_id = place and o.session_id is not distinct from session and o.digest = keyed;
  end if;
  return found_id;
exception when invalid_text_representation then
  raise exception using errcode = 'VS422', message = 'the address of the request is no IP address';
end $function$;
comment on function audit.origin is 'Where a request came from, as an id; sealed once for each session, address and browser. Internal.';

create function audit.prunable(before date DEFAULT NULL::date) returns TABLE(month date, name text, events bigint, bytes bigint)
language plpgsql stable as $function$
declare
  latest date := (audit.month_after(audit.month_of(now()), -36) at time zone 'UTC')::date;
  m record;
begin
  if before > latest then
    raise exception using errcode = 'VS422', message = format('only whole months before %s can be pruned: the log is kept for three years', latest);
  end if;
  for m in select * from audit.months() x where (x.month at time zone 'UTC')::date < coalesce(before, latest) order by x.month loop
    month := (m.month at time zone 'UTC')::date;
    name := m.name;
    bytes := pg_total_relation_size(format('audit.%I', m.name));
    select count(*) into events from audit.events e where e.at >= m.month and e.at < audit.month_after(m.month);
    return next;
  end loop;
end $function$;
comment on function audit.prunable is 'The months that can be pruned: those that ended more than three years ago, and before that date. Errors: VS422 when the date is later. As vs_owner.';

create function audit.prune_digest(organisation uuid) returns text
language sql stable as $function$
  select encode(sha256(convert_to(coalesce(string_agg(array_to_json(array[p.lane::text, p.first_seq::text, p.last_seq::text,
    to_char(p.until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), encode(p.head, 'hex')])::text, E'\n' order by p.lane, p.first_seq), ''), 'UTF8')), 'hex')
  from audit.pruned p where p.organisation_id = organisation
$function$;
comment on function audit.prune_digest is 'Of what audit.pruned holds of an organisation; its last event log.prune holds the same. Internal.';

create function audit.prune_month(month date) returns bigint
language plpgsql volatile as $function$
declare
  m record;
  first timestamptz := month::timestamp at time zone 'UTC';
  past timestamptz := audit.month_after(month::timestamp at time zone 'UTC');
  wrong bigint;
  ranges audit.pruned[];
  o record;
  removed bigint;
begin
  -- the same refusal for a month that is too young and for a date that isn't a month's first
  select * into m from audit.prunable(((month + interval '1 month'))::date) p where p.month = prune_month.month;
  if not found then
    raise exception using errcode = 'VS404', message = 'the log has no such month: a month is named by its first day';
  end if;
  -- 2: read first, while others write
  select count(*) into wrong from audit.events e
  left join audit.leaves l on (l.organisation_id, l.lane, l.seq) = (e.organisation_id, e.lane, e.seq)
  left join audit.leaves b on (b.organisation_id, b.lane, b.seq) = (e.organisation_id, e.lane, e.seq - 1)
  where e.at >= first and e.at < past
    and ((e.leaf = audit.leaf(e, coalesce(b.hash, decode(repeat('00', 32), 'hex'))) and l.hash = sha256(convert_to(e.leaf, 'UTF8'))) is not true);
  if wrong > 0 then
    raise exception using errcode = 'VS409', message = format('%s events of this month are not what was chained: `vitalsync audit verify` tells which, and nothing was pruned', wrong);
  end if;
  select count(*) into wrong from audit.events e
  where e.at >= first and e.at < past and not exists (
    select from audit.log l join audit.checkpoints c on c.generation = l.generation and c.size > l.leaf_index
    where (l.organisation_id, l.lane, l.seq) = (e.organisation_id, e.lane, e.seq) and l.hash = audit.leaf_hash(e.leaf));
  if wrong > 0 then
    raise exception using errcode = 'VS409', message = format('no checkpoint holds %s events of this month: `vitalsync audit seal` signs one, and nothing was pruned', wrong);
  end if;
  -- nobody waits long for us, and we hold no lane while we wait
  perform set_config('lock_timeout', '2s', true);
  lock table audit.events in access exclusive mode;
  select count(*) into removed from audit.events e where e.at >= first and e.at < past;
  -- what is there of these organisations and what comes to it, neighbours joined
  ranges := array(
    with mine as (
      select e.organisation_id, e.lane, e.seq, e.seq - row_number() over (partition by e.organisation_id, e.lane order by e.seq) as island
      from audit.events e where e.at >= first and e.at < past),
    pieces as (
      select x.organisation_id, x.lane, min(x.seq) as first_seq, max(x.seq) as last_seq, past as until from mine x group by x.organisation_id, x.lane, x.island
      union all
      select p.organisation_id, p.lane, p.first_seq, p.last_seq, p.until from audit.pruned p where p.organisation_id in (select x.organisation_id from mine x)),
    begun as (
      select p.*, (p.first_seq is distinct from lag(p.last_seq) over (partition by p.organisation_id, p.lane order by p.first_seq) + 1)::int as begins from pieces p),
    grouped as (select b.*, sum(b.begins) over (partition by b.organisation_id, b.lane order by b.first_seq) as range from begun b),
    joined as (select g.organisation_id, g.lane, min(g.first_seq) as first_seq, max(g.last_seq) as last_seq, max(g.until) as until
               from grouped g group by g.organisation_id, g.lane, g.range)
    select row(j.organisation_id, j.lane, j.first_seq, j.last_seq, j.until, l.hash)::audit.pruned
    from joined j join audit.leaves l on (l.organisation_id, l.lane, l.seq) = (j.organisation_id, j.lane, j.last_seq));
  delete from audit.pruned p where p.organisation_id in (select r.organisation_id from unnest(ranges) r);
  insert into audit.pruned select r.* from unnest(ranges) r;
  for o in select e.organisation_id as id, count(*) as events from audit.events e where e.at >= first and e.at < past group by 1 order by 1 loop
    perform audit.append(array[null, null, o.id::text, null, null, null, null, null], 'log.prune', 'AuditEvent', null, null, 'success',
      json_build_object('month', to_char(month, 'YYYY-MM'), 'events', o.events, 'digest', audit.prune_digest(o.id))::text);
  end loop;
  execute format('drop table audit.%I', m.name);
  return removed;
end $function$;
comment on function audit.prune_month is 'Gives up the events of one whole month, named by its first day; their leaf hashes stay. Gives their number. Errors: VS404, VS409 (something of it was changed, or isn''t sealed), VS422 (younger than three years), 55P03 (the log is being read: again later). As vs_owner.';

create function audit.read_lists() returns TABLE(id uuid, at timestamp with time zone, event text, actor_id uuid, actor_role text, resource_type text, outcome text)
language sql stable security definer set debug_print_plan=off set search_path="" as $function$
  select e.id, e.at, e.event, e.actor_id, e.actor_role, e.resource_type, e.outcome
  from audit.events e where e.shown @> access.patients('patient') and access.patients('patient') <> '{}'
$function$;
comment on function audit.read_lists is 'For a patient: the lists and searches that showed them.';

create function audit.read_origin(origin uuid) returns text[]
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
declare
  organisation uuid := access.organisation_as('auditor');
  o audit.origins;
  key bytea;
begin
  select * into o from audit.origins x where x.id = origin and x.organisation_id = organisation;
  if not found or (o.ip is null and o.user_agent is null) then return null; end if;
  key := vault.unwrap(vault.ring(), organisation, 'organisation');
  return array[
    convert_from(vault.unpack(key, convert_to('audit.origins.ip', 'UTF8') || '\x00'::bytea || uuid_send(o.id) || uuid_send(organisation) || int8send(1), o.ip), 'UTF8'),
    convert_from(vault.unpack(key, convert_to('audit.origins.user_agent', 'UTF8') || '\x00'::bytea || uuid_send(o.id) || uuid_send(organisation) || int8send(1), o.user_agent), 'UTF8')];
end $function$;
comment on function audit.read_origin is 'For an auditor: address and browser of an event.';

create function audit.record_refusal(patient uuid, sqlstate text) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  if c is null then return 'signed_out'; end if;
  perform audit.append(c, 'page.refused', 'Patient', patient, case when access.may_open(c, patient, 'identity') then patient end, 'failure',
    json_build_object('sqlstate', case when ops.is_sqlstate(sqlstate) then sqlstate end)::text);
  return 'ok';
end $function$;
comment on function audit.record_refusal is 'Records that a page or a change was refused in its second transaction, and why (SQLSTATE).';

create function audit.register_signing_keys(signs bytea[], retired bytea[]) returns void
language plpgsql volatile as $function$
begin
  if cardinality(signs) > 0 is not true then
    raise exception using errcode = 'VS422', message = 'a log needs a key that signs';
  end if;
  insert into audit.signing_keys (public_key) select distinct k from unnest(signs) k on conflict do nothing;
  if exists (select from audit.signing_keys k where k.public_key = any (signs) and k.retired_at is not null) then
    raise exception using errcode = 'VS409', message = 'a signing key of VITAL_SIGNING_KEY was retired, and signs no more: vitalsync keys signing shows which';
  end if;
  update audit.signing_keys k set retired_at = clock_timestamp() where k.public_key = any (retired) and k.retired_at is null;
end $function$;
comment on function audit.register_signing_keys is 'Registers the keys that are about to sign, and ends those that don''t any more; nothing for what is so. As vs_owner. Errors: VS409 for one that was retired, VS422 for none.';

create function audit.reject_recovery(recovery uuid) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  r iam.recoveries;
begin
  if c is null then return 'signed_out'; end if;
  perform iam.lock_account((select x.account_id from iam.recoveries x where x.id = recovery and x.organisation_id = c[3]::uuid));
  select * into r from iam.recoveries x where x.id = recovery and x.organisation_id = c[3]::uuid and x.account_id <> c[2]::uuid
    and x.state = 'waiting' and iam.confirming_role(x) = c[4] for update;
  if r.id is null or not iam.session_is_live(c[1]::uuid) then
    perform audit.append(c, 'recovery.cancel', 'Recovery', null, null, 'failure');
    return case when c[4] in ('org_admin', 'secretary') then 'hidden' else 'forbidden' end;
  end if;
  perform iam.cancel_one(vault.ring(), r, c, 'colleague');
  return 'ok';
end $function$;
comment on function audit.reject_recovery is 'Somebody else of the practice knows that it isn''t them. ok, hidden, forbidden or signed_out.';

create function audit.restart_log(outside text, next_generation integer DEFAULT NULL::integer) returns text
language plpgsql volatile as $function$
declare
  log constant uuid := '00000000-0000-0000-0000-000000000001'::uuid;
  ended int;
  size bigint;
  root bytea;
  began int;
  name text;
  restart uuid;
begin
  perform pg_advisory_xact_lock(hashtextextended('audit.extend_log', 0));
  perform audit.log_origin();
  ended := audit.log_generation();
  size := audit.log_size(ended);
  root := audit.root(size, ended);
  began := greatest(ended + 1, next_generation);
  select o.origin || '/' || began into strict name from audit.log_origins o where o.generation = 1;
  restart := audit.append(array[null, null, log::text, null, null, null, null, null], 'log.restart', 'AuditEvent', null, null, 'success',
    json_build_object('origin', name, 'ended', json_build_object('origin', (select o.origin from audit.log_origins o where o.generation = ended),
                      'size', size, 'root', encode(root, 'base64')), 'outside', outside)::text);
  insert into audit.log_origins (generation, origin, leaf)
  select began, name, e.leaf from audit.events e where e.organisation_id = log and e.lane = 0 and e.id = restart;
  insert into audit.log (generation, leaf_index, organisation_id, lane, seq, hash)
  select began, 0, e.organisation_id, e.lane, e.seq, audit.leaf_hash(e.leaf) from audit.events e
  where e.organisation_id = log and e.lane = 0 and e.id = restart;
  return name;
end $function$;
comment on function audit.restart_log is 'After a restore: ends this generation of the log and begins another one, whose first leaf holds the last checkpoint known outside. Gives its origin. As vs_owner.';

create function audit.root(size bigint, generation integer DEFAULT audit.log_generation()) returns bytea
language plpgsql stable as $function$
begin
  perform audit.check_tree(generation, size);
  return audit.tree_hash(generation, 0, size);
end $function$;
comment on function audit.root is 'The root of the log when it had this size. Errors: VS422 (it hasn''t), VS500 (hashes are missing). For the DBA.';

create function audit.select_patients(claims text[], selection uuid, patients uuid[], event text, details text) returns text
language plpgsql volatile as $function$
begin
  if not audit.open_all(claims, patients, array['identity']) then return 'limited'; end if;
  -- a page that is asked for again after a lost connection brings the same id
  insert into audit.selections as s (id, session_id, patients) values (selection, claims[1]::uuid, patients)
  on conflict (id) do update set patients = excluded.patients, transaction = excluded.transaction where s.session_id = excluded.session_id;
  if not found then
    raise exception using errcode = 'VS409', message = 'this page was asked for already: load it again';
  end if;
  perform audit.append(claims, event, 'Patient', null, null, 'success', details, patients);
  return 'ok';
end $function$;
comment on function audit.select_patients is 'Opens the identity of what a list will show, and records the ids. Internal.';

create function audit.selected(selection uuid) returns uuid[]
language plpgsql stable parallel restricted security definer set debug_print_plan=off set search_path="" as $function$
begin
  return coalesce((select s.patients from audit.selections s
                   where s.id = selection and s.session_id = (access.claims())[1]::uuid
                     -- not of this transaction: what a search found is told after its record is committed
                     and s.transaction is distinct from pg_current_xact_id_if_assigned()), '{}');
end $function$;
comment on function audit.selected is 'The patients that this list or search of one''s own session shows, once an earlier transaction has committed it.';

create function audit.strays() returns TABLE(month timestamp with time zone, events bigint)
language plpgsql stable as $function$
declare
  gap record;
begin
  for gap in
    select coalesce(audit.month_after(lag(m.month) over w), '-infinity') as since, m.month as until from audit.months() m window w as (order by m.month)
    union all select coalesce(audit.month_after(max(m.month)), '-infinity'), 'infinity' from audit.months() m
  loop
    continue when gap.since = gap.until;
    return query select audit.month_of(e.at), count(*) from audit.events e
                 where e.at >= gap.since and e.at < gap.until group by 1 order by 1;
  end loop;
end $function$;
comment on function audit.strays is 'Events dated outside of the months that have a partition, by month: a clock was far off. Internal.';

create function audit.stuck_lanes() returns TABLE(organisation_id uuid, lane integer, seq bigint)
language sql stable as $function$
  select g.organisation_id, g.lane, g.joined + 1 from audit.growing_lanes() g where g.stuck order by 1, 2
$function$;
comment on function audit.stuck_lanes is 'Events that can''t join the log, since they aren''t what was chained: somebody changed them first. For the DBA.';

create function audit.subtree(generation integer, level integer, node_index bigint) returns bytea
language plpgsql stable as $function$
declare
  stored int := level - level % 4;
  first bigint := node_index << (level % 4);
  past bigint := (node_index + 1) << (level % 4);
  hashes bytea[];
begin
  if stored = 0 then
    hashes := array(select l.hash from audit.log l where l.generation = subtree.generation and l.leaf_index >= first and l.leaf_index < past order by l.leaf_index);
  else
    hashes := array(select n.hash from audit.nodes n where n.generation = subtree.generation and n.level = stored and n.node_index >= first and n.node_index < past order by n.node_index);
  end if;
  if cardinality(hashes) <> past - first then
    raise exception using errcode = 'VS500', message = format('the log is damaged: hashes of level %s from %s to %s are missing', stored, first, past - 1);
  end if;
  return audit.fold_hashes(hashes);
end $function$;
comment on function audit.subtree is 'The hash of the complete subtree of 2^level leaves that begins at node_index · 2^level. Errors: VS500 (hashes are missing). For the DBA.';

create function audit.tg_events__append_only() returns trigger
language plpgsql volatile as $function$
begin
  raise exception using errcode = 'VS403', message = format('%s is append-only', tg_table_name);
end $function$;
comment on function audit.tg_events__append_only is NULL;

create function audit.tg_row() returns trigger
language plpgsql volatile security definer set DateStyle=ISO, YMD set IntervalStyle=iso_8601 set TimeZone=UTC set bytea_output=hex set debug_print_plan=off set extra_float_digits=1 set search_path="" as $function$
declare
  c text[] := access.claims();
  before jsonb;
  after jsonb;
  content jsonb;
  columns text[];
begin
  if tg_op <> 'INSERT' then before := to_jsonb(old); end if;
  if tg_op <> 'DELETE' then after := to_jsonb(new); end if;
  -- the date of the last activity moves without an event, so the digest leaves it out
  content := coalesce(after, before) - 'last_activity_at';
  if c is null then
    -- nobody has entered: the administrator of the installation, in whose organisation's log it belongs all the same
    c := array[null, null, coalesce(content ->> 'organisation_id',
      (select t.organisation_id from access.care_teams t where t.id = (content ->> 'care_team_id')::uuid)::text,
      (select k.organisation_id from vault.keys k where k.level = 'profile'
       and k.subject_id = coalesce(content ->> 'account_id', content ->> 'id')::uuid)::text), null, null, null, null, null];
  end if;
  if tg_op = 'UPDATE' then
    select array_agg(key order by key) into columns from jsonb_each(after) a where a.value is distinct from before -> a.key;
  end if;
  perform audit.append(c, 'row.' || lower(tg_op), tg_argv[0], (content ->> coalesce(tg_argv[2], 'id'))::uuid,
    case when tg_argv[1] <> '' then (content ->> tg_argv[1])::uuid end, 'success',
    json_build_object('digest', encode(sha256(convert_to(content::text, 'UTF8')), 'hex'), 'columns', columns)::text);
  return null;
end $function$;
comment on function audit.tg_row is 'One event for each row: its digest over ciphertext, and which columns changed.';

create function audit.tg_signing_keys__keep() returns trigger
language plpgsql volatile as $function$
begin
  if tg_op = 'UPDATE' and new.public_key = old.public_key and new.since = old.since and old.retired_at is null then return new; end if;
  raise exception using errcode = 'VS403', message = 'a signing key stays on record as it is; one that is in use can be retired, once';
end $function$;
comment on function audit.tg_signing_keys__keep is 'Retiring is the one change.';

create function audit.tg_signing_keys__record() returns trigger
language plpgsql volatile as $function$
begin
  perform audit.append(array_fill(null::text, array[8]), case when tg_op = 'INSERT' then 'keys.add' else 'keys.retire' end,
    'SigningKey', null, null, 'success', json_build_object('public_key', encode(new.public_key, 'base64'))::text);
  return null;
end $function$;
comment on function audit.tg_signing_keys__record is 'In the log of the installation: keys.add or keys.retire, and the public half.';

create function audit.tree_hash(generation integer, first bigint, past bigint) returns bytea
language plpgsql stable as $function$
declare
  parts bytea[];
  level int;
  result bytea;
begin
  if past = first then return sha256(''::bytea); end if;
  -- complete subtrees from the left, each smaller than the one before, then folded from the right
  while first < past loop
    level := 0;
    while (2::bigint << level) <= past - first loop level := level + 1; end loop;
    parts := parts || audit.subtree(generation, level, first >> level);
    first := first + (1::bigint << level);
  end loop;
  result := parts[cardinality(parts)];
  for i in reverse cardinality(parts) - 1 .. 1 loop result := sha256('\x01'::bytea || parts[i] || result); end loop;
  return result;
end $function$;
comment on function audit.tree_hash is 'MTH(D[first:past]) of RFC 6962 §2.1, where first is a multiple of the largest power of two below the number of leaves. Internal.';

create function audit.tree_split(leaves bigint) returns bigint
language plpgsql immutable as $function$
declare
  k bigint := 1;
begin
  while k * 2 < leaves loop k := k * 2; end loop;
  return k;
end $function$;
comment on function audit.tree_split is 'The largest power of two below a number: where RFC 6962 §2.1 splits a tree. Internal.';

create function audit.verify() returns TABLE(lane integer, seq bigint, problem text)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  organisation uuid := access.organisation_as('auditor');
begin
  if organisation is null then
    raise exception using errcode = 'VS403', message = 'auditors verify the log';
  end if;
  return query select c.lane, c.seq, c.problem from audit.check_lanes(array[organisation]) c;
end $function$;
comment on function audit.verify is 'For an auditor: the breaks in the organisation''s chains; no row: intact.';

create function audit.verify_all() returns TABLE(organisation_id uuid, lane integer, seq bigint, problem text)
language sql stable security definer set debug_print_plan=off set search_path="" as $function$
  -- whoever is named anywhere: an organisation whose lanes were taken away is still verified
  select * from audit.check_lanes(array(select l.organisation_id from audit.lanes l union select l.organisation_id from audit.leaves l
                                        union select e.organisation_id from audit.events e))
$function$;
comment on function audit.verify_all is 'Every chain of the installation: for the DBA and `vitalsync audit verify`.';

create function audit.verify_log() returns TABLE(generation integer, leaf_index bigint, organisation_id uuid, lane integer, seq bigint, problem text)
language sql stable security definer set debug_print_plan=off set search_path="" as $function$
  select * from audit.check_log()
$function$;
comment on function audit.verify_log is 'The Merkle log against the chains: for the DBA and `vitalsync audit verify`.';

create function audit.verify_restart(generation integer) returns boolean
language sql stable security definer set debug_print_plan=off set search_path="" as $function$
  select coalesce((
    select l.hash = audit.leaf_hash(o.leaf) and o.leaf::json ->> 6 = 'log.restart' and d.says ->> 'origin' = b.origin
           and (d.says ->> 'size')::bigint = audit.log_size(b.generation)
           and decode(d.says ->> 'root', 'base64') = audit.root(audit.log_size(b.generation), b.generation)
    from audit.log_origins o
    join audit.log l on l.generation = o.generation and l.leaf_index = 0
    cross join lateral (select (o.leaf::json ->> 16)::json -> 'ended' as says) d
    cross join lateral (select x.* from audit.log_origins x where x.generation < o.generation order by x.generation desc limit 1) b
    where o.generation = $1), false)
$function$;
comment on function audit.verify_restart is 'Whether a generation of the log begins with what the one before ended with: for `vitalsync audit verify`.';

create function audit.waiting_events() returns bigint
language sql stable as $function$
  select (coalesce(sum(l.seq), 0) - (select coalesce(sum(audit.log_size(o.generation)), 0) from audit.log_origins o))::bigint from audit.lanes l
$function$;
comment on function audit.waiting_events is 'How many events haven''t joined the log yet. For the DBA.';

create function clinic.acknowledge_glass(key uuid, glass uuid) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  breaker uuid;
begin
  select x.account_id into breaker from access.broken_glass x
  where x.id = glass and x.organisation_id = c[3]::uuid and c[4] in ('dpo', 'org_admin') for update;
  if not found or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such emergency access here';
  end if;
  -- somebody may be a clinician and an administrator
  if breaker = c[2]::uuid then
    raise exception using errcode = 'VS403', message = 'somebody else looks into an emergency access of one''s own';
  end if;
  perform ops.fulfil(key, 'glass.acknowledge', glass);
  update access.broken_glass x set seen_by = c[2]::uuid, seen_at = clock_timestamp() where x.id = glass and x.seen_at is null;
  return glass;
end $function$;
comment on function clinic.acknowledge_glass is 'The DPO or an administrator notes that they looked into it; the first one stays, and nobody into their own. key: ops.intend(key, ''glass.acknowledge''). Errors: VS208, VS403, VS404, VS428.';

create function clinic.add_care_team_member(key uuid, team uuid, account uuid, role text, starts timestamp with time zone DEFAULT NULL::timestamp with time zone, ends timestamp with time zone DEFAULT NULL::timestamp with time zone) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.require_admin_of(team);
  stay uuid := ops.uuid_v7();
  period record;
begin
  perform ops.fulfil(key, 'care_teams.add_member', stay);
  if not access.is_clinician_of(account, c[3]::uuid) then
    raise exception using errcode = 'VS422', message = 'a clinician of the organisation joins a care team';
  end if;
  period := access.period(starts, ends);
  insert into access.care_team_members (id, care_team_id, account_id, role, valid_from, valid_until)
  values (stay, team, account, add_care_team_member.role, period.valid_from, period.valid_until);
  -- the team is called by its lead
  if add_care_team_member.role = 'lead' then
    update access.care_teams t set lead_account_id = account where t.id = team and t.lead_account_id <> account;
  end if;
  return stay;
exception
  when check_violation or not_null_violation then
    raise exception using errcode = 'VS422', message = 'the role is not one of the list';
  when unique_violation then
    raise exception using errcode = 'VS409', message = 'this person is in the team already, or the team has a lead';
end $function$;
comment on function clinic.add_care_team_member is 'For an administrator: somebody joins a team, from now or later, until a time or for good. key: ops.intend(key, ''care_teams.add_member''). Errors: VS208, VS403, VS404, VS409, VS422, VS428.';

create function clinic.add_care_team_patient(key uuid, team uuid, patient uuid, starts timestamp with time zone DEFAULT NULL::timestamp with time zone, ends timestamp with time zone DEFAULT NULL::timestamp with time zone) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.require_admin_of(team);
  place uuid := ops.uuid_v7();
  period record;
begin
  if (access.organisation_of(patient) = c[3]::uuid) is not true then
    raise exception using errcode = 'VS404', message = 'there is no such record here';
  end if;
  perform ops.fulfil(key, 'care_teams.add_patient', place);
  period := access.period(starts, ends);
  insert into access.care_team_patients (id, care_team_id, patient_id, valid_from, valid_until)
  values (place, team, patient, period.valid_from, period.valid_until);
  return place;
exception when unique_violation then
  raise exception using errcode = 'VS409', message = 'the team follows this patient already';
end $function$;
comment on function clinic.add_care_team_patient is 'For an administrator, who knows a record by its id alone: a team follows a patient. key: ops.intend(key, ''care_teams.add_patient''). Errors: VS208, VS403, VS404, VS409, VS422, VS428.';

create function clinic.add_patient(id uuid, organisation uuid, p jsonb) returns void
language plpgsql volatile as $function$
declare
  status text := coalesce(p ->> 'identity_status', 'provisoire');
  key bytea;
  ctx bytea := convert_to(status, 'UTF8') || uuid_send(organisation);
begin
  key := vault.create_key(vault.ring(), id, 'identity', organisation);
  perform vault.create_key(vault.ring(), id, 'clinical', organisation);
  insert into store.patients (id, organisation_id, identity_status, birth_name, used_name, first_given_name, birth_given_names,
    used_given_name, sex, birth_date, birth_place, ins_matricule, ins_oid, phone, email, address, deceased_date, last_activity_at)
  values (id, organisation, status,
    vault.seal(key, id, id, 1, ctx, 'store.patients.birth_name', p ->> 'birth_name'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.used_name', p ->> 'used_name'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.first_given_name', coalesce(p ->> 'first_given_name', '')),
    vault.seal(key, id, id, 1, ctx, 'store.patients.birth_given_names', p ->> 'birth_given_names'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.used_given_name', p ->> 'used_given_name'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.sex', coalesce(p ->> 'sex', 'unknown')),
    vault.seal(key, id, id, 1, ctx, 'store.patients.birth_date', coalesce(p ->> 'birth_date', '')),
    vault.seal(key, id, id, 1, ctx, 'store.patients.birth_place', p ->> 'birth_place'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.ins_matricule', p ->> 'ins_matricule'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.ins_oid', p ->> 'ins_oid'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.phone', p ->> 'phone'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.email', p ->> 'email'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.address', p ->> 'address'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.deceased_date', p ->> 'deceased_date'),
    coalesce((p ->> 'last_activity_at')::timestamptz, clock_timestamp()));
  perform vault.index_patient(id, p);
end $function$;
comment on function clinic.add_patient is 'Seals and stores a patient who isn''t there yet. Internal. Errors: VS409 for one who was erased, VS503.';

create function clinic.answer_request(key uuid, request uuid, answer text) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  made privacy.answers;
  patient uuid;
begin
  if (c[4] = 'dpo') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'the DPO answers';
  end if;
  select w.id, w.patient_id into made.consent_id, patient from privacy.withdrawals(c[3]::uuid) w where w.id = request;
  if patient is null then
    select r.id, r.patient_id into made.erasure_request_id, patient from privacy.erasure_requests r
    where r.id = request and r.organisation_id = c[3]::uuid and not exists (select from privacy.erasures e where e.patient_id = r.patient_id);
  end if;
  if patient is null then
    raise exception using errcode = 'VS404', message = 'there is no such request here';
  end if;
  made.id := ops.uuid_v7();
  perform ops.fulfil(key, 'requests.answer', made.id);
  if answer_request.answer = 'erasure_requested'
     and not exists (select from privacy.erasure_requests r where r.patient_id = patient and r.organisation_id = c[3]::uuid) then
    raise exception using errcode = 'VS409', message = 'no erasure was asked for: ask for it first';
  end if;
  insert into privacy.answers (id, organisation_id, consent_id, erasure_request_id, answer, answered_by)
  values (made.id, c[3]::uuid, made.consent_id, made.erasure_request_id, answer_request.answer, c[2]::uuid);
  perform audit.append(c, 'request.answer', case when made.consent_id is null then 'ErasureRequest' else 'Consent' end, request, patient, 'success',
    json_build_object('answer', answer_request.answer)::text);
  return made.id;
exception
  when check_violation or not_null_violation then
    raise exception using errcode = 'VS422', message = 'the answer is one of the list';
  when unique_violation then
    raise exception using errcode = 'VS409', message = 'somebody has answered it already';
end $function$;
comment on function clinic.answer_request is 'The DPO notes what became of a withdrawn agreement or of a request of erasure. key: ops.intend(key, ''requests.answer''). Errors: VS208, VS403, VS404, VS409, VS422, VS428.';

create function clinic.change_consent(key uuid, type text, given boolean, hash text) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  id uuid;
  withdrawn boolean;
begin
  if (c[4] = 'patient' and c[5] is not null) is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'a patient decides on their own consents';
  end if;
  -- one agrees to the words of now; no new text stands between somebody and taking an agreement back
  if not exists (select from privacy.consent_texts t where t.type = change_consent.type and encode(t.hash, 'hex') = change_consent.hash
                 and (t.version = privacy.current_version(t.type) or change_consent.given is false)) then
    raise exception using errcode = 'VS409', message = 'this text has changed since: read it again';
  end if;
  -- one after the other, so that the last row is the last word
  perform iam.lock_account(c[2]::uuid);
  -- to and fro by a program fills the log; taking back what is in force never waits
  if (given is false and access.consents_to(c[5]::uuid, type)) is not true and ops.take('consents/' || c[2], 60, 1.0 / 600) > 0 then
    raise exception using errcode = 'VS429', message = 'too many decisions in a short time';
  end if;
  withdrawn := given is false and privacy.is_needed(type) and access.consents_to(c[5]::uuid, type);
  id := privacy.record_consent(vault.ring(), c, type, given, decode(hash, 'hex'));
  if withdrawn then perform privacy.tell_of_withdrawal(vault.ring(), c[3]::uuid); end if;
  perform ops.fulfil(key, case when given then 'consents.give' else 'consents.withdraw' end, id);
  return id;
end $function$;
comment on function clinic.change_consent is 'A patient gives or withdraws a consent, with effect at once. hash: of the text that was shown. key: ops.intend(key, ''consents.give'' or ''consents.withdraw''). Errors: VS208, VS403, VS409, VS428, VS429.';

create function clinic.change_own_name(key uuid, family_name text, given_name text) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  account uuid := c[2]::uuid;
begin
  if account is null or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such account';
  end if;
  perform iam.lock_account(account);
  perform ops.fulfil(key, 'accounts.change', account);
  if ops.take('name/' || account, 5, 1.0 / 86400) > 0 then
    raise exception using errcode = 'VS429', message = 'too many changes of a name in a short time';
  end if;
  perform iam.change_name(c, account, jsonb_build_object('family_name', family_name, 'given_name', given_name));
  perform audit.append(c, 'account.change', 'Person', account, null, 'success', '{"change":"own_name"}');
  perform ops.post(vault.ring(), account, 'email', 'account_changed', '{"change":"own_name"}');
  return account;
end $function$;
comment on function clinic.change_own_name is 'One''s own name, as it is shown; what a patient''s record says of their identity stays. key: ops.intend(key, ''accounts.change''). Errors: VS208, VS404, VS422, VS428, VS429, VS470.';

create function clinic.change_registration(key uuid, registration text) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  if (c[4] = 'org_admin') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'administrators open and close the registration';
  end if;
  if (registration in ('open', 'closed')) is not true then
    raise exception using errcode = 'VS422', message = 'the registration is open or closed';
  end if;
  perform ops.fulfil(key, 'registration.change', c[3]::uuid);
  update access.organisations o set registration = change_registration.registration where o.id = c[3]::uuid;
  return c[3]::uuid;
end $function$;
comment on function clinic.change_registration is 'May patients register by themselves? open or closed. key: ops.intend(key, ''registration.change''). Errors: VS208, VS403, VS422, VS428.';

create function clinic.change_role(key uuid, account uuid, role text) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
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
end $function$;
comment on function clinic.change_role is 'For an administrator: another role, or a role again for somebody who had left. Their sessions end. key: ops.intend(key, ''accounts.change''). Errors: VS208, VS403, VS404, VS409 (nobody would administer), VS422, VS428, VS470.';

create function clinic.change_security(key uuid, notice_from integer, stop_from integer, email_codes boolean, sms_codes boolean) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  organisation uuid := access.organisation_as('org_admin');
begin
  if organisation is null or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'administrators change the settings of their organisation';
  end if;
  if (notice_from between 1 and 1000 and stop_from between notice_from and 1000 and email_codes is not null and sms_codes is not null) is not true then
    raise exception using errcode = 'VS422', message = 'telling comes before holding back, and both lie between 1 and 1000';
  end if;
  perform ops.fulfil(key, 'security.change', organisation);
  -- the row's event says which of them changed
  update access.organisations o set notice_from = change_security.notice_from, stop_from = change_security.stop_from,
    email_codes = change_security.email_codes, sms_codes = change_security.sms_codes where o.id = organisation;
  return organisation;
end $function$;
comment on function clinic.change_security is 'Thresholds and kinds of codes of one''s own organisation. key: ops.intend(key, ''security.change''). Errors: VS208, VS403, VS422, VS428, VS470.';

create function clinic.consent_proof(consent uuid) returns jsonb
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  x privacy.consents := privacy.proof_of(c, consent);
  ip text;
begin
  if x.id is null then
    raise exception using errcode = 'VS404', message = 'there is no such agreement here';
  end if;
  -- opens only if no column of the row has been changed; gone with the account's key after an erasure
  if x.ip is not null and exists (select from vault.keys k where k.subject_id = x.account_id and k.level = 'profile') then
    ip := convert_from(vault.unpack(vault.unwrap(vault.ring(), x.account_id, 'profile'),
      'privacy.consents.ip'::bytea || '\x00'::bytea || uuid_send(x.id) || uuid_send(x.account_id) || int8send(1) || privacy.consent_context(x), x.ip), 'UTF8');
  end if;
  return (select jsonb_build_object('format', 'vital-sync-consent-proof/1', 'consent', x.id, 'organisation', x.organisation_id,
    'organisation_name', o.name, 'patient', x.patient_id, 'account', x.account_id, 'session', x.session_id, 'type', x.type, 'given', x.given,
    'at', to_char(x.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'ip', ip,
    'text', jsonb_build_object('version', t.version, 'lang', t.lang, 'title', t.title, 'body', t.body, 'hash', encode(t.hash, 'hex'),
                               'published_at', to_json(t.published_at)),
    'row_digest', privacy.consent_digest(x),
    -- where it stands in the log: what `vitalsync audit verify` and an export check
    'log', coalesce((select jsonb_agg(jsonb_build_object('event', e.event, 'lane', e.lane, 'seq', e.seq, 'leaf', e.leaf,
                                        'leaf_hash', encode(sha256(convert_to(e.leaf, 'UTF8')), 'hex')) order by e.at, e.seq)
      from audit.events e where e.patient_id = x.patient_id and e.resource_type = 'Consent' and e.resource_id = x.id
        and e.event in ('row.insert', 'consent.give', 'consent.withdraw')
        -- of its own transaction: the index of a patient's events, and its partition alone
        and e.at between x.at - interval '1 minute' and x.at + interval '5 minutes'), '[]'))
  from privacy.consent_texts t, access.organisations o where t.hash = x.text_hash and o.id = x.organisation_id);
end $function$;
comment on function clinic.consent_proof is 'All that proves one consent, for the DPO and for the patient: docs/formats.md. audit.open_consent_proof goes before. Errors: VS404, VS500 if the row was changed, VS503.';

create function clinic.correct_name(key uuid, account uuid, profile jsonb) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  perform access.require_member(account);
  perform ops.fulfil(key, 'accounts.change', account);
  -- each one is a message to its person, and a row that stays
  if ops.take('names/' || c[2], 50, 1.0 / 600) > 0 then
    raise exception using errcode = 'VS429', message = 'too many changes of names in a short time';
  end if;
  perform iam.change_name(c, account, jsonb_build_object('quality', '') || profile);
  perform iam.record_account_change(c, account, 'name');
  return account;
end $function$;
comment on function clinic.correct_name is 'For an administrator: the name of somebody who works here. profile: family_name, given_name, quality. key: ops.intend(key, ''accounts.change''). Errors: VS208, VS403, VS404, VS422, VS428, VS429, VS470.';

create function clinic.create_care_team(key uuid, lead uuid) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.require_admin_of(null);
  team uuid;
begin
  if not access.is_clinician_of(lead, c[3]::uuid) then
    raise exception using errcode = 'VS422', message = 'a clinician of the organisation leads a care team';
  end if;
  team := access.create_care_team(c[3]::uuid, lead);
  perform ops.fulfil(key, 'care_teams.create', team);
  return team;
end $function$;
comment on function clinic.create_care_team is 'For an administrator: a team with its lead. key: ops.intend(key, ''care_teams.create''). Errors: VS208, VS403, VS422, VS428.';

create function clinic.disown_sign_in(key uuid, sign_in uuid) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  entry iam.sign_ins;
begin
  perform iam.lock_account(c[2]::uuid);
  select * into entry from iam.sign_ins s where s.id = sign_in and s.account_id = c[2]::uuid for update;
  if not found or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such sign-in here';
  end if;
  if entry.session_id = c[1]::uuid then
    raise exception using errcode = 'VS422', message = 'this is the sign-in that you are using';
  end if;
  perform ops.fulfil(key, 'sign_ins.disown', sign_in);
  if entry.disowned_at is null then perform iam.disown_sign_in(vault.ring(), c, entry); end if;
  return sign_in;
end $function$;
comment on function clinic.disown_sign_in is '"That wasn''t me": ends all other sessions, and nothing of that sign-in is trusted any more. key: ops.intend(key, ''sign_ins.disown''). Errors: VS208, VS404, VS422, VS428, VS470.';

create function clinic.end_all_sessions(key uuid) returns integer
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  if (c[4] = 'org_admin') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'administrators sign others out';
  end if;
  -- whoever is signing in has locked their session, and goes on to the one before: neither waits for the other
  perform iam.lock_accounts_of(c[3]::uuid);
  perform ops.fulfil(key, 'sessions.end', c[3]::uuid);
  -- an import has no account: it is the installation's, and ends with its command
  return iam.revoke_sessions(c, array(select s.id from iam.sessions s where s.organisation_id = c[3]::uuid and s.account_id is not null
    and s.revoked_at is null and s.expires_at > clock_timestamp() and s.id <> c[1]::uuid), 'administrator');
end $function$;
comment on function clinic.end_all_sessions is 'An administrator signs everybody of the organisation out, patients too; their own session goes on. Gives how many that were. key: ops.intend(key, ''sessions.end''). Errors: VS208, VS403, VS428, VS470.';

create function clinic.end_care_team_member(key uuid, stay uuid) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  m access.care_team_members;
begin
  select * into m from access.care_team_members x where x.id = stay;
  -- a team that can't be is nobody's: not found and another practice's answer alike
  perform access.require_admin_of(coalesce(m.care_team_id, '00000000-0000-0000-0000-000000000000'));
  perform ops.fulfil(key, 'care_teams.end_member', stay);
  if m.valid_until > clock_timestamp() then
    -- what has not begun never was
    update access.care_team_members x set valid_until = greatest(x.valid_from, clock_timestamp()) where x.id = stay;
  end if;
  return stay;
end $function$;
comment on function clinic.end_care_team_member is 'For an administrator: somebody leaves a team, now. key: ops.intend(key, ''care_teams.end_member''). Errors: VS208, VS403, VS404, VS428.';

create function clinic.end_care_team_patient(key uuid, place uuid) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  p access.care_team_patients;
begin
  select * into p from access.care_team_patients x where x.id = place;
  perform access.require_admin_of(coalesce(p.care_team_id, '00000000-0000-0000-0000-000000000000'));
  perform ops.fulfil(key, 'care_teams.end_patient', place);
  if p.valid_until > clock_timestamp() then
    update access.care_team_patients x set valid_until = greatest(x.valid_from, clock_timestamp()) where x.id = place;
  end if;
  return place;
end $function$;
comment on function clinic.end_care_team_patient is 'For an administrator: a team no longer follows a patient, from now. key: ops.intend(key, ''care_teams.end_patient''). Errors: VS208, VS403, VS404, VS428.';

create function clinic.end_glass(key uuid, glass uuid) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  b access.broken_glass;
begin
  select * into b from access.broken_glass x
  where x.id = glass and x.organisation_id = c[3]::uuid
    and (c[4] in ('dpo', 'org_admin') or (c[4] = 'clinician' and x.account_id = c[2]::uuid))
  for update;
  if not found or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such emergency access here';
  end if;
  perform ops.fulfil(key, 'glass.end', glass);
  if b.ends_at > clock_timestamp() then
    update access.broken_glass x set ends_at = greatest(x.broken_at, clock_timestamp()) where x.id = glass;
    perform audit.append(c, 'glass.end', 'BrokenGlass', glass, b.patient_id, 'success');
  end if;
  return glass;
end $function$;
comment on function clinic.end_glass is 'Who broke it, the DPO or an administrator ends an emergency access, now. key: ops.intend(key, ''glass.end''). Errors: VS208, VS404, VS428.';

create function clinic.end_membership(key uuid, account uuid) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
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
end $function$;
comment on function clinic.end_membership is 'For an administrator: somebody doesn''t work here any more. Sessions and stays in care teams end. key: ops.intend(key, ''accounts.change''). Errors: VS208, VS403, VS404, VS409 (nobody would administer), VS422, VS428, VS470.';

create function clinic.end_other_sessions(key uuid) returns integer
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  if c[2] is null or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such session of yours';
  end if;
  perform ops.fulfil(key, 'sessions.end', c[2]::uuid);
  return iam.revoke_account(c, c[2]::uuid, 'own', c[1]::uuid);
end $function$;
comment on function clinic.end_other_sessions is 'Ends all of one''s own sessions but this one, also sign-ins that wait for their second factor; gives how many. key: ops.intend(key, ''sessions.end''). Errors: VS208, VS404, VS428, VS470.';

create function clinic.end_own_session(key uuid, session uuid) returns integer
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  if not exists (select from iam.sessions s where s.id = session and s.account_id = c[2]::uuid) or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such session of yours';
  end if;
  perform ops.fulfil(key, 'sessions.end', session);
  return iam.revoke_sessions(c, array[session], 'own');
end $function$;
comment on function clinic.end_own_session is 'Ends one of one''s own sessions. key: ops.intend(key, ''sessions.end''). Errors: VS208, VS404, VS428, VS470.';

create function clinic.end_referral(key uuid, referral uuid) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  r store.referrals;
begin
  select * into r from store.referrals x
  where x.id = referral and x.organisation_id = c[3]::uuid
    and (c[4] = 'org_admin' or (c[4] = 'clinician' and c[2]::uuid in (x.requester_id, x.performer_id)))
  for update;
  if not found or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such referral here';
  end if;
  perform ops.fulfil(key, 'referrals.end', referral);
  if r.valid_until > clock_timestamp() then
    update store.referrals x set valid_until = greatest(x.valid_from, clock_timestamp()), ended_by = c[2]::uuid where x.id = referral;
    perform audit.append(c, 'referral.end', 'ServiceRequest', referral, r.patient_id, 'success');
  end if;
  return referral;
end $function$;
comment on function clinic.end_referral is 'Who referred, who was referred to, or an administrator ends a referral, now. key: ops.intend(key, ''referrals.end''). Errors: VS208, VS404, VS428.';

create function clinic.end_sessions_of(key uuid, account uuid) returns integer
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  if (c[4] = 'org_admin') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'administrators sign others out';
  end if;
  -- staff only: that somebody is a patient here is not the administrator's to see
  if not exists (select from access.memberships m where m.account_id = account and m.organisation_id = c[3]::uuid and m.role <> 'patient') then
    raise exception using errcode = 'VS404', message = 'there is no such member of the organisation';
  end if;
  perform ops.fulfil(key, 'sessions.end', account);
  perform iam.lock_account(account);
  -- what this person does in another organisation isn't this administrator's either
  return iam.revoke_sessions(c, array(select s.id from iam.sessions s where s.account_id = end_sessions_of.account
    and s.organisation_id = c[3]::uuid and s.role <> 'patient' and s.id <> c[1]::uuid), 'administrator');
end $function$;
comment on function clinic.end_sessions_of is 'An administrator signs a member of staff out everywhere (oneself: everywhere else); gives how many sessions that were. key: ops.intend(key, ''sessions.end''). Errors: VS208, VS403, VS404, VS428, VS470.';

create function clinic.erasure_certificate(request uuid) returns jsonb
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  found uuid;
begin
  select e.id into found from privacy.erasure_requests r join privacy.erasures e on e.patient_id = r.patient_id
  where r.id = request and r.organisation_id = access.organisation_as('dpo');
  if found is null then
    raise exception using errcode = 'VS404', message = 'there is no such erasure here';
  end if;
  return privacy.certificate(found);
end $function$;
comment on function clinic.erasure_certificate is 'For the DPO: what proves that an erasure that they asked for was done (docs/formats.md). Errors: VS404.';

create function clinic.glass_reason(glass uuid) returns text
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  b access.broken_glass;
begin
  select * into b from access.broken_glass x where x.id = glass and x.organisation_id = c[3]::uuid
    and (c[4] in ('dpo', 'org_admin') or (c[4] = 'patient' and x.patient_id = c[5]::uuid) or (c[4] = 'clinician' and x.account_id = c[2]::uuid));
  if not found or not exists (select from vault.keys k where k.subject_id = glass and k.level = 'glass') then return null; end if;
  return convert_from(vault.unpack(vault.unwrap(vault.ring(), glass, 'glass'),
    'access.broken_glass.reason'::bytea || '\x00'::bytea || uuid_send(b.id) || uuid_send(b.patient_id) || int8send(1)
      || uuid_send(b.account_id) || timestamptz_send(b.broken_at) || convert_to(b.kind, 'UTF8'), b.reason), 'UTF8');
end $function$;
comment on function clinic.glass_reason is 'Why a glass was broken, for the DPO and administrators of the organisation, the patient, and who broke it; NULL when the patient was erased.';

create function clinic.import_allergy_intolerances(patient uuid, rows jsonb) returns integer
language plpgsql volatile as $function$
declare
  key bytea := clinic.import_key(patient);
  taken int;
begin
  insert into store.allergy_intolerances (id, patient_id, clinical_status, verification_status, recorded_at,
    code, criticality, category, reaction)
  select r.id, patient, r.clinical_status, r.verification_status, r.recorded_at,
           vault.seal(key, r.id, patient, 1, convert_to(r.clinical_status || '/' || coalesce(r.verification_status, ''), 'UTF8') || coalesce(timestamptz_send(r.recorded_at), ''), 'store.allergy_intolerances.code', r.code),
           vault.seal(key, r.id, patient, 1, convert_to(r.clinical_status || '/' || coalesce(r.verification_status, ''), 'UTF8') || coalesce(timestamptz_send(r.recorded_at), ''), 'store.allergy_intolerances.criticality', r.criticality),
           vault.seal(key, r.id, patient, 1, convert_to(r.clinical_status || '/' || coalesce(r.verification_status, ''), 'UTF8') || coalesce(timestamptz_send(r.recorded_at), ''), 'store.allergy_intolerances.category', r.category),
           vault.seal(key, r.id, patient, 1, convert_to(r.clinical_status || '/' || coalesce(r.verification_status, ''), 'UTF8') || coalesce(timestamptz_send(r.recorded_at), ''), 'store.allergy_intolerances.reaction', r.reaction)
  from (select clinic.source_id(x ->> 'source') as id, x ->> 'clinical_status' as clinical_status, x ->> 'verification_status' as verification_status, (x ->>
        'recorded_at')::timestamptz as recorded_at, x ->> 'code' as code, x ->> 'criticality' as criticality, x ->>
        'category' as category, x ->> 'reaction' as reaction
        from jsonb_array_elements(rows) x offset 0) r
  on conflict (id) do nothing;
  get diagnostics taken = row_count;
  return taken;
end $function$;
comment on function clinic.import_allergy_intolerances is 'Internal: clinic.import_rows calls it.';

create function clinic.import_conditions(patient uuid, rows jsonb) returns integer
language plpgsql volatile as $function$
declare
  key bytea := clinic.import_key(patient);
  taken int;
begin
  insert into store.conditions (id, patient_id, clinical_status, verification_status, onset_at, abatement_at, recorded_at,
    code)
  select r.id, patient, r.clinical_status, r.verification_status, r.onset_at, r.abatement_at, r.recorded_at,
           vault.seal(key, r.id, patient, 1, convert_to(r.clinical_status || '/' || coalesce(r.verification_status, ''), 'UTF8') || timestamptz_send(coalesce(r.onset_at, 'infinity')) ||
             timestamptz_send(coalesce(r.abatement_at, 'infinity')) || timestamptz_send(coalesce(r.recorded_at, 'infinity')), 'store.conditions.code', r.code)
  from (select clinic.source_id(x ->> 'source') as id, x ->> 'clinical_status' as clinical_status, x ->> 'verification_status' as verification_status, (x ->>
        'onset_at')::timestamptz as onset_at, (x ->> 'abatement_at')::timestamptz as abatement_at, (x ->>
        'recorded_at')::timestamptz as recorded_at, x ->> 'code' as code
        from jsonb_array_elements(rows) x offset 0) r
  on conflict (id) do nothing;
  get diagnostics taken = row_count;
  return taken;
end $function$;
comment on function clinic.import_conditions is 'Internal: clinic.import_rows calls it.';

create function clinic.import_encounters(patient uuid, rows jsonb) returns integer
language plpgsql volatile as $function$
declare
  key bytea := clinic.import_key(patient);
  taken int;
begin
  insert into store.encounters (id, patient_id, started_at, ended_at, status,
    class, type, reason, participant)
  select r.id, patient, r.started_at, r.ended_at, r.status,
           vault.seal(key, r.id, patient, 1, timestamptz_send(r.started_at) || timestamptz_send(coalesce(r.ended_at, 'infinity')) || convert_to(r.status, 'UTF8'), 'store.encounters.class', r.class),
           vault.seal(key, r.id, patient, 1, timestamptz_send(r.started_at) || timestamptz_send(coalesce(r.ended_at, 'infinity')) || convert_to(r.status, 'UTF8'), 'store.encounters.type', r.type),
           vault.seal(key, r.id, patient, 1, timestamptz_send(r.started_at) || timestamptz_send(coalesce(r.ended_at, 'infinity')) || convert_to(r.status, 'UTF8'), 'store.encounters.reason', r.reason),
           vault.seal(key, r.id, patient, 1, timestamptz_send(r.started_at) || timestamptz_send(coalesce(r.ended_at, 'infinity')) || convert_to(r.status, 'UTF8'), 'store.encounters.participant', r.participant)
  from (select clinic.source_id(x ->> 'source') as id, (x ->> 'started_at')::timestamptz as started_at, (x ->> 'ended_at')::timestamptz as ended_at, x ->> 'status'
        as status, x ->> 'class' as class, x ->> 'type' as type, x ->> 'reason' as reason, x ->> 'participant' as
        participant
        from jsonb_array_elements(rows) x offset 0) r
  on conflict (id) do nothing;
  get diagnostics taken = row_count;
  update store.patients p set last_activity_at = greatest(p.last_activity_at, m.at)
  from (select max((x ->> 'started_at')::timestamptz) as at from jsonb_array_elements(rows) x) m
  where p.id = patient and m.at > p.last_activity_at;
  return taken;
end $function$;
comment on function clinic.import_encounters is 'Internal: clinic.import_rows calls it.';

create function clinic.import_key(patient uuid) returns bytea
language plpgsql volatile as $function$
declare
  c text[] := access.claims();
begin
  if (c[4] = 'import' and iam.session_is_live(c[1]::uuid) and access.organisation_of(patient) = c[3]::uuid) is not true then
    raise exception using errcode = 'VS404', message = 'there is no such record here';
  end if;
  if access.has_withdrawn(patient, array['data_processing', 'medical_record_storage']) then
    raise exception using errcode = 'VS409', message = 'the patient has withdrawn the agreement that taking in needs';
  end if;
  return vault.unwrap(vault.ring(), patient, 'clinical');
end $function$;
comment on function clinic.import_key is 'Internal. Errors: VS404, VS409 against the patient''s word (0310).';

create function clinic.import_medication_requests(patient uuid, rows jsonb) returns integer
language plpgsql volatile as $function$
declare
  key bytea := clinic.import_key(patient);
  taken int;
begin
  insert into store.medication_requests (id, patient_id, status, intent, authored_at,
    medication, dosage)
  select r.id, patient, r.status, r.intent, r.authored_at,
           vault.seal(key, r.id, patient, 1, timestamptz_send(r.authored_at) || convert_to(r.status || '/' || r.intent, 'UTF8'), 'store.medication_requests.medication', r.medication),
           vault.seal(key, r.id, patient, 1, timestamptz_send(r.authored_at) || convert_to(r.status || '/' || r.intent, 'UTF8'), 'store.medication_requests.dosage', r.dosage)
  from (select clinic.source_id(x ->> 'source') as id, x ->> 'status' as status, x ->> 'intent' as intent, (x ->> 'authored_at')::timestamptz as authored_at, x ->>
        'medication' as medication, x ->> 'dosage' as dosage
        from jsonb_array_elements(rows) x offset 0) r
  on conflict (id) do nothing;
  get diagnostics taken = row_count;
  return taken;
end $function$;
comment on function clinic.import_medication_requests is 'Internal: clinic.import_rows calls it.';

create function clinic.import_notes(patient uuid, rows jsonb) returns integer
language plpgsql volatile as $function$
declare
  key bytea := clinic.import_key(patient);
  x jsonb;
  taken int := 0;
begin
  for x in select * from jsonb_array_elements(rows) loop
    if not exists (select from access.memberships m where m.account_id = (x ->> 'author_id')::uuid
                   and m.organisation_id = access.organisation_id() and m.role = 'clinician') then
      raise exception using errcode = 'VS422', message = 'the author of a note is a clinician of the organisation';
    end if;
    taken := taken + store.insert_note(key, clinic.source_id(x ->> 'source'), patient, (x ->> 'author_id')::uuid,
                                       (x ->> 'created_at')::timestamptz, x);
  end loop;
  return taken;
end $function$;
comment on function clinic.import_notes is 'Internal: clinic.import_rows calls it.';

create function clinic.import_observations(patient uuid, rows jsonb) returns integer
language plpgsql volatile as $function$
declare
  key bytea := clinic.import_key(patient);
  taken int;
begin
  insert into store.observations (id, patient_id, category, effective_at, status,
    code, value)
  select r.id, patient, r.category, r.effective_at, r.status,
           vault.seal(key, r.id, patient, 1, timestamptz_send(r.effective_at) || convert_to(r.category || '/' || r.status, 'UTF8'), 'store.observations.code', r.code),
           vault.seal(key, r.id, patient, 1, timestamptz_send(r.effective_at) || convert_to(r.category || '/' || r.status, 'UTF8'), 'store.observations.value', r.value)
  from (select clinic.source_id(x ->> 'source') as id, x ->> 'category' as category, (x ->> 'effective_at')::timestamptz as effective_at, x ->> 'status' as status,
        x ->> 'code' as code, x ->> 'value' as value
        from jsonb_array_elements(rows) x offset 0) r
  on conflict (id) do nothing;
  get diagnostics taken = row_count;
  return taken;
end $function$;
comment on function clinic.import_observations is 'Internal: clinic.import_rows calls it.';

create function clinic.import_patient(p jsonb, OUT id uuid, OUT taken boolean) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  if (c[4] = 'import') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'patients are imported in a session of the import';
  end if;
  if coalesce(p ->> 'birth_name', '') = '' or coalesce(p ->> 'source', '') = '' then
    raise exception using errcode = 'VS422', message = 'a patient has a source and a birth name';
  end if;
  id := clinic.source_id(p ->> 'source');
  if exists (select from privacy.erasures e where e.patient_id = import_patient.id) then
    id := null;
    taken := false;
    return;
  end if;
  -- from elsewhere nothing is taken in against the patient's word (0310)
  if access.has_withdrawn(import_patient.id, array['data_processing', 'medical_record_storage']) then
    id := null;
    taken := null;
    return;
  end if;
  taken := not exists (select from store.patients x where x.id = import_patient.id);
  if taken then
    perform clinic.add_patient(id, c[3]::uuid, p);
  end if;
  -- a period that an administrator has ended stays ended
  if not exists (select from access.care_team_patients x where x.care_team_id = c[7]::uuid and x.patient_id = import_patient.id) then
    insert into access.care_team_patients (care_team_id, patient_id) values (c[7]::uuid, import_patient.id) on conflict do nothing;
  end if;
end $function$;
comment on function clinic.import_patient is 'Takes a patient into the organisation and the care team of the import''s session; a source that is there already is left as it is, and one that was erased isn''t taken in again (id is NULL), nor one who has withdrawn what it needs (both are NULL). Errors: VS403, VS422.';

create function clinic.import_rows(patient uuid, type text, rows jsonb) returns integer
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
begin
  return case type
    when 'encounters' then clinic.import_encounters(patient, rows)
    when 'conditions' then clinic.import_conditions(patient, rows)
    when 'observations' then clinic.import_observations(patient, rows)
    when 'medication_requests' then clinic.import_medication_requests(patient, rows)
    when 'allergy_intolerances' then clinic.import_allergy_intolerances(patient, rows)
    when 'notes' then clinic.import_notes(patient, rows)
  end;
exception
  -- no message of Postgres here: it could quote what was imported
  when check_violation or not_null_violation or data_exception then
    raise exception using errcode = 'VS422', message = format('a row of %s has a value that this type doesn''t take', type);
end $function$;
comment on function clinic.import_rows is 'Takes an array of rows of one type into one patient''s record; gives how many were new. Errors: VS404, VS422.';

create function clinic.invite_member(key uuid, role text, email text, profile jsonb, lang text DEFAULT 'fr'::text) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  account uuid;
begin
  if (c[4] = 'org_admin') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'administrators invite people who work here';
  end if;
  if (role in ('clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher')) is not true then
    raise exception using errcode = 'VS422', message = 'the role is not one of the list';
  end if;
  -- first: a form that is sent twice must not meet its own invitation
  perform ops.fulfil(key, 'accounts.invite', null);
  account := iam.invite(vault.ring(), c[3]::uuid, role, email, profile, lang);
  perform access.limit_invitations(c, account);
  perform iam.send_invitation(vault.ring(), account);
  perform audit.append(c, 'account.invite', 'Person', account, null, 'success', json_build_object('role', role)::text);
  return account;
exception when unique_violation then
  raise exception using errcode = 'VS409', message = 'somebody of the practice has this e-mail address';
end $function$;
comment on function clinic.invite_member is 'For an administrator: invites somebody to work here. profile: family_name, given_name, quality, rpps. key: ops.intend(key, ''accounts.invite''). Errors: VS208, VS403, VS409, VS422, VS428, VS429, VS470.';

create function clinic.invite_patient(key uuid, patient uuid, email text, lang text DEFAULT 'fr'::text) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  p record;
  way text;
  account uuid;
begin
  if (c[4] in ('secretary', 'clinician')) is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'the care team and secretaries invite patients';
  end if;
  -- an erasure that is under way comes first; and two who invite the same patient come one after the other
  perform from store.patients x where x.id = patient for no key update;
  way := access.way_in(c[4], c[2]::uuid, c[3]::uuid, null, patient);
  if way is null then
    raise exception using errcode = 'VS404', message = 'there is no such record here';
  end if;
  if c[4] = 'clinician' and way <> 'care_team' then
    raise exception using errcode = 'VS403', message = 'somebody of the care team invites a patient';
  end if;
  perform ops.fulfil(key, 'accounts.invite', patient);
  if exists (select from access.memberships m where m.patient_id = patient and m.valid_until > clock_timestamp()) then
    raise exception using errcode = 'VS409', message = 'this patient has an account, or was invited';
  end if;
  select x.birth_name, x.used_name, x.first_given_name, x.used_given_name, x.email into p from clinic.patients x where x.id = patient;
  if c[4] = 'secretary' and lower(btrim(email)) is distinct from lower(btrim(p.email)) then
    raise exception using errcode = 'VS422', message = 'a secretary invites a patient at the address that the record has';
  end if;
  account := iam.invite(vault.ring(), c[3]::uuid, 'patient', email, jsonb_build_object(
    'family_name', left(coalesce(nullif(p.used_name, ''), p.birth_name), 100),
    'given_name', left(coalesce(nullif(p.used_given_name, ''), p.first_given_name), 100)), lang, patient);
  perform access.limit_invitations(c, account);
  perform iam.send_invitation(vault.ring(), account);
  perform audit.append(c, 'account.invite', 'Person', account, patient, 'success', '{"role":"patient"}');
  return account;
exception when unique_violation then
  raise exception using errcode = 'VS409', message = 'this patient has an account, or was invited';
end $function$;
comment on function clinic.invite_patient is 'For a secretary, and the care team: invites a patient to their own record, which an earlier transaction opened. key: ops.intend(key, ''accounts.invite''). Errors: VS208, VS403, VS404, VS409, VS422, VS428, VS429, VS470.';

create function clinic.is_identity(p jsonb) returns boolean
language plpgsql stable as $function$
begin
  return coalesce(p ->> 'birth_name' ~ '[[:alpha:]]' and p ->> 'first_given_name' ~ '[[:alpha:]]'
    and p ->> 'sex' in ('female', 'male', 'unknown')
    and p ->> 'birth_date' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' and (p ->> 'birth_date')::date between '1890-01-01' and current_date
    and coalesce(p ->> 'birth_place', '') ~ '^([0-9][0-9AB][0-9]{3})?$' and coalesce(p ->> 'phone', '') ~ '^(\+[0-9]{6,15})?$'
    and not exists (select from jsonb_each_text(p) e where not iam.is_name(e.value, 100)
                    or e.key not in ('birth_name', 'used_name', 'first_given_name', 'birth_given_names', 'used_given_name', 'sex', 'birth_date', 'birth_place', 'phone')), false);
exception when others then
  return false;  -- the text of that error would hold the date
end $function$;
comment on function clinic.is_identity is 'Are these traits of an identity, and nothing else? birth_date: YYYY-MM-DD; birth_place: INSEE code; phone: E.164. Internal.';

create function clinic.make_referral(key uuid, patient uuid, performer uuid, priority text, reason text, until timestamp with time zone) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  r store.referrals;
  way text;
begin
  if (c[4] = 'clinician') is not true then
    raise exception using errcode = 'VS403', message = 'clinicians refer patients';
  end if;
  -- an erasure that is under way comes first, or this would lead to somebody who was erased
  perform from store.patients p where p.id = patient for key share;
  way := access.way_in(c[4], c[2]::uuid, c[3]::uuid, null, patient);
  if way is null then
    raise exception using errcode = 'VS404', message = 'there is no such record here';
  end if;
  if way <> 'care_team' then
    raise exception using errcode = 'VS403', message = 'somebody of the care team refers a patient';
  end if;
  -- somebody else who sees the record: the patient agrees to it (0310, CSP L1110-4 III)
  if access.has_withdrawn(patient, array['data_processing']) then
    raise exception using errcode = 'VS409', message = 'the patient has withdrawn the agreement that sharing needs: ask them first';
  end if;
  if vault.words(left(reason, 4000)) = '{}' or length(reason) > 4000 then
    raise exception using errcode = 'VS422', message = 'a referral has a reason, of 4,000 characters at most';
  end if;
  -- whoever doesn't work here and whoever doesn't exist are the same to the caller
  if performer = c[2]::uuid or not access.is_clinician_of(performer, c[3]::uuid) then
    raise exception using errcode = 'VS422', message = 'a referral goes to another clinician of the organisation';
  end if;
  r.id := ops.uuid_v7();
  perform ops.fulfil(key, 'referrals.make', r.id);
  r.organisation_id := c[3]::uuid;
  r.patient_id := patient;
  r.requester_id := c[2]::uuid;
  r.performer_id := performer;
  r.priority := make_referral.priority;
  r.valid_from := clock_timestamp();
  r.valid_until := until;
  r.reason := vault.seal(vault.writing_key(patient, 'clinical'), r.id, patient, 1, store.referral_context(r), 'store.referrals.reason', reason);
  insert into store.referrals values (r.*);
  perform audit.append(c, 'referral.make', 'ServiceRequest', r.id, patient, 'success', json_build_object('performer', performer)::text);
  return r.id;
exception when check_violation or not_null_violation then
  raise exception using errcode = 'VS422', message = 'the urgency is one of the list, and the referral ends within 180 days';
end $function$;
comment on function clinic.make_referral is 'Somebody of the care team refers a patient to a colleague, who sees the record until then. key: ops.intend(key, ''referrals.make''); the patient was opened in an earlier transaction. Errors: VS208, VS403, VS404, VS422, VS428.';

create function clinic.open_profile(account uuid, row_id uuid, labels bytea[], sealed bytea[]) returns text[]
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  key bytea;
  opened text[];
begin
  if (c[2]::uuid = account and iam.session_is_live(c[1]::uuid)) is not true then return null; end if;
  key := vault.unwrap(vault.ring(), account, 'profile');
  for i in 1 .. cardinality(labels) loop
    opened[i] := convert_from(vault.unpack(key, labels[i] || '\x00'::bytea || uuid_send(row_id) || uuid_send(account) || int8send(1), sealed[i]), 'UTF8');
  end loop;
  return opened;
end $function$;
comment on function clinic.open_profile is 'One''s own values from a sealed table of users; NULL for anybody else''s. Errors: VS401, VS500.';

create function clinic.read_accounts() returns TABLE(id uuid, display_name text, role text, email text, status text, second_factor boolean, methods text[], open_sessions integer, last_seen_at timestamp with time zone, last_sign_in_at timestamp with time zone, invitation_expires_at timestamp with time zone, accepted boolean)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
#variable_conflict use_column
declare
  organisation uuid := access.organisation_as('org_admin');
begin
  return query
  select a.id, iam.person_name(a.id), m.role,
         -- where somebody was invited to, whoever has that address (0290)
         convert_from(vault.unpack(vault.unwrap(vault.ring(), a.id, 'profile'),
           case when a.status = 'invited' then iam.invitation_aad(a.id) else iam.profile_aad(a.id, 'email') end,
           case when a.status = 'invited' then i.email else a.email end), 'UTF8'),
         case when m.valid_until <= clock_timestamp() then 'ended' else a.status end,
         f.methods && '{totp,passkey,sms_code}', f.methods, s.open_sessions, s.last_seen_at, a.last_sign_in_at,
         case when a.status = 'invited' then i.expires_at end, i.accepted_at is not null
  -- staff only: that somebody is a patient here is not the administrator's to see
  from (select distinct on (x.account_id) x.* from access.memberships x
        where x.organisation_id = organisation and x.role <> 'patient'
        order by x.account_id, x.valid_until desc, x.valid_from desc, x.id) m
  join iam.accounts a on a.id = m.account_id
  left join iam.invitations i on i.account_id = a.id
  left join lateral (select iam.methods_of(a.id) as methods) f on true
  left join lateral (select count(*)::int as open_sessions, max(x.last_seen_at) as last_seen_at from iam.sessions x
                     where x.account_id = a.id and x.organisation_id = organisation and x.factors = 2 and x.revoked_at is null
                       and x.expires_at > clock_timestamp() and x.last_seen_at > clock_timestamp() - interval '30 minutes') s on true
  where i.withdrawn_at is null
  order by m.role, m.id;
end $function$;
comment on function clinic.read_accounts is 'For an administrator.';

create function clinic.read_colleagues() returns TABLE(account_id uuid, display_name text)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  if (c[4] in ('clinician', 'org_admin')) is not true then
    raise exception using errcode = 'VS403', message = 'clinicians and administrators see who works here';
  end if;
  return query
    select m.account_id, iam.person_name(m.account_id) from access.memberships m
    where m.organisation_id = c[3]::uuid and m.role = 'clinician' and m.account_id <> c[2]::uuid and access.membership_is_live(m.id)
    order by m.id;
end $function$;
comment on function clinic.read_colleagues is 'The other clinicians who work in the organisation now: to refer to, or for a care team. Errors: VS403.';

create function clinic.read_consent_counts() returns TABLE(type text, version text, present boolean, given bigint, withdrawn bigint)
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
declare
  organisation uuid := access.organisation_as('dpo');
begin
  if organisation is null then return; end if;
  return query
  with latest as materialized (
    select distinct on (c.patient_id, c.type) c.patient_id, c.type, c.given, c.text_hash
    from privacy.consents c where c.organisation_id = organisation order by c.patient_id, c.type, c.seq desc
  ), counted as (
    select t.type, t.version, count(*) filter (where l.given) as given, count(*) filter (where not l.given) as withdrawn
    from latest l join privacy.consent_texts t on t.hash = l.text_hash
    where not exists (select from privacy.erasures e where e.patient_id = l.patient_id) group by t.type, t.version
  )
  select v.type, v.version, v.version = privacy.current_version(v.type), coalesce(n.given, 0), coalesce(n.withdrawn, 0)
  from (select distinct t.type, t.version from privacy.consent_texts t) v left join counted n using (type, version)
  order by array_position(array['data_processing', 'medical_record_storage', 'telemedicine_usage', 'mes_sharing', 'research_anonymized', 'marketing'], v.type),
           v.version desc;
end $function$;
comment on function clinic.read_consent_counts is 'For a DPO: how many patients'' last word on each text is yes, and no.';

create function clinic.read_consents() returns TABLE(type text, version text, lang text, needed boolean, title text, body text, hash text, given boolean, at timestamp with time zone, agreed_version text)
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  return query
  select t.type, t.version, t.lang, privacy.is_needed(t.type), t.title, t.body, encode(t.hash, 'hex'),
         coalesce(l.given, false), l.at, l.version
  from privacy.consent_texts t
  left join lateral (select x.given, x.at, y.version from privacy.consents x join privacy.consent_texts y on y.hash = x.text_hash
                     where x.patient_id = c[5]::uuid and x.type = t.type order by x.seq desc limit 1) l on true
  where c[4] = 'patient' and t.version = privacy.current_version(t.type)
  order by array_position(array['data_processing', 'medical_record_storage', 'telemedicine_usage', 'mes_sharing', 'research_anonymized', 'marketing'], t.type);
end $function$;
comment on function clinic.read_consents is 'For a patient.';

create function clinic.read_emergency_search(search uuid) returns TABLE(state text, patient_id uuid)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
#variable_conflict use_column
declare
  c text[] := access.claims();
begin
  return query
  select case when s.matches = 0 then 'none' when s.matches > 1 then 'several' when v.sees then 'yours' else 'one' end,
         -- an id only of somebody whom one sees anyway
         case when v.sees then s.patient_id end
  from access.emergency_searches s
  cross join lateral (select s.patient_id is not null and access.sees(c[4], c[2]::uuid, c[3]::uuid, null, s.patient_id) as sees) v
  where s.id = search and s.session_id = c[1]::uuid and c[4] = 'clinician'
    -- not of this transaction: what a search found is told after its record is committed
    and s.transaction is distinct from pg_current_xact_id_if_assigned()
    and s.made_at > clock_timestamp() - interval '15 minutes';
end $function$;
comment on function clinic.read_emergency_search is 'What one''s own emergency search found: none, one, several, or yours (with the id) for a patient whom one sees.';

create function clinic.read_erasure_requests() returns TABLE(id uuid, patient_id uuid, ground text, reason text, requested_by uuid, requested_by_name text, requested_at timestamp with time zone, erased_at timestamp with time zone, complete_from timestamp with time zone, due_at timestamp with time zone, held_until integer, answer text, answered_at timestamp with time zone)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  organisation uuid := access.organisation_as('dpo');
  ring text;
begin
  if organisation is null then return; end if;
  ring := vault.ring();
  return query
    select r.id, r.patient_id, r.ground,
           -- once it was done, the reason is forgotten with the patient
           case when e.id is null then
             convert_from(vault.unpack(vault.unwrap(ring, r.patient_id, 'identity'), convert_to('privacy.erasure_requests.reason', 'UTF8') || '\x00'::bytea
               || uuid_send(r.id) || uuid_send(r.patient_id) || int8send(1) || convert_to(r.ground, 'UTF8'), r.reason), 'UTF8') end,
           r.requested_by, iam.person_name(r.requested_by), r.requested_at, e.erased_at, e.complete_from, privacy.due(r.requested_at),
           case when e.id is null then privacy.held_until(ring, r.patient_id, r.ground) end, a.answer, a.answered_at
    from privacy.erasure_requests r left join privacy.erasures e on e.patient_id = r.patient_id
    left join privacy.answers a on a.erasure_request_id = r.id
    where r.organisation_id = organisation order by r.requested_at desc;
end $function$;
comment on function clinic.read_erasure_requests is 'For a DPO: what was asked for in the organisation, and what became of it; no reason any more once it was done. due_at: a month to answer (RGPD art. 12(3)); held_until: the year until which the law keeps the record.';

create function clinic.read_me() returns TABLE(account_id uuid, organisation_id uuid, organisation_name text, role text, display_name text, patient_id uuid, session_expires_at timestamp with time zone, idle_expires_at timestamp with time zone, glass_id uuid, glass_kind text, glass_reason text, glass_ends_at timestamp with time zone)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
#variable_conflict use_column
declare
  c text[] := access.claims();
  session uuid := c[1]::uuid;
  glass access.broken_glass;
begin
  -- the patient on the page is seen through a broken glass: every page about them says so
  if c[9] is not null then select * into glass from access.broken_glass b where b.id = c[9]::uuid; end if;
  return query
  select s.account_id, s.organisation_id, o.name, s.role, iam.person_name(s.account_id), s.patient_id, s.expires_at,
         s.last_seen_at + interval '30 minutes', glass.id, glass.kind, case when glass.id is not null then clinic.glass_reason(glass.id) end, glass.ends_at
  from iam.sessions s join access.organisations o on o.id = s.organisation_id
  where s.id = session;
end $function$;
comment on function clinic.read_me is 'Oneself; and the broken glass that the patient on the page is seen through, if so.';

create function clinic.read_name(account uuid) returns TABLE(family_name text, given_name text, quality text, former text)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  -- a patient's isn't the administrator's to see; who was invited and never came has none any more
  if (c[4] = 'org_admin' and access.knows(c, account)
      and not exists (select from iam.invitations i where i.account_id = account and i.withdrawn_at is not null)) is not true then return; end if;
  return query select * from iam.read_name_of(account);
end $function$;
comment on function clinic.read_name is 'For an administrator: the same of somebody who works here; no row for anybody else.';

create function clinic.read_own_name() returns TABLE(family_name text, given_name text, quality text, former text)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  if c[2] is null then return; end if;
  return query select * from iam.read_name_of(c[2]::uuid);
end $function$;
comment on function clinic.read_own_name is 'One''s own name in its parts. former: names before, JSON (until, own: changed by the person, name).';

create function clinic.read_own_sessions() returns TABLE(id uuid, current boolean, ip text, user_agent text, place text, methods text[], created_at timestamp with time zone, last_seen_at timestamp with time zone, ended_at timestamp with time zone, ended_because text)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
#variable_conflict use_column
declare
  c text[] := access.claims();
  key bytea := vault.unwrap(vault.ring(), c[2]::uuid, 'profile');
begin
  return query
  select s.id, s.id = c[1]::uuid, o.o[1], o.o[2], f.facts ->> 'place', s.methods, s.created_at, s.last_seen_at, s.revoked_at, s.revoked_because
  from (select x.* from iam.sessions x
        where x.account_id = c[2]::uuid and x.factors = 2
          and (case when x.revoked_at is null
                    then x.expires_at > clock_timestamp() and x.last_seen_at > clock_timestamp() - interval '30 minutes'
                    else x.revoked_at > clock_timestamp() - interval '1 day' end)
        order by x.id desc limit 50) s
  left join lateral (select iam.origin_of(s) as o offset 0) o on true
  -- where that seemed to be (0099_sign_ins)
  left join lateral (select iam.read_facts(key, i) as facts from iam.sign_ins i where i.session_id = s.id) f on true;
end $function$;
comment on function clinic.read_own_sessions is 'One''s own sessions: those that are open, and those that were ended within a day.';

create function clinic.read_own_sign_ins() returns TABLE(id uuid, at timestamp with time zone, current boolean, methods text[], signals text[], score integer, outcome text, released_at timestamp with time zone, disowned_at timestamp with time zone, undone text[], ip text, user_agent text, place text, km integer, minutes integer, failures integer)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
#variable_conflict use_column
declare
  c text[] := access.claims();
  account uuid := c[2]::uuid;
  key bytea;
begin
  if account is null then return; end if;
  key := vault.unwrap(vault.ring(), account, 'profile');
  return query
  select s.id, s.at, s.session_id = c[1]::uuid, x.methods, s.signals, s.score, s.outcome, s.released_at, s.disowned_at, s.undone,
         f.facts ->> 'ip', f.facts ->> 'user_agent', f.facts ->> 'place', (f.facts ->> 'km')::int, (f.facts ->> 'minutes')::int, (f.facts ->> 'failures')::int
  from (select y as entry, y.* from iam.sign_ins y where y.account_id = account and y.at > clock_timestamp() - interval '90 days' order by y.at desc limit 50) s
  join iam.sessions x on x.id = s.session_id
  cross join lateral (select iam.read_facts(key, s.entry) as facts offset 0) f
  order by s.at desc;
end $function$;
comment on function clinic.read_own_sign_ins is 'One''s own sign-ins of 90 days, the last 50.';

create function clinic.read_patient_account(patient uuid) returns TABLE(account_id uuid, status text, email text, expires_at timestamp with time zone, last_sign_in_at timestamp with time zone)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  if (c[4] in ('secretary', 'clinician')) is not true or not access.may_open(c, patient, 'identity') then return; end if;
  return query
  select a.id, a.status,
         convert_from(vault.unpack(vault.unwrap(vault.ring(), a.id, 'profile'),
           case when i.email is null then iam.profile_aad(a.id, 'email') else iam.invitation_aad(a.id) end, coalesce(i.email, a.email)), 'UTF8'),
         i.expires_at, a.last_sign_in_at
  from access.memberships m join iam.accounts a on a.id = m.account_id left join iam.invitations i on i.account_id = a.id
  where m.patient_id = patient and m.organisation_id = c[3]::uuid and m.valid_until > clock_timestamp();
end $function$;
comment on function clinic.read_patient_account is 'For whoever sees this patient: the account that leads to the record, or was invited to; no row for none.';

create function clinic.read_patient_consents(patient uuid) returns TABLE(type text, agreed boolean, decided_at timestamp with time zone)
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  -- opened in an earlier transaction, like all that a page shows of a patient
  if (c[4] in ('clinician', 'secretary') and access.may_open(c, patient, 'identity') and audit.is_open(c[1]::uuid, patient, 'identity')) is not true then
    return;
  end if;
  return query
  select t.t, access.consents_to(patient, t.t),
         (select x.at from privacy.consents x where x.patient_id = patient and x.type = t.t order by x.seq desc limit 1)
  -- no research, no marketing: what somebody answers there is no business of who treats them
  from unnest(case c[4] when 'clinician' then array['data_processing', 'medical_record_storage', 'telemedicine_usage', 'mes_sharing']
              else array['telemedicine_usage'] end) with ordinality t (t, place)
  order by t.place;
end $function$;
comment on function clinic.read_patient_consents is 'What a patient agrees to now, for who treats them, and whether they may be seen remotely, for a secretary. decided_at: NULL for what they never were asked. Nothing unless audit.open_patient went before.';

create function clinic.read_privacy_tasks() returns TABLE(kind text, id uuid, patient_id uuid, what text, since timestamp with time zone, due_at timestamp with time zone)
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
declare
  organisation uuid := access.organisation_as('dpo');
begin
  return query
  select 'erasure', r.id, r.patient_id, r.ground, r.requested_at, privacy.due(r.requested_at)
  from privacy.erasure_requests r
  where r.organisation_id = organisation and not exists (select from privacy.erasures e where e.patient_id = r.patient_id)
    and not exists (select from privacy.answers a where a.erasure_request_id = r.id)
  union all
  select 'withdrawal', w.id, w.patient_id, w.type, w.at, privacy.due(w.at)
  from privacy.withdrawals(organisation) w
  where w.again is null and not exists (select from privacy.answers a where a.consent_id = w.id)
  union all
  -- no law gives these a day; they come after what has one
  select 'glass', b.id, b.patient_id, b.kind, b.broken_at, null
  from access.broken_glass b where b.organisation_id = organisation and b.seen_at is null;
end $function$;
comment on function clinic.read_privacy_tasks is 'For a DPO.';

create function clinic.read_recoveries() returns TABLE(id uuid, display_name text, role text, lost text, asked_at timestamp with time zone, ready_at timestamp with time zone, confirmed_at timestamp with time zone, confirmed_by_name text)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
#variable_conflict use_column
declare
  c text[] := access.claims();
  r iam.recoveries;
  a iam.accounts;
  key bytea;
begin
  if (c[4] in ('org_admin', 'secretary')) is not true then return; end if;
  for r in select * from iam.recoveries x where x.organisation_id = c[3]::uuid and x.state = 'waiting' and x.ends_at > clock_timestamp()
             and x.account_id <> c[2]::uuid and iam.confirming_role(x) = c[4] order by x.asked_at limit 200 loop
    -- of somebody who was suspended or erased meanwhile there is nothing to confirm, nor perhaps a key
    select * into a from iam.accounts x where x.id = r.account_id and x.status = 'active';
    continue when a.id is null;
    key := vault.unwrap(vault.ring(), r.account_id, 'profile');
    return query select r.id, concat_ws(' ',
        convert_from(vault.unpack(key, iam.profile_aad(r.account_id, 'given_name'), a.given_name), 'UTF8'),
        upper(convert_from(vault.unpack(key, iam.profile_aad(r.account_id, 'family_name'), a.family_name), 'UTF8') collate "default")),
      (select m.role from access.memberships m where m.account_id = r.account_id and m.organisation_id = r.organisation_id order by m.valid_from, m.id limit 1),
      r.lost, r.asked_at, nullif(r.ready_at, 'infinity'), r.confirmed_at, iam.person_name(r.confirmed_by);
  end loop;
end $function$;
comment on function clinic.read_recoveries is 'For an administrator, of colleagues; for a secretary, of patients.';

create function clinic.read_registration() returns text
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
begin
  return (select o.registration from access.organisations o where o.id = access.organisation_as('org_admin'));
end $function$;
comment on function clinic.read_registration is 'For an administrator: open or closed.';

create function clinic.read_security() returns TABLE(organisation_id uuid, notice_from integer, stop_from integer, email_codes boolean, sms_codes boolean, points json)
language sql volatile security definer set debug_print_plan=off set search_path="" as $function$
  select o.id, o.notice_from, o.stop_from, o.email_codes, o.sms_codes,
         (select json_object_agg(signal, iam.signal_points(signal))
          from unnest(array['impossible_speed', 'new_device', 'many_failures', 'odd_hour', 'new_network']) signal)
  from access.organisations o where o.id = access.organisation_as('org_admin')
$function$;
comment on function clinic.read_security is 'For an administrator.';

create function clinic.read_unusual_sign_ins() returns TABLE(id uuid, at timestamp with time zone, account_id uuid, display_name text, role text, own boolean, signals text[], score integer, outcome text, released_at timestamp with time zone, released_by_name text, disowned_at timestamp with time zone, place text, km integer, minutes integer, failures integer)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
#variable_conflict use_column
declare
  organisation uuid := access.organisation_as('org_admin');
  self uuid := access.account_id();
begin
  return query
  select s.id, s.at,
         -- that somebody is a patient here is not the administrator's to see
         case when x.role <> 'patient' then s.account_id end, case when x.role <> 'patient' then iam.person_name(s.account_id) end,
         x.role, s.account_id = self, s.signals, s.score, s.outcome, s.released_at, iam.person_name(s.released_by), s.disowned_at,
         f.facts ->> 'place', (f.facts ->> 'km')::int, (f.facts ->> 'minutes')::int, (f.facts ->> 'failures')::int
  from (select y as entry, y.* from iam.sign_ins y
        where y.organisation_id = organisation and y.outcome <> 'let_in' and y.at > clock_timestamp() - interval '90 days'
        order by y.at desc limit 100) s
  join iam.sessions x on x.id = s.session_id
  left join lateral (select iam.read_facts(vault.unwrap(vault.ring(), s.account_id, 'profile'), s.entry) as facts
                     where x.role <> 'patient' offset 0) f on true
  order by s.at desc;
end $function$;
comment on function clinic.read_unusual_sign_ins is 'For an administrator: 90 days, the last 100; of patients nothing but that, when and why.';

create function clinic.read_withdrawals() returns TABLE(id uuid, patient_id uuid, type text, at timestamp with time zone, due_at timestamp with time zone, again_at timestamp with time zone, answer text, answered_at timestamp with time zone, answered_by_name text, open boolean)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
begin
  return query
  select w.id, w.patient_id, w.type, w.at, privacy.due(w.at), w.again, a.answer, a.answered_at, iam.person_name(a.answered_by),
         a.id is null and w.again is null
  from privacy.withdrawals(access.organisation_as('dpo')) w left join privacy.answers a on a.consent_id = w.id
  order by w.at desc;
end $function$;
comment on function clinic.read_withdrawals is 'For a DPO. Errors: VS503.';

create function clinic.release_sign_in(key uuid, sign_in uuid) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  entry iam.sign_ins;
begin
  select s.* into entry from iam.sign_ins s join iam.sessions x on x.id = s.session_id
  where s.id = sign_in and s.organisation_id = access.organisation_as('org_admin') and x.role <> 'patient' for update of s;
  if not found or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such sign-in here';
  end if;
  if entry.account_id = c[2]::uuid then
    raise exception using errcode = 'VS403', message = 'somebody else releases a sign-in of one''s own';
  end if;
  if entry.outcome <> 'stopped' or entry.disowned_at is not null then
    raise exception using errcode = 'VS409', message = 'this sign-in isn''t held back any more';
  end if;
  perform ops.fulfil(key, 'sign_ins.release', sign_in);
  if entry.released_at is null then
    perform iam.release_sign_in(c, sign_in);
    perform audit.append(c, 'session.unusual', 'SignIn', sign_in, null, 'success', '{"released":true}');
  end if;
  return sign_in;
end $function$;
comment on function clinic.release_sign_in is 'An administrator lets in a colleague whose sign-in was held back, at the next try from there. key: ops.intend(key, ''sign_ins.release''). Errors: VS208, VS403, VS404, VS409, VS428, VS470.';

create function clinic.request_erasure(key uuid, patient uuid, ground text, reason text) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  id uuid := ops.uuid_v7();
  organisation uuid := c[3]::uuid;
begin
  if (c[4] = 'dpo') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'the DPO asks for an erasure';
  end if;
  if coalesce(reason, '') !~ '[^[:space:]]' or length(reason) > 2000 then
    raise exception using errcode = 'VS422', message = 'a request says why, in up to 2,000 characters';
  end if;
  -- of another practice, erased or never here: one answer
  if access.organisation_of(patient) is distinct from organisation then
    raise exception using errcode = 'VS404', message = 'there is no such record here';
  end if;
  perform ops.fulfil(key, 'erasures.request', id);
  insert into privacy.erasure_requests (id, organisation_id, patient_id, requested_by, ground, reason)
  values (id, organisation, patient, c[2]::uuid, request_erasure.ground,
    vault.seal(vault.unwrap(vault.ring(), patient, 'identity'), id, patient, 1,
               convert_to(request_erasure.ground, 'UTF8'), 'privacy.erasure_requests.reason', request_erasure.reason));
  return id;
exception when check_violation then
  raise exception using errcode = 'VS422', message = 'the ground is not one of the list';
end $function$;
comment on function clinic.request_erasure is 'A DPO asks for the erasure of a patient of the organisation; the administrator does it with `vitalsync erase`. key: an intent announced with ops.intend(key, ''erasures.request''). Errors: VS208, VS403, VS404, VS422, VS428.';

create function clinic.resend_invitation(key uuid, account uuid) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  patient uuid;
begin
  perform ops.fulfil(key, 'accounts.invite', account);
  perform from iam.invitations i where i.account_id = account for update;
  patient := access.require_inviter(account);
  perform access.limit_invitations(c, account);
  perform iam.send_invitation(vault.ring(), account);
  perform audit.append(c, 'account.invite', 'Person', account, patient, 'success', '{"again":true}');
  return account;
end $function$;
comment on function clinic.resend_invitation is 'Another link, for 72 hours; the one before is worth nothing. For whoever may invite this person. key: ops.intend(key, ''accounts.invite''). Errors: VS208, VS404, VS428, VS429, VS470.';

create function clinic.restore_account(key uuid, account uuid) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
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
end $function$;
comment on function clinic.restore_account is 'For an administrator: somebody who was suspended may sign in again, with the factors they have. key: ops.intend(key, ''accounts.change''). Errors: VS208, VS403, VS404, VS422, VS428, VS470.';

create function clinic.selected_patients(selection uuid) returns SETOF clinic.patient_names
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  ring text;
  chosen uuid[];
  master text;
  wrap bytea;
  wrap_blocks bytea;
  key bytea;
  p record;
  v text[];
begin
  perform vault.require_session(c);
  -- an opening isn't a permission: access is asked again, here and now
  chosen := access.seen_among(c, audit.selected(selection));
  if not audit.are_open(c[1]::uuid, chosen, 'identity') then
    raise exception using errcode = 'VS428',
      message = 'no committed record of this access: call audit.open_… in an earlier transaction';
  end if;
  ring := vault.ring();
  for p in
    select s.*, k.master as wrapped_by, k.wrapped
    from store.patients s join vault.keys k on k.subject_id = s.id and k.level = 'identity'
    where s.id = any (chosen)
  loop
    if p.wrapped_by is distinct from master then
      master := p.wrapped_by;
      wrap := vault.derive(vault.master(ring, master), 'wrap');
      wrap_blocks := vault.mac_blocks(substr(wrap, 1, 32));
    end if;
    key := vault.open_value(wrap_blocks, substr(wrap, 33, 32), vault.wrap_aad(p.id, 'identity', master), p.wrapped);
    v := vault.open_values(vault.mac_blocks(substr(key, 1, 32)), substr(key, 33, 32),
      '\x00'::bytea || uuid_send(p.id) || uuid_send(p.id) || int8send(p.version) || convert_to(p.identity_status, 'UTF8') || uuid_send(p.organisation_id),
      array['store.patients.birth_name', 'store.patients.used_name', 'store.patients.first_given_name',
            'store.patients.used_given_name', 'store.patients.sex', 'store.patients.birth_date']::bytea[],
      array[p.birth_name, p.used_name, p.first_given_name, p.used_given_name, p.sex, p.birth_date]);
    return next row(p.id, v[1], v[2], v[3], v[4], v[5], v[6], p.last_activity_at, p.identity_status)::clinic.patient_names;
  end loop;
end $function$;
comment on function clinic.selected_patients is 'The patients of a list or a search that an earlier transaction has committed, in no order. Errors: VS401, VS428, VS500.';

create function clinic.source_id(resource text) returns uuid
language plpgsql volatile as $function$
begin
  return vault.source_id(vault.ring(), access.organisation_id(), resource);
end $function$;
comment on function clinic.source_id is 'The same for the organisation of the session. Internal.';

create function clinic.suspend_account(key uuid, account uuid) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
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
end $function$;
comment on function clinic.suspend_account is 'For an administrator: somebody can''t sign in until restored. key: ops.intend(key, ''accounts.change''). Errors: VS208, VS403, VS404, VS409 (nobody would administer), VS422, VS428, VS470.';

create function clinic.withdraw_invitation(key uuid, account uuid) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  patient uuid;
begin
  perform ops.fulfil(key, 'accounts.invite', account);
  perform from iam.invitations i where i.account_id = account for update;
  patient := access.require_inviter(account);
  perform iam.forget_invited(account);
  perform audit.append(c, 'account.invite', 'Person', account, patient, 'success', '{"withdrawn":true}');
  return account;
end $function$;
comment on function clinic.withdraw_invitation is 'The link is worth nothing any more, and what was typed is forgotten. For whoever may invite this person. key: ops.intend(key, ''accounts.invite''). Errors: VS208, VS404, VS428, VS470.';

create function clinic.write_note(key uuid, patient uuid, note jsonb) returns uuid
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  id uuid := ops.uuid_v7();
begin
  if (c[4] = 'clinician') is not true then
    raise exception using errcode = 'VS403', message = 'clinicians write notes';
  end if;
  -- the form was begun under another account: somebody else signed in meanwhile, in another tab
  if note ->> 'author_id' <> c[2] then
    raise exception using errcode = 'VS409', message = 'this note was begun by somebody else';
  end if;
  if coalesce(note ->> 'subjective', '') || coalesce(note ->> 'objective', '') || coalesce(note ->> 'assessment', '')
     || coalesce(note ->> 'plan', '') || coalesce(note ->> 'diagnosis', '') || coalesce(note ->> 'treatment_plan', '') !~ '[^[:space:]]' then
    raise exception using errcode = 'VS422', message = 'a note says something in at least one field';
  end if;
  -- a draft is written, anything else is signed
  perform ops.fulfil(key, case when note ->> 'status' = 'draft' then 'notes.write' else 'notes.sign' end, id);
  perform store.insert_note(vault.writing_key(patient, 'clinical'), id, patient, c[2]::uuid, clock_timestamp(), note);
  return id;
exception when check_violation then
  raise exception using errcode = 'VS422', message = 'category, priority or status is not one of the list';
end $function$;
comment on function clinic.write_note is 'Writes a note in one''s own name; author_id in the note, if it is there, must be oneself. key: the intent announced with ops.intend(key, ''notes.sign''), or ''notes.write'' for a draft. Errors: VS208, VS403, VS404, VS409, VS422, VS428, VS470.';

create function iam.accept_factor(ring text, s iam.sessions, method text, new_token text, caller jsonb, verified boolean DEFAULT false) returns text
language plpgsql volatile as $function$
begin
  if s.factors = 2 then
    -- shown again: the session goes on, under a new token like at each gain
    perform iam.replace_token(s.id, s.token_hash, new_token);
    update iam.sessions x set factor_at = clock_timestamp(), last_seen_at = clock_timestamp(), attempts = 0,
      verified_at = case when verified then clock_timestamp() else x.verified_at end,
      methods = case when method = any (x.methods) then x.methods else x.methods || method end where x.id = s.id;
    perform iam.settle_recoveries(ring, s, method);
    return 'ok';
  end if;
  if iam.weigh_sign_in(ring, s, caller) = 'stopped' then return 'stopped'; end if;
  -- the token from before the second factor is worth nothing: not even an old one
  update iam.sessions x set factors = 2, token_hash = iam.hash_token(new_token), methods = x.methods || method, enrols = false, attempts = 0,
    factor_at = clock_timestamp(), rotated_at = clock_timestamp(), last_seen_at = clock_timestamp(),
    verified_at = case when verified then clock_timestamp() end,
    expires_at = clock_timestamp() + interval '12 hours' where x.id = s.id;
  -- signing in again ends the session that this browser had (ASVS 5.0 §7.2.4)
  update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'signed_in_again'
  where (x.id = s.replaces_id or (x.replaces_id = s.replaces_id and x.factors = 1)) and x.id <> s.id and x.revoked_at is null;
  update iam.accounts a set last_sign_in_at = clock_timestamp() where a.id = s.account_id;
  perform iam.settle_recoveries(ring, s, method);
  return 'ok';
end $function$;
comment on function iam.accept_factor is 'Makes a session whole, or its factor fresh. verified: a passkey that verified its user. Internal: after the factor was verified.';

create function iam.accept_invitation(ring text, token text, prehash text, consents jsonb, new_token text, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  i iam.invitations;
  s iam.sessions;
  patient uuid;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  i := iam.find_invitation(token);
  if i.account_id is null then
    retry_after := iam.refuse_invitation(ring, token, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  select m.patient_id into patient from access.memberships m where m.account_id = i.account_id and m.patient_id is not null;
  if patient is not null then
    if privacy.agrees(consents) is not true then
      answer := 'consents';
      perform audit.append(iam.gate_claims(i.account_id, null, iam.caller_origin(ring, i.organisation_id, null, caller)),
        'account.accept', 'Person', i.account_id, patient, 'failure', '{"answer":"consents"}');
      return;
    end if;
  end if;
  perform iam.set_password(i.account_id, prehash);
  update iam.accounts a set email_confirmed_at = clock_timestamp() where a.id = i.account_id;
  update iam.invitations x set accepted_at = clock_timestamp() where x.account_id = i.account_id;
  s := iam.start_session(ring, i.account_id, new_token, '{link,password}', caller, enrols => true);
  if patient is not null then
    -- a consent names the session that it was given in
    perform access.set_claims(array[s.id::text, s.account_id::text, s.organisation_id::text, s.role, patient::text, null, null, s.origin_id::text, null]);
    if not privacy.first_consents(ring, access.claims(), consents) then
      raise exception using errcode = 'VS409', message = 'the texts have changed since: read them again';
    end if;
  end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, s.origin_id), 'account.accept', 'Person', s.account_id, patient, 'success');
  answer := 'ok';
end $function$;
comment on function iam.accept_invitation is 'Takes an invitation up: a password, a patient''s consents (privacy.agrees), and a session under new_token that may add the first factor. prehash: as for iam.sign_in_password. Answers ok, consents, gone, or wait (retry_after: seconds). Errors: VS409, VS503.';

create function iam.add_passkey(ring text, token text, proof jsonb, name text, new_token text, caller jsonb, OUT answer text, OUT role text) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  allowed record;
  checked record;
  why text;
  passkey uuid;
  half boolean;
begin
  select * into allowed from iam.may_change_factors(ring, token, caller);
  answer := allowed.answer;
  if answer <> 'ok' then
    perform iam.record_refused_change(ring, token, 'factor.add', answer, caller);
    return;
  end if;
  select * into checked from iam.check_registration(proof, allowed.session);
  why := checked.why;
  if why is null and iam.lock_factors(allowed.account) >= 20 then why := 'many'; end if;
  if why is not null then answer := 'refused'; end if;
  if answer = 'ok' then
    passkey := ops.uuid_v7();
    insert into iam.passkeys (id, account_id, rp_id, credential_id, public_key, sign_count, transports, name, user_verified, backup_eligible, backed_up, added_in)
    values (passkey, allowed.account, checked.rp_id, checked.credential_id, checked.public_key, checked.sign_count, checked.transports,
            iam.seal_passkey_name(ring, allowed.account, passkey, name), checked.user_verified, checked.backup_eligible, checked.backed_up, allowed.session);
    half := iam.is_half(allowed.session);
    answer := iam.first_factor(ring, allowed.session, 'passkey', new_token, caller);
    if not half then
      perform ops.post(ring, allowed.account, 'email', 'factor_added', '{"factor":"passkey"}');
    elsif answer = 'ok' then
      role := (select s.role from iam.sessions s where s.id = allowed.session);
    end if;
  end if;
  perform audit.append(iam.gate_claims(allowed.account, allowed.session, allowed.origin), 'factor.add', 'passkey', passkey, null,
    case when passkey is null then 'failure' else 'success' end,
    json_strip_nulls(json_build_object('factor', 'passkey', 'answer', answer, 'reason', why))::text);
end $function$;
comment on function iam.add_passkey is 'Adds a passkey. Answers ok (with the role when this was the first factor: the session is whole then, under new_token), refused, or those of iam.may_change_factors. Errors: VS422 for a name of more than 60 characters, VS503.';

create function iam.address_of(key bytea, change uuid, account uuid, field text, sealed bytea) returns text
language plpgsql stable as $function$
begin
  return convert_from(vault.unpack(key, convert_to('iam.address_changes.' || field, 'UTF8') || '\x00'::bytea || uuid_send(change) || uuid_send(account)
    || int8send(1), sealed), 'UTF8');
end $function$;
comment on function iam.address_of is 'field: email or former. Internal.';

create function iam.admit(token text, ring text, focus uuid, phase text, ip text, user_agent text, renewal text) returns text[]
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  s iam.sessions;
  answer text;
  origin uuid;
  seen uuid;
  way text;
  glass uuid;
  -- hashed before it is asked for, so that the plan is made once
  hash bytea := iam.hash_token(token);
  -- of a token that the session had before
  session uuid;
  late boolean := false;
  replaced_at uuid;
  renewed boolean := false;
  told boolean := false;
  denied uuid;
begin
  if phase not in ('open', 'read', 'write') then
    raise exception using errcode = 'VS422', message = 'phase is open, read or write';
  end if;
  -- nothing is recorded either: a restored log must not go on before it was compared
  perform ops.require_clearance();
  perform set_config('vs.claims', '', true), set_config('vs.keys', '', true), set_config('vs.slot', '', true), set_config('vs.lane', '', true);
  if phase <> 'read' then
    -- a record of an access must not be lost after it was shown, and nobody waits for ever
    perform set_config('synchronous_commit', 'on', true), set_config('lock_timeout', '5s', true);
  end if;
  select * into s from iam.sessions x where x.token_hash = hash;
  if s.id is null then
    select o.session, coalesce(o.late, false), o.origin into session, late, replaced_at from iam.find_by_old_token(hash) o;
    if session is not null then select * into s from iam.sessions x where x.id = session; end if;
    if late and phase = 'open' then
      told := iam.end_family(s, audit.origin(ring, s.organisation_id, s.id, ip, user_agent));
    end if;
  end if;
  if s.id is null or late or s.revoked_at is not null or s.expires_at <= clock_timestamp()
     or s.last_seen_at <= clock_timestamp() - (case when s.role = 'import' then interval '12 hours' else interval '30 minutes' end)
     -- who is on the way to a first factor isn't active yet, and is told where to go on
     or (s.membership_id is not null and not access.membership_is_live(s.membership_id) and not (s.enrols and s.factors = 1)) then
    answer := 'signed_out';
  elsif s.factors < 2 then
    answer := 'second_factor';
  else
    answer := 'ok';
    -- most installations deny nobody: asked here, that costs nothing
    if exists (select from ops.networks n where n.lifted_at is null) then
      select n.id into denied from ops.network_of(ip) n where n.list = 'deny';
      if denied is not null then answer := 'network'; end if;
    end if;
  end if;
  if answer <> 'ok' then
    if phase <> 'open' then
      if denied is not null then perform ops.require_network(ip); end if;
      raise exception using errcode = 'VS401', message = 'no session: sign in';
    end if;
    if denied is not null then
      perform ops.record_denied(denied, array[s.id::text, s.account_id::text, s.organisation_id::text, s.role, null, null, null, null]);
      return array[answer, 'vs_anon'];
    end if;
    -- somebody tries a token: of a session that is known, and is over or unfinished, or of none. The log doesn't grow by it for ever.
    if s.id is null and token is not null then
      perform ops.record_unknown(ring, 'page', ip, user_agent);
    elsif s.id is not null and not told and ops.take('refused/' || s.id, 30, 1.0 / 60) = 0 then
      perform audit.append(array[s.id::text, s.account_id::text, s.organisation_id::text, s.role, null, null, null,
                                 audit.origin(ring, s.organisation_id, s.id, ip, user_agent)::text],
        'page.refused', 'session', s.id, null, 'failure', json_build_object('answer', answer)::text);
    end if;
    return array[answer, 'vs_anon'];
  end if;
  if phase <> 'read' then
    if s.last_seen_at < clock_timestamp() - interval '1 minute' then
      update iam.sessions set last_seen_at = clock_timestamp() where id = s.id;
      -- which master keys its edge has: rotation asks. An import would keep the row locked for minutes.
      if s.role <> 'import' then perform vault.saw_ring(ring); end if;
    end if;
    origin := audit.origin(ring, s.organisation_id, s.id, ip, user_agent);
    if phase = 'open' and renewal is not null and s.rotated_at < clock_timestamp() - interval '15 minutes' and s.role <> 'import' then
      renewed := iam.replace_token(s.id, hash, renewal, origin);
    elsif session is not null and s.token_hash = iam.hash_token(renewal) then
      -- its answer was lost, and this is the browser that it was for: elsewhere an old token is given nothing
      renewed := coalesce(origin = replaced_at, false);
    end if;
  end if;
  if focus is not null then
    -- a page that shows one patient sees that one alone, or nobody
    way := access.way_in(s.role, s.account_id, s.organisation_id, s.patient_id, focus);
    seen := case when way is not null then focus else '00000000-0000-0000-0000-000000000000' end;
    if way = 'glass' then
      glass := access.glass(s.account_id, s.organisation_id, focus);
      -- it ended between the two questions
      if glass is null then seen := '00000000-0000-0000-0000-000000000000'; end if;
    end if;
  end if;
  perform access.set_claims(array[s.id::text, s.account_id::text, s.organisation_id::text, s.role,
                                  s.patient_id::text, seen::text, s.care_team_id::text, origin::text, glass::text]);
  perform vault.set_ring(ring);
  -- where there is one (Postgres 17 on): a transaction that was left open ends; an import of a large bundle takes its time
  if s.role <> 'import' and current_setting('server_version_num')::int >= 170000 then
    perform set_config('transaction_timeout', '60s', true);
  end if;
  return array['ok', 'vs_' || s.role, renewed::text];
end $function$;
comment on function iam.admit is 'The checking half of iam.enter.';

create function iam.answer_sign_in(ring text, link text, mine boolean, caller jsonb, OUT answer text) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  entry iam.sign_ins := iam.find_by_link(ring, link, caller);
  claims text[];
begin
  -- "that wasn't me" opens nothing, and is said from anywhere
  if mine is not false then perform ops.require_network(caller ->> 'ip'); end if;
  answer := iam.state_of(entry);
  if answer in ('expired', 'disowned') then return; end if;
  claims := iam.gate_claims(entry.account_id, null, iam.caller_origin(ring, entry.organisation_id, null, caller));
  if mine and answer = 'stopped' then
    perform iam.release_sign_in(null, entry.id);
    perform audit.append(claims, 'session.unusual', 'SignIn', entry.id, null, 'success', '{"released":true}');
    answer := 'released';
  elsif not mine then
    perform iam.disown_sign_in(ring, claims, entry);
    answer := 'disowned';
  end if;
end $function$;
comment on function iam.answer_sign_in is 'The person answers the link: mine releases what was held back, not mine ends every session. Gives what it is now: released, disowned, told, or expired. Errors: VS503.';

create function iam.ask_for_address(ring text, session uuid, account uuid, address text) returns void
language plpgsql volatile as $function$
declare
  key bytea := vault.unwrap(ring, account, 'profile');
  link text := iam.new_link();
  notice text := iam.new_link();
  entry uuid := ops.uuid_v7();
  holder uuid;
  message uuid;
begin
  -- three messages to an address at once and one an hour, whoever asks; more than that says nothing
  if ops.take('address/to/' || encode((iam.email_indexes(ring, address))[1], 'hex'), 3, 1.0 / 3600) = 0 then
    holder := iam.holder_of(ring, address);
    -- what holds it loosely is let be, or whoever types an address would end somebody's registration: the link frees it (0290)
    if holder is null or holder = account or exists (select from iam.registrations r where r.account_id = holder and r.completed_at is null)
       or exists (select from iam.invitations i where i.account_id = holder and iam.is_forgettable(i)) then
      message := ops.post(ring, account, 'email', 'address_link', jsonb_build_object('path', '/account/address/confirm/' || link, 'to', address));
    elsif (select a.status from iam.accounts a where a.id = holder) <> 'suspended' then
      -- the link of this one goes nowhere
      perform ops.post(ring, holder, 'email', 'address_exists');
    end if;
  end if;
  insert into iam.address_changes (id, account_id, session_id, email, token_hash, asked_hash, message_id)
  values (entry, account, session, vault.seal(key, entry, account, 1, '', 'iam.address_changes.email', address), iam.hash_token(link), iam.hash_token(notice), message);
  perform ops.post(ring, account, 'email', 'address_asked', jsonb_build_object('path', '/account/address/not-me/' || notice, 'to',
    (select convert_from(vault.unpack(key, iam.profile_aad(a.id, 'email'), a.email), 'UTF8') from iam.accounts a where a.id = account)));
end $function$;
comment on function iam.ask_for_address is 'Sends the link, and the notice to the mailbox of now. Internal.';

create function iam.asks_again(operation text) returns boolean
language sql immutable as $function$
  select operation in ('notes.sign', 'erasures.request', 'accounts.change', 'accounts.invite', 'sessions.end', 'sign_ins.disown', 'sign_ins.release',
                       'security.change', 'audit.export')
$function$;
comment on function iam.asks_again is 'Operations that step up (requirement A8), by the words of ops.fulfil and audit.may_export; breaking the glass, confirming a recovery and changing a factor ask by themselves.';

create function iam.begin_address_change(ring text, token text, email text, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  allowed record;
  claims text[];
  address text := lower(normalize(btrim(email), nfc));
  account uuid;
  bucket text;
begin
  retry_after := 0;
  select * into allowed from iam.may_change_factors(ring, token, caller);
  answer := case when allowed.answer = 'ok' and iam.is_half(allowed.session) then 'second_factor' else allowed.answer end;
  if answer <> 'ok' then
    perform iam.record_refused_change(ring, token, 'account.change', answer, caller);
    return;
  end if;
  account := allowed.account;
  claims := iam.gate_claims(account, allowed.session, allowed.origin);
  bucket := 'address/account/' || account;
  if not iam.is_address(address) then answer := 'address';
  elsif exists (select from iam.accounts a where a.id = account and a.email_index = any (iam.email_indexes(ring, address))) then answer := 'same';
  else
    retry_after := ops.take(bucket, 5, 1.0 / 1800);
    if retry_after > 0 then
      answer := 'wait';
      perform ops.record_limited(ring, claims, 'address', bucket, caller);
      return;
    end if;
    perform iam.cancel_address_changes(account, claims, 'asked_again');
    perform iam.ask_for_address(ring, allowed.session, account, address);
  end if;
  perform audit.append(claims, 'account.change', 'Person', account, null, case when answer = 'ok' then 'success' else 'failure' end,
    json_build_object('change', 'address', 'step', 'asked', 'answer', answer)::text);
end $function$;
comment on function iam.begin_address_change is 'Somebody wants to sign in with another address: a link goes there. Answers ok, address (it is none), same (one''s own), wait (retry_after: seconds), or what iam.may_change_factors says. Errors: VS503.';

create function iam.begin_phone(ring text, token text, number text, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  may record;
  s iam.sessions;
  plain text := iam.e164(number);
  sealed bytea;
begin
  retry_after := 0;
  select * into may from iam.may_change_factors(ring, token, caller);
  answer := may.answer;
  select * into s from iam.sessions x where x.id = may.session;
  -- never the first factor: a number can be taken over
  if answer = 'ok' and s.factors < 2 then answer := 'second_factor'; end if;
  if answer = 'ok' and plain is null then answer := 'number'; end if;
  if answer = 'ok' and not (select o.sms_codes from access.organisations o where o.id = s.organisation_id) then answer := 'refused'; end if;
  if answer = 'ok' and not ops.delivers('sms') then answer := 'unavailable'; end if;
  if answer = 'ok' then
    retry_after := iam.sending_wait(s, 'phone_code');
    if retry_after > 0 then answer := 'wait'; end if;
  end if;
  if s.id is null then
    perform iam.record_refused_change(ring, token, 'code.send', answer, caller);
    return;
  end if;
  if answer = 'ok' then
    -- two sessions at once: the second one ends the code of the first
    perform iam.lock_factors(s.account_id);
    perform iam.post_code(ring, s, 'phone_code');
    sealed := vault.seal(vault.unwrap(ring, s.account_id, 'profile'), s.account_id, s.account_id, 1, '', 'iam.phones.pending', plain);
    insert into iam.phones as p (account_id, pending) values (s.account_id, sealed)
    on conflict on constraint phones_pkey do update set pending = sealed;
  end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, may.origin), 'code.send', 'session', s.id, null,
    case when answer = 'ok' then 'success' else 'failure' end, json_build_object('factor', 'phone_code', 'answer', answer)::text);
end $function$;
comment on function iam.begin_phone is 'Sends a code to a telephone number that is to become a factor. Answers those of iam.may_change_factors, number (none that takes SMS), refused (the organisation doesn''t allow it), unavailable (nobody delivers SMS) or wait (retry_after: seconds). Errors: VS503.';

create function iam.begin_totp(ring text, token text, caller jsonb, OUT answer text, OUT secret bytea, OUT label text, OUT replaces boolean) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  allowed record;
  s iam.sessions;
  key bytea;
  e iam.totp_enrolments;
begin
  select * into allowed from iam.may_change_factors(ring, token, caller);
  answer := allowed.answer;
  if answer <> 'ok' then
    perform iam.record_refused_change(ring, token, 'factor.add', answer, caller);
    return;
  end if;
  select * into strict s from iam.sessions x where x.id = allowed.session;
  key := vault.unwrap(ring, s.account_id, 'profile');
  select * into e from iam.totp_enrolments x where x.session_id = s.id and x.made_at > clock_timestamp() - interval '1 hour';
  if found then
    -- a page that is loaded again shows the same one: it may have been scanned
    secret := iam.open_totp_secret(key, s.id, s.account_id, 'iam.totp_enrolments.secret', e.secret);
  else
    secret := extensions.gen_random_bytes(20);
    insert into iam.totp_enrolments (session_id, secret)
    values (s.id, vault.seal(key, s.id, s.account_id, 1, '', 'iam.totp_enrolments.secret', encode(secret, 'base64')))
    on conflict on constraint totp_enrolments_pkey do update set secret = excluded.secret, made_at = clock_timestamp();
  end if;
  replaces := exists (select from iam.totp_factors f where f.account_id = s.account_id);
  -- nothing of the person: a session that enrols has one factor
  select o.name into label from access.organisations o where o.id = s.organisation_id;
end $function$;
comment on function iam.begin_totp is 'A secret to scan (20 bytes), the same for this session until it is confirmed; label: the practice; replaces: there is an app already. Answers ok, or what iam.may_change_factors says. Errors: VS503.';

create function iam.begin_waiting(ring text, r iam.recoveries, lost text, prehash text, cancel_token text) returns void
language plpgsql volatile as $function$
declare
  other iam.recoveries;
  link text := '/recover/cancel/' || cancel_token;
  ready timestamptz := clock_timestamp() + interval '24 hours';
  colleague uuid;
begin
  perform ops.wait_for_hash_turn();
  for other in select * from iam.recoveries x where x.account_id = r.account_id and x.state = 'waiting' for update loop
    perform iam.cancel_one(ring, other, iam.recovery_claims(other, null), 'asked_again');
  end loop;
  update iam.recoveries x set state = 'waiting', lost = begin_waiting.lost, cancel_hash = iam.hash_token(cancel_token),
    ready_at = case when begin_waiting.lost = 'factors' then ready else 'infinity' end, ends_at = clock_timestamp() + interval '96 hours',
    pepper_id = case when begin_waiting.lost = 'both' then split_part(prehash, ':', 1) end,
    password_hash = case when begin_waiting.lost = 'both' then extensions.crypt(prehash, extensions.gen_salt('bf', 12)) end
  where x.id = r.id;
  perform ops.post(ring, r.account_id, 'email', 'recovery_requested', jsonb_strip_nulls(jsonb_build_object('path', link,
    'ready_at', case when begin_waiting.lost = 'factors' then to_json(ready) end)));
  -- whoever holds the mailbox may not hold the telephone
  if exists (select from iam.phones p where p.account_id = r.account_id and p.confirmed_at is not null) then
    perform ops.post(ring, r.account_id, 'sms', 'recovery_requested_sms', jsonb_build_object('path', link));
  end if;
  if lost = 'factors' then perform iam.send_ready(ring, r.id, 'recovery_ready', ready); end if;
  for colleague in select m.account_id from access.memberships m where m.organisation_id = r.organisation_id and m.account_id <> r.account_id
                     and m.role = iam.confirming_role(r) and access.membership_is_live(m.id) order by m.id limit 50 loop
    perform ops.post(ring, colleague, 'email', 'recovery_asks_colleague');
  end loop;
end $function$;
comment on function iam.begin_waiting is 'From now on it waits, and everybody is told. Internal.';

create function iam.caller_origin(ring text, organisation uuid, session uuid, caller jsonb) returns uuid
language sql volatile as $function$
  select audit.origin(ring, organisation, session, caller ->> 'ip', caller ->> 'user_agent')
$function$;
comment on function iam.caller_origin is 'Internal.';

create function iam.cancel_address_changes(account uuid, claims text[], by text) returns void
language plpgsql volatile as $function$
declare
  c iam.address_changes;
begin
  for c in select * from iam.address_changes x where x.account_id = account and x.state = 'waiting' for update loop
    update iam.address_changes x set state = 'cancelled', email = null where x.id = c.id;
    perform iam.withdraw_message(c.message_id);
    if c.ends_at > clock_timestamp() then
      perform audit.append(claims, 'account.change', 'Person', account, null, 'success', json_build_object('change', 'address', 'step', 'cancelled', 'by', by)::text);
    end if;
  end loop;
end $function$;
comment on function iam.cancel_address_changes is 'What waits for its link waits no more. by: own, asked_again, recovery, taken or disowned. Internal.';

create function iam.cancel_one(ring text, r iam.recoveries, claims text[], by text) returns void
language plpgsql volatile as $function$
begin
  update iam.recoveries x set state = 'cancelled', password_hash = null, pepper_id = null where x.id = r.id;
  perform iam.withdraw_message(r.ready_message_id);
  -- one that was under way opens nothing either
  update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'recovered' where x.id = r.session_id and x.factors = 1 and x.revoked_at is null;
  perform audit.append(claims, 'recovery.cancel', 'Recovery', r.id, null, 'success', json_build_object('by', by)::text);
  if by <> 'asked_again' then
    perform ops.post(ring, r.account_id, 'email', 'recovery_cancelled');
  end if;
end $function$;
comment on function iam.cancel_one is 'Internal.';

create function iam.cancel_own_address_change(ring text, token text, caller jsonb) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  s iam.sessions;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  s := iam.find_session(ring, token, caller);
  if s.id is null or s.factors < 2 then return case when s.id is null then 'expired' else 'second_factor' end; end if;
  perform iam.cancel_address_changes(s.account_id, iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller)), 'own');
  return 'ok';
end $function$;
comment on function iam.cancel_own_address_change is 'The address stays what it is. ok, second_factor or expired. Errors: VS503.';

create function iam.cancel_recoveries(ring text, account uuid, claims text[], by text DEFAULT 'administrator'::text) returns boolean
language plpgsql volatile as $function$
declare
  r iam.recoveries;
  one_waited boolean := false;
begin
  for r in select * from iam.recoveries x where x.account_id = account and x.state = 'waiting' for update loop
    perform iam.cancel_one(ring, r, claims, by);
    one_waited := true;
  end loop;
  -- links that nobody has used yet
  update iam.recoveries x set state = 'cancelled', password_hash = null, pepper_id = null where x.account_id = account and x.state = 'asked';
  return one_waited or found;
end $function$;
comment on function iam.cancel_recoveries is 'Of somebody who was suspended, has left, disowns a sign-in, or changes the address (0345): who needs one later asks anew. Was there one? by: for the log. Internal.';

create function iam.cancel_recovery(ring text, cancel_token text, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  r iam.recoveries;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  perform iam.lock_account((select x.account_id from iam.recoveries x where x.cancel_hash = iam.hash_token(cancel_token)));
  select * into r from iam.recoveries x where x.cancel_hash = iam.hash_token(cancel_token) and x.state = 'waiting' for update;
  if r.id is null then
    retry_after := iam.refuse_recovery(ring, cancel_token, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  perform iam.cancel_one(ring, r, iam.recovery_claims(r, iam.caller_origin(ring, r.organisation_id, null, caller)), 'link');
  answer := 'ok';
end $function$;
comment on function iam.cancel_recovery is 'The link of a notice: whoever reads it didn''t ask. Answers ok, gone, or wait (retry_after: seconds). Errors: VS503.';

create function iam.change_address(ring text, c iam.address_changes, address text, claims text[]) returns void
language plpgsql volatile as $function$
declare
  key bytea := vault.unwrap(ring, c.account_id, 'profile');
  left_address text := (select convert_from(vault.unpack(key, iam.profile_aad(a.id, 'email'), a.email), 'UTF8') from iam.accounts a where a.id = c.account_id);
  left_index bytea;
  notice text := iam.new_link();
begin
  perform iam.cancel_recoveries(ring, c.account_id, claims, 'address');
  -- 4: after that, so that whoever asked for one is told where they asked
  perform ops.pin_messages(ring, c.account_id, left_address);
  left_index := iam.give_address(ring, c.account_id, address);
  update iam.accounts a set email_confirmed_at = clock_timestamp() where a.id = c.account_id;
  update iam.address_changes x set state = 'done', email = null, changed_at = clock_timestamp(), former_index = left_index,
    former = vault.seal(key, c.id, c.account_id, 1, '', 'iam.address_changes.former', left_address), changed_hash = iam.hash_token(notice)
  where x.id = c.id;
  perform ops.post(ring, c.account_id, 'email', 'address_changed', jsonb_build_object('path', '/account/address/not-me/' || notice, 'to', left_address,
    'ready_at', to_json(clock_timestamp() + interval '7 days')));
end $function$;
comment on function iam.change_address is 'Internal. Errors: 23505.';

create function iam.change_name(c text[], account uuid, profile jsonb) returns void
language plpgsql volatile as $function$
declare
  key bytea := vault.unwrap(vault.ring(), account, 'profile');
  former text := iam.person_name(account);
  entry uuid := ops.uuid_v7();
begin
  if (iam.is_name(profile ->> 'family_name', 100) and btrim(profile ->> 'family_name') <> ''
      and iam.is_name(profile ->> 'given_name', 100) and btrim(profile ->> 'given_name') <> ''
      and iam.is_name(coalesce(profile ->> 'quality', ''), 40)) is not true then
    raise exception using errcode = 'VS422', message = 'a name has a family name and a given name, of letters that can be seen';
  end if;
  update iam.accounts a set
    family_name = vault.seal(key, account, account, 1, '', 'iam.accounts.family_name', normalize(btrim(profile ->> 'family_name'), nfc)),
    given_name = vault.seal(key, account, account, 1, '', 'iam.accounts.given_name', normalize(btrim(profile ->> 'given_name'), nfc)),
    quality = case when profile ? 'quality' then vault.seal(key, account, account, 1, '', 'iam.accounts.quality', nullif(btrim(profile ->> 'quality'), ''))
                   else a.quality end
  where a.id = account;
  if former <> iam.person_name(account) then
    insert into iam.former_names (id, account_id, name, changed_by)
    values (entry, account, vault.seal(key, entry, account, 1, '', 'iam.former_names.name', former), c[2]::uuid);
  end if;
end $function$;
comment on function iam.change_name is 'profile: family_name, given_name and, where the caller may set it, quality. Internal. Errors: VS422.';

create function iam.change_password(ring text, token text, present text, chosen text, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  allowed record;
  bucket text;
  ended int;
  claims text[];
begin
  retry_after := 0;
  select * into allowed from iam.may_change_factors(ring, token, caller, with_password => false);
  answer := case when allowed.answer = 'ok' and iam.is_half(allowed.session) then 'second_factor' else allowed.answer end;
  if answer <> 'ok' then
    perform iam.record_refused_change(ring, token, 'password.change', answer, caller);
    return;
  end if;
  bucket := 'password/change/' || allowed.account;
  -- the same twice says nothing about the present one: it is no try
  if present is distinct from chosen then retry_after := ops.delay(bucket, 5, '1 hour', '1 hour', '1 hour'); end if;
  if retry_after = 0 then perform ops.wait_for_hash_turn(); end if;
  answer := case
    when present = chosen then 'same'
    when retry_after > 0 then 'wait'
    when not exists (select from iam.accounts a where a.id = allowed.account and a.password_hash = extensions.crypt(present, a.password_hash)) then 'refused'
    else 'ok' end;
  claims := iam.gate_claims(allowed.account, allowed.session, allowed.origin);
  if answer = 'wait' then
    perform ops.record_limited(ring, claims, 'password', bucket, caller);
    return;
  elsif answer <> 'ok' then
    perform audit.append(claims, 'password.change', 'session', allowed.session, null, 'failure', json_build_object('answer', answer)::text);
    return;
  end if;
  perform ops.forgive(bucket);
  perform iam.set_password(allowed.account, chosen);
  update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'password_changed'
  where x.account_id = allowed.account and x.revoked_at is null;
  get diagnostics ended = row_count;
  perform audit.append(claims, 'password.change', 'session', allowed.session, null, 'success', json_build_object('sessions_ended', ended)::text);
  perform ops.post(ring, allowed.account, 'email', 'password_changed');
end $function$;
comment on function iam.change_password is 'present, chosen: pre-hashes as in iam.sign_in_password. Answers ok (every session is over), refused (the present password is another), same, wait (retry_after: seconds), or what iam.may_change_factors says. Errors: VS503, 55P03 (no turn for hashing within 5 s).';

create function iam.check_assertion(proof jsonb, purpose text, session uuid, account uuid, OUT why text, OUT passkey uuid, OUT owner uuid, OUT counted bigint) returns record
language plpgsql volatile as $function$
declare
  data bytea := iam.from_base64url(proof ->> 'authenticator_data');
  handle bytea := iam.from_base64url(proof ->> 'user_handle');
  p iam.passkeys;
  passwordless boolean := purpose = 'passwordless';
  rp text;
  flags int;
  count bigint;
begin
  select u.why, u.rp_id into why, rp from iam.use_challenge(iam.from_base64url(proof ->> 'client_data'), 'webauthn.get', purpose, session) u;
  if why is not null then return; end if;
  -- locked, so that two answers of one authenticator are counted in turn
  select * into p from iam.passkeys x where x.credential_id = iam.from_base64url(proof ->> 'id') for update;
  passkey := p.id;
  owner := p.account_id;
  counted := p.sign_count;
  why := case when p.id is null or p.rp_id <> rp or not iam.is_here(p.rp_id) or p.account_id <> account then 'credential'
              -- who is meant says the authenticator, or the session says it and the authenticator may
              when passwordless and handle is distinct from uuid_send(p.account_id) then 'user_handle'
              when handle <> uuid_send(p.account_id) then 'user_handle'
              else iam.check_authenticator(data, rp, passwordless) end;
  if why is not null then return; end if;
  flags := get_byte(data, 32);
  count := iam.sign_count(data);
  why := case when passwordless and not p.user_verified then 'verification'
              -- without extensions (flag 128) it ends there
              when length(data) > 37 and flags & 128 = 0 then 'authenticator_data'
              when (flags & 8 <> 0) <> p.backup_eligible then 'backup'
              when (proof -> 'signed') is distinct from 'true' then 'signature'
              when (count > 0 or p.sign_count > 0) and count <= p.sign_count then 'counter' end;
  if why is not null then return; end if;
  update iam.passkeys x set sign_count = count, backed_up = flags & 16 <> 0, last_used_at = clock_timestamp(),
    user_verified = x.user_verified or flags & 4 <> 0 where x.id = p.id;
end $function$;
comment on function iam.check_assertion is 'What is wrong with a passkey''s answer (§7.2): those of iam.use_challenge and iam.check_authenticator, credential, user_handle, signature, counter; NULL when nothing is. account: whose it must be, NULL for anybody. owner: whose it is; counted: its counter as it was stored. Internal.';

create function iam.check_authenticator(data bytea, rp_id text, verified boolean) returns text
language plpgsql immutable as $function$
declare
  flags int := case when length(data) between 37 and 4096 then get_byte(data, 32) end;
begin
  return case when flags is null then 'authenticator_data'
              when substr(data, 1, 32) is distinct from sha256(convert_to(rp_id, 'UTF8')) then 'rp_id'
              when flags & 1 = 0 then 'presence'
              when verified and flags & 4 = 0 then 'verification'
              when flags & 16 <> 0 and flags & 8 = 0 then 'backup' end;
end $function$;
comment on function iam.check_authenticator is 'What is wrong with authenticator data: authenticator_data, rp_id, presence, verification, backup. verified: must its user have been verified? Internal.';

create function iam.check_registration(proof jsonb, session uuid, OUT why text, OUT rp_id text, OUT credential_id bytea, OUT public_key bytea, OUT sign_count bigint, OUT transports text[], OUT user_verified boolean, OUT backup_eligible boolean, OUT backed_up boolean) returns record
language plpgsql volatile as $function$
declare
  data bytea := iam.from_base64url(proof ->> 'authenticator_data');
  flags int;
  id_length int;
begin
  select u.why, u.rp_id into why, rp_id
  from iam.use_challenge(iam.from_base64url(proof ->> 'client_data'), 'webauthn.create', 'register', session) u;
  why := coalesce(why, iam.check_authenticator(data, rp_id, false));
  if why is not null then return; end if;
  flags := get_byte(data, 32);
  -- then 16 bytes that name the model, two of length, the credential's id, its key (flag 64), extensions (flag 128)
  if flags & 64 = 0 or length(data) < 55 then
    why := 'authenticator_data';
    return;
  end if;
  id_length := (get_byte(data, 53) << 8) | get_byte(data, 54);
  credential_id := substr(data, 56, id_length);
  public_key := iam.from_base64url(proof ->> 'public_key');
  why := case when id_length not between 16 and 1023 then 'credential'
              when public_key is null then 'authenticator_data'
              when substr(data, 56 + id_length, length(public_key)) is distinct from public_key
                or flags & 128 = 0 and length(data) <> 55 + id_length + length(public_key) then 'authenticator_data'
              when not iam.is_cose_key(public_key) then 'algorithm'
              when (proof -> 'attested') is distinct from 'true' then 'attestation'
              when exists (select from iam.passkeys p where p.credential_id = check_registration.credential_id) then 'known' end;
  sign_count := iam.sign_count(data);
  user_verified := flags & 4 <> 0;
  backup_eligible := flags & 8 <> 0;
  backed_up := flags & 16 <> 0;
  transports := array(select t from jsonb_array_elements_text(case when jsonb_typeof(proof -> 'transports') = 'array'
    then proof -> 'transports' else '[]' end) t where t in ('usb', 'nfc', 'ble', 'smart-card', 'hybrid', 'internal') limit 6);
end $function$;
comment on function iam.check_registration is 'What is wrong with a new passkey (§7.1): those of iam.use_challenge and iam.check_authenticator, credential, algorithm, attestation, known; NULL when nothing is. Internal.';

create function iam.choose_recovery(ring text, token text, lost text, prehash text, new_token text, cancel_token text, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  r iam.recoveries;
  a iam.accounts;
  s iam.sessions;
  origin uuid;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  r := iam.find_recovery(token);
  if r.id is null or r.state <> 'asked' then
    retry_after := iam.refuse_recovery(ring, token, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  if (lost in ('password', 'factors', 'both')) is not true then
    raise exception using errcode = 'VS422', message = 'what was lost is the password, the factors, or both';
  end if;
  select * into strict a from iam.accounts x where x.id = r.account_id;
  origin := iam.caller_origin(ring, r.organisation_id, null, caller);
  perform ops.wait_for_hash_turn();
  if lost = 'password' then
    if iam.methods_beside_link(a.id) = '{}' then
      answer := 'no_factor';
    else
      update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'signed_in_again' where x.id = r.session_id and x.revoked_at is null;
      s := iam.start_session(ring, a.id, new_token, '{link}', caller);
      update iam.recoveries x set lost = 'password', session_id = s.id, pepper_id = split_part(prehash, ':', 1),
        password_hash = extensions.crypt(prehash, extensions.gen_salt('bf', 12)) where x.id = r.id;
      answer := 'second_factor';
    end if;
  elsif lost = 'factors' and (extensions.crypt(prehash, a.password_hash) = a.password_hash) is not true then
    update iam.recoveries x set tries = x.tries + 1 where x.id = r.id;
    answer := 'refused';
  else
    perform iam.begin_waiting(ring, r, lost, prehash, cancel_token);
    answer := 'waiting';
  end if;
  -- whoever has lost a factor isn't changing the address (0345)
  if answer in ('second_factor', 'waiting') then perform iam.cancel_address_changes(a.id, iam.recovery_claims(r, origin), 'recovery'); end if;
  perform audit.append(iam.recovery_claims(r, origin), 'recovery.request', 'Person', a.id, null,
    case when answer in ('second_factor', 'waiting') then 'success' else 'failure' end, json_build_object('lost', lost, 'answer', answer)::text);
end $function$;
comment on function iam.choose_recovery is 'What was lost. prehash: of the new password (password, both) or of the present one (factors). Answers second_factor (a session under new_token waits for one; the password changes with it), no_factor (there is none: both are lost), waiting, refused, gone, or wait (retry_after: seconds). cancel_token: what the link of the notices will hold. Errors: VS422, VS503.';

create function iam.clear_challenges(most integer) returns void
language plpgsql volatile as $function$
begin
  delete from iam.challenges c where c.hash in (
    select x.hash from iam.challenges x where x.made_at < clock_timestamp() - interval '5 minutes' order by x.made_at limit most for update skip locked);
end $function$;
comment on function iam.clear_challenges is 'Those that nobody answered in time. Internal: iam.passkey_options, and ops.upkeep.';

create function iam.clear_sent_codes() returns void
language sql volatile as $function$
  delete from iam.sent_codes c where c.id in (select x.id from iam.sent_codes x where x.sent_at < now() - interval '1 day' limit 10000)
$function$;
comment on function iam.clear_sent_codes is 'Internal: ops.upkeep.';

create function iam.code_hash(key bytea, id uuid, code text) returns bytea
language plpgsql stable as $function$
begin
  return extensions.hmac(uuid_send(id) || convert_to(code, 'UTF8'), vault.derive(key, 'code'), 'sha256');
end $function$;
comment on function iam.code_hash is 'Internal. key: of the profile.';

create function iam.code_key(s iam.sessions, method text) returns text
language plpgsql stable as $function$
begin
  return 'code/' || method || '/' || s.account_id || case when iam.is_from_known_device(s) then '/known' else '' end;
end $function$;
comment on function iam.code_key is 'Internal.';

create function iam.code_taken(s iam.sessions, method text) returns void
language sql volatile as $function$ select ops.forgive(iam.code_key(s, method)) $function$;
comment on function iam.code_taken is 'The code was right: the try that was just counted was none. Internal.';

create function iam.code_wait(s iam.sessions, method text) returns integer
language plpgsql volatile as $function$
begin
  if method = 'passkey' then return 0; end if;
  return ops.delay(iam.code_key(s, method), 5, '1 hour', '1 hour', '1 hour');
end $function$;
comment on function iam.code_wait is 'Counts a try: 0, or the seconds until this session may try a code of this kind. Internal.';

create function iam.complete_recovery(ring text, token text, prehash text, new_token text, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  r iam.recoveries;
  a iam.accounts;
  s iam.sessions;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  r := iam.find_recovery(token);
  if r.id is null or r.state <> 'waiting' then
    retry_after := iam.refuse_recovery(ring, token, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  select * into strict a from iam.accounts x where x.id = r.account_id;
  perform ops.wait_for_hash_turn();
  if not iam.is_ready(r) then
    answer := 'not_yet';
  elsif (extensions.crypt(prehash, coalesce(r.password_hash, a.password_hash)) = coalesce(r.password_hash, a.password_hash)) is not true then
    update iam.recoveries x set tries = x.tries + 1 where x.id = r.id;
    answer := 'refused';
  else
    answer := 'ok';
    update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'signed_in_again' where x.id = r.session_id and x.revoked_at is null;
    s := iam.start_session(ring, a.id, new_token, '{link,password}', caller, enrols => true);
    -- whoever stops on the way comes back by the same link
    update iam.recoveries x set session_id = s.id, tries = 0 where x.id = r.id;
  end if;
  perform audit.append(iam.recovery_claims(r, coalesce(s.origin_id, iam.caller_origin(ring, r.organisation_id, null, caller))), 'recovery.complete', 'Recovery', r.id, null,
    case when answer = 'ok' then 'partial' else 'failure' end, json_build_object('answer', answer)::text);
end $function$;
comment on function iam.complete_recovery is 'The time has come, or somebody has confirmed: a session under new_token may add a factor, and the recovery is done with it. prehash: of the password, of the new one where it was lost too. Answers ok, not_yet, refused, gone, or wait (retry_after: seconds). Errors: VS503.';

create function iam.complete_registration(ring text, token text, prehash text, identity jsonb, consents jsonb, new_token text, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  r iam.registrations;
  s iam.sessions;
  patient uuid := ops.uuid_v7();
  origin uuid;
  key bytea;
  address text;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  r := iam.find_registration(token);
  if r.account_id is null then
    retry_after := iam.refuse_registration(ring, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  origin := iam.caller_origin(ring, r.organisation_id, null, caller);
  answer := case when r.completed_at is not null then 'resume'
                 when exists (select from access.organisations o where o.id = r.organisation_id and o.registration = 'closed') then 'closed'
                 when not clinic.is_identity(identity) then 'invalid'
                 when privacy.agrees(consents) is not true then 'consents' else 'ok' end;
  if answer <> 'ok' then
    perform audit.append(array[null, r.account_id::text, r.organisation_id::text, 'patient', null, null, null, origin::text],
      'account.confirm', 'Person', r.account_id, null, 'failure', json_build_object('answer', answer)::text);
    return;
  end if;
  perform iam.set_password(r.account_id, prehash);
  key := vault.unwrap(ring, r.account_id, 'profile');
  address := convert_from(vault.unpack(key, iam.profile_aad(r.account_id, 'email'), (select a.email from iam.accounts a where a.id = r.account_id)), 'UTF8');
  -- who they say they are, until somebody at the practice has seen a document
  perform access.set_claims(array[null, r.account_id::text, r.organisation_id::text, 'patient', patient::text, null, null, origin::text, null]);
  perform vault.set_ring(ring);
  perform clinic.add_patient(patient, r.organisation_id, identity || jsonb_build_object('email', address));
  insert into access.memberships (account_id, organisation_id, role, patient_id) values (r.account_id, r.organisation_id, 'patient', patient);
  update iam.accounts a set email_confirmed_at = clock_timestamp(),
    family_name = vault.seal(key, a.id, a.id, 1, '', 'iam.accounts.family_name', coalesce(nullif(identity ->> 'used_name', ''), identity ->> 'birth_name')),
    given_name = vault.seal(key, a.id, a.id, 1, '', 'iam.accounts.given_name', coalesce(nullif(identity ->> 'used_given_name', ''), identity ->> 'first_given_name'))
  where a.id = r.account_id;
  s := iam.start_session(ring, r.account_id, new_token, '{link,password}', caller, enrols => true);
  -- from here on in a session, which consents name
  perform access.set_claims(array[s.id::text, r.account_id::text, r.organisation_id::text, 'patient', patient::text, null, null, s.origin_id::text, null]);
  if not privacy.first_consents(ring, access.claims(), consents) then
    raise exception using errcode = 'VS409', message = 'the texts have changed since: read them again';
  end if;
  update iam.registrations x set completed_at = clock_timestamp(), organisation_id = r.organisation_id where x.account_id = r.account_id;
  perform audit.append(access.claims(), 'account.confirm', 'Person', r.account_id, patient, 'success');
end $function$;
comment on function iam.complete_registration is 'Takes a registration up: password, record of one''s own, consents, and a session under new_token that may add the first factor. prehash: as for iam.sign_in_password. identity: clinic.is_identity; consents: privacy.agrees. Answers ok, invalid (identity), consents, closed, resume (it has happened), gone, or wait (retry_after: seconds). Errors: VS409, VS503.';

create function iam.confirm_address_change(ring text, token text, link text, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  f record;
  s iam.sessions;
  c iam.address_changes;
  claims text[];
  address text;
  ended int;
begin
  select * into f from iam.find_address_change(ring, token, link, caller);
  answer := f.answer;
  retry_after := f.retry_after;
  if answer <> 'ok' then return; end if;
  select * into strict s from iam.sessions x where x.id = f.session;
  select * into strict c from iam.address_changes x where x.id = f.change;
  claims := iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller));
  address := iam.address_of(vault.unwrap(ring, s.account_id, 'profile'), c.id, s.account_id, 'email', c.email);
  perform iam.free_address(ring, address);
  if coalesce(iam.holder_of(ring, address), s.account_id) <> s.account_id then
    answer := 'taken';
  else
    begin
      perform iam.change_address(ring, c, address, claims);
    exception when unique_violation then
      -- somebody else, at this very moment
      answer := 'taken';
    end;
  end if;
  if answer = 'ok' then
    ended := iam.revoke_account(claims, s.account_id, 'address_changed', s.id);
  else
    perform iam.cancel_address_changes(s.account_id, claims, 'taken');
  end if;
  perform audit.append(claims, 'account.change', 'Person', s.account_id, null, case when answer = 'ok' then 'success' else 'failure' end,
    json_strip_nulls(json_build_object('change', 'address', 'step', 'confirmed', 'answer', answer, 'sessions_ended', ended))::text);
end $function$;
comment on function iam.confirm_address_change is 'The mailbox is theirs, and so is the session: from now on they sign in with that address. Answers ok (every other session is over), taken (it belongs to somebody else by now), sign_in, gone, or wait (retry_after: seconds). Errors: VS503.';

create function iam.confirm_phone(ring text, token text, code text, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  may record;
  s iam.sessions;
  key bytea;
begin
  retry_after := 0;
  select * into may from iam.may_change_factors(ring, token, caller);
  answer := may.answer;
  select * into s from iam.sessions x where x.id = may.session;
  if answer = 'ok' and s.factors < 2 then answer := 'second_factor'; end if;
  if answer = 'ok' then
    retry_after := iam.code_wait(s, 'phone_code');
    answer := case when retry_after > 0 then 'wait' when iam.try_code(ring, s, 'phone_code', code) then 'ok' else 'refused' end;
  end if;
  if answer = 'ok' then
    perform iam.code_taken(s, 'phone_code');
    key := vault.unwrap(ring, s.account_id, 'profile');
    update iam.phones p set pending = null, confirmed_at = clock_timestamp(), added_in = s.id,
      number = vault.seal(key, s.account_id, s.account_id, 1, '', 'iam.phones.number', iam.phone_number(key, s.account_id, true))
    where p.account_id = s.account_id and p.pending is not null;
    -- another tab has taken the number away meanwhile
    if not found then answer := 'refused'; end if;
  end if;
  if s.id is null then
    perform iam.record_refused_change(ring, token, 'factor.add', answer, caller);
    return;
  end if;
  if answer = 'ok' then perform ops.post(ring, s.account_id, 'email', 'factor_added', '{"factor": "sms_code"}'); end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, may.origin), 'factor.add', 'session', s.id, null,
    case when answer = 'ok' then 'success' else 'failure' end, json_build_object('factor', 'sms_code', 'answer', answer)::text);
end $function$;
comment on function iam.confirm_phone is 'Makes the number a factor by the code that went to it. Answers those of iam.may_change_factors, refused (not this code) or wait (retry_after: seconds). Errors: VS503.';

create function iam.confirm_totp(ring text, token text, code text, new_token text, caller jsonb, OUT answer text, OUT role text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  allowed record;
  s iam.sessions;
  key bytea;
  secret bytea;
  used bigint;
  replaced boolean;
begin
  retry_after := 0;
  select * into allowed from iam.may_change_factors(ring, token, caller);
  answer := allowed.answer;
  if answer <> 'ok' then
    perform iam.record_refused_change(ring, token, 'factor.add', answer, caller);
    return;
  end if;
  select * into strict s from iam.sessions x where x.id = allowed.session;
  key := vault.unwrap(ring, s.account_id, 'profile');
  select iam.open_totp_secret(key, s.id, s.account_id, 'iam.totp_enrolments.secret', x.secret) into secret
  from iam.totp_enrolments x where x.session_id = s.id and x.made_at > clock_timestamp() - interval '1 hour';
  if secret is null then
    answer := 'restart';
  else
    -- guessing gains nothing, since whoever guesses sees the secret; but each try is an event
    retry_after := ops.take('enrol/' || s.account_id, 10, 1.0 / 30);
    used := case when retry_after = 0 then iam.totp_step(secret, code, 0) end;
    answer := case when retry_after > 0 then 'wait' when used is null then 'refused' else 'ok' end;
  end if;
  if answer = 'wait' then
    perform ops.record_limited(ring, iam.gate_claims(s.account_id, s.id, allowed.origin), 'enrol', 'enrol/' || s.account_id, caller);
    return;
  elsif answer <> 'ok' then
    perform audit.append(iam.gate_claims(s.account_id, s.id, allowed.origin), 'factor.add', 'session', s.id, null, 'failure',
      json_build_object('factor', 'totp', 'answer', answer)::text);
    return;
  end if;
  perform iam.lock_factors(s.account_id);
  replaced := exists (select from iam.totp_factors f where f.account_id = s.account_id);
  insert into iam.totp_factors (account_id, secret, confirmed_at, last_step, added_in)
  values (s.account_id, vault.seal(key, s.account_id, s.account_id, 1, '', 'iam.totp_factors.secret', encode(secret, 'base64')), clock_timestamp(), used, s.id)
  on conflict on constraint totp_factors_pkey do update set secret = excluded.secret, confirmed_at = excluded.confirmed_at, last_step = excluded.last_step,
    added_in = excluded.added_in;
  delete from iam.totp_enrolments x where x.session_id = s.id;
  perform audit.append(iam.gate_claims(s.account_id, s.id, allowed.origin), 'factor.add', 'session', s.id, null, 'success',
    json_build_object('factor', 'totp', 'replaced', replaced)::text);
  if s.factors = 2 then perform ops.post(ring, s.account_id, 'email', 'factor_added', '{"factor": "totp"}'); end if;
  answer := iam.first_factor(ring, s.id, 'totp', new_token, caller);
  role := case when answer = 'ok' and s.factors = 1 then s.role end;
end $function$;
comment on function iam.confirm_totp is 'Makes the secret that was scanned the account''s, by a code of it, which is used up. role: the session was made by a link, and goes on whole under new_token. Answers ok, refused, wait (retry_after: seconds), restart (nothing was begun within the hour), or what iam.may_change_factors says. Errors: VS503.';

create function iam.confirming_role(r iam.recoveries) returns text
language plpgsql stable as $function$
begin
  -- that somebody is a patient here isn't an administrator's to know
  return case when exists (select from access.memberships m where m.account_id = r.account_id and m.organisation_id = r.organisation_id and m.role <> 'patient')
              then 'org_admin' else 'secretary' end;
end $function$;
comment on function iam.confirming_role is 'Internal.';

create function iam.consent_texts(lang text) returns TABLE(type text, version text, needed boolean, title text, body text, hash text)
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
begin
  return query
  select t.type, t.version, privacy.is_needed(t.type), t.title, t.body, encode(t.hash, 'hex')
  from privacy.consent_texts t where t.lang = consent_texts.lang and t.version = privacy.current_version(t.type)
  order by array_position(array['data_processing', 'medical_record_storage', 'telemedicine_usage', 'mes_sharing', 'research_anonymized', 'marketing'], t.type);
end $function$;
comment on function iam.consent_texts is 'What somebody who registers is asked, in this language: the texts of now.';

create function iam.coordinates(place text) returns double precision[]
language plpgsql immutable as $function$
declare
  degrees text[] := regexp_match(place, '/(-?[0-9]{1,3}(?:[.][0-9]{1,4})?),(-?[0-9]{1,3}(?:[.][0-9]{1,4})?)$');
begin
  if degrees is null or abs(degrees[1]::numeric) > 90 or abs(degrees[2]::numeric) > 180 then return null; end if;
  return degrees::double precision[];
end $function$;
comment on function iam.coordinates is 'Latitude and longitude at the end of `country/city/latitude,longitude`; NULL where it has none. Internal.';

create function iam.count_elsewhere(OUT accounts integer, OUT kept_out integer) returns record
language plpgsql stable as $function$
begin
  select count(*), count(*) filter (where iam.methods_of(a.id) = '{}') into accounts, kept_out
  from iam.accounts a
  where a.status = 'active' and exists (select from iam.passkeys p where p.account_id = a.id and not iam.is_here(p.rp_id));
end $function$;
comment on function iam.count_elsewhere is 'Accounts with passkeys that don''t work here, and those of them that have no other factor. As vs_owner: serve_at and the doctor.';

create function iam.create_account(ring text, organisation uuid, role text, email text, profile jsonb, prehash text, totp_secret bytea, patient uuid DEFAULT NULL::uuid, password_hash text DEFAULT NULL::text) returns uuid
language plpgsql volatile as $function$
declare
  account uuid := ops.uuid_v7();
  key bytea;
begin
  if not iam.is_address(email) then
    raise exception using errcode = 'VS422', message = 'an e-mail address has one @, no spaces, and a domain of letters, digits and hyphens';
  end if;
  if iam.holder_of(ring, create_account.email) is not null then
    raise exception using errcode = 'VS409', message = 'there is an account with this e-mail address already';
  end if;
  key := vault.create_key(ring, account, 'profile', organisation);
  insert into iam.accounts (id, email_index, email, family_name, given_name, quality, rpps, password_hash)
  values (account, (iam.email_indexes(ring, create_account.email))[1],
          vault.seal(key, account, account, 1, '', 'iam.accounts.email', email),
          vault.seal(key, account, account, 1, '', 'iam.accounts.family_name', profile ->> 'family_name'),
          vault.seal(key, account, account, 1, '', 'iam.accounts.given_name', profile ->> 'given_name'),
          vault.seal(key, account, account, 1, '', 'iam.accounts.quality', profile ->> 'quality'),
          vault.seal(key, account, account, 1, '', 'iam.accounts.rpps', profile ->> 'rpps'),
          coalesce(password_hash, extensions.crypt(prehash, extensions.gen_salt('bf', 12))));
  insert into access.memberships (account_id, organisation_id, role, patient_id)
  values (account, organisation, create_account.role, patient);
  if totp_secret is not null then
    insert into iam.totp_factors (account_id, secret, confirmed_at)
    values (account, vault.seal(key, account, account, 1, '', 'iam.totp_factors.secret', encode(totp_secret, 'base64')), clock_timestamp());
  end if;
  return account;
end $function$;
comment on function iam.create_account is 'An account with its profile key, membership, password hash and TOTP secret. As vs_owner. Errors: VS409, VS422.';

create function iam.create_organisation(ring text, name text) returns uuid
language plpgsql volatile as $function$
declare
  new_id uuid := ops.uuid_v7();
begin
  perform vault.require_ring(ring);
  insert into access.organisations (id, name) values (new_id, create_organisation.name);
  perform audit.create_lanes(new_id);
  perform vault.create_key(ring, new_id, 'organisation', new_id);
  return new_id;
end $function$;
comment on function iam.create_organisation is 'A practice, its audit lanes and its key. As vs_owner. Errors: VS503 for a ring that isn''t this database''s.';

create function iam.disown_address_change(ring text, link text, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c iam.address_changes := iam.find_address_notice(ring, link);
  claims text[];
  restored boolean;
  removed text[];
  ended int;
begin
  answer := case when c.state = 'taken_back' then 'taken_back' when c.id is not null then 'ok' else 'gone' end;
  if answer = 'gone' then
    retry_after := iam.refuse_address_link(ring, link, caller);
    if retry_after > 0 then answer := 'wait'; end if;
  end if;
  if answer <> 'ok' then return; end if;
  claims := iam.gate_claims(c.account_id, null, iam.caller_origin(ring, null, null, caller));
  perform iam.cancel_address_changes(c.account_id, claims, 'disowned');
  restored := iam.take_address_back(ring, c.account_id, coalesce(c.changed_at, c.asked_at));
  update iam.address_changes x set state = 'taken_back' where x.id = c.id;
  removed := iam.remove_factors_of(c.account_id, iam.find_sessions_of_change(c));
  perform iam.cancel_recoveries(ring, c.account_id, claims, 'disowned');
  ended := iam.revoke_account(claims, c.account_id, 'disowned');
  -- whoever asked had a session and a factor: no browser is known any more
  update iam.devices d set forgotten_at = clock_timestamp() where d.account_id = c.account_id and d.forgotten_at is null;
  perform ops.post(ring, c.account_id, 'email', 'address_kept');
  if removed <> '{}' then
    perform audit.append(claims, 'factor.remove', 'Person', c.account_id, null, 'success', json_build_object('because', 'disowned', 'factors', removed)::text);
  end if;
  answer := 'taken_back';
  perform audit.append(claims, 'account.change', 'Person', c.account_id, null, 'success',
    json_build_object('change', 'address', 'step', 'taken_back', 'restored', restored, 'sessions_ended', ended)::text);
end $function$;
comment on function iam.disown_address_change is 'It wasn''t them: the address is what it was, nothing waits, and every session is over. Answers taken_back, gone, or wait (retry_after: seconds). Errors: VS503.';

create function iam.disown_sign_in(ring text, claims text[], entry iam.sign_ins) returns void
language plpgsql volatile as $function$
declare
  asking iam.sessions;
  doubtful uuid[];
  removed text[];
  ended text[] := array[]::text[];
begin
  select * into asking from iam.sessions s where s.id = claims[1]::uuid;
  doubtful := iam.find_doubtful_sessions(entry, asking);
  removed := iam.remove_factors_of(entry.account_id, doubtful);
  if iam.revoke_account(claims, entry.account_id, 'disowned', asking.id) > 0 then ended := ended || 'session'::text; end if;
  -- also where a change of the address came from there (0345): the notices go to whom they belong
  perform iam.cancel_address_changes(entry.account_id, claims, 'disowned');
  if iam.take_address_back(ring, entry.account_id, (select min(x.changed_at) from iam.address_changes x
      where x.account_id = entry.account_id and x.former is not null and x.session_id = any (doubtful))) then
    ended := ended || 'address'::text;
  end if;
  if iam.cancel_recoveries(ring, entry.account_id, claims, 'disowned') then ended := ended || 'recovery'::text; end if;
  update iam.devices d set forgotten_at = clock_timestamp()
  where d.forgotten_at is null
    and (d.id = entry.device_id
         or (d.id in (select s.device_id from iam.sessions s where s.id = any (doubtful)) and d.id is distinct from asking.device_id));
  if found then ended := ended || 'device'::text; end if;
  ended := ended || removed;
  update iam.sign_ins s set disowned_at = clock_timestamp(), undone = ended where s.id = entry.id;
  perform audit.append(claims, 'session.unusual', 'SignIn', entry.id, null, 'success', json_build_object('disowned', true, 'undone', ended)::text);
  if removed <> '{}' then
    perform audit.append(claims, 'factor.remove', 'Person', entry.account_id, null, 'success', json_build_object('because', 'disowned', 'factors', removed)::text);
  end if;
  perform ops.post(ring, entry.account_id, 'email', 'sign_in_disowned', jsonb_build_object('undone', ended));
end $function$;
comment on function iam.disown_sign_in is 'claims: who says so, of iam.gate_claims for the link. The account is locked. Internal.';

create function iam.e164(typed text) returns text
language plpgsql immutable as $function$
declare
  digits text := translate(typed, ' .-()/' || chr(160) || chr(8239), '');
begin
  if digits ~ '^0[1-9][0-9]{8}$' then digits := '+33' || substr(digits, 2); end if;
  if digits ~ '^00[1-9]' then digits := '+' || substr(digits, 3); end if;
  -- +33 (0)6: people write it so
  digits := regexp_replace(digits, '^[+]330', '+33');
  return case when digits ~ '^[+][1-9][0-9]{7,14}$' and (digits !~ '^[+]33' or digits ~ '^[+]33[67][0-9]{8}$') then digits end;
end $function$;
comment on function iam.e164 is 'A number as people type it, in the form of E.164; NULL for what is none, or a French one that takes no SMS. Without a country it is French. Internal.';

create function iam.email_indexes(ring text, email text) returns bytea[]
language sql immutable as $function$
  select array(
    select substr(extensions.hmac(convert_to(lower(normalize(btrim(email), nfc)), 'UTF8'),
                                  vault.derive(vault.master(ring, name), 'email'), 'sha256'), 1, 16)
    from unnest(vault.ring_names(ring)) with ordinality as n (name, place) order by place)
$function$;
comment on function iam.email_indexes is 'The keyed hash of an address under each key of the ring; the first is for what is new.';

create function iam.end_family(s iam.sessions, origin uuid) returns boolean
language plpgsql volatile as $function$
begin
  update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'token_reused' where x.id = s.id and x.revoked_at is null;
  if not found then return false; end if;
  perform audit.append(array[s.id::text, s.account_id::text, s.organisation_id::text, s.role, null, null, null, origin::text],
    'session.reuse', 'session', s.id, null, 'failure');
  return true;
end $function$;
comment on function iam.end_family is 'Ends a session whose old token came back, and records it; false when it was over. Internal.';

create function iam.end_session() returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  if c is null then return 'ok'; end if;
  update iam.sessions set revoked_at = clock_timestamp(), revoked_because = 'signed_out' where id = c[1]::uuid and revoked_at is null;
  perform audit.append(c, 'session.end', 'session', c[1]::uuid, null, 'success');
  return 'ok';
end $function$;
comment on function iam.end_session is 'Sign-out: this session opens nothing from the next transaction on.';

create function iam.enter(token text, ring text, focus uuid DEFAULT NULL::uuid, phase text DEFAULT 'open'::text, ip text DEFAULT NULL::text, user_agent text DEFAULT NULL::text, renewal text DEFAULT NULL::text) returns text
language plpgsql volatile as $function$
declare
  admitted text[] := iam.admit(token, ring, focus, phase, ip, user_agent, renewal);
begin
  -- a definer can't set the role; it lasts to the end of the transaction
  perform set_config('role', admitted[2], true);
  return case when admitted[3] = 'true' then 'renewed' else admitted[1] end;
end $function$;
comment on function iam.enter is 'Who is asking: checks the session token, seals identity and keys into this transaction, and takes the role on.
phase `open` (first transaction): answers ok, renewed (ok, and `renewal` is the session''s token from now on), signed_out, second_factor or network (a denied one), and acts as vs_anon unless ok; `read` and `write`: raises VS401 or VS471 instead.
ring: VITAL_KEYS. focus: the patient on the page, if there is one. renewal: a new token, used when the present one is older than 15 minutes.';

create function iam.factor_is_recent(session uuid) returns boolean
language plpgsql stable as $function$
begin
  return exists (
    select from iam.sessions s
    where s.id = session and s.factors = 2
      -- one from the future (the clock was stepped) doesn't count for ever
      and s.factor_at between clock_timestamp() - interval '10 minutes' and clock_timestamp() + interval '5 seconds');
end $function$;
comment on function iam.factor_is_recent is 'Was a factor shown within the last 10 minutes? Internal: ops.intend, ops.fulfil and the openings that step up ask it.';

create function iam.find_address_change(ring text, token text, link text, caller jsonb, OUT answer text, OUT retry_after integer, OUT session uuid, OUT change uuid) returns record
language plpgsql volatile as $function$
declare
  s iam.sessions;
  c iam.address_changes;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  -- this account's lock and no other's: two people with each other's links don't wait for each other
  s := iam.find_session(ring, token, caller);
  session := s.id;
  select * into c from iam.address_changes x where x.token_hash = iam.hash_token(link) and x.state = 'waiting' and x.ends_at > clock_timestamp();
  answer := case when c.id is null then 'gone' when s.id is null or s.factors < 2 then 'sign_in'
                 when s.account_id = c.account_id then 'ok' else 'gone' end;
  if answer = 'ok' then
    change := c.id;
  elsif answer = 'gone' then
    retry_after := iam.refuse_address_link(ring, link, caller);
    if retry_after > 0 then answer := 'wait'; end if;
  end if;
end $function$;
comment on function iam.find_address_change is 'What a link to a new mailbox leads to: ok (session and change, under the lock of their account), sign_in, gone (somebody else''s, too), or wait. Internal. Errors: VS503.';

create function iam.find_address_notice(ring text, link text) returns iam.address_changes
language plpgsql volatile as $function$
declare
  c iam.address_changes;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  perform iam.lock_account((select x.account_id from iam.address_changes x where iam.hash_token(link) in (x.asked_hash, x.changed_hash)));
  select * into c from iam.address_changes x
  where iam.hash_token(link) in (x.asked_hash, x.changed_hash) and coalesce(x.changed_at, x.asked_at) > clock_timestamp() - interval '7 days';
  return c;
end $function$;
comment on function iam.find_address_notice is 'The change that a notice is about, under the lock of its account; NULL for none. Internal. Errors: VS503.';

create function iam.find_by_link(ring text, link text, caller jsonb) returns iam.sign_ins
language plpgsql volatile as $function$
declare
  entry iam.sign_ins;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  perform iam.lock_account((select s.account_id from iam.sign_ins s where s.link_hash = iam.hash_token(link)));
  select * into entry from iam.sign_ins s
  where s.link_hash = iam.hash_token(link) and s.at > clock_timestamp() - interval '3 days' for update;
  -- 256 bits aren't guessed; the log doesn't grow for ever by those who try
  if entry.id is null and ops.take('sign_in_link/' || ops.network_key(ring, caller ->> 'ip'), 30, 1.0 / 60) = 0 then
    perform audit.append(iam.gate_claims(null, null, iam.caller_origin(ring, null, null, caller)), 'session.unusual', 'SignIn', null, null,
      'failure', '{"answer":"expired"}');
  end if;
  return entry;
end $function$;
comment on function iam.find_by_link is 'The sign-in that a link is about, locked. Internal.';

create function iam.find_by_old_token(hash bytea, OUT session uuid, OUT late boolean, OUT origin uuid) returns record
language plpgsql stable as $function$
begin
  select o.session_id, o.retired_at <= clock_timestamp() - interval '30 seconds', o.origin_id into session, late, origin
  from iam.old_tokens o where o.token_hash = hash;
end $function$;
comment on function iam.find_by_old_token is 'Internal.';

create function iam.find_doubtful_sessions(entry iam.sign_ins, asking iam.sessions) returns uuid[]
language plpgsql stable as $function$
begin
  return array(
    select s.id from iam.sessions s left join iam.devices d on d.id = s.device_id left join iam.sign_ins i on i.session_id = s.id
    where s.account_id = entry.account_id and s.id is distinct from asking.id
      and (s.id = entry.session_id
           or (coalesce(i.at, s.created_at) >= entry.at
               and (asking.device_id is null or s.device_id is distinct from asking.device_id)
               -- a browser that was known before stays the person's
               and (d.id is null or d.id = entry.device_id or d.first_seen_at >= entry.at))
           -- the same browser, once it was new beside another: in one's first, one has added one's own
           or (s.device_id = entry.device_id and s.device_id is distinct from asking.device_id
               and coalesce(i.at, s.created_at) >= (select min(n.at) from iam.sign_ins n
                 where n.account_id = entry.account_id and n.device_id = entry.device_id and 'new_device' = any (n.signals)
                   and n.released_at is null and n.at > entry.at - interval '7 days'))));
end $function$;
comment on function iam.find_doubtful_sessions is 'The session of a sign-in, those of the same browser since it was new, and those that came after it in browsers that were not known before. asking: the session that says so, if there is one. Internal.';

create function iam.find_invitation(token text) returns iam.invitations
language plpgsql volatile as $function$
declare
  i iam.invitations;
begin
  select x.* into i from iam.invitations x where x.token_hash = iam.hash_token(token) for update;
  if i.accepted_at is not null or i.withdrawn_at is not null or i.expires_at <= clock_timestamp()
     or not exists (select from iam.accounts a join access.memberships m on m.account_id = a.id
                    where a.id = i.account_id and a.status = 'invited' and clock_timestamp() between m.valid_from and m.valid_until) then
    return null;
  end if;
  return i;
end $function$;
comment on function iam.find_invitation is 'NULL for one that was used, ran out, was withdrawn or never was. Internal.';

create function iam.find_recovery(token text) returns iam.recoveries
language plpgsql volatile as $function$
declare
  r iam.recoveries;
begin
  perform iam.lock_account((select x.account_id from iam.recoveries x where iam.hash_token(token) in (x.token_hash, x.ready_hash)));
  select x.* into r from iam.recoveries x join iam.accounts a on a.id = x.account_id
  where iam.hash_token(token) in (x.token_hash, x.ready_hash) and x.state in ('asked', 'waiting') and x.ends_at > clock_timestamp()
    and x.tries < 5 and exists (select from access.memberships m where m.account_id = a.id and access.membership_is_live(m.id)) for update of x;
  return r;
end $function$;
comment on function iam.find_recovery is 'The live recovery of a link, locked; NULL for none. Internal.';

create function iam.find_registration(token text) returns iam.registrations
language plpgsql volatile as $function$
declare
  r iam.registrations;
begin
  select x.* into r from iam.registration_links l join iam.registrations x on x.account_id = l.account_id join iam.accounts a on a.id = x.account_id
  where l.token_hash = iam.hash_token(token) and l.sent_at > clock_timestamp() - interval '24 hours' and a.status = 'invited' for update of x;
  if r.completed_at is null then
    r.organisation_id := (select l.organisation_id from iam.registration_links l where l.token_hash = iam.hash_token(token));
  end if;
  return r;
end $function$;
comment on function iam.find_registration is 'The live registration of a link, locked, with the practice that the link is for; NULL for none. Internal.';

create function iam.find_session(ring text, token text, caller jsonb) returns iam.sessions
language plpgsql volatile as $function$
declare
  s iam.sessions;
  old_session uuid;
  late boolean;
  m access.memberships;
begin
  perform ops.require_network(caller ->> 'ip');
  perform iam.lock_account(x.account_id) from iam.sessions x where x.token_hash = iam.hash_token(token)
    or x.id = (select o.session_id from iam.old_tokens o where o.token_hash = iam.hash_token(token));
  select * into s from iam.sessions x where x.token_hash = iam.hash_token(token) for update;
  if s.id is null then
    select o.session, o.late into old_session, late from iam.find_by_old_token(iam.hash_token(token)) o;
    select * into s from iam.sessions x where x.id = old_session for update;
    if late then
      perform iam.end_family(s, iam.caller_origin(ring, s.organisation_id, s.id, caller));
      return null;
    end if;
  end if;
  if s.id is null or s.revoked_at is not null or s.expires_at <= clock_timestamp() or s.account_id is null
     or (s.factors = 2 and s.last_seen_at <= clock_timestamp() - interval '30 minutes') then
    return null;
  end if;
  select x.* into m from access.memberships x join iam.accounts a on a.id = x.account_id
  where x.id = s.membership_id and clock_timestamp() between x.valid_from and x.valid_until
    -- who was invited becomes active with the first factor
    and (a.status = 'active' or (a.status = 'invited' and s.enrols));
  return case when m.id is not null then s end;
end $function$;
comment on function iam.find_session is 'The live session of a token, of one factor or two, locked; NULL for none. Ends it if the token is an old one that comes too late. Internal.';

create function iam.find_sessions_of_change(c iam.address_changes) returns uuid[]
language plpgsql stable as $function$
declare
  entry iam.sign_ins;
begin
  select * into entry from iam.sign_ins s where s.session_id = c.session_id;
  return array_append(case when entry.id is null then '{}' else iam.find_doubtful_sessions(entry, null) end, c.session_id);
end $function$;
comment on function iam.find_sessions_of_change is 'The session that asked, and those that 0335 doubts with it. Internal.';

create function iam.find_signals(profile_key bytea, account uuid, device_known boolean, network bytea, place text, at timestamp with time zone, OUT signals text[], OUT facts jsonb) returns record
language plpgsql stable as $function$
declare
  last iam.sign_ins;
  last_placed iam.sign_ins;
  minute int := extract(hour from at at time zone 'Europe/Paris') * 60 + extract(minute from at at time zone 'Europe/Paris');
  km double precision;
  hours double precision;
  failures int;
begin
  signals := '{}';
  facts := '{}';
  -- nothing to compare with
  if not exists (select from iam.sign_ins s where s.account_id = account) then return; end if;
  select * into last from iam.sign_ins s where s.account_id = account and iam.is_trusted(s) order by s.at desc limit 1;

  if not device_known then
    signals := signals || 'new_device'::text;
    -- those of the last day, and not of before the last sign-in; counted no further than it matters
    failures := (select count(*) from (
      select from audit.events e
      where e.actor_id = account and e.outcome = 'failure' and e.event in ('session.password', 'session.factor')
        and e.at > greatest(find_signals.at - interval '1 day', last.at) limit 100) f);
    if failures >= 5 then
      signals := signals || 'many_failures'::text;
      facts := facts || jsonb_build_object('failures', failures);
    end if;
  end if;

  if network is not null and not exists (select from iam.sign_ins s where s.account_id = account and s.network = find_signals.network
                                           and s.at > find_signals.at - interval '180 days' and iam.is_trusted(s)) then
    signals := signals || 'new_network'::text;
  end if;

  select * into last_placed from iam.sign_ins s where s.account_id = account and s.placed and iam.is_trusted(s) order by s.at desc limit 1;
  if last_placed.id is not null then
    km := iam.km_between(iam.coordinates(iam.read_facts(profile_key, last_placed) ->> 'place'), iam.coordinates(place));
    hours := greatest(0, extract(epoch from at - last_placed.at)) / 3600;
    -- faster than an airliner; and where an address seems to be is right to 200 km at best
    if km > 200 and km > 900 * hours then
      signals := signals || 'impossible_speed'::text;
      facts := facts || jsonb_build_object('km', round(km), 'minutes', round(hours * 60));
    end if;
  end if;

  -- no earlier sign-in within three hours of this one's, on any day, once there are ten to go by
  if (select count(*) >= 10 and min(least(h.apart, 1440 - h.apart)) > 180
      from (select abs(extract(hour from s.at at time zone 'Europe/Paris') * 60 + extract(minute from s.at at time zone 'Europe/Paris') - minute) as apart
            from iam.sign_ins s
            where s.account_id = account and s.at > find_signals.at - interval '90 days' and iam.is_trusted(s) order by s.at desc limit 50) h) then
    signals := signals || 'odd_hour'::text;
  end if;
end $function$;
comment on function iam.find_signals is 'What is unusual about a sign-in, and the figures behind it. Internal.';

create function iam.first_factor(ring text, session uuid, method text, new_token text, caller jsonb) returns text
language plpgsql volatile as $function$
declare
  s iam.sessions;
begin
  select * into strict s from iam.sessions x where x.id = session;
  if s.factors = 2 then return 'ok'; end if;
  update iam.accounts a set status = 'active' where a.id = s.account_id and a.status = 'invited';
  return iam.accept_factor(ring, s, method, new_token, caller);
end $function$;
comment on function iam.first_factor is 'After a factor was added: makes a session that enrols whole, and an invited account active; nothing for any other. Gives what the cookie is to be told: ok. Internal.';

create function iam.forget_address_changes() returns void
language sql volatile as $function$
  update iam.address_changes c set state = 'cancelled', email = null where c.id in (
    select x.id from iam.address_changes x where x.state = 'waiting' and x.ends_at < clock_timestamp() limit 1000 for update skip locked);
  update iam.address_changes c set former = null, former_index = null where c.id in (
    select x.id from iam.address_changes x where x.former is not null and x.changed_at < clock_timestamp() - interval '7 days' limit 1000 for update skip locked);
  delete from iam.address_changes c where c.id in (select x.id from iam.address_changes x where x.asked_at < clock_timestamp() - interval '30 days' limit 1000)
$function$;
comment on function iam.forget_address_changes is 'Internal: ops.upkeep.';

create function iam.forget_devices() returns void
language plpgsql volatile as $function$
declare
  -- one that somebody is signing in with is locked, and stays
  old uuid[] := array(select d.id from iam.devices d where d.last_seen_at < clock_timestamp() - interval '13 months'
                      order by d.last_seen_at limit 10000 for update skip locked);
begin
  update iam.sessions s set device_id = null where s.device_id = any (old);
  update iam.sign_ins s set device_id = null where s.device_id = any (old);
  delete from iam.devices d where d.id = any (old);
end $function$;
comment on function iam.forget_devices is 'Browsers of more than 13 months ago, 10,000 at a time. Internal: ops.upkeep.';

create function iam.forget_ended_recoveries() returns integer
language plpgsql volatile as $function$
declare
  n int;
begin
  update iam.recoveries r set state = 'cancelled', password_hash = null, pepper_id = null
  where r.id in (select x.id from iam.recoveries x where x.ends_at < clock_timestamp() and x.state in ('asked', 'waiting') limit 1000 for update skip locked);
  delete from iam.recoveries r where r.id in (select x.id from iam.recoveries x where x.ends_at < clock_timestamp() - interval '30 days' limit 1000);
  get diagnostics n = row_count;
  return n;
end $function$;
comment on function iam.forget_ended_recoveries is 'What is over opens nothing; a month later the log alone knows of it. Internal: ops.upkeep.';

create function iam.forget_expired_invitations() returns integer
language plpgsql volatile as $function$
declare
  account uuid;
  n int := 0;
begin
  -- a month later: until then the list says who didn't answer, and another link can be sent
  for account in select i.account_id from iam.invitations i
                 where i.withdrawn_at is null and i.expires_at < clock_timestamp() - interval '30 days' and iam.is_forgettable(i)
                 limit 100 for update skip locked loop
    perform iam.forget_invited(account);
    n := n + 1;
  end loop;
  return n;
end $function$;
comment on function iam.forget_expired_invitations is 'Those that nobody took up within a month, 100 at a time. Internal: ops.upkeep.';

create function iam.forget_expired_registrations() returns integer
language plpgsql volatile as $function$
declare
  account uuid;
  n int := 0;
begin
  for account in select r.account_id from iam.registrations r
                 where r.completed_at is null and r.asked_at < clock_timestamp() - interval '24 hours'
                 limit 500 for update skip locked loop
    perform iam.forget_registration(account);
    n := n + 1;
  end loop;
  delete from iam.registration_links l where l.token_hash in (
    select x.token_hash from iam.registration_links x where x.sent_at < clock_timestamp() - interval '24 hours' limit 1000);
  return n;
end $function$;
comment on function iam.forget_expired_registrations is 'Those that nobody confirmed within a day, 500 at a time. Internal: ops.upkeep.';

create function iam.forget_invited(account uuid) returns void
language plpgsql volatile as $function$
begin
  perform iam.lock_account(account);
  update iam.invitations i set withdrawn_at = clock_timestamp(), email = null where i.account_id = account;
  -- the index of an address could be tried with the master key: random bytes instead
  update iam.accounts a set status = 'suspended', email_index = extensions.gen_random_bytes(16), password_hash = null, pepper_id = null,
    family_name = null, given_name = null, quality = null, rpps = null where a.id = account;
  update access.memberships m set valid_until = greatest(m.valid_from, clock_timestamp())
  where m.account_id = account and m.valid_until > clock_timestamp();
  update iam.sessions s set revoked_at = clock_timestamp(), revoked_because = 'suspended' where s.account_id = account and s.revoked_at is null;
  perform ops.end_message(o, 'failed', 'withdrawn') from ops.outbox o where o.account_id = account and o.state = 'waiting';
  delete from iam.former_names n where n.account_id = account;
  -- what is left is ciphertext, and its key is gone
  delete from vault.keys k where k.subject_id = account and k.level = 'profile';
end $function$;
comment on function iam.forget_invited is 'Somebody who was invited and never became active: nothing that was typed about them stays. Internal.';

create function iam.forget_registration(account uuid) returns void
language plpgsql volatile as $function$
begin
  delete from iam.registration_links l where l.account_id = account;
  delete from iam.registrations r where r.account_id = account;
  perform iam.forget_invited(account);
end $function$;
comment on function iam.forget_registration is 'Internal.';

create function iam.forget_sessions() returns void
language plpgsql volatile as $function$
declare
  over uuid[] := array(
    select s.id from iam.sessions s
    where coalesce(s.revoked_at, s.expires_at) < clock_timestamp() - interval '13 months'
      and not exists (select from iam.sign_ins x where x.session_id = s.id)
      and not exists (select from access.broken_glass x where x.session_id = s.id)
      and not exists (select from access.emergency_searches x where x.session_id = s.id)
      and not exists (select from iam.recoveries x where x.session_id = s.id)
      and not exists (select from iam.address_changes x where x.session_id = s.id)
    order by coalesce(s.revoked_at, s.expires_at) limit 10000 for update skip locked);
begin
  -- what only waited for a session goes with it; it is cleared out much earlier
  delete from iam.old_tokens x where x.session_id = any (over);
  delete from iam.totp_enrolments x where x.session_id = any (over);
  delete from iam.challenges x where x.session_id = any (over);
  delete from iam.sent_codes x where x.session_id = any (over);
  -- the one that took its place began while it went on, so it is over as well
  update iam.sessions x set replaces_id = null where x.replaces_id = any (over);
  delete from iam.sessions x where x.id = any (over);
end $function$;
comment on function iam.forget_sessions is 'Sessions that were over 13 months ago and nothing refers to, 10,000 at a time. Internal: ops.upkeep.';

create function iam.forget_sign_ins() returns void
language plpgsql volatile as $function$
begin
  -- what is older than the log's year of addresses is compared with nothing; the newest of each account says that there was one
  delete from iam.sign_ins s where s.id in (
    select x.id from iam.sign_ins x
    where x.at < clock_timestamp() - interval '1 year'
      and exists (select from iam.sign_ins y where y.account_id = x.account_id and y.at > x.at)
    order by x.at limit 10000);
end $function$;
comment on function iam.forget_sign_ins is 'Removes sign-ins of more than a year ago, but the last of each account. As vs_owner, by ops.upkeep.';

create function iam.free_address(ring text, email text) returns void
language plpgsql volatile as $function$
declare
  i iam.invitations;
begin
  select x.* into i from iam.accounts a join iam.invitations x on x.account_id = a.id
  where a.email_index = any (iam.email_indexes(ring, free_address.email)) for update of x;
  if i.account_id is not null and iam.is_forgettable(i) then perform iam.forget_invited(i.account_id); end if;
  -- nor does a registration that nobody confirmed: whoever types somebody's address can't keep them from being invited
  perform iam.free_registration(ring, email);
end $function$;
comment on function iam.free_address is 'An invitation that ran out holds no address: called before an account is looked for. Internal: inviting, registering.';

create function iam.free_registration(ring text, email text) returns void
language plpgsql volatile as $function$
declare
  account uuid;
begin
  select r.account_id into account from iam.registrations r join iam.accounts a on a.id = r.account_id
  where a.email_index = any (iam.email_indexes(ring, free_registration.email)) and r.completed_at is null for update of r;
  if account is not null then perform iam.forget_registration(account); end if;
end $function$;
comment on function iam.free_registration is 'An address that somebody typed and nobody confirmed is held by nobody. Internal: inviting, registering.';

create function iam.from_base64url(value text) returns bytea
language plpgsql immutable as $function$
begin
  if value !~ '^[A-Za-z0-9_-]*$' or length(value) % 4 = 1 then return null; end if;
  return decode(rpad(translate(value, '-_', '+/'), (length(value) + 3) / 4 * 4, '='), 'base64');
end $function$;
comment on function iam.from_base64url is 'RFC 4648 §5 without padding; NULL for anything else.';

create function iam.gate_claims(account uuid, session uuid, origin uuid) returns text[]
language sql stable as $function$
  select array[session::text, a.id::text, m.organisation_id::text, coalesce(m.role, 'unknown'), null, null, null, origin::text]
  from (values (1)) one
  left join iam.accounts a on a.id = account
  -- a role that somebody had before is none that they act in
  left join lateral (select * from access.memberships x where x.account_id = a.id
                     order by x.valid_until > clock_timestamp() desc, x.valid_from, x.id limit 1) m on true
$function$;
comment on function iam.gate_claims is 'Who an event of the gate is about, before anybody has entered. Internal.';

create function iam.give_address(ring text, account uuid, address text) returns bytea
language plpgsql volatile as $function$
declare
  master text;
  former bytea;
begin
  -- under the master key by which this account is found already: a rotation that has renewed it doesn't come back (0220)
  select k.indexed into strict master from vault.keys k where k.subject_id = account and k.level = 'profile' for share;
  select a.email_index into former from iam.accounts a where a.id = account for update;
  update iam.accounts a set email_index = (iam.email_indexes(master || '=' || encode(vault.master(ring, master), 'base64'), address))[1],
    email = vault.seal(vault.unwrap(ring, account, 'profile'), account, account, 1, '', 'iam.accounts.email', address) where a.id = account;
  return former;
end $function$;
comment on function iam.give_address is 'Gives the index of the address before. Internal. Errors: 23505 where somebody else has it.';

create function iam.hash_recovery_code(ring text, account uuid, code text, salt text) returns text
language plpgsql volatile as $function$
begin
  perform ops.wait_for_hash_turn();
  -- as people copy it: any case, any spaces and hyphens, o for 0, i and l for 1
  return extensions.crypt(encode(extensions.hmac(
    convert_to(translate(lower(regexp_replace(code, '[^0-9A-Za-z]', '', 'g')), 'oil', '011'), 'UTF8'),
    vault.derive(vault.unwrap(ring, account, 'profile'), 'code'), 'sha256'), 'base64'), salt);
end $function$;
comment on function iam.hash_recovery_code is 'salt: of extensions.gen_salt(''bf'', 10), or of a hash that is there. Internal. Errors: VS404, VS503, 55P03 (no turn for hashing within 5 s).';

create function iam.hash_token(token text) returns bytea
language plpgsql immutable as $function$
begin
  return sha256(convert_to(token, 'UTF8'));
end $function$;
comment on function iam.hash_token is 'A token has 256 bits of randomness, so one round of SHA-256 is enough.';

create function iam.holder_of(ring text, email text) returns uuid
language plpgsql stable as $function$
declare
  indexes bytea[] := iam.email_indexes(ring, email);
begin
  -- in one look: somebody may be changing theirs at this moment
  return (select coalesce((select a.id from iam.accounts a where a.email_index = any (indexes)),
    (select c.account_id from iam.address_changes c where c.former_index = any (indexes) and c.changed_at > clock_timestamp() - interval '7 days'
     order by c.changed_at desc limit 1)));
end $function$;
comment on function iam.holder_of is 'The account that has this address, or had it 7 days ago and may take it back; NULL for nobody. Internal: whoever gives an address asks it.';

create function iam.invitation_aad(account uuid) returns bytea
language plpgsql immutable as $function$
begin
  return convert_to('iam.invitations.email', 'UTF8') || '\x00'::bytea || uuid_send(account) || uuid_send(account) || int8send(1);
end $function$;
comment on function iam.invitation_aad is NULL;

create function iam.invite(ring text, organisation uuid, role text, email text, profile jsonb, lang text DEFAULT 'fr'::text, patient uuid DEFAULT NULL::uuid) returns uuid
language plpgsql volatile as $function$
declare
  address text := lower(btrim(email));
  holder uuid;
  account uuid;
begin
  if (iam.is_address(address) and lang in ('fr', 'en')
      and iam.is_name(profile ->> 'family_name', 100) and btrim(profile ->> 'family_name') <> ''
      and iam.is_name(profile ->> 'given_name', 100) and btrim(profile ->> 'given_name') <> ''
      and iam.is_name(coalesce(profile ->> 'quality', ''), 40) and coalesce(length(profile ->> 'rpps'), 0) <= 20) is not true then
    raise exception using errcode = 'VS422', message = 'an invitation has an e-mail address, a family name and a given name';
  end if;
  perform iam.free_address(ring, address);
  holder := iam.holder_of(ring, address);
  -- staff of the same practice: the administrator has the address on the list already
  if role <> 'patient' and exists (select from access.memberships m where m.account_id = holder
                                   and m.organisation_id = organisation and m.role <> 'patient') then
    raise exception using errcode = 'VS409', message = 'somebody of the practice has this e-mail address';
  end if;
  account := iam.create_account(ring, organisation, role,
    case when holder is null then address else ops.uuid_v7() || '@nobody.invalid' end,
    profile, null, null, patient);
  update iam.accounts a set status = 'invited', lang = invite.lang where a.id = account;
  insert into iam.invitations (account_id, organisation_id, token_hash, email)
  values (account, organisation, extensions.gen_random_bytes(32),
          vault.seal(vault.unwrap(ring, account, 'profile'), account, account, 1, '', 'iam.invitations.email', address));
  return account;
end $function$;
comment on function iam.invite is 'An account that waits for its person; no link yet (iam.send_invitation, or iam.renew_invitation). As vs_owner. Errors: VS409, VS422.';

create function iam.is_address(email text) returns boolean
language sql immutable as $function$
  select coalesce(btrim(email) ~ '^[^][@[:space:][:cntrl:]<>(),;:"\\]+@([A-Za-z0-9-]+[.])*[A-Za-z0-9-]+$' and length(btrim(email)) <= 254, false)
$function$;
comment on function iam.is_address is 'Is this an e-mail address as it is typed: no name, brackets or comment, and a domain of letters, digits and hyphens (IDN as xn--)? Internal.';

create function iam.is_cose_key(key bytea) returns boolean
language plpgsql immutable as $function$
begin
  return encode(key, 'hex') ~ '^(a5010203262001215820[0-9a-f]{64}225820[0-9a-f]{64}|a4010103272006215820[0-9a-f]{64}|a40103033901002059[0-9a-f]+2143010001)$'
    and (length(key) in (77, 42) or length(key) - 16 in (256, 384, 512));
end $function$;
comment on function iam.is_cose_key is 'A public key of ES256 (P-256), EdDSA (Ed25519), or RS256 of 2048, 3072 or 4096 bits.';

create function iam.is_forgettable(i iam.invitations) returns boolean
language plpgsql stable as $function$
begin
  return i.withdrawn_at is null and i.expires_at <= clock_timestamp()
    -- who chose a password has an hour to add a factor
    and coalesce(i.accepted_at <= clock_timestamp() - interval '1 hour', true)
    and exists (select from iam.accounts a where a.id = i.account_id and a.status = 'invited');
end $function$;
comment on function iam.is_forgettable is 'Internal.';

create function iam.is_from_before(s iam.sessions, token text) returns boolean
language plpgsql stable as $function$
begin
  return exists (select from iam.old_tokens o
                 where o.token_hash = iam.hash_token(token) and o.session_id = s.id
                   and o.retired_at <= greatest(s.factor_at, s.password_at));
end $function$;
comment on function iam.is_from_before is 'Was this token replaced when the session''s last factor or its password was shown? Whoever brings it hasn''t shown one. Internal.';

create function iam.is_from_known_device(s iam.sessions) returns boolean
language plpgsql stable as $function$
begin
  -- asked each time: a browser in which a sign-in was stopped, or that its owner has disowned since, is none that the account knows
  return exists (select from iam.devices d where d.id = s.device_id and d.forgotten_at is null);
end $function$;
comment on function iam.is_from_known_device is 'Was this session begun in a browser that its account knows, and still does? Internal.';

create function iam.is_half(session uuid) returns boolean
language plpgsql stable as $function$
begin
  return (select s.factors from iam.sessions s where s.id = session) = 1;
end $function$;
comment on function iam.is_half is 'Has this session one factor? A link lets it add the first one, and nothing else. Internal.';

create function iam.is_here(rp_id text) returns boolean
language plpgsql stable as $function$
declare
  here text := (select h.origin from iam.hosts h);
begin
  return here is null or coalesce(is_here.rp_id = iam.rp_id(here), false);
end $function$;
comment on function iam.is_here is 'Does a passkey of this host name work here? Internal.';

create function iam.is_last_factor(account uuid, passkey uuid DEFAULT NULL::uuid) returns boolean
language plpgsql volatile as $function$
begin
  perform iam.lock_factors(account);
  return not exists (select from iam.passkeys p where p.account_id = account and p.id is distinct from passkey and iam.is_here(p.rp_id))
     and not (passkey is not null and exists (select from iam.totp_factors f where f.account_id = account and f.confirmed_at is not null));
end $function$;
comment on function iam.is_last_factor is 'Would neither an app nor a passkey that works here be left without this passkey (NULL: without the app)? Keeps others from changing them. Internal.';

create function iam.is_name(name text, most integer) returns boolean
language sql immutable as $function$
  select coalesce(length(btrim(name)) <= most
    and name !~ '[[:cntrl:]<>\u0080-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]'
    and (btrim(name) = '' or name ~ '[^ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]'), false)
$function$;
comment on function iam.is_name is 'May this be a name, or a part of one, of `most` letters? Internal.';

create function iam.is_ready(r iam.recoveries) returns boolean
language plpgsql stable as $function$
begin
  return r.state = 'waiting' and (r.confirmed_at is not null or r.ready_at <= clock_timestamp());
end $function$;
comment on function iam.is_ready is 'Internal.';

create function iam.is_trusted(s iam.sign_ins) returns boolean
language sql immutable as $function$
  select (s.outcome <> 'stopped' or s.released_at is not null) and s.disowned_at is null
$function$;
comment on function iam.is_trusted is 'Does this sign-in make its network, place and hour usual? Internal.';

create function iam.is_within(shown_at timestamp with time zone, period interval) returns boolean
language plpgsql stable as $function$
begin
  -- one from the future (the clock was stepped) doesn't count for ever
  return coalesce(shown_at between clock_timestamp() - period and clock_timestamp() + interval '5 seconds', false);
end $function$;
comment on function iam.is_within is 'Internal.';

create function iam.km_between(a double precision[], b double precision[]) returns double precision
language sql immutable as $function$
  -- haversine, on a sphere: right to one part in two hundred. least() would take an unknown place for the other end of the world.
  select case when cardinality(a) = 2 and cardinality(b) = 2 then
    12742 * asin(sqrt(least(1, sin(radians(b[1] - a[1]) / 2) ^ 2 + cos(radians(a[1])) * cos(radians(b[1])) * sin(radians(b[2] - a[2]) / 2) ^ 2))) end
$function$;
comment on function iam.km_between is 'NULL when one of them isn''t known. Internal.';

create function iam.known_device(account uuid, device text) returns uuid
language plpgsql stable as $function$
begin
  return (select d.id from iam.devices d
          where d.account_id = account and d.token_hash = iam.hash_token(device) and d.forgotten_at is null
            and d.last_seen_at > clock_timestamp() - interval '90 days');
end $function$;
comment on function iam.known_device is 'The device that this cookie stands for, if this account has signed in with it. Internal.';

create function iam.leave_sign_in(ring text, token text, caller jsonb) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  half iam.sessions;
  s iam.sessions;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  half := iam.find_session(ring, token, caller);
  if half.id is null or half.factors = 2 then return 'none'; end if;
  -- and the one that this browser had before: its cookie holds it no more, and whoever leaves means all of it
  for s in update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'signed_out'
           where x.id in (half.id, half.replaces_id) and x.revoked_at is null returning x.* loop
    perform audit.append(iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller)),
      'session.end', 'session', s.id, null, 'success');
  end loop;
  return 'ok';
end $function$;
comment on function iam.leave_sign_in is 'Sign-out between the two factors: ends this session, and the one that it stood for. Answers ok, or none: there is no such session, or it is whole (iam.end_session). Errors: VS503.';

create function iam.lock_account(account uuid) returns void
language plpgsql volatile as $function$
begin
  if account is null then return; end if;
  perform pg_advisory_xact_lock_shared(hashtextextended('iam.organisations/' || o.id, 0))
  from (select distinct m.organisation_id as id from access.memberships m where m.account_id = account order by 1) o;
  perform pg_advisory_xact_lock(hashtextextended('iam.accounts/' || account, 0));
end $function$;
comment on function iam.lock_account is 'To the end of the transaction. First of all locks, but for those of who is not anybody yet (an invitation, a registration). Internal.';

create function iam.lock_accounts_of(organisation uuid) returns void
language plpgsql volatile as $function$
begin
  perform pg_advisory_xact_lock(hashtextextended('iam.organisations/' || organisation, 0));
end $function$;
comment on function iam.lock_accounts_of is 'The same for all accounts of an organisation: waits for those that are locked, and locks the others out. First of all locks. Internal.';

create function iam.lock_factors(account uuid) returns integer
language plpgsql volatile as $function$
begin
  -- two removals at once come one after the other
  perform from iam.accounts a where a.id = account for no key update;
  return (select count(*) from iam.passkeys p where p.account_id = account)
       + (select count(*) from iam.totp_factors f where f.account_id = account and f.confirmed_at is not null);
end $function$;
comment on function iam.lock_factors is 'How many apps and passkeys an account has, of whichever host name, and keeps others from changing them. Internal.';

create function iam.look_at_address_change(ring text, token text, link text, caller jsonb, OUT answer text, OUT email text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  f record;
  c iam.address_changes;
begin
  select * into f from iam.find_address_change(ring, token, link, caller);
  answer := f.answer;
  retry_after := f.retry_after;
  if answer = 'ok' then
    select * into strict c from iam.address_changes x where x.id = f.change;
    email := iam.address_of(vault.unwrap(ring, c.account_id, 'profile'), c.id, c.account_id, 'email', c.email);
  end if;
end $function$;
comment on function iam.look_at_address_change is 'Where a link leads, without using it up: mail programs open links by themselves. Answers ok, sign_in (with both factors first), gone, or wait (retry_after: seconds). Errors: VS503.';

create function iam.look_at_address_notice(ring text, link text, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c iam.address_changes := iam.find_address_notice(ring, link);
begin
  answer := case when c.state = 'taken_back' then 'taken_back' when c.id is not null then 'ok' else 'gone' end;
  if answer = 'gone' then
    retry_after := iam.refuse_address_link(ring, link, caller);
    if retry_after > 0 then answer := 'wait'; end if;
  end if;
end $function$;
comment on function iam.look_at_address_notice is 'Is there something to take back? Changes nothing. Answers ok, taken_back, gone, or wait (retry_after: seconds). Errors: VS503.';

create function iam.look_at_sign_in(ring text, link text, caller jsonb, OUT answer text, OUT at timestamp with time zone, OUT undone text[]) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  entry iam.sign_ins := iam.find_by_link(ring, link, caller);
begin
  answer := iam.state_of(entry);
  at := entry.at;
  undone := entry.undone;
end $function$;
comment on function iam.look_at_sign_in is 'What a link that was sent is about: told or stopped, and when; released or disowned (undone: what that ended) when it was answered, expired. Errors: VS503.';

create function iam.make_recovery_codes(ring text, token text, caller jsonb, OUT answer text, OUT codes text[], OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  allowed record;
  salt text := extensions.gen_salt('bf', 10);
  hashes text[];
begin
  retry_after := 0;
  select * into allowed from iam.may_change_factors(ring, token, caller);
  -- a link alone would make codes that sign in: the first factor comes before
  answer := case when allowed.answer = 'ok' and iam.is_half(allowed.session) then 'second_factor' else allowed.answer end;
  if answer <> 'ok' then
    perform iam.record_refused_change(ring, token, 'factor.add', answer, caller);
    return;
  end if;
  -- each time the person gets a message
  retry_after := ops.take('codes/' || allowed.account, 10, 10.0 / 3600);
  if retry_after > 0 then
    answer := 'wait';
    perform ops.record_limited(ring, iam.gate_claims(allowed.account, allowed.session, allowed.origin), 'recovery_codes', 'codes/' || allowed.account, caller);
    return;
  end if;
  codes := array(select iam.new_recovery_code() from generate_series(1, 10));
  -- hashed before the account is locked: whoever has a turn for hashing waits for nobody who waits for one
  hashes := array(select iam.hash_recovery_code(ring, allowed.account, c, salt) from unnest(codes) c);
  -- two requests at once: the second one's codes are the ten that there are
  perform iam.lock_factors(allowed.account);
  delete from iam.recovery_codes r where r.account_id = allowed.account;
  insert into iam.recovery_codes (account_id, code_hash, added_in) select allowed.account, h, allowed.session from unnest(hashes) h;
  perform audit.append(iam.gate_claims(allowed.account, allowed.session, allowed.origin), 'factor.add',
    'session', allowed.session, null, 'success', '{"factor":"recovery_code","count":10}');
  perform ops.post(ring, allowed.account, 'email', 'recovery_codes_made');
end $function$;
comment on function iam.make_recovery_codes is 'Ten new codes, which nobody sees again; those before end. Answers ok, wait (retry_after: seconds), or what iam.may_change_factors says. Errors: VS503.';

create function iam.may_begin_change(ring text, token text, caller jsonb, with_password boolean DEFAULT true) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  allowed record;
  s iam.sessions;
begin
  select * into allowed from iam.may_change_factors(ring, token, caller, with_password);
  select * into s from iam.sessions x where x.id = allowed.session;
  return case
    when allowed.answer <> 'ok' then allowed.answer
    when iam.is_half(allowed.session) then 'second_factor'
    -- whoever begins now has five minutes to finish: what they type into a password field isn't kept for them
    when not iam.is_within(s.factor_at, '5 minutes') or with_password and not iam.password_is_within(s, '5 minutes') then 'step_up'
    else 'ok' end;
end $function$;
comment on function iam.may_begin_change is 'For a page with such a form, before somebody fills it in: ok, or what iam.may_change_factors says. The form asks again. Errors: VS503.';

create function iam.may_change_factors(ring text, token text, caller jsonb, with_password boolean DEFAULT true, OUT answer text, OUT session uuid, OUT account uuid, OUT organisation uuid, OUT origin uuid) returns record
language plpgsql volatile as $function$
declare
  s iam.sessions;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  s := iam.find_session(ring, token, caller);
  answer := case when s.id is null then 'expired'
                 when s.factors = 2 and iam.factor_is_recent(s.id) and not iam.is_from_before(s, token)
                   and (not with_password or iam.password_is_within(s, '10 minutes')) then 'ok'
                 when s.factors = 2 then 'step_up'
                 -- the link of an invitation, a registration or a recovery: the first factor and nothing else
                 when s.enrols and (iam.recovers(s.id) or (iam.methods_of(s.account_id) <@ '{email_code,recovery_code}'
                   -- one of another host name is somebody's factor all the same
                   and not exists (select from iam.passkeys p where p.account_id = s.account_id))) then 'ok'
                 else 'second_factor' end;
  session := s.id;
  account := s.account_id;
  organisation := s.organisation_id;
  if s.id is not null then origin := iam.caller_origin(ring, s.organisation_id, s.id, caller); end if;
end $function$;
comment on function iam.may_change_factors is 'ok, step_up (show again what is missing of a factor and the password: iam.sign_in_methods), second_factor (show one first) or expired; and whose session it is, which is locked. with_password: false for whoever is asked for the present password by the change itself. Internal: every function that adds or removes a factor, or changes the password, begins with it. Errors: VS503.';

create function iam.may_send(s iam.sessions, method text) returns boolean
language plpgsql stable as $function$
begin
  -- methods_for: beside a link, what comes to the same mailbox would be one factor, twice
  return method in ('email_code', 'sms_code') and method = any (iam.methods_for(s));
end $function$;
comment on function iam.may_send is 'May a code by this method count for this session? Internal.';

create function iam.methods_beside_link(account uuid) returns text[]
language plpgsql stable as $function$
begin
  return array_remove(iam.methods_of(account), 'email_code');
end $function$;
comment on function iam.methods_beside_link is 'A link that was mailed and a code that is mailed are one factor, not two. Internal.';

create function iam.methods_for(s iam.sessions) returns text[]
language plpgsql stable as $function$
begin
  return case when s.enrols and iam.recovers(s.id) then '{}'
              when 'link' = any (s.methods) then iam.methods_beside_link(s.account_id)
              else iam.methods_of(s.account_id) end;
end $function$;
comment on function iam.methods_for is 'The same for one session: what goes to a mailbox doesn''t count beside a link that went there, and what was lost not at all (0300). Internal.';

create function iam.methods_of(account uuid) returns text[]
language plpgsql stable as $function$
declare
  o access.organisations;
begin
  select x.* into o from access.memberships m join access.organisations x on x.id = m.organisation_id
  where m.account_id = account order by m.valid_from, m.id limit 1;
  return array_remove(array[
    case when exists (select from iam.passkeys p where p.account_id = account and iam.is_here(p.rp_id)) then 'passkey' end,
    case when exists (select from iam.totp_factors f where f.account_id = account and f.confirmed_at is not null) then 'totp' end,
    case when exists (select from iam.phones p where p.account_id = account and p.confirmed_at is not null) and o.sms_codes then 'sms_code' end,
    case when exists (select from iam.accounts a where a.id = account and a.email_confirmed_at is not null) and o.email_codes then 'email_code' end,
    case when exists (select from iam.recovery_codes r where r.account_id = account and r.used_at is null) then 'recovery_code' end], null);
end $function$;
comment on function iam.methods_of is 'By which second factors this account may sign in, the strongest first. Internal.';

create function iam.name_passkey(ring text, token text, passkey uuid, name text, caller jsonb) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  s iam.sessions;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  s := iam.find_session(ring, token, caller);
  if s.id is null then return 'expired'; end if;
  if s.factors < 2 then return 'second_factor'; end if;
  update iam.passkeys p set name = iam.seal_passkey_name(ring, s.account_id, p.id, name_passkey.name)
  where p.id = passkey and p.account_id = s.account_id;
  if not found then return 'hidden'; end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller)), 'row.update', 'passkey',
    passkey, null, 'success', '{"columns":["name"]}');
  return 'ok';
end $function$;
comment on function iam.name_passkey is 'Renames a passkey of one''s own. Answers ok, hidden, second_factor or expired. Errors: VS422, VS503.';

create function iam.network_of(profile_key bytea, ip text) returns bytea
language plpgsql immutable as $function$
declare
  address inet := ops.plain_address(ip);
begin
  return substr(extensions.hmac(convert_to(text(network(set_masklen(address, case family(address) when 6 then 48 else 24 end))), 'UTF8'),
                                vault.derive(profile_key, 'network'), 'sha256'), 1, 16);
end $function$;
comment on function iam.network_of is 'A keyed hash of the network of an address; NULL for none. Internal.';

create function iam.new_link() returns text
language sql volatile as $function$ select translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || E'\n', '-_') $function$;
comment on function iam.new_link is '256 random bits for the path of a link. Internal.';

create function iam.new_recovery_code() returns text
language plpgsql volatile as $function$
declare
  random bytea := extensions.gen_random_bytes(10);
begin
  -- 32 letters: the low five bits of each byte choose one, none more often than another
  return (select string_agg(case when i = 5 then '-' else '' end || substr('0123456789abcdefghjkmnpqrstvwxyz', (get_byte(random, i) & 31) + 1, 1), '' order by i)
          from generate_series(0, 9) i);
end $function$;
comment on function iam.new_recovery_code is 'Ten letters, as `abcde-fghjk`. Internal.';

create function iam.open_import_session(ring text, organisation uuid, clinician uuid) returns text
language plpgsql volatile as $function$
declare
  token text := translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || E'\n', '-_');
  team uuid;
begin
  perform vault.require_ring(ring);
  if not exists (select from access.memberships m where m.account_id = clinician and m.organisation_id = organisation
                 and m.role = 'clinician' and access.membership_is_live(m.id)) then
    raise exception using errcode = 'VS422', message = 'this person is not a clinician of this organisation';
  end if;
  select t.id into team from access.care_teams t where t.organisation_id = organisation and t.lead_account_id = clinician
  order by t.id limit 1;
  if team is null then team := access.create_care_team(organisation, clinician); end if;
  insert into iam.sessions (token_hash, organisation_id, role, care_team_id, factors, methods)
  values (iam.hash_token(token), organisation, 'import', team, 2, '{import}');
  perform audit.append(array[null, null, organisation::text, null, null, null, null, null], 'session.factor', 'session', null, null,
    'success', '{"factor":"import"}');
  return token;
end $function$;
comment on function iam.open_import_session is 'A session of the import, which may seal and not open: made by the administrator''s connection as vs_owner, ended by iam.end_session. Gives the token.';

create function iam.open_invitation(ring text, organisation uuid, role text, email text, profile jsonb) returns text
language plpgsql volatile as $function$
declare
  account uuid := iam.invite(ring, organisation, role, email, profile);
begin
  perform audit.append(array[null, null, organisation::text, null, null, null, null, null], 'account.invite', 'Person', account, null,
    'success', json_build_object('role', role)::text);
  return iam.renew_invitation(account);
end $function$;
comment on function iam.open_invitation is 'For `vitalsync account add --invite`: the token of a link, which nobody mails. As vs_owner. Errors: VS409, VS422.';

create function iam.open_practices() returns TABLE(id uuid, name text)
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
begin
  return query select o.id, o.name from access.organisations o where o.registration = 'open' order by o.name, o.id;
end $function$;
comment on function iam.open_practices is 'Where patients may register: names from the national directory.';

create function iam.open_session(account uuid) returns text
language plpgsql volatile as $function$
declare
  token text := translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || E'\n', '-_');
  m access.memberships;
begin
  select * into strict m from access.memberships x where x.account_id = account and access.membership_is_live(x.id) limit 1;
  insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, patient_id, factors, methods, password_at)
  values (iam.hash_token(token), account, m.id, m.organisation_id, m.role, m.patient_id, 2, '{owner}', clock_timestamp());
  perform audit.append(array[null, null, m.organisation_id::text, null, null, null, null, null], 'session.factor', 'session', null, null,
    'success', '{"factor":"owner"}');
  return token;
end $function$;
comment on function iam.open_session is 'A session without sign-in, for tests and load: as vs_owner, recorded in the log. Gives the token.';

create function iam.open_totp_secret(key bytea, row_id uuid, account uuid, label text, sealed bytea) returns bytea
language plpgsql immutable as $function$
begin
  return decode(convert_from(vault.unpack(key,
    convert_to(label, 'UTF8') || '\x00'::bytea || uuid_send(row_id) || uuid_send(account) || int8send(1), sealed), 'UTF8'), 'base64');
end $function$;
comment on function iam.open_totp_secret is 'key: of the account''s profile. Internal. Errors: VS500.';

create function iam.origin_of(s iam.sessions) returns text[]
language plpgsql volatile as $function$
declare
  o audit.origins;
  key bytea;
begin
  select * into o from audit.origins x where x.id = s.origin_id and x.organisation_id = s.organisation_id;
  if not found or (o.ip is null and o.user_agent is null) then return null; end if;
  key := vault.unwrap(vault.ring(), s.organisation_id, 'organisation');
  return array[
    convert_from(vault.unpack(key, convert_to('audit.origins.ip', 'UTF8') || '\x00'::bytea || uuid_send(o.id) || uuid_send(o.organisation_id) || int8send(1), o.ip), 'UTF8'),
    convert_from(vault.unpack(key, convert_to('audit.origins.user_agent', 'UTF8') || '\x00'::bytea || uuid_send(o.id) || uuid_send(o.organisation_id) || int8send(1), o.user_agent), 'UTF8')];
end $function$;
comment on function iam.origin_of is 'Address and browser that a session was begun with; NULL when it isn''t known. Internal: asked for one''s own.';

create function iam.own_passkeys() returns TABLE(id uuid, name text, created_at timestamp with time zone, last_used_at timestamp with time zone, backed_up boolean, user_verified boolean, rp_id text, works_here boolean)
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
declare
  account uuid := (access.claims())[2]::uuid;
  key bytea;
begin
  if account is null then return; end if;
  key := vault.unwrap(vault.ring(), account, 'profile');
  return query
    select p.id, convert_from(vault.unpack(key, convert_to('iam.passkeys.name', 'UTF8') || '\x00'::bytea || uuid_send(p.id)
             || uuid_send(account) || int8send(1), p.name), 'UTF8'),
           p.created_at, p.last_used_at, p.backed_up, p.user_verified, p.rp_id, iam.is_here(p.rp_id)
    from iam.passkeys p where p.account_id = account order by p.created_at;
end $function$;
comment on function iam.own_passkeys is 'The passkeys of whoever asks. works_here: made at the host name of today.';

create function iam.passkey_key(credential text) returns bytea
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
begin
  return (select p.public_key from iam.passkeys p where p.credential_id = iam.from_base64url(credential));
end $function$;
comment on function iam.passkey_key is 'The public key (COSE) to check a signature with; NULL for none.';

create function iam.passkey_options(ring text, token text, purpose text, origin text, caller jsonb, OUT answer text, OUT challenge text, OUT rp_id text, OUT account uuid, OUT email text, OUT credentials jsonb, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  allowed record;
  session uuid;
  s iam.sessions;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  if purpose = 'register' then
    select * into allowed from iam.may_change_factors(ring, token, caller);
    answer := allowed.answer;
    session := allowed.session;
    account := allowed.account;
  elsif purpose = 'factor' then
    s := iam.find_session(ring, token, caller);
    session := s.id;
    account := s.account_id;
    answer := case when session is null then 'expired' else 'ok' end;
  else
    answer := 'ok';
  end if;
  if answer <> 'ok' then return; end if;
  passkey_options.rp_id := iam.rp_id(origin);
  if passkey_options.rp_id is null or not iam.is_here(passkey_options.rp_id) then
    answer := 'place';
    return;
  end if;
  retry_after := case when session is null then ops.limit_route(ring, 'challenge', caller) else ops.take('challenge/' || session, 60, 1) end;
  if retry_after > 0 then
    answer := 'wait';
    if session is not null then
      perform ops.record_limited(ring, iam.gate_claims(account, session, null), 'challenge', 'challenge/' || session, caller);
    end if;
    return;
  end if;
  -- each new one takes two away that are over
  perform iam.clear_challenges(2);
  challenge := iam.to_base64url(extensions.gen_random_bytes(32));
  insert into iam.challenges (hash, purpose, session_id, origin)
  values (iam.hash_token(challenge), passkey_options.purpose, session, passkey_options.origin);
  if session is null then return; end if;
  credentials := (select coalesce(jsonb_agg(jsonb_build_object('id', iam.to_base64url(p.credential_id), 'transports', p.transports)), '[]')
                  from iam.passkeys p where p.account_id = passkey_options.account and p.rp_id = passkey_options.rp_id);
  if purpose = 'register' then
    -- what the telephone calls the passkey: the address that the link of an enrolment was sent to, or of who is signed in
    email := (select convert_from(vault.unpack(vault.unwrap(ring, a.id, 'profile'), iam.profile_aad(a.id, 'email'), a.email), 'UTF8')
              from iam.accounts a where a.id = passkey_options.account);
  end if;
end $function$;
comment on function iam.passkey_options is 'A challenge. purpose: register, factor (second factor or step-up) or passwordless; origin: what the browser has in its address bar. Answers ok, wait (retry_after), place (no passkeys at this address), and those of iam.may_change_factors. credentials: which exist already (register), or may answer (factor). Errors: VS503.';

create function iam.password_is_within(s iam.sessions, period interval) returns boolean
language plpgsql stable as $function$
begin
  return iam.is_within(s.password_at, period) or iam.is_within(s.verified_at, period)
    -- nobody can be asked for what they don't have
    or exists (select from iam.accounts a where a.id = s.account_id and a.password_hash is null);
end $function$;
comment on function iam.password_is_within is 'Was the password shown within this time, or a passkey that verified its user and so stands for both? Internal.';

create function iam.person_name(account uuid) returns text
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
  a iam.accounts;
  key bytea;
begin
  if c is null or account is null or not access.knows(c, account) then return null; end if;
  select * into a from iam.accounts where id = account;
  if a.family_name is null then return null; end if;
  key := vault.unwrap(vault.ring(), account, 'profile');
  return concat_ws(' ',
    convert_from(vault.unpack(key, iam.profile_aad(account, 'quality'), a.quality), 'UTF8'),
    convert_from(vault.unpack(key, iam.profile_aad(account, 'given_name'), a.given_name), 'UTF8'),
    -- collate: what comes out of convert_from is in "C", which has no capital É
    upper(convert_from(vault.unpack(key, iam.profile_aad(account, 'family_name'), a.family_name), 'UTF8') collate "default"));
end $function$;
comment on function iam.person_name is 'The name of a colleague, or of somebody who touched one''s record; NULL for anyone else.';

create function iam.phone_number(key bytea, account uuid, pending boolean) returns text
language plpgsql stable as $function$
begin
  return (select convert_from(vault.unpack(key, convert_to(case when phone_number.pending then 'iam.phones.pending' else 'iam.phones.number' end, 'UTF8')
                   || '\x00'::bytea || uuid_send(account) || uuid_send(account) || int8send(1),
                   case when phone_number.pending then p.pending else p.number end), 'UTF8')
          from iam.phones p where p.account_id = account);
end $function$;
comment on function iam.phone_number is 'The number that codes go to, or the one that waits for its confirmation. key: of the profile. Internal.';

create function iam.post_code(ring text, s iam.sessions, method text) returns void
language plpgsql volatile as $function$
declare
  code_id uuid := ops.uuid_v7();
  code text := lpad((abs(('x' || encode(extensions.gen_random_bytes(8), 'hex'))::bit(64)::bigint % 1000000))::text, 6, '0');
begin
  update iam.sent_codes c set used_at = clock_timestamp() where c.method = post_code.method and c.used_at is null
    -- an account has one number that waits: a code that went to another one must not confirm it, in whichever session
    and (c.session_id = s.id or (c.method = 'phone_code' and c.account_id = s.account_id));
  insert into iam.sent_codes (id, session_id, account_id, method, code_hash)
  values (code_id, s.id, s.account_id, post_code.method, iam.code_hash(vault.unwrap(ring, s.account_id, 'profile'), code_id, code));
  perform ops.post(ring, s.account_id, case post_code.method when 'email_code' then 'email' else 'sms' end, post_code.method, jsonb_build_object('code', code));
end $function$;
comment on function iam.post_code is 'Makes a code and posts it. Internal: after every check.';

create function iam.profile_aad(account uuid, field text) returns bytea
language plpgsql immutable as $function$
begin
  return convert_to('iam.accounts.' || field, 'UTF8') || '\x00'::bytea || uuid_send(account) || uuid_send(account) || int8send(1);
end $function$;
comment on function iam.profile_aad is NULL;

create function iam.read_address_change(ring text, token text, caller jsonb, OUT answer text, OUT email text, OUT waiting text, OUT ends_at timestamp with time zone) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  s iam.sessions;
  c iam.address_changes;
  key bytea;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  s := iam.find_session(ring, token, caller);
  answer := case when s.id is null then 'expired' when s.factors < 2 then 'second_factor' else 'ok' end;
  if answer <> 'ok' then return; end if;
  key := vault.unwrap(ring, s.account_id, 'profile');
  select convert_from(vault.unpack(key, iam.profile_aad(a.id, 'email'), a.email), 'UTF8') into email from iam.accounts a where a.id = s.account_id;
  select * into c from iam.address_changes x where x.account_id = s.account_id and x.state = 'waiting' and x.ends_at > clock_timestamp();
  waiting := iam.address_of(key, c.id, s.account_id, 'email', c.email);
  ends_at := c.ends_at;
end $function$;
comment on function iam.read_address_change is 'For one''s own page: the address, and the one that waits for its link. answer: ok, second_factor or expired. Errors: VS503.';

create function iam.read_client_data(client_data bytea) returns jsonb
language plpgsql immutable as $function$
begin
  return case when length(client_data) <= 4096 then convert_from(client_data, 'UTF8')::jsonb end;
exception when others then
  return null; -- no UTF-8, no JSON
end $function$;
comment on function iam.read_client_data is 'What the browser signed about itself; NULL when it is no JSON.';

create function iam.read_facts(profile_key bytea, s iam.sign_ins) returns jsonb
language plpgsql immutable as $function$
begin
  return convert_from(vault.unpack(profile_key, convert_to('iam.sign_ins.facts', 'UTF8') || '\x00'::bytea || uuid_send(s.id)
                                   || uuid_send(s.account_id) || int8send(1), s.facts), 'UTF8')::jsonb;
end $function$;
comment on function iam.read_facts is 'Internal.';

create function iam.read_former_names(account uuid) returns text
language plpgsql volatile as $function$
declare
  key bytea := vault.unwrap(vault.ring(), account, 'profile');
begin
  return (select coalesce(json_agg(json_build_object('until', n.ended_at, 'own', n.changed_by = account,
      'name', convert_from(vault.unpack(key, convert_to('iam.former_names.name', 'UTF8') || '\x00'::bytea || uuid_send(n.id) || uuid_send(account) || int8send(1), n.name), 'UTF8'))
      order by n.ended_at desc), '[]')::text
    from (select * from iam.former_names x where x.account_id = account order by x.ended_at desc limit 20) n);
end $function$;
comment on function iam.read_former_names is 'Internal.';

create function iam.read_invitation(ring text, token text, caller jsonb, OUT answer text, OUT account uuid, OUT organisation text, OUT role text, OUT about text[], OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  i iam.invitations;
  a iam.accounts;
  key bytea;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  i := iam.find_invitation(token);
  if i.account_id is null then
    retry_after := iam.refuse_invitation(ring, token, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  select * into strict a from iam.accounts x where x.id = i.account_id;
  key := vault.unwrap(ring, a.id, 'profile');
  about := array[convert_from(vault.unpack(key, iam.invitation_aad(a.id), i.email), 'UTF8'),
                 convert_from(vault.unpack(key, iam.profile_aad(a.id, 'family_name'), a.family_name), 'UTF8'),
                 convert_from(vault.unpack(key, iam.profile_aad(a.id, 'given_name'), a.given_name), 'UTF8')];
  answer := 'ok';
  account := a.id;
  select o.name, m.role into organisation, role from access.memberships m join access.organisations o on o.id = m.organisation_id
  where m.account_id = a.id and m.organisation_id = i.organisation_id order by m.valid_until desc, m.valid_from desc limit 1;
end $function$;
comment on function iam.read_invitation is 'Where a link leads, without using it up: mail programs open links by themselves. about: address and names, which a password must not be made of; for the edge, and no page shows them. Answers ok, gone, or wait (retry_after: seconds). Errors: VS503.';

create function iam.read_name_of(account uuid) returns TABLE(family_name text, given_name text, quality text, former text)
language plpgsql volatile as $function$
#variable_conflict use_column
declare
  key bytea := vault.unwrap(vault.ring(), account, 'profile');
begin
  return query
  select convert_from(vault.unpack(key, iam.profile_aad(a.id, 'family_name'), a.family_name), 'UTF8'),
         convert_from(vault.unpack(key, iam.profile_aad(a.id, 'given_name'), a.given_name), 'UTF8'),
         convert_from(vault.unpack(key, iam.profile_aad(a.id, 'quality'), a.quality), 'UTF8'),
         iam.read_former_names(a.id)
  from iam.accounts a where a.id = read_name_of.account;
end $function$;
comment on function iam.read_name_of is 'Internal.';

create function iam.read_own_factors() returns TABLE(email text, totp_since timestamp with time zone, passkeys integer, passkeys_elsewhere integer, recovery_codes integer, recovery_codes_made_at timestamp with time zone, email_codes boolean, sms_codes boolean, password_changed_at timestamp with time zone, password_is_old boolean)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
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
end $function$;
comment on function iam.read_own_factors is 'Of whoever is signed in.';

create function iam.read_phone(ring text, token text, caller jsonb) returns TABLE(answer text, ending text, waiting text, allowed boolean, delivered boolean)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  s iam.sessions;
  key bytea;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  s := iam.find_session(ring, token, caller);
  if s.id is null or s.factors < 2 then
    return query select case when s.id is null then 'expired' else 'second_factor' end, null::text, null::text, null::boolean, null::boolean;
    return;
  end if;
  key := vault.unwrap(ring, s.account_id, 'profile');
  return query select 'ok'::text, right(iam.phone_number(key, s.account_id, false), 2),
    -- it waits for as long as its code lives
    case when exists (select from iam.sent_codes c where c.session_id = s.id and c.method = 'phone_code' and c.used_at is null
                      and c.sent_at > clock_timestamp() - interval '10 minutes')
      then right(iam.phone_number(key, s.account_id, true), 2) end,
    (select o.sms_codes from access.organisations o where o.id = s.organisation_id), ops.delivers('sms');
end $function$;
comment on function iam.read_phone is 'For one''s own account page: the last two digits of the number, and of the one that waits for its code; whether the organisation allows SMS, and somebody delivers them. answer: ok, second_factor or expired. Errors: VS503.';

create function iam.read_recovery(ring text, token text, caller jsonb, OUT answer text, OUT account uuid, OUT lost text, OUT code text, OUT ready_at timestamp with time zone, OUT has_factors boolean, OUT about text[], OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  r iam.recoveries;
  a iam.accounts;
  key bytea;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  r := iam.find_recovery(token);
  if r.id is null then
    retry_after := iam.refuse_recovery(ring, token, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  select * into strict a from iam.accounts x where x.id = r.account_id;
  key := vault.unwrap(ring, a.id, 'profile');
  about := array[convert_from(vault.unpack(key, iam.profile_aad(a.id, 'email'), a.email), 'UTF8'),
                 convert_from(vault.unpack(key, iam.profile_aad(a.id, 'family_name'), a.family_name), 'UTF8'),
                 convert_from(vault.unpack(key, iam.profile_aad(a.id, 'given_name'), a.given_name), 'UTF8'),
                 (select o.name from access.organisations o where o.id = r.organisation_id)];
  account := r.account_id;
  lost := r.lost;
  has_factors := iam.methods_beside_link(r.account_id) <> '{}';
  answer := case when r.state = 'asked' then 'choose' when iam.is_ready(r) then 'ready' else 'waiting' end;
  if answer = 'waiting' then
    code := iam.recovery_confirmation(ring, r);
    ready_at := nullif(r.ready_at, 'infinity');
  end if;
end $function$;
comment on function iam.read_recovery is 'Where a link leads, without using it up: mail programs open links by themselves. about: address, names and practice, which a password must not be made of; for the edge, and no page shows them. Answers choose, waiting (code: what a colleague has to be told; ready_at: NULL if somebody has to confirm), ready, gone, or wait (retry_after: seconds). Errors: VS503.';

create function iam.read_registration(ring text, token text, caller jsonb, OUT answer text, OUT account uuid, OUT organisation text, OUT email text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  r iam.registrations;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  r := iam.find_registration(token);
  if r.account_id is null then
    retry_after := iam.refuse_registration(ring, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  account := r.account_id;
  select o.name, case when r.completed_at is not null then 'resume' when o.registration = 'open' then 'new' else 'closed' end
  into organisation, answer from access.organisations o where o.id = r.organisation_id;
  email := convert_from(vault.unpack(vault.unwrap(ring, account, 'profile'), iam.profile_aad(account, 'email'),
                                     (select a.email from iam.accounts a where a.id = r.account_id)), 'UTF8');
end $function$;
comment on function iam.read_registration is 'Where a link leads, without using it up: mail programs open links by themselves. Answers new, resume (password and record are there, the first factor isn''t), closed, gone, or wait (retry_after: seconds). Errors: VS503.';

create function iam.record_account_change(c text[], account uuid, change text, role text DEFAULT NULL::text) returns void
language plpgsql volatile as $function$
begin
  perform audit.append(c, 'account.change', 'Person', account, null, 'success',
    json_strip_nulls(json_build_object('change', change, 'role', role))::text);
  if exists (select from iam.accounts a where a.id = account and a.status <> 'invited') then
    perform ops.post(vault.ring(), account, 'email', 'account_changed', jsonb_strip_nulls(jsonb_build_object('change', change, 'role', role,
      'organisation', (select o.name from access.organisations o where o.id = c[3]::uuid))));
  end if;
end $function$;
comment on function iam.record_account_change is 'change: suspended, restored, role, ended or name (0342). Internal.';

create function iam.record_counter(passkey uuid, claims text[], counted bigint, proof jsonb) returns void
language plpgsql volatile as $function$
begin
  perform audit.append(claims, 'factor.counter', 'passkey', passkey, null, 'failure',
    json_build_object('stored', counted, 'came', iam.sign_count(iam.from_base64url(proof ->> 'authenticator_data')))::text);
end $function$;
comment on function iam.record_counter is 'Internal.';

create function iam.record_denied(network uuid) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
begin
  perform ops.require_clearance();
  -- whoever has this login writes about what is there, and no more often
  if not exists (select from ops.networks n where n.id = record_denied.network and n.list = 'deny' and ops.is_in_force(n)) then return 'unknown'; end if;
  return ops.record_denied(network);
end $function$;
comment on function iam.record_denied is 'Records what ops.require_network has refused: ok, limited (one a minute for each entry), or unknown. network: the error''s detail. A definer: the gate writes no event by itself. Errors: VS503.';

create function iam.record_failed_sign_in(ring text, account uuid, token text, sqlstate text, caller jsonb) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  s iam.sessions;
  origin uuid;
begin
  perform ops.require_clearance();
  select * into s from iam.sessions x where x.token_hash = iam.hash_token(record_failed_sign_in.token);
  begin
    origin := iam.caller_origin(ring, s.organisation_id, s.id, caller);
  exception when others then
    origin := null; -- perhaps this is what failed
  end;
  perform audit.append(iam.gate_claims(coalesce(s.account_id, account), s.id, origin),
    case when s.id is null then 'session.password' else 'session.factor' end, 'session', s.id, null, 'failure',
    json_build_object('reason', 'error', 'sqlstate', case when ops.is_sqlstate(sqlstate) then sqlstate end)::text);
  return 'ok';
end $function$;
comment on function iam.record_failed_sign_in is 'Records that a step at the gate ended in an error, and which (SQLSTATE). account: of the first step; token: of the later ones. Errors: VS503.';

create function iam.record_refused_change(ring text, token text, event text, answer text, caller jsonb) returns void
language plpgsql volatile as $function$
declare
  s iam.sessions;
begin
  select * into s from iam.sessions x where x.token_hash = iam.hash_token(token);
  -- a token that nobody has is nobody's; one that somebody tries for ever doesn't fill the log
  if s.id is null or ops.take('refused/' || s.id, 30, 1.0 / 60) > 0 then return; end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller)), event,
    'session', s.id, null, 'failure', json_build_object('answer', answer)::text);
end $function$;
comment on function iam.record_refused_change is 'What iam.may_change_factors didn''t allow, in the log. Internal.';

create function iam.recovers(session uuid) returns boolean
language plpgsql stable as $function$
begin
  return exists (select from iam.recoveries r where r.session_id = session and iam.is_ready(r) and r.ends_at > clock_timestamp());
end $function$;
comment on function iam.recovers is 'May this session add a factor in the place of lost ones? Internal: iam.may_change_factors.';

create function iam.recovery_claims(r iam.recoveries, origin uuid) returns text[]
language sql stable as $function$
  select array[null, r.account_id::text, r.organisation_id::text, coalesce(m.role, 'unknown'), null, null, null, origin::text]
  from (values (1)) one left join lateral (select x.role from access.memberships x
    where x.account_id = r.account_id and x.organisation_id = r.organisation_id
    order by x.valid_until > clock_timestamp() desc, x.valid_from, x.id limit 1) m on true
$function$;
comment on function iam.recovery_claims is 'Internal.';

create function iam.recovery_confirmation(ring text, r iam.recoveries) returns text
language plpgsql stable as $function$
declare
  h bytea := extensions.hmac(convert_to('recovery', 'UTF8') || r.token_hash, vault.derive(vault.unwrap(ring, r.account_id, 'profile'), 'code'), 'sha256');
begin
  return lpad((('x' || encode(substr(h, 1, 6), 'hex'))::bit(48)::bigint % 1000000)::text, 6, '0');
end $function$;
comment on function iam.recovery_confirmation is 'The code that the page shows and the colleague types: made of the link, never stored. Internal.';

create function iam.refuse_address_link(ring text, link text, caller jsonb) returns integer
language plpgsql volatile as $function$
declare
  retry_after int := ops.limit_route(ring, 'confirm', caller);
  account uuid;
begin
  if retry_after = 0 then
    select x.account_id into account from iam.address_changes x where iam.hash_token(link) in (x.token_hash, x.asked_hash, x.changed_hash);
    perform audit.append(iam.gate_claims(account, null, iam.caller_origin(ring, null, null, caller)), 'account.change', 'Person', account, null,
      'failure', '{"change":"address","answer":"gone"}');
  end if;
  return retry_after;
end $function$;
comment on function iam.refuse_address_link is 'A link that leads nowhere: recorded, and only so often. Gives the seconds to wait. Internal.';

create function iam.refuse_invitation(ring text, token text, caller jsonb) returns integer
language plpgsql volatile as $function$
declare
  i iam.invitations;
  retry_after int := ops.limit_route(ring, 'accept', caller);
begin
  if retry_after > 0 then return retry_after; end if;
  select x.* into i from iam.invitations x where x.token_hash = iam.hash_token(token);
  perform audit.append(iam.gate_claims(i.account_id, null, iam.caller_origin(ring, i.organisation_id, null, caller)),
    'account.accept', 'Person', i.account_id, null, 'failure', '{"answer":"gone"}');
  return 0;
end $function$;
comment on function iam.refuse_invitation is 'Gives the seconds to wait for an address that brought many. Internal.';

create function iam.refuse_recovery(ring text, token text, caller jsonb) returns integer
language plpgsql volatile as $function$
declare
  r iam.recoveries;
  retry_after int := ops.limit_route(ring, 'confirm', caller);
begin
  if retry_after = 0 then
    select * into r from iam.recoveries x where iam.hash_token(token) in (x.token_hash, x.ready_hash, x.cancel_hash);
    perform audit.append(iam.gate_claims(r.account_id, null, iam.caller_origin(ring, r.organisation_id, null, caller)), 'recovery.request', 'Person', r.account_id, null,
      'failure', '{"answer":"gone"}');
  end if;
  return retry_after;
end $function$;
comment on function iam.refuse_recovery is 'A link that leads nowhere: recorded, and only so often. Gives the seconds to wait. Internal.';

create function iam.refuse_registration(ring text, caller jsonb) returns integer
language plpgsql volatile as $function$
declare
  retry_after int := ops.limit_route(ring, 'confirm', caller);
begin
  if retry_after = 0 then
    perform audit.append(iam.gate_claims(null, null, iam.caller_origin(ring, null, null, caller)), 'account.confirm', 'Person', null, null,
      'failure', '{"answer":"gone"}');
  end if;
  return retry_after;
end $function$;
comment on function iam.refuse_registration is 'A link that leads nowhere: recorded, and only so often. Gives the seconds to wait. Internal.';

create function iam.registering_wait(ring text, caller jsonb) returns integer
language plpgsql volatile as $function$
declare
  place text := 'route/register/all';
  r iam.registering;
  retry_after int;
begin
  select * into strict r from iam.registering;
  -- looked at first: those of a flood don't wait for each other
  retry_after := ops.peek(place, r.at_once, r.an_hour / 3600.0);
  if retry_after = 0 then retry_after := ops.take(place, r.at_once, r.an_hour / 3600.0); end if;
  if retry_after > 0 then perform ops.record_limited(ring, iam.gate_claims(null, null, null), 'register', place, caller); end if;
  return retry_after;
end $function$;
comment on function iam.registering_wait is 'Takes a registration up: 0, or the seconds to wait. Internal.';

create function iam.release_sign_in(claims text[], sign_in uuid) returns void
language plpgsql volatile as $function$
declare
  device uuid;
begin
  update iam.sign_ins s set released_at = clock_timestamp(), released_by = claims[2]::uuid where s.id = sign_in returning s.device_id into device;
  -- the browser is known when it comes again
  update iam.devices d set forgotten_at = null, last_seen_at = clock_timestamp() where d.id = device;
end $function$;
comment on function iam.release_sign_in is 'The next sign-in from there is a usual one. claims: who released; none for the link. Internal.';

create function iam.remember_device(account uuid, device text, known boolean) returns uuid
language plpgsql volatile as $function$
declare
  found_id uuid;
begin
  -- a short one could be guessed, whatever the edge lets through
  if device is null or device !~ '^[A-Za-z0-9_-]{43}$' then return null; end if;
  insert into iam.devices as d (account_id, token_hash, forgotten_at)
  values (account, iam.hash_token(device), case when not known then clock_timestamp() end)
  on conflict on constraint devices_account_id_token_hash_key do update set
    last_seen_at = case when known then clock_timestamp() else d.last_seen_at end,
    forgotten_at = case when not known then d.forgotten_at end
  returning d.id into found_id;
  return found_id;
end $function$;
comment on function iam.remember_device is 'The device of a sign-in. known: it was let in; else nothing that is known becomes unknown, nor the other way round. NULL for a cookie that isn''t ours. Internal.';

create function iam.remove_factors_of(account uuid, sessions uuid[]) returns text[]
language plpgsql volatile as $function$
declare
  removed text[] := array[]::text[];
begin
  delete from iam.passkeys p where p.account_id = account and p.added_in = any (sessions);
  if found then removed := removed || 'passkey'::text; end if;
  -- one that stood in the place of another: that one is gone as well
  delete from iam.totp_factors f where f.account_id = account and f.added_in = any (sessions);
  if found then removed := removed || 'totp'::text; end if;
  delete from iam.phones p where p.account_id = account and p.added_in = any (sessions);
  if found then removed := removed || 'sms_code'::text; end if;
  -- a number that still waits for its code
  delete from iam.phones p where p.account_id = account and p.number is null;
  update iam.phones p set pending = null where p.account_id = account and p.pending is not null;
  delete from iam.recovery_codes r where r.account_id = account and r.added_in = any (sessions);
  if found then removed := removed || 'recovery_code'::text; end if;
  update iam.sent_codes c set used_at = clock_timestamp() where c.account_id = account and c.session_id = any (sessions) and c.used_at is null;
  return removed;
end $function$;
comment on function iam.remove_factors_of is 'What these sessions have added counts no more; gives which kinds that was. Internal.';

create function iam.remove_lost_factors(r iam.recoveries, s iam.sessions) returns void
language plpgsql volatile as $function$
declare
  n bigint;
  counts jsonb := '{}'::jsonb;
begin
  -- what is older than the session that the recovery led to; what it has added stays
  delete from iam.totp_factors f where f.account_id = r.account_id and f.confirmed_at < s.created_at;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('totp', n);
  delete from iam.passkeys p where p.account_id = r.account_id and p.created_at < s.created_at;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('passkey', n);
  delete from iam.phones p where p.account_id = r.account_id;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('phone', n);
  delete from iam.recovery_codes x where x.account_id = r.account_id;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('recovery_code', n);
  -- a browser that was known may be in the same hands as the phone
  update iam.devices d set forgotten_at = clock_timestamp() where d.account_id = r.account_id and d.forgotten_at is null
    and d.id is distinct from (select x.device_id from iam.sessions x where x.id = s.id);
  perform audit.append(iam.gate_claims(s.account_id, s.id, s.origin_id), 'factor.remove', 'Person', r.account_id, null, 'success', counts::text);
end $function$;
comment on function iam.remove_lost_factors is 'What was lost counts no more. Internal.';

create function iam.remove_passkey(ring text, token text, passkey uuid, caller jsonb) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  allowed record;
  answer text;
begin
  select * into allowed from iam.may_change_factors(ring, token, caller);
  -- by a link there is nothing to take away
  answer := case when allowed.answer = 'ok' and iam.is_half(allowed.session) then 'second_factor' else allowed.answer end;
  if answer <> 'ok' then
    perform iam.record_refused_change(ring, token, 'factor.remove', answer, caller);
    return answer;
  end if;
  answer := case when iam.is_last_factor(allowed.account, passkey) then 'last' else 'ok' end;
  if not exists (select from iam.passkeys p where p.id = passkey and p.account_id = allowed.account) then answer := 'hidden'; end if;
  if answer = 'ok' then
    delete from iam.passkeys p where p.id = passkey;
    perform ops.post(ring, allowed.account, 'email', 'factor_removed', '{"factor":"passkey"}');
  end if;
  perform audit.append(iam.gate_claims(allowed.account, allowed.session, allowed.origin), 'factor.remove', 'passkey',
    case when answer in ('ok', 'last') then passkey end, null, case when answer = 'ok' then 'success' else 'failure' end,
    json_build_object('factor', 'passkey', 'answer', answer)::text);
  return answer;
end $function$;
comment on function iam.remove_passkey is 'Removes a passkey of one''s own. Answers ok, hidden, last (there would be neither a passkey that works here nor an app), or those of iam.may_change_factors. Errors: VS503.';

create function iam.remove_phone(ring text, token text, caller jsonb) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  answer text;
  may record;
  s iam.sessions;
  had boolean;
begin
  select * into may from iam.may_change_factors(ring, token, caller);
  answer := may.answer;
  select * into s from iam.sessions x where x.id = may.session;
  if answer = 'ok' and s.factors < 2 then answer := 'second_factor'; end if;
  if answer = 'ok' and not iam.methods_of(s.account_id) && '{passkey,totp}' then answer := 'last'; end if;
  if s.id is null then
    perform iam.record_refused_change(ring, token, 'factor.remove', answer, caller);
    return answer;
  end if;
  if answer = 'ok' then
    delete from iam.phones p where p.account_id = s.account_id returning p.number is not null into had;
    if had is null then return 'ok'; end if;
    -- what was sent there opens nothing any more
    update iam.sent_codes c set used_at = clock_timestamp() where c.account_id = s.account_id and c.method in ('sms_code', 'phone_code') and c.used_at is null;
    if had then perform ops.post(ring, s.account_id, 'email', 'factor_removed', '{"factor": "sms_code"}'); end if;
  end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, may.origin), 'factor.remove', 'session', s.id, null,
    case when answer = 'ok' then 'success' else 'failure' end, json_build_object('factor', 'sms_code', 'answer', answer)::text);
  return answer;
end $function$;
comment on function iam.remove_phone is 'Takes the telephone number away. Answers those of iam.may_change_factors, or last: nothing but this number and what comes by mail would be left. Errors: VS503.';

create function iam.remove_totp(ring text, token text, caller jsonb) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  allowed record;
  answer text;
begin
  select * into allowed from iam.may_change_factors(ring, token, caller);
  -- by a link there is nothing to take away
  answer := case when allowed.answer = 'ok' and iam.is_half(allowed.session) then 'second_factor' else allowed.answer end;
  if answer <> 'ok' then
    perform iam.record_refused_change(ring, token, 'factor.remove', answer, caller);
    return answer;
  end if;
  if iam.is_last_factor(allowed.account) then
    answer := 'last';
  else
    delete from iam.totp_factors f where f.account_id = allowed.account;
    answer := case when found then 'ok' else 'none' end;
  end if;
  perform audit.append(iam.gate_claims(allowed.account, allowed.session, allowed.origin), 'factor.remove',
    'session', allowed.session, null, case when answer = 'ok' then 'success' else 'failure' end, json_build_object('factor', 'totp', 'answer', answer)::text);
  if answer = 'ok' then perform ops.post(ring, allowed.account, 'email', 'factor_removed', '{"factor": "totp"}'); end if;
  return answer;
end $function$;
comment on function iam.remove_totp is 'Takes the authenticator app away. Answers ok, last (no passkey would be left), none (there is no app), or what iam.may_change_factors says. Errors: VS503.';

create function iam.renew_invitation(account uuid) returns text
language plpgsql volatile as $function$
declare
  token text := translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || E'\n', '-_');
begin
  perform iam.lock_account(account);
  update iam.invitations i set token_hash = iam.hash_token(token), sent_at = clock_timestamp(), accepted_at = null,
    expires_at = clock_timestamp() + interval '72 hours' where i.account_id = account;
  -- whoever took the last link up, and stopped on the way, begins again
  update iam.sessions s set revoked_at = clock_timestamp(), revoked_because = 'signed_in_again'
  where s.account_id = account and s.revoked_at is null;
  perform ops.end_message(o, 'failed', 'replaced') from ops.outbox o where o.account_id = account and o.state = 'waiting' and o.template = 'invitation';
  return token;
end $function$;
comment on function iam.renew_invitation is 'Another link; the one before is worth nothing. Gives the token. Internal.';

create function iam.replace_token(session uuid, old_hash bytea, new_token text, origin uuid DEFAULT NULL::uuid) returns boolean
language plpgsql volatile as $function$
begin
  update iam.sessions s set token_hash = iam.hash_token(new_token), rotated_at = clock_timestamp()
  where s.id = session and s.token_hash = old_hash;
  -- two requests at once: the first one has done it, and the token that came with it serves for a while longer
  if not found then return false; end if;
  insert into iam.old_tokens (token_hash, session_id, origin_id) values (old_hash, session, origin);
  return true;
end $function$;
comment on function iam.replace_token is 'Internal.';

create function iam.request_recovery(ring text, email text, token text, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  indexes bytea[] := iam.email_indexes(ring, email);
  a iam.accounts;
  m access.memberships;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  retry_after := ops.limit_route(ring, 'recover', caller);
  if retry_after > 0 then
    answer := 'wait';
    return;
  end if;
  answer := 'ok';
  select * into a from iam.accounts x where x.email_index = any (indexes) and x.status = 'active';
  select * into m from access.memberships x where x.account_id = a.id and access.membership_is_live(x.id) order by x.valid_from, x.id limit 1;
  perform audit.append(iam.gate_claims(a.id, null, iam.caller_origin(ring, m.organisation_id, null, caller)), 'recovery.request', 'Person', a.id, null,
    case when m.id is not null then 'success' else 'failure' end);
  -- three messages to an address at once and one an hour; more than that changes nothing, and says nothing
  if ops.take('recover/' || encode(indexes[1], 'hex'), 3, 1.0 / 3600) > 0 or m.id is null then return; end if;
  insert into iam.recoveries (account_id, organisation_id, token_hash) values (a.id, m.organisation_id, iam.hash_token(token));
  perform ops.post(ring, a.id, 'email', 'recovery_link', jsonb_build_object('path', '/recover/' || token));
end $function$;
comment on function iam.request_recovery is 'Somebody who can''t sign in gives an address. token: what the link will hold, if there is an account. Answers ok, or wait (retry_after: seconds). Errors: VS503.';

create function iam.request_registration(ring text, organisation uuid, email text, lang text, token text, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  index bytea := (iam.email_indexes(ring, email))[1];
  place access.organisations;
  a iam.accounts;
  r iam.registrations;
  key bytea;
  account uuid;
begin
  retry_after := 0;
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  retry_after := ops.limit_route(ring, 'register', caller);
  if retry_after > 0 then
    answer := 'wait';
    return;
  end if;
  select * into place from access.organisations o where o.id = organisation and o.registration = 'open';
  answer := case when place.id is null then 'closed'
                 when (iam.is_address(email) and lang in ('fr', 'en')) is not true then 'invalid' else 'ok' end;
  if answer = 'ok' then retry_after := iam.registering_wait(ring, caller); end if;
  if retry_after > 0 then
    answer := 'wait';
    return;
  end if;
  -- in the log of the practice, in the same words whoever has the address
  perform audit.append(array[null, null, place.id::text, 'unknown', null, null, null, iam.caller_origin(ring, place.id, null, caller)::text],
    'account.register', 'Person', null, null,
    case when answer = 'ok' then 'success' else 'failure' end, json_build_object('answer', answer)::text);
  -- three messages to an address at once and one an hour; more than that changes nothing, and says nothing
  if answer <> 'ok' or ops.take('register/' || encode(index, 'hex'), 3, 1.0 / 3600) > 0 then return; end if;
  -- two who ask for the same address come one after the other
  perform pg_advisory_xact_lock(hashtextextended('register/' || encode(index, 'hex'), 0));
  select y.* into r from iam.accounts x join iam.registrations y on y.account_id = x.id
  where x.email_index = any (iam.email_indexes(ring, request_registration.email)) and x.status = 'invited' for update of y;
  if r.account_id is null then perform iam.free_address(ring, email); end if;
  select * into a from iam.accounts x where x.id = iam.holder_of(ring, request_registration.email);
  if r.account_id is not null then
    -- another link; who has a record already stays where it is
    insert into iam.registration_links (token_hash, account_id, organisation_id) values (iam.hash_token(token), a.id, place.id);
    update iam.registrations x set asked_at = clock_timestamp() where x.account_id = a.id;
    perform ops.post(ring, a.id, 'email', 'email_confirmation', jsonb_build_object('path', '/register/' || token, 'hours', 24));
  elsif a.id is not null then
    -- somebody who was suspended or erased is told nothing
    if a.status <> 'suspended' then
      perform ops.post(ring, a.id, 'email', 'registration_exists');
    end if;
  else
    account := ops.uuid_v7();
    key := vault.create_key(ring, account, 'profile', organisation);
    insert into iam.accounts (id, email_index, email, status, lang)
    values (account, index, vault.seal(key, account, account, 1, '', 'iam.accounts.email', lower(btrim(email))), 'invited', request_registration.lang);
    insert into iam.registrations (account_id, organisation_id) values (account, organisation);
    insert into iam.registration_links (token_hash, account_id, organisation_id) values (iam.hash_token(token), account, organisation);
    perform ops.post(ring, account, 'email', 'email_confirmation', jsonb_build_object('path', '/register/' || token, 'hours', 24));
  end if;
end $function$;
comment on function iam.request_registration is 'Somebody gives an address; whatever is known of it, a message goes there. token: what the link will hold. Answers ok, invalid, closed, or wait (retry_after: seconds). Errors: VS503.';

create function iam.resume_registration(ring text, token text, prehash text, new_token text, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  r iam.registrations;
  s iam.sessions;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  r := iam.find_registration(token);
  if r.completed_at is null then
    retry_after := iam.refuse_registration(ring, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  retry_after := ops.take('registration/password/' || r.account_id, 5, 1.0 / 600);
  if retry_after > 0 then
    answer := 'wait';
    perform ops.record_limited(ring, iam.gate_claims(r.account_id, null, null), 'password', 'registration/password/' || r.account_id, caller);
    return;
  end if;
  perform ops.wait_for_hash_turn();
  answer := case when exists (select from iam.accounts a where a.id = r.account_id and extensions.crypt(prehash, a.password_hash) = a.password_hash) then 'ok'
                 else 'refused' end;
  if answer = 'ok' then
    s := iam.start_session(ring, r.account_id, new_token, '{link,password}', caller, enrols => true);
  end if;
  perform audit.append(iam.gate_claims(r.account_id, s.id, coalesce(s.origin_id, iam.caller_origin(ring, r.organisation_id, null, caller))), 'session.password', 'session', s.id, null,
    case when answer = 'ok' then 'success' else 'failure' end, json_build_object('answer', answer)::text);
end $function$;
comment on function iam.resume_registration is 'Somebody who registered and stopped before adding a factor comes back with the password. Answers ok, refused, gone, or wait (retry_after: seconds). Errors: VS503.';

create function iam.revoke_account(c text[], account uuid, because text, spared uuid DEFAULT NULL::uuid) returns integer
language sql volatile as $function$
  select iam.lock_account(account);
  select iam.revoke_sessions(c, array(select x.id from iam.sessions x where x.account_id = account and x.revoked_at is null
                                      and x.expires_at > clock_timestamp() and x.id is distinct from spared), because)
$function$;
comment on function iam.revoke_account is 'Ends every session of an account, also those that wait for their second factor, but one. Internal: a changed password, a suspension, a recovery.';

create function iam.revoke_sessions(c text[], ended uuid[], because text) returns integer
language plpgsql volatile as $function$
declare
  s iam.sessions;
  n int := 0;
begin
  -- in one order, so that two who end the same ones don't wait for each other; what ran out by itself stays as it is
  for s in select * from iam.sessions x where x.id = any (ended) and x.revoked_at is null and x.expires_at > clock_timestamp()
           order by x.id for update loop
    update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = because where x.id = s.id;
    perform audit.append(c, 'session.revoke', 'session', s.id, null, 'success',
      json_build_object('because', because, 'account', s.account_id)::text);
    n := n + 1;
  end loop;
  return n;
end $function$;
comment on function iam.revoke_sessions is 'Ends these sessions, with an event for each; gives how many there were to end. c: who does it (access.claims or iam.gate_claims). Internal.';

create function iam.rp_id(origin text) returns text
language plpgsql immutable as $function$
declare
  host text := coalesce((regexp_match(origin, '^https://([a-z0-9-]+(\.[a-z0-9-]+)*)(:[0-9]{1,5})?$'))[1],
                        (regexp_match(origin, '^http://(localhost)(:[0-9]{1,5})?$'))[1]);
begin
  return case when host !~ '(^|\.)[0-9]+$' then host end;
end $function$;
comment on function iam.rp_id is 'The RP ID of an origin, which is its host name; NULL where a browser makes no passkeys.';

create function iam.seal_passkey_name(ring text, account uuid, passkey uuid, name text) returns bytea
language plpgsql volatile as $function$
begin
  if name is null or btrim(name) = '' or length(name) > 60 then
    raise exception using errcode = 'VS422', message = 'a passkey has a name of 1 to 60 characters';
  end if;
  return vault.seal(vault.unwrap(ring, account, 'profile'), passkey, account, 1, '', 'iam.passkeys.name', btrim(name));
end $function$;
comment on function iam.seal_passkey_name is 'Internal. Errors: VS422.';

create function iam.send_code(ring text, token text, method text, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  s iam.sessions;
begin
  retry_after := 0;
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  s := iam.find_session(ring, token, caller);
  if s.id is null or (s.enrols and s.factors = 1) then
    answer := 'expired';
    perform iam.record_refused_change(ring, token, 'code.send', answer, caller);
    return;
  end if;
  if iam.may_send(s, method) is not true then
    answer := 'refused';
  elsif not ops.delivers(case method when 'email_code' then 'email' else 'sms' end) then
    answer := 'unavailable';
  else
    retry_after := iam.sending_wait(s, method);
    answer := case when retry_after = 0 then 'ok' else 'wait' end;
  end if;
  if answer = 'ok' then perform iam.post_code(ring, s, method); end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller)), 'code.send', 'session', s.id, null,
    case when answer = 'ok' then 'success' else 'failure' end,
    json_build_object('factor', case when method in ('email_code', 'sms_code') then method end, 'answer', answer)::text);
end $function$;
comment on function iam.send_code is 'Sends a code for the second step of a sign-in, or for a step-up: iam.take_factor takes it. method: email_code or sms_code. Answers ok, wait (retry_after: seconds), refused (not a method of this account), unavailable (nobody delivers such messages) or expired. Errors: VS503.';

create function iam.send_invitation(ring text, account uuid) returns void
language plpgsql volatile as $function$
declare
  i iam.invitations;
  address text;
  holder uuid;
begin
  select * into strict i from iam.invitations x where x.account_id = account;
  address := convert_from(vault.unpack(vault.unwrap(ring, account, 'profile'), iam.invitation_aad(account), i.email), 'UTF8');
  perform iam.free_address(ring, address);
  holder := iam.holder_of(ring, address);
  if holder is null then
    -- whoever had it is gone
    perform iam.give_address(ring, account, address);
    holder := account;
  end if;
  if holder = account then
    perform ops.post(ring, account, 'email', 'invitation', jsonb_build_object('path', '/invitations/' || iam.renew_invitation(account)));
  else
    -- 4: the token of this one goes nowhere
    perform iam.renew_invitation(account);
    perform ops.post(ring, holder, 'email', 'invitation_exists', jsonb_build_object('practice',
      (select o.name from access.organisations o where o.id = i.organisation_id)));
  end if;
end $function$;
comment on function iam.send_invitation is 'Sends the link, or tells whoever has an account with this address that another address is needed. Internal.';

create function iam.send_ready(ring text, recovery uuid, template text, at timestamp with time zone) returns void
language plpgsql volatile as $function$
declare
  token text := translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || E'\n', '-_');
  r iam.recoveries;
  message uuid;
begin
  select * into strict r from iam.recoveries x where x.id = recovery;
  perform iam.withdraw_message(r.ready_message_id);
  message := ops.post(ring, r.account_id, 'email', template, jsonb_build_object('path', '/recover/' || token));
  update ops.outbox o set next_at = greatest(at, o.next_at), expires_at = greatest(at, o.next_at) + interval '48 hours' where o.id = message;
  update iam.recoveries x set ready_hash = iam.hash_token(token), ready_message_id = message where x.id = recovery;
end $function$;
comment on function iam.send_ready is 'A message that leads on, now or later, with a link of its own. Internal.';

create function iam.sending_wait(s iam.sessions, method text) returns integer
language plpgsql volatile as $function$
begin
  return ops.take('send/' || method || '/' || s.account_id || case when iam.is_from_known_device(s) then '/known' else '' end, 3, 1.0 / 600);
end $function$;
comment on function iam.sending_wait is 'Seconds until another code may be sent. Internal.';

create function iam.serve_at(origin text, OUT changed boolean, OUT accounts integer, OUT kept_out integer) returns record
language plpgsql volatile as $function$
begin
  update iam.hosts h set origin = serve_at.origin where h.origin is distinct from serve_at.origin;
  changed := found;
  if changed then
    perform audit.append(array[null, null, null, null, null, null, null, null], 'row.update', 'host', null, null, 'success',
      json_build_object('columns', array['origin'], 'host', iam.rp_id(origin))::text);
  end if;
  select c.accounts, c.kept_out into accounts, kept_out from iam.count_elsewhere() c;
end $function$;
comment on function iam.serve_at is 'Says where browsers reach this installation: the administrator''s, as vs_owner. Gives whether that is new, and whom it concerns (iam.count_elsewhere). Errors: 23514 for what is no origin.';

create function iam.session_is_live(session uuid) returns boolean
language plpgsql stable as $function$
begin
  return exists (
    select from iam.sessions s
    where s.id = session and s.factors = 2 and s.revoked_at is null and s.expires_at > clock_timestamp()
      and s.last_seen_at > clock_timestamp() - case when s.role = 'import' then interval '12 hours' else interval '30 minutes' end);
end $function$;
comment on function iam.session_is_live is NULL;

create function iam.set_password(account uuid, prehash text) returns void
language plpgsql volatile as $function$
begin
  perform ops.wait_for_hash_turn();
  update iam.accounts set password_hash = extensions.crypt(prehash, extensions.gen_salt('bf', 12)),
                          pepper_id = split_part(prehash, ':', 1), password_changed_at = clock_timestamp() where id = account;
end $function$;
comment on function iam.set_password is 'The peppered hash depends on the account''s id, so a password is set after creation. prehash: `pepper id:base64` (edge/password.ts). As vs_owner.';

create function iam.settle_recoveries(ring text, s iam.sessions, method text) returns void
language plpgsql volatile as $function$
declare
  r iam.recoveries;
  claims text[] := iam.gate_claims(s.account_id, s.id, s.origin_id);
begin
  for r in select * from iam.recoveries x where x.account_id = s.account_id and x.state in ('asked', 'waiting') and (x.session_id = s.id or x.state = 'waiting') for update loop
    if r.session_id is distinct from s.id then
      -- a factor was shown: it isn't lost, or another one is here by now
      perform iam.cancel_one(ring, r, claims, 'factor');
      continue;
    end if;
    if r.lost <> 'password' then
      perform iam.remove_lost_factors(r, s);
      perform ops.post(ring, r.account_id, 'email', 'factor_added', jsonb_build_object('factor', method));
    end if;
    if r.lost <> 'factors' then
      perform iam.take_password(r, claims);
      perform ops.post(ring, r.account_id, 'email', 'password_changed');
    end if;
    update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'recovered' where x.account_id = s.account_id and x.id <> s.id and x.revoked_at is null;
    perform iam.cancel_address_changes(s.account_id, claims, 'recovery');
    update iam.recoveries x set state = 'done', password_hash = null, pepper_id = null where x.id = r.id;
    perform iam.withdraw_message(r.ready_message_id);
    perform audit.append(claims, 'recovery.complete', 'Recovery', r.id, null, 'success', json_build_object('lost', r.lost)::text);
  end loop;
end $function$;
comment on function iam.settle_recoveries is 'A session became whole by a factor: its recovery is done, and any other that waits is cancelled. Internal: iam.accept_factor.';

create function iam.show_password(ring text, token text, prehash text, new_token text, caller jsonb, OUT answer text, OUT role text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  s iam.sessions;
  tried record;
  before boolean;
  claims text[];
begin
  retry_after := 0;
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  s := iam.find_session(ring, token, caller);
  answer := case when s.id is null then 'expired' when s.factors < 2 then 'second_factor' end;
  if answer is not null then
    perform iam.record_refused_change(ring, token, 'session.step_up', answer, caller);
    return;
  end if;
  select * into tried from iam.try_password(ring, s.account_id, prehash, s.id, caller);
  answer := tried.answer;
  retry_after := tried.retry_after;
  if answer <> 'ok' then return; end if;
  before := iam.is_from_before(s, token);
  -- first, so that the token of now is one from before as well
  perform iam.replace_token(s.id, s.token_hash, new_token);
  -- whoever brings a token from before hasn't shown the factor that was shown since
  update iam.sessions x set password_at = clock_timestamp(), last_seen_at = clock_timestamp(),
    factor_at = case when before then least(x.factor_at, clock_timestamp() - interval '11 minutes') else x.factor_at end
  where x.id = s.id;
  role := s.role;
  claims := iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller));
  perform audit.append(claims, 'session.password', 'session', s.id, null, 'success');
  perform audit.append(claims, 'session.step_up', 'session', s.id, null, 'success', '{"factor":"password","answer":"ok"}');
end $function$;
comment on function iam.show_password is 'The password shown again in a session of two factors, beside the factor (iam.may_change_factors). prehash: as in iam.sign_in_password. Answers ok (with the role; the session goes on under new_token), refused, wait (retry_after: seconds), busy (ask again in a moment), second_factor or expired. Errors: VS471, VS503.';

create function iam.sign_count(data bytea) returns bigint
language plpgsql immutable as $function$
begin
  return (get_byte(data, 33)::bigint << 24) | (get_byte(data, 34) << 16) | (get_byte(data, 35) << 8) | get_byte(data, 36);
end $function$;
comment on function iam.sign_count is NULL;

create function iam.sign_in_is_known(account uuid, device text) returns boolean
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
begin
  perform ops.require_clearance();
  return iam.known_device(account, device) is not null;
end $function$;
comment on function iam.sign_in_is_known is 'Has this account signed in with this browser before? Its edge lets it go first when many sign in. Errors: VS503.';

create function iam.sign_in_lookup(ring text, email text) returns uuid
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
declare
  account uuid;
begin
  perform ops.require_clearance();
  -- else a wrong key would look like a wrong password
  perform vault.require_known_ring(ring);
  select a.id into account from iam.accounts a where a.email_index = any (iam.email_indexes(ring, sign_in_lookup.email));
  -- somebody unknown gets an id too, always the same one, so that the next step has the same work
  return coalesce(account, encode((iam.email_indexes(ring, email))[1], 'hex')::uuid);
end $function$;
comment on function iam.sign_in_lookup is 'The id that the password is hashed with; also for an address that has no account. Errors: VS503 for a ring that isn''t this database''s.';

create function iam.sign_in_methods(ring text, token text, caller jsonb) returns TABLE(methods text[], factors integer, enrols boolean, elsewhere text, account uuid, known boolean, wants_factor boolean, wants_password boolean)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  s iam.sessions;
  before boolean;
begin
  perform ops.require_clearance();
  s := iam.find_session(ring, token, caller);
  if s.id is null then return; end if;
  before := iam.is_from_before(s, token);
  return query select iam.methods_for(s), s.factors, s.enrols and s.factors = 1,
    (select p.rp_id from iam.passkeys p where p.account_id = s.account_id and not iam.is_here(p.rp_id) order by p.created_at desc limit 1),
    s.account_id, iam.known_device(s.account_id, caller ->> 'device') is not null,
    -- five minutes and not ten: whoever shows one of both has time left to do what they came for
    before or not iam.is_within(s.factor_at, '5 minutes'), before or not iam.password_is_within(s, '5 minutes');
end $function$;
comment on function iam.sign_in_methods is 'What the second step may ask for; no row when the first one is over. enrols: a first factor is to be added. elsewhere: the host name of a passkey that doesn''t work here. account, known (this browser): whose password may be asked for. wants_factor, wants_password: what is missing for a change of factors. Errors: VS503.';

create function iam.sign_in_passkey(ring text, token text, proof jsonb, caller jsonb, old_token text DEFAULT NULL::text, OUT answer text, OUT role text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  checked record;
  why text;
  account uuid;
  s iam.sessions;
  origin uuid;
  place text;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  retry_after := ops.limit_route(ring, 'passkey', caller);
  if retry_after > 0 then
    answer := 'wait';
    return;
  end if;
  perform iam.lock_account((select p.account_id from iam.passkeys p where p.credential_id = iam.from_base64url(proof ->> 'id')));
  select * into checked from iam.check_assertion(proof, 'passwordless', null, null);
  why := checked.why;
  account := checked.owner;
  if why is null then
    -- nobody is suspended while they come in
    perform from iam.accounts a where a.id = account for no key update;
    if not exists (select from access.memberships m where m.account_id = account and access.membership_is_live(m.id)) then why := 'account'; end if;
  end if;
  if why is null then
    -- a practice comes by one address, all at once in the morning
    place := '/address/' || ops.network_key(ring, caller ->> 'ip');
    perform ops.give_back('route/passkey' || place), ops.give_back('route/challenge' || place);
    perform vault.saw_ring(ring);
    s := iam.start_session(ring, account, token, '{}', caller, old_token);
    answer := iam.accept_factor(ring, s, 'passkey', token, caller, true);
    role := case when answer = 'ok' then s.role end;
  else
    answer := 'refused';
  end if;
  origin := coalesce(s.origin_id, iam.caller_origin(ring, (select m.organisation_id from access.memberships m
    where m.account_id = account order by m.valid_from, m.id limit 1), null, caller));
  if why = 'counter' then
    perform iam.record_counter(checked.passkey, iam.gate_claims(account, null, origin), checked.counted, proof);
  end if;
  perform audit.append(iam.gate_claims(account, s.id, origin), 'session.factor', 'session', s.id, null,
    case when answer = 'ok' then 'success' else 'failure' end,
    json_strip_nulls(json_build_object('factor', 'passkey', 'passwordless', true, 'answer', answer, 'reason', why))::text);
  perform ops.note_try(ring, account, answer = 'ok', caller);
end $function$;
comment on function iam.sign_in_passkey is 'Signs in with a passkey alone, which has verified its user: two factors in one. token: what the cookie will hold. Answers ok (with the role), refused, wait (retry_after: seconds), or stopped (0099). Errors: VS503.';

create function iam.sign_in_password(ring text, account uuid, prehash text, token text, caller jsonb, old_token text DEFAULT NULL::text, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  tried record;
  s iam.sessions;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  select * into tried from iam.try_password(ring, account, prehash, null, caller);
  answer := tried.answer;
  retry_after := tried.retry_after;
  if answer <> 'ok' then return; end if;
  s := iam.start_session(ring, account, token, '{password}', caller, old_token);
  perform audit.append(iam.gate_claims(account, s.id, s.origin_id), 'session.password', 'session', s.id, null, 'success');
  answer := 'second_factor';
end $function$;
comment on function iam.sign_in_password is 'First step. prehash: `pepper id:base64(HMAC-SHA-256(pepper, account id ‖ password))`. token: what the cookie will hold; old_token: what it holds now. Answers second_factor, refused, wait (retry_after: seconds), or busy: there is no turn for hashing (0086), nothing was tried, ask again in a moment. Errors: VS471, VS503.';

create function iam.signal_points(signal text) returns integer
language sql immutable as $function$
  select case signal when 'impossible_speed' then 50 when 'new_device' then 25 when 'many_failures' then 20 when 'odd_hour' then 20
                     when 'new_network' then 15 end
$function$;
comment on function iam.signal_points is 'What a signal weighs: a new device in a new place is told (40), a copied password and code from abroad is held back (90).';

create function iam.start_session(ring text, account uuid, token text, methods text[], caller jsonb, old_token text DEFAULT NULL::text, enrols boolean DEFAULT false) returns iam.sessions
language plpgsql volatile as $function$
declare
  s iam.sessions;
  m access.memberships;
begin
  select * into strict m from access.memberships x
  where x.account_id = account and clock_timestamp() between x.valid_from and x.valid_until order by x.valid_from, x.id limit 1;
  insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, patient_id, methods, password_at, enrols, device_id, expires_at, replaces_id)
  values (iam.hash_token(token), account, m.id, m.organisation_id, m.role, m.patient_id, start_session.methods,
          case when 'password' = any (start_session.methods) then clock_timestamp() end, start_session.enrols,
          iam.known_device(account, caller ->> 'device'),
          clock_timestamp() + case when start_session.enrols then interval '1 hour' else interval '10 minutes' end,
          -- one that waits for its second factor stands for the one before it: the password was typed twice
          (select case when x.factors = 1 then coalesce(x.replaces_id, x.id) else x.id end
           from iam.sessions x where x.token_hash = iam.hash_token(old_token) and x.account_id = account
             and x.revoked_at is null and x.expires_at > clock_timestamp()))
  returning * into s;
  update iam.sessions x set origin_id = iam.caller_origin(ring, m.organisation_id, s.id, caller) where x.id = s.id returning x.* into s;
  return s;
end $function$;
comment on function iam.start_session is 'A session of one factor: 10 minutes to show the second, an hour to add one (enrols: made by a link). old_token: what the browser''s cookie holds, of which the session ends when this one is whole. Internal.';

create function iam.state_of(entry iam.sign_ins) returns text
language sql immutable as $function$
  select case when entry.id is null then 'expired' when entry.disowned_at is not null then 'disowned'
              when entry.released_at is not null then 'released' else entry.outcome end
$function$;
comment on function iam.state_of is NULL;

create function iam.take_address_back(ring text, account uuid, since timestamp with time zone) returns boolean
language plpgsql volatile as $function$
declare
  -- another one may have come after it
  first iam.address_changes;
begin
  select * into first from iam.address_changes x where x.account_id = account and x.former is not null and x.changed_at >= since
    and x.changed_at > clock_timestamp() - interval '7 days' order by x.changed_at limit 1;
  if first.id is null then return false; end if;
  perform iam.give_address(ring, account, iam.address_of(vault.unwrap(ring, account, 'profile'), first.id, account, 'former', first.former));
  -- what was sent since went to a mailbox that isn't theirs: whoever reads it could end what its person does from now on
  update iam.address_changes x set state = 'taken_back', former = null, former_index = null
  where x.account_id = account and (x.changed_at >= first.changed_at or x.asked_at >= first.changed_at);
  update iam.sign_ins s set link_hash = null where s.account_id = account and s.at >= first.changed_at and s.link_hash is not null;
  return true;
end $function$;
comment on function iam.take_address_back is 'The address that the account had before the first change since then, without the links that went out since; was there one? Nothing waits any more (iam.cancel_address_changes). Internal.';

create function iam.take_factor(ring text, token text, method text, proof jsonb, new_token text, caller jsonb, OUT answer text, OUT role text, OUT retry_after integer) returns record
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  s iam.sessions;
  origin uuid;
  ok boolean := false;
begin
  retry_after := 0;
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  s := iam.find_session(ring, token, caller);
  if s.id is null or s.enrols and s.factors = 1 then
    answer := 'expired';
    select * into s from iam.sessions x where x.token_hash = iam.hash_token(token);
    if s.id is null then
      perform ops.record_unknown(ring, 'factor', caller ->> 'ip', caller ->> 'user_agent');
    elsif ops.take('refused/' || s.id, 30, 1.0 / 60) = 0 then
      perform audit.append(iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller)), 'session.factor',
        'session', s.id, null, 'failure', '{"answer":"expired"}');
    end if;
    return;
  end if;
  origin := iam.caller_origin(ring, s.organisation_id, s.id, caller);
  if s.factors = 1 and s.attempts >= 5 then
    update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'tries' where x.id = s.id;
    answer := 'expired';
  else
    retry_after := iam.code_wait(s, method);
  end if;
  if retry_after > 0 then
    answer := 'wait';
    perform ops.record_limited(ring, iam.gate_claims(s.account_id, s.id, null), 'factor', iam.code_key(s, method), caller);
    return;
  elsif answer is null then
    if method = any (iam.methods_for(s)) then
      if method = 'totp' then ok := iam.verify_totp(ring, s.account_id, proof ->> 'code');
      elsif method = 'passkey' then ok := iam.verify_passkey(ring, s, proof, caller);
      elsif method = 'recovery_code' then ok := iam.verify_recovery_code(ring, s.account_id, proof ->> 'code');
      else ok := iam.verify_sent_code(ring, s, method, proof ->> 'code');
      end if;
    end if;
    if ok is true then
      perform iam.code_taken(s, method);
      -- whoever brings a token from before hasn't shown what was shown since
      if iam.is_from_before(s, token) then update iam.sessions x set password_at = null, verified_at = null where x.id = s.id; end if;
      answer := iam.accept_factor(ring, s, method, new_token, caller, method = 'passkey' and iam.verified_user(proof));
      role := case when answer = 'ok' then s.role end;
    else
      update iam.sessions x set attempts = x.attempts + 1 where x.id = s.id;
      perform iam.tell_of_codes(ring, s);
      answer := 'refused';
    end if;
  end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, origin), case when s.factors = 2 then 'session.step_up' else 'session.factor' end,
    'session', s.id, null, case when answer = 'ok' then 'success' else 'failure' end,
    json_build_object('factor', case when method in ('totp', 'passkey', 'recovery_code', 'email_code', 'sms_code') then method end, 'answer', answer)::text);
  -- a try to sign in ends here, or with a password that was refused
  if s.factors = 1 then perform ops.note_try(ring, s.account_id, answer = 'ok', caller); end if;
end $function$;
comment on function iam.take_factor is 'The second step of a sign-in, or a factor shown again (step-up). method: totp, recovery_code, email_code, sms_code (proof: {"code"}) or passkey (proof: 0094). Answers ok (with the role; the session goes on under new_token), refused, wait (retry_after: seconds), expired, or stopped (0097). Errors: VS503.';

create function iam.take_password(r iam.recoveries, claims text[]) returns void
language plpgsql volatile as $function$
begin
  update iam.accounts a set password_hash = r.password_hash, pepper_id = r.pepper_id, password_changed_at = clock_timestamp() where a.id = r.account_id;
  perform audit.append(claims, 'password.change', 'Person', r.account_id, null, 'success', '{"by":"recovery"}');
end $function$;
comment on function iam.take_password is 'The password that was chosen becomes the account''s. Internal.';

create function iam.tell_of_codes(ring text, s iam.sessions) returns void
language plpgsql volatile as $function$
begin
  -- one that is signed in shows a factor again: nobody else has got as far as there
  if s.factors = 2 or (select count(*) from (
       select from audit.events e
       where e.actor_id = s.account_id and e.outcome = 'failure' and e.event = 'session.factor' and e.at > clock_timestamp() - interval '1 day'
         and e.details like '%"refused"%'
       limit 4) f) < 4 or ops.take('told/codes/' || s.account_id, 1, 1.0 / 86400) > 0 then
    return;
  end if;
  perform ops.post(ring, s.account_id, 'email', 'codes_refused');
  perform audit.append(iam.gate_claims(s.account_id, s.id, s.origin_id), 'session.unusual', 'session', s.id, null, 'failure', '{"reason":"codes"}');
end $function$;
comment on function iam.tell_of_codes is 'The fifth refused code of a day, after the right password: somebody may know it, and its owner is told, once a day. Internal: iam.take_factor.';

create function iam.tell_of_sign_in(ring text, s iam.sessions, entry iam.sign_ins, facts jsonb, link text) returns void
language plpgsql volatile as $function$
declare
  administrator uuid;
begin
  perform ops.post(ring, s.account_id, 'email', case when entry.outcome = 'stopped' then 'sign_in_stopped' else 'unusual_sign_in' end,
    jsonb_build_object('path', '/sign-ins/' || link, 'reasons', entry.signals, 'user_agent', facts ->> 'user_agent', 'place', facts ->> 'place'));
  -- that somebody is a patient here goes into nobody's mailbox: the administrators' page has it, without a name
  if s.role = 'patient' then return; end if;
  for administrator in
    select m.account_id from access.memberships m
    where m.organisation_id = s.organisation_id and m.role = 'org_admin' and m.account_id <> s.account_id and access.membership_is_live(m.id)
    order by m.id limit 20
  loop
    perform ops.post(ring, administrator, 'email', 'unusual_sign_in_of_member', '{"path": "/admin/sign-ins"}');
  end loop;
end $function$;
comment on function iam.tell_of_sign_in is 'Posts what is told of an unusual sign-in. Internal.';

create function iam.to_base64url(value bytea) returns text
language plpgsql immutable as $function$
begin
  return translate(encode(value, 'base64'), '+/=' || E'\n', '-_');
end $function$;
comment on function iam.to_base64url is NULL;

create function iam.totp(secret bytea, step bigint) returns text
language plpgsql immutable as $function$
declare
  h bytea := extensions.hmac(int8send(step), secret, 'sha1');
  o int := get_byte(h, 19) & 15;
begin
  -- << and | have the same precedence here and associate left: each shift stands in its parentheses
  return lpad(((((get_byte(h, o) & 127) << 24) | (get_byte(h, o + 1) << 16) | (get_byte(h, o + 2) << 8) | get_byte(h, o + 3)) % 1000000)::text, 6, '0');
end $function$;
comment on function iam.totp is 'RFC 6238 with SHA-1 and 6 digits; step = Unix time / 30 s.';

create function iam.totp_step(secret bytea, code text, last_step bigint) returns bigint
language plpgsql volatile as $function$
declare
  now_step bigint := floor(extract(epoch from clock_timestamp()) / 30);
begin
  return (select step from generate_series(greatest(now_step - 1, last_step + 1), now_step + 1) as step
          where sha256(convert_to(iam.totp(secret, step), 'UTF8')) = sha256(convert_to(code, 'UTF8')) order by step limit 1);
end $function$;
comment on function iam.totp_step is 'Which step of now, after the last used one, this code is of; NULL for none. Internal.';

create function iam.try_code(ring text, s iam.sessions, method text, code text) returns boolean
language plpgsql volatile as $function$
declare
  c iam.sent_codes;
begin
  -- locked, so that the same code sent twice at once works once
  select * into c from iam.sent_codes x
  where x.session_id = s.id and x.account_id = s.account_id and x.method = try_code.method and x.used_at is null
    and x.sent_at between clock_timestamp() - interval '10 minutes' and clock_timestamp() + interval '5 seconds' and x.tries < 5
  order by x.sent_at desc limit 1 for update;
  if not found then return false; end if;
  if (code ~ '^[0-9]{6}$' and sha256(c.code_hash) = sha256(iam.code_hash(vault.unwrap(ring, s.account_id, 'profile'), c.id, code))) is not true then
    update iam.sent_codes x set tries = x.tries + 1 where x.id = c.id;
    return false;
  end if;
  update iam.sent_codes x set used_at = clock_timestamp() where x.id = c.id;
  return true;
end $function$;
comment on function iam.try_code is 'Is this the code that was sent to this session last? Uses it up, or one of its tries. Internal.';

create function iam.try_password(ring text, account uuid, prehash text, session uuid, caller jsonb, OUT answer text, OUT retry_after integer) returns record
language plpgsql volatile as $function$
declare
  a iam.accounts;
  m access.memberships;
  device uuid := iam.known_device(account, caller ->> 'device');
  address_key text;
  account_key text := 'password/account/' || account;
  -- whose failures make the next try wait: this browser's, or this account's at this address
  own_key text := 'password/device/' || device;
  reached text;
  -- one that a whole practice shares isn't (0088)
  counts_address boolean := device is null and not ops.is_allowed_network(caller ->> 'ip');
  ok boolean;
begin
  address_key := 'password/address/' || ops.network_key(ring, caller ->> 'ip');
  own_key := coalesce(own_key, address_key || '/' || account);
  -- First without taking anything: whoever is told to wait holds nobody up. A browser that the account knows isn't held up
  -- by what happens elsewhere, so that a stranger who goes on failing doesn't keep the owner out.
  select x.reached, x.seconds into reached, retry_after
  from (values (own_key, ops.delayed(own_key, '15 minutes')),
               (address_key, case when counts_address then ops.peek(address_key, 60, 0.5) end),
               (account_key, case when device is null then ops.peek(account_key, 60, 1.0 / 60) end)) x (reached, seconds)
  where x.seconds > 0 order by x.seconds desc limit 1;
  if retry_after > 0 then
    answer := 'wait';
    perform ops.record_limited(ring, iam.gate_claims(account, session, null), 'password', reached, caller);
    return;
  end if;
  -- one hash at a time for an account and for an address: what is counted below is locked until it is done
  if not (ops.hash_turn(device is not null) and pg_try_advisory_xact_lock(hashtextextended(own_key, 0))
          and (not counts_address or pg_try_advisory_xact_lock(hashtextextended(address_key, 0)))
          and (device is not null or pg_try_advisory_xact_lock(hashtextextended(account_key, 0)))) then
    answer := 'busy';
    return;
  end if;
  -- counted before it is tried, and given back if it was right
  retry_after := ops.delay(own_key, 5, '5 seconds', '15 minutes', '1 day');
  if retry_after = 0 and counts_address then retry_after := ops.take(address_key, 60, 0.5); end if;
  if retry_after = 0 and device is null then retry_after := ops.take(account_key, 60, 1.0 / 60); end if;
  if retry_after > 0 then
    answer := 'wait';
    perform ops.record_limited(ring, iam.gate_claims(account, session, null), 'password', own_key, caller);
    return;
  end if;
  select * into a from iam.accounts x where x.id = account;
  select * into m from access.memberships x where x.account_id = account and access.membership_is_live(x.id) order by x.valid_from, x.id limit 1;
  -- the dummy costs what a real one costs
  ok := extensions.crypt(prehash, coalesce(a.password_hash, '$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW'))
        = a.password_hash and a.status = 'active' and m.id is not null;
  if ok then
    -- a change of the password that came while this one was hashed has ended all sessions: none begins after it
    perform from iam.accounts x where x.id = account and x.password_hash = a.password_hash and x.status = 'active' for share;
    ok := found;
  end if;
  if ok is not true then
    answer := 'refused';
    perform audit.append(iam.gate_claims(account, session, iam.caller_origin(ring, m.organisation_id, session, caller)),
      'session.password', 'session', session, null, 'failure', '{"reason":"refused"}');
    perform ops.note_try(ring, account, false, caller);
    return;
  end if;
  perform ops.forget(own_key);
  if counts_address then perform ops.give_back(address_key); end if;
  if device is null then perform ops.give_back(account_key); end if;
  perform vault.saw_ring(ring);
  answer := 'ok';
end $function$;
comment on function iam.try_password is 'Limits, a turn, the hash, and what is recorded of a failure. session: NULL before there is one. Answers ok, refused, wait or busy as iam.sign_in_password says. Internal.';

create function iam.use_challenge(client_data bytea, type text, purpose text, session uuid, OUT why text, OUT rp_id text) returns record
language plpgsql volatile as $function$
declare
  said jsonb := iam.read_client_data(client_data);
  c iam.challenges;
begin
  delete from iam.challenges x
  where x.hash = iam.hash_token(said ->> 'challenge') and x.purpose = use_challenge.purpose and x.session_id is not distinct from session
    and x.made_at between clock_timestamp() - interval '5 minutes' and clock_timestamp() + interval '5 seconds'
  returning x.* into c;
  rp_id := iam.rp_id(c.origin);
  why := case when said is null then 'client_data'
              when c.hash is null then 'challenge'
              when said ->> 'type' is distinct from type then 'type'
              when said ->> 'origin' is distinct from c.origin then 'origin'
              -- we stand in nobody's frame
              when said -> 'crossOrigin' <> 'false' or said ? 'topOrigin' then 'frame' end;
end $function$;
comment on function iam.use_challenge is 'Uses a challenge up, and says what is wrong with the client data: client_data, challenge, type, origin, frame. Internal.';

create function iam.verified_user(proof jsonb) returns boolean
language plpgsql immutable as $function$
declare
  data bytea := iam.from_base64url(proof ->> 'authenticator_data');
begin
  return coalesce(length(data) >= 37 and get_byte(data, 32) & 4 <> 0, false);
end $function$;
comment on function iam.verified_user is 'Did the authenticator ask for a PIN, a finger or a face? It may leave it out for a second factor, which then stands for no password. Internal: after iam.check_assertion, which has seen that this was signed.';

create function iam.verify_passkey(ring text, s iam.sessions, proof jsonb, caller jsonb) returns boolean
language plpgsql volatile as $function$
declare
  checked record;
begin
  select * into checked from iam.check_assertion(proof, 'factor', s.id, s.account_id);
  if checked.why = 'counter' then
    perform iam.record_counter(checked.passkey,
      iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller)), checked.counted, proof);
  end if;
  return checked.why is null;
end $function$;
comment on function iam.verify_passkey is 'Is this the answer of a passkey of this session''s account, to a challenge of this session? Internal: iam.take_factor.';

create function iam.verify_recovery_code(ring text, account uuid, code text) returns boolean
language plpgsql volatile as $function$
declare
  salt text := (select left(r.code_hash, 29) from iam.recovery_codes r where r.account_id = account and r.used_at is null limit 1);
  hash text;
begin
  if salt is null then return false; end if;
  hash := iam.hash_recovery_code(ring, account, code, salt);
  -- one statement: a code that is sent twice at once works once
  update iam.recovery_codes r set used_at = clock_timestamp()
  where r.account_id = account and r.code_hash = hash and r.used_at is null;
  if not found then return false; end if;
  perform ops.post(ring, account, 'email', 'recovery_code_used',
    json_build_object('left', (select count(*) from iam.recovery_codes r where r.account_id = account and r.used_at is null))::jsonb);
  return true;
end $function$;
comment on function iam.verify_recovery_code is 'Is this a code that is left? Uses it up, and tells the person. Internal: iam.take_factor.';

create function iam.verify_sent_code(ring text, s iam.sessions, method text, code text) returns boolean
language plpgsql volatile as $function$
begin
  -- that the method is one of this session's, iam.take_factor has asked
  return method in ('email_code', 'sms_code') and iam.try_code(ring, s, method, code);
end $function$;
comment on function iam.verify_sent_code is 'Internal: iam.take_factor.';

create function iam.verify_totp(ring text, account uuid, code text) returns boolean
language plpgsql volatile as $function$
declare
  f iam.totp_factors;
  used bigint;
begin
  -- the row is locked, so that the same code sent twice at once works once
  select * into f from iam.totp_factors x where x.account_id = account and x.confirmed_at is not null for update;
  if not found then return false; end if;
  used := iam.totp_step(iam.open_totp_secret(vault.unwrap(ring, account, 'profile'), account, account, 'iam.totp_factors.secret', f.secret),
                        code, f.last_step);
  if used is null then return false; end if;
  update iam.totp_factors x set last_step = used where x.account_id = account;
  return true;
end $function$;
comment on function iam.verify_totp is 'Is this a code of now, not used before? Uses it up. Internal: iam.take_factor.';

create function iam.weigh_sign_in(ring text, s iam.sessions, caller jsonb) returns text
language plpgsql volatile as $function$
declare
  key bytea := vault.unwrap(ring, s.account_id, 'profile');
  o access.organisations;
  device uuid := iam.known_device(s.account_id, caller ->> 'device');
  place text := case when caller ->> 'place' ~ '^[A-Z]{2}/[^/]{0,80}/[-0-9.,]{0,24}$' then caller ->> 'place' end;
  entry iam.sign_ins;
  facts jsonb;
  link text := translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || E'\n', '-_');
begin
  select * into strict o from access.organisations x where x.id = s.organisation_id;
  entry.id := ops.uuid_v7();
  entry.at := clock_timestamp();
  entry.network := iam.network_of(key, caller ->> 'ip');
  select f.signals, f.facts into entry.signals, facts
  -- one that a whole practice shares is usual to each of them (0088)
  from iam.find_signals(key, s.account_id, device is not null, case when not ops.is_allowed_network(caller ->> 'ip') then entry.network end,
                        place, entry.at) f;
  entry.score := (select coalesce(sum(iam.signal_points(signal)), 0) from unnest(entry.signals) signal);
  entry.outcome := case when entry.score >= o.stop_from and not s.enrols then 'stopped' when entry.score >= o.notice_from then 'told' else 'let_in' end;
  if entry.outcome <> 'let_in' then entry.link_hash := iam.hash_token(link); end if;
  device := iam.remember_device(s.account_id, caller ->> 'device', entry.outcome <> 'stopped');
  facts := facts || jsonb_strip_nulls(jsonb_build_object('ip', caller ->> 'ip', 'user_agent', left(caller ->> 'user_agent', 300), 'place', place));
  insert into iam.sign_ins (id, account_id, organisation_id, session_id, device_id, at, network, placed, signals, score, outcome, facts, link_hash)
  values (entry.id, s.account_id, s.organisation_id, s.id, device, entry.at, entry.network, iam.coordinates(place) is not null, entry.signals, entry.score, entry.outcome,
          vault.seal(key, entry.id, s.account_id, 1, '', 'iam.sign_ins.facts', facts::text), entry.link_hash);
  update iam.sessions x set device_id = device where x.id = s.id;
  if entry.outcome = 'let_in' then return 'ok'; end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, s.origin_id), 'session.unusual', 'SignIn', entry.id, null,
    case when entry.outcome = 'stopped' then 'failure' else 'success' end,
    json_build_object('outcome', entry.outcome, 'score', entry.score, 'signals', entry.signals)::text);
  perform iam.tell_of_sign_in(ring, s, entry, facts, link);
  if entry.outcome = 'told' then return 'ok'; end if;
  update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'held' where x.id = s.id;
  return 'stopped';
end $function$;
comment on function iam.weigh_sign_in is 'Records a sign-in that has shown two factors, tells of an unusual one, and says whether it is let in: ok or stopped (its session is over). Internal: iam.accept_factor.';

create function iam.withdraw_message(message uuid) returns void
language plpgsql volatile as $function$
declare
  m ops.outbox;
begin
  select * into m from ops.outbox o where o.id = message and o.state = 'waiting' for update;
  if m.id is not null then perform ops.end_message(m, 'failed', 'withdrawn'); end if;
end $function$;
comment on function iam.withdraw_message is 'Not sent any more, unless it was. Internal.';

create function ops.account_key(ring text, account uuid) returns text
language plpgsql stable as $function$
begin
  return encode(substr(extensions.hmac(convert_to(account::text, 'UTF8'),
    vault.derive(vault.master(ring, vault.current_master(ring)), 'traffic'), 'sha256'), 1, 12), 'hex');
end $function$;
comment on function ops.account_key is 'A keyed hash of an account: what a try is counted under; NULL for none. Internal.';

create function ops.allow_network(network inet, reason text, lasting interval) returns uuid
language sql volatile as $function$
  select ops.list_network(network, 'allow', reason, lasting)
$function$;
comment on function ops.allow_network is 'A network that many share: tries aren''t counted for its address, and it isn''t unusual. reason: practice, partner or test. As vs_owner. Errors: VS422.';

create function ops.clear_outbox() returns void
language plpgsql volatile as $function$
begin
  perform ops.give_up_messages();
  -- the log has what became of them
  delete from ops.outbox o where o.id in (select x.id from ops.outbox x where x.ended_at < now() - interval '30 days' limit 10000);
end $function$;
comment on function ops.clear_outbox is 'Internal: ops.upkeep.';

create function ops.clear_to_serve(compared text DEFAULT 'nothing'::text) returns boolean
language plpgsql volatile as $function$
begin
  -- two that start at once: the second one finds it done
  lock table ops.service in share row exclusive mode;
  if ops.is_cleared() then return false; end if;
  insert into ops.service as s (started_at, file, writer, compared)
  values (pg_postmaster_start_time(), pg_relation_filepath('ops.service'::regclass), '0', clear_to_serve.compared)
  on conflict (id) do update set started_at = excluded.started_at, file = excluded.file, writer = excluded.writer,
                                 compared = excluded.compared, cleared_at = excluded.cleared_at;
  -- a second step: which transaction wrote the row shows when it is there, and within a savepoint it isn't the outer one
  update ops.service s set writer = s.xmin;
  perform audit.append(array_fill(null::text, array[8]), 'service.clear', 'service', null, null, 'success',
    json_build_object('compared', clear_to_serve.compared)::text);
  return true;
end $function$;
comment on function ops.clear_to_serve is 'Lets people in again; true if they were kept out. compared: with what is `outside`, an `empty` database, or `nothing`. As vs_owner.';

create function ops.count_tries(at timestamp with time zone, OUT tries integer, OUT failures integer, OUT unknown integer) returns record
language sql stable as $function$
  select count(*), count(*) filter (where not t.ok), count(*) filter (where not t.known)
  from ops.tries t where t.at > count_tries.at - interval '5 minutes' and t.at <= count_tries.at
$function$;
comment on function ops.count_tries is 'Of the five minutes until then. Internal.';

create function ops.delay(key text, free integer, first interval, longest interval, memory interval) returns integer
language plpgsql volatile as $function$
declare
  d ops.delays;
  now_at timestamptz := clock_timestamp();
  wait interval := interval '0';
begin
  delete from ops.delays x where x.key in (
    select y.key from ops.delays y where y.forgotten_at < now_at and y.key <> delay.key order by y.forgotten_at limit 2 for update skip locked);
  -- an update of nothing locks the row, and gives it
  insert into ops.delays as x (key, failures, not_before, forgotten_at, was_forgotten_at) values (delay.key, 0, '-infinity', now_at, now_at)
  on conflict on constraint delays_pkey do update set failures = x.failures returning x.* into d;
  if ops.seconds_until(d.not_before, longest) > 0 then return ops.seconds_until(d.not_before, longest); end if;
  if d.forgotten_at <= now_at then d.failures := 0; end if;
  d.failures := d.failures + 1;
  if d.failures >= free then
    wait := least(longest, first * (2.0 ^ least(30, d.failures - free)));
  end if;
  update ops.delays x set failures = d.failures, not_before = now_at + wait, forgotten_at = now_at + greatest(wait, memory),
    was_forgotten_at = d.forgotten_at where x.key = delay.key;
  return 0;
end $function$;
comment on function ops.delay is 'Counts a try as a failure: 0, or the seconds to wait, and then nothing is counted. The first `free` come at once; then the next one waits `first`, and twice as long each time, up to `longest`. Forgotten after `memory` without one. Internal.';

create function ops.delayed(key text, longest interval) returns integer
language sql volatile as $function$
  select coalesce((select ops.seconds_until(d.not_before, longest) from ops.delays d where d.key = delayed.key), 0)
$function$;
comment on function ops.delayed is 'What ops.delay would answer: counts nothing, waits for nobody. Internal.';

create function ops.delivers(channel text) returns boolean
language sql stable as $function$
  select exists (select from ops.deliveries d where d.channel = delivers.channel and d.seen_at > clock_timestamp() - interval '15 minutes')
$function$;
comment on function ops.delivers is 'Does anybody deliver messages of this kind? Internal.';

create function ops.deny_network(network inet, reason text, lasting interval) returns uuid
language sql volatile as $function$
  select ops.list_network(network, 'deny', reason, lasting)
$function$;
comment on function ops.deny_network is 'Refuses a network for a while: ''203.0.113.0/24'', or one address; in place of an entry that it has. reason: guessing, flood, scanning, incident or test. Gives the id that events name. As vs_owner. Errors: VS422.';

create function ops.end_message(m ops.outbox, outcome text, reason text) returns void
language plpgsql volatile as $function$
begin
  update ops.outbox o set state = outcome, ended_at = clock_timestamp(), vars = null, lease_until = null where o.id = m.id;
  perform audit.append(iam.gate_claims(m.account_id, null, null), 'message.send', 'Message', m.id, null,
    case outcome when 'sent' then 'success' when 'failed' then 'failure' else 'partial' end,
    json_build_object('template', m.template, 'channel', m.channel, 'attempts', m.attempts,
                      -- a word of ours or a number: what a mail server says may quote an address
                      'reason', case when reason ~ '^[A-Za-z0-9_ ]{1,40}$' then reason end)::text);
end $function$;
comment on function ops.end_message is 'Internal.';

create function ops.figures() returns TABLE(name text, help text, value double precision)
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
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
end $function$;
comment on function ops.figures is 'What monitoring watches. A definer, since vs_dba executes nothing of the vault; it gives numbers alone. NULL: not known yet.';

create function ops.find_unusual(network text, account text, at timestamp with time zone, whole boolean DEFAULT true) returns TABLE(signal text, subject text, figure integer, usual integer)
language plpgsql stable as $function$
#variable_conflict use_column
declare
  now_at timestamptz := find_unusual.at;
  found_tries record;
  usual_tries record;
begin
  -- somebody who has mistyped and come in since is no attack: forty people behind one address do that every morning
  select count(*) into figure from (
    select from ops.tries t where t.network = find_unusual.network and t.at > now_at - interval '1 hour' and t.at <= now_at
    group by t.account having not bool_or(t.ok) limit 1000) a;
  if figure >= ops.traffic_floor('many_accounts') then
    return query select 'many_accounts', find_unusual.network, figure, null::int;
  end if;
  select count(*) into figure from (
    select from ops.tries t where t.account = find_unusual.account and t.at > now_at - interval '1 hour' and t.at <= now_at
    group by t.network having not bool_or(t.ok) limit 1000) n;
  if figure >= ops.traffic_floor('many_networks') then
    return query select 'many_networks', find_unusual.account, figure, null::int;
  end if;
  if not whole then return; end if;
  select * into found_tries from ops.count_tries(now_at);
  -- what is usual is asked for only where it could matter
  if found_tries.tries < ops.traffic_floor('unknown_addresses') then return; end if;
  select * into usual_tries from ops.usual_traffic(now_at);
  return query select x.signal, '', x.figure, x.usual
  from (values ('many_tries', found_tries.tries, usual_tries.tries), ('many_failures', found_tries.failures, usual_tries.failures),
               ('unknown_addresses', found_tries.unknown, usual_tries.unknown)) x (signal, figure, usual)
  where x.figure >= ops.traffic_floor(x.signal) and x.figure > 3 * x.usual;
end $function$;
comment on function ops.find_unusual is 'What is unusual about a network, an account (keyed hashes), and the installation as a `whole`, at this moment. Internal.';

create function ops.forget(key text) returns void
language sql volatile as $function$
  delete from ops.delays d where d.key = forget.key
$function$;
comment on function ops.forget is 'All failures: whoever failed has shown who they are. Internal.';

create function ops.forget_networks() returns void
language plpgsql volatile as $function$
begin
  delete from ops.networks n where least(n.until, coalesce(n.lifted_at, n.until)) < clock_timestamp() - interval '30 days';
end $function$;
comment on function ops.forget_networks is 'Removes entries 30 days after their end. As vs_owner, by ops.upkeep.';

create function ops.forget_traffic() returns void
language plpgsql volatile as $function$
begin
  with gone as (
    -- and what a clock that was ahead has left
    delete from ops.tries t where t.at < clock_timestamp() - interval '1 hour' or t.at > clock_timestamp() + interval '1 hour' returning t.*)
  insert into ops.traffic as x (at, tries, failures, unknown)
  select date_bin('5 minutes', g.at, '2000-01-01Z'), count(*), count(*) filter (where not g.ok), count(*) filter (where not g.known)
  from gone g where g.at < clock_timestamp() group by 1
  on conflict on constraint traffic_pkey do update set
    tries = x.tries + excluded.tries, failures = x.failures + excluded.failures, unknown = x.unknown + excluded.unknown;
  delete from ops.traffic t where t.at < clock_timestamp() - interval '15 days' or t.at > clock_timestamp() + interval '1 hour';
  delete from ops.unusual u where u.at < clock_timestamp() - interval '30 days';
end $function$;
comment on function ops.forget_traffic is 'Sums up tries that are an hour old, and removes what is over. As vs_owner, by ops.upkeep.';

create function ops.forgive(key text) returns void
language sql volatile as $function$
  update ops.delays d set failures = greatest(0, d.failures - 1), not_before = '-infinity', forgotten_at = d.was_forgotten_at where d.key = forgive.key
$function$;
comment on function ops.forgive is 'The try that ops.delay has just counted, in the same transaction, was none. Internal.';

create function ops.fulfil(key uuid, operation text, result uuid) returns void
language plpgsql volatile as $function$
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
end $function$;
comment on function ops.fulfil is 'Uses an intent up. Internal: write functions call it first. Errors: VS208 (already done), VS428, VS470 (step-up).';

create function ops.give_back(key text) returns void
language sql volatile as $function$
  update ops.limits l set tokens = l.tokens + 1 where l.key = give_back.key
$function$;
comment on function ops.give_back is 'The token, to somebody who needed none. Internal.';

create function ops.give_up_messages() returns void
language plpgsql volatile as $function$
declare
  m ops.outbox;
begin
  for m in select * from ops.outbox o where o.state = 'sending' and o.lease_until < clock_timestamp()
           order by o.lease_until limit 100 for update skip locked loop
    perform ops.end_message(m, 'uncertain', 'sender lost');
  end loop;
  for m in select * from ops.outbox o where o.state = 'waiting' and o.next_at <= clock_timestamp() and o.expires_at <= clock_timestamp()
           order by o.next_at limit 100 for update skip locked loop
    perform ops.end_message(m, 'failed', 'too late');
  end loop;
end $function$;
comment on function ops.give_up_messages is 'Ends what was lost with its sender, and what is too late. Internal: the delivery and ops.upkeep.';

create function ops.hash_turn(known boolean DEFAULT false) returns boolean
language plpgsql volatile as $function$
begin
  for i in 1 .. (select h.at_once from ops.hashing h) + known::int loop
    if pg_try_advisory_xact_lock(hashtextextended('ops.hashing/' || i, 0)) then return true; end if;
  end loop;
  return false;
end $function$;
comment on function ops.hash_turn is 'A turn, to the end of the transaction, or false: then nothing is hashed, and the answer is `busy`. known: a browser that its account knows. Internal.';

create function ops.intend(key uuid, operation text, content text DEFAULT ''::text) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
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
end $function$;
comment on function ops.intend is 'Announces a change. content: what will be written, of which a keyed digest is kept. ok, done (it has happened already), conflict (the key stands for something else), step_up (show a factor again, then ask again) or signed_out.';

create function ops.is_allowed_network(ip text) returns boolean
language plpgsql stable as $function$
begin
  return coalesce((ops.network_of(ip)).list = 'allow', false);
end $function$;
comment on function ops.is_allowed_network is 'Is this a network that many share, says the owner? Internal.';

create function ops.is_cleared() returns boolean
language plpgsql volatile as $function$
begin
  return exists (
    select from ops.service s
    where s.started_at = pg_postmaster_start_time() and s.file = pg_relation_filepath(s.tableoid) and s.writer = s.xmin);
end $function$;
comment on function ops.is_cleared is 'Is this the database that was cleared, since it was? Asked by iam.admit and the sign-in functions.';

create function ops.is_in_force(n ops.networks) returns boolean
language sql stable as $function$
  -- one that was made by a clock that was years ahead doesn't stay for years
  select n.lifted_at is null and n.until > clock_timestamp() and n.until <= clock_timestamp() + interval '1 year'
$function$;
comment on function ops.is_in_force is 'Internal.';

create function ops.is_local(network inet) returns boolean
language sql immutable as $function$
  -- 0.0.0.0 stands for a socket without an address (edge/client.ts)
  select network && '127.0.0.0/8' or network && '0.0.0.0/8' or network && '::/127'
$function$;
comment on function ops.is_local is 'This machine. Internal.';

create function ops.is_sqlstate(code text) returns boolean
language sql immutable parallel safe as $function$
  select code ~ '^(VS[0-9]{3}|([0-9][0-9A-Z]|F0|HV|P0|XX)[0-9P][0-9][0-9A-Z])$'
$function$;
comment on function ops.is_sqlstate is 'The form of the codes of Postgres and ours. Internal.';

create function ops.is_wide(network inet) returns boolean
language sql immutable as $function$
  select masklen(network) < case family(network) when 6 then 19 else 8 end
$function$;
comment on function ops.is_wide is 'Wider than what one provider has. Internal.';

create function ops.lift_network(network inet) returns integer
language plpgsql volatile as $function$
#variable_conflict use_column
declare
  lifted int;
begin
  perform pg_advisory_xact_lock(hashtextextended('ops.networks', 0));
  update ops.networks n set lifted_at = clock_timestamp(), lifted_by = session_user
  where n.network = network(ops.plain_network(lift_network.network)) and ops.is_in_force(n);
  get diagnostics lifted = row_count;
  if lifted = 0 then
    raise exception using errcode = 'VS404', message = 'there is no entry for exactly this network: vitalsync networks lists them';
  end if;
  return lifted;
end $function$;
comment on function ops.lift_network is 'Ends the entries for exactly this network, now: how many. As vs_owner. Errors: VS404.';

create function ops.limit_route(ring text, route text, caller jsonb, subject uuid DEFAULT NULL::uuid) returns integer
language plpgsql volatile as $function$
declare
  burst double precision := case when route in ('register', 'recover', 'send_code') then 5 when route in ('accept', 'confirm') then 20 else 30 end;
  an_hour double precision := case when route in ('register', 'recover', 'send_code') then 10 when route in ('accept', 'confirm') then 60 else 360 end;
  place text := 'route/' || route || '/address/' || ops.network_key(ring, caller ->> 'ip');
  retry_after int;
  reached text := place;
begin
  perform ops.require_network(caller ->> 'ip');
  -- whoever doesn't wait, waits longer
  retry_after := ops.take(place, burst, an_hour / 3600, -burst);
  if retry_after = 0 and subject is not null then
    reached := 'route/' || route || '/account/' || subject;
    retry_after := ops.take(reached, burst, an_hour / 3600, -burst);
  end if;
  if retry_after > 0 then perform ops.record_limited(ring, iam.gate_claims(subject, null, null), route, reached, caller); end if;
  return retry_after;
end $function$;
comment on function ops.limit_route is 'Begins a gate function that may be asked too often: 0, or the seconds to wait (answer `wait`, retry_after). route: register, recover, send_code (5 at once, 10 an hour), accept, confirm (20, 60), any other word (30, 360); for each network, and for each account if `subject` is given. Internal. Errors: VS471.';

create function ops.list_network(network inet, list text, reason text, lasting interval) returns uuid
language plpgsql volatile as $function$
#variable_conflict use_column
declare
  plain cidr := network(ops.plain_network(list_network.network));
  -- an interval counts a month for 30 days or 31; the end says which
  ending timestamptz := clock_timestamp() + lasting;
  made uuid;
begin
  if plain is null then
    raise exception using errcode = 'VS422', message = 'which network? 203.0.113.0/24, or one address';
  end if;
  if ops.is_wide(plain) then
    raise exception using errcode = 'VS422', message = 'this would reach half the world: an IPv4 network is /8 or narrower, an IPv6 network /19';
  end if;
  if list_network.list = 'deny' and ops.is_local(plain) then
    raise exception using errcode = 'VS422', message = 'this machine can''t be denied: everybody comes by it when a proxy is in front';
  end if;
  if (ending > clock_timestamp() and ending <= clock_timestamp() + interval '1 year') is not true then
    raise exception using errcode = 'VS422', message = 'an entry has an end, within a year';
  end if;
  if (list_network.reason = any (case list_network.list when 'deny' then '{guessing,flood,scanning,incident,test}'::text[] else '{practice,partner,test}' end)) is not true then
    raise exception using errcode = 'VS422', message = case list_network.list
      when 'deny' then 'the reason is guessing, flood, scanning, incident or test' else 'the reason is practice, partner or test' end;
  end if;
  -- two at the same moment come one after the other
  perform pg_advisory_xact_lock(hashtextextended('ops.networks', 0));
  -- again: another reason, or another end
  update ops.networks n set lifted_at = clock_timestamp(), lifted_by = session_user
  where n.network = plain and n.list = list_network.list and n.lifted_at is null;
  insert into ops.networks (network, list, reason, until) values (plain, list_network.list, list_network.reason, ending)
  returning id into made;
  return made;
end $function$;
comment on function ops.list_network is 'Internal: ops.deny_network, ops.allow_network.';

create function ops.message_done(id uuid, attempt integer, outcome text, reason text) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  m ops.outbox;
  later timestamptz;
begin
  perform ops.require_clearance();
  perform set_config('lock_timeout', '5s', true);
  if (outcome in ('sent', 'retry', 'failed', 'uncertain')) is not true then
    raise exception using errcode = 'VS422', message = 'outcome is sent, retry, failed or uncertain';
  end if;
  select * into m from ops.outbox o where o.id = message_done.id and o.attempts = message_done.attempt
    -- somebody slow tells after their time that it was sent after all
    and (o.state = 'sending' or (o.state = 'uncertain' and message_done.outcome = 'sent')) for update;
  if not found then return 'over'; end if;
  -- 15 s, 1 min, 4 min, 16 min, then every hour
  later := clock_timestamp() + least(interval '1 hour', interval '15 seconds' * 4 ^ least(m.attempts - 1, 6));
  if outcome <> 'retry' then
    perform ops.end_message(m, outcome, reason);
  elsif later >= m.expires_at then
    perform ops.end_message(m, 'failed', reason);
  else
    update ops.outbox o set state = 'waiting', next_at = later, lease_until = null where o.id = m.id;
  end if;
  return 'ok';
end $function$;
comment on function ops.message_done is 'What became of a message that ops.take_messages gave. outcome: sent, retry (it certainly wasn''t sent, and may be later), failed (nobody will take it) or uncertain; reason: a word or a number for the log. ok, or over: nobody waits for this any more. Errors: VS422, VS503.';

create function ops.message_life(template text) returns interval
language sql immutable as $function$
  select case when template in ('email_code', 'sms_code', 'phone_code') then interval '10 minutes'
              when template in ('invitation', 'sign_in_stopped') then interval '72 hours'
              when template = 'email_confirmation' then interval '24 hours'
              when template in ('recovery_link', 'address_link') then interval '1 hour'
              else interval '48 hours' end
$function$;
comment on function ops.message_life is 'How long a message may wait for its delivery. Internal.';

create function ops.message_vars(key bytea, m ops.outbox) returns jsonb
language plpgsql stable as $function$
begin
  return convert_from(vault.unpack(key, convert_to('ops.outbox.vars', 'UTF8') || '\x00'::bytea
    || uuid_send(m.id) || uuid_send(m.account_id) || int8send(1), m.vars), 'UTF8')::jsonb;
end $function$;
comment on function ops.message_vars is 'key: of the profile. Internal.';

create function ops.network_key(ring text, ip text) returns text
language plpgsql stable as $function$
declare
  address inet := ops.plain_address(ip);
  network text;
begin
  network := case when ip is null then ''
                  when family(address) = 6 then text(network(set_masklen(address, 64)))
                  else host(address) end;
  return encode(substr(extensions.hmac(convert_to(network, 'UTF8'),
    vault.derive(vault.master(ring, vault.current_master(ring)), 'origin'), 'sha256'), 1, 12), 'hex');
end $function$;
comment on function ops.network_key is 'A keyed hash of an address, IPv6 by its /64: what a bucket is called by. Internal.';

create function ops.network_of(ip text) returns ops.networks
language plpgsql stable as $function$
declare
  address inet;
  decides ops.networks;
begin
  -- most installations have no list
  if ip is null or not exists (select from ops.networks n where n.lifted_at is null) then return null; end if;
  address := ops.plain_address(ip);
  select n.* into decides from ops.networks n
  where n.network >>= address and n.lifted_at is null and n.until > clock_timestamp() and n.until <= clock_timestamp() + interval '1 year'
  order by masklen(n.network) desc, n.list = 'deny' desc limit 1;
  return decides;
end $function$;
comment on function ops.network_of is 'The entry that decides about an address; NULL for none. Internal.';

create function ops.note_try(ring text, account uuid, ok boolean, caller jsonb) returns void
language plpgsql volatile as $function$
declare
  network text := case when caller ->> 'ip' is not null then ops.network_key(ring, caller ->> 'ip') end;
  key text := ops.account_key(ring, account);
  known boolean := exists (select from iam.accounts a where a.id = account);
  -- it is the same for everybody: one at a time looks at it, once in ten seconds
  whole boolean := pg_try_advisory_xact_lock(hashtextextended('ops.unusual', 0))
    and ops.peek('unusual', 1, 0.1) = 0 and ops.take('unusual', 1, 0.1) = 0;
  found_one record;
begin
  insert into ops.tries (at, network, account, known, ok) values (clock_timestamp(), network, key, known, note_try.ok);
  for found_one in select f.* from ops.find_unusual(network, key, clock_timestamp(), whole) f loop
    perform ops.record_unusual(found_one.signal, found_one.subject, found_one.figure, found_one.usual, account);
  end loop;
end $function$;
comment on function ops.note_try is 'Counts a try to sign in, and tells of what is unusual. Last in its function: after it nothing is locked. Internal.';

create function ops.outbox_figures() returns TABLE(name text, help text, value double precision)
language sql stable as $function$
  select 'messages_waiting', 'E-mails and SMS that wait for their delivery.',
    (select count(*)::float8 from ops.outbox o where o.state in ('waiting', 'sending'))
  union all
  select 'message_wait_seconds', 'How long the oldest message has been waiting for its delivery.',
    -- one that was posted for later waits from then on
    (select greatest(0, coalesce(extract(epoch from clock_timestamp() - min(case when o.attempts = 0 then o.next_at else o.created_at end)), 0))::float8
     from ops.outbox o where o.state in ('waiting', 'sending'))
  union all
  select 'messages_failed', 'Messages of the last day that nobody took.',
    (select count(*)::float8 from ops.outbox o where o.state = 'failed' and o.ended_at > clock_timestamp() - interval '1 day')
  union all
  select 'messages_uncertain', 'Messages of the last day of which nobody knows whether they were sent.',
    (select count(*)::float8 from ops.outbox o where o.state = 'uncertain' and o.ended_at > clock_timestamp() - interval '1 day')
$function$;
comment on function ops.outbox_figures is 'Internal: ops.figures.';

create function ops.peek(key text, capacity double precision, per_second double precision) returns integer
language plpgsql stable as $function$
declare
  l ops.limits;
  left_over double precision;
begin
  select * into l from ops.limits x where x.key = peek.key;
  -- none, or one of a clock that was ahead, which ops.take corrects
  if l.key is null or l.at > clock_timestamp() + interval '5 seconds' then return 0; end if;
  left_over := least(capacity, l.tokens + per_second * greatest(0, extract(epoch from clock_timestamp() - l.at)::float8)) - 1;
  return case when left_over >= 0 then 0 else ceil(-left_over / per_second)::int end;
end $function$;
comment on function ops.peek is 'What ops.take would answer: takes nothing, waits for nobody. Internal.';

create function ops.pin_messages(ring text, account uuid, address text) returns void
language plpgsql volatile as $function$
declare
  key bytea := vault.unwrap(ring, account, 'profile');
  m ops.outbox;
begin
  for m in select * from ops.outbox o where o.account_id = account and o.channel = 'email' and o.state = 'waiting' order by o.id for update loop
    update ops.outbox o set vars = vault.seal(key, m.id, account, 1, '', 'ops.outbox.vars',
      (jsonb_build_object('to', address) || ops.message_vars(key, m))::text) where o.id = m.id;
  end loop;
end $function$;
comment on function ops.pin_messages is 'What waits to be sent goes to this address, whatever the account''s is by then. Internal: a change of address.';

create function ops.plain_address(ip text) returns inet
language plpgsql immutable as $function$
begin
  return ops.plain_network(host(ip::inet)::inet);
exception when invalid_text_representation then
  raise exception using errcode = 'VS422', message = 'the address of the request is no IP address';
end $function$;
comment on function ops.plain_address is 'The address of a request; NULL if nobody knows it. Internal. Errors: VS422.';

create function ops.plain_network(network inet) returns inet
language sql immutable as $function$
  select case when network <<= '::ffff:0.0.0.0/96'
              then set_masklen(inet '0.0.0.0' + (set_masklen(network, 128) - inet '::ffff:0.0.0.0'), masklen(network) - 96)
              else network end
$function$;
comment on function ops.plain_network is 'An IPv4 address or network that is written as IPv6 (RFC 4291 §2.5.5.2), as IPv4. Internal.';

create function ops.post(ring text, account uuid, channel text, template text, vars jsonb DEFAULT '{}'::jsonb) returns uuid
language plpgsql volatile as $function$
declare
  id uuid := ops.uuid_v7();
begin
  if (coalesce(vars ->> 'path', '/') ~ '^/([A-Za-z0-9_?=&.-][A-Za-z0-9/_?=&.-]*)?$' and jsonb_typeof(vars) = 'object'
      and (not vars ? 'to' or iam.is_address(vars ->> 'to'))) is not true then
    raise exception using errcode = 'VS422', message = 'a message leads to a path of this installation';
  end if;
  insert into ops.outbox (id, account_id, channel, template, expires_at, vars)
  values (id, account, post.channel, post.template, clock_timestamp() + ops.message_life(post.template),
          vault.seal(vault.unwrap(ring, account, 'profile'), id, account, 1, '', 'ops.outbox.vars', vars::text));
  return id;
end $function$;
comment on function ops.post is 'Puts a message into the outbox. template: which words (app/mail); vars: what goes into them, {"path"} for a link, {"to"} where it goes to another address than the account''s (0345). Internal. Errors: VS404, VS422.';

create function ops.record_denied(network uuid, claims text[] DEFAULT array_fill(NULL::text, ARRAY[8])) returns text
language plpgsql volatile as $function$
begin
  if ops.peek('denied/' || network, 1, 1.0 / 60) > 0 or ops.take('denied/' || network, 1, 1.0 / 60) > 0 then return 'limited'; end if;
  perform audit.append(claims, 'network.refused', 'Network', network, null, 'failure');
  return 'ok';
end $function$;
comment on function ops.record_denied is 'That somebody came from a denied network: once a minute for each entry. Internal.';

create function ops.record_limited(ring text, claims text[], step text, reached text, caller jsonb) returns void
language plpgsql volatile as $function$
begin
  -- looked at first: those of a flood don't wait for each other
  if ops.peek('limited/' || reached, 1, 1.0 / 60) > 0 or ops.take('limited/' || reached, 1, 1.0 / 60) > 0 then return; end if;
  claims[8] := iam.caller_origin(ring, claims[3]::uuid, claims[1]::uuid, caller)::text;
  perform audit.append(claims, 'session.limited', 'session', claims[1]::uuid, null, 'failure', json_build_object('step', step)::text);
end $function$;
comment on function ops.record_limited is 'That a limit was reached: once a minute for each. Internal.';

create function ops.record_refusals(ring text, token text, caller jsonb, request uuid, counts jsonb) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  s iam.sessions;
  claims text[];
  place uuid;
  own text;
  everybody text;
  kinds text[];
  taken boolean[] := array[]::boolean[];
  told bigint;
  counted bigint;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  s := ops.session_of_refusal(token);
  place := coalesce(s.organisation_id, '00000000-0000-0000-0000-000000000000');
  own := case when s.id is null then 'refusals/address/' || ops.network_key(ring, caller ->> 'ip') else 'refusals/session/' || s.id end;
  everybody := case when s.id is null then 'refusals/addresses' else 'refusals/sessions' end;
  kinds := array(select x.key from jsonb_object_keys(counts) as x(key) order by x.key);
  -- all buckets before all counters, or two edges could wait for each other
  for i in 1 .. cardinality(kinds) loop
    taken := taken || (ops.peek(own, 10, 1.0 / 60) = 0 and ops.peek(everybody, 100, 0.1) = 0
                       and ops.take(own, 10, 1.0 / 60) = 0 and ops.take(everybody, 100, 0.1) = 0);
  end loop;
  for i in 1 .. cardinality(kinds) loop
    told := least((counts ->> kinds[i])::bigint, 1000000000::bigint);
    -- its list of kinds is the closed one; the event's is longer
    insert into ops.unrecorded as u (organisation_id, kind, times) values (place, kinds[i], told)
    on conflict on constraint unrecorded_pkey do update set times = u.times + excluded.times returning u.times into counted;
    if taken[i] then
      delete from ops.unrecorded u where u.organisation_id = place and u.kind = kinds[i];
      claims := array[s.id::text, s.account_id::text, s.organisation_id::text, coalesce(s.role, 'unknown'), null, null, null,
                      iam.caller_origin(ring, s.organisation_id, s.id, caller)::text];
      perform audit.append(claims, kinds[i], 'request', request, null, 'failure',
        json_strip_nulls(json_build_object('times', told, 'more', nullif(counted - told, 0)))::text);
    end if;
  end loop;
  return 'ok';
end $function$;
comment on function ops.record_refusals is 'Records requests that an edge has refused since it told last. token: of the session cookie that came along, if any. caller: {ip, user_agent}, or NULL for several places. request: the reference that the answer bore. counts: {kind: how often}. Errors: VS503, 23514 for another kind or none.';

create function ops.record_unknown(ring text, step text, ip text, user_agent text) returns void
language plpgsql volatile as $function$
declare
  place text := 'unknown/' || ops.network_key(ring, ip);
begin
  if ops.peek(place, 10, 1.0 / 60) > 0 or ops.peek('unknown', 100, 0.1) > 0 then return; end if;
  if ops.take(place, 10, 1.0 / 60) > 0 or ops.take('unknown', 100, 0.1) > 0 then return; end if;
  perform audit.append(array[null, null, null, 'unknown', null, null, null, audit.origin(ring, null, null, ip, user_agent)::text],
    'page.refused', 'session', null, null, 'failure', json_build_object('answer', 'unknown', 'step', step)::text);
end $function$;
comment on function ops.record_unknown is 'Records that a token of nobody was tried: ten at once and one a minute for each network, a hundred at once and six a minute in all. Internal.';

create function ops.record_unusual(signal text, subject text, figure integer, usual integer, account uuid) returns void
language plpgsql volatile as $function$
declare
  place text := 'unusual/' || signal || '/' || subject;
  claims text[] := case when signal = 'many_networks' then iam.gate_claims(account, null, null) else array_fill(null::text, array[8]) end;
  id uuid := ops.uuid_v7();
begin
  -- nobody waits for another's: the next try finds the same
  if not pg_try_advisory_xact_lock(hashtextextended('ops.unusual/record', 0)) then return; end if;
  if ops.peek(place, 1, 1.0 / 3600) > 0 or ops.peek('unusual/' || signal, 20, 20.0 / 3600) > 0 then return; end if;
  if ops.take(place, 1, 1.0 / 3600) > 0 or ops.take('unusual/' || signal, 20, 20.0 / 3600) > 0 then return; end if;
  insert into ops.unusual (id, signal, subject, figure, usual, floor, organisation_id)
  values (id, signal, subject, figure, usual, ops.traffic_floor(signal), claims[3]::uuid);
  perform audit.append(claims, 'traffic.unusual', 'Traffic', id, null, 'failure',
    json_strip_nulls(json_build_object('signal', signal, 'figure', figure, 'usual', usual, 'floor', ops.traffic_floor(signal)))::text);
end $function$;
comment on function ops.record_unusual is 'Once an hour for each network, account, and the installation; 20 an hour of a kind. Where one account is tried, in the log of its practice. Internal.';

create function ops.require_clearance() returns void
language plpgsql volatile as $function$
begin
  if not ops.is_cleared() then
    raise exception using errcode = 'VS503',
      message = 'the database was restarted, copied or restored, and waits to be compared with the record outside: vitalsync start, migrate or audit seal does it';
  end if;
end $function$;
comment on function ops.require_clearance is 'Internal. Errors: VS503.';

create function ops.require_network(ip text) returns void
language plpgsql stable as $function$
declare
  decides ops.networks := ops.network_of(ip);
begin
  if decides.list = 'deny' then
    raise exception using errcode = 'VS471', message = 'the network that this request comes from is refused for a while', detail = decides.id;
  end if;
end $function$;
comment on function ops.require_network is 'Internal: first in every function of the gate that takes a caller. Errors: VS471, whose detail is the id for ops.record_denied.';

create function ops.seconds_until(not_before timestamp with time zone, longest interval) returns integer
language sql volatile as $function$
  -- one that is further away than any delay comes from a clock that was ahead
  select case when not_before > clock_timestamp() and not_before <= clock_timestamp() + longest
              then ceil(extract(epoch from not_before - clock_timestamp()))::int else 0 end
$function$;
comment on function ops.seconds_until is 'Internal.';

create function ops.session_of_refusal(token text) returns iam.sessions
language plpgsql stable as $function$
declare
  s iam.sessions;
  hash bytea := iam.hash_token(token);
begin
  select * into s from iam.sessions x
  where x.id = coalesce((select y.id from iam.sessions y where y.token_hash = hash),
                        -- renewed by another request of the same browser, a moment ago
                        (select o.session from iam.find_by_old_token(hash) o where not o.late))
    and x.revoked_at is null and x.expires_at > clock_timestamp() and x.last_seen_at > clock_timestamp() - interval '30 minutes'
    and (x.membership_id is null or x.enrols or access.membership_is_live(x.membership_id));
  return s;
end $function$;
comment on function ops.session_of_refusal is 'The live session of a token, with one factor or two, or NULLs. Changes nothing. Internal.';

create function ops.take(key text, capacity double precision, per_second double precision, lowest double precision DEFAULT '-1'::integer) returns integer
language plpgsql volatile as $function$
declare
  left_over double precision;
  is_new boolean;
  now_at timestamptz := clock_timestamp();
begin
  insert into ops.limits as l (key, tokens, at, full_at) values (take.key, capacity - 1, now_at, now_at + make_interval(secs => 1 / per_second))
  on conflict on constraint limits_pkey do update set
    tokens = greatest(lowest, least(capacity, l.tokens + per_second * greatest(0, extract(epoch from now_at - l.at)::float8)) - 1),
    at = now_at, full_at = now_at + make_interval(secs => (capacity - lowest) / per_second)
  returning tokens, xmax = 0 into left_over, is_new;
  -- each new one takes two away that are over: the table doesn't outgrow what is going on
  if is_new then
    delete from ops.limits l where l.key in (
      select x.key from ops.limits x where x.full_at < now_at order by x.full_at limit 2 for update skip locked);
  end if;
  if left_over >= 0 then return 0; end if;
  return ceil(-left_over / per_second)::int;
end $function$;
comment on function ops.take is 'Takes a token from a bucket: 0, or the seconds to wait. lowest: how far below zero those go on who don''t wait. Internal.';

create function ops.take_messages(ring text, channels text[], most integer) returns TABLE(id uuid, attempt integer, channel text, template text, lang text, address text, organisation text, written_at timestamp with time zone, vars jsonb)
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
#variable_conflict use_column
declare
  m ops.outbox;
  a iam.accounts;
  key bytea;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  -- once a minute, so that it costs nothing to ask often, and nobody waits for somebody who asks at the same time
  insert into ops.deliveries as d (channel)
  select c from unnest(channels) c
  where c in ('email', 'sms') and not exists (select from ops.deliveries x where x.channel = c and x.seen_at > clock_timestamp() - interval '1 minute')
  on conflict on constraint deliveries_pkey do update set seen_at = clock_timestamp();
  perform ops.give_up_messages();
  perform ops.tell_of_traffic(ring);
  for m in select o.* from ops.outbox o
           where o.state = 'waiting' and o.next_at <= clock_timestamp() and o.channel = any (channels)
           order by o.next_at limit least(most, 20) for update skip locked loop
    begin
      select x.* into a from iam.accounts x where x.id = m.account_id;
      key := vault.unwrap(ring, m.account_id, 'profile');
      take_messages.vars := ops.message_vars(key, m);
      take_messages.address := case when take_messages.vars ? 'to' then take_messages.vars ->> 'to'
                                    when m.channel = 'email' then convert_from(vault.unpack(key, iam.profile_aad(a.id, 'email'), a.email), 'UTF8')
                                    else iam.phone_number(key, a.id, m.template = 'phone_code') end;
    exception when others then
      -- a key that is gone, or that this edge doesn't have yet: perhaps later, and else it becomes too late
      update ops.outbox o set next_at = clock_timestamp() + interval '5 minutes' where o.id = m.id;
      continue;
    end;
    take_messages.vars := take_messages.vars - 'to';
    if take_messages.address is null then
      perform ops.end_message(m, 'failed', 'no address');
      continue;
    end if;
    update ops.outbox o set state = 'sending', attempts = o.attempts + 1, lease_until = clock_timestamp() + interval '2 minutes' where o.id = m.id;
    take_messages.id := m.id;
    take_messages.attempt := m.attempts + 1;
    take_messages.channel := m.channel;
    take_messages.template := m.template;
    take_messages.lang := a.lang;
    take_messages.organisation := (select x.name from access.memberships s join access.organisations x on x.id = s.organisation_id
                                   where s.account_id = a.id order by s.valid_from, s.id limit 1);
    take_messages.written_at := m.created_at;
    return next;
  end loop;
end $function$;
comment on function ops.take_messages is 'Messages to send now, `most` of them: each is given once, and ops.message_done tells within two minutes what became of it. channels: what the caller delivers. Errors: VS503.';

create function ops.tell_of_traffic(ring text) returns void
language plpgsql volatile as $function$
declare
  place uuid;
  administrator uuid;
begin
  for place in
    update ops.unusual u set told_at = clock_timestamp()
    where u.id in (select x.id from ops.unusual x where x.organisation_id is not null and x.told_at is null limit 100 for update skip locked)
    returning u.organisation_id
  loop
    if ops.take('told/traffic/' || place, 1, 1.0 / 86400) > 0 then continue; end if;
    for administrator in
      select m.account_id from access.memberships m
      where m.organisation_id = place and m.role = 'org_admin' and access.membership_is_live(m.id) order by m.id limit 20
    loop
      perform ops.post(ring, administrator, 'email', 'unusual_traffic', '{"path": "/admin/sign-ins"}');
    end loop;
  end loop;
end $function$;
comment on function ops.tell_of_traffic is 'Posts to the administrators of a practice, once a day, that an account of theirs is tried from many networks. Internal: ops.take_messages.';

create function ops.tg_networks__record() returns trigger
language plpgsql volatile as $function$
declare
  n ops.networks := coalesce(new, old);
begin
  if tg_op = 'UPDATE' and (to_jsonb(new) - '{lifted_at,lifted_by}'::text[] <> to_jsonb(old) - '{lifted_at,lifted_by}'::text[]
                           or old.lifted_at is not null) then
    raise exception using errcode = 'VS422', message = 'an entry is lifted, and another one made: ops.lift_network, ops.deny_network, ops.allow_network';
  end if;
  -- one that is over changes nothing by going
  if tg_op = 'DELETE' and not ops.is_in_force(old) then return null; end if;
  perform audit.append(array_fill(null::text, array[8]), case when tg_op = 'INSERT' then 'network.' || n.list else 'network.lift' end,
    'Network', n.id, null, 'success', json_build_object('list', n.list, 'family', family(n.network), 'length', masklen(n.network),
      'reason', n.reason, 'until', to_char(n.until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))::text);
  return null;
end $function$;
comment on function ops.tg_networks__record is 'network.deny, network.allow, network.lift: without the network itself (see above).';

create function ops.traffic_figures() returns TABLE(name text, help text, value double precision)
language sql stable as $function$
  select 'sign_in_tries', 'Tries to sign in of the last five minutes that were looked at.', c.tries::float8 from ops.count_tries(clock_timestamp()) c
  union all
  select 'sign_in_failures', 'Those of them that failed.', c.failures::float8 from ops.count_tries(clock_timestamp()) c
  union all
  select 'sign_in_unknown_addresses', 'Those of them for addresses that have no account.', c.unknown::float8 from ops.count_tries(clock_timestamp()) c
  union all
  select 'sign_in_unusual', 'What was unusual about tries to sign in within the last hour: see ops.unusual.',
    (select count(*)::float8 from ops.unusual u where u.at > clock_timestamp() - interval '1 hour')
  union all
  select 'networks_denied', 'Networks that are denied now.',
    (select count(*)::float8 from ops.networks_in_force n where n.list = 'deny')
$function$;
comment on function ops.traffic_figures is 'Internal: ops.figures.';

create function ops.traffic_floor(signal text) returns integer
language sql immutable as $function$
  select case signal when 'many_tries' then 100 when 'many_failures' then 30 when 'unknown_addresses' then 20
                     when 'many_accounts' then 10 when 'many_networks' then 6 end
$function$;
comment on function ops.traffic_floor is 'From where on it counts at all. In five minutes: tries, failures, tries for addresses that have no account. In an hour: accounts that one network fails to open, networks that fail to open one account.';

create function ops.upkeep() returns void
language plpgsql volatile as $function$
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
end $function$;
comment on function ops.upkeep is 'Partitions of the coming months, and clearing out what is over. As vs_owner, at every start and once an hour.';

create function ops.usual_traffic(at timestamp with time zone, OUT tries integer, OUT failures integer, OUT unknown integer) returns record
language sql stable as $function$
  select percentile_disc(0.5) within group (order by d.tries), percentile_disc(0.5) within group (order by d.failures),
         percentile_disc(0.5) within group (order by d.unknown)
  from (
    -- a day without anybody counts as one
    select coalesce(max(t.tries), 0) as tries, coalesce(max(t.failures), 0) as failures, coalesce(max(t.unknown), 0) as unknown
    from generate_series(1, 14) as day
    left join ops.traffic t on t.at >= date_bin('1 hour', usual_traffic.at, '2000-01-01Z') - day * interval '24 hours'
                           and t.at < date_bin('1 hour', usual_traffic.at, '2000-01-01Z') - day * interval '24 hours' + interval '1 hour'
    group by day) d
$function$;
comment on function ops.usual_traffic is 'The median, over 14 days, of the busiest five minutes of this hour. Internal.';

create function ops.uuid_v7() returns uuid
language plpgsql volatile parallel safe as $function$
begin
  return encode(
    set_byte(
      overlay(uuid_send(gen_random_uuid()) placing
        substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
      6, (get_byte(uuid_send(gen_random_uuid()), 6) & 15) | 112),
    'hex')::uuid;
end $function$;
comment on function ops.uuid_v7 is 'A UUID that sorts by time (RFC 9562 §5.7).';

create function ops.uuid_v7_time(id uuid) returns timestamp with time zone
language sql immutable as $function$
  select case when substr(id::text, 15, 1) = '7'
    then to_timestamp(('x' || substr(encode(uuid_send(id), 'hex'), 1, 12))::bit(48)::bigint / 1000.0) end
$function$;
comment on function ops.uuid_v7_time is 'When a UUID of this kind was made, to the millisecond; NULL for another kind. Internal.';

create function ops.wait_for_hash_turn() returns void
language plpgsql volatile as $function$
begin
  if not ops.hash_turn() then
    perform pg_advisory_xact_lock(hashtextextended('ops.hashing/' || 1 + floor(random() * (select h.at_once from ops.hashing h))::int, 0));
  end if;
end $function$;
comment on function ops.wait_for_hash_turn is 'The same for a password that is set: waits, as long as lock_timeout says. Internal. Errors: 55P03.';

create function privacy.address_of(ring text, organisation uuid, origin uuid) returns text
language plpgsql stable as $function$
declare
  o audit.origins;
begin
  select * into o from audit.origins x where x.id = origin and x.organisation_id = organisation;
  if o.ip is null then return null; end if;
  return convert_from(vault.unpack(vault.unwrap(ring, organisation, 'organisation'), 'audit.origins.ip'::bytea || '\x00'::bytea
    || uuid_send(o.id) || uuid_send(organisation) || int8send(1), o.ip), 'UTF8');
end $function$;
comment on function privacy.address_of is 'Internal. Errors: VS404, VS500, VS503.';

create function privacy.agrees(choices jsonb) returns boolean
language plpgsql stable as $function$
begin
  -- every needed one, and no text but one of now: whoever was shown older words is asked again
  return jsonb_typeof(choices) = 'object'
    and not exists (select from jsonb_each_text(choices) k left join privacy.consent_texts t on t.type = k.key and encode(t.hash, 'hex') = k.value
                    where t.hash is null or t.version <> privacy.current_version(k.key))
    and not exists (select from unnest(array['data_processing', 'telemedicine_usage', 'medical_record_storage']) n where not choices ? n);
end $function$;
comment on function privacy.agrees is 'Do these choices let somebody register? choices: {type: hash of the text that was shown, hex}, what was agreed to alone. Internal.';

create function privacy.certificate(erasure uuid) returns jsonb
language sql volatile as $function$
  select jsonb_build_object(
    'erasure', e.id, 'patient', e.patient_id, 'organisation', e.organisation_id, 'organisation_name', o.name, 'request', e.request_id,
    'requested_by', r.requested_by, 'ground', e.ground, 'erased_at', to_json(e.erased_at), 'destroyed', e.destroyed,
    'event', jsonb_build_object('id', e.event_id, 'leaf_hash', encode(e.leaf_hash, 'hex')),
    'masters', e.masters,
    -- when none of them is in use any more: destroying them completes the erasure before backups end
    'masters_retired_at', (select to_json(max(m.retired_at)) from vault.masters m where m.id = any (e.masters) having bool_and(not m.active)),
    'complete_from', to_json(e.complete_from), 'replayed_at', to_json(e.replayed_at))
  from privacy.erasures e
  left join access.organisations o on o.id = e.organisation_id
  left join privacy.erasure_requests r on r.id = e.request_id
  where e.id = erasure
$function$;
comment on function privacy.certificate is 'What `vitalsync erase` prints: see docs/formats.md. As vs_owner.';

create function privacy.consent_address(consent uuid) returns text
language plpgsql stable security definer set debug_print_plan=off set search_path="" as $function$
declare
  organisation uuid := access.organisation_as('dpo');
  x privacy.consents;
begin
  select * into x from privacy.consents p where p.id = consent and p.organisation_id = organisation;
  if x.ip is null or not exists (select from vault.keys k where k.subject_id = x.account_id and k.level = 'profile') then return null; end if;
  return convert_from(vault.unpack(vault.unwrap(vault.ring(), x.account_id, 'profile'),
    'privacy.consents.ip'::bytea || '\x00'::bytea || uuid_send(x.id) || uuid_send(x.account_id) || int8send(1) || privacy.consent_context(x), x.ip), 'UTF8');
end $function$;
comment on function privacy.consent_address is 'For the DPO: where a consent came from. It opens only if no column of the row has been changed; NULL after an erasure.';

create function privacy.consent_context(c privacy.consents) returns bytea
language plpgsql immutable as $function$
begin
  return uuid_send(c.organisation_id) || uuid_send(c.patient_id) || convert_to(c.type, 'UTF8') || boolsend(c.given) || c.text_hash
    || uuid_send(c.session_id) || timestamptz_send(c.at);
end $function$;
comment on function privacy.consent_context is 'Internal.';

create function privacy.consent_digest(c privacy.consents) returns text
language sql stable as $function$
  select encode(sha256(convert_to(to_jsonb(c)::text, 'UTF8')), 'hex')
$function$;
comment on function privacy.consent_digest is 'What the log holds of this row, in the details of its row.insert. Internal.';

create function privacy.current_version(type text) returns text
language sql stable as $function$
  select t.version from privacy.consent_texts t where t.type = current_version.type order by t.published_at desc, t.version desc limit 1
$function$;
comment on function privacy.current_version is 'Internal.';

create function privacy.destroy(patient uuid) returns jsonb
language plpgsql volatile as $function$
declare
  -- of whom nothing else here is: somebody who works here too keeps their account
  own_accounts uuid[] := array(
    select m.account_id from access.memberships m where m.patient_id = patient
      and not exists (select from access.memberships o where o.account_id = m.account_id and o.patient_id is distinct from patient));
  sessions uuid[] := array(
    select s.id from iam.sessions s join access.memberships m on m.id = s.membership_id where m.patient_id = patient);
  now_at timestamptz := clock_timestamp();
  n bigint;
  m bigint;
  counts jsonb := '{}'::jsonb;
begin
  perform iam.lock_account(x) from unnest(own_accounts) x order by x;
  -- ways in first, while everything still knows its organisation
  update access.care_team_patients p set valid_until = greatest(p.valid_from, now_at) where p.patient_id = patient and p.valid_until > now_at;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('care_teams', n);
  update store.referrals r set valid_until = greatest(r.valid_from, now_at) where r.patient_id = patient and r.valid_until > now_at;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('referrals', n);
  update access.broken_glass b set ends_at = greatest(b.broken_at, now_at) where b.patient_id = patient and b.ends_at > now_at;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('emergencies', n);
  -- an emergency search that found them has found nobody
  update access.emergency_searches s set patient_id = null, matches = 0 where s.patient_id = patient;
  update iam.sessions s set revoked_at = now_at where s.id = any (sessions) and s.revoked_at is null;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('sessions', n);
  update access.memberships m set valid_until = now_at where m.patient_id = patient and m.valid_until > now_at;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('memberships', n);
  delete from iam.totp_factors f where f.account_id = any (own_accounts);
  get diagnostics n = row_count;
  delete from iam.passkeys f where f.account_id = any (own_accounts);
  get diagnostics m = row_count;
  delete from iam.phones f where f.account_id = any (own_accounts);
  delete from iam.recovery_codes f where f.account_id = any (own_accounts);
  counts := counts || jsonb_build_object('factors', n + m);
  -- what hangs on sign-ins, whoever's session it is: an account that stays keeps its own
  delete from iam.totp_enrolments x where x.session_id in (select s.id from iam.sessions s where s.account_id = any (own_accounts));
  delete from iam.challenges x where x.session_id in (select s.id from iam.sessions s where s.account_id = any (own_accounts));
  delete from iam.sent_codes x where x.account_id = any (own_accounts);
  delete from iam.address_changes x where x.account_id = any (own_accounts);
  delete from iam.sign_ins x where x.account_id = any (own_accounts);
  update iam.sessions s set device_id = null where s.account_id = any (own_accounts) and s.device_id is not null;
  delete from iam.devices x where x.account_id = any (own_accounts);
  delete from iam.invitations x where x.account_id = any (own_accounts);
  delete from iam.registration_links x where x.account_id = any (own_accounts);
  delete from iam.registrations x where x.account_id = any (own_accounts);
  delete from iam.recoveries x where x.account_id = any (own_accounts);
  delete from iam.former_names x where x.account_id = any (own_accounts);
  delete from ops.outbox x where x.account_id = any (own_accounts);
  -- the index of an address could be tried with the master key: random bytes instead
  update iam.accounts a set status = 'suspended', email_index = extensions.gen_random_bytes(16), password_hash = null, pepper_id = null,
    last_sign_in_at = null, email_confirmed_at = null, password_changed_at = null
  where a.id = any (own_accounts);
  get diagnostics n = row_count; counts := counts || jsonb_build_object('accounts', n);
  -- keys before tokens: a rotation that renews the tokens at this moment holds the key's row. Reasons of emergencies have
  -- keys of their own, which go with these (0114).
  delete from vault.keys k where (k.subject_id = patient and k.level <> 'glass') or (k.subject_id = any (own_accounts) and k.level = 'profile');
  get diagnostics n = row_count; counts := counts || jsonb_build_object('keys', n);
  delete from vault.search_tokens t where t.patient_id = patient;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('search_tokens', n);
  delete from audit.openings o where o.patient_id = patient or o.session_id = any (sessions);
  get diagnostics n = row_count; counts := counts || jsonb_build_object('openings', n);
  update audit.selections s set patients = array_remove(s.patients, patient) where patient = any (s.patients);
  get diagnostics n = row_count; counts := counts || jsonb_build_object('selections', n);
  update store.patients p set erased_at = now_at, version = p.version + 1 where p.id = patient and p.erased_at is null;
  return counts;
end $function$;
comment on function privacy.destroy is 'Internal: privacy.erase_patient has asked whether it may, privacy.replay_erasure repeats what was decided.';

create function privacy.due(since timestamp with time zone) returns timestamp with time zone
language sql stable as $function$ select since + interval '1 month' $function$;
comment on function privacy.due is 'Until when a request that came then is answered. Internal.';

create function privacy.erase_patient(ring text, patient uuid, ground text DEFAULT NULL::text) returns uuid
language plpgsql volatile as $function$
declare
  erasure_id uuid := ops.uuid_v7();
  organisation uuid;
  request privacy.erasure_requests;
  known text[];
  ends timestamptz;
  counts jsonb;
  written uuid;
begin
  -- one that is done in a database which must not serve would be lost with it
  perform ops.require_clearance();
  -- before the patient's row: whoever decides something at this moment goes from the account to it (0310)
  perform iam.lock_account(x.account_id)
  from (select distinct m.account_id from access.memberships m where m.patient_id = patient order by m.account_id) x;
  select p.organisation_id into organisation from store.patients p where p.id = patient for update;
  if exists (select from privacy.erasures e where e.patient_id = patient) then
    return (select e.id from privacy.erasures e where e.patient_id = patient);
  end if;
  if organisation is null then
    raise exception using errcode = 'VS404', message = 'there is no such patient in this installation';
  end if;
  select * into request from privacy.erasure_requests r where r.patient_id = patient and r.ground = coalesce(erase_patient.ground, r.ground)
    and not exists (select from privacy.answers a where a.erasure_request_id = r.id and a.answer = 'taken_back')
  order by r.requested_at desc limit 1;
  ground := coalesce(erase_patient.ground, request.ground);
  if ground is null then
    raise exception using errcode = 'VS422', message = 'nobody asked for this erasure: give its ground';
  end if;
  if ground not in ('retention_ended', 'no_longer_necessary', 'consent_withdrawn', 'objection', 'unlawful_processing', 'legal_obligation') then
    raise exception using errcode = 'VS422', message = 'the ground is not one of the list';
  end if;
  ends := privacy.kept_until(ring, patient);
  if ends > clock_timestamp() and ground not in ('unlawful_processing', 'legal_obligation') then
    raise exception using errcode = 'VS409', message = format(
      'the law keeps this record until %s (20 years after the last visit, and to the 28th birthday; 10 years after a death that followed it: CSP R1112-7, RGPD art. 17(3)(b)); before that it is erased for unlawful_processing or legal_obligation alone',
      to_char(ends at time zone 'Europe/Paris', 'YYYY-MM-DD'));
  end if;
  known := array(select m.id from vault.masters m order by m.added_at, m.id);
  counts := privacy.destroy(patient);
  written := audit.append(array[null, null, organisation::text, null, null, null, null, null], 'patient.erase', 'Patient', patient, patient, 'success',
    json_build_object('erasure', erasure_id, 'ground', ground, 'request', request.id, 'destroyed', counts)::text);
  insert into privacy.erasures (id, patient_id, organisation_id, request_id, ground, erased_at, complete_from, masters, destroyed, event_id, leaf_hash)
  select erasure_id, patient, organisation, request.id, erase_patient.ground, e.at, e.at + p.period, known, counts, written, sha256(convert_to(e.leaf, 'UTF8'))
  from audit.events e, privacy.periods p where e.id = written and e.patient_id = patient and p.name = 'backup';
  return erasure_id;
end $function$;
comment on function privacy.erase_patient is 'Forgets a patient for good; gives the id of the erasure, of the earlier one if that has happened. ground: NULL takes the one that the DPO asked on. As vs_owner. Errors: VS404, VS409 while the law keeps the record, VS422, VS503.';

create function privacy.first_consents(ring text, c text[], choices jsonb) returns boolean
language plpgsql volatile as $function$
begin
  if privacy.agrees(choices) is not true then return false; end if;
  perform privacy.record_consent(ring, c, k.key, true, decode(k.value, 'hex')) from jsonb_each_text(choices) k order by k.key;
  return true;
end $function$;
comment on function privacy.first_consents is 'The consents of somebody who registers, or accepts an invitation to their record; false, and nothing is written, unless the needed ones are given. c: the identity of the session, which access.set_claims has set. Internal.';

create function privacy.held_until(ring text, patient uuid, ground text) returns integer
language plpgsql stable as $function$
declare
  ends timestamptz;
begin
  if ground in ('unlawful_processing', 'legal_obligation') then return null; end if;
  ends := privacy.kept_until(ring, patient);
  -- the day would be a birthday, of somebody young: a DPO sees no identity
  return case when ends > clock_timestamp() then extract(year from ends at time zone 'Europe/Paris')::int end;
end $function$;
comment on function privacy.held_until is 'The year in which the law''s period for this record ends; NULL where it holds nothing back. Internal. Errors: VS404, VS500, VS503.';

create function privacy.is_needed(type text) returns boolean
language sql immutable as $function$
  select type in ('data_processing', 'telemedicine_usage', 'medical_record_storage')
$function$;
comment on function privacy.is_needed is 'Does registering ask for this consent? Internal.';

create function privacy.kept_until(ring text, patient uuid) returns timestamp with time zone
language plpgsql volatile as $function$
declare
  p store.patients;
  key bytea := vault.unwrap(ring, patient, 'identity');
  bound bytea;
  ends timestamptz;
  born date;
  died date;
begin
  select * into strict p from store.patients x where x.id = patient;
  bound := '\x00'::bytea || uuid_send(p.id) || uuid_send(p.id) || int8send(p.version)
    || convert_to(p.identity_status, 'UTF8') || uuid_send(p.organisation_id);
  born := privacy.last_day(convert_from(vault.unpack(key, 'store.patients.birth_date'::bytea || bound, p.birth_date), 'UTF8'));
  died := privacy.last_day(convert_from(vault.unpack(key, 'store.patients.deceased_date'::bytea || bound, p.deceased_date), 'UTF8'));
  ends := p.last_activity_at + (select x.period from privacy.periods x where x.name = 'record');
  -- a child's record to the 28th birthday; where death came within 10 years of the last visit, 10 years from there
  ends := greatest(ends, (born + interval '28 years') at time zone 'Europe/Paris');
  if died < p.last_activity_at + interval '10 years' then
    ends := (died + interval '10 years') at time zone 'Europe/Paris';
  end if;
  return ends;
end $function$;
comment on function privacy.kept_until is 'Until when the law keeps this record (CSP R1112-7). What is opened for it doesn''t leave this function. Internal. Errors: VS404, VS500, VS503.';

create function privacy.last_day(partial_date text) returns date
language plpgsql stable as $function$
begin
  -- FHIR's dates may lack the day, or the month and the day: the last day that it can be
  return case length(partial_date)
    when 4 then make_date(partial_date::int, 12, 31)
    when 7 then (partial_date || '-01')::date + interval '1 month' - interval '1 day'
    else left(partial_date, 10)::date end;
exception when others then
  return null;  -- the text of that error would hold the date
end $function$;
comment on function privacy.last_day is 'Internal: NULL for what is no date.';

create function privacy.proof_of(c text[], consent uuid) returns privacy.consents
language plpgsql stable as $function$
declare
  x privacy.consents;
begin
  select * into x from privacy.consents p where p.id = consent
    and ((c[4] = 'dpo' and p.organisation_id = c[3]::uuid) or (c[4] = 'patient' and p.patient_id = c[5]::uuid));
  return x;
end $function$;
comment on function privacy.proof_of is 'This consent, if it is for this person to prove: their own, or of their organisation for its DPO. c: as access.claims(). Internal.';

create function privacy.publish_text(type text, version text, lang text, title text, body text) returns void
language sql volatile as $function$
  insert into privacy.consent_texts (type, version, lang, title, body, hash)
  values (type, version, lang, title, body, privacy.text_hash(type, version, lang, title, body))
$function$;
comment on function privacy.publish_text is 'A new version of a text; a type''s current version is the one published last. As vs_owner.';

create function privacy.record_consent(ring text, c text[], type text, given boolean, hash bytea) returns uuid
language plpgsql volatile as $function$
declare
  made privacy.consents;
begin
  made.id := ops.uuid_v7();
  made.account_id := c[2]::uuid;
  made.organisation_id := c[3]::uuid;
  made.patient_id := c[5]::uuid;
  made.type := record_consent.type;
  made.given := record_consent.given;
  made.text_hash := hash;
  made.session_id := c[1]::uuid;
  made.origin_id := c[8]::uuid;
  made.at := clock_timestamp();
  made.seq := coalesce((select max(x.seq) from privacy.consents x where x.patient_id = made.patient_id and x.type = made.type), 0) + 1;
  made.ip := vault.seal(vault.unwrap(ring, made.account_id, 'profile'), made.id, made.account_id, 1, privacy.consent_context(made),
                        'privacy.consents.ip', privacy.address_of(ring, made.organisation_id, made.origin_id));
  insert into privacy.consents values (made.*);
  perform audit.append(c, case when given then 'consent.give' else 'consent.withdraw' end, 'Consent', made.id, made.patient_id, 'success',
    json_build_object('type', type, 'text', encode(hash, 'hex'))::text);
  return made.id;
exception when unique_violation then
  raise exception using errcode = 'VS409', message = 'this was decided elsewhere at the same moment: read it again';
end $function$;
comment on function privacy.record_consent is 'One row and its event. c: as access.claims(). Internal. Errors: VS404, VS409, VS503.';

create function privacy.replay_erasure(told jsonb) returns boolean
language plpgsql volatile as $function$
declare
  patient uuid := (told ->> 'patient')::uuid;
  place uuid := (select o.id from access.organisations o where o.id = (told ->> 'organisation')::uuid);
begin
  if exists (select from privacy.erasures e where e.patient_id = patient) then return false; end if;
  perform privacy.destroy(patient);
  perform audit.append(array[null, null, place::text, null, null, null, null, null], 'erasure.replay', 'Patient', patient, patient, 'success',
    json_build_object('erasure', told ->> 'id', 'event', told ->> 'event')::text);
  -- the restored copy brought the keys back for a while, and backups of it may have been made
  insert into privacy.erasures (id, patient_id, organisation_id, request_id, ground, erased_at, complete_from, masters, destroyed, event_id, leaf_hash, replayed_at)
  select (told ->> 'id')::uuid, patient, (told ->> 'organisation')::uuid, (told ->> 'request')::uuid, told ->> 'ground', (told ->> 'erased_at')::timestamptz,
         clock_timestamp() + p.period, array(select jsonb_array_elements_text(told -> 'masters')), told -> 'destroyed', (told ->> 'event')::uuid,
         decode(told ->> 'leaf_hash', 'hex'), clock_timestamp()
  from privacy.periods p where p.name = 'backup';
  return true;
end $function$;
comment on function privacy.replay_erasure is 'Does again what a line of the record outside tells; false if this database knows it. As vs_owner, before the database is cleared to serve.';

create function privacy.tell_of_withdrawal(ring text, organisation uuid) returns void
language plpgsql volatile as $function$
declare
  m record;
begin
  for m in select distinct on (x.account_id) x.account_id, x.role from access.memberships x join iam.accounts a on a.id = x.account_id
           where x.organisation_id = organisation and x.role in ('dpo', 'org_admin')
             and access.membership_is_live(x.id) and a.email_confirmed_at is not null
             -- nobody fills a mailbox by changing their mind: the page tells of each one
             and not exists (select from ops.outbox o where o.account_id = x.account_id and o.template like 'consent\_withdrawn%'
                             and o.created_at > clock_timestamp() - interval '1 hour')
           order by x.account_id, x.role loop
    begin
      -- an administrator sees no patients, and has no page of them
      perform ops.post(ring, m.account_id, 'email', case m.role when 'dpo' then 'consent_withdrawn' else 'consent_withdrawn_here' end);
    exception when others then
      -- withdrawing waits for no message: the page tells all the same
      continue;
    end;
  end loop;
end $function$;
comment on function privacy.tell_of_withdrawal is 'An e-mail to the DPO and the administrators, which says that a needed agreement was withdrawn, and neither whose nor which. Internal.';

create function privacy.text_hash(type text, version text, lang text, title text, body text) returns bytea
language sql immutable as $function$
  select sha256(convert_to(concat(type, E'\n', version, E'\n', lang, E'\n', title, E'\n\n', body), 'UTF8'))
$function$;
comment on function privacy.text_hash is 'SHA-256 of type, version, language and title, a line each, an empty line, then the text: docs/formats.md.';

create function privacy.tg_keys__not_erased() returns trigger
language plpgsql volatile as $function$
begin
  if exists (select from privacy.erasures e where e.patient_id = new.subject_id) then
    raise exception using errcode = 'VS409', message = 'this record was erased: somebody who comes back gets a new one';
  end if;
  return new;
end $function$;
comment on function privacy.tg_keys__not_erased is NULL;

create function privacy.told_outside() returns TABLE(patient uuid, line text)
language sql stable as $function$
  select e.patient_id, jsonb_build_object('id', e.id, 'patient', e.patient_id, 'organisation', e.organisation_id, 'request', e.request_id, 'ground', e.ground,
    'erased_at', to_char(e.erased_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'complete_from', to_char(e.complete_from at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'masters', e.masters, 'destroyed', e.destroyed, 'event', e.event_id, 'leaf_hash', encode(e.leaf_hash, 'hex'))::text
  from privacy.erasures e order by e.erased_at, e.id
$function$;
comment on function privacy.told_outside is 'Every erasure as it is told to the record outside. As vs_owner.';

create function privacy.withdrawals(organisation uuid) returns TABLE(id uuid, patient_id uuid, type text, at timestamp with time zone, again timestamp with time zone)
language plpgsql stable as $function$
begin
  return query
  select c.id, c.patient_id, c.type, c.at, g.at
  from privacy.consents c
  left join lateral (select x.at from privacy.consents x where x.patient_id = c.patient_id and x.type = c.type and x.seq > c.seq and x.given
                     order by x.seq limit 1) g on true
  where c.organisation_id = organisation and not c.given and privacy.is_needed(c.type)
    -- sent twice: the first one has done it
    and (select x.given from privacy.consents x where x.patient_id = c.patient_id and x.type = c.type and x.seq < c.seq order by x.seq desc limit 1)
    and not exists (select from privacy.erasures e where e.patient_id = c.patient_id);
end $function$;
comment on function privacy.withdrawals is 'Internal.';

create function store.insert_note(key bytea, note_id uuid, patient uuid, author uuid, at timestamp with time zone, note jsonb) returns integer
language plpgsql volatile as $function$
declare
  n store.notes;
  ctx bytea;
  stored int;
begin
  n.id := note_id;
  n.patient_id := patient;
  n.version := 1;
  n.author_id := author;
  n.created_at := at;
  n.updated_at := at;
  n.category := coalesce(note ->> 'category', 'consultation');
  n.priority := coalesce(note ->> 'priority', 'routine');
  n.status := coalesce(note ->> 'status', 'final');
  ctx := store.note_context(n);
  n.subjective := vault.seal(key, n.id, patient, 1, ctx, 'store.notes.subjective', nullif(note ->> 'subjective', ''));
  n.objective := vault.seal(key, n.id, patient, 1, ctx, 'store.notes.objective', nullif(note ->> 'objective', ''));
  n.assessment := vault.seal(key, n.id, patient, 1, ctx, 'store.notes.assessment', nullif(note ->> 'assessment', ''));
  n.plan := vault.seal(key, n.id, patient, 1, ctx, 'store.notes.plan', nullif(note ->> 'plan', ''));
  n.diagnosis := vault.seal(key, n.id, patient, 1, ctx, 'store.notes.diagnosis', nullif(note ->> 'diagnosis', ''));
  n.treatment_plan := vault.seal(key, n.id, patient, 1, ctx, 'store.notes.treatment_plan', nullif(note ->> 'treatment_plan', ''));
  insert into store.notes values (n.*) on conflict (id) do nothing;
  get diagnostics stored = row_count;
  update store.patients p set last_activity_at = at where p.id = patient and p.last_activity_at < at;
  return stored;
end $function$;
comment on function store.insert_note is NULL;

create function store.note_context(n store.notes) returns bytea
language plpgsql stable as $function$
begin
  return uuid_send(n.author_id) || timestamptz_send(n.created_at) || convert_to(n.category || '/' || n.priority || '/' || n.status, 'UTF8');
end $function$;
comment on function store.note_context is NULL;

create function store.referral_context(r store.referrals) returns bytea
language plpgsql stable as $function$
begin
  return uuid_send(r.requester_id) || uuid_send(r.performer_id) || timestamptz_send(r.valid_from) || convert_to(r.priority, 'UTF8');
end $function$;
comment on function store.referral_context is NULL;

create function store.tg_notes__immutable() returns trigger
language plpgsql volatile as $function$
begin
  if (new.id, new.patient_id, new.author_id, new.created_at) is distinct from (old.id, old.patient_id, old.author_id, old.created_at)
     or new.version <> old.version + 1 then
    raise exception using errcode = 'VS403', message = 'a note keeps its patient, author and date, and its version grows by one';
  end if;
  return new;
end $function$;
comment on function store.tg_notes__immutable is NULL;

create function store.tg_patients__version() returns trigger
language plpgsql volatile as $function$
begin
  if new.id <> old.id or new.organisation_id <> old.organisation_id or new.created_at <> old.created_at then
    raise exception using errcode = 'VS403', message = 'a patient stays who and where they are';
  end if;
  if old.erased_at is not null then
    raise exception using errcode = 'VS403', message = 'a record that was erased stays as it is';
  end if;
  -- sealed columns are bound to the version, so it grows with them, and only then
  if to_jsonb(new) - 'last_activity_at' <> to_jsonb(old) - 'last_activity_at' and new.version <> old.version + 1 then
    raise exception using errcode = 'VS409', message = 'the version of a row grows by one with each change';
  end if;
  return new;
end $function$;
comment on function store.tg_patients__version is NULL;

create function store.tg_referrals__only_ends() returns trigger
language plpgsql volatile as $function$
begin
  if to_jsonb(new) - 'valid_until' - 'ended_by' <> to_jsonb(old) - 'valid_until' - 'ended_by' or new.valid_until > old.valid_until then
    raise exception using errcode = 'VS403', message = 'a referral can be ended, and not changed otherwise';
  end if;
  return new;
end $function$;
comment on function store.tg_referrals__only_ends is NULL;

create function vault.add_master(name text, key bytea) returns void
language plpgsql volatile as $function$
declare
  known vault.masters;
begin
  if (name ~ '^[A-Za-z0-9_-]{1,32}$' and length(key) = 64) is not true then
    raise exception using errcode = 'VS422', message = 'a master key has a name of 1 to 32 letters, digits, - or _, and 64 bytes';
  end if;
  select * into known from vault.masters m where m.id = name;
  if known.check_value = vault.check_value(key) and known.active then return; end if;
  if known.id is not null then
    raise exception using errcode = 'VS409', message = format('there was a master key %s already: give another name', name);
  end if;
  insert into vault.masters (id, check_value) values (name, vault.check_value(key));
end $function$;
comment on function vault.add_master is 'Registers the check value of a new master key; the key itself isn''t kept. Nothing for one that is here. As vs_owner. Errors: VS409 for a name that was used, VS422.';

create function vault.aead_decrypt(key bytea, iv bytea, aad bytea, ciphertext bytea, tag bytea) returns bytea
language plpgsql immutable parallel safe as $function$
declare
  mac_key bytea;
  expected bytea;
  padded bytea;
  pad int;
begin
  if length(key) = 64 and length(iv) = 16 and length(tag) = 32 and aad is not null
      and length(ciphertext) > 0 and length(ciphertext) % 16 = 0 then
    mac_key := substr(key, 1, 32);
    expected := substr(extensions.hmac(aad || iv || ciphertext || int8send(length(aad)::bigint * 8), mac_key, 'sha512'), 1, 32);
    -- both sides are hashed under the key, so that the time of the comparison says nothing about the tag
    if sha256(mac_key || tag) = sha256(mac_key || expected) then
      -- PKCS#7 is taken off here: pgcrypto's own error would be another one. It can only be wrong under another cipher
      -- key, since the tag is right.
      padded := extensions.decrypt_iv(ciphertext, substr(key, 33, 32), iv, 'aes-cbc/pad:none');
      pad := get_byte(padded, length(padded) - 1);
      if pad between 1 and 16 and substr(padded, length(padded) - pad + 1) = decode(repeat(lpad(to_hex(pad), 2, '0'), pad), 'hex') then
        return substr(padded, 1, length(padded) - pad);
      end if;
    end if;
  end if;
  -- one place for every failure: the line of an error, which its context tells, is the same too
  raise exception using errcode = 'VS500', message = 'the value can''t be opened';
end $function$;
comment on function vault.aead_decrypt is 'Opens what aead_encrypt made. One error for every failure: VS500.';

create function vault.aead_encrypt(key bytea, iv bytea, aad bytea, plaintext bytea, OUT ciphertext bytea, OUT tag bytea) returns record
language plpgsql immutable parallel safe as $function$
begin
  if (length(key) = 64 and length(iv) = 16 and aad is not null and plaintext is not null) is not true then
    raise exception using errcode = 'VS500', message = 'aead_encrypt takes a key of 64 bytes, an IV of 16, and no NULL';
  end if;
  ciphertext := extensions.encrypt_iv(plaintext, substr(key, 33, 32), iv, 'aes-cbc/pad:pkcs');
  tag := substr(extensions.hmac(aad || iv || ciphertext || int8send(length(aad)::bigint * 8), substr(key, 1, 32), 'sha512'), 1, 32);
end $function$;
comment on function vault.aead_encrypt is 'A256CBC-HS512, RFC 7518 §5.2.5: key of 64 bytes (MAC half first), IV of 16, tag of 32. Errors: VS500.';

create function vault.check_ring(ring text) returns text
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
begin
  -- a new database takes the keys that it is started with; later ones come by vault.add_master
  if not exists (select from vault.masters) and '' <> all (vault.ring_names(ring)) then
    insert into vault.masters (id, check_value, current_since)
    select n.name, vault.check_value(vault.master(ring, n.name)), case n.place when 1 then clock_timestamp() end
    from unnest(vault.ring_names(ring)) with ordinality n (name, place)
    on conflict (id) do nothing;
  end if;
  return coalesce(vault.ring_problem(ring), 'ok');
exception when sqlstate 'VS503' then
  return sqlerrm;
end $function$;
comment on function vault.check_ring is 'Compares the ring with the keys that this database knows: ok, or a sentence that says what is wrong. For the administrator at start.';

create function vault.check_value(master bytea) returns bytea
language sql immutable parallel safe as $function$ select substr(vault.derive(master, 'check'), 1, 16) $function$;
comment on function vault.check_value is 'What is kept of a master key, to know it again: 16 bytes that nothing else follows from.';

create function vault.create_key(ring text, subject uuid, level text, organisation uuid) returns bytea
language plpgsql volatile as $function$
declare
  first text := vault.current_master(ring);
  master_key bytea := vault.master(ring, first);
  key bytea := extensions.gen_random_bytes(64);
begin
  -- what a wrong key wraps, nobody could open
  if not exists (select from vault.masters m where m.id = first and m.active and m.check_value = vault.check_value(master_key)) then
    raise exception using errcode = 'VS503', message = 'VITAL_KEYS doesn''t begin with a master key of this database';
  end if;
  insert into vault.keys (subject_id, level, organisation_id, master, wrapped, indexed)
  values (subject, create_key.level, organisation, first,
          vault.pack(vault.derive(master_key, 'wrap'), vault.wrap_aad(subject, create_key.level, first), key),
          case when create_key.level in ('identity', 'profile') then first end);
  return key;
end $function$;
comment on function vault.create_key is 'Makes, wraps and stores a key; gives it to the caller, a function of the owner that seals with it. Internal. Errors: VS503.';

create function vault.current_master(ring text) returns text
language sql immutable parallel safe as $function$
  select coalesce(substring(ring from '^([A-Za-z0-9_-]{1,32})='), '')
$function$;
comment on function vault.current_master is 'The name of the first key of the ring, which wraps what is new.';

create function vault.days_until_due() returns double precision
language sql stable as $function$
  select extract(epoch from m.current_since + interval '1 year' - clock_timestamp()) / 86400
  from vault.masters m where m.id = vault.promoted()
$function$;
comment on function vault.days_until_due is 'A master key serves for a year; negative when it has served longer, NULL before there is one. As vs_owner.';

create function vault.derive(master bytea, label text) returns bytea
language plpgsql immutable parallel safe as $function$
begin
  return extensions.hmac(convert_to('vitalsync/' || label, 'UTF8') || '\x01'::bytea, master, 'sha512');
end $function$;
comment on function vault.derive is 'HKDF-Expand (RFC 5869) with SHA-512, one block: 64 bytes for each label.';

create function vault.existing_account(ring text, organisation uuid, email text) returns uuid
language plpgsql stable as $function$
begin
  return (select a.id from iam.accounts a join access.memberships m on m.account_id = a.id and m.organisation_id = organisation
          where a.email_index = any (iam.email_indexes(ring, existing_account.email)) limit 1);
end $function$;
comment on function vault.existing_account is 'The account that signs in with this address in this organisation, or NULL. Internal.';

create function vault.index_patient(patient uuid, p jsonb) returns void
language plpgsql volatile as $function$
declare
  ring text := vault.ring();
  organisation uuid := access.organisation_id();
begin
  perform vault.index_under(vault.search_key(ring, vault.current_master(ring), organisation), organisation, patient, p);
end $function$;
comment on function vault.index_patient is 'Makes the tokens of a patient of the session''s organisation, under the current master key. Internal.';

create function vault.index_under(key bytea, organisation uuid, patient uuid, p jsonb) returns void
language plpgsql volatile as $function$
declare
  tokens bigint[];
begin
  tokens := array(
    select distinct vault.token(key, 'name', left(f, n))
    from unnest(vault.name_forms(array[p ->> 'birth_name', p ->> 'used_name', p ->> 'first_given_name', p ->> 'birth_given_names', p ->> 'used_given_name'])) f
    cross join generate_series(3, 5) n where length(f) >= n
    union select vault.token(key, 'birth_date', p ->> 'birth_date') where p ->> 'birth_date' <> ''
    union select vault.token(key, 'ins', p ->> 'ins_matricule') where p ->> 'ins_matricule' <> '');
  -- padded to a multiple of 12
  tokens := tokens || array(select (random() * 268435455)::bigint from generate_series(1, (12 - cardinality(tokens) % 12) % 12));
  insert into vault.search_tokens (organisation_id, token, patient_id)
  select distinct organisation, t, patient from unnest(tokens) t;
end $function$;
comment on function vault.index_under is 'Makes the tokens of a patient under a search key. Internal.';

create function vault.is_exactly(ring text, patient store.patients, typed_name text[], typed_given text[], day text, matricule text) returns boolean
language plpgsql volatile as $function$
declare
  key bytea := vault.unwrap(ring, patient.id, 'identity');
  bound bytea := '\x00'::bytea || uuid_send(patient.id) || uuid_send(patient.id) || int8send(patient.version)
    || convert_to(patient.identity_status, 'UTF8') || uuid_send(patient.organisation_id);
begin
  if matricule is not null then
    return coalesce(convert_from(vault.unpack(key, 'store.patients.ins_matricule'::bytea || bound, patient.ins_matricule), 'UTF8') = matricule, false);
  end if;
  return day = convert_from(vault.unpack(key, 'store.patients.birth_date'::bytea || bound, patient.birth_date), 'UTF8')
     and typed_name = vault.words(convert_from(vault.unpack(key, 'store.patients.birth_name'::bytea || bound, patient.birth_name), 'UTF8'))
     and (typed_given = '{}' or typed_given = vault.words(convert_from(vault.unpack(key, 'store.patients.first_given_name'::bytea || bound, patient.first_given_name), 'UTF8')));
end $function$;
comment on function vault.is_exactly is 'Internal.';

create function vault.left_to_renew(target text, OUT keys bigint, OUT indexes bigint) returns record
language sql stable as $function$
  select (select count(*) from vault.keys k where k.master <> target), (select count(*) from vault.keys k where k.indexed <> target)
$function$;
comment on function vault.left_to_renew is 'How much doesn''t stand under this master key. As vs_owner.';

create function vault.mac_blocks(mac_key bytea) returns bytea
language plpgsql immutable parallel safe as $function$
declare
  bits bit(256) := ('x' || encode(mac_key, 'hex'))::bit(256);
begin
  -- bit_send: four bytes of length, then the bits
  return substr(bit_send(bits # repeat('00110110', 32)::bit(256)), 5) || decode(repeat('36', 96), 'hex')
      || substr(bit_send(bits # repeat('01011100', 32)::bit(256)), 5) || decode(repeat('5c', 96), 'hex');
end $function$;
comment on function vault.mac_blocks is 'K ⊕ ipad ‖ K ⊕ opad for a MAC key of 32 bytes and SHA-512''s blocks of 128. Internal.';

create function vault.master(ring text, id text) returns bytea
language plpgsql immutable as $function$
declare
  encoded text := split_part(split_part(',' || ring, ',' || id || '=', 2), ',', 1);
  key bytea;
begin
  begin
    key := decode(encoded, 'base64');
  exception when others then
    key := null;  -- the text of that error would hold the key
  end;
  if (length(key) = 64) is not true then
    raise exception using errcode = 'VS503', message = case
      when id <> '' and position(',' || id || '=' in ',' || ring) = 0 then format('master key %s is not in VITAL_KEYS', id)
      -- nothing of it is quoted: it may be a key
      else 'VITAL_KEYS isn''t of the form name=base64 of 64 bytes, with commas between' end;
  end if;
  return key;
end $function$;
comment on function vault.master is 'One key of the ring `id=base64(64 bytes),…`. Errors: VS503.';

create function vault.masters_status() returns TABLE(id text, current boolean, added_at timestamp with time zone, current_since timestamp with time zone, due_at timestamp with time zone, retired_at timestamp with time zone, wraps bigint, indexes bigint)
language sql stable as $function$
  select m.id, m.id is not distinct from vault.promoted(), m.added_at, m.current_since,
         case when m.id = vault.promoted() then m.current_since + interval '1 year' end, m.retired_at,
         (select count(*) from vault.keys k where k.master = m.id), (select count(*) from vault.keys k where k.indexed = m.id)
  from vault.masters m order by m.added_at, m.id
$function$;
comment on function vault.masters_status is 'Every master key there was, what stands under it, and when the current one is due. As vs_owner.';

create function vault.matches(ring text, patient store.patients, typed text[], birth_date text) returns boolean
language plpgsql volatile as $function$
declare
  key bytea := vault.unwrap(ring, patient.id, 'identity');
  bound bytea := '\x00'::bytea || uuid_send(patient.id) || uuid_send(patient.id) || int8send(patient.version)
    || convert_to(patient.identity_status, 'UTF8') || uuid_send(patient.organisation_id);
  forms text[];
begin
  if birth_date is not null and birth_date is distinct from
     convert_from(vault.unpack(key, 'store.patients.birth_date'::bytea || bound, patient.birth_date), 'UTF8') then
    return false;
  end if;
  if cardinality(typed) = 0 then return true; end if;
  forms := vault.name_forms(array[
    convert_from(vault.unpack(key, 'store.patients.birth_name'::bytea || bound, patient.birth_name), 'UTF8'),
    convert_from(vault.unpack(key, 'store.patients.used_name'::bytea || bound, patient.used_name), 'UTF8'),
    convert_from(vault.unpack(key, 'store.patients.first_given_name'::bytea || bound, patient.first_given_name), 'UTF8'),
    convert_from(vault.unpack(key, 'store.patients.birth_given_names'::bytea || bound, patient.birth_given_names), 'UTF8'),
    convert_from(vault.unpack(key, 'store.patients.used_given_name'::bytea || bound, patient.used_given_name), 'UTF8')]);
  return not exists (select from unnest(typed) w where not exists (select from unnest(forms) f where starts_with(f, w)));
end $function$;
comment on function vault.matches is 'Internal.';

create function vault.name_forms(names text[]) returns text[]
language sql immutable as $function$
  select coalesce(array_agg(distinct f), '{}') from unnest(names) n
  cross join lateral (select vault.words(n) as w offset 0) x
  cross join lateral unnest(x.w || array_to_string(x.w, '')) f where f <> ''
$function$;
comment on function vault.name_forms is NULL;

create function vault.not_ready(target text, quiet interval DEFAULT 'PT2M'::interval) returns text
language plpgsql stable as $function$
declare
  m vault.masters;
  r vault.rings;
begin
  select * into m from vault.masters x where x.id = target;
  -- an edge that watches its key file has read it by then
  if m.added_at > clock_timestamp() - least(quiet, interval '5 seconds') then return format('master key %s was added a moment ago', target); end if;
  select * into r from vault.rings x
  where x.seen_at > clock_timestamp() - quiet and target <> all (string_to_array(x.names, ',')) order by x.seen_at desc limit 1;
  if found then
    return format('an edge had no master key %s %s seconds ago (it had %s)', target, extract(epoch from clock_timestamp() - r.seen_at)::int, r.names);
  end if;
  if exists (select from iam.sessions s where s.role = 'import' and s.created_at < m.added_at and iam.session_is_live(s.id)) then
    return format('an import that began before master key %s was added has not ended (one that was killed counts for 12 hours)', target);
  end if;
  return null;
end $function$;
comment on function vault.not_ready is 'Why a rotation to this key would make requests fail: an edge, seen within `quiet`, or an import without the key. As vs_owner.';

create function vault.open(level text, row_id uuid, patient uuid, version bigint, context bytea, labels bytea[], sealed bytea[]) returns text[]
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  slot text := current_setting('vs.slot', true);
  place text := level || patient::text;
  key bytea;
  v bytea;
begin
  if level is null or patient is null then return null; end if;
  if starts_with(slot, place) and clock_timestamp() - now() < interval '30 seconds' then
    v := decode(substr(slot, length(place) + 1), 'base64');
    if (length(v) = 352 and sha256(vault.session_secret() || substr(v, 321)) = sha256(vault.session_secret() || extensions.hmac(
          substr(v, 1, 320) || int4send(pg_backend_pid()) || timestamptz_send(now())
            || convert_to(place || current_setting('vs.claims', true), 'UTF8'),
          substr(vault.session_secret(), 1, 32), 'sha256'))) is not true then
      raise exception using errcode = 'VS500', message = 'the value can''t be opened';
    end if;
    v := extensions.decrypt_iv(substr(v, 17, 304), substr(vault.session_secret(), 33, 32), substr(v, 1, 16), 'aes-cbc/pad:pkcs');
    key := substr(v, 257);
  else
    key := vault.release(patient, level);
    v := vault.mac_blocks(substr(key, 1, 32));
    key := substr(key, 33, 32);
    if level = 'clinical' and current_setting('vs.slot', true) is distinct from 'glass' then perform vault.set_slot(place, v || key); end if;
  end if;
  return vault.open_values(v, key, '\x00'::bytea || uuid_send(row_id) || uuid_send(patient) || int8send(version) || context, labels, sealed);
end $function$;
comment on function vault.open is 'Opens the sealed columns of one row: `labels` are schema.table.column in UTF-8, `context` the clear columns that the values are bound to. Errors: VS401, VS404, VS428, VS500.';

create function vault.open_existing(ring text, level text, row_id uuid, subject uuid, labels text[], sealed bytea[]) returns text[]
language plpgsql stable as $function$
declare
  key bytea := vault.unwrap(ring, subject, level);
  opened text[];
begin
  for i in 1 .. cardinality(labels) loop
    opened[i] := convert_from(vault.unpack(key, convert_to(labels[i], 'UTF8') || '\x00'::bytea || uuid_send(row_id)
                                                || uuid_send(subject) || int8send(1), sealed[i]), 'UTF8');
  end loop;
  return opened;
end $function$;
comment on function vault.open_existing is 'Opens one row''s values, to compare. For the administrator''s command, with the ring. Errors: VS404, VS500, VS503.';

create function vault.open_value(blocks bytea, key bytea, aad bytea, sealed bytea) returns bytea
language plpgsql volatile as $function$
declare
  n int := length(sealed);
begin
  if (n >= 65 and get_byte(sealed, 0) = 1
      and sha256(key || substr(sealed, n - 31)) = sha256(key || substr(sha512(substr(blocks, 129, 128) || sha512(
            substr(blocks, 1, 128) || aad || substr(sealed, 2, n - 33) || int8send(length(aad)::bigint * 8))), 1, 32))) is not true then
    raise exception using errcode = 'VS500', message = 'the value can''t be opened';
  end if;
  return extensions.decrypt_iv(substr(sealed, 18, n - 49), key, substr(sealed, 2, 16), 'aes-cbc/pad:pkcs');
end $function$;
comment on function vault.open_value is 'vault.unpack for many values under one key: blocks of vault.mac_blocks, key the other half. Internal. Errors: VS500.';

create function vault.open_values(blocks bytea, key bytea, bound bytea, labels bytea[], sealed bytea[]) returns text[]
language plpgsql volatile as $function$
declare
  inner_block bytea := substr(blocks, 1, 128);
  outer_block bytea := substr(blocks, 129, 128);
  body bytea;
  v bytea;
  n int;
  opened text[];
begin
  for i in 1 .. cardinality(sealed) loop
    v := sealed[i];
    if v is null then
      opened[i] := null;
      continue;
    end if;
    n := length(v);
    body := labels[i] || bound;
    if (n >= 65 and get_byte(v, 0) = 1
        and sha256(key || substr(v, n - 31)) = sha256(key || substr(sha512(outer_block || sha512(
              inner_block || body || substr(v, 2, n - 33) || int8send(length(body)::bigint * 8))), 1, 32))) is not true then
      raise exception using errcode = 'VS500', message = 'the value can''t be opened';
    end if;
    opened[i] := convert_from(extensions.decrypt_iv(substr(v, 18, n - 49), key, substr(v, 2, 16), 'aes-cbc/pad:pkcs'), 'UTF8');
  end loop;
  return opened;
end $function$;
comment on function vault.open_values is 'The values of one row. blocks: vault.mac_blocks of the key''s MAC half; key: its other half; bound: what follows the label in the AAD. Internal. Errors: VS500.';

create function vault.pack(key bytea, aad bytea, plaintext bytea) returns bytea
language plpgsql volatile parallel safe as $function$
declare
  iv bytea := extensions.gen_random_bytes(16);
  ct bytea;
begin
  if plaintext is null then return null; end if;
  -- NULL in, NULL out: without this, a missing key would lose the value, and a short one seal it with AES-128
  if (length(key) = 64 and aad is not null) is not true then
    raise exception using errcode = 'VS500', message = 'the value can''t be sealed: key or place are missing';
  end if;
  ct := extensions.encrypt_iv(plaintext, substr(key, 33, 32), iv, 'aes-cbc/pad:pkcs');
  return '\x01'::bytea || iv || ct
    || substr(extensions.hmac(aad || iv || ct || int8send(length(aad)::bigint * 8), substr(key, 1, 32), 'sha512'), 1, 32);
end $function$;
comment on function vault.pack is 'Stored value: 0x01 ‖ IV(16) ‖ ciphertext ‖ tag(32), see docs/formats.md. NULL stays NULL. Errors: VS500.';

create function vault.point_at_unopened(wrap_key bytea, master text, organisation uuid) returns void
language plpgsql stable as $function$
declare
  k vault.keys;
begin
  for k in select * from vault.keys x where x.master = point_at_unopened.master and x.active and x.organisation_id = organisation loop
    begin
      perform vault.unpack(wrap_key, vault.wrap_aad(k.subject_id, k.level, k.master), k.wrapped);
    exception when sqlstate 'VS500' then
      raise exception using errcode = 'VS500', message = format(
        'the %s key of %s can''t be opened with master key %s: somebody changed it. Its batch is as it was', k.level, k.subject_id, k.master);
    end;
  end loop;
end $function$;
comment on function vault.point_at_unopened is 'After a batch failed: whose key it was. Internal. Errors: VS500 with the place.';

create function vault.promote(ring text, target text) returns void
language plpgsql volatile as $function$
begin
  perform vault.require_known_ring(ring);
  if target <> all (vault.ring_names(ring)) or not exists (select from vault.masters m where m.id = target and m.active) then
    raise exception using errcode = 'VS422', message = format('master key %s isn''t one of VITAL_KEYS that is in use', target);
  end if;
  if vault.promoted() is distinct from target then
    update vault.masters set current_since = clock_timestamp() where id = target;
  end if;
end $function$;
comment on function vault.promote is 'Begins a rotation: from now on everything shall stand under this key. Nothing if that is so. As vs_owner. Errors: VS422, VS503.';

create function vault.promoted() returns text
language sql stable as $function$
  select m.id from vault.masters m where m.active and m.current_since is not null order by m.current_since desc limit 1
$function$;
comment on function vault.promoted is 'The master key under which everything shall stand.';

create function vault.put_first(name text, quiet interval DEFAULT 'PT2M'::interval) returns text
language plpgsql stable as $function$
declare
  r vault.rings;
begin
  if exists (select from vault.masters m where m.id = vault.promoted() and m.current_since > clock_timestamp() - least(quiet, interval '5 seconds')) then
    return 'the last rotation began a moment ago';
  end if;
  select * into r from vault.rings x
  where x.seen_at > clock_timestamp() - quiet and split_part(x.names, ',', 1) = name order by x.seen_at desc limit 1;
  if not found then return null; end if;
  return format('an edge had master key %s first %s seconds ago (it had %s)', name, extract(epoch from clock_timestamp() - r.seen_at)::int, r.names);
end $function$;
comment on function vault.put_first is 'Why a retirement would make writes fail: an edge, seen within `quiet`, that wraps what is new with this key. As vs_owner.';

create function vault.record_renewal() returns void
language plpgsql volatile as $function$
declare
  gathered text := nullif(current_setting('vs.renewed', true), '');
begin
  if gathered is null then return; end if;
  perform set_config('vs.renewed', '', true);
  perform audit.append(array[null, null, left(gathered, 36), null, null, null, null, null], 'keys.rotate', 'Key', null, null, 'success',
    '{"rows": {' || substr(gathered, 37) || '}}');
end $function$;
comment on function vault.record_renewal is 'One event for the keys that a statement renewed: their subjects, levels and digests. Internal.';

create function vault.reindex(ring text, target text, most integer DEFAULT 100) returns integer
language plpgsql volatile as $function$
declare
  old_master text;
  organisation uuid;
  k record;
  places tid[] := array[]::tid[];
begin
  perform vault.require_target(ring, target);
  select v.indexed, v.organisation_id into old_master, organisation
  from vault.masters m cross join lateral (
    select x.indexed, x.organisation_id from vault.keys x where x.indexed = m.id and x.active limit 1 for update skip locked) v
  where m.id <> target and m.active limit 1;
  if not found then return 0; end if;
  for k in select v.ctid as place, v.subject_id, v.level from vault.keys v
           where v.indexed = old_master and v.active and v.organisation_id = organisation limit most for update skip locked
  loop
    if k.level = 'identity' then perform vault.reindex_patient(ring, target, k.subject_id);
    else perform vault.reindex_account(ring, target, k.subject_id); end if;
    places := places || k.place;
  end loop;
  update vault.keys v set indexed = target where v.ctid = any (places);
  return cardinality(places);
exception when sqlstate 'VS500' then
  if sqlerrm <> 'the value can''t be opened' then raise; end if;
  raise exception using errcode = 'VS500', message = format(
    'the %s of %s can''t be opened: somebody changed it. Its batch is as it was', k.level, k.subject_id);
end $function$;
comment on function vault.reindex is 'Renews what up to `most` patients and accounts of one organisation are found by; gives how many. As vs_owner, a transaction each. Errors: VS409, VS500 with the place, VS503.';

create function vault.reindex_account(ring text, target text, account uuid) returns void
language plpgsql volatile as $function$
declare
  key bytea := vault.unwrap(ring, account, 'profile');
begin
  update iam.accounts a set email_index = (iam.email_indexes(target || '=' || encode(vault.master(ring, target), 'base64'),
    convert_from(vault.unpack(key, iam.profile_aad(account, 'email'), a.email), 'UTF8')))[1]
  where a.id = account;
  -- one that may come back (0345)
  update iam.address_changes c set former_index = (iam.email_indexes(target || '=' || encode(vault.master(ring, target), 'base64'),
    iam.address_of(key, c.id, account, 'former', c.former)))[1]
  where c.account_id = account and c.former is not null;
end $function$;
comment on function vault.reindex_account is 'The e-mail index under another master key. Internal.';

create function vault.reindex_patient(ring text, target text, patient uuid) returns void
language plpgsql volatile as $function$
declare
  key bytea := vault.unwrap(ring, patient, 'identity');
  p store.patients;
  bound bytea;
begin
  select * into p from store.patients x where x.id = patient;
  delete from vault.search_tokens t where t.patient_id = patient;
  if p.id is null then return; end if;
  bound := '\x00'::bytea || uuid_send(p.id) || uuid_send(p.id) || int8send(p.version)
    || convert_to(p.identity_status, 'UTF8') || uuid_send(p.organisation_id);
  perform vault.index_under(vault.search_key(ring, target, p.organisation_id), p.organisation_id, p.id, jsonb_build_object(
    'birth_name', convert_from(vault.unpack(key, 'store.patients.birth_name'::bytea || bound, p.birth_name), 'UTF8'),
    'used_name', convert_from(vault.unpack(key, 'store.patients.used_name'::bytea || bound, p.used_name), 'UTF8'),
    'first_given_name', convert_from(vault.unpack(key, 'store.patients.first_given_name'::bytea || bound, p.first_given_name), 'UTF8'),
    'birth_given_names', convert_from(vault.unpack(key, 'store.patients.birth_given_names'::bytea || bound, p.birth_given_names), 'UTF8'),
    'used_given_name', convert_from(vault.unpack(key, 'store.patients.used_given_name'::bytea || bound, p.used_given_name), 'UTF8'),
    'birth_date', convert_from(vault.unpack(key, 'store.patients.birth_date'::bytea || bound, p.birth_date), 'UTF8'),
    'ins_matricule', convert_from(vault.unpack(key, 'store.patients.ins_matricule'::bytea || bound, p.ins_matricule), 'UTF8')));
end $function$;
comment on function vault.reindex_patient is 'Search tokens under another master key; what is opened for it doesn''t leave this function. Internal.';

create function vault.release(patient uuid, level text) returns bytea
language plpgsql volatile security definer set debug_print_plan=off set search_path="" as $function$
declare
  c text[] := access.claims();
begin
  perform vault.require_session(c);
  -- an opening isn't a permission: access is asked again, here and now
  if not access.may_open(c, patient, level) then
    raise exception using errcode = 'VS404', message = 'there is no such record here';
  end if;
  if not audit.is_open(c[1]::uuid, patient, level) then
    raise exception using errcode = 'VS428',
      message = 'no committed record of this access: call audit.open_… in an earlier transaction';
  end if;
  -- through a broken glass each row asks again: no slot keeps the key for the rest of the transaction
  if c[9] is not null
     or (c[6] is null and level = 'clinical' and access.way_in(c[4], c[2]::uuid, c[3]::uuid, c[5]::uuid, patient) = 'glass') then
    perform set_config('vs.slot', 'glass', true);
  end if;
  return vault.unwrap(vault.ring(), patient, level);
end $function$;
comment on function vault.release is 'A patient''s key, for functions of the owner, after every check. Errors: VS401, VS404, VS428.';

create function vault.require_known_ring(ring text) returns void
language plpgsql stable as $function$
declare
  problem text := vault.ring_problem(ring);
begin
  if problem is not null then raise exception using errcode = 'VS503', message = problem; end if;
end $function$;
comment on function vault.require_known_ring is 'The same where nothing may be registered: signing in, rotation. Internal. Errors: VS503.';

create function vault.require_ring(ring text) returns void
language plpgsql volatile as $function$
declare
  answer text := vault.check_ring(ring);
begin
  if answer <> 'ok' then raise exception using errcode = 'VS503', message = answer; end if;
end $function$;
comment on function vault.require_ring is 'check_ring as an error, before something new is sealed. Internal. Errors: VS503.';

create function vault.require_session(claims text[]) returns void
language plpgsql volatile as $function$
begin
  if claims is null then
    raise exception using errcode = 'VS401', message = 'no identity in this transaction: call iam.enter';
  end if;
  -- time stands still inside a transaction: an old one could outlive its session or its opening
  if clock_timestamp() - now() > interval '30 seconds' or current_setting('transaction_isolation') <> 'read committed' then
    raise exception using errcode = 'VS428', message = 'records open in a read committed transaction younger than 30 seconds';
  end if;
  if not iam.session_is_live(claims[1]::uuid) then
    raise exception using errcode = 'VS401', message = 'the session has ended: sign in again';
  end if;
end $function$;
comment on function vault.require_session is 'What holds for every key that is let go: a live session, in a young transaction. Internal. Errors: VS401, VS428.';

create function vault.require_target(ring text, target text) returns void
language plpgsql stable as $function$
begin
  perform vault.require_known_ring(ring);
  if vault.promoted() is distinct from target then
    raise exception using errcode = 'VS409', message = format('a rotation to master key %s has begun: this one ends', vault.promoted());
  end if;
end $function$;
comment on function vault.require_target is 'Before each batch. Internal. Errors: VS409, VS503.';

create function vault.retire(name text, quiet interval DEFAULT 'PT2M'::interval) returns void
language plpgsql volatile as $function$
declare
  m vault.masters;
  wrapped_by bigint;
  indexed_by bigint;
  why text;
begin
  -- waits for whoever is just wrapping something with it: their foreign key holds the row
  select * into m from vault.masters x where x.id = name for update;
  if not found then
    raise exception using errcode = 'VS422', message = format('there is no master key %s', name);
  end if;
  if not m.active then return; end if;
  if name = vault.promoted() then
    raise exception using errcode = 'VS409', message = format('master key %s is the current one: rotate to another first', name);
  end if;
  wrapped_by := (select count(*) from vault.keys k where k.master = name);
  indexed_by := (select count(*) from vault.keys k where k.indexed = name);
  if wrapped_by + indexed_by > 0 then
    raise exception using errcode = 'VS409', message = format(
      'master key %s still wraps %s keys, and %s patients and accounts are found by it: rotate first', name, wrapped_by, indexed_by);
  end if;
  why := vault.put_first(name, quiet);
  if why is not null then raise exception using errcode = 'VS409', message = why || ': give it the ring of the rotation'; end if;
  update vault.masters x set retired_at = clock_timestamp(), active = false where x.id = name;
end $function$;
comment on function vault.retire is 'Ends a master key under which nothing stands; its check value stays. As vs_owner. Errors: VS409 while it is needed, VS422.';

create function vault.rewrap(ring text, target text, most integer DEFAULT 250) returns integer
language plpgsql volatile as $function$
declare
  old_master text;
  old_key bytea;
  new_key bytea := vault.derive(vault.master(ring, target), 'wrap');
  organisation uuid;
  done int;
begin
  perform vault.require_target(ring, target);
  -- one organisation in a transaction, so that it holds one lane of the log
  select v.master, v.organisation_id into old_master, organisation
  from vault.masters m cross join lateral (
    select x.master, x.organisation_id from vault.keys x where x.master = m.id and x.active limit 1 for update skip locked) v
  where m.id <> target and m.active limit 1;
  if not found then return 0; end if;
  old_key := vault.derive(vault.master(ring, old_master), 'wrap');
  begin
    update vault.keys k set master = target, wrapped = vault.pack(new_key, vault.wrap_aad(k.subject_id, k.level, target),
      vault.unpack(old_key, vault.wrap_aad(k.subject_id, k.level, old_master), k.wrapped))
    where k.ctid = any (array(select x.ctid from vault.keys x
      where x.master = old_master and x.active and x.organisation_id = organisation limit most for update skip locked));
    get diagnostics done = row_count;
  exception when sqlstate 'VS500' then
    perform vault.point_at_unopened(old_key, old_master, organisation);
    raise;
  end;
  return done;
end $function$;
comment on function vault.rewrap is 'Wraps up to `most` keys of one organisation anew; gives how many, 0 when none is left that nobody else is at. As vs_owner, a transaction each. Errors: VS409, VS500 with the place, VS503.';

create function vault.ring() returns text
language plpgsql stable as $function$
begin
  return convert_from(vault.unpack(vault.session_secret(), vault.session_aad('ring'),
                                   decode(current_setting('vs.keys', true), 'base64')), 'UTF8');
exception when others then
  -- no cause is told, and none of these errors may quote the setting
  raise exception using errcode = 'VS401', message = 'no keys in this transaction: call iam.enter';
end $function$;
comment on function vault.ring is 'The ring that iam.enter sealed into this transaction. Internal. Errors: VS401.';

create function vault.ring_names(ring text) returns text[]
language sql immutable parallel safe as $function$
  select array(select coalesce(substring(entry from '^([A-Za-z0-9_-]{1,32})='), '')
               from unnest(string_to_array(ring, ',')) with ordinality e (entry, place) order by place)
$function$;
comment on function vault.ring_names is 'The names of the master keys in the ring `id=base64(64 bytes),…`, in its order.';

create function vault.ring_problem(ring text) returns text
language plpgsql stable as $function$
declare
  names text[] := vault.ring_names(ring);
  name text;
  known vault.masters;
begin
  if coalesce(ring, '') = '' then return 'VITAL_KEYS is missing'; end if;
  foreach name in array names loop
    select * into known from vault.masters m where m.id = name;
    if vault.check_value(vault.master(ring, name)) is distinct from known.check_value then
      return case when known.id is null
        then format('VITAL_KEYS has a master key %s that this database doesn''t know (vitalsync keys add registers one)', name)
        else format('master key %s is not the one that this database was sealed with', name) end;
    end if;
    if not known.active and name = names[1] then
      return format('master key %s was retired: it can''t stand first in VITAL_KEYS', name);
    end if;
  end loop;
  for known in select * from vault.masters m where m.active and m.id <> all (names) order by m.added_at loop
    if exists (select from vault.keys k where k.master = known.id) or exists (select from vault.keys k where k.indexed = known.id) then
      return format('VITAL_KEYS lacks master key %s, under which something still stands', known.id);
    end if;
  end loop;
  return null;
exception when sqlstate 'VS503' then
  return sqlerrm;  -- of vault.master, which quotes no key
end $function$;
comment on function vault.ring_problem is 'What is wrong with the ring, as a sentence; NULL when it opens all that is here. Changes nothing.';

create function vault.saw_ring(ring text) returns void
language plpgsql volatile as $function$
declare
  shown text := array_to_string(vault.ring_names(ring), ',');
  latest timestamptz := (select r.seen_at from vault.rings r where r.names = shown);
begin
  if latest > clock_timestamp() - interval '10 seconds' or length(shown) > 400 then return; end if;
  if latest is null then
    insert into vault.rings (names) values (shown) on conflict (names) do nothing;
    return;
  end if;
  -- nobody waits for it
  update vault.rings r set seen_at = clock_timestamp()
  where r.ctid = (select x.ctid from vault.rings x where x.names = shown for update skip locked);
end $function$;
comment on function vault.saw_ring is 'Notes which master keys an edge has. Internal: iam.admit, once a minute for a session, and sign-in.';

create function vault.seal(key bytea, row_id uuid, patient uuid, version bigint, context bytea, label text, plaintext text) returns bytea
language plpgsql volatile as $function$
begin
  return case when plaintext is null then null else
    vault.pack(key, convert_to(label, 'UTF8') || '\x00'::bytea || uuid_send(row_id) || uuid_send(patient)
                    || int8send(version) || context, convert_to(plaintext, 'UTF8')) end;
end $function$;
comment on function vault.seal is 'A stored value for this place. Internal: the write functions call it with a key they were given.';

create function vault.seal_existing(ring text, level text, row_id uuid, subject uuid, labels text[], plain text[]) returns bytea[]
language plpgsql volatile as $function$
declare
  key bytea := vault.unwrap(ring, subject, level);
  place bytea;
  sealed bytea[];
begin
  for i in 1 .. cardinality(labels) loop
    sealed[i] := vault.seal(key, row_id, subject, 1, '', labels[i], plain[i]);
    place := convert_to(labels[i], 'UTF8') || '\x00'::bytea || uuid_send(row_id) || uuid_send(subject) || int8send(1);
    if vault.unpack(key, place, sealed[i]) is distinct from convert_to(plain[i], 'UTF8') then
      raise exception using errcode = 'VS500', message = 'a sealed value doesn''t open to what it was';
    end if;
  end loop;
  return sealed;
end $function$;
comment on function vault.seal_existing is 'Seals one row''s values, and opens them again before anybody clears what they were. Errors: VS404 (no key: unknown or erased), VS500, VS503.';

create function vault.search_key(ring text, master text, organisation uuid) returns bytea
language sql immutable as $function$
  select vault.derive(vault.master(ring, master), 'search/' || organisation)
$function$;
comment on function vault.search_key is NULL;

create function vault.session_aad(purpose text) returns bytea
language plpgsql stable parallel restricted as $function$
begin
  return convert_to(purpose || current_setting('vs.claims', true), 'UTF8') || int4send(pg_backend_pid()) || timestamptz_send(now());
end $function$;
comment on function vault.session_aad is NULL;

create function vault.session_secret() returns bytea
language sql immutable as $function$ select value from vault.secrets where name = 'session' $function$;
comment on function vault.session_secret is NULL;

create function vault.set_ring(ring text) returns void
language plpgsql volatile as $function$
begin
  perform set_config('vs.keys', translate(encode(vault.pack(vault.session_secret(), vault.session_aad('ring'),
    convert_to(ring, 'UTF8')), 'base64'), E'\n', ''), true);
end $function$;
comment on function vault.set_ring is NULL;

create function vault.set_slot(place text, content bytea) returns void
language plpgsql volatile as $function$
declare
  iv bytea := extensions.gen_random_bytes(16);
  sealed bytea := iv || extensions.encrypt_iv(content, substr(vault.session_secret(), 33, 32), iv, 'aes-cbc/pad:pkcs');
begin
  perform set_config('vs.slot', place || translate(encode(sealed || extensions.hmac(
    sealed || int4send(pg_backend_pid()) || timestamptz_send(now()) || convert_to(place || current_setting('vs.claims', true), 'UTF8'),
    substr(vault.session_secret(), 1, 32), 'sha256'), 'base64'), E'\n', ''), true);
end $function$;
comment on function vault.set_slot is 'Keeps a key, sealed, for this transaction, identity, patient and level. Internal.';

create function vault.source_id(ring text, organisation uuid, resource text) returns uuid
language plpgsql stable as $function$
declare
  h bytea := substr(extensions.hmac(convert_to(organisation || '/' || resource, 'UTF8'),
    vault.derive(vault.unwrap(ring, organisation, 'organisation'), 'source'), 'sha256'), 1, 16);
begin
  return encode(set_byte(set_byte(h, 6, (get_byte(h, 6) & 15) | 128), 8, (get_byte(h, 8) & 63) | 128), 'hex')::uuid;
end $function$;
comment on function vault.source_id is 'The row id of a resource that came from elsewhere, e.g. "Patient/123". Internal. Errors: VS404, VS503.';

create function vault.tg_existing__sealed() returns trigger
language plpgsql volatile as $function$
begin
  if current_user <> 'vs_owner' then
    raise exception using errcode = 'VS403',
      message = format('%I.%I is sealed by vitalsync encrypt-existing: nothing is written to it any more', tg_table_schema, tg_table_name);
  end if;
  return null;
end $function$;
comment on function vault.tg_existing__sealed is 'Before each statement that would write to a table that is being sealed.';

create function vault.tg_keys__gather() returns trigger
language plpgsql volatile as $function$
declare
  gathered text := current_setting('vs.renewed', true);
begin
  if left(gathered, 36) <> new.organisation_id::text then
    perform vault.record_renewal();
    gathered := null;
  end if;
  perform set_config('vs.renewed', coalesce(nullif(gathered, '') || ', ', new.organisation_id::text) || '"' || new.subject_id || '/' || new.level || '": "'
    || encode(sha256(convert_to(to_jsonb(new)::text, 'UTF8')), 'hex') || '"', true);
  return null;
end $function$;
comment on function vault.tg_keys__gather is NULL;

create function vault.tg_keys__keep() returns trigger
language plpgsql volatile as $function$
begin
  if (new.subject_id, new.level, new.organisation_id, new.created_at) is distinct from (old.subject_id, old.level, old.organisation_id, old.created_at)
     or (new.master = old.master and new.wrapped <> old.wrapped) then
    raise exception using errcode = 'VS403', message = 'a key is wrapped anew under another master key, and never replaced';
  end if;
  return new;
end $function$;
comment on function vault.tg_keys__keep is NULL;

create function vault.tg_keys__record() returns trigger
language plpgsql volatile as $function$
begin
  perform vault.record_renewal();
  return null;
end $function$;
comment on function vault.tg_keys__record is NULL;

create function vault.tg_masters__keep() returns trigger
language plpgsql volatile as $function$
begin
  if tg_op <> 'UPDATE' then
    raise exception using errcode = 'VS403', message = 'a master key is retired, not removed: vault.retire';
  end if;
  if (new.id, new.check_value, new.added_at) is distinct from (old.id, old.check_value, old.added_at) then
    raise exception using errcode = 'VS403', message = 'a master key stays what it is: add another one';
  end if;
  if old.retired_at is not null then
    raise exception using errcode = 'VS403', message = 'a master key that was retired stays retired: add another one';
  end if;
  return new;
end $function$;
comment on function vault.tg_masters__keep is NULL;

create function vault.tg_masters__record() returns trigger
language plpgsql volatile as $function$
begin
  if tg_op = 'INSERT' or new.current_since is distinct from old.current_since or new.active <> old.active then
    perform audit.append(array_fill(null::text, array[8]),
      case when tg_op = 'INSERT' then 'keys.add' when not new.active then 'keys.retire' else 'keys.rotate' end,
      'MasterKey', null, null, 'success',
      json_build_object('master', new.id, 'check', encode(sha256(new.check_value), 'hex'), 'current', new.current_since is not null)::text);
  end if;
  return null;
end $function$;
comment on function vault.tg_masters__record is 'In the log of the installation: keys.add, keys.rotate or keys.retire, the name, and a digest of the check value.';

create function vault.token(key bytea, kind text, value text) returns bigint
language sql immutable as $function$
  select ('x' || encode(substr(extensions.hmac(convert_to(kind || '/' || value, 'UTF8'), key, 'sha256'), 1, 4), 'hex'))::bit(32)::bigint >> 4
$function$;
comment on function vault.token is NULL;

create function vault.unpack(key bytea, aad bytea, value bytea) returns bytea
language plpgsql immutable parallel safe as $function$
begin
  if value is null then return null; end if;
  -- an unknown version or a stump has no tag, which is refused where every other failure is
  return vault.aead_decrypt(key, substr(value, 2, 16), aad, substr(value, 18, greatest(length(value) - 49, 0)),
    case when length(value) >= 65 and get_byte(value, 0) = 1 then substr(value, length(value) - 31) end);
end $function$;
comment on function vault.unpack is 'Opens a stored value. NULL stays NULL. Errors: VS500.';

create function vault.unwrap(ring text, subject uuid, level text) returns bytea
language plpgsql stable as $function$
declare
  k vault.keys;
begin
  select * into k from vault.keys v where v.subject_id = subject and v.level = unwrap.level;
  if not found then
    raise exception using errcode = 'VS404', message = 'there is no such record here';
  end if;
  return vault.unpack(vault.derive(vault.master(ring, k.master), 'wrap'), vault.wrap_aad(subject, k.level, k.master), k.wrapped);
end $function$;
comment on function vault.unwrap is 'The key itself. Internal: it checks nothing. Errors: VS404 (unknown or erased), VS500, VS503.';

create function vault.words(name text) returns text[]
language sql immutable as $function$
  -- collate: what comes out of convert_from is in "C", which has no capital É
  select coalesce(array_agg(w), '{}') from regexp_split_to_table(
    regexp_replace(replace(replace(replace(replace(lower(normalize(coalesce(name, ''), nfd) collate "default"),
      'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss'), 'ø', 'o'), '[\u0300-\u036f]', '', 'g'),
    '[^[:alnum:]]+') as w where w <> ''
$function$;
comment on function vault.words is 'The words of a name as they are searched.';

create function vault.wrap_aad(subject uuid, level text, master text) returns bytea
language plpgsql immutable parallel safe as $function$
begin
  return convert_to('vault.keys/' || level || '/' || master, 'UTF8') || '\x00'::bytea || uuid_send(subject);
end $function$;
comment on function vault.wrap_aad is NULL;

create function vault.writing_key(patient uuid, level text) returns bytea
language plpgsql volatile as $function$
declare
  c text[] := access.claims();
begin
  -- the import can seal and not open, so it needs no opening: nothing is shown to it
  if c[4] = 'import' and access.organisation_of(patient) = c[3]::uuid and iam.session_is_live(c[1]::uuid) then
    return vault.unwrap(vault.ring(), patient, level);
  end if;
  return vault.release(patient, level);
end $function$;
comment on function vault.writing_key is 'The key that a write function seals with. Internal. Errors: those of release.';

-- Triggers
CREATE TRIGGER _100_only_ends BEFORE UPDATE ON access.broken_glass FOR EACH ROW EXECUTE FUNCTION access.tg_broken_glass__only_ends();
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON access.broken_glass FOR EACH ROW EXECUTE FUNCTION audit.tg_row('BrokenGlass', 'patient_id');
CREATE TRIGGER _100_apart BEFORE INSERT OR UPDATE ON access.care_team_members FOR EACH ROW EXECUTE FUNCTION access.tg_care_team_members__apart();
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON access.care_team_members FOR EACH ROW EXECUTE FUNCTION audit.tg_row('CareTeamMember', '', 'account_id');
CREATE TRIGGER _100_apart BEFORE INSERT OR UPDATE ON access.care_team_patients FOR EACH ROW EXECUTE FUNCTION access.tg_care_team_patients__apart();
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON access.care_team_patients FOR EACH ROW EXECUTE FUNCTION audit.tg_row('CareTeamPatient', 'patient_id', 'patient_id');
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON access.care_teams FOR EACH ROW EXECUTE FUNCTION audit.tg_row('CareTeam', '');
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON access.memberships FOR EACH ROW EXECUTE FUNCTION audit.tg_row('PractitionerRole', 'patient_id');
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON access.organisations FOR EACH ROW EXECUTE FUNCTION audit.tg_row('Organization', '');
CREATE TRIGGER _100_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON audit.checkpoints FOR EACH STATEMENT EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _100_append_only BEFORE DELETE OR UPDATE ON audit.events FOR EACH ROW EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _101_no_truncate BEFORE TRUNCATE ON audit.events FOR EACH STATEMENT EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _100_append_only BEFORE DELETE OR UPDATE ON audit.events_default FOR EACH ROW EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _100_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON audit.leaves FOR EACH STATEMENT EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _100_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON audit.log FOR EACH STATEMENT EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _100_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON audit.log_origins FOR EACH STATEMENT EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _100_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON audit.nodes FOR EACH STATEMENT EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _100_keep BEFORE UPDATE ON audit.signing_keys FOR EACH ROW EXECUTE FUNCTION audit.tg_signing_keys__keep();
CREATE TRIGGER _101_no_removal BEFORE DELETE OR TRUNCATE ON audit.signing_keys FOR EACH STATEMENT EXECUTE FUNCTION audit.tg_signing_keys__keep();
CREATE TRIGGER _900_audit AFTER INSERT OR UPDATE ON audit.signing_keys FOR EACH ROW EXECUTE FUNCTION audit.tg_signing_keys__record();
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE OF password_hash, status ON iam.accounts FOR EACH ROW EXECUTE FUNCTION audit.tg_row('Person', '');
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE OF number, confirmed_at ON iam.phones FOR EACH ROW EXECUTE FUNCTION audit.tg_row('Factor', '', 'account_id');
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE OF secret, confirmed_at ON iam.totp_factors FOR EACH ROW EXECUTE FUNCTION audit.tg_row('Factor', '', 'account_id');
CREATE TRIGGER _101_no_truncate BEFORE TRUNCATE ON ops.networks FOR EACH STATEMENT EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON ops.networks FOR EACH ROW EXECUTE FUNCTION ops.tg_networks__record();
CREATE TRIGGER _100_append_only BEFORE DELETE OR UPDATE ON privacy.answers FOR EACH ROW EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _101_no_truncate BEFORE TRUNCATE ON privacy.answers FOR EACH STATEMENT EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON privacy.answers FOR EACH ROW EXECUTE FUNCTION audit.tg_row('PrivacyAnswer', '');
CREATE TRIGGER _100_append_only BEFORE DELETE OR UPDATE ON privacy.consent_texts FOR EACH ROW EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _101_no_truncate BEFORE TRUNCATE ON privacy.consent_texts FOR EACH STATEMENT EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _100_append_only BEFORE DELETE OR UPDATE ON privacy.consents FOR EACH ROW EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _101_no_truncate BEFORE TRUNCATE ON privacy.consents FOR EACH STATEMENT EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON privacy.consents FOR EACH ROW EXECUTE FUNCTION audit.tg_row('Consent', 'patient_id');
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON privacy.erasure_requests FOR EACH ROW EXECUTE FUNCTION audit.tg_row('ErasureRequest', 'patient_id');
CREATE TRIGGER _100_append_only BEFORE DELETE OR UPDATE ON privacy.erasures FOR EACH ROW EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _101_no_truncate BEFORE TRUNCATE ON privacy.erasures FOR EACH STATEMENT EXECUTE FUNCTION audit.tg_events__append_only();
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON privacy.periods FOR EACH ROW EXECUTE FUNCTION audit.tg_row('RetentionPeriod', '');
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON store.allergy_intolerances FOR EACH ROW EXECUTE FUNCTION audit.tg_row('AllergyIntolerance', 'patient_id');
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON store.conditions FOR EACH ROW EXECUTE FUNCTION audit.tg_row('Condition', 'patient_id');
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON store.encounters FOR EACH ROW EXECUTE FUNCTION audit.tg_row('Encounter', 'patient_id');
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON store.medication_requests FOR EACH ROW EXECUTE FUNCTION audit.tg_row('MedicationRequest', 'patient_id');
CREATE TRIGGER _100_immutable BEFORE UPDATE ON store.notes FOR EACH ROW EXECUTE FUNCTION store.tg_notes__immutable();
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON store.notes FOR EACH ROW EXECUTE FUNCTION audit.tg_row('Composition', 'patient_id');
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON store.observations FOR EACH ROW EXECUTE FUNCTION audit.tg_row('Observation', 'patient_id');
CREATE TRIGGER _100_version BEFORE UPDATE ON store.patients FOR EACH ROW EXECUTE FUNCTION store.tg_patients__version();
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE ON store.patients FOR EACH ROW EXECUTE FUNCTION audit.tg_row('Patient', 'id');
CREATE TRIGGER _901_audit AFTER UPDATE ON store.patients FOR EACH ROW WHEN ((new.version <> old.version)) EXECUTE FUNCTION audit.tg_row('Patient', 'id');
CREATE TRIGGER _100_only_ends BEFORE UPDATE ON store.referrals FOR EACH ROW EXECUTE FUNCTION store.tg_referrals__only_ends();
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE OR UPDATE ON store.referrals FOR EACH ROW EXECUTE FUNCTION audit.tg_row('ServiceRequest', 'patient_id');
CREATE TRIGGER _100_keep BEFORE UPDATE ON vault.keys FOR EACH ROW EXECUTE FUNCTION vault.tg_keys__keep();
CREATE TRIGGER _100_not_erased BEFORE INSERT ON vault.keys FOR EACH ROW WHEN ((new.level <> 'glass'::text)) EXECUTE FUNCTION privacy.tg_keys__not_erased();
CREATE TRIGGER _200_forget_glass AFTER DELETE ON vault.keys FOR EACH ROW WHEN ((old.level = 'identity'::text)) EXECUTE FUNCTION access.tg_keys__forget_glass();
CREATE TRIGGER _900_audit AFTER INSERT OR DELETE ON vault.keys FOR EACH ROW EXECUTE FUNCTION audit.tg_row('Key', '', 'subject_id');
CREATE TRIGGER _901_audit AFTER UPDATE ON vault.keys FOR EACH ROW EXECUTE FUNCTION vault.tg_keys__gather();
CREATE TRIGGER _902_audit AFTER UPDATE ON vault.keys FOR EACH STATEMENT EXECUTE FUNCTION vault.tg_keys__record();
CREATE TRIGGER _100_keep BEFORE DELETE OR UPDATE ON vault.masters FOR EACH ROW EXECUTE FUNCTION vault.tg_masters__keep();
CREATE TRIGGER _101_no_truncate BEFORE TRUNCATE ON vault.masters FOR EACH STATEMENT EXECUTE FUNCTION vault.tg_masters__keep();
CREATE TRIGGER _900_audit AFTER INSERT OR UPDATE ON vault.masters FOR EACH ROW EXECUTE FUNCTION vault.tg_masters__record();

-- Grants
grant usage on schema access to vs_dba;
grant usage on schema audit to vs_anon;
grant usage on schema audit to vs_auditor;
grant usage on schema audit to vs_clinician;
grant usage on schema audit to vs_dba;
grant usage on schema audit to vs_dpo;
grant usage on schema audit to vs_import;
grant usage on schema audit to vs_org_admin;
grant usage on schema audit to vs_patient;
grant usage on schema audit to vs_researcher;
grant usage on schema audit to vs_secretary;
grant usage on schema clinic to vs_anon;
grant usage on schema clinic to vs_auditor;
grant usage on schema clinic to vs_clinician;
grant usage on schema clinic to vs_dba;
grant usage on schema clinic to vs_dpo;
grant usage on schema clinic to vs_import;
grant usage on schema clinic to vs_org_admin;
grant usage on schema clinic to vs_patient;
grant usage on schema clinic to vs_researcher;
grant usage on schema clinic to vs_secretary;
grant usage on schema iam to vs_anon;
grant usage on schema iam to vs_auditor;
grant usage on schema iam to vs_clinician;
grant usage on schema iam to vs_dba;
grant usage on schema iam to vs_dpo;
grant usage on schema iam to vs_edge;
grant usage on schema iam to vs_gate;
grant usage on schema iam to vs_import;
grant usage on schema iam to vs_org_admin;
grant usage on schema iam to vs_patient;
grant usage on schema iam to vs_researcher;
grant usage on schema iam to vs_secretary;
grant usage on schema ops to vs_anon;
grant usage on schema ops to vs_auditor;
grant usage on schema ops to vs_clinician;
grant usage on schema ops to vs_dba;
grant usage on schema ops to vs_dpo;
grant usage on schema ops to vs_gate;
grant usage on schema ops to vs_org_admin;
grant usage on schema ops to vs_patient;
grant usage on schema ops to vs_researcher;
grant usage on schema ops to vs_secretary;
grant usage on schema privacy to vs_dba;
grant usage on schema store to vs_dba;
grant usage on schema vault to vs_dba;
grant select on access.broken_glass to vs_clinician;
grant select on access.broken_glass to vs_dba;
grant select on access.broken_glass to vs_dpo;
grant select on access.broken_glass to vs_org_admin;
grant select on access.broken_glass to vs_patient;
grant select on access.care_team_members to vs_dba;
grant select on access.care_team_members to vs_org_admin;
grant select on access.care_team_patients to vs_dba;
grant select on access.care_team_patients to vs_org_admin;
grant select on access.care_teams to vs_dba;
grant select on access.care_teams to vs_org_admin;
grant select on access.emergency_searches to vs_dba;
grant select on access.memberships to vs_dba;
grant select on access.organisations to vs_dba;
grant select on audit.checkpoints to vs_dba;
grant select on audit.events to vs_dba;
grant select on audit.events (actor_id) to vs_auditor;
grant select on audit.events (actor_id) to vs_patient;
grant select on audit.events (actor_role) to vs_auditor;
grant select on audit.events (actor_role) to vs_patient;
grant select on audit.events (at) to vs_auditor;
grant select on audit.events (at) to vs_patient;
grant select on audit.events (details) to vs_auditor;
grant select on audit.events (event) to vs_auditor;
grant select on audit.events (event) to vs_patient;
grant select on audit.events (id) to vs_auditor;
grant select on audit.events (id) to vs_patient;
grant select on audit.events (lane) to vs_auditor;
grant select on audit.events (leaf) to vs_auditor;
grant select on audit.events (organisation_id) to vs_auditor;
grant select on audit.events (origin_id) to vs_auditor;
grant select on audit.events (outcome) to vs_auditor;
grant select on audit.events (outcome) to vs_patient;
grant select on audit.events (patient_id) to vs_auditor;
grant select on audit.events (patient_id) to vs_patient;
grant select on audit.events (resource_id) to vs_auditor;
grant select on audit.events (resource_type) to vs_auditor;
grant select on audit.events (resource_type) to vs_patient;
grant select on audit.events (seq) to vs_auditor;
grant select on audit.events (session_id) to vs_auditor;
grant select on audit.events (shown) to vs_auditor;
grant select on audit.events_default to vs_dba;
grant select on audit.exports to vs_dba;
grant select on audit.lanes to vs_dba;
grant select on audit.leaves to vs_dba;
grant select on audit.log to vs_dba;
grant select on audit.log_origins to vs_dba;
grant select on audit.nodes to vs_dba;
grant select on audit.openings to vs_dba;
grant select on audit.origins to vs_dba;
grant select on audit.pruned to vs_dba;
grant select on audit.selections to vs_dba;
grant select on audit.signing_keys to vs_dba;
grant select on clinic.accounts to vs_dba;
grant select on clinic.accounts to vs_org_admin;
grant select on clinic.allergy_intolerances to vs_clinician;
grant select on clinic.allergy_intolerances to vs_dba;
grant select on clinic.allergy_intolerances to vs_patient;
grant select on clinic.allergy_status to vs_clinician;
grant select on clinic.allergy_status to vs_dba;
grant select on clinic.allergy_status to vs_patient;
grant select on clinic.audit_events to vs_auditor;
grant select on clinic.audit_events to vs_dba;
grant select on clinic.broken_glass to vs_clinician;
grant select on clinic.broken_glass to vs_dba;
grant select on clinic.broken_glass to vs_dpo;
grant select on clinic.broken_glass to vs_org_admin;
grant select on clinic.broken_glass to vs_patient;
grant select on clinic.care_teams to vs_dba;
grant select on clinic.care_teams to vs_org_admin;
grant select on clinic.colleagues to vs_clinician;
grant select on clinic.colleagues to vs_dba;
grant select on clinic.colleagues to vs_org_admin;
grant select on clinic.conditions to vs_clinician;
grant select on clinic.conditions to vs_dba;
grant select on clinic.conditions to vs_patient;
grant select on clinic.consent_counts to vs_dba;
grant select on clinic.consent_counts to vs_dpo;
grant select on clinic.consent_history to vs_dba;
grant select on clinic.consent_history to vs_patient;
grant select on clinic.consent_proofs to vs_dba;
grant select on clinic.consent_proofs to vs_dpo;
grant select on clinic.consents to vs_dba;
grant select on clinic.consents to vs_patient;
grant select on clinic.encounters to vs_clinician;
grant select on clinic.encounters to vs_dba;
grant select on clinic.encounters to vs_patient;
grant select on clinic.erasure_requests to vs_dba;
grant select on clinic.erasure_requests to vs_dpo;
grant select on clinic.me to vs_auditor;
grant select on clinic.me to vs_clinician;
grant select on clinic.me to vs_dba;
grant select on clinic.me to vs_dpo;
grant select on clinic.me to vs_org_admin;
grant select on clinic.me to vs_patient;
grant select on clinic.me to vs_researcher;
grant select on clinic.me to vs_secretary;
grant select on clinic.medication_requests to vs_clinician;
grant select on clinic.medication_requests to vs_dba;
grant select on clinic.medication_requests to vs_patient;
grant select on clinic.notes to vs_clinician;
grant select on clinic.notes to vs_dba;
grant select on clinic.notes to vs_patient;
grant select on clinic.observations to vs_clinician;
grant select on clinic.observations to vs_dba;
grant select on clinic.observations to vs_patient;
grant select on clinic.own_factors to vs_auditor;
grant select on clinic.own_factors to vs_clinician;
grant select on clinic.own_factors to vs_dba;
grant select on clinic.own_factors to vs_dpo;
grant select on clinic.own_factors to vs_org_admin;
grant select on clinic.own_factors to vs_patient;
grant select on clinic.own_factors to vs_researcher;
grant select on clinic.own_factors to vs_secretary;
grant select on clinic.own_sessions to vs_auditor;
grant select on clinic.own_sessions to vs_clinician;
grant select on clinic.own_sessions to vs_dba;
grant select on clinic.own_sessions to vs_dpo;
grant select on clinic.own_sessions to vs_org_admin;
grant select on clinic.own_sessions to vs_patient;
grant select on clinic.own_sessions to vs_researcher;
grant select on clinic.own_sessions to vs_secretary;
grant select on clinic.own_sign_ins to vs_auditor;
grant select on clinic.own_sign_ins to vs_clinician;
grant select on clinic.own_sign_ins to vs_dba;
grant select on clinic.own_sign_ins to vs_dpo;
grant select on clinic.own_sign_ins to vs_org_admin;
grant select on clinic.own_sign_ins to vs_patient;
grant select on clinic.own_sign_ins to vs_researcher;
grant select on clinic.own_sign_ins to vs_secretary;
grant select on clinic.patient_names to vs_clinician;
grant select on clinic.patient_names to vs_dba;
grant select on clinic.patient_names to vs_patient;
grant select on clinic.patient_names to vs_secretary;
grant select on clinic.patients to vs_clinician;
grant select on clinic.patients to vs_dba;
grant select on clinic.patients to vs_patient;
grant select on clinic.patients to vs_secretary;
grant select on clinic.privacy_tasks to vs_dba;
grant select on clinic.privacy_tasks to vs_dpo;
grant select on clinic.record_accesses to vs_dba;
grant select on clinic.record_accesses to vs_patient;
grant select on clinic.recoveries to vs_dba;
grant select on clinic.recoveries to vs_org_admin;
grant select on clinic.recoveries to vs_secretary;
grant select on clinic.referral_periods to vs_dba;
grant select on clinic.referral_periods to vs_org_admin;
grant select on clinic.referrals to vs_clinician;
grant select on clinic.referrals to vs_dba;
grant select on clinic.referrals to vs_patient;
grant select on clinic.security to vs_dba;
grant select on clinic.security to vs_org_admin;
grant select on clinic.unusual_sign_ins to vs_dba;
grant select on clinic.unusual_sign_ins to vs_org_admin;
grant select on clinic.withdrawals to vs_dba;
grant select on clinic.withdrawals to vs_dpo;
grant select on iam.accounts to vs_dba;
grant select on iam.address_changes to vs_dba;
grant select on iam.challenges to vs_dba;
grant select on iam.devices to vs_dba;
grant select on iam.former_names to vs_dba;
grant select on iam.hosts to vs_dba;
grant select on iam.invitations to vs_dba;
grant select on iam.old_tokens to vs_dba;
grant select on iam.passkeys to vs_dba;
grant select on iam.phones to vs_dba;
grant select on iam.recoveries to vs_dba;
grant select on iam.recovery_codes to vs_dba;
grant select on iam.registering to vs_dba;
grant select on iam.registration_links to vs_dba;
grant select on iam.registrations to vs_dba;
grant select on iam.sent_codes to vs_dba;
grant select on iam.sessions to vs_dba;
grant select on iam.sign_ins to vs_dba;
grant select on iam.totp_enrolments to vs_dba;
grant select on iam.totp_factors to vs_dba;
grant select on ops.delays to vs_dba;
grant select on ops.deliveries to vs_dba;
grant select on ops.hashing to vs_dba;
grant select on ops.intents to vs_dba;
grant select on ops.limits to vs_dba;
grant select on ops.networks to vs_dba;
grant select on ops.networks_in_force to vs_dba;
grant select on ops.outbox to vs_dba;
grant select on ops.service to vs_dba;
grant select on ops.traffic to vs_dba;
grant select on ops.tries to vs_dba;
grant select on ops.unrecorded to vs_dba;
grant select on ops.unusual to vs_dba;
grant select on privacy.answers to vs_dba;
grant select on privacy.consent_texts to vs_dba;
grant select on privacy.consents to vs_dba;
grant select on privacy.consents (at) to vs_dpo;
grant select on privacy.consents (at) to vs_patient;
grant select on privacy.consents (given) to vs_dpo;
grant select on privacy.consents (given) to vs_patient;
grant select on privacy.consents (id) to vs_dpo;
grant select on privacy.consents (id) to vs_patient;
grant select on privacy.consents (patient_id) to vs_dpo;
grant select on privacy.consents (patient_id) to vs_patient;
grant select on privacy.consents (text_hash) to vs_dpo;
grant select on privacy.consents (text_hash) to vs_patient;
grant select on privacy.consents (type) to vs_dpo;
grant select on privacy.consents (type) to vs_patient;
grant select on privacy.erasure_requests to vs_dba;
grant select on privacy.erasures to vs_dba;
grant select on privacy.periods to vs_dba;
grant select on store.allergy_intolerances to vs_clinician;
grant select on store.allergy_intolerances to vs_dba;
grant select on store.allergy_intolerances to vs_patient;
grant select on store.conditions to vs_clinician;
grant select on store.conditions to vs_dba;
grant select on store.conditions to vs_patient;
grant select on store.encounters to vs_clinician;
grant select on store.encounters to vs_dba;
grant select on store.encounters to vs_patient;
grant select on store.medication_requests to vs_clinician;
grant select on store.medication_requests to vs_dba;
grant select on store.medication_requests to vs_patient;
grant select on store.notes to vs_clinician;
grant select on store.notes to vs_dba;
grant select on store.notes to vs_patient;
grant select on store.observations to vs_clinician;
grant select on store.observations to vs_dba;
grant select on store.observations to vs_patient;
grant select on store.patients to vs_clinician;
grant select on store.patients to vs_dba;
grant select on store.patients to vs_patient;
grant select on store.patients to vs_secretary;
grant select on store.referrals to vs_clinician;
grant select on store.referrals to vs_dba;
grant select on store.referrals to vs_patient;
grant select on store.referrals (ended_by) to vs_org_admin;
grant select on store.referrals (id) to vs_org_admin;
grant select on store.referrals (organisation_id) to vs_org_admin;
grant select on store.referrals (patient_id) to vs_org_admin;
grant select on store.referrals (performer_id) to vs_org_admin;
grant select on store.referrals (priority) to vs_org_admin;
grant select on store.referrals (requester_id) to vs_org_admin;
grant select on store.referrals (valid_from) to vs_org_admin;
grant select on store.referrals (valid_until) to vs_org_admin;
grant select on vault.existing_columns to vs_dba;
grant select on vault.existing_tables to vs_dba;
grant select on vault.keys to vs_dba;
grant select on vault.masters to vs_dba;
grant select on vault.rings to vs_dba;
grant select on vault.search_tokens to vs_dba;
grant select on vault.secrets to vs_dba;
grant execute on function access.account_id() to vs_auditor;
grant execute on function access.account_id() to vs_clinician;
grant execute on function access.account_id() to vs_dpo;
grant execute on function access.account_id() to vs_import;
grant execute on function access.account_id() to vs_org_admin;
grant execute on function access.account_id() to vs_patient;
grant execute on function access.account_id() to vs_researcher;
grant execute on function access.account_id() to vs_secretary;
grant execute on function access.explain(account uuid, patient uuid) to vs_dba;
grant execute on function access.organisation_as(role text) to vs_auditor;
grant execute on function access.organisation_as(role text) to vs_clinician;
grant execute on function access.organisation_as(role text) to vs_dpo;
grant execute on function access.organisation_as(role text) to vs_import;
grant execute on function access.organisation_as(role text) to vs_org_admin;
grant execute on function access.organisation_as(role text) to vs_patient;
grant execute on function access.organisation_as(role text) to vs_researcher;
grant execute on function access.organisation_as(role text) to vs_secretary;
grant execute on function access.organisation_id() to vs_auditor;
grant execute on function access.organisation_id() to vs_clinician;
grant execute on function access.organisation_id() to vs_dpo;
grant execute on function access.organisation_id() to vs_import;
grant execute on function access.organisation_id() to vs_org_admin;
grant execute on function access.organisation_id() to vs_patient;
grant execute on function access.organisation_id() to vs_researcher;
grant execute on function access.organisation_id() to vs_secretary;
grant execute on function access.patients(role text) to vs_clinician;
grant execute on function access.patients(role text) to vs_patient;
grant execute on function access.policies_for(acting text) to vs_dba;
grant execute on function access.role() to vs_auditor;
grant execute on function access.role() to vs_clinician;
grant execute on function access.role() to vs_dpo;
grant execute on function access.role() to vs_import;
grant execute on function access.role() to vs_org_admin;
grant execute on function access.role() to vs_patient;
grant execute on function access.role() to vs_researcher;
grant execute on function access.role() to vs_secretary;
grant execute on function access.who_can_see(patient uuid) to vs_dba;
grant execute on function audit.begin_export(export uuid, criteria jsonb, format text) to vs_anon;
grant execute on function audit.begin_export(export uuid, criteria jsonb, format text) to vs_auditor;
grant execute on function audit.begin_export(export uuid, criteria jsonb, format text) to vs_clinician;
grant execute on function audit.begin_export(export uuid, criteria jsonb, format text) to vs_dpo;
grant execute on function audit.begin_export(export uuid, criteria jsonb, format text) to vs_org_admin;
grant execute on function audit.begin_export(export uuid, criteria jsonb, format text) to vs_patient;
grant execute on function audit.begin_export(export uuid, criteria jsonb, format text) to vs_researcher;
grant execute on function audit.begin_export(export uuid, criteria jsonb, format text) to vs_secretary;
grant execute on function audit.break_glass(glass uuid, search uuid, kind text, reason text) to vs_anon;
grant execute on function audit.break_glass(glass uuid, search uuid, kind text, reason text) to vs_auditor;
grant execute on function audit.break_glass(glass uuid, search uuid, kind text, reason text) to vs_clinician;
grant execute on function audit.break_glass(glass uuid, search uuid, kind text, reason text) to vs_dpo;
grant execute on function audit.break_glass(glass uuid, search uuid, kind text, reason text) to vs_org_admin;
grant execute on function audit.break_glass(glass uuid, search uuid, kind text, reason text) to vs_patient;
grant execute on function audit.break_glass(glass uuid, search uuid, kind text, reason text) to vs_researcher;
grant execute on function audit.break_glass(glass uuid, search uuid, kind text, reason text) to vs_secretary;
grant execute on function audit.check_tree(generation integer, size bigint) to vs_dba;
grant execute on function audit.confirm_recovery(recovery uuid, code text) to vs_anon;
grant execute on function audit.confirm_recovery(recovery uuid, code text) to vs_auditor;
grant execute on function audit.confirm_recovery(recovery uuid, code text) to vs_clinician;
grant execute on function audit.confirm_recovery(recovery uuid, code text) to vs_dpo;
grant execute on function audit.confirm_recovery(recovery uuid, code text) to vs_org_admin;
grant execute on function audit.confirm_recovery(recovery uuid, code text) to vs_patient;
grant execute on function audit.confirm_recovery(recovery uuid, code text) to vs_researcher;
grant execute on function audit.confirm_recovery(recovery uuid, code text) to vs_secretary;
grant execute on function audit.consistency_proof(old_size bigint, new_size bigint, generation integer) to vs_dba;
grant execute on function audit.count_events(criteria jsonb) to vs_auditor;
grant execute on function audit.export_events(export uuid, criteria jsonb) to vs_auditor;
grant execute on function audit.fold_hashes(hashes bytea[]) to vs_dba;
grant execute on function audit.growing_lanes() to vs_dba;
grant execute on function audit.heads() to vs_auditor;
grant execute on function audit.inclusion_proof(leaf_index bigint, size bigint, generation integer) to vs_dba;
grant execute on function audit.last_checkpoint() to vs_auditor;
grant execute on function audit.leaf_hash(leaf text) to vs_dba;
grant execute on function audit.log_generation() to vs_dba;
grant execute on function audit.log_size(generation integer) to vs_dba;
grant execute on function audit.open_accounts() to vs_anon;
grant execute on function audit.open_accounts() to vs_auditor;
grant execute on function audit.open_accounts() to vs_clinician;
grant execute on function audit.open_accounts() to vs_dpo;
grant execute on function audit.open_accounts() to vs_org_admin;
grant execute on function audit.open_accounts() to vs_patient;
grant execute on function audit.open_accounts() to vs_researcher;
grant execute on function audit.open_accounts() to vs_secretary;
grant execute on function audit.open_broken_glass() to vs_anon;
grant execute on function audit.open_broken_glass() to vs_auditor;
grant execute on function audit.open_broken_glass() to vs_clinician;
grant execute on function audit.open_broken_glass() to vs_dpo;
grant execute on function audit.open_broken_glass() to vs_org_admin;
grant execute on function audit.open_broken_glass() to vs_patient;
grant execute on function audit.open_broken_glass() to vs_researcher;
grant execute on function audit.open_broken_glass() to vs_secretary;
grant execute on function audit.open_consent_proof(consent uuid) to vs_anon;
grant execute on function audit.open_consent_proof(consent uuid) to vs_auditor;
grant execute on function audit.open_consent_proof(consent uuid) to vs_clinician;
grant execute on function audit.open_consent_proof(consent uuid) to vs_dpo;
grant execute on function audit.open_consent_proof(consent uuid) to vs_org_admin;
grant execute on function audit.open_consent_proof(consent uuid) to vs_patient;
grant execute on function audit.open_consent_proof(consent uuid) to vs_researcher;
grant execute on function audit.open_consent_proof(consent uuid) to vs_secretary;
grant execute on function audit.open_consents() to vs_anon;
grant execute on function audit.open_consents() to vs_auditor;
grant execute on function audit.open_consents() to vs_clinician;
grant execute on function audit.open_consents() to vs_dpo;
grant execute on function audit.open_consents() to vs_org_admin;
grant execute on function audit.open_consents() to vs_patient;
grant execute on function audit.open_consents() to vs_researcher;
grant execute on function audit.open_consents() to vs_secretary;
grant execute on function audit.open_emergency_search(search uuid, birth_name text, birth_date text, first_given_name text, ins text) to vs_anon;
grant execute on function audit.open_emergency_search(search uuid, birth_name text, birth_date text, first_given_name text, ins text) to vs_auditor;
grant execute on function audit.open_emergency_search(search uuid, birth_name text, birth_date text, first_given_name text, ins text) to vs_clinician;
grant execute on function audit.open_emergency_search(search uuid, birth_name text, birth_date text, first_given_name text, ins text) to vs_dpo;
grant execute on function audit.open_emergency_search(search uuid, birth_name text, birth_date text, first_given_name text, ins text) to vs_org_admin;
grant execute on function audit.open_emergency_search(search uuid, birth_name text, birth_date text, first_given_name text, ins text) to vs_patient;
grant execute on function audit.open_emergency_search(search uuid, birth_name text, birth_date text, first_given_name text, ins text) to vs_researcher;
grant execute on function audit.open_emergency_search(search uuid, birth_name text, birth_date text, first_given_name text, ins text) to vs_secretary;
grant execute on function audit.open_export() to vs_anon;
grant execute on function audit.open_export() to vs_auditor;
grant execute on function audit.open_export() to vs_clinician;
grant execute on function audit.open_export() to vs_dpo;
grant execute on function audit.open_export() to vs_org_admin;
grant execute on function audit.open_export() to vs_patient;
grant execute on function audit.open_export() to vs_researcher;
grant execute on function audit.open_export() to vs_secretary;
grant execute on function audit.open_home() to vs_anon;
grant execute on function audit.open_home() to vs_auditor;
grant execute on function audit.open_home() to vs_clinician;
grant execute on function audit.open_home() to vs_dpo;
grant execute on function audit.open_home() to vs_org_admin;
grant execute on function audit.open_home() to vs_patient;
grant execute on function audit.open_home() to vs_researcher;
grant execute on function audit.open_home() to vs_secretary;
grant execute on function audit.open_log() to vs_anon;
grant execute on function audit.open_log() to vs_auditor;
grant execute on function audit.open_log() to vs_clinician;
grant execute on function audit.open_log() to vs_dpo;
grant execute on function audit.open_log() to vs_org_admin;
grant execute on function audit.open_log() to vs_patient;
grant execute on function audit.open_log() to vs_researcher;
grant execute on function audit.open_log() to vs_secretary;
grant execute on function audit.open_own_record() to vs_anon;
grant execute on function audit.open_own_record() to vs_auditor;
grant execute on function audit.open_own_record() to vs_clinician;
grant execute on function audit.open_own_record() to vs_dpo;
grant execute on function audit.open_own_record() to vs_org_admin;
grant execute on function audit.open_own_record() to vs_patient;
grant execute on function audit.open_own_record() to vs_researcher;
grant execute on function audit.open_own_record() to vs_secretary;
grant execute on function audit.open_patient(patient uuid) to vs_anon;
grant execute on function audit.open_patient(patient uuid) to vs_auditor;
grant execute on function audit.open_patient(patient uuid) to vs_clinician;
grant execute on function audit.open_patient(patient uuid) to vs_dpo;
grant execute on function audit.open_patient(patient uuid) to vs_import;
grant execute on function audit.open_patient(patient uuid) to vs_org_admin;
grant execute on function audit.open_patient(patient uuid) to vs_patient;
grant execute on function audit.open_patient(patient uuid) to vs_researcher;
grant execute on function audit.open_patient(patient uuid) to vs_secretary;
grant execute on function audit.open_patient_list(selection uuid) to vs_anon;
grant execute on function audit.open_patient_list(selection uuid) to vs_auditor;
grant execute on function audit.open_patient_list(selection uuid) to vs_clinician;
grant execute on function audit.open_patient_list(selection uuid) to vs_dpo;
grant execute on function audit.open_patient_list(selection uuid) to vs_org_admin;
grant execute on function audit.open_patient_list(selection uuid) to vs_patient;
grant execute on function audit.open_patient_list(selection uuid) to vs_researcher;
grant execute on function audit.open_patient_list(selection uuid) to vs_secretary;
grant execute on function audit.open_patient_search(selection uuid, name text, birth_date text) to vs_anon;
grant execute on function audit.open_patient_search(selection uuid, name text, birth_date text) to vs_auditor;
grant execute on function audit.open_patient_search(selection uuid, name text, birth_date text) to vs_clinician;
grant execute on function audit.open_patient_search(selection uuid, name text, birth_date text) to vs_dpo;
grant execute on function audit.open_patient_search(selection uuid, name text, birth_date text) to vs_org_admin;
grant execute on function audit.open_patient_search(selection uuid, name text, birth_date text) to vs_patient;
grant execute on function audit.open_patient_search(selection uuid, name text, birth_date text) to vs_researcher;
grant execute on function audit.open_patient_search(selection uuid, name text, birth_date text) to vs_secretary;
grant execute on function audit.open_privacy() to vs_anon;
grant execute on function audit.open_privacy() to vs_auditor;
grant execute on function audit.open_privacy() to vs_clinician;
grant execute on function audit.open_privacy() to vs_dpo;
grant execute on function audit.open_privacy() to vs_org_admin;
grant execute on function audit.open_privacy() to vs_patient;
grant execute on function audit.open_privacy() to vs_researcher;
grant execute on function audit.open_privacy() to vs_secretary;
grant execute on function audit.open_recoveries() to vs_anon;
grant execute on function audit.open_recoveries() to vs_auditor;
grant execute on function audit.open_recoveries() to vs_clinician;
grant execute on function audit.open_recoveries() to vs_dpo;
grant execute on function audit.open_recoveries() to vs_org_admin;
grant execute on function audit.open_recoveries() to vs_patient;
grant execute on function audit.open_recoveries() to vs_researcher;
grant execute on function audit.open_recoveries() to vs_secretary;
grant execute on function audit.open_sign_ins() to vs_anon;
grant execute on function audit.open_sign_ins() to vs_auditor;
grant execute on function audit.open_sign_ins() to vs_clinician;
grant execute on function audit.open_sign_ins() to vs_dpo;
grant execute on function audit.open_sign_ins() to vs_org_admin;
grant execute on function audit.open_sign_ins() to vs_patient;
grant execute on function audit.open_sign_ins() to vs_researcher;
grant execute on function audit.open_sign_ins() to vs_secretary;
grant execute on function audit.open_verification() to vs_anon;
grant execute on function audit.open_verification() to vs_auditor;
grant execute on function audit.open_verification() to vs_clinician;
grant execute on function audit.open_verification() to vs_dpo;
grant execute on function audit.open_verification() to vs_org_admin;
grant execute on function audit.open_verification() to vs_patient;
grant execute on function audit.open_verification() to vs_researcher;
grant execute on function audit.open_verification() to vs_secretary;
grant execute on function audit.read_lists() to vs_patient;
grant execute on function audit.read_origin(origin uuid) to vs_auditor;
grant execute on function audit.record_refusal(patient uuid, sqlstate text) to vs_anon;
grant execute on function audit.record_refusal(patient uuid, sqlstate text) to vs_auditor;
grant execute on function audit.record_refusal(patient uuid, sqlstate text) to vs_clinician;
grant execute on function audit.record_refusal(patient uuid, sqlstate text) to vs_dpo;
grant execute on function audit.record_refusal(patient uuid, sqlstate text) to vs_org_admin;
grant execute on function audit.record_refusal(patient uuid, sqlstate text) to vs_patient;
grant execute on function audit.record_refusal(patient uuid, sqlstate text) to vs_researcher;
grant execute on function audit.record_refusal(patient uuid, sqlstate text) to vs_secretary;
grant execute on function audit.reject_recovery(recovery uuid) to vs_anon;
grant execute on function audit.reject_recovery(recovery uuid) to vs_auditor;
grant execute on function audit.reject_recovery(recovery uuid) to vs_clinician;
grant execute on function audit.reject_recovery(recovery uuid) to vs_dpo;
grant execute on function audit.reject_recovery(recovery uuid) to vs_org_admin;
grant execute on function audit.reject_recovery(recovery uuid) to vs_patient;
grant execute on function audit.reject_recovery(recovery uuid) to vs_researcher;
grant execute on function audit.reject_recovery(recovery uuid) to vs_secretary;
grant execute on function audit.root(size bigint, generation integer) to vs_dba;
grant execute on function audit.selected(selection uuid) to vs_clinician;
grant execute on function audit.selected(selection uuid) to vs_secretary;
grant execute on function audit.stuck_lanes() to vs_dba;
grant execute on function audit.subtree(generation integer, level integer, node_index bigint) to vs_dba;
grant execute on function audit.tree_hash(generation integer, first bigint, past bigint) to vs_dba;
grant execute on function audit.tree_split(leaves bigint) to vs_dba;
grant execute on function audit.verify() to vs_auditor;
grant execute on function audit.verify_all() to vs_dba;
grant execute on function audit.verify_log() to vs_dba;
grant execute on function audit.verify_restart(generation integer) to vs_dba;
grant execute on function audit.waiting_events() to vs_dba;
grant execute on function clinic.acknowledge_glass(key uuid, glass uuid) to vs_dpo;
grant execute on function clinic.acknowledge_glass(key uuid, glass uuid) to vs_org_admin;
grant execute on function clinic.add_care_team_member(key uuid, team uuid, account uuid, role text, starts timestamp with time zone, ends timestamp with time zone) to vs_org_admin;
grant execute on function clinic.add_care_team_patient(key uuid, team uuid, patient uuid, starts timestamp with time zone, ends timestamp with time zone) to vs_org_admin;
grant execute on function clinic.answer_request(key uuid, request uuid, answer text) to vs_dpo;
grant execute on function clinic.change_consent(key uuid, type text, given boolean, hash text) to vs_patient;
grant execute on function clinic.change_own_name(key uuid, family_name text, given_name text) to vs_auditor;
grant execute on function clinic.change_own_name(key uuid, family_name text, given_name text) to vs_clinician;
grant execute on function clinic.change_own_name(key uuid, family_name text, given_name text) to vs_dpo;
grant execute on function clinic.change_own_name(key uuid, family_name text, given_name text) to vs_org_admin;
grant execute on function clinic.change_own_name(key uuid, family_name text, given_name text) to vs_patient;
grant execute on function clinic.change_own_name(key uuid, family_name text, given_name text) to vs_researcher;
grant execute on function clinic.change_own_name(key uuid, family_name text, given_name text) to vs_secretary;
grant execute on function clinic.change_registration(key uuid, registration text) to vs_org_admin;
grant execute on function clinic.change_role(key uuid, account uuid, role text) to vs_org_admin;
grant execute on function clinic.change_security(key uuid, notice_from integer, stop_from integer, email_codes boolean, sms_codes boolean) to vs_org_admin;
grant execute on function clinic.consent_proof(consent uuid) to vs_dpo;
grant execute on function clinic.consent_proof(consent uuid) to vs_patient;
grant execute on function clinic.correct_name(key uuid, account uuid, profile jsonb) to vs_org_admin;
grant execute on function clinic.create_care_team(key uuid, lead uuid) to vs_org_admin;
grant execute on function clinic.disown_sign_in(key uuid, sign_in uuid) to vs_auditor;
grant execute on function clinic.disown_sign_in(key uuid, sign_in uuid) to vs_clinician;
grant execute on function clinic.disown_sign_in(key uuid, sign_in uuid) to vs_dpo;
grant execute on function clinic.disown_sign_in(key uuid, sign_in uuid) to vs_org_admin;
grant execute on function clinic.disown_sign_in(key uuid, sign_in uuid) to vs_patient;
grant execute on function clinic.disown_sign_in(key uuid, sign_in uuid) to vs_researcher;
grant execute on function clinic.disown_sign_in(key uuid, sign_in uuid) to vs_secretary;
grant execute on function clinic.end_all_sessions(key uuid) to vs_org_admin;
grant execute on function clinic.end_care_team_member(key uuid, stay uuid) to vs_org_admin;
grant execute on function clinic.end_care_team_patient(key uuid, place uuid) to vs_org_admin;
grant execute on function clinic.end_glass(key uuid, glass uuid) to vs_clinician;
grant execute on function clinic.end_glass(key uuid, glass uuid) to vs_dpo;
grant execute on function clinic.end_glass(key uuid, glass uuid) to vs_org_admin;
grant execute on function clinic.end_membership(key uuid, account uuid) to vs_org_admin;
grant execute on function clinic.end_other_sessions(key uuid) to vs_auditor;
grant execute on function clinic.end_other_sessions(key uuid) to vs_clinician;
grant execute on function clinic.end_other_sessions(key uuid) to vs_dpo;
grant execute on function clinic.end_other_sessions(key uuid) to vs_org_admin;
grant execute on function clinic.end_other_sessions(key uuid) to vs_patient;
grant execute on function clinic.end_other_sessions(key uuid) to vs_researcher;
grant execute on function clinic.end_other_sessions(key uuid) to vs_secretary;
grant execute on function clinic.end_own_session(key uuid, session uuid) to vs_auditor;
grant execute on function clinic.end_own_session(key uuid, session uuid) to vs_clinician;
grant execute on function clinic.end_own_session(key uuid, session uuid) to vs_dpo;
grant execute on function clinic.end_own_session(key uuid, session uuid) to vs_org_admin;
grant execute on function clinic.end_own_session(key uuid, session uuid) to vs_patient;
grant execute on function clinic.end_own_session(key uuid, session uuid) to vs_researcher;
grant execute on function clinic.end_own_session(key uuid, session uuid) to vs_secretary;
grant execute on function clinic.end_referral(key uuid, referral uuid) to vs_clinician;
grant execute on function clinic.end_referral(key uuid, referral uuid) to vs_org_admin;
grant execute on function clinic.end_sessions_of(key uuid, account uuid) to vs_org_admin;
grant execute on function clinic.erasure_certificate(request uuid) to vs_dpo;
grant execute on function clinic.glass_reason(glass uuid) to vs_clinician;
grant execute on function clinic.glass_reason(glass uuid) to vs_dpo;
grant execute on function clinic.glass_reason(glass uuid) to vs_org_admin;
grant execute on function clinic.glass_reason(glass uuid) to vs_patient;
grant execute on function clinic.import_patient(p jsonb, OUT id uuid, OUT taken boolean) to vs_import;
grant execute on function clinic.import_rows(patient uuid, type text, rows jsonb) to vs_import;
grant execute on function clinic.invite_member(key uuid, role text, email text, profile jsonb, lang text) to vs_org_admin;
grant execute on function clinic.invite_patient(key uuid, patient uuid, email text, lang text) to vs_clinician;
grant execute on function clinic.invite_patient(key uuid, patient uuid, email text, lang text) to vs_secretary;
grant execute on function clinic.make_referral(key uuid, patient uuid, performer uuid, priority text, reason text, until timestamp with time zone) to vs_clinician;
grant execute on function clinic.open_profile(account uuid, row_id uuid, labels bytea[], sealed bytea[]) to vs_auditor;
grant execute on function clinic.open_profile(account uuid, row_id uuid, labels bytea[], sealed bytea[]) to vs_clinician;
grant execute on function clinic.open_profile(account uuid, row_id uuid, labels bytea[], sealed bytea[]) to vs_dpo;
grant execute on function clinic.open_profile(account uuid, row_id uuid, labels bytea[], sealed bytea[]) to vs_org_admin;
grant execute on function clinic.open_profile(account uuid, row_id uuid, labels bytea[], sealed bytea[]) to vs_patient;
grant execute on function clinic.open_profile(account uuid, row_id uuid, labels bytea[], sealed bytea[]) to vs_researcher;
grant execute on function clinic.open_profile(account uuid, row_id uuid, labels bytea[], sealed bytea[]) to vs_secretary;
grant execute on function clinic.read_accounts() to vs_org_admin;
grant execute on function clinic.read_colleagues() to vs_clinician;
grant execute on function clinic.read_colleagues() to vs_org_admin;
grant execute on function clinic.read_consent_counts() to vs_dpo;
grant execute on function clinic.read_consents() to vs_patient;
grant execute on function clinic.read_emergency_search(search uuid) to vs_clinician;
grant execute on function clinic.read_erasure_requests() to vs_dpo;
grant execute on function clinic.read_me() to vs_auditor;
grant execute on function clinic.read_me() to vs_clinician;
grant execute on function clinic.read_me() to vs_dpo;
grant execute on function clinic.read_me() to vs_org_admin;
grant execute on function clinic.read_me() to vs_patient;
grant execute on function clinic.read_me() to vs_researcher;
grant execute on function clinic.read_me() to vs_secretary;
grant execute on function clinic.read_name(account uuid) to vs_org_admin;
grant execute on function clinic.read_own_name() to vs_auditor;
grant execute on function clinic.read_own_name() to vs_clinician;
grant execute on function clinic.read_own_name() to vs_dpo;
grant execute on function clinic.read_own_name() to vs_org_admin;
grant execute on function clinic.read_own_name() to vs_patient;
grant execute on function clinic.read_own_name() to vs_researcher;
grant execute on function clinic.read_own_name() to vs_secretary;
grant execute on function clinic.read_own_sessions() to vs_auditor;
grant execute on function clinic.read_own_sessions() to vs_clinician;
grant execute on function clinic.read_own_sessions() to vs_dpo;
grant execute on function clinic.read_own_sessions() to vs_org_admin;
grant execute on function clinic.read_own_sessions() to vs_patient;
grant execute on function clinic.read_own_sessions() to vs_researcher;
grant execute on function clinic.read_own_sessions() to vs_secretary;
grant execute on function clinic.read_own_sign_ins() to vs_auditor;
grant execute on function clinic.read_own_sign_ins() to vs_clinician;
grant execute on function clinic.read_own_sign_ins() to vs_dpo;
grant execute on function clinic.read_own_sign_ins() to vs_org_admin;
grant execute on function clinic.read_own_sign_ins() to vs_patient;
grant execute on function clinic.read_own_sign_ins() to vs_researcher;
grant execute on function clinic.read_own_sign_ins() to vs_secretary;
grant execute on function clinic.read_patient_account(patient uuid) to vs_clinician;
grant execute on function clinic.read_patient_account(patient uuid) to vs_secretary;
grant execute on function clinic.read_patient_consents(patient uuid) to vs_clinician;
grant execute on function clinic.read_patient_consents(patient uuid) to vs_secretary;
grant execute on function clinic.read_privacy_tasks() to vs_dpo;
grant execute on function clinic.read_recoveries() to vs_org_admin;
grant execute on function clinic.read_recoveries() to vs_secretary;
grant execute on function clinic.read_registration() to vs_org_admin;
grant execute on function clinic.read_security() to vs_org_admin;
grant execute on function clinic.read_unusual_sign_ins() to vs_org_admin;
grant execute on function clinic.read_withdrawals() to vs_dpo;
grant execute on function clinic.release_sign_in(key uuid, sign_in uuid) to vs_org_admin;
grant execute on function clinic.request_erasure(key uuid, patient uuid, ground text, reason text) to vs_dpo;
grant execute on function clinic.resend_invitation(key uuid, account uuid) to vs_clinician;
grant execute on function clinic.resend_invitation(key uuid, account uuid) to vs_org_admin;
grant execute on function clinic.resend_invitation(key uuid, account uuid) to vs_secretary;
grant execute on function clinic.restore_account(key uuid, account uuid) to vs_org_admin;
grant execute on function clinic.selected_patients(selection uuid) to vs_clinician;
grant execute on function clinic.selected_patients(selection uuid) to vs_secretary;
grant execute on function clinic.suspend_account(key uuid, account uuid) to vs_org_admin;
grant execute on function clinic.withdraw_invitation(key uuid, account uuid) to vs_clinician;
grant execute on function clinic.withdraw_invitation(key uuid, account uuid) to vs_org_admin;
grant execute on function clinic.withdraw_invitation(key uuid, account uuid) to vs_secretary;
grant execute on function clinic.write_note(key uuid, patient uuid, note jsonb) to vs_clinician;
grant execute on function iam.accept_invitation(ring text, token text, prehash text, consents jsonb, new_token text, caller jsonb, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.add_passkey(ring text, token text, proof jsonb, name text, new_token text, caller jsonb, OUT answer text, OUT role text) to vs_gate;
grant execute on function iam.admit(token text, ring text, focus uuid, phase text, ip text, user_agent text, renewal text) to vs_edge;
grant execute on function iam.answer_sign_in(ring text, link text, mine boolean, caller jsonb, OUT answer text) to vs_gate;
grant execute on function iam.begin_address_change(ring text, token text, email text, caller jsonb, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.begin_phone(ring text, token text, number text, caller jsonb, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.begin_totp(ring text, token text, caller jsonb, OUT answer text, OUT secret bytea, OUT label text, OUT replaces boolean) to vs_gate;
grant execute on function iam.cancel_own_address_change(ring text, token text, caller jsonb) to vs_gate;
grant execute on function iam.cancel_recovery(ring text, cancel_token text, caller jsonb, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.change_password(ring text, token text, present text, chosen text, caller jsonb, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.choose_recovery(ring text, token text, lost text, prehash text, new_token text, cancel_token text, caller jsonb, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.complete_recovery(ring text, token text, prehash text, new_token text, caller jsonb, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.complete_registration(ring text, token text, prehash text, identity jsonb, consents jsonb, new_token text, caller jsonb, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.confirm_address_change(ring text, token text, link text, caller jsonb, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.confirm_phone(ring text, token text, code text, caller jsonb, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.confirm_totp(ring text, token text, code text, new_token text, caller jsonb, OUT answer text, OUT role text, OUT retry_after integer) to vs_gate;
grant execute on function iam.consent_texts(lang text) to vs_gate;
grant execute on function iam.disown_address_change(ring text, link text, caller jsonb, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.end_session() to vs_anon;
grant execute on function iam.end_session() to vs_auditor;
grant execute on function iam.end_session() to vs_clinician;
grant execute on function iam.end_session() to vs_dpo;
grant execute on function iam.end_session() to vs_import;
grant execute on function iam.end_session() to vs_org_admin;
grant execute on function iam.end_session() to vs_patient;
grant execute on function iam.end_session() to vs_researcher;
grant execute on function iam.end_session() to vs_secretary;
grant execute on function iam.enter(token text, ring text, focus uuid, phase text, ip text, user_agent text, renewal text) to vs_edge;
grant execute on function iam.leave_sign_in(ring text, token text, caller jsonb) to vs_gate;
grant execute on function iam.look_at_address_change(ring text, token text, link text, caller jsonb, OUT answer text, OUT email text, OUT retry_after integer) to vs_gate;
grant execute on function iam.look_at_address_notice(ring text, link text, caller jsonb, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.look_at_sign_in(ring text, link text, caller jsonb, OUT answer text, OUT at timestamp with time zone, OUT undone text[]) to vs_gate;
grant execute on function iam.make_recovery_codes(ring text, token text, caller jsonb, OUT answer text, OUT codes text[], OUT retry_after integer) to vs_gate;
grant execute on function iam.may_begin_change(ring text, token text, caller jsonb, with_password boolean) to vs_gate;
grant execute on function iam.name_passkey(ring text, token text, passkey uuid, name text, caller jsonb) to vs_gate;
grant execute on function iam.open_practices() to vs_gate;
grant execute on function iam.own_passkeys() to vs_auditor;
grant execute on function iam.own_passkeys() to vs_clinician;
grant execute on function iam.own_passkeys() to vs_dpo;
grant execute on function iam.own_passkeys() to vs_org_admin;
grant execute on function iam.own_passkeys() to vs_patient;
grant execute on function iam.own_passkeys() to vs_researcher;
grant execute on function iam.own_passkeys() to vs_secretary;
grant execute on function iam.passkey_key(credential text) to vs_gate;
grant execute on function iam.passkey_options(ring text, token text, purpose text, origin text, caller jsonb, OUT answer text, OUT challenge text, OUT rp_id text, OUT account uuid, OUT email text, OUT credentials jsonb, OUT retry_after integer) to vs_gate;
grant execute on function iam.person_name(account uuid) to vs_auditor;
grant execute on function iam.person_name(account uuid) to vs_clinician;
grant execute on function iam.person_name(account uuid) to vs_dpo;
grant execute on function iam.person_name(account uuid) to vs_org_admin;
grant execute on function iam.person_name(account uuid) to vs_patient;
grant execute on function iam.person_name(account uuid) to vs_secretary;
grant execute on function iam.read_address_change(ring text, token text, caller jsonb, OUT answer text, OUT email text, OUT waiting text, OUT ends_at timestamp with time zone) to vs_gate;
grant execute on function iam.read_invitation(ring text, token text, caller jsonb, OUT answer text, OUT account uuid, OUT organisation text, OUT role text, OUT about text[], OUT retry_after integer) to vs_gate;
grant execute on function iam.read_own_factors() to vs_auditor;
grant execute on function iam.read_own_factors() to vs_clinician;
grant execute on function iam.read_own_factors() to vs_dpo;
grant execute on function iam.read_own_factors() to vs_org_admin;
grant execute on function iam.read_own_factors() to vs_patient;
grant execute on function iam.read_own_factors() to vs_researcher;
grant execute on function iam.read_own_factors() to vs_secretary;
grant execute on function iam.read_phone(ring text, token text, caller jsonb) to vs_gate;
grant execute on function iam.read_recovery(ring text, token text, caller jsonb, OUT answer text, OUT account uuid, OUT lost text, OUT code text, OUT ready_at timestamp with time zone, OUT has_factors boolean, OUT about text[], OUT retry_after integer) to vs_gate;
grant execute on function iam.read_registration(ring text, token text, caller jsonb, OUT answer text, OUT account uuid, OUT organisation text, OUT email text, OUT retry_after integer) to vs_gate;
grant execute on function iam.record_denied(network uuid) to vs_gate;
grant execute on function iam.record_failed_sign_in(ring text, account uuid, token text, sqlstate text, caller jsonb) to vs_gate;
grant execute on function iam.remove_passkey(ring text, token text, passkey uuid, caller jsonb) to vs_gate;
grant execute on function iam.remove_phone(ring text, token text, caller jsonb) to vs_gate;
grant execute on function iam.remove_totp(ring text, token text, caller jsonb) to vs_gate;
grant execute on function iam.request_recovery(ring text, email text, token text, caller jsonb, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.request_registration(ring text, organisation uuid, email text, lang text, token text, caller jsonb, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.resume_registration(ring text, token text, prehash text, new_token text, caller jsonb, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.send_code(ring text, token text, method text, caller jsonb, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.show_password(ring text, token text, prehash text, new_token text, caller jsonb, OUT answer text, OUT role text, OUT retry_after integer) to vs_gate;
grant execute on function iam.sign_in_is_known(account uuid, device text) to vs_gate;
grant execute on function iam.sign_in_lookup(ring text, email text) to vs_gate;
grant execute on function iam.sign_in_methods(ring text, token text, caller jsonb) to vs_gate;
grant execute on function iam.sign_in_passkey(ring text, token text, proof jsonb, caller jsonb, old_token text, OUT answer text, OUT role text, OUT retry_after integer) to vs_gate;
grant execute on function iam.sign_in_password(ring text, account uuid, prehash text, token text, caller jsonb, old_token text, OUT answer text, OUT retry_after integer) to vs_gate;
grant execute on function iam.take_factor(ring text, token text, method text, proof jsonb, new_token text, caller jsonb, OUT answer text, OUT role text, OUT retry_after integer) to vs_gate;
grant execute on function iam.totp(secret bytea, step bigint) to vs_dba;
grant execute on function ops.figures() to vs_dba;
grant execute on function ops.intend(key uuid, operation text, content text) to vs_anon;
grant execute on function ops.intend(key uuid, operation text, content text) to vs_auditor;
grant execute on function ops.intend(key uuid, operation text, content text) to vs_clinician;
grant execute on function ops.intend(key uuid, operation text, content text) to vs_dpo;
grant execute on function ops.intend(key uuid, operation text, content text) to vs_org_admin;
grant execute on function ops.intend(key uuid, operation text, content text) to vs_patient;
grant execute on function ops.intend(key uuid, operation text, content text) to vs_researcher;
grant execute on function ops.intend(key uuid, operation text, content text) to vs_secretary;
grant execute on function ops.is_cleared() to vs_dba;
grant execute on function ops.message_done(id uuid, attempt integer, outcome text, reason text) to vs_gate;
grant execute on function ops.record_refusals(ring text, token text, caller jsonb, request uuid, counts jsonb) to vs_gate;
grant execute on function ops.take_messages(ring text, channels text[], most integer) to vs_gate;
grant execute on function privacy.consent_address(consent uuid) to vs_dpo;
grant execute on function vault.aead_decrypt(key bytea, iv bytea, aad bytea, ciphertext bytea, tag bytea) to vs_dba;
grant execute on function vault.aead_encrypt(key bytea, iv bytea, aad bytea, plaintext bytea, OUT ciphertext bytea, OUT tag bytea) to vs_dba;
grant execute on function vault.open(level text, row_id uuid, patient uuid, version bigint, context bytea, labels bytea[], sealed bytea[]) to vs_clinician;
grant execute on function vault.open(level text, row_id uuid, patient uuid, version bigint, context bytea, labels bytea[], sealed bytea[]) to vs_patient;
grant execute on function vault.open(level text, row_id uuid, patient uuid, version bigint, context bytea, labels bytea[], sealed bytea[]) to vs_secretary;
