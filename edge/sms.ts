// SMS: one small interface, and a sender that posts to a webhook. Providers differ, so a practice puts a dozen lines of its
// own, or its provider's gateway, behind SMS_WEBHOOK_URL.
//
//   POST SMS_WEBHOOK_URL
//   Authorization: Bearer SMS_WEBHOOK_TOKEN
//   Idempotency-Key: the message's id
//   {"id": "…", "to": "+33612345678", "text": "…"}
//
// 2xx: taken; 429 and 503: not taken, try later; other 4xx: never; anything else, or silence: nobody knows, so it isn't
// sent again. Outside of this machine the address is https:, and no redirection is followed: both would leak codes.
import type { Sender } from './deliver.ts';
import type { Outcome } from './outbox.ts';

export type WebhookSettings = { url: string; token: string };

/** @throws Error that quotes nothing of the two */
export function readWebhook(url: string, token: string | undefined): WebhookSettings {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(parsed?.hostname ?? '');
  if (!parsed || !(parsed.protocol === 'https:' || (parsed.protocol === 'http:' && local)) || parsed.username)
    throw new Error('SMS_WEBHOOK_URL must be an https: address without a login in it.');
  if (!token || !/^[\x21-\x7e]{16,}$/.test(token))
    throw new Error('SMS_WEBHOOK_TOKEN must have 16 characters at least, without spaces.');
  return { url, token };
}

export function webhookSender({ url, token }: WebhookSettings, patience = 15_000): Sender {
  return async ({ id, address, text }) => {
    try {
      const answer = await fetch(url, {
        method: 'POST',
        redirect: 'manual',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', 'Idempotency-Key': id },
        body: JSON.stringify({ id, to: address, text }),
        signal: AbortSignal.timeout(patience),
      });
      await answer.body?.cancel();
      return judge(answer.status);
    } catch (error) {
      const code = codeOf(error);
      return { outcome: neverArrived.has(code) ? 'retry' : 'uncertain', reason: code };
    }
  };
}

function judge(status: number): Outcome {
  const reason = `http ${status}`;
  if (status >= 200 && status < 300) return { outcome: 'sent' };
  if (status === 429 || status === 503) return { outcome: 'retry', reason };
  return { outcome: status >= 300 && status < 500 ? 'failed' : 'uncertain', reason };
}

/** Before a connection there was nothing to take. */
const neverArrived = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'error';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause === undefined ? error.name : codeOf(error.cause);
}
