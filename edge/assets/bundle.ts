// Run by wrangler before it bundles the worker (`[build]` in wrangler.toml): workerd has no file system, so the
// static files travel inside the worker, as one JSON module of texts.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readAssets } from './files.ts';

const root = join(import.meta.dirname, '../..');
const target = join(root, 'dist/static.json');
const read = readAssets(root);

const names = readdirSync(join(root, 'app/static'), { recursive: true, encoding: 'utf8' }).map((name) =>
  name.replaceAll('\\', '/'),
);
const files = [...names, 'htmx.js'].flatMap((name) => {
  const file = read(name);
  return file ? [[name, file]] : []; // a folder, or a file that no page asks for
});

mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, JSON.stringify(Object.fromEntries(files)));
