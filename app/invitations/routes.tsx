/** GET and POST /invitations/:token: a password is chosen, and the first factor comes next (/enrol). */
import { type Context, Hono } from 'hono';
import { ringNow } from '../../db/ring.ts';
import { prehash } from '../../edge/password.ts';
import { type Env, newToken, signIn } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readNewPassword } from '../passwords/fields.tsx';
import type { Services } from '../services.ts';
import { recordFailed } from '../sign-in/queries.ts';
import type { Errors } from '../ui/form.tsx';
import { invitations as words } from './messages.ts';
import { AcceptPage, GonePage } from './page.tsx';
import { acceptInvitation, type Invitation, readInvitation } from './queries.ts';

export function invitationRoutes({ door, ring, pepper }: Services) {
  const find = async (c: Context<Env>): Promise<Invitation | undefined> => {
    const [found] = await door.gate(readInvitation(ringNow(ring), tokenOf(c), c.var.who));
    return found;
  };
  return new Hono<Env>()
    .get('/:token', async (c) => {
      const invitation = await find(c);
      return invitation?.answer === 'ok' ? answerForm(c, invitation) : answerGone(c, invitation);
    })

    .post('/:token', async (c) => {
      const invitation = await find(c);
      if (invitation?.answer !== 'ok' || !invitation.account) return answerGone(c, invitation);
      const fields = await c.req.parseBody();
      const { password, errors } = readNewPassword(fields, invitation.about ?? [], c.var.lang);
      if (Object.keys(errors).length > 0) return answerForm(c, invitation, errors);
      const hash = await prehash(pepper, invitation.account, password);
      const accepted = { token: tokenOf(c), prehash: hash, consents: null, newToken: newToken() };
      const failed = recordFailed(ringNow(ring), invitation.account, c.var.who);
      const [result] = await door.gate(acceptInvitation(ringNow(ring), accepted, c.var.who), failed);
      if (result?.answer !== 'ok') return answerGone(c, result);
      signIn(c, accepted.newToken, 'anon'); // until there is a second factor this session opens nothing
      return c.redirect('/enrol', 303);
    });
}

/** Whatever stands in the address is asked for: only the database knows which are links. */
const tokenOf = (c: Context<Env>): string => (c.req.param('token') ?? '').slice(0, 100);

function answerForm(c: Context<Env>, { organisation, role }: Invitation, errors?: Errors) {
  const title = inLang(words, c.var.lang).title;
  const status = errors ? 422 : 200;
  const props = { token: tokenOf(c), organisation: organisation ?? '', role: role ?? '', errors };
  return page(c, { title, narrow: true, error: Boolean(errors), status }, <AcceptPage {...props} />);
}

function answerGone(c: Context<Env>, result: { answer: string; retry_after: number | null } | undefined) {
  const t = inLang(words, c.var.lang);
  const seconds = result?.answer === 'wait' ? (result.retry_after ?? 60) : undefined;
  if (seconds) c.header('Retry-After', String(seconds));
  const title = seconds ? t.wait : t.gone;
  return page(c, { title, narrow: true, status: seconds ? 429 : 404 }, <GonePage seconds={seconds} />);
}
