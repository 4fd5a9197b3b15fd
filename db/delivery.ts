// How this installation delivers its messages: what the environment says, in sentences when it doesn't fit.
import { isPublicOrigin } from '../edge/client.ts';
import { type Delivery, keepDelivering } from '../edge/deliver.ts';
import type { Environment } from '../edge/environment.ts';
import type { Mailbox } from '../edge/mailbox.ts';
import { readWebhook, webhookSender } from '../edge/sms.ts';
import { readSmtpUrl, smtpSender } from '../edge/smtp.ts';
import { CommandError } from './command-error.ts';
import { openDoor } from './door.ts';
import type { Ring } from './ring.ts';

/** PUBLIC_ORIGIN, where links lead. @throws CommandError where it is missing */
export function needOrigin({ PUBLIC_ORIGIN }: Environment): string {
  if (!PUBLIC_ORIGIN) throw new CommandError('PUBLIC_ORIGIN is missing: links in messages have to lead somewhere.');
  if (!isPublicOrigin(PUBLIC_ORIGIN))
    throw new CommandError(
      'PUBLIC_ORIGIN must be where people find Vital Sync, without a path: https://dossier.exemple.fr',
    );
  return PUBLIC_ORIGIN;
}

/** Who sends what; none where nothing is set. @throws CommandError that quotes no secret */
export function readSenders(environment: Environment, origin: string): Delivery['senders'] {
  const { SMTP_URL, SMS_WEBHOOK_URL, SMS_WEBHOOK_TOKEN } = environment;
  const from = environment.MAIL_FROM || `Vital Sync <no-reply@${new URL(origin).hostname}>`;
  try {
    return {
      ...(SMTP_URL && { email: smtpSender(readSmtpUrl(SMTP_URL, from)) }),
      ...(SMS_WEBHOOK_URL && { sms: webhookSender(readWebhook(SMS_WEBHOOK_URL, SMS_WEBHOOK_TOKEN)) }),
    };
  } catch (error) {
    throw new CommandError((error as Error).message); // our own sentence
  }
}

/** What the server of `npm start` does: real senders, and the demo's mailbox for what has none. */
export function sendersOf(environment: Environment, origin: string, mailbox?: Mailbox): Delivery['senders'] {
  const senders = readSenders(environment, origin);
  if (Object.keys(senders).length > 0) needOrigin(environment);
  return mailbox ? { email: mailbox.send, sms: mailbox.send, ...senders } : senders;
}

/** Delivers on connections of its own until it is stopped. */
export function openDelivery(
  { gateUrl }: { gateUrl: string },
  { ring, origin, senders }: { ring: Ring; origin: string; senders: Delivery['senders'] },
  told: (problem: string | undefined) => void,
): { stop(): Promise<void> } {
  const door = openDoor({ edgeUrl: gateUrl, gateUrl, ring });
  const delivery = keepDelivering({ door, ring, origin, senders }, told);
  return { stop: () => delivery.stop().then(() => door.close()) };
}
