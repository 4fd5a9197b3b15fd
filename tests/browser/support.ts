// The real server and a real browser. Debian's chromium, or CHROMIUM=/path/to/one.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type pg from 'pg';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { Promises } from '../../db/promises/types.ts';
import { serve } from '../../edge/node.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { take } from '../support/outbox.ts';
import { createPractice, type Person, type Practice } from '../support/practice.ts';

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export type Stage = {
  db: TestDatabase;
  practice: Practice;
  origin: string;
  /** A page in a context of its own; whatever the policy stops or the page throws is an error of the test's. */
  open(path: string, as?: Person, options?: BrowserContextOptions): Promise<Page>;
  /** What went wrong in any page so far. */
  wrongs: string[];
  close(): Promise<void>;
};

/** `promises`: with the page /promises, as the demo has it. `hostname`: localhost where an address of numbers won't do. */
export async function setStage(
  options: { db?: TestDatabase; promises?: Promises; hostname?: string } = {},
): Promise<Stage> {
  const db = options.db ?? (await createDatabase());
  const practice = await createPractice(db);
  const { edgeUrl, gateUrl, ring, pepper } = db;
  const server = await serve({
    edgeUrl,
    gateUrl,
    ring,
    pepper,
    demo: options.promises !== undefined,
    promises: options.promises,
    host: '127.0.0.1',
    port: 0,
    proxied: false,
  });
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGS });
  const origin = `http://${options.hostname ?? '127.0.0.1'}:${server.port}`;
  const wrongs: string[] = [];
  return {
    db,
    practice,
    origin,
    wrongs,
    open: (path, as, options) => openPage(browser, `${origin}${path}`, wrongs, as, options),
    close: async () => {
      await browser.close();
      await server.stop();
      await db.close();
    },
  };
}

async function openPage(browser: Browser, url: string, wrongs: string[], as?: Person, options?: BrowserContextOptions) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'fr-FR', ...options });
  if (as) await context.addCookies([sessionCookie(as, url)]);
  const page = await context.newPage();
  page.on('pageerror', (error) => wrongs.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|violates|Refused to/i.test(message.text())) wrongs.push(message.text());
  });
  await page.goto(url);
  return page;
}

/** Chromium sends Secure cookies to loopback without TLS as well, but its protocol sets them for https only. */
function sessionCookie(person: Person, url: string) {
  const there = new URL('/', url.replace('http:', 'https:')).href;
  return {
    name: '__Host-vs',
    value: `${person.token}.${person.role}`,
    url: there,
    secure: true,
    httpOnly: true,
    sameSite: 'Lax' as const,
  };
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
type Violation = { id: string; help: string; nodes: { target: unknown[] }[] };

/** What axe finds wrong, one line each. The page's context needs `bypassCSP`. */
export async function findBarriers(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const violations = (await page.evaluate(
    `axe.run({ runOnly: ${JSON.stringify(RULES)} }).then((r) => r.violations)`,
  )) as Violation[];
  return violations.map((v) => `${v.id}: ${v.help} (${String(v.nodes[0]?.target)})`);
}

/** How far the page is wider than the window, in pixels. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}

/** What axe finds, and what doesn't fit: the page in the window, a field in its card. */
export const wrongIn = async (page: Page): Promise<string[]> => [
  ...(await findBarriers(page)),
  ...((await overflowOf(page)) > 0 ? ['too wide'] : []),
  ...(await spilling(page)),
];

/** The fields that reach into the padding of their card, or beyond it. */
function spilling(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const inner = (card: Element) =>
      card.getBoundingClientRect().right - Number.parseFloat(getComputedStyle(card).paddingInlineEnd);
    const out = [...document.querySelectorAll('.card .input')].filter((field) => {
      const card = field.closest('.card');
      return card && field.getBoundingClientRect().right > inner(card) + 1;
    });
    return out.map((field) => `#${field.id} leaves its card`);
  });
}

/** Where the last message to somebody leads; of this template, where it isn't the only one. */
export async function linkTo(stage: Stage, gate: pg.Client, address: string, template?: string): Promise<string> {
  const messages = await take(stage.db, gate);
  const last = messages.findLast((one) => one.address === address && (!template || one.template === template));
  return String(last?.vars.path);
}
