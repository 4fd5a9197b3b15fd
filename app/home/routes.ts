/** GET / leads to where the role's work is. The role of the cookie is a hint: the database decides there. */
import { Hono } from 'hono';
import type { Env } from '../../edge/session.ts';

const HOMES: Record<string, string> = {
  clinician: '/patients',
  secretary: '/patients',
  patient: '/record',
  auditor: '/audit',
  org_admin: '/admin/accounts',
  dpo: '/privacy',
  researcher: '/account',
};

export function homeRoutes() {
  return new Hono<Env>().get('/', (c) => c.redirect(HOMES[c.var.who.role] ?? '/sign-in', 303));
}
