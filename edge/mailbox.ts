// The demo's mailbox: where messages go when there is nobody to send them to. In memory, for /demo/mail.
import type { Outgoing, Sender } from './deliver.ts';

export type Kept = Outgoing & { at: Date };
export type Mailbox = {
  send: Sender;
  /** Newest first. */
  all(): readonly Kept[];
};

const MOST = 100;

export function openMailbox(): Mailbox {
  const kept: Kept[] = [];
  return {
    send: async (message) => {
      kept.unshift({ ...message, at: new Date() });
      kept.length = Math.min(kept.length, MOST);
      return { outcome: 'sent' };
    },
    all: () => kept,
  };
}
