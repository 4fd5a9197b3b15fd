/** GET /admin/recoveries, POST /admin/recoveries/:id/confirm and /reject: an administrator, or a secretary for patients. */
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { type Door, Refusal } from '../../db/batch.ts';
import type { AnyQuery } from '../../db/query.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { recover } from '../recover/messages.ts';
import { bare, looksLike } from '../sign-in/code-form.ts';
import { RecoveriesPage, type RecoveriesProps } from './page.tsx';
import { confirmRecovery, openRecoveries, readRecoveries, rejectRecovery } from './queries.ts';

const Done = z.enum(['confirm', 'reject']).optional().catch(undefined);
/** What this page can tell; every other refusal is a page of errors.tsx. */
const told = ['invalid', 'limited', 'conflict', 'hidden'];

export function recoveryRoutes(door: Door) {
  return new Hono<Env>()
    .get('/', (c) => answerPage(c, door, { done: Done.parse(c.req.query('done')) }, 200))

    .post('/:id/confirm', async (c) => {
      const id = z.guid().parse(c.req.param('id'));
      const typed = (await c.req.parseBody())[`code_${id}`];
      const code = z.string().max(40).catch('').parse(typed);
      // a digit left out on the telephone is no wrong code: of those there are only a few
      if (!looksLike('totp', bare(code))) return answerPage(c, door, { missing: { id, code } }, 422);
      return decide(c, door, 'confirm', id, confirmRecovery(id, bare(code)));
    })

    .post('/:id/reject', async (c) => {
      const id = z.guid().parse(c.req.param('id'));
      return decide(c, door, 'reject', id, rejectRecovery(id));
    });
}

async function decide(c: Context<Env>, door: Door, what: 'confirm' | 'reject', id: string, open: AnyQuery) {
  try {
    await door.read(c.var.who, { open, reads: [] });
  } catch (error) {
    if (!(error instanceof Refusal) || !told.includes(error.reason)) throw error;
    const status = error.status as ContentfulStatusCode; // a Refusal's status always goes with a body
    return answerPage(c, door, { refusal: { id, reason: error.reason } }, status);
  }
  return c.redirect(`/admin/recoveries?done=${what}`, 303);
}

async function answerPage(
  c: Context<Env>,
  door: Door,
  outcome: Omit<RecoveriesProps, 'rows'>,
  status: ContentfulStatusCode,
) {
  const [me, rows] = await door.read(c.var.who, { open: openRecoveries(), reads: [readMe(), readRecoveries()] });
  const title = inLang(recover, c.var.lang).listTitle;
  const options = { title, me: me[0], section: 'recoveries', error: status !== 200, status } as const;
  return page(c, options, <RecoveriesPage rows={rows} {...outcome} />);
}
