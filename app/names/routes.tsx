/** GET and POST /account/name, one's own, and /admin/accounts/:id/name, a colleague's that an administrator puts right. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { type Door, Refusal } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { openAccounts } from '../admin/queries.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { openHome } from '../sessions/queries.ts';
import { readNameForm } from './form.ts';
import { names } from './messages.ts';
import { NamePage, type NamePageProps } from './page.tsx';
import { changeOwnName, correctName, readName } from './queries.ts';

export function ownNameRoutes(door: Door) {
  return new Hono<Env>()
    .get('/', (c) => answer(c, door, null, { saved: c.req.query('saved') !== undefined }))
    .post('/', (c) => save(c, door, null));
}

export function memberNameRoutes(door: Door) {
  return new Hono<Env>()
    .get('/', (c) => {
      const account = accountOf(c);
      return account ? answer(c, door, account, {}) : c.notFound();
    })
    .post('/', (c) => {
      const account = accountOf(c);
      return account ? save(c, door, account) : c.notFound();
    });
}

const accountOf = (c: Context<Env>): string | undefined => z.guid().safeParse(c.req.param('id')).data;

async function save(c: Context<Env>, door: Door, account: string | null) {
  const { values, errors } = readNameForm(await c.req.parseBody());
  if (Object.keys(errors).length > 0) return answer(c, door, account, { values, errors });
  const { key } = values;
  const change = account ? correctName(account, values) : changeOwnName(values);
  const open = account ? openAccounts() : openHome();
  try {
    await door.write(c.var.who, { open, key, operation: 'accounts.change', change, reads: [] });
  } catch (error) {
    if (!(error instanceof Refusal && error.reason === 'limited')) throw error;
    return answer(c, door, account, { values: { ...values, key: crypto.randomUUID() }, limited: true });
  }
  return c.redirect(account ? `/admin/accounts/${account}?done=name` : '/account/name?saved', 303);
}

type Said = Pick<NamePageProps, 'saved' | 'errors' | 'limited'> & { values?: NamePageProps['values'] };

/** What was typed, or what is in force. */
async function answer(c: Context<Env>, door: Door, account: string | null, { values, ...said }: Said) {
  const reads = [readMe(), readName(account)] as const;
  const [[me], [name]] = await door.read(c.var.who, { open: account ? openAccounts() : openHome(), reads });
  if (!name) return c.notFound();
  const { family_name, given_name, former } = name;
  const quality = name.quality ?? '';
  const inForce = { key: crypto.randomUUID(), family_name, given_name, quality };
  const shown = account ? values : values && { ...values, quality };
  const whose = account ? { account } : me?.role === 'patient' ? 'patient' : 'own';
  const t = inLang(names, c.var.lang);
  const section = account ? 'accounts' : undefined;
  const status = said.errors ? 422 : said.limited ? 429 : 200;
  const options = {
    title: account ? t.member : t.own,
    me,
    narrow: true,
    section,
    error: status !== 200,
    status,
  } as const;
  return page(c, options, <NamePage {...{ values: shown ?? inForce, former, whose, ...said }} />);
}
