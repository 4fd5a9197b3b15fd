/** Sign-ins of oneself and of one's organisation (0099_sign_ins); the link that was mailed goes through the gate. */
import { sql } from 'kysely';
import type { Who } from '../../db/batch.ts';
import { k } from '../../db/query.ts';
import { callerOf } from '../../edge/session.ts';

export type LinkState = 'told' | 'stopped' | 'released' | 'disowned' | 'expired';

/** Nothing is recorded for looking: one sees oneself alone. */
export function openHome() {
  return sql<{ answer: string }>`select audit.open_home() as answer`.compile(k);
}

export function readOwnSignIns() {
  return k.selectFrom('clinic.own_sign_ins').selectAll().compile();
}

/** What the last "that wasn't me" has undone. */
export function readUndone() {
  return k
    .selectFrom('clinic.own_sign_ins')
    .select('undone')
    .where('disowned_at', 'is not', null)
    .orderBy('disowned_at', 'desc')
    .limit(1)
    .compile();
}

export function disownSignIn(key: string, signIn: string) {
  return sql<{ id: string }>`select clinic.disown_sign_in(${key}::uuid, ${signIn}::uuid) as id`.compile(k);
}

export function openUnusual() {
  return sql<{ answer: string }>`select audit.open_sign_ins() as answer`.compile(k);
}

export function readUnusualSignIns() {
  return k.selectFrom('clinic.unusual_sign_ins').selectAll().compile();
}

export function releaseSignIn(key: string, signIn: string) {
  return sql<{ id: string }>`select clinic.release_sign_in(${key}::uuid, ${signIn}::uuid) as id`.compile(k);
}

export function lookAtLink(ring: string, link: string, who: Who) {
  return sql<{ answer: LinkState; at: Date | null; undone: string[] | null }>`
    select answer, at, undone from iam.look_at_sign_in(${ring}, ${link}, ${callerOf(who)}::jsonb)`.compile(k);
}

export function answerLink(ring: string, link: string, mine: boolean, who: Who) {
  return sql<{ answer: LinkState }>`
    select answer from iam.answer_sign_in(${ring}, ${link}, ${mine}, ${callerOf(who)}::jsonb)`.compile(k);
}
