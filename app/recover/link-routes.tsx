/** /recover/:token: what was lost, the wait, and the way on, as the database says how far it is. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { ringNow } from '../../db/ring.ts';
import { prehash } from '../../edge/password.ts';
import { type Env, newToken, signIn } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { type Answered, answerGone } from '../links/gone.tsx';
import { readNewPassword, typedPassword } from '../passwords/fields.tsx';
import type { Services } from '../services.ts';
import { recordFailed } from '../sign-in/queries.ts';
import type { Errors } from '../ui/form.tsx';
import { recover as words } from './messages.ts';
import { chooseRecovery, completeRecovery, type Lost, type Recovery, readRecovery } from './queries.ts';
import { ChoosePage, LostPage, ReadyPage, type Setback, WaitingPage } from './steps.tsx';

const Kind = z.enum(['password', 'factors', 'both']);
const Typed = z.object({ password: typedPassword });

export function linkRoutes({ door, ring, pepper }: Services) {
  const find = async (c: Context<Env>): Promise<Recovery | undefined> => {
    const [found] = await door.gate(readRecovery(ringNow(ring), tokenOf(c), c.var.who));
    return found;
  };

  return new Hono<Env>()
    .get('/:token', async (c) => {
      const found = await find(c);
      const lost = Kind.safeParse(c.req.query('lost')).data;
      if (found?.answer === 'choose' && lost) return answerLost(c, lost, 200);
      return answerState(c, found);
    })

    .post('/:token', async (c) => {
      const found = await find(c);
      if (found?.answer !== 'choose' || !found.account) return answerState(c, found);
      const fields = await c.req.parseBody();
      const lost = Kind.parse(fields.lost);
      const { password, errors } = readPassword(c, fields, lost, found.about ?? []);
      if (Object.keys(errors).length > 0) return answerLost(c, lost, 422, { errors });
      const hash = await prehash(pepper, found.account, password);
      const choice = { token: tokenOf(c), lost, prehash: hash, newToken: newToken(), cancelToken: newToken() };
      const failed = recordFailed(ringNow(ring), found.account, c.var.who);
      const [result] = await door.gate(chooseRecovery(ringNow(ring), choice, c.var.who), failed);
      switch (result?.answer) {
        case 'second_factor':
          signIn(c, choice.newToken, 'anon'); // until the second factor this session opens nothing
          return c.redirect('/sign-in/code', 303);
        case 'waiting':
          return c.redirect(`/recover/${tokenOf(c)}`, 303);
        case 'refused':
        case 'no_factor':
          return answerLost(c, lost, 422, { setback: result.answer });
        default:
          return gone(c, result);
      }
    })

    .post('/:token/complete', async (c) => {
      const found = await find(c);
      if (found?.answer !== 'ready' || !found.account) return answerState(c, found);
      const { password } = Typed.parse(await c.req.parseBody());
      const t = inLang(words, c.var.lang);
      if (!password) return answerReady(c, 422, { errors: { password: t.presentMissing } });
      const [token, hash] = [newToken(), await prehash(pepper, found.account, password)];
      const failed = recordFailed(ringNow(ring), found.account, c.var.who);
      const completing = completeRecovery(ringNow(ring), tokenOf(c), hash, token, c.var.who);
      const [result] = await door.gate(completing, failed);
      if (result?.answer === 'refused') return answerReady(c, 422, { setback: 'refused' });
      if (result?.answer !== 'ok')
        return result?.answer === 'not_yet' ? answerState(c, await find(c)) : gone(c, result);
      signIn(c, token, 'anon'); // it may add the first factor, and nothing else
      return c.redirect('/enrol', 303);
    });
}

/** Whatever stands in the address is asked for: only the database knows which are links. */
export const tokenOf = (c: Context<Env>): string => (c.req.param('token') ?? '').slice(0, 100);

/** Where a switch of language comes back to: passwords, all that is typed here, are never given back anyway. */
const linkOf = (c: Context<Env>) => `/recover/${tokenOf(c)}`;

/** The present password, or a new one where it is forgotten. */
function readPassword(c: Context<Env>, fields: unknown, lost: Lost, about: readonly string[]) {
  if (lost !== 'factors') return readNewPassword(fields, about, c.var.lang);
  const { password } = Typed.parse(fields);
  const errors: Errors = password ? {} : { password: inLang(words, c.var.lang).presentMissing };
  return { password, errors };
}

type Problem = { errors?: Errors; setback?: Setback };

function answerState(c: Context<Env>, found: Recovery | undefined) {
  const t = inLang(words, c.var.lang);
  const token = tokenOf(c);
  switch (found?.answer) {
    case 'choose':
      return page(
        c,
        { title: t.chooseTitle, narrow: true },
        <ChoosePage token={token} hasFactors={found.has_factors === true} />,
      );
    case 'waiting':
      return page(
        c,
        { title: t.waitTitle, narrow: true },
        <WaitingPage token={token} code={found.code ?? ''} readyAt={found.ready_at} />,
      );
    case 'ready':
      return answerReady(c, 200);
    default:
      return gone(c, found);
  }
}

function answerLost(c: Context<Env>, lost: Lost, status: 200 | 422, problem: Problem = {}) {
  const title = inLang(words, c.var.lang)[`lost_${lost}`];
  const options = {
    title,
    narrow: true,
    error: status !== 200,
    status,
    returnTo: `${linkOf(c)}?lost=${lost}`,
  } as const;
  return page(c, options, <LostPage token={tokenOf(c)} lost={lost} {...problem} />);
}

function answerReady(c: Context<Env>, status: 200 | 422, problem: Problem = {}) {
  const title = inLang(words, c.var.lang).readyTitle;
  const options = { title, narrow: true, error: status !== 200, status, returnTo: linkOf(c) } as const;
  return page(c, options, <ReadyPage token={tokenOf(c)} {...problem} />);
}

function gone(c: Context<Env>, result: Answered | undefined) {
  const t = inLang(words, c.var.lang);
  return answerGone(c, result, { help: t.goneHelp, again: { href: '/recover', label: t.again } });
}
