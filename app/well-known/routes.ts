/**
 * GET /.well-known/change-password (W3C, A Well-Known URL for Changing Passwords): a password manager that has found a password
 * among stolen ones leads its owner there.
 */
import { Hono } from 'hono';
import type { Env } from '../../edge/session.ts';

export function wellKnownRoutes() {
  return new Hono<Env>().get('/change-password', (c) => c.redirect('/account/password', 303));
}
