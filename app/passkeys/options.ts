/**
 * POST /passkeys/options: what js/passkey.js hands to navigator.credentials, as JSON (WebAuthn Level 3 §5.4 and §5.5, binary
 * values in base64url). A POST, since each one makes a challenge.
 */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { Refusal } from '../../db/batch.ts';
import { ringNow } from '../../db/ring.ts';
import { publicOrigin } from '../../edge/client.ts';
import type { Env } from '../../edge/session.ts';
import type { Services } from '../services.ts';
import { askOptions, type OptionsAnswer, type Purpose } from './queries.ts';

const Asked = z.object({ purpose: z.enum(['register', 'factor', 'passwordless']) });

/** ES256, EdDSA and RS256, the latter for Windows Hello: those that the database knows. */
const ALGORITHMS = [-7, -8, -257];
/** As long as a challenge lives. */
const TIMEOUT = 300_000;

export function optionRoutes({ door, ring }: Services) {
  return new Hono<Env>().post('/options', async (c) => {
    const { purpose } = Asked.parse(await c.req.parseBody());
    const asked = door.gate(askOptions(ringNow(ring), purpose, publicOrigin(c), c.var.who));
    const [row] = await asked.catch((error) => {
      if (error instanceof Refusal && error.reason === 'network') return ['network' as const];
      throw error;
    });
    if (row === 'network') return c.json({ answer: row }, 403);
    const answer = row?.answer ?? 'expired';
    if (!row || answer !== 'ok') return refuse(c, answer, row?.retry_after ?? null);
    return c.json({ answer, publicKey: purpose === 'register' ? creation(row) : request(row, purpose) });
  });
}

function refuse(c: Context<Env>, answer: OptionsAnswer['answer'], retryAfter: number | null) {
  if (answer === 'wait') c.header('Retry-After', String(retryAfter ?? 60));
  return c.json({ answer }, answer === 'wait' ? 429 : answer === 'place' ? 422 : 401);
}

function creation({ challenge, rp_id, account, email, credentials }: OptionsAnswer) {
  const id = base64url(account ?? '');
  return {
    challenge,
    rp: { id: rp_id, name: 'Vital Sync' },
    user: { id, name: email, displayName: email },
    pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
    timeout: TIMEOUT,
    excludeCredentials: descriptors(credentials),
    // resident where it can be: then it signs in without the address
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
    // which model it is is none of our business
    attestation: 'none',
  };
}

function request({ challenge, rp_id, credentials }: OptionsAnswer, purpose: Purpose) {
  return {
    challenge,
    rpId: rp_id,
    timeout: TIMEOUT,
    allowCredentials: descriptors(credentials),
    userVerification: purpose === 'passwordless' ? 'required' : 'preferred',
  };
}

const descriptors = (credentials: OptionsAnswer['credentials']) =>
  (credentials ?? []).map(({ id, transports }) => ({ type: 'public-key', id, transports }));

/** The user handle: an account's id as 16 bytes, which say nothing about the person. */
function base64url(uuid: string): string {
  const bytes = uuid.replaceAll('-', '').match(/../g) ?? [];
  return btoa(String.fromCharCode(...bytes.map((byte) => Number.parseInt(byte, 16))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
