/** GET /account/consents, POST /account/consents/:type: a patient's own agreements. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { type Door, Refusal } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { consents } from './messages.ts';
import { ConsentsPage } from './page.tsx';
import { changeConsent, openOwnConsents, readConsents, readHistory, readRecordNumber } from './queries.ts';

const Decision = z.object({ key: z.guid(), hash: z.string().max(64), given: z.enum(['yes', 'no']) });

export function consentRoutes(door: Door) {
  return new Hono<Env>()
    .get('/', (c) => answerPage(c, door))

    .post('/:type', async (c) => {
      const type = z
        .string()
        .regex(/^[a-z_]{1,40}$/)
        .parse(c.req.param('type'));
      const { key, hash, given } = Decision.parse(await c.req.parseBody());
      const operation = given === 'yes' ? 'consents.give' : 'consents.withdraw';
      const change = changeConsent(key, type, given === 'yes', hash);
      try {
        await door.write(c.var.who, { open: openOwnConsents(), key, operation, change, reads: [] });
      } catch (error) {
        if (!(error instanceof Refusal && error.reason === 'conflict')) throw error;
        return answerPage(c, door, true);
      }
      return c.redirect(`/account/consents?done=${type}#${type}`, 303);
    });
}

/** `changed`: the words were others when the form was made. */
async function answerPage(c: Context<Env>, door: Door, changed = false) {
  const reads = [readMe(), readConsents(c.var.lang), readHistory(), readRecordNumber()] as const;
  const [me, rows, history, own] = await door.read(c.var.who, { open: openOwnConsents(), reads });
  const title = inLang(consents, c.var.lang).title;
  const returnTo = '/account/consents';
  const options = { title, returnTo, me: me[0], error: changed, status: changed ? (409 as const) : (200 as const) };
  const props = { rows, history, changed, done: c.req.query('done'), patient: own[0]?.patient_id };
  return page(c, options, <ConsentsPage {...props} />);
}
