// Bundles the Node entry into dist/: TypeScript and JSX become JavaScript, packages stay in node_modules.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build, stop } from 'esbuild';

export const bundle = join(import.meta.dirname, '..', 'dist', 'node.js');

/** Builds, and writes only what changed: a directory that can't be written is no harm when the build is current. */
export async function buildNode(): Promise<string> {
  const result = await build({
    entryPoints: [join(import.meta.dirname, 'node.ts')],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node24',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    outfile: bundle,
    write: false,
    logLevel: 'silent',
  });
  await stop(); // its process would stay for as long as ours
  const text = result.outputFiles[0]?.text ?? '';
  if (existsSync(bundle) && readFileSync(bundle, 'utf8') === text) return bundle;
  mkdirSync(dirname(bundle), { recursive: true });
  writeFileSync(bundle, text);
  return bundle;
}

if (import.meta.main) console.log(await buildNode());
