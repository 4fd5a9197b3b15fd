/** /register/:token: who somebody is, a password and agreements; or the password alone, where the rest is there already. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { ringNow } from '../../db/ring.ts';
import { prehash } from '../../edge/password.ts';
import { type Env, newToken, signIn } from '../../edge/session.ts';
import { readConsentChoices } from '../consents/fields.tsx';
import { readTexts } from '../consents/queries.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { type Answered, answerGone } from '../links/gone.tsx';
import { readNewPassword, typedPassword } from '../passwords/fields.tsx';
import type { Services } from '../services.ts';
import { recordFailed } from '../sign-in/queries.ts';
import { labelOf } from '../ui/codeable.tsx';
import { CompletePage, type CompleteProps } from './complete.tsx';
import { nobody, readIdentity } from './identity.ts';
import { register as words } from './messages.ts';
import { ClosedPage } from './page.tsx';
import { completeRegistration, type Registration, readRegistration, resumeRegistration } from './queries.ts';
import { ResumePage } from './resume-page.tsx';

const Typed = z.object({ password: typedPassword });

export function linkRoutes({ door, ring, pepper }: Services) {
  const find = async (c: Context<Env>): Promise<Registration | undefined> => {
    const [found] = await door.gate(readRegistration(ringNow(ring), tokenOf(c), c.var.who));
    return found;
  };
  const failed = (c: Context<Env>, { account }: Registration) => recordFailed(ringNow(ring), account, c.var.who);

  return new Hono<Env>()
    .get('/:token', async (c) => {
      const found = await find(c);
      if (found?.answer !== 'new') return answerOther(c, found);
      const texts = await door.gate(readTexts(c.var.lang));
      return answerForm(c, found, { identity: nobody, texts, choices: {} });
    })

    .post('/:token', async (c) => {
      const found = await find(c);
      if (found?.answer !== 'new' || !found.account) return answerOther(c, found);
      const fields = await c.req.parseBody();
      const texts = await door.gate(readTexts(c.var.lang));
      const { values, traits, problems } = readIdentity(fields);
      const about = [found.email, found.organisation, values.birth_name, values.used_name, values.first_given_name];
      const { password, errors: weak } = readNewPassword(fields, about, c.var.lang);
      const { choices, errors: lacking } = readConsentChoices(fields, texts, c.var.lang);
      const t = inLang(words, c.var.lang);
      const wrong = Object.fromEntries(problems.map((field) => [field, labelOf(t, 'problem', field)]));
      const form = { identity: values, texts, choices, errors: { ...wrong, ...weak, ...lacking } };
      if (Object.keys(form.errors).length > 0) return answerForm(c, found, form);
      const given = { token: tokenOf(c), identity: traits, consents: choices, newToken: newToken() };
      const hash = await prehash(pepper, found.account, password);
      const change = completeRegistration(ringNow(ring), { ...given, prehash: hash }, c.var.who);
      const [result] = await door.gate(change, failed(c, found));
      const refusal = { invalid: t.invalid, consents: t.textsChanged }[result?.answer as string];
      if (refusal) return answerForm(c, found, { ...form, refusal });
      return result?.answer === 'ok' ? goOn(c, given.newToken) : answerOther(c, result);
    })

    .post('/:token/resume', async (c) => {
      const found = await find(c);
      if (found?.answer !== 'resume' || !found.account) return answerOther(c, found);
      const { password } = Typed.parse(await c.req.parseBody());
      if (!password) return answerResume(c, { errors: { password: inLang(words, c.var.lang).passwordMissing } });
      const [token, hash] = [newToken(), await prehash(pepper, found.account, password)];
      const change = resumeRegistration(ringNow(ring), tokenOf(c), hash, token, c.var.who);
      const [result] = await door.gate(change, failed(c, found));
      if (result?.answer === 'refused') return answerResume(c, { refused: true });
      return result?.answer === 'ok' ? goOn(c, token) : answerOther(c, result);
    });
}

/** Whatever stands in the address is asked for: only the database knows which are links. */
const tokenOf = (c: Context<Env>): string => (c.req.param('token') ?? '').slice(0, 100);

/** What follows a link: the session opens nothing until there is a second factor. */
function goOn(c: Context<Env>, token: string) {
  signIn(c, token, 'anon');
  return c.redirect('/enrol', 303);
}

function answerForm(
  c: Context<Env>,
  { organisation }: Registration,
  form: Omit<CompleteProps, 'token' | 'organisation'>,
) {
  const error = Boolean(form.errors ?? form.refusal);
  const options = {
    title: inLang(words, c.var.lang).stepTitle,
    narrow: true,
    error,
    status: error ? 422 : 200,
  } as const;
  return page(c, options, <CompletePage token={tokenOf(c)} organisation={organisation ?? ''} {...form} />);
}

function answerResume(c: Context<Env>, setback: { errors?: Record<string, string>; refused?: boolean } = {}) {
  const error = Boolean(setback.errors ?? setback.refused);
  const title = inLang(words, c.var.lang).resumeTitle;
  return page(
    c,
    { title, narrow: true, error, status: error ? 422 : 200, returnTo: `/register/${tokenOf(c)}` },
    <ResumePage token={tokenOf(c)} {...setback} />,
  );
}

function answerOther(c: Context<Env>, result: Answered | undefined) {
  const t = inLang(words, c.var.lang);
  if (result?.answer === 'resume') return answerResume(c);
  if (result?.answer === 'closed') return page(c, { title: t.closed, narrow: true, status: 403 }, <ClosedPage />);
  return answerGone(c, result, { help: t.goneHelp, again: { href: '/register', label: t.again } });
}
