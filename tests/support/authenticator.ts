// A software authenticator (WebAuthn Level 3 §6): keeps keys, signs, and lies on request, so that each check can be tried.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export type Algorithm = 'ES256' | 'EdDSA' | 'RS256';
export type Flags = {
  present: boolean;
  verified: boolean;
  backupEligible: boolean;
  backedUp: boolean;
  extensions: boolean;
};
/** What the browser says (`client`), what the authenticator says, and what is changed after it was signed (`spoil`). */
export type Lies = {
  client?: Record<string, unknown>;
  /** In place of the client data as JSON. */
  clientBytes?: Buffer;
  flags?: Partial<Flags>;
  rpId?: string;
  counter?: number;
  userHandle?: string | null;
  credentialId?: Buffer;
  spoil?: (authenticatorData: Buffer) => Buffer;
  /** Says which model it is, with this certificate. */
  certificate?: Buffer;
};
export type Authenticator = ReturnType<typeof createAuthenticator>;

const FLAGS: Flags = { present: true, verified: true, backupEligible: false, backedUp: false, extensions: false };
const url = (bytes: Buffer): string => bytes.toString('base64url');
const sha256 = (bytes: Buffer | string): Buffer => createHash('sha256').update(bytes).digest();

/** An authenticator with one passkey, in a browser that stands at `origin`. `user`: the account's id. */
export function createAuthenticator(origin: string, user: string, algorithm: Algorithm = 'ES256') {
  const credentialId = randomBytes(32);
  const { privateKey, cose } = createKey(algorithm);
  let counter = 0;

  const clientDataOf = (type: string, challenge: string, { client, clientBytes }: Lies): Buffer =>
    clientBytes ?? Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false, ...client }));
  const headOf = (lies: Lies, attested: boolean): Buffer => {
    const head = Buffer.alloc(37);
    sha256(lies.rpId ?? new URL(origin).hostname).copy(head);
    head[32] = flagByte({ ...FLAGS, ...lies.flags }, attested);
    counter += 1;
    head.writeUInt32BE(lies.counter ?? counter, 33);
    return head;
  };

  return {
    credentialId,
    publicKey: cose,
    /** navigator.credentials.create(), as JSON. */
    register(challenge: string, lies: Lies = {}) {
      const id = lies.credentialId ?? credentialId;
      const length = Buffer.from([id.length >> 8, id.length & 255]);
      const data = Buffer.concat([headOf(lies, true), Buffer.alloc(16), length, id, cose]);
      const authenticatorData = lies.spoil ? lies.spoil(data) : data;
      return {
        id: url(id),
        rawId: url(id),
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: url(clientDataOf('webauthn.create', challenge, lies)),
          attestationObject: url(attestationOf(authenticatorData, lies.certificate)),
          authenticatorData: url(authenticatorData),
          transports: ['internal', 'hybrid'],
        },
      };
    },
    /** navigator.credentials.get(), as JSON. */
    answer(challenge: string, lies: Lies = {}) {
      const clientData = clientDataOf('webauthn.get', challenge, lies);
      const data = headOf(lies, false);
      const authenticatorData = lies.spoil ? lies.spoil(data) : data;
      const signed = Buffer.concat([authenticatorData, sha256(clientData)]);
      const handle = lies.userHandle === undefined ? user : lies.userHandle;
      return {
        id: url(lies.credentialId ?? credentialId),
        rawId: url(lies.credentialId ?? credentialId),
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: url(clientData),
          authenticatorData: url(authenticatorData),
          signature: url(sign(algorithm === 'EdDSA' ? null : 'sha256', signed, privateKey)),
          userHandle: handle === null ? null : url(uuidBytes(handle)),
        },
      };
    },
  };
}

export const uuidBytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex');

function flagByte(flags: Flags, attested: boolean): number {
  const { present, verified, backupEligible, backedUp, extensions } = flags;
  return (
    (present ? 1 : 0) |
    (verified ? 4 : 0) |
    (backupEligible ? 8 : 0) |
    (backedUp ? 16 : 0) |
    (attested ? 64 : 0) |
    (extensions ? 128 : 0)
  );
}

/** The key pair, the public half as COSE (RFC 9053) in canonical CBOR. */
function createKey(algorithm: Algorithm): { privateKey: KeyObject; cose: Buffer } {
  if (algorithm === 'EdDSA') {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    return { privateKey, cose: Buffer.concat([hex('a401010327200621'), bytes(part(publicKey, 'x'))]) };
  }
  if (algorithm === 'RS256') {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const cose = [hex('a401030339010020'), bytes(part(publicKey, 'n')), hex('21'), bytes(part(publicKey, 'e'))];
    return { privateKey, cose: Buffer.concat(cose) };
  }
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const cose = [hex('a501020326200121'), bytes(part(publicKey, 'x')), hex('22'), bytes(part(publicKey, 'y'))];
  return { privateKey, cose: Buffer.concat(cose) };
}

/** {"fmt": "none", "attStmt": {}, "authData": …}, or packed with a certificate. */
function attestationOf(authenticatorData: Buffer, certificate?: Buffer): Buffer {
  const statement = certificate ? ['a1', text('x5c'), '81', bytes(certificate).toString('hex')].join('') : 'a0';
  const format = text(certificate ? 'packed' : 'none');
  const head = ['a3', text('fmt'), format, text('attStmt'), statement, text('authData')].join('');
  return Buffer.concat([hex(head), bytes(authenticatorData)]);
}

/** A short text of CBOR, in hex. */
const text = (value: string): string => (0x60 | value.length).toString(16) + Buffer.from(value).toString('hex');
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const part = (key: KeyObject, name: 'x' | 'y' | 'n' | 'e'): Buffer =>
  Buffer.from(key.export({ format: 'jwk' })[name] as string, 'base64url');

/** A byte string of CBOR (RFC 8949 §3.1, major type 2). */
function bytes(value: Buffer): Buffer {
  const length = value.length;
  const head = length < 24 ? [0x40 | length] : length < 256 ? [0x58, length] : [0x59, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), value]);
}
