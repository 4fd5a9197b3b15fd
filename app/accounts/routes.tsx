/** GET and POST /admin/accounts: who works here, and what an administrator changes of it (0290_invitations, 0340_account_administration). */
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { type Door, Refusal } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { openAccounts } from '../admin/queries.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { AccountPage } from './account.tsx';
import { blankInvite, readInvite } from './form.ts';
import { InvitePage, type InviteProps } from './invite.tsx';
import { AccountsPage } from './list.tsx';
import { accounts as words } from './messages.ts';
import { changes, endAllSessions, inviteMember, readAccount, readAccounts, readTeams } from './queries.ts';
import { byFamilyName } from './sort.ts';
import { teamsOf } from './teams-of.ts';

export function accountRoutes(door: Door) {
  return new Hono<Env>()
    .get('/', async (c) => {
      const [me, rows] = await door.read(c.var.who, { open: openAccounts(), reads: [readMe(), readAccounts()] });
      const accounts = byFamilyName(rows);
      const title = inLang(words, c.var.lang).title;
      return page(c, { title, me: me[0], section: 'accounts' }, <AccountsPage {...{ accounts, done: doneOf(c) }} />);
    })

    .post('/', async (c) => {
      const { values, errors } = readInvite(await c.req.parseBody());
      if (Object.keys(errors).length > 0) return answerInvite(c, door, { values, errors }, 422);
      const change = inviteMember(values);
      const refused = await write(c, door, values.key, 'accounts.invite', change);
      if (!refused) return c.redirect('/admin/accounts?done=invited', 303);
      const again = { values: { ...values, key: crypto.randomUUID() }, refusal: refused.reason };
      return answerInvite(c, door, again, refused.status as ContentfulStatusCode); // always goes with a body
    })

    .get('/invite', (c) => answerInvite(c, door, { values: blankInvite() }, 200))

    .post('/sign-out', async (c) => {
      const key = z.guid().parse((await c.req.parseBody()).key);
      const refused = await write(c, door, key, 'sessions.end', endAllSessions(key));
      if (refused) throw refused;
      return c.redirect('/admin/accounts?done=everybody', 303);
    })

    .get('/:id', (c) => answerAccount(c, door, 200))

    .post('/:id/:change', async (c) => {
      const wanted = Object.hasOwn(changes, c.req.param('change')) ? changes[c.req.param('change')] : undefined;
      const account = z.guid().safeParse(c.req.param('id')).data;
      if (!wanted || !account) return c.notFound();
      const { key, role } = Change.parse(await c.req.parseBody());
      const refused = await write(c, door, key, wanted.operation, wanted.make(key, account, role));
      if (refused) return answerAccount(c, door, refused.status as ContentfulStatusCode, refused.reason);
      const place = wanted.done === 'withdrawn' ? '' : `/${account}`;
      return c.redirect(`/admin/accounts${place}?done=${wanted.done}`, 303);
    });
}

const Change = z.object({ key: z.guid(), role: z.string().max(20).catch('') });

/** A word of our own list: the address holds no sentence. */
const doneOf = (c: Context): string | undefined => {
  const done = c.req.query('done') ?? '';
  return Object.hasOwn(words.fr, `done_${done}`) ? done : undefined;
};

/** What the pages themselves can tell; every other refusal is a page of errors.tsx. */
const told = ['conflict', 'invalid', 'limited'];

async function write(
  c: Context<Env>,
  door: Door,
  key: string,
  operation: string,
  change: ReturnType<typeof endAllSessions>,
): Promise<Refusal | undefined> {
  try {
    await door.write(c.var.who, { open: openAccounts(), key, operation, change, reads: [] });
    return undefined;
  } catch (error) {
    if (error instanceof Refusal && told.includes(error.reason)) return error;
    throw error;
  }
}

async function answerInvite(c: Context<Env>, door: Door, form: InviteProps, status: ContentfulStatusCode) {
  const [me] = await door.read(c.var.who, { open: openAccounts(), reads: [readMe()] });
  const title = inLang(words, c.var.lang).invite;
  const options = { title, me: me[0], section: 'accounts', error: status !== 200, status } as const;
  return page(c, options, <InvitePage {...form} />);
}

async function answerAccount(c: Context<Env>, door: Door, status: ContentfulStatusCode, notDone?: string) {
  const id = z.guid().safeParse(c.req.param('id')).data;
  if (!id) return c.notFound();
  const reads = [readMe(), readAccount(id), readTeams()] as const;
  const [me, [account], teams] = await door.read(c.var.who, { open: openAccounts(), reads });
  if (!account) return c.notFound();
  const title = inLang(words, c.var.lang).account;
  const options = { title, me: me[0], section: 'accounts', error: status !== 200, status } as const;
  const own = me[0]?.account_id === id;
  return page(
    c,
    options,
    <AccountPage {...{ account, own, notDone, done: doneOf(c) }} teams={teamsOf(id, teams, c.var.lang)} />,
  );
}
