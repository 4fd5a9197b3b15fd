// Static files for runtimes that have a file system: Node and Deno read them from the checkout, once, at the start.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Assets } from '../../app/assets.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Name → file of app/static, and htmx from its package. `root` is the checkout. */
export function readAssets(root: string = checkout()): Assets {
  return (name) => {
    const type = TYPES[extname(name)];
    const file =
      name === 'htmx.js' ? join(root, 'node_modules/htmx.org/dist/htmx.min.js') : join(root, 'app/static', name);
    return type && existsSync(file) ? { body: readFileSync(file, 'utf8'), type } : undefined;
  };
}

/** The nearest directory above with a package.json: the sources and dist/ lie at different depths. */
function checkout(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error('app/static is missing: run Vital Sync from its checkout');
    directory = parent;
  }
  return directory;
}
