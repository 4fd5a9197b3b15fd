import { z } from 'zod';
import { read, resource } from './elements.ts';
import { parse } from './json.ts';
import { NotFhir } from './refusal.ts';
import { RESOURCE_TYPES } from './resource-types.ts';
import { slices } from './slices.ts';

/** One resource of a bundle, with its place in it. */
export type Entry = {
  index: number;
  at: string;
  fullUrl: string | undefined;
  type: string;
  id: string | undefined;
  resource: Record<string, unknown>;
  bytes: Uint8Array;
};

const BUNDLE_TYPES = ['transaction', 'collection', 'searchset'];

const entryShape = z.object({
  fullUrl: z.string().optional(),
  resource: z.record(z.string(), z.unknown()).optional(),
  request: z.object({ method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH']) }).optional(),
});
const resourceShape = z.object({ ...resource, resourceType: z.string() });

/**
 * The entries of a bundle as they stream by. An entry without a resource (a deletion, a search) is
 * given as the type "request".
 * @throws NotFhir for what isn't a whole transaction, collection or searchset bundle of FHIR R4;
 *   that may come after the last entry, so nothing may be kept before the end
 */
export async function* entries(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Entry> {
  const header = new Map<string, unknown>();
  for await (const slice of slices(chunks)) {
    if (slice.index >= 0) {
      yield entryOf(parse(slice, `entry[${slice.index}]`), slice.index, slice.bytes);
      continue;
    }
    const value = parse(slice, slice.key);
    if (slice.key === 'entry') throw new NotFhir('entry', 'is not a list');
    if (slice.key === 'resourceType' || slice.key === 'type') header.set(slice.key, value);
    checkHeader(header);
  }
  if (!header.has('resourceType')) throw new NotFhir('resourceType', 'is required: this is not FHIR');
  if (!header.has('type')) throw new NotFhir('type', 'is required');
}

function checkHeader(header: ReadonlyMap<string, unknown>): void {
  if (header.has('resourceType') && header.get('resourceType') !== 'Bundle')
    throw new NotFhir('resourceType', 'is not Bundle');
  if (header.has('type') && !BUNDLE_TYPES.includes(String(header.get('type'))))
    throw new NotFhir('type', `is not one of ${BUNDLE_TYPES.join(', ')}`);
}

function entryOf(value: unknown, index: number, bytes: Uint8Array): Entry {
  const path = `entry[${index}]`;
  const entry = read(entryShape, value, path);
  const at = `${path}.resource`;
  if (entry.resource === undefined) {
    if (
      entry.fullUrl === undefined &&
      entry.request === undefined &&
      !('response' in Object(value)) &&
      !('search' in Object(value))
    )
      throw new NotFhir(at, 'is required');
    return { index, at, fullUrl: entry.fullUrl, type: 'request', id: undefined, resource: {}, bytes };
  }
  const { resourceType, id } = read(resourceShape, entry.resource, at);
  if (!RESOURCE_TYPES.has(resourceType)) throw new NotFhir(`${at}.resourceType`, 'is not a resource type of FHIR R4');
  return { index, at, fullUrl: entry.fullUrl, type: resourceType, id, resource: entry.resource, bytes };
}
