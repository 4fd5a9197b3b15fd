/** GET and POST /privacy/erasures, GET /privacy/erasures/new, /privacy/erasures/:id and /privacy/erasures/:id/file. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { type Door, Refusal } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { recordNumber } from '../patients/record-number.ts';
import { Certificate, CertificatePage } from './certificate-page.tsx';
import { blankErasure, type ErasureProblems, type ErasureValues, readErasure } from './erasure-form.ts';
import { erasures } from './erasure-words.ts';
import { AskPage } from './erasures-ask.tsx';
import { ErasuresPage, listLimit } from './erasures-page.tsx';
import { openPrivacy, readCertificate, readErasures, requestErasure } from './queries.ts';

export function erasureRoutes(door: Door) {
  return new Hono<Env>()
    .get('/', async (c) => {
      const reads = [readMe(), readErasures(listLimit)] as const;
      const [me, rows] = await door.read(c.var.who, { open: openPrivacy(), reads });
      const sent = c.req.query('sent') !== undefined;
      return page(c, { ...titled(c), me: me[0] }, <ErasuresPage rows={rows} sent={sent} />);
    })
    .get('/new', (c) => {
      const patient = z.string().max(60).catch('').parse(c.req.query('patient'));
      return answerForm(c, door, { values: blankErasure(patient) });
    })
    .post('/', (c) => answerAsked(c, door))
    .get('/:id', async (c) => {
      const id = z.guid().safeParse(c.req.param('id')).data;
      if (!id) return c.notFound();
      const reads = [readMe(), readCertificate(id)] as const;
      const [me, rows] = await door.read(c.var.who, { open: openPrivacy(), reads });
      const certificate = Certificate.parse(rows[0]?.certificate);
      return page(c, { ...titled(c), me: me[0] }, <CertificatePage request={id} certificate={certificate} />);
    })
    .get('/:id/file', async (c) => {
      const id = z.guid().safeParse(c.req.param('id')).data;
      if (!id) return c.notFound();
      const [rows] = await door.read(c.var.who, { open: openPrivacy(), reads: [readCertificate(id)] });
      return c.body(`${JSON.stringify(rows[0]?.certificate, null, 2)}\n`, 200, {
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Disposition': `attachment; filename="erasure-${id}.json"`,
      });
    });
}

const titled = (c: Context<Env>) => ({ title: inLang(erasures, c.var.lang).title, section: 'erasures' }) as const;

async function answerAsked(c: Context<Env>, door: Door) {
  const { values, problems } = readErasure(await c.req.parseBody());
  const patient = recordNumber(values.patient);
  if (!patient || Object.keys(problems).length > 0) return answerForm(c, door, { values, problems }, 422);
  const { key, ground, reason } = values;
  const change = requestErasure(key, patient, ground, reason);
  try {
    await door.write(c.var.who, { open: openPrivacy(), key, operation: 'erasures.request', change, reads: [] });
  } catch (error) {
    if (!(error instanceof Refusal) || !['hidden', 'conflict'].includes(error.reason)) throw error;
    // a form that was used for another request gets a key of its own
    if (error.reason === 'conflict')
      return answerForm(c, door, { values: { ...values, key: crypto.randomUUID() }, refused: true }, 409);
    return answerForm(c, door, { values, problems: { patient: 'unknown' } }, 422);
  }
  return c.redirect('/privacy/erasures?sent', 303);
}

type Form = { values: ErasureValues; problems?: ErasureProblems; refused?: boolean };

async function answerForm(c: Context<Env>, door: Door, form: Form, status: 200 | 409 | 422 = 200) {
  const [me] = await door.read(c.var.who, { open: openPrivacy(), reads: [readMe()] });
  const options = { ...titled(c), me: me[0], error: status !== 200, status };
  return page(c, options, <AskPage {...form} />);
}
