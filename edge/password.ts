// The password never leaves the edge: what the database hashes with bcrypt is this pre-hash of it.
//
// bcrypt reads 72 bytes and stops at NUL, and a plain pre-hash would be as good as the password to whoever
// reads it (hardening rule 20). So: pepper id ‖ ':' ‖ base64(HMAC-SHA-256(pepper, account id ‖ password)); the base64 has
// 44 characters, so an id of up to 27 fits. The id says which pepper a stored hash was made with, when peppers change.

/**
 * @param pepper  VITAL_PEPPER, whose key the database doesn't know
 * @param account the account's id, a UUID in its 36-character form
 * @param password as typed; NFC makes « é » one password on every keyboard (NIST SP 800-63B-4 §3.1.1.2)
 */
export async function prehash(
  pepper: { id: string; key: Uint8Array },
  account: string,
  password: string,
): Promise<string> {
  const key = await crypto.subtle.importKey(
    'raw',
    new Uint8Array(pepper.key),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  );
  const message = new TextEncoder().encode(account.toLowerCase() + password.normalize('NFC'));
  const mac = await crypto.subtle.sign('HMAC', key, message);
  return `${pepper.id}:${btoa(String.fromCharCode(...new Uint8Array(mac)))}`;
}
