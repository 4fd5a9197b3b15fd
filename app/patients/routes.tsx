/** GET /patients, POST /patients/search. What is searched for travels in the body of a POST, never in an address. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { type Door, Refusal } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { fragment, page, wantsFragment } from '../layout.tsx';
import { readMe } from '../me.ts';
import { patients } from './messages.ts';
import { PatientList, SearchOptions, SearchRefused, SearchResults } from './page.tsx';
import { openList, openSearch, readSelection } from './queries.ts';
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
        return page(c, { title: t.title, me: me[0], section: 'patients' }, <PatientList rows={rows} />);
      })

      .post('/search', async (c) => {
        const { q } = Search.parse(await c.req.parseBody());
        const term = readTerm(q);
        if (term.problem) return answerRefused(c, q, term.problem);
        const selection = crypto.randomUUID();
        const open = openSearch(selection, term.name, term.birthDate);
        const found = await door
          .read(c.var.who, { open, reads: [readMe(), readSelection(selection)] })
          .catch(searchRefusal);
        if (typeof found === 'string') return answerRefused(c, q, found);
        const [me, rows] = found;
        const t = inLang(patients, c.var.lang);
        if (wantsFragment(c))
          return fragment(c, <SearchOptions rows={rows} />, { announce: t.found(rows.length), quiet: true });
        return page(c, { title: t.results, me: me[0], section: 'patients', search: q }, <SearchResults rows={rows} />);
      })

      // A reload, or the way back from a sign-in page: there is nothing to show without what was typed.
      .get('/search', (c) => c.redirect('/patients', 303))
  );
}

type Problem = 'too_short' | 'not_a_date' | 'too_many';

/** What the searcher can mend stays with the search; every other refusal is a page of errors.tsx. */
function searchRefusal(error: unknown): Problem {
  if (error instanceof Refusal && (error.reason === 'too_many' || error.reason === 'too_short')) return error.reason;
  throw error;
}

function answerRefused(c: Context<Env>, typed: string, problem: Problem) {
  const t = inLang(patients, c.var.lang);
  const sentence = { too_short: t.tooShort, not_a_date: t.notADate, too_many: t.tooMany }[problem];
  if (wantsFragment(c)) return fragment(c, typed === '' ? null : <p>{sentence}</p>, { status: 422 });
  return page(
    c,
    { title: t.results, section: 'patients', search: typed, error: true, status: 422 },
    <SearchRefused sentence={sentence} />,
  );
}
