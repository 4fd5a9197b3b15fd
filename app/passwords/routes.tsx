/** GET and POST /account/password. What is typed into a password field is never given back, so a factor is asked for before. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { ringNow } from '../../db/ring.ts';
import { prehash } from '../../edge/password.ts';
import { type Env, signOut } from '../../edge/session.ts';
import { mayBeginChange, mustBeAllowed, readOwnFactors } from '../factors/queries.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import type { Services } from '../services.ts';
import { openHome } from '../sessions/queries.ts';
import { recordFailed } from '../sign-in/queries.ts';
import type { Errors } from '../ui/form.tsx';
import { changeWords } from './change-words.ts';
import { readNewPassword, typedPassword } from './fields.tsx';
import { ChangedPage, ChangePage, type ChangeSetback } from './page.tsx';
import { changePassword } from './queries.ts';

const Present = z.object({ present: typedPassword });

export function passwordRoutes({ door, ring, pepper }: Services) {
  const read = async (c: Context<Env>) => {
    const [me, own] = await door.read(c.var.who, { open: openHome(), reads: [readMe(), readOwnFactors()] });
    return { me: me[0], email: own[0]?.email ?? '' };
  };
  type Known = Awaited<ReturnType<typeof read>>;
  const aboutOf = ({ me, email }: Known) => [email, me?.display_name, me?.organisation_name];
  const answer = (c: Context<Env>, { me, email }: Known, said: { errors?: Errors; setback?: ChangeSetback } = {}) => {
    const title = inLang(changeWords, c.var.lang).title;
    const error = Boolean(said.errors ?? said.setback);
    const status = said.setback?.kind === 'wait' ? 429 : error ? 422 : 200;
    return page(c, { title, me, narrow: true, error, status }, <ChangePage email={email} {...said} />);
  };

  return new Hono<Env>()
    .get('/', async (c) => {
      const [row] = await door.gate(mayBeginChange(ringNow(ring), c.var.who, 'factor'));
      mustBeAllowed(row?.answer, 'factor');
      return answer(c, await read(c));
    })

    .post('/', async (c) => {
      const fields = await c.req.parseBody();
      const known = await read(c);
      const account = known.me?.account_id ?? '';
      const { present } = Present.parse(fields);
      const { password, errors } = readNewPassword(fields, aboutOf(known), c.var.lang);
      const missing: Errors = present ? {} : { present: inLang(changeWords, c.var.lang).presentMissing };
      const all = { ...missing, ...errors };
      if (Object.keys(all).length > 0) return answer(c, known, { errors: all });
      const [before, after] = [await prehash(pepper, account, present), await prehash(pepper, account, password)];
      const changed = changePassword(ringNow(ring), before, after, c.var.who);
      const [row] = await door.gate(changed, recordFailed(ringNow(ring), null, c.var.who));
      mustBeAllowed(row?.answer, 'factor');
      if (row?.answer !== 'ok') return answer(c, known, { setback: setbackOf(c, row) });
      signOut(c);
      c.set('who', { ...c.var.who, token: null, role: 'anon' }); // nobody's page: the session is over
      const title = inLang(changeWords, c.var.lang).changed;
      return page(c, { title, narrow: true }, <ChangedPage />);
    });
}

function setbackOf(c: Context<Env>, row: { answer: string; retry_after: number } | undefined): ChangeSetback {
  if (row?.answer !== 'wait') return { kind: row?.answer === 'same' ? 'same' : 'refused' };
  c.header('Retry-After', String(row.retry_after));
  return { kind: 'wait', seconds: row.retry_after };
}
