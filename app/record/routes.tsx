/** GET /record: what is held on oneself. GET /record/accesses: who looked at it. */
import { type Context, Hono } from 'hono';
import type { Door } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { bannerAllergies } from '../chart/allergies.ts';
import { readBanner, readNotes, readSummary } from '../chart/queries.ts';
import { readNewTexts } from '../consents/queries.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { AccessesPage, accessLimit } from './accesses.tsx';
import { record } from './messages.ts';
import { noteLimit, RecordPage } from './page.tsx';
import { openOwnRecord, ownPatient, readAccesses, readEmergencies } from './queries.ts';

export function recordRoutes(door: Door) {
  return new Hono<Env>()
    .get('/', (c) => answerRecord(c, door))

    .get('/accesses', async (c) => {
      const [me, rows, emergencies] = await door.read(c.var.who, {
        open: openOwnRecord(),
        reads: [readMe(), readAccesses(accessLimit), readEmergencies()],
      });
      const title = inLang(record, c.var.lang).accessTitle;
      const accountId = me[0]?.account_id;
      return page(c, { title, me: me[0], section: 'accesses' }, <AccessesPage {...{ rows, emergencies, accountId }} />);
    });
}

async function answerRecord(c: Context<Env>, door: Door) {
  const [me, patients, status, allergies, conditions, medications, vitals, laboratory, notes, texts] = await door.read(
    c.var.who,
    {
      open: openOwnRecord(),
      reads: [
        readMe(),
        ...readBanner(ownPatient),
        ...readSummary(ownPatient),
        readNotes(ownPatient, noteLimit),
        readNewTexts(c.var.lang),
      ],
    },
  );
  const patient = patients[0];
  if (!patient) return c.notFound();
  return page(
    c,
    { title: inLang(record, c.var.lang).title, me: me[0], section: 'record' },
    <RecordPage
      organisation={me[0]?.organisation_name ?? ''}
      patient={patient}
      allergies={bannerAllergies(status[0], allergies)}
      {...{ conditions, medications, vitals, laboratory, notes }}
      newTexts={texts.map(({ title }) => title)}
    />,
  );
}
