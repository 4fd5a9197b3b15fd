// The password never leaves the edge: what the database hashes with bcrypt is this pre-hash of it.
//
// bcrypt reads 72 bytes and stops at NUL, and a plain pre-hash would be as good as the password to whoever
// reads it (hardening rule 20). So: base64(HMAC-SHA-256(pepper, account id ‖ password)), 44 characters.

/**
 * @param pepper  bytes of VITAL_PEPPER, which the database doesn't know
 * @param account the account's id, a UUID in its 36-character form
 * @param password as typed; NFC makes « é » one password on every keyboard (NIST SP 800-63B-4 §3.1.1.2)
 */
export async function prehash(pepper: Uint8Array, account: string, password: string): Promise<string> {
  const key = await crypto.subtle.importKey('raw', new Uint8Array(pepper), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ]);
  const message = new TextEncoder().encode(account.toLowerCase() + password.normalize('NFC'));
  const mac = await crypto.subtle.sign('HMAC', key, message);
  return btoa(String.fromCharCode(...new Uint8Array(mac)));
}
