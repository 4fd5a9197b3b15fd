/** GET /account/consents/:id and /account/consents/:id/file: what proves one of one's own decisions. */
import { Hono } from 'hono';
import type { Door } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { answerProof, answerProofFile } from './proof-answer.tsx';

export function ownProofRoutes(door: Door) {
  return new Hono<Env>()
    .get('/:id', (c) => answerProof(c, door, '/account/consents'))
    .get('/:id/file', (c) => answerProofFile(c, door));
}
