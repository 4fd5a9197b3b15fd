/** GET /promises shows the nine promises, POST attacks one of them, or all. Mounted for the demo alone. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import type { AttackResult, Promises } from '../../db/promises/types.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { fragment, page, wantsFragment } from '../layout.tsx';
import { promised } from './messages.ts';
import { OnePromise, PromisesPage, verdictOf } from './page.tsx';

const Chosen = z.object({ promise: z.coerce.number().int().min(1).max(9).optional() });

export function promiseRoutes(promises: Promises) {
  return new Hono<Env>()
    .get('/', (c) => answerAll(c, promises, []))

    .post('/', async (c) => {
      const { promise } = Chosen.parse(await c.req.parseBody());
      const chosen = promises.all.filter(({ number }) => promise === undefined || number === promise);
      const results = await promises.attack(chosen.map(({ number }) => number));
      const [one] = chosen;
      if (!one || promise === undefined || !wantsFragment(c)) return answerAll(c, promises, results);
      const announce = verdictOf(inLang(promised, c.var.lang), results);
      return fragment(c, <OnePromise promise={one} results={results} />, { announce, quiet: true });
    });
}

function answerAll(c: Context<Env>, promises: Promises, results: readonly AttackResult[]) {
  const title = inLang(promised, c.var.lang).title;
  return page(c, { title }, <PromisesPage all={promises.all} results={results} />);
}
