/** The proof of one agreement, as a page or as a file: who may have it, and that it was read, the database says. */
import type { Context } from 'hono';
import { z } from 'zod';
import type { Door } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import type { Section } from '../frame.tsx';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { ProofPage } from './proof.tsx';
import { openProof, Proof, readProof } from './proof-queries.ts';
import { proofWords } from './proof-words.ts';

const idOf = (c: Context<Env>) => z.guid().safeParse(c.req.param('id')).data;

/** `list`: the page that leads here. */
export async function answerProof(c: Context<Env>, door: Door, list: string, section?: Section) {
  const id = idOf(c);
  if (!id) return c.notFound();
  const [me, proofs] = await door.read(c.var.who, { open: openProof(id), reads: [readMe(), readProof(id)] });
  const title = inLang(proofWords, c.var.lang).title;
  return page(c, { title, me: me[0], section }, <ProofPage proof={Proof.parse(proofs[0]?.proof)} list={list} />);
}

export async function answerProofFile(c: Context<Env>, door: Door) {
  const id = idOf(c);
  if (!id) return c.notFound();
  const [proofs] = await door.read(c.var.who, { open: openProof(id), reads: [readProof(id)] });
  return c.body(`${JSON.stringify(proofs[0]?.proof, null, 2)}\n`, 200, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Disposition': `attachment; filename="consent-${id}.json"`,
  });
}
