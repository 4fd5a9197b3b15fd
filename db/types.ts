// Generated from a migrated database by `npm run generate`; `npm run check:drift` compares.

export interface Database {
  'audit.events': AuditEvents;
  'clinic.accounts': ClinicAccounts;
  'clinic.allergy_intolerances': ClinicAllergyIntolerances;
  'clinic.allergy_status': ClinicAllergyStatus;
  'clinic.audit_events': ClinicAuditEvents;
  'clinic.broken_glass': ClinicBrokenGlass;
  'clinic.care_teams': ClinicCareTeams;
  'clinic.colleagues': ClinicColleagues;
  'clinic.conditions': ClinicConditions;
  'clinic.consent_counts': ClinicConsentCounts;
  'clinic.consent_history': ClinicConsentHistory;
  'clinic.consent_proofs': ClinicConsentProofs;
  'clinic.consents': ClinicConsents;
  'clinic.encounters': ClinicEncounters;
  'clinic.erasure_requests': ClinicErasureRequests;
  'clinic.me': ClinicMe;
  'clinic.medication_requests': ClinicMedicationRequests;
  'clinic.notes': ClinicNotes;
  'clinic.observations': ClinicObservations;
  'clinic.own_factors': ClinicOwnFactors;
  'clinic.own_sessions': ClinicOwnSessions;
  'clinic.own_sign_ins': ClinicOwnSignIns;
  'clinic.patient_names': ClinicPatientNames;
  'clinic.patients': ClinicPatients;
  'clinic.privacy_tasks': ClinicPrivacyTasks;
  'clinic.record_accesses': ClinicRecordAccesses;
  'clinic.recoveries': ClinicRecoveries;
  'clinic.referral_periods': ClinicReferralPeriods;
  'clinic.referrals': ClinicReferrals;
  'clinic.security': ClinicSecurity;
  'clinic.unusual_sign_ins': ClinicUnusualSignIns;
  'clinic.withdrawals': ClinicWithdrawals;
}

export interface AuditEvents {
  id: string;
  organisation_id: string;
  lane: number;
  seq: string;
  at: Date;
  event: string;
  resource_type: string;
  resource_id: string | null;
  patient_id: string | null;
  actor_id: string | null;
  actor_role: string;
  session_id: string | null;
  origin_id: string | null;
  outcome: string;
  shown: string[] | null;
  details: string | null;
  leaf: string;
}

export interface ClinicAccounts {
  id: string;
  display_name: string | null;
  role: string;
  email: string | null;
  status: string;
  second_factor: boolean;
  methods: string[];
  open_sessions: number;
  last_seen_at: Date | null;
  last_sign_in_at: Date | null;
  invitation_expires_at: Date | null;
  accepted: boolean;
}

export interface ClinicAllergyIntolerances {
  id: string;
  patient_id: string;
  clinical_status: string;
  verification_status: string | null;
  recorded_at: Date | null;
  code: string;
  criticality: string | null;
  category: string | null;
  reaction: string | null;
}

export interface ClinicAllergyStatus {
  patient_id: string;
  state: string;
  recorded_at: Date | null;
}

export interface ClinicAuditEvents {
  id: string;
  at: Date;
  lane: number;
  seq: string;
  event: string;
  resource_type: string;
  resource_id: string | null;
  patient_id: string | null;
  actor_id: string | null;
  actor_name: string | null;
  actor_role: string;
  outcome: string;
  details: string | null;
  ip: string | null;
  user_agent: string | null;
}

export interface ClinicBrokenGlass {
  id: string;
  patient_id: string;
  account_id: string;
  account_name: string | null;
  kind: string;
  reason: string | null;
  broken_at: Date;
  ends_at: Date;
  open: boolean;
  seen_at: Date | null;
  seen_by_name: string | null;
}

export interface ClinicCareTeams {
  id: string;
  lead_account_id: string;
  lead_name: string | null;
  members: string;
  patient_count: number;
}

export interface ClinicColleagues {
  account_id: string;
  display_name: string | null;
}

export interface ClinicConditions {
  id: string;
  patient_id: string;
  clinical_status: string;
  verification_status: string | null;
  onset_at: Date | null;
  abatement_at: Date | null;
  recorded_at: Date | null;
  code: string;
}

export interface ClinicConsentCounts {
  type: string;
  version: string;
  present: boolean;
  given: string;
  withdrawn: string;
}

export interface ClinicConsentHistory {
  id: string;
  type: string;
  given: boolean;
  at: Date;
  text_hash: string;
}

export interface ClinicConsentProofs {
  id: string;
  patient_id: string;
  type: string;
  given: boolean;
  at: Date;
  text_hash: string;
  ip: string | null;
}

export interface ClinicConsents {
  type: string;
  version: string;
  lang: string;
  needed: boolean;
  title: string;
  body: string;
  hash: string;
  given: boolean;
  at: Date | null;
  agreed_version: string | null;
}

export interface ClinicEncounters {
  id: string;
  patient_id: string;
  started_at: Date;
  ended_at: Date | null;
  status: string;
  class: string | null;
  type: string | null;
  reason: string | null;
  participant: string | null;
}

export interface ClinicErasureRequests {
  id: string;
  patient_id: string;
  ground: string;
  reason: string | null;
  requested_by: string;
  requested_by_name: string | null;
  requested_at: Date;
  erased_at: Date | null;
  complete_from: Date | null;
  due_at: Date;
  held_until: number | null;
  answer: string | null;
  answered_at: Date | null;
}

export interface ClinicMe {
  account_id: string;
  organisation_id: string;
  organisation_name: string;
  role: string;
  display_name: string | null;
  patient_id: string | null;
  session_expires_at: Date;
  idle_expires_at: Date;
  glass_id: string | null;
  glass_kind: string | null;
  glass_reason: string | null;
  glass_ends_at: Date | null;
}

export interface ClinicMedicationRequests {
  id: string;
  patient_id: string;
  status: string;
  intent: string;
  authored_at: Date;
  medication: string;
  dosage: string | null;
}

export interface ClinicNotes {
  id: string;
  patient_id: string;
  version: string;
  author_id: string;
  author_name: string | null;
  created_at: Date;
  updated_at: Date;
  category: string;
  priority: string;
  status: string;
  subjective: string | null;
  objective: string | null;
  assessment: string | null;
  plan: string | null;
  diagnosis: string | null;
  treatment_plan: string | null;
}

export interface ClinicObservations {
  id: string;
  patient_id: string;
  category: string;
  effective_at: Date;
  status: string;
  code: string;
  value: string;
}

export interface ClinicOwnFactors {
  email: string;
  totp_since: Date | null;
  passkeys: number;
  passkeys_elsewhere: number;
  recovery_codes: number;
  recovery_codes_made_at: Date | null;
  email_codes: boolean;
  sms_codes: boolean;
  password_changed_at: Date;
  password_is_old: boolean;
}

export interface ClinicOwnSessions {
  id: string;
  current: boolean;
  ip: string | null;
  user_agent: string | null;
  place: string | null;
  methods: string[];
  created_at: Date;
  last_seen_at: Date;
  ended_at: Date | null;
  ended_because: string | null;
}

export interface ClinicOwnSignIns {
  id: string;
  at: Date;
  current: boolean;
  methods: string[];
  signals: string[];
  score: number;
  outcome: string;
  released_at: Date | null;
  disowned_at: Date | null;
  undone: string[];
  ip: string | null;
  user_agent: string | null;
  place: string | null;
  km: number | null;
  minutes: number | null;
  failures: number | null;
}

export interface ClinicPatientNames {
  id: string;
  birth_name: string;
  used_name: string | null;
  first_given_name: string;
  used_given_name: string | null;
  sex: string;
  birth_date: string;
  last_activity_at: Date;
  identity_status: string;
}

export interface ClinicPatients {
  id: string;
  organisation_id: string;
  version: string;
  identity_status: string;
  last_activity_at: Date;
  birth_name: string;
  used_name: string | null;
  first_given_name: string;
  used_given_name: string | null;
  sex: string;
  birth_date: string;
  birth_given_names: string | null;
  birth_place: string | null;
  ins_matricule: string | null;
  ins_oid: string | null;
  phone: string | null;
  email: string | null;
  address: string | null;
  deceased_date: string | null;
}

export interface ClinicPrivacyTasks {
  kind: string;
  id: string;
  patient_id: string;
  what: string;
  since: Date;
  due_at: Date | null;
}

export interface ClinicRecordAccesses {
  id: string;
  at: Date;
  event: string;
  actor_id: string | null;
  actor_name: string | null;
  actor_role: string;
  resource_type: string;
  outcome: string;
}

export interface ClinicRecoveries {
  id: string;
  display_name: string | null;
  role: string;
  lost: string;
  asked_at: Date;
  ready_at: Date | null;
  confirmed_at: Date | null;
  confirmed_by_name: string | null;
}

export interface ClinicReferralPeriods {
  id: string;
  patient_id: string;
  requester_id: string;
  requester_name: string | null;
  performer_id: string;
  performer_name: string | null;
  priority: string;
  valid_from: Date;
  valid_until: Date;
}

export interface ClinicReferrals {
  id: string;
  patient_id: string;
  requester_id: string;
  requester_name: string | null;
  performer_id: string;
  performer_name: string | null;
  priority: string;
  reason: string;
  valid_from: Date;
  valid_until: Date;
  ended_by: string | null;
  status: string;
}

export interface ClinicSecurity {
  organisation_id: string;
  notice_from: number;
  stop_from: number;
  email_codes: boolean;
  sms_codes: boolean;
  points: unknown;
}

export interface ClinicUnusualSignIns {
  id: string;
  at: Date;
  account_id: string | null;
  display_name: string | null;
  role: string;
  own: boolean;
  signals: string[];
  score: number;
  outcome: string;
  released_at: Date | null;
  released_by_name: string | null;
  disowned_at: Date | null;
  place: string | null;
  km: number | null;
  minutes: number | null;
  failures: number | null;
}

export interface ClinicWithdrawals {
  id: string;
  patient_id: string;
  type: string;
  at: Date;
  due_at: Date;
  again_at: Date | null;
  answer: string | null;
  answered_at: Date | null;
  answered_by_name: string | null;
  open: boolean;
}
