// Delivery: takes messages from the outbox and sends them. In the Node server, or alone as `vitalsync deliver`.
//
// 1. A message is sent by whoever took it, once; what is refused for certain goes back and waits (0096_outbox.sql).
// 2. An error that nobody foresaw counts as uncertain: better one message too few than a code twice.
// 3. Five at a time, each under a minute, so that the two minutes of the outbox are never reached by somebody alive.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Composed, compose } from '../app/mail/compose.ts';
import type { Door } from '../db/batch.ts';
import { type Ring, ringNow } from '../db/ring.ts';
import { type Channel, type Message, messageDone, type Outcome, takeMessages } from './outbox.ts';

/** What a sender gets: whom to, and what. */
export type Outgoing = Composed & Pick<Message, 'id' | 'address' | 'lang' | 'template' | 'channel'>;
export type Sender = (message: Outgoing) => Promise<Outcome>;
export type Delivery = {
  door: Pick<Door, 'gate'>;
  ring: Ring;
  /** Where links lead: `https://dossier.exemple.fr`. */
  origin: string;
  senders: Partial<Record<Channel, Sender>>;
};

const AT_ONCE = 5;
const PAUSE = 2_000;
const AWAY = "the outbox can't be read.";

/** Sends what is due, five messages at most; gives what became of each. Errors are those of the database. */
export async function deliverDue(delivery: Delivery): Promise<Outcome[]> {
  const { door, ring, senders } = delivery;
  const channels = (['email', 'sms'] as const).filter((channel) => senders[channel]);
  const messages = await door.gate(takeMessages(ringNow(ring), channels, AT_ONCE));
  return Promise.all(
    messages.map(async (message) => {
      const outcome = await sendOne(delivery, message);
      await tell(door, message, outcome);
      return outcome;
    }),
  );
}

async function sendOne({ senders, origin }: Delivery, message: Message): Promise<Outcome> {
  const { template, lang, vars, organisation, written_at: writtenAt } = message;
  let words: Composed;
  try {
    words = compose({ template, lang, vars, organisation, writtenAt, origin });
  } catch {
    return { outcome: 'failed', reason: 'words' };
  }
  const sender = senders[message.channel];
  if (!sender) return { outcome: 'retry', reason: 'no sender' }; // none was asked for
  return sender({ ...message, ...words }).catch(() => ({ outcome: 'uncertain', reason: 'error' }));
}

/** What isn't told becomes uncertain by itself; a database that is away for a moment shouldn't cost that. */
async function tell(door: Delivery['door'], message: Message, outcome: Outcome): Promise<void> {
  for (const pause of [500, 2_000, 8_000]) {
    try {
      await door.gate(messageDone(message, outcome));
      return;
    } catch {
      await sleep(pause, undefined, { ref: false });
    }
  }
}

/**
 * Delivers until it is stopped. `told`: what is wrong, once until it changes; `undefined` when it works again. `stop` waits
 * for what is being sent.
 */
export function keepDelivering(
  delivery: Delivery,
  told: (problem: string | undefined) => void,
  pause = PAUSE,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let known: string | undefined;
  const report = (problem: string | undefined) => {
    if (problem !== known) told(problem);
    known = problem;
  };
  const done = (async () => {
    while (!stopping.signal.aborted) {
      const outcomes = await deliverDue(delivery).catch(() => {
        report(AWAY);
        return undefined;
      });
      if (outcomes && (outcomes.length > 0 || known === AWAY)) report(problemOf(outcomes));
      if (outcomes?.length !== AT_ONCE) await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {});
    }
  })();
  return {
    stop: () => {
      stopping.abort();
      return done;
    },
  };
}

function problemOf(outcomes: readonly Outcome[]): string | undefined {
  const bad = outcomes.find(({ outcome }) => outcome !== 'sent');
  return bad && `a message wasn't sent (${bad.outcome}: ${bad.reason ?? 'no reason given'}).`;
}
