/**
 * The files under /static. The stylesheet and the script are written in small files and served as one each;
 * their address carries a version, so that browsers may keep them for good.
 */
import { Hono } from 'hono';
import type { Env } from '../edge/session.ts';

/** The entry's static files by name: those of app/static (css/base.css…) and htmx.js. */
export type Assets = (name: string) => { body: Uint8Array | string; type: string } | undefined;

const FRAME = ['layers', 'tokens', 'base', 'layout', 'forms', 'components', 'table', 'banner', 'search'];
const PAGES = [
  'chart',
  'notes',
  'care',
  'record',
  'consents',
  'privacy',
  'sign-ins',
  'account',
  'accounts',
  'audit',
  'promises',
  'messages',
];
const JOINED: Record<string, readonly string[]> = {
  'style.css': [...FRAME, ...PAGES, 'print'].map((name) => `css/${name}.css`),
  'passkey.js': ['js/passkey.js'],
  'app.js': ['once', 'search', 'find', 'keys', 'live', 'unsaved', 'show-password', 'step-up', 'idle'].map(
    (name) => `js/${name}.js`,
  ),
};
const SERVED = ['style.css', 'app.js', 'passkey.js', 'htmx.js', 'icon.svg'] as const;
type Served = (typeof SERVED)[number];

let versions: Partial<Record<Served, string>> = {};

/** GET /static/:file. A file that the entry doesn't bring stops the start, not the first reader. */
export function staticFiles(assets: Assets) {
  const files = new Map(SERVED.map((name) => [name as string, load(assets, name)]));
  versions = Object.fromEntries([...files].map(([name, file]) => [name, fingerprint(file.body)]));
  return new Hono<Env>().get('/:file', (c) => {
    const file = files.get(c.req.param('file'));
    return file ? c.body(file.body, 200, { 'Content-Type': file.type }) : c.notFound();
  });
}

export function assetUrl(name: Served): string {
  return `/static/${name}?v=${versions[name] ?? '0'}`;
}

function load(assets: Assets, name: Served): { body: string; type: string } {
  const parts = (JOINED[name] ?? [name]).map((part) => {
    const file = assets(part);
    if (!file) throw new Error(`static file ${part} is missing`);
    return { type: file.type, text: typeof file.body === 'string' ? file.body : new TextDecoder().decode(file.body) };
  });
  return { type: parts[0]?.type ?? 'text/plain', body: parts.map((part) => part.text).join('\n') };
}

/** FNV-1a, 32 bits: tells versions apart, proves nothing. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(36);
}
