// Static files on workerd: what bundle.ts gathered before wrangler bundled the worker.
import type { Assets } from '../../app/assets.ts';
import files from '../../dist/static.json' with { type: 'json' };

const byName = new Map(Object.entries(files));

export const bundledAssets: Assets = (name) => byName.get(name);
