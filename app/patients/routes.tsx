/** GET /patients, POST /patients/search. What is searched for travels in the body of a POST, never in an address. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { type Door, Refusal } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { fragment, type Me, page, wantsFragment } from '../layout.tsx';
import { askMe, readMe } from '../me.ts';
import { formatDay } from '../ui/time.tsx';
import { patients } from './messages.ts';
import { type Found, PatientList, SearchOptions, SearchRefused, SearchResults } from './page.tsx';
import { openList, openSearch, readSelection } from './queries.ts';
import { recordNumber } from './record-number.ts';
import { readTerm } from './term.ts';

const Search = z.object({ q: z.string().trim().max(80).catch('') });

export function patientRoutes(door: Door) {
  return (
    new Hono<Env>()
      .get('/', async (c) => {
        const selection = crypto.randomUUID();
        const [me, rows] = await door.read(c.var.who, {
          open: openList(selection),
          reads: [readMe(), readSelection(selection)],
        });
        const t = inLang(patients, c.var.lang);
        return page(
          c,
          { title: t.title, me: me[0], section: 'patients' },
          <PatientList rows={rows} role={c.var.who.role} />,
        );
      })

      .post('/search', async (c) => {
        const { q } = Search.parse(await c.req.parseBody());
        // what a DPO tells of somebody; whether they may be opened, the chart's own page says
        const number = recordNumber(q);
        if (number && !wantsFragment(c)) return c.redirect(`/patients/${number}`, 303);
        const term = readTerm(q);
        if (term.problem) return answerRefused(c, door, q, term.problem);
        const selection = crypto.randomUUID();
        const open = openSearch(selection, term.name, term.birthDate);
        const found = await door
          .read(c.var.who, { open, reads: [readMe(), readSelection(selection)] })
          .catch(searchRefusal);
        if (typeof found === 'string') return answerRefused(c, door, q, found);
        const [me, rows] = found;
        const understood = term.centuryAdded && (term.birthDate ?? undefined);
        return answerFound(c, q, me[0], { rows, role: c.var.who.role, understood });
      })

      // A reload, or the way back from a sign-in page: there is nothing to show without what was typed.
      .get('/search', (c) => c.redirect('/patients', 303))
  );
}

function answerFound(c: Context<Env>, typed: string, me: Me | undefined, found: Found) {
  const t = inLang(patients, c.var.lang);
  const { rows, understood } = found;
  if (!wantsFragment(c))
    return page(c, { title: t.results, me, section: 'patients', search: typed }, <SearchResults {...found} />);
  const said = understood ? `. ${t.understood(formatDay(c.var.lang, understood))}` : '';
  return fragment(c, <SearchOptions {...found} />, { announce: t.found(rows.length) + said, quiet: true });
}

type Problem = 'too_short' | 'not_a_date' | 'year_in_full' | 'too_many';

/** What the searcher can mend stays with the search; every other refusal is a page of errors.tsx. */
function searchRefusal(error: unknown): Problem {
  if (error instanceof Refusal && (error.reason === 'too_many' || error.reason === 'too_short')) return error.reason;
  throw error;
}

async function answerRefused(c: Context<Env>, door: Door, typed: string, problem: Problem) {
  const t = inLang(patients, c.var.lang);
  const sentences = { too_short: t.tooShort, not_a_date: t.notADate, year_in_full: t.yearInFull, too_many: t.tooMany };
  const sentence = sentences[problem];
  // Announced as well, or the number of the search before would still stand there for a screen reader.
  if (wantsFragment(c))
    return typed === ''
      ? fragment(c, null, { status: 422, announce: '' })
      : fragment(c, <p>{sentence}</p>, { status: 422, announce: sentence, quiet: true });
  return page(
    c,
    {
      title: t.results,
      me: await askMe(door, c.var.who),
      section: 'patients',
      search: typed,
      error: true,
      status: 422,
    },
    <SearchRefused sentence={sentence} />,
  );
}
