import { createHash } from 'node:crypto';
import type { Entry } from './entries.ts';
import { ofServer, unversioned } from './references.ts';

/**
 * A name for the resource that is the same whenever it is imported, and never that of another one:
 * its address on its server, or its id; without either, what it says. The database keeps a keyed hash of it.
 */
function sourceOf({ fullUrl, type, id, bytes }: Entry): string {
  if (ofServer(fullUrl)) return unversioned(fullUrl);
  const uuid = id ?? /^urn:uuid:(.+)$/.exec(fullUrl ?? '')?.[1];
  return `${type}/${uuid ?? digest(bytes)}`;
}

/** Patient/1 of one practice isn't Patient/1 of another: a short id without a server counts with the person's traits. */
export function patientSource(entry: Entry): string {
  if (standsAlone(entry)) return sourceOf(entry);
  const { identifier, name, birthDate } = entry.resource;
  return `${sourceOf(entry)}/${digest(JSON.stringify(identifier ?? [name, birthDate]))}`;
}

/** A patient who stands within another resource, and so has no id but there: one person with their identifier, or nobody else's. */
export function containedSource(entry: Entry, { value, id }: { value: unknown; id: string }): string {
  const identifiers = Object(value).identifier;
  return identifiers ? `Patient/${digest(JSON.stringify(identifiers))}` : `Patient/${digest(entry.bytes)}${id}`;
}

/** In the same way, Observation/1 is the one of this patient. */
export function rowSource(entry: Entry, patient: string): string {
  return standsAlone(entry) ? sourceOf(entry) : `${patient} ${sourceOf(entry)}`;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function standsAlone({ fullUrl, id }: Entry): boolean {
  const uuid = id ?? fullUrl?.replace('urn:uuid:', '') ?? '';
  return UUID.test(uuid) || ofServer(fullUrl);
}

const digest = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('base64url');
