// E-mails and SMS: does somebody deliver them, and do they arrive?
import { asOwner } from '../owner.ts';
import { type Check, type Finding, ok, warn } from './finding.ts';

const late = 600; // seconds

export const messages: Check = (admin) =>
  asOwner(admin, async () => {
    const { rows } = await admin.query<{ name: string; value: number }>('select name, value from ops.outbox_figures()');
    const figures = Object.fromEntries(rows.map(({ name, value }) => [name, value]));
    const { messages_waiting = 0, message_wait_seconds = 0, messages_failed = 0, messages_uncertain = 0 } = figures;
    const found: (Finding | false)[] = [
      message_wait_seconds > late &&
        warn(
          'messages',
          `${messages_waiting === 1 ? '1 message waits' : `${messages_waiting} messages wait`}, the oldest for ${Math.round(message_wait_seconds / 60)} minutes`,
          'set SMTP_URL and PUBLIC_ORIGIN for vitalsync start, or run vitalsync deliver --watch; it tells what is wrong',
        ),
      messages_failed + messages_uncertain > 0 &&
        warn(
          'messages',
          `of the last day ${messages_failed} messages failed, and of ${messages_uncertain} nobody knows whether they were sent`,
          'the audit log has a message.send event with the reason of each',
        ),
    ];
    const problems = found.filter((finding) => finding !== false);
    return problems.length > 0 ? problems : [ok('messages', 'no e-mail or SMS is late or lost')];
  });
