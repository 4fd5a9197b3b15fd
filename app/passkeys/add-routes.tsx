/**
 * GET and POST of the page that adds a passkey: mounted at /account/passkeys/new, and at /enrol/passkey for somebody whom a
 * link has brought and who has no second factor yet. Which of both a session may do is decided in SQL.
 */
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import type { Role } from '../../db/batch.ts';
import { ringNow } from '../../db/ring.ts';
import { publicOrigin } from '../../edge/client.ts';
import { type Env, newToken, signIn } from '../../edge/session.ts';
import { readRegistration } from '../../edge/webauthn.ts';
import { mayBeginChange, mustBeAllowed } from '../factors/queries.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { askMe } from '../me.ts';
import type { Services } from '../services.ts';
import { readDevice } from '../sessions/user-agent.ts';
import { readMethods, recordFailed } from '../sign-in/queries.ts';
import { AddPage, type AddPageProps, NAME_LENGTH } from './add-page.tsx';
import { passkeys } from './messages.ts';
import { addPasskey } from './queries.ts';

const Form = z.object({ name: z.string().trim().max(200).catch(''), credential: z.string().max(60_000).catch('') });
type Shown = Pick<AddPageProps, 'errors' | 'outcome'> & { name?: string; status?: ContentfulStatusCode };

export function addRoutes(services: Services, place: 'account' | 'enrol') {
  const { door, ring } = services;
  const enrols = place === 'enrol';
  const action = enrols ? '/enrol/passkey' : '/account/passkeys/new';

  const mayBegin = async (c: Context<Env>) => {
    const { who } = c.var;
    if (!enrols) return (await door.gate(mayBeginChange(ringNow(ring), who)))[0]?.answer;
    const [row] = who.token ? await door.gate(readMethods(ringNow(ring), who)) : [];
    return row && (row.enrols ? 'ok' : 'second_factor');
  };

  const show = async (c: Context<Env>, { status = 200, ...shown }: Shown) => {
    mustBeAllowed(await mayBegin(c));
    const t = inLang(passkeys, c.var.lang);
    const back = enrols ? { href: '/enrol', text: t.backToEnrol } : { href: '/account/passkeys', text: t.back };
    const props = { name: nameOf(c), ...shown, action, back };
    const me = enrols ? undefined : await askMe(door, c.var.who);
    return page(c, { title: t.add, me, narrow: true, status, error: status >= 400 }, <AddPage {...props} />);
  };

  return new Hono<Env>()
    .get('/', (c) => show(c, {}))

    .post('/', async (c) => {
      const { name, credential } = Form.parse(await c.req.parseBody());
      if (!name || name.length > NAME_LENGTH)
        return show(c, { name, errors: { name: inLang(passkeys, c.var.lang).nameMissing }, status: 422 });
      // js/passkey.js sends none when a factor is to be shown first; then it comes here again from there
      if (!credential) return show(c, { name, outcome: 'confirmed' });
      const proof = await readRegistration(credential, publicOrigin(c));
      const token = newToken();
      const added = addPasskey(ringNow(ring), proof, name, token, c.var.who);
      const [result] = await door.gate(added, recordFailed(ringNow(ring), null, c.var.who));
      mustBeAllowed(result?.answer);
      if (result?.answer !== 'ok') return show(c, { name, outcome: 'refused', status: 422 });
      if (!result.role) return c.redirect('/account/passkeys?done=added', 303);
      signIn(c, token, result.role as Role); // the session is whole now; the database's own list of roles
      return c.redirect('/account/recovery-codes?first=1', 303);
    });
}

/** « Android », « Windows »: a name that most people will leave as it is. */
function nameOf(c: Context<Env>): string {
  const { browser, system } = readDevice(c.var.who.userAgent ?? '');
  return system ?? browser ?? '';
}
