/** POST /session/stay and GET /session/ended: one click to stay, and where a page that nobody used any more leads. */

import { Hono } from 'hono';
import { sql } from 'kysely';
import type { Door } from '../../db/batch.ts';
import { k } from '../../db/query.ts';
import type { Env } from '../../edge/session.ts';
import { inLang, useWords } from '../i18n.ts';
import { page, wantsFragment } from '../layout.tsx';
import { readMe } from '../me.ts';
import { Clock } from '../ui/time.tsx';
import { session } from './messages.ts';

export function stayRoutes(door: Door) {
  return (
    new Hono<Env>()
      .post('/stay', async (c) => {
        // coming through the door is what counts as activity: the database notes it
        const open = sql<{ answer: string }>`select audit.open_home() as answer`.compile(k);
        const [[me]] = await door.read(c.var.who, { open, reads: [readMe()] });
        if (!me) return c.notFound();
        if (wantsFragment(c)) {
          c.header('Session-Left', String(me.idle_left));
          // another tab may have signed somebody else in: then this page isn't theirs
          c.header('Session-Of', me.account_id);
          return c.body(null, 204);
        }
        const title = inLang(session, c.var.lang).stayed;
        return page(c, { title, me, narrow: true }, <Stayed until={me.idle_expires_at} />);
      })

      // A reload of the page above.
      .get('/stay', (c) => c.redirect('/', 303))

      .get('/ended', (c) => {
        const title = inLang(session, c.var.lang).ended;
        // the cookie may still name a role: this page offers what anybody may do
        c.set('who', { ...c.var.who, role: 'anon' });
        return page(c, { title, narrow: true }, <Ended />);
      })
  );
}

function Stayed({ until }: { until: Date }) {
  const t = useWords(session);
  return (
    <>
      <header class="page-head">
        <h1>{t.stayed}</h1>
      </header>
      <div class="card form">
        <p>
          {t.stayedUntil} <Clock at={until} />. {t.stayedHelp}
        </p>
      </div>
    </>
  );
}

function Ended() {
  const t = useWords(session);
  return (
    <>
      <header class="page-head">
        <h1>{t.ended}</h1>
      </header>
      <div class="card form">
        <p>{t.endedIdle}</p>
        <div class="form-actions">
          <a class="button" data-primary="" href="/sign-in">
            {t.signIn}
          </a>
        </div>
      </div>
    </>
  );
}
