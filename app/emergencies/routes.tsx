/** GET /emergencies, POST /emergencies/:id/end and /acknowledge: for the DPO and the administrator. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import type { Door } from '../../db/batch.ts';
import type { AnyQuery } from '../../db/query.ts';
import type { Env } from '../../edge/session.ts';
import { emergency } from '../emergency/messages.ts';
import { endGlass } from '../emergency/queries.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { EmergenciesPage, listLimit } from './page.tsx';
import { acknowledgeGlass, openEmergencies, readEmergencies } from './queries.ts';

export function emergenciesRoutes(door: Door) {
  return new Hono<Env>()
    .get('/', async (c) => {
      const reads = [readMe(), readEmergencies(listLimit)] as const;
      const [me, rows] = await door.read(c.var.who, { open: openEmergencies(), reads });
      const title = inLang(emergency, c.var.lang).listTitle;
      return page(c, { title, me: me[0], section: 'emergencies' }, <EmergenciesPage rows={rows} />);
    })

    .post('/:id/end', (c) => answerChange(c, door, 'glass.end', endGlass))
    .post('/:id/acknowledge', (c) => answerChange(c, door, 'glass.acknowledge', acknowledgeGlass));
}

async function answerChange(
  c: Context<Env>,
  door: Door,
  operation: string,
  make: (key: string, glass: string) => AnyQuery,
) {
  const glass = z.guid().parse(c.req.param('id'));
  const key = z.guid().parse((await c.req.parseBody()).key);
  await door.write(c.var.who, { open: openEmergencies(), key, operation, change: make(key, glass), reads: [] });
  return c.redirect(`/emergencies#glass-${glass}`, 303);
}
