/** The outbox as its delivery sees it (supabase/migrations/0096_outbox.sql), on the gate's login. */
import { sql } from 'kysely';
import { k } from '../db/query.ts';

export type Channel = 'email' | 'sms';

/** A row of ops.take_messages: to be sent once, by whoever took it, within two minutes. */
export type Message = {
  id: string;
  attempt: number;
  channel: Channel;
  template: string;
  lang: 'fr' | 'en';
  /** An e-mail address, or a number as E.164 writes it. */
  address: string;
  organisation: string | null;
  written_at: Date;
  vars: unknown;
};

/**
 * What became of a message. `retry`: it certainly wasn't sent; `failed`: it never will be; `uncertain`: nobody knows, so it
 * isn't sent again. `reason` is a word or a number, never what the other side said: that may quote an address.
 */
export type Outcome = { outcome: 'sent' | 'retry' | 'failed' | 'uncertain'; reason?: string };

export function takeMessages(ring: string, channels: readonly Channel[], most: number) {
  return sql<Message>`
    select id, attempt, channel, template, lang, address, organisation, written_at, vars
    from ops.take_messages(${ring}, ${[...channels]}, ${most})`.compile(k);
}

export function messageDone(
  { id, attempt }: Message,
  { outcome, reason = null }: { outcome: string; reason?: string | null },
) {
  return sql<{ answer: 'ok' | 'over' }>`
    select ops.message_done(${id}::uuid, ${attempt}, ${outcome}, ${reason}) as answer`.compile(k);
}
