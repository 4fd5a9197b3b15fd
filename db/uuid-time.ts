/** When a UUID of version 7 was made, in milliseconds since 1970 (RFC 9562 §5.7: its first 48 bits); 0 for another kind. */
export const uuidTime = (id: string): number =>
  id[14] === '7' ? Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16) : 0;
