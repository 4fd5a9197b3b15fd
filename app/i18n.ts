/**
 * French and English words. Each concept keeps its own in app/<concept>/messages.ts and a page reads them
 * with `useWords(words)`. French is the reference: English must have the same keys and the same parameters,
 * or the compiler refuses it.
 */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

export type Lang = 'fr' | 'en';
export const LANGS: readonly Lang[] = ['fr', 'en'];

// biome-ignore lint/suspicious/noExplicitAny: parameters differ from message to message
type Message = string | ((...values: any[]) => string);
type Same<W> = { [K in keyof W]: W[K] extends string ? string : W[K] };
export type Words<W> = { readonly fr: W; readonly en: Same<W> };

/** A concept's messages in both languages; French gets its spaces here, so that nobody has to type them. */
export function messages<W extends Record<string, Message>>(fr: W, en: Same<W>): Words<W> {
  const spaced = Object.entries(fr).map(([key, message]) => [
    key,
    typeof message === 'string' ? typeset(message) : compose(message),
  ]);
  return { fr: Object.fromEntries(spaced), en };
}

function compose(message: Exclude<Message, string>): Message {
  const composed: Message = (...values) => typeset(message(...values));
  return Object.defineProperty(composed, 'length', { value: message.length });
}

/** Narrow no-break space before ; ! ? and inside « », no-break space before the colon. */
export function typeset(french: string): string {
  return french
    .replace(/[ \u00a0]([;!?»])/g, '\u202f$1')
    .replace(/«[ \u00a0]/g, '«\u202f')
    .replace(/[ \u202f]:/g, '\u00a0:');
}

/** The reader's language; layout.tsx provides it around every page and fragment. */
export const LangContext = createContext<Lang>('fr');

export function useLang(): Lang {
  return useContext(LangContext);
}

export function useWords<W>(words: Words<W>): Same<W> {
  return inLang(words, useLang());
}

/** The same outside of a component: in a handler, for a title. */
export function inLang<W>(words: Words<W>, lang: Lang): Same<W> {
  return lang === 'en' ? words.en : (words.fr as Same<W>);
}

const NARROW_SPACE = '\u202f';

/**
 * A number as it is written in the language: decimal comma and narrow spaces in French. It works on the
 * text, digit for digit, because rounding a clinical value is a decision of the page that shows it.
 */
export function formatNumber(lang: Lang, value: string | number): string {
  const match = /^([-+]?)(\d+)(?:\.(\d+))?$/.exec(String(value));
  if (!match) return String(value);
  const [, sign = '', whole = '', fraction] = match;
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, lang === 'fr' ? NARROW_SPACE : ',') : whole;
  const minus = sign === '-' ? '\u2212' : sign;
  return `${minus}${grouped}${fraction ? (lang === 'fr' ? ',' : '.') + fraction : ''}`;
}
