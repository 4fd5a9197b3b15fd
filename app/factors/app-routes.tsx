/**
 * GET and POST of the page that sets an authenticator app up: mounted at /account/factors/app, and at /enrol/app for somebody
 * whom a link has brought and who has no second factor yet. Which of both a session may do is decided in SQL.
 */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import type { Role } from '../../db/batch.ts';
import { ringNow } from '../../db/ring.ts';
import { type Env, newToken, signIn } from '../../edge/session.ts';
import { enrol } from '../enrol/messages.ts';
import { inLang } from '../i18n.ts';
import { type PageOptions, page } from '../layout.tsx';
import { askMe } from '../me.ts';
import type { Services } from '../services.ts';
import { recordFailed } from '../sign-in/queries.ts';
import { AppPage, type AppPageProps } from './app-page.tsx';
import { appWords } from './app-words.ts';
import { factors } from './messages.ts';
import { beginTotp, confirmTotp, mustBeAllowed } from './queries.ts';

const Form = z.object({ code: z.string().max(20).catch('') });

export function appRoutes(services: Services, place: 'account' | 'enrol') {
  const { door, ring } = services;
  const action = place === 'enrol' ? '/enrol/app' : '/account/factors/app';

  const answer = async (c: Context<Env>, outcome: Pick<AppPageProps, 'errors' | 'setback'>) => {
    const begun = beginTotp(ringNow(ring), c.var.who);
    const [row] = await door.gate(begun, recordFailed(ringNow(ring), null, c.var.who));
    mustBeAllowed(row?.answer);
    if (!row?.secret) throw new Error('begin_totp gave no secret');
    const { lang } = c.var;
    const props: AppPageProps = {
      action,
      secret: row.secret,
      label: row.label ?? '',
      replaces: row.replaces ?? false,
      ...outcome,
    };
    if (place === 'account') props.back = { href: '/account/factors', text: inLang(factors, lang).backToFactors };
    else props.back = { href: '/enrol', text: inLang(enrol, lang).other };
    const options: PageOptions = { title: inLang(appWords, lang).title, narrow: true, ...statusOf(c, outcome) };
    if (place === 'account') options.me = await askMe(door, c.var.who);
    return page(c, options, <AppPage {...props} />);
  };

  return new Hono<Env>()
    .get('/', (c) => answer(c, {}))

    .post('/', async (c) => {
      const code = Form.parse(await c.req.parseBody()).code.replace(/[\s\u00a0\u202f-]/g, '');
      if (!/^\d{6}$/.test(code)) return answer(c, { errors: { code: inLang(appWords, c.var.lang).missing } });
      const token = newToken();
      const confirmed = confirmTotp(ringNow(ring), code, token, c.var.who);
      const [row] = await door.gate(confirmed, recordFailed(ringNow(ring), null, c.var.who));
      mustBeAllowed(row?.answer);
      if (row?.answer === 'wait') return answer(c, { setback: { kind: 'wait', seconds: row.retry_after } });
      if (row?.answer !== 'ok')
        return answer(c, { setback: { kind: row?.answer === 'restart' ? 'restart' : 'refused' } });
      if (!row.role) return c.redirect('/account/factors?done=totp', 303);
      signIn(c, token, row.role as Role); // the session is whole now; the database's own list of roles
      return c.redirect('/account/recovery-codes?first=1', 303);
    });
}

function statusOf(c: Context<Env>, { errors, setback }: Pick<AppPageProps, 'errors' | 'setback'>) {
  if (setback?.kind !== 'wait')
    return { error: Boolean(errors ?? setback), status: errors || setback ? (422 as const) : (200 as const) };
  c.header('Retry-After', String(setback.seconds));
  return { error: true, status: 429 as const };
}
