/** /account/address: the address that somebody signs in with; a link that goes to another one makes that it. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { ringNow } from '../../db/ring.ts';
import type { Env } from '../../edge/session.ts';
import { mustBeAllowed } from '../factors/queries.ts';
import type { Services } from '../services.ts';
import { recordFailed } from '../sign-in/queries.ts';
import { answerAddress } from './answer.tsx';
import { addressLinkRoutes } from './link-routes.tsx';
import { beginAddress, cancelAddress } from './queries.ts';

const Form = z.object({ email: z.string().trim().max(254).catch('') });
const Done = z.enum(['changed', 'cancelled']).optional().catch(undefined);

export function ownAddressRoutes(services: Services) {
  const { door, ring } = services;
  const failed = (c: Context<Env>) => recordFailed(ringNow(ring), null, c.var.who);

  return new Hono<Env>()
    .route('/', addressLinkRoutes(services))

    .get('/', (c) => answerAddress(c, services, { done: Done.parse(c.req.query('done')) }))

    .post('/', async (c) => {
      const { email } = Form.parse(await c.req.parseBody());
      const [row] = await door.gate(beginAddress(ringNow(ring), email, c.var.who), failed(c));
      mustBeAllowed(row?.answer);
      if (row?.answer === 'ok') return c.redirect('/account/address', 303);
      if (row?.answer === 'wait') return answerAddress(c, services, { typed: email, wait: row.retry_after ?? 60 });
      return answerAddress(c, services, { typed: email, problem: row?.answer === 'same' ? 'same' : 'address' });
    })

    .post('/cancel', async (c) => {
      const [row] = await door.gate(cancelAddress(ringNow(ring), c.var.who), failed(c));
      mustBeAllowed(row?.answer);
      return c.redirect('/account/address?done=cancelled', 303);
    });
}
