/** GET and POST /invitations/:token: a password is chosen, and the first factor comes next (/enrol). */
import { type Context, Hono } from 'hono';
import { ringNow } from '../../db/ring.ts';
import { prehash } from '../../edge/password.ts';
import { type Env, newToken, signIn } from '../../edge/session.ts';
import { ConsentFields, readConsentChoices } from '../consents/fields.tsx';
import { type ConsentText, readTexts } from '../consents/queries.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { type Answered, answerGone } from '../links/gone.tsx';
import { readNewPassword } from '../passwords/fields.tsx';
import type { Services } from '../services.ts';
import { recordFailed } from '../sign-in/queries.ts';
import type { Errors } from '../ui/form.tsx';
import { invitations as words } from './messages.ts';
import { AcceptPage } from './page.tsx';
import { acceptInvitation, type Invitation, readInvitation } from './queries.ts';

export function invitationRoutes({ door, ring, pepper }: Services) {
  const find = async (c: Context<Env>): Promise<Invitation | undefined> => {
    const [found] = await door.gate(readInvitation(ringNow(ring), tokenOf(c), c.var.who));
    return found;
  };
  /** A patient is asked for consents; whoever works here isn't. */
  const textsFor = async (c: Context<Env>, { role }: Invitation): Promise<readonly ConsentText[]> =>
    role === 'patient' ? door.gate(readTexts(c.var.lang)) : [];
  return new Hono<Env>()
    .get('/:token', async (c) => {
      const invitation = await find(c);
      if (invitation?.answer !== 'ok') return gone(c, invitation);
      return answerForm(c, invitation, { texts: await textsFor(c, invitation), choices: {} });
    })

    .post('/:token', async (c) => {
      const invitation = await find(c);
      if (invitation?.answer !== 'ok' || !invitation.account) return gone(c, invitation);
      const fields = await c.req.parseBody();
      const texts = await textsFor(c, invitation);
      const { password, errors } = readNewPassword(
        fields,
        [...(invitation.about ?? []), invitation.organisation],
        c.var.lang,
      );
      const { choices, errors: lacking } = readConsentChoices(fields, texts, c.var.lang);
      const problems = { ...errors, ...lacking };
      if (Object.keys(problems).length > 0) return answerForm(c, invitation, { texts, choices, errors: problems });
      const hash = await prehash(pepper, invitation.account, password);
      const accepted = { token: tokenOf(c), prehash: hash, consents: choices, newToken: newToken() };
      const failed = recordFailed(ringNow(ring), invitation.account, c.var.who);
      const [result] = await door.gate(acceptInvitation(ringNow(ring), accepted, c.var.who), failed);
      if (result?.answer !== 'ok') return gone(c, result);
      signIn(c, accepted.newToken, 'anon'); // until there is a second factor this session opens nothing
      return c.redirect('/enrol', 303);
    });
}

/** Whatever stands in the address is asked for: only the database knows which are links. */
const tokenOf = (c: Context<Env>): string => (c.req.param('token') ?? '').slice(0, 100);

type Form = { texts: readonly ConsentText[]; choices: Record<string, string>; errors?: Errors };

function answerForm(c: Context<Env>, { organisation, role }: Invitation, { texts, choices, errors }: Form) {
  const title = inLang(words, c.var.lang).title;
  const options = { title, narrow: true, error: Boolean(errors), status: errors ? 422 : 200 } as const;
  const props = { token: tokenOf(c), organisation: organisation ?? '', role: role ?? '', errors };
  return page(
    c,
    options,
    <AcceptPage {...props}>
      {texts.length > 0 ? <ConsentFields texts={texts} choices={choices} errors={errors} /> : null}
    </AcceptPage>,
  );
}

const gone = (c: Context<Env>, result: Answered | undefined) =>
  answerGone(c, result, { help: inLang(words, c.var.lang).goneHelp });
