// The text of VITAL_KEYS: `id=base64(64 bytes)`, commas between, the current master key first (docs/formats.md).

/** The ring as text, or where it comes from at each request: a server goes on while its key file changes. */
export type Ring = string | (() => string);

export const ringNow = (ring: Ring): string => (typeof ring === 'string' ? ring : ring());

/** Names of the master keys, in their order. */
export function ringNames(ring: string): string[] {
  return ring.split(',').map((entry) => entry.slice(0, entry.indexOf('=')));
}

/** One key's 64 bytes; undefined when the ring lacks it. */
export function keyOf(ring: string, id: string): Buffer | undefined {
  const entry = ring.split(',').find((one) => one.startsWith(`${id}=`));
  return entry === undefined ? undefined : Buffer.from(entry.slice(id.length + 1), 'base64');
}

/** Last: nothing new is wrapped with it before every edge has it. */
export const withKey = (ring: string, id: string, key: Uint8Array): string =>
  `${ring},${id}=${Buffer.from(key).toString('base64')}`;

export function withFirst(ring: string, id: string): string {
  const isIt = (entry: string) => entry.startsWith(`${id}=`);
  const entries = ring.split(',');
  return [...entries.filter(isIt), ...entries.filter((entry) => !isIt(entry))].join(',');
}

export function without(ring: string, id: string): string {
  return ring
    .split(',')
    .filter((entry) => !entry.startsWith(`${id}=`))
    .join(',');
}
