/**
 * GET /emergency, POST /emergency/search, /emergency/open, /emergency/:glass/end: opening the record of somebody who isn't in
 * one's care. Whether there is one, and whether it opens, is decided and recorded in SQL (0114_break_glass).
 */
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { type Door, Refusal } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { askMe, readMe } from '../me.ts';
import { blankSearch, forReason, type ReasonValues, readKept, readReason, readSearch } from './form.ts';
import { emergency } from './messages.ts';
import { ReasonPage, SearchPage, type SearchProps } from './page.tsx';
import { breakGlass, endGlass, openHome, openSearch, readGlass, readSearchResult } from './queries.ts';

export function emergencyRoutes(door: Door) {
  return (
    new Hono<Env>()
      .get('/', async (c) => {
        const [me] = await door.read(c.var.who, { open: openHome(), reads: [readMe()] });
        return show(c, me[0], <SearchPage values={blankSearch} />);
      })

      .post('/search', async (c) => {
        const fields = await c.req.parseBody();
        const { values, birthDate, errors } = readSearch(fields);
        const kept = readKept(fields);
        if (Object.keys(errors).length > 0) return answerSearch(c, door, { values, errors, kept }, 422);
        const search = crypto.randomUUID();
        const found = await door
          .read(c.var.who, { open: openSearch(search, values, birthDate), reads: [readMe(), readSearchResult(search)] })
          .catch(only('limited', 'invalid'));
        if (found === 'limited') return answerSearch(c, door, { values, limited: 'limitedSearch', kept }, 429);
        if (found === 'invalid') return answerSearch(c, door, { values, errors: { birth_name: 'missing' }, kept }, 422);
        const [me, [result]] = found;
        if (result?.state === 'one') return show(c, me[0], <ReasonPage values={forReason(search, kept)} />);
        const props = { values, kept, state: result?.state ?? 'gone', patientId: result?.patient_id };
        return show(c, me[0], <SearchPage {...props} />);
      })

      .post('/open', async (c) => answerOpen(c, door, readReason(await c.req.parseBody())))

      .post('/:glass/end', async (c) => {
        const glass = z.guid().parse(c.req.param('glass'));
        const key = z.guid().parse((await c.req.parseBody()).key);
        const change = endGlass(key, glass);
        await door.write(c.var.who, { open: openHome(), key, operation: 'glass.end', change, reads: [] });
        return c.redirect('/patients', 303);
      })

      // A reload, or the way back from a sign-in page: what was typed is gone with its request.
      .get('/search', (c) => c.redirect('/emergency', 303))
      .get('/open', (c) => c.redirect('/emergency', 303))
  );
}

async function answerOpen(c: Context<Env>, door: Door, values: ReasonValues) {
  const { glass, search } = values;
  const opened = await door
    .read(c.var.who, { open: breakGlass(values), reads: [readGlass(glass), readSearchResult(search)] })
    .catch(only('invalid', 'limited', 'hidden'));
  if (opened === 'invalid') return show(c, await askMe(door, c.var.who), <ReasonPage values={values} refused />, 422);
  if (opened === 'limited')
    return answerSearch(c, door, { values: blankSearch, limited: 'limitedOpen', kept: values }, 429);
  if (opened === 'hidden') return answerSearch(c, door, { values: blankSearch, state: 'gone', kept: values }, 404);
  const [[broken], [found]] = opened;
  // nothing was broken where the patient is in one's care meanwhile
  return c.redirect(`/patients/${broken?.patient_id ?? found?.patient_id}`, 303);
}

async function answerSearch(c: Context<Env>, door: Door, props: SearchProps, status: ContentfulStatusCode) {
  return show(c, await askMe(door, c.var.who), <SearchPage {...props} />, status);
}

function show(
  c: Context<Env>,
  me: Awaited<ReturnType<typeof askMe>>,
  body: Parameters<typeof page>[2],
  status: ContentfulStatusCode = 200,
) {
  const title = inLang(emergency, c.var.lang).title;
  return page(c, { title, me, section: 'emergency', error: status !== 200, status }, body);
}

/** These refusals are told on the page itself; every other one is a page of errors.tsx. */
function only<R extends Refusal['reason']>(...told: R[]) {
  return (error: unknown): R => {
    const reason = error instanceof Refusal ? told.find((one) => one === error.reason) : undefined;
    if (!reason) throw error;
    return reason;
  };
}
