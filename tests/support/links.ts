// The links of the documents. A link to a line shows the words that stand on it, a symbol in backticks or the title of
// a test, so that a line that moved is noticed and found again: `npx node tests/support/links.ts` writes the numbers anew.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export type Link = { document: string; text: string; target: string };

const root = join(import.meta.dirname, '..', '..');

/** README.md and docs/*.md, relative to the root. */
export function documents(): string[] {
  const found = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'));
  return ['README.md', ...found.sort().map((file) => `docs/${file}`)];
}

export const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Every relative link, outside of code. */
export function linksOf(document: string): Link[] {
  const prose = read(document).replace(/^```.*?^```/gms, '');
  const links = [...prose.matchAll(pattern)].map(([, text = '', target = '']) => ({ document, text, target }));
  return links.filter(({ target }) => !/^[a-z]+:/.test(target));
}

const pattern = /\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)/g;

/** What is wrong with a link, in a sentence; undefined when it leads where it says. */
export function problemOf({ document, text, target }: Link): string | undefined {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? document : relative(root, join(root, dirname(document), path));
  if (!existsSync(join(root, file))) return `${file} isn't there`;
  if (anchor === undefined) return undefined;
  const line = /^L(\d*)$/.exec(anchor)?.[1];
  if (line === undefined) return headingsOf(file).includes(anchor) ? undefined : `${file} has no heading #${anchor}`;
  return says(read(file).split('\n')[Number(line) - 1] ?? '', text)
    ? undefined
    : `line ${line} of ${file} doesn't say ${text}`;
}

/** GitHub's anchors: lower case, without punctuation, a hyphen for each space. */
export function headingsOf(file: string): string[] {
  const headings = [
    ...read(file)
      .replace(/^```.*?^```/gms, '')
      .matchAll(/^#+ (.*)$/gm),
  ];
  return headings.map(([, words = '']) =>
    words
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

/** Whether the words of a link stand on a line, whole: `vault.open` isn't on a line that only says `vault.open_all`. */
function says(line: string, text: string): boolean {
  const words = text.replaceAll('`', '');
  const plain = line.replaceAll("\\'", "'"); // as a test's title is written between quotes
  for (let at = plain.indexOf(words); at >= 0; at = plain.indexOf(words, at + 1)) {
    if (/(^|[^\w.])$/.test(plain.slice(0, at)) && /^($|\W)/.test(plain.slice(at + words.length))) return true;
  }
  return false;
}

/** Where a symbol is defined; else the first line that says it. */
export function findLine(file: string, text: string): number | undefined {
  const lines = read(file).split('\n');
  const saying = lines.flatMap((line, i) => (says(line, text) ? [i + 1] : []));
  const defining = saying.find((n) => definition.test(lines[n - 1]?.split(text.replaceAll('`', ''))[0] ?? ''));
  return defining ?? saying[0];
}

/** What stands before a name that is defined. */
const definition = /^(create [a-z ]+|(export )?(async )?(const|function|type|class|interface) )$/;

/** Writes the line numbers of one document anew; gives the links that led nowhere. */
export function relink(document: string): string[] {
  const lost: string[] = [];
  const text = read(document).replace(pattern, (whole, words: string, target: string) => {
    const [path = '', anchor = ''] = target.split('#');
    if (!/^L\d*$/.test(anchor)) return whole;
    const file = join(dirname(document), path);
    const line = existsSync(join(root, file)) ? findLine(file, words) : undefined;
    if (line === undefined) lost.push(`${document}: ${whole}`);
    return line === undefined ? whole : `[${words}](${path}#L${line})`;
  });
  writeFileSync(join(root, document), text);
  return lost;
}

if (import.meta.main) {
  const lost = documents().flatMap(relink);
  for (const link of lost) console.error(`nowhere: ${link}`);
  process.exitCode = lost.length > 0 ? 1 : 0;
}
