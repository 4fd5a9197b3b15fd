/**
 * /account/address/confirm/:link, which went to the new mailbox, and /not-me/:link, which went to the one of before. A GET
 * changes nothing: mail programs follow links.
 */
import { type Context, Hono } from 'hono';
import { ringNow } from '../../db/ring.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { answerGone, type Answered as Gone } from '../links/gone.tsx';
import { askMe } from '../me.ts';
import type { Services } from '../services.ts';
import { recordFailed } from '../sign-in/queries.ts';
import { answerAddress } from './answer.tsx';
import { ConfirmPage, NotMePage, SignInPage } from './links.tsx';
import { ownAddress } from './messages.ts';
import { confirmAddress, disownAddress, lookAtAddress, lookAtNotice } from './queries.ts';

/** Whatever stands in the address is asked for: only the database knows which are links. */
const linkOf = (c: Context<Env>): string => (c.req.param('link') ?? '').slice(0, 100);

export function addressLinkRoutes(services: Services) {
  const { door, ring } = services;
  const failed = (c: Context<Env>) => recordFailed(ringNow(ring), null, c.var.who);

  return new Hono<Env>()
    .get('/confirm/:link', async (c) => {
      const [found] = await door.gate(lookAtAddress(ringNow(ring), linkOf(c), c.var.who), failed(c));
      if (found?.answer !== 'ok') return answerNot(c, found);
      const options = { title: inLang(ownAddress, c.var.lang).confirmTitle, narrow: true };
      return page(c, { ...options, me: await askMe(door, c.var.who) }, <ConfirmPage email={found.email ?? ''} />);
    })

    .post('/confirm/:link', async (c) => {
      const [result] = await door.gate(confirmAddress(ringNow(ring), linkOf(c), c.var.who), failed(c));
      if (result?.answer === 'ok') return c.redirect('/account/address?done=changed', 303);
      return result?.answer === 'taken' ? answerAddress(c, services, { taken: true }) : answerNot(c, result);
    })

    .get('/not-me/:link', async (c) => {
      const [found] = await door.gate(lookAtNotice(ringNow(ring), linkOf(c), c.var.who), failed(c));
      if (found?.answer === 'taken_back') return answerSignIn(c, 'kept');
      if (found?.answer !== 'ok') return answerNoticeGone(c, found);
      return page(c, { title: inLang(ownAddress, c.var.lang).notMeTitle, narrow: true }, <NotMePage />);
    })

    .post('/not-me/:link', async (c) => {
      const [result] = await door.gate(disownAddress(ringNow(ring), linkOf(c), c.var.who), failed(c));
      return result?.answer === 'taken_back' ? answerSignIn(c, 'kept') : answerNoticeGone(c, result);
    });
}

function answerNot(c: Context<Env>, found: Gone | undefined) {
  const t = inLang(ownAddress, c.var.lang);
  if (found?.answer === 'sign_in') return answerSignIn(c, 'signIn');
  return answerGone(c, found, { help: t.gone, again: { href: '/account/address', label: t.again } });
}

function answerNoticeGone(c: Context<Env>, found: Gone | undefined) {
  return answerGone(c, found, { help: inLang(ownAddress, c.var.lang).noticeGone });
}

function answerSignIn(c: Context<Env>, kind: 'signIn' | 'kept') {
  return page(c, { title: inLang(ownAddress, c.var.lang)[`${kind}Title`], narrow: true }, <SignInPage kind={kind} />);
}
