/** The administrator's pages: /admin/accounts, /admin/care-teams. */
import { Hono } from 'hono';
import type { Door } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { accountRoutes } from '../accounts/routes.tsx';
import { teamRoutes } from './team-routes.tsx';

export function adminRoutes(door: Door) {
  return new Hono<Env>().route('/accounts', accountRoutes(door)).route('/care-teams', teamRoutes(door));
}
