/** GET /audit, POST /audit/search, GET and POST /audit/verification: the auditor's pages. */
import { type Context, Hono } from 'hono';
import type { Door } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { fragment, page, wantsFragment } from '../layout.tsx';
import { readMe } from '../me.ts';
import { audit } from './messages.ts';
import { AuditPage, AuditSearch, Verification, VerificationPage } from './page.tsx';
import { openLog, openVerification, readBreaks, readCheckpoint, readEvents, readHeads } from './queries.ts';
import { emptySearch, readSearch, type Search, type SearchErrors, type SearchValues } from './search.ts';

export function auditRoutes(door: Door) {
  return (
    new Hono<Env>()
      .get('/', (c) => answerLog(c, door, emptySearch, everything))

      .post('/search', async (c) => {
        const read = readSearch(await c.req.parseBody());
        if ('errors' in read) return answerErrors(c, door, read.values, read.errors);
        return answerLog(c, door, read.values, read.search);
      })

      // A reload: what was searched for went with the body of the request that held it.
      .get('/search', (c) => c.redirect('/audit', 303))

      .get('/verification', async (c) => {
        const [me, heads, [checkpoint]] = await door.read(c.var.who, {
          open: openLog(),
          reads: [readMe(), readHeads(), readCheckpoint()],
        });
        const title = inLang(audit, c.var.lang).verification;
        return page(
          c,
          { title, me: me[0], section: 'verification' },
          <VerificationPage heads={heads} checkpoint={checkpoint} />,
        );
      })

      .post('/verification', async (c) => {
        const [me, heads, [checkpoint], breaks] = await door.read(c.var.who, {
          open: openVerification(),
          reads: [readMe(), readHeads(), readCheckpoint(), readBreaks()],
        });
        const t = inLang(audit, c.var.lang);
        const result = { breaks, at: new Date() };
        if (wantsFragment(c)) {
          const announce = breaks.length === 0 ? t.intact : t.broken(breaks.length);
          return fragment(c, <Verification heads={heads} checkpoint={checkpoint} result={result} />, {
            announce,
            quiet: true,
          });
        }
        const body = <VerificationPage heads={heads} checkpoint={checkpoint} result={result} />;
        return page(c, { title: t.verification, me: me[0], section: 'verification' }, body);
      })
  );
}

const everything: Search = {
  event: null,
  outcome: null,
  role: null,
  from: null,
  to: null,
  patient: null,
  actor: null,
  after: null,
};

async function answerLog(c: Context<Env>, door: Door, values: SearchValues, search: Search) {
  const [me, heads, rows] = await door.read(c.var.who, {
    open: openLog(),
    reads: [readMe(), readHeads(), readEvents(search)],
  });
  const t = inLang(audit, c.var.lang);
  const found = { title: search === everything ? t.latest : t.results, values, rows };
  if (wantsFragment(c)) {
    return fragment(c, <AuditSearch values={values} found={found} />, { announce: t.results, quiet: true });
  }
  return page(
    c,
    { title: t.title, me: me[0], section: 'audit' },
    <AuditPage heads={heads} values={values} found={found} />,
  );
}

async function answerErrors(c: Context<Env>, door: Door, values: SearchValues, errors: SearchErrors) {
  const status = 422;
  if (wantsFragment(c)) {
    return fragment(c, <AuditSearch values={values} errors={errors} found={null} />, { status });
  }
  const [me, heads] = await door.read(c.var.who, { open: openLog(), reads: [readMe(), readHeads()] });
  const body = <AuditPage heads={heads} values={values} errors={errors} found={null} />;
  const title = inLang(audit, c.var.lang).title;
  return page(c, { title, me: me[0], section: 'audit', error: true, status }, body);
}
