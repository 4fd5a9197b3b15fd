/** GET /privacy/consents: who agreed to what, by text and by record; /privacy/consents/:id: the proof of one decision. */
import { Hono } from 'hono';
import { z } from 'zod';
import type { Door } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { answerProof, answerProofFile } from '../consents/proof-answer.tsx';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { recordNumber } from '../patients/record-number.ts';
import { AgreementsPage, listLimit } from './consents-page.tsx';
import { privacy } from './messages.ts';
import { openAgreements, readCounts, readDecisions, readWithdrawals } from './queries.ts';

const Typed = z.string().max(200).catch('');

export function agreementRoutes(door: Door) {
  return new Hono<Env>()
    .get('/', async (c) => {
      const typed = Typed.parse(c.req.query('patient')).trim();
      const patient = recordNumber(typed);
      const unknown = typed !== '' && !patient;
      const [me, counts, withdrawals, decisions] = await door.read(c.var.who, {
        open: openAgreements(),
        reads: [readMe(), readCounts(), readWithdrawals(listLimit), readDecisions(listLimit, patient)],
      });
      const title = inLang(privacy, c.var.lang).agreements;
      const options = { title, me: me[0], section: 'agreements', error: unknown, status: unknown ? 422 : 200 } as const;
      return page(c, options, <AgreementsPage {...{ counts, withdrawals, decisions, patient, typed, unknown }} />);
    })
    .get('/:id', (c) => answerProof(c, door, '/privacy/consents', 'agreements'))
    .get('/:id/file', (c) => answerProofFile(c, door));
}
