import { sql } from 'kysely';
import { k } from '../../db/query.ts';
import type { ReferralValues } from './form.ts';

/** Newest first. */
export function readReferrals(patient: string) {
  return k
    .selectFrom('clinic.referrals')
    .select(['id', 'requester_id', 'requester_name', 'performer_id', 'performer_name', 'priority', 'reason'])
    .select(['valid_from', 'valid_until', 'status'])
    .where('patient_id', '=', patient)
    .orderBy('valid_from', 'desc')
    .compile();
}

/** The other clinicians of the organisation. */
export function readColleagues() {
  return k.selectFrom('clinic.colleagues').select(['account_id', 'display_name']).compile();
}

export function makeReferral(patient: string, { key, performer, priority, reason, days }: ReferralValues) {
  return sql<{ id: string }>`select clinic.make_referral(${key}::uuid, ${patient}::uuid, ${performer}::uuid,
    ${priority}::text, ${reason}::text, now() + make_interval(days => ${days}::int)) as id`.compile(k);
}

export function endReferral(key: string, referral: string) {
  return sql<{ id: string }>`select clinic.end_referral(${key}::uuid, ${referral}::uuid) as id`.compile(k);
}
