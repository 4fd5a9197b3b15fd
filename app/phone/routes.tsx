/** /account/phone: the number that codes go to by SMS; it counts once a code that went there was typed. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { ringNow } from '../../db/ring.ts';
import type { Env } from '../../edge/session.ts';
import { mustBeAllowed } from '../factors/queries.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { askMe } from '../me.ts';
import type { Services } from '../services.ts';
import { recordFailed } from '../sign-in/queries.ts';
import { phone as words } from './messages.ts';
import { PhonePage, type Said } from './page.tsx';
import { beginPhone, confirmPhone, readPhone, removePhone } from './queries.ts';

const Numbered = z.object({ number: z.string().trim().max(40).catch('') });
const Code = z.object({ code: z.string().max(20).catch('') });
const Done = z.enum(['added', 'removed', 'sent']).optional().catch(undefined);

export function phoneRoutes({ door, ring }: Services) {
  const failed = (c: Context<Env>) => recordFailed(ringNow(ring), null, c.var.who);

  const answer = async (c: Context<Env>, said: Said) => {
    const [own] = await door.gate(readPhone(ringNow(ring), c.var.who));
    mustBeAllowed(own?.answer);
    if (!own) throw new Error('read_phone gave no row');
    const options = { title: inLang(words, c.var.lang).title, narrow: true, me: await askMe(door, c.var.who) };
    return page(c, { ...options, ...statusOf(c, said) }, <PhonePage phone={own} {...said} />);
  };

  return new Hono<Env>()
    .get('/', (c) => answer(c, { done: Done.parse(c.req.query('done')) }))

    .post('/', async (c) => {
      const { number } = Numbered.parse(await c.req.parseBody());
      const [row] = await door.gate(beginPhone(ringNow(ring), number, c.var.who), failed(c));
      mustBeAllowed(row?.answer);
      if (row?.answer === 'ok') return c.redirect('/account/phone?done=sent', 303);
      if (row?.answer === 'wait') return answer(c, { number, setback: { kind: 'wait', seconds: row.retry_after } });
      // what the organisation or the delivery doesn't allow, the page says by itself
      const errors = row?.answer === 'number' ? { number: inLang(words, c.var.lang).numberMissing } : undefined;
      return answer(c, { number, errors });
    })

    .post('/code', async (c) => {
      const code = Code.parse(await c.req.parseBody()).code.replace(/[\s\u00a0\u202f-]/g, '');
      if (!/^\d{6}$/.test(code)) return answer(c, { errors: { code: inLang(words, c.var.lang).codeMissing } });
      const [row] = await door.gate(confirmPhone(ringNow(ring), code, c.var.who), failed(c));
      mustBeAllowed(row?.answer);
      if (row?.answer === 'ok') return c.redirect('/account/phone?done=added', 303);
      const seconds = row?.retry_after ?? 0;
      return answer(c, { setback: row?.answer === 'wait' ? { kind: 'wait', seconds } : { kind: 'refused' } });
    })

    .post('/remove', async (c) => {
      const [row] = await door.gate(removePhone(ringNow(ring), c.var.who), failed(c));
      mustBeAllowed(row?.answer);
      if (row?.answer === 'ok') return c.redirect('/account/phone?done=removed', 303);
      return answer(c, { setback: { kind: 'last' } });
    });
}

function statusOf(c: Context<Env>, { errors, setback }: Said) {
  if (setback?.kind === 'wait') {
    c.header('Retry-After', String(setback.seconds));
    return { error: true, status: 429 as const };
  }
  return errors || setback ? { error: true, status: 422 as const } : {};
}
