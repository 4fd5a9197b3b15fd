// Bundles for the bench: the server with its real door and with the bare one, and the pages alone.
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

const out = join(import.meta.dirname, '..', '..', 'dist', 'bench');

const bareDoor: Plugin = {
  name: 'bare door',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/db\/door\.ts$/ }, () => ({ path: join(import.meta.dirname, 'bare-door.ts') })),
};

/** Gives the paths of the bundles. */
export async function buildBench(): Promise<{ guaranteed: string; bare: string; pages: string }> {
  const bundle = async (entry: string, name: string, plugins: Plugin[] = []) => {
    const outfile = join(out, `${name}.js`);
    await build({
      entryPoints: [join(import.meta.dirname, entry)],
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      target: 'node24',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      outfile,
      logLevel: 'silent',
      plugins,
    });
    return outfile;
  };
  return {
    guaranteed: await bundle('server.ts', 'guaranteed'),
    bare: await bundle('server.ts', 'bare', [bareDoor]),
    pages: await bundle('capture.ts', 'pages'),
  };
}
