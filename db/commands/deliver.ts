import { deliverDue } from '../../edge/deliver.ts';
import { type Command, print } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { needOrigin, openDelivery, readSenders } from '../delivery.ts';
import { openDoor } from '../door.ts';
import { withSite } from '../site.ts';

export const deliver: Command = {
  name: 'deliver',
  summary: 'send the e-mails and SMS that wait in the outbox',
  usage: '[--watch] [--json]',
  help: `
The server of vitalsync start delivers by itself. Edges on Deno or Cloudflare don't: run this beside them, on Node. Several
may run at once; each message goes out once.

  PUBLIC_ORIGIN  where links lead: https://dossier.exemple.fr
  SMTP_URL       smtps://user:password@host:465, or smtp://host:587 with STARTTLS
  MAIL_FROM      Cabinet <ne-pas-repondre@exemple.fr>; else no-reply at the host of PUBLIC_ORIGIN
  SMS_WEBHOOK_URL, SMS_WEBHOOK_TOKEN  where SMS are posted (edge/sms.ts says how)

  --watch  go on until it is stopped
  --json   how many were sent, wait, failed or are uncertain`,
  options: { watch: { type: 'boolean' }, json: { type: 'boolean' } },
  run: async (input) => {
    const origin = needOrigin(process.env);
    const senders = readSenders(process.env, origin);
    if (Object.keys(senders).length === 0)
      throw new CommandError('Nobody would send anything: set SMTP_URL, or SMS_WEBHOOK_URL and SMS_WEBHOOK_TOKEN.');
    await withSite(async ({ gateUrl, keys: { ring } }) => {
      if (input.flag('watch')) await watch(gateUrl, { ring, origin, senders });
      else print(describe(await deliverAll(gateUrl, { ring, origin, senders }), input.flag('json')));
    });
    return 0;
  },
};

type Settings = Parameters<typeof openDelivery>[1];

async function watch(gateUrl: string, settings: Settings): Promise<void> {
  const delivery = openDelivery({ gateUrl }, settings, (problem) =>
    process.stderr.write(`Delivery: ${problem ?? 'works again.'}\n`),
  );
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => resolve());
  });
  await delivery.stop();
}

async function deliverAll(gateUrl: string, settings: Settings): Promise<Record<string, number>> {
  const door = openDoor({ edgeUrl: gateUrl, gateUrl, ring: settings.ring });
  const counts: Record<string, number> = { sent: 0, retry: 0, failed: 0, uncertain: 0 };
  try {
    for (;;) {
      const outcomes = await deliverDue({ door, ...settings });
      if (outcomes.length === 0) return counts;
      for (const { outcome } of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
  } finally {
    await door.close();
  }
}

function describe(counts: Record<string, number>, json: boolean): string | object {
  if (json) return counts;
  return `${counts.sent} sent, ${counts.retry} to be tried again, ${counts.failed} failed, ${counts.uncertain} uncertain.`;
}
