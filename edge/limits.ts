// What is too large, ambiguous or malformed never reaches a page. How often somebody may ask is SQL's to say.
//
// 1. GET, HEAD and POST only; a path and a query that decode to UTF-8 without control characters.
// 2. A header that has one value has one value; Host looks like a host.
// 3. A body is a URL-encoded form of 1 MB at most, in valid UTF-8.
// 4. No parameter comes twice: two readers could believe two different values.
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { RefusedKind } from './refusals.ts';
import { refuse } from './refuse.ts';
import type { Env } from './session.ts';

const MEGABYTE = 1024 * 1024;
const SINGLE = [
  'origin',
  'content-type',
  'content-length',
  'sec-fetch-site',
  'sec-fetch-mode',
  'sec-fetch-dest',
  'x-forwarded-proto',
];
const HOST = /^([a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(:\d{1,5})?$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const CONTROL = /[\x00-\x1f\x7f]/;
/** In a form, texts have lines and tabs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const FORM_CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** Answers 400, 405, 413, 414 or 415; the body of a form that passes is read already and stays readable. */
export function limits(): MiddlewareHandler<Env> {
  const size = bodyLimit({ maxSize: MEGABYTE, onError: tooLarge });
  return async (c, next) => {
    if (!['GET', 'HEAD', 'POST'].includes(c.req.method)) {
      c.header('Allow', 'GET, HEAD, POST');
      return refuse(c, 'request.method', 405, 'Cette méthode ne sert à rien ici.', 'This method is not used here.');
    }
    if (c.req.url.length > 4096)
      return refuse(c, 'request.too_large', 414, 'Cette adresse est trop longue.', 'This address is too long.');
    const problem = findInHeaders(c) ?? findInAddress(c);
    if (problem) return malformed(c, problem);
    if (c.req.method !== 'POST') return next();
    // The size is checked before anything is read; what follows runs only within it.
    let answer: Response | undefined;
    const tooLong = await size(c, async () => {
      answer = await checkForm(c);
    });
    return tooLong ?? answer ?? next();
  };
}

async function checkForm(c: Context): Promise<Response | undefined> {
  const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  const body = await c.req.arrayBuffer();
  if (body.byteLength === 0) return undefined;
  if (type !== 'application/x-www-form-urlencoded' || c.req.header('content-encoding')) {
    const [french, english] = ["Le contenu doit être celui d'un formulaire.", 'The content must be that of a form.'];
    return refuse(c, 'request.malformed', 415, french, english);
  }
  const form = decodeForm(body);
  if (!form) return malformed(c, 'request.malformed');
  return isUnambiguous(form) ? undefined : malformed(c, 'request.polluted');
}

function tooLarge(c: Context): Response {
  return refuse(
    c,
    'request.too_large',
    413,
    "L'envoi dépasse 1 Mo. Rien n'a été enregistré ; raccourcissez le texte.",
    'The form exceeds 1 MB. Nothing was saved; shorten the text.',
  );
}

function malformed(c: Context, kind: RefusedKind): Response {
  return refuse(
    c,
    kind,
    400,
    "La demande est mal formée. Rien n'a été enregistré.",
    'The request is malformed. Nothing was saved.',
  );
}

function findInHeaders(c: Context): RefusedKind | undefined {
  const host = c.req.header('host');
  const length = c.req.header('content-length');
  if (host !== undefined && !HOST.test(host)) return 'request.host';
  if (SINGLE.some((name) => c.req.header(name)?.includes(','))) return 'request.polluted';
  return length === undefined || /^\d+$/.test(length) ? undefined : 'request.malformed';
}

function findInAddress(c: Context): RefusedKind | undefined {
  const { pathname, search } = new URL(c.req.url);
  const path = decodeUtf8(pathname);
  if (path === undefined || CONTROL.test(path) || path.includes('\\')) return 'request.malformed';
  const query = decodeUtf8(search.replaceAll('+', ' '));
  if (query === undefined || CONTROL.test(query)) return 'request.malformed';
  return isUnambiguous(new URLSearchParams(search)) ? undefined : 'request.polluted';
}

/** The form's pairs, or undefined when they aren't valid UTF-8 or hold control characters. */
function decodeForm(body: ArrayBuffer): URLSearchParams | undefined {
  let raw: string;
  try {
    raw = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return undefined; // the caller answers 400
  }
  const text = decodeUtf8(raw.replaceAll('+', ' '));
  return text === undefined || FORM_CONTROL.test(text) ? undefined : new URLSearchParams(raw);
}

function isUnambiguous(pairs: URLSearchParams): boolean {
  const names = [...pairs.keys()];
  return new Set(names).size === names.length;
}

function decodeUtf8(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // the caller answers 400
  }
}
