/** POST /preferences: language and theme, kept in two cookies that say nothing about the person. */
import { Hono } from 'hono';
import { z } from 'zod';
import { type Env, keepPreferences } from '../../edge/session.ts';
import { localAddress } from '../local-path.ts';

const Preferences = z.object({
  lang: z.enum(['fr', 'en']).optional().catch(undefined),
  theme: z.enum(['system', 'light', 'dark']).optional().catch(undefined),
  return: localAddress.catch('/'),
});

export function preferenceRoutes() {
  return new Hono<Env>().post('/', async (c) => {
    const wanted = Preferences.parse(await c.req.parseBody());
    keepPreferences(c, wanted);
    return c.redirect(wanted.return, 303);
  });
}
