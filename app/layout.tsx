/**
 * Around every page: `page` answers a whole document, `fragment` a piece that htmx puts in place. Both give
 * the components the reader's language.
 */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { ComponentChildren } from 'preact';
import { render } from 'preact-render-to-string';
import type { Env } from '../edge/session.ts';
import { assetUrl } from './assets.ts';
import { GlassBanner } from './emergency/banner.tsx';
import { Footer } from './footer.tsx';
import { type Section, TopBar } from './frame.tsx';
import { inLang, LangContext, useLang } from './i18n.ts';
import { Live } from './live.tsx';
import { addressOf } from './local-path.ts';
import { type Ending, SessionEnd } from './session/end.tsx';
import { ui } from './ui/messages.ts';

/** The row of clinic.me that the frame shows; a page reads it in its own batch. */
export type Me = Ending & {
  display_name: string | null;
  organisation_name: string;
  role: string;
  /** The emergency access that shows the patient on the page, if there is one. */
  glass_id?: string | null;
  glass_kind?: string | null;
  glass_reason?: string | null;
  glass_ends_at?: Date | null;
};

export type PageOptions = {
  /** Names the page in the tab and the history; never a person. */
  title: string;
  me?: Me;
  /** Which destination of the top bar is the current one. */
  section?: Section;
  /** The patient banner, if the page is about one patient. */
  banner?: ComponentChildren;
  /** What was searched for, given back in the top bar's field. */
  search?: string;
  /** A form came back with errors: the title starts with « Erreur : ». */
  error?: boolean;
  /** Sign-in and error pages: one narrow column. */
  narrow?: boolean;
  status?: ContentfulStatusCode;
  /**
   * Where the switches of language and theme lead back to from a page that answers a POST. Left out where that would lose
   * what somebody typed, on purpose: the page has no switches then.
   */
  returnTo?: string;
};

const HTMX_CONFIG = JSON.stringify({
  // The default indicator rules would be a style the policy didn't ship.
  includeIndicatorCSS: false,
  // The address never changes by a swap, and a snapshot of a record has no place in session storage.
  history: false,
  defaultTimeout: 15_000,
  // Server errors may come from a proxy, whose page must not land inside ours: app.js says what happened.
  noSwap: [204, 304, '5xx'],
});

export function page(c: Context<Env>, options: PageOptions, body: ComponentChildren) {
  const html = render(
    <LangContext.Provider value={c.var.lang}>
      <Document c={c} options={options}>
        {body}
      </Document>
    </LangContext.Provider>,
  );
  return c.html(`<!doctype html>${html}`, options.status ?? 200);
}

/**
 * A piece of the same page. `announce` goes into the page's one role=status: read out, and shown until it is
 * dismissed; `quiet` only reads it out. An empty one takes away what stands there.
 */
export function fragment(
  c: Context<Env>,
  body: ComponentChildren,
  options: { announce?: string; quiet?: boolean; status?: ContentfulStatusCode } = {},
) {
  const html = render(
    <LangContext.Provider value={c.var.lang}>
      {body}
      {options.announce !== undefined ? (
        <hx-partial hx-target="#status" hx-swap="innerHTML">
          {options.announce ? <p class={options.quiet ? 'visually-hidden' : undefined}>{options.announce}</p> : null}
        </hx-partial>
      ) : null}
    </LangContext.Provider>,
  );
  return c.html(html, options.status ?? 200);
}

/** htmx asks for a piece; without script, and on a reload, the same address answers the whole page. */
export function wantsFragment(c: Context<Env>): boolean {
  return c.req.header('HX-Request') === 'true' && c.req.header('HX-Request-Type') !== 'full';
}

function Document({ c, options, children }: { c: Context<Env>; options: PageOptions; children: ComponentChildren }) {
  const lang = useLang();
  const title = options.error ? inLang(ui, lang).errorTitle(options.title) : options.title;
  return (
    <html lang={lang} data-theme={c.var.theme === 'system' ? undefined : c.var.theme}>
      <head>
        <meta charset="utf-8" />
        <title>{`${title} · Vital Sync`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="htmx-config" content={HTMX_CONFIG} />
        <link rel="icon" href={assetUrl('icon.svg')} type="image/svg+xml" />
        <link rel="stylesheet" href={assetUrl('style.css')} />
        <script src={assetUrl('htmx.js')} defer />
        <script src={assetUrl('app.js')} defer />
      </head>
      <body data-narrow={options.narrow ? '' : undefined}>
        <TopBar role={c.var.who.role} me={options.me} section={options.section} search={options.search} />
        {options.banner}
        <BrokenGlass me={options.me} />
        <main id="main" tabIndex={-1}>
          {children}
        </main>
        <Footer
          theme={c.var.theme}
          returnTo={options.returnTo ?? (c.req.method === 'GET' ? addressOf(c) : undefined)}
          mailbox={c.var.mailbox}
        />
        <SessionEnd me={options.me} />
        <Live />
      </body>
    </html>
  );
}

function BrokenGlass({ me }: { me?: Me }) {
  const { glass_id, glass_kind, glass_reason, glass_ends_at } = me ?? {};
  if (!glass_id || !glass_kind || !glass_ends_at) return null;
  return <GlassBanner glass={{ glass_id, glass_kind, glass_ends_at, glass_reason: glass_reason ?? null }} />;
}

declare module 'preact' {
  namespace JSX {
    interface IntrinsicElements {
      /** htmx 4: a piece of the answer that goes to a target of its own. */
      'hx-partial': { 'hx-target': string; 'hx-swap'?: string; children?: ComponentChildren };
    }
  }
}
