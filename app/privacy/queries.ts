import { sql } from 'kysely';
import { k } from '../../db/query.ts';

export function openPrivacy() {
  return sql<{ answer: string }>`select audit.open_privacy() as answer`.compile(k);
}

export function openAgreements() {
  return sql<{ answer: string }>`select audit.open_consents() as answer`.compile(k);
}

/** By deadline; what has none comes last. */
export function readTasks() {
  return k
    .selectFrom('clinic.privacy_tasks')
    .selectAll()
    .orderBy('due_at', (by) => by.asc().nullsLast())
    .orderBy('since')
    .compile();
}

export function readCounts() {
  return k.selectFrom('clinic.consent_counts').selectAll().compile();
}

/** Newest first. */
export function readWithdrawals(limit: number) {
  return k.selectFrom('clinic.withdrawals').selectAll().orderBy('at', 'desc').limit(limit).compile();
}

/** Newest first; without the address, which the proof of each one opens. `patient`: the number of one record. */
export function readDecisions(limit: number, patient?: string) {
  const newest = k
    .selectFrom('clinic.consent_proofs')
    .select(['id', 'patient_id', 'type', 'given', 'at'])
    .orderBy('at', 'desc')
    .limit(limit);
  return (patient ? newest.where('patient_id', '=', patient) : newest).compile();
}

export function answerRequest(key: string, request: string, answer: string) {
  return sql<{ id: string }>`
    select clinic.answer_request(${key}::uuid, ${request}::uuid, ${answer}::text) as id`.compile(k);
}

export function readErasures(limit: number) {
  return k.selectFrom('clinic.erasure_requests').selectAll().orderBy('requested_at', 'desc').limit(limit).compile();
}

export function requestErasure(key: string, patient: string, ground: string, reason: string) {
  return sql<{ id: string }>`
    select clinic.request_erasure(${key}::uuid, ${patient}::uuid, ${ground}::text, ${reason}::text) as id`.compile(k);
}

export function readCertificate(request: string) {
  return sql<{ certificate: unknown }>`
    select clinic.erasure_certificate(${request}::uuid) as certificate`.compile(k);
}
