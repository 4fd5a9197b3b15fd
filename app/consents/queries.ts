import { sql } from 'kysely';
import { k } from '../../db/query.ts';
import type { Lang } from '../../edge/session.ts';

/** A text that somebody who registers is asked, and the hash that stands for its words. */
export type ConsentText = {
  type: string;
  version: string;
  needed: boolean;
  title: string;
  body: string;
  hash: string;
};

/** On the gate: nobody is signed in yet. */
export function readTexts(lang: Lang) {
  return sql<ConsentText>`
    select type, version, needed, title, body, hash from iam.consent_texts(${lang})`.compile(k);
}

/** Nothing to record beside the transaction itself: a patient's own. */
export function openOwnConsents() {
  return sql<{ answer: string }>`select audit.open_home() as answer`.compile(k);
}

/** The number by which a DPO knows one's record. */
export function readRecordNumber() {
  return k.selectFrom('clinic.me').select('patient_id').compile();
}

export function readConsents(lang: Lang) {
  return k.selectFrom('clinic.consents').selectAll().where('lang', '=', lang).compile();
}

/** Titles of what one has agreed to in other words than those of now. */
export function readNewTexts(lang: Lang) {
  return k
    .selectFrom('clinic.consents')
    .select('title')
    .where('lang', '=', lang)
    .where('given', '=', true)
    .whereRef('agreed_version', '<>', 'version')
    .compile();
}

export function readHistory() {
  return k.selectFrom('clinic.consent_history').selectAll().orderBy('at', 'desc').limit(100).compile();
}

export function changeConsent(key: string, type: string, given: boolean, hash: string) {
  return sql<{ id: string }>`
    select clinic.change_consent(${key}::uuid, ${type}::text, ${given}::boolean, ${hash}::text) as id`.compile(k);
}
