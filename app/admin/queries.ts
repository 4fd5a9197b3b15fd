import { sql } from 'kysely';
import { k } from '../../db/query.ts';

export function openAccounts() {
  return sql<{ answer: string }>`select audit.open_accounts() as answer`.compile(k);
}

/** Referrals of now: who sees whom by one, and not why. */
export function readReferralPeriods() {
  return k.selectFrom('clinic.referral_periods').selectAll().orderBy('valid_until').compile();
}

export function readCareTeams() {
  return k
    .selectFrom('clinic.care_teams')
    .select(['id', 'lead_account_id', 'lead_name', 'members', 'patient_count'])
    .compile();
}
