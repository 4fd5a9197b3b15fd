// Signatures of passkeys (WebAuthn Level 3), which Postgres can't check. Everything else that the standard asks for is
// checked in SQL from the same bytes (0094_passkeys.sql), so that what is made here are proofs: the bytes, and whether
// they were signed. A credential that can't be read makes an empty proof, which SQL refuses and records.
//
// No attestation is asked for. One that brings certificates is refused unread: their revocation lists would be fetched
// from wherever they say.
import { verifyRegistrationResponse } from '@simplewebauthn/server';
import { decodeAttestationObject, verifySignature } from '@simplewebauthn/server/helpers';
import { z } from 'zod';

const Base64url = z
  .string()
  .max(20_000)
  .regex(/^[A-Za-z0-9_-]+$/)
  .refine((text) => text.length % 4 !== 1); // no bytes give that
const Answer = z.object({
  id: Base64url.max(1364), // 1023 bytes
  response: z.object({
    clientDataJSON: Base64url,
    authenticatorData: Base64url,
    signature: Base64url,
    userHandle: Base64url.nullish(),
  }),
});
const Registration = z.object({
  id: Base64url.max(1364),
  rawId: Base64url,
  type: z.literal('public-key'),
  response: z.object({
    clientDataJSON: Base64url,
    attestationObject: Base64url,
    transports: z.array(z.string().max(20)).max(10).optional(),
  }),
});

/** For iam.take_factor and iam.sign_in_passkey; base64url. Empty: no credential. */
export type AssertionProof =
  | { id: string; client_data: string; authenticator_data: string; user_handle: string | null; signed: boolean }
  | Record<string, never>;
/** For iam.add_passkey; base64url. */
export type RegistrationProof =
  | { client_data: string; authenticator_data: string; public_key: string; transports: string[]; attested: true }
  | Record<string, never>;

/**
 * The answer of navigator.credentials.get(), as JSON (AuthenticationResponseJSON). `keyOf` gives the public key of a
 * credential, in COSE, or null.
 */
export async function readAssertion(
  json: string,
  keyOf: (id: string) => Promise<Uint8Array | null>,
): Promise<AssertionProof> {
  const answer = Answer.safeParse(parse(json)).data;
  if (!answer) return {};
  const { clientDataJSON, authenticatorData, signature, userHandle } = answer.response;
  const data = bytes(authenticatorData);
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes(clientDataJSON)));
  const key = await keyOf(answer.id);
  const signed = key !== null && (await isSigned(new Uint8Array([...data, ...hash]), bytes(signature), key));
  return {
    id: answer.id,
    client_data: clientDataJSON,
    authenticator_data: authenticatorData,
    user_handle: userHandle ?? null,
    signed,
  };
}

/** The answer of navigator.credentials.create(), as JSON (RegistrationResponseJSON). `origin`: ours. */
export async function readRegistration(json: string, origin: string): Promise<RegistrationProof> {
  const credential = Registration.safeParse(parse(json)).data;
  if (!credential) return {};
  try {
    const attestation = decodeAttestationObject(bytes(credential.response.attestationObject));
    if (attestation.get('attStmt').get('x5c')) return {};
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: { ...credential, response: { ...credential.response, transports: [] }, clientExtensionResults: {} },
      expectedOrigin: origin,
      // SQL knows the challenge, the RP ID, and whether the user must be there
      expectedChallenge: () => true,
      requireUserPresence: false,
      requireUserVerification: false,
    });
    if (!verified) return {};
    return {
      client_data: credential.response.clientDataJSON,
      authenticator_data: text(attestation.get('authData')),
      public_key: text(registrationInfo.credential.publicKey),
      transports: credential.response.transports ?? [],
      attested: true,
    };
  } catch {
    return {}; // whatever the bytes were, SQL refuses an empty proof
  }
}

async function isSigned(data: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>, key: Uint8Array) {
  try {
    return await verifySignature({ signature, data, credentialPublicKey: new Uint8Array(key) });
  } catch {
    return false; // no signature of this kind
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // the schema refuses it
  }
}

function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  const binary = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function text(value: Uint8Array): string {
  return btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join(''))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
