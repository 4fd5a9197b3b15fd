// Files that are whole or not there at all, also when the power fails: keys, the record outside.
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Puts `text` into the file (mode 0600): whole or not at all, and on disk before it returns. */
export function replaceFile(file: string, text: string): void {
  const fresh = `${file}.new`;
  writeDurably(fresh, text);
  renameDurably(fresh, file);
}

/** Mode 0600; what the file holds is on disk when this returns. */
export function writeDurably(file: string, text: string): void {
  const handle = openSync(file, 'w', 0o600);
  writeSync(handle, text);
  fsyncSync(handle);
  closeSync(handle);
}

/** The renaming itself is on disk when this returns; Windows can open no directory. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  if (process.platform === 'win32') return;
  const folder = openSync(dirname(to), 'r');
  fsyncSync(folder);
  closeSync(folder);
}
