// What an authenticator app reads: the secret in letters, and the address that a QR code holds
// (github.com/google/google-authenticator/wiki/Key-Uri-Format; the usual apps take it).

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Base32 without padding (RFC 4648), as authenticator apps take it. */
export function toBase32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => ALPHABET[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
}

/**
 * `otpauth://totp/…`: SHA-1, 6 digits and 30 seconds are what apps suppose, and some ignore anything else (RFC 6238).
 * @param secret in base32
 * @param label  what the app shows besides « Vital Sync »: an address or a practice, 60 characters of it
 */
export function otpauthUri(secret: string, label: string): string {
  const name = encodeURIComponent([...label].slice(0, 60).join(''));
  return `otpauth://totp/Vital%20Sync:${name}?secret=${secret}&issuer=Vital%20Sync`;
}
