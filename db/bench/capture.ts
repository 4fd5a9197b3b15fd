// Takes from the pages themselves the batch that each of them sends: what is measured of Postgres alone is never a
// copy that has grown old. Bundled, since pages are .tsx.
import { getLogger } from '@logtape/logtape';
import { createApp } from '../../app/app.tsx';
import { readAssets } from '../../edge/assets/files.ts';
import type { Change, Door, Page, Who } from '../batch.ts';
import type { AnyQuery } from '../query.ts';

type Reads = readonly AnyQuery[];
export type Batch = { who: Who } & ({ read: Page<Reads> } | { write: Change<Reads> });

/** Asks the app as a browser would, with a door that only looks at what it is given. */
export function openCapture(): (request: Request) => Promise<Batch> {
  let batch: Batch | undefined;
  const seen = (taken: Batch) => {
    batch = taken;
    throw new Error('captured'); // the page ends here, and becomes one of errors.tsx
  };
  const door: Door = {
    read: async (who, page) => seen({ who, read: page }),
    write: async (who, change) => seen({ who, write: change }),
    gate: async () => [],
    close: async () => {},
  };
  const pepper = { id: '', key: new Uint8Array(32) };
  const app = createApp({ door, ring: '', pepper, demo: false, assets: readAssets(), log: getLogger('bench') });
  return async (request) => {
    batch = undefined;
    const answer = await app.fetch(request);
    if (!batch) throw new Error(`${request.url} asked the database for nothing and answered ${answer.status}`);
    return batch;
  };
}
