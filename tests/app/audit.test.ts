// The auditor's pages: search, pages of 50, and a verification that finds what was changed.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { audit } from '../../app/audit/messages.ts';
import { eventTypes } from '../../app/audit/search.ts';
import { connect } from '../../db/connect.ts';
import { sealWith } from '../../db/log/seal.ts';
import { asOwner } from '../../db/owner.ts';
import { blankNote, openPages, type Pages, visibleText } from './pages.ts';

test('every event that the database knows has a word in both languages, and can be searched for', () => {
  const sql = readFileSync('supabase/migrations/0070_audit.sql', 'utf8');
  const known = [...(/event in \(([^)]*)\)/.exec(sql)?.[1] ?? '').matchAll(/'([\w.]+)'/g)].map(([, name]) => name);
  expect(known.length).toBeGreaterThan(40);
  expect([...eventTypes].toSorted()).toEqual(known.toSorted());
  for (const words of [audit.fr, audit.en])
    expect(known.filter((event) => !Object.hasOwn(words, `event_${event}`))).toEqual([]);
});

let pages: Pages;
beforeAll(async () => {
  pages = await openPages();
  const notes = `/patients/${pages.patient}/notes`;
  await pages.post(pages.practice.clinician, notes, {
    ...blankNote(pages.practice.clinician.account),
    diagnosis: 'Angine-canari',
  });
});
afterAll(() => pages?.close());

const ids = (html: string) => [...html.matchAll(/data-event="([0-9a-f-]{36})"/g)].map((match) => match[1] ?? '');

test('an auditor finds events by type, patient, actor, role, day and result, and sees no clinical word', async () => {
  const { auditor, clinician } = pages.practice;
  const today = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Paris' }).format(new Date());
  const found = { event: 'row.insert', patient: pages.patient, actor: clinician.account, role: 'clinician' };
  const hit = await pages.post(auditor, '/audit/search', { ...found, from: today, to: today, outcome: 'success' });
  expect(hit.status).toBe(200);
  expect(ids(hit.text)).toHaveLength(1);
  expect(visibleText(hit.text)).toMatch(/NOMCLINICIAN/);
  expect(hit.text).not.toContain('canari');
  for (const [name, value] of [
    ['actor', clinician.account],
    ['patient', pages.patient],
  ])
    expect(hit.text).toMatch(
      new RegExp(`<td[^>]*>[^<]*<button[^>]*form="audit-one"[^>]*name="${name}" value="${value}"`),
    );
  const elsewhere: Record<string, string>[] = [
    { from: '2031-01-01' },
    { to: '2020-01-01' },
    { outcome: 'failure' },
    { role: 'secretary' },
  ];
  for (const other of elsewhere) {
    const miss = await pages.post(auditor, '/audit/search', { ...found, ...other });
    expect(ids(miss.text), JSON.stringify(other)).toEqual([]);
    expect(visibleText(miss.text)).toContain('Aucun événement ne correspond.');
  }
});

test('of refused requests an auditor sees whose browser they came through, and how many more there were', async () => {
  const { auditor, clinician } = pages.practice;
  const { db } = pages;
  await asOwner(db.admin, () =>
    db.admin.query(
      `select ops.record_refusals($1, $2, '{"ip": "192.0.2.8", "user_agent": "curl"}', null, '{"request.forged": 4313}')`,
      [db.ring, clinician.token],
    ),
  );
  const { text } = await pages.post(auditor, '/audit/search', { event: 'request.forged' });
  expect(visibleText(text)).toMatch(
    /Demande d’un autre site refusée et 4312 autres Camille NOMCLINICIAN.*refusé ou échoué.*192\.0\.2\.8/s,
  );
});

test('criteria that can’t be meant come back with a sentence and what was typed', async () => {
  const wrong = { patient: 'Dupont', from: '2026-02-31', actor: '12' };
  const { status, text } = await pages.post(pages.practice.auditor, '/audit/search', wrong);
  expect(status).toBe(422);
  expect(text).toContain('value="Dupont"');
  expect(text).toMatch(/aria-describedby="[^"]*patient-error/);
  expect(visibleText(text)).toContain('Saisissez une date qui existe.');
  const turned = await pages.post(pages.practice.auditor, '/audit/search', { from: '2026-03-02', to: '2026-03-01' });
  expect(visibleText(turned.text)).toContain('La fin de la période vient avant son début.');
});

test('pages of 50 follow one another without a gap or a repetition', async () => {
  for (let i = 0; i < 60; i++) await pages.get(pages.practice.auditor, '/audit/verification');
  const first = await pages.post(pages.practice.auditor, '/audit/search', { event: 'log.read' });
  expect(ids(first.text)).toHaveLength(50);
  const field = (name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(first.text)?.[1] ?? '';
  const place = { after_at: field('after_at'), after_id: field('after_id') };
  const second = await pages.post(pages.practice.auditor, '/audit/search', { event: 'log.read', ...place });
  const all = [...ids(first.text), ...ids(second.text)];
  expect(new Set(all).size).toBe(all.length);
  const { rows } = await pages.db.admin.query<{ id: string }>(
    `select id from audit.events where event = 'log.read' order by at desc, id desc offset 2`,
  );
  // Both searches are events themselves, newer than all that they show; the second one isn't on any page.
  expect(rows.map((row) => row.id).slice(0, 49)).toEqual(all.slice(1, 50));
});

test('the verification shows what was signed last', async () => {
  const { auditor } = pages.practice;
  expect((await pages.get(auditor, '/audit/verification')).text).toContain('Rien n’a encore été signé');
  const place = { directory: mkdtempSync(join(tmpdir(), 'vs-page-')), keys: pages.db.keys };
  const { checkpoint } = await sealWith(pages.db.admin, place);
  rmSync(place.directory, { recursive: true });
  const { text } = await pages.get(auditor, '/audit/verification');
  expect(text).toContain(checkpoint?.root.toString('base64'));
  expect(text).toContain(checkpoint?.origin);
});

test('a verification says intact, and says where after a single changed event', async () => {
  const { auditor } = pages.practice;
  const intact = await pages.post(auditor, '/audit/verification', {});
  expect(visibleText(intact.text)).toContain('La chaîne est intacte');
  const superuser = await connect(pages.db.superuserUrl);
  try {
    await superuser.query(`set session_replication_role = replica`);
    const { rows } = await superuser.query<{ lane: number; seq: string }>(
      `update audit.events set outcome = 'failure' where patient_id = $1 and event = 'row.insert'
       and actor_role = 'clinician' returning lane, seq`,
      [pages.patient],
    );
    const broken = await pages.post(auditor, '/audit/verification', {}, true);
    expect(broken.text).toMatch(/<hx-partial hx-target="#status"/);
    const seen = visibleText(broken.text);
    expect(seen).toContain('La chaîne est rompue');
    expect(seen).not.toContain('intacte');
    expect(seen).toMatch(new RegExp(`Voie Numéro Ce qui ne correspond pas ${rows[0]?.lane} ${rows[0]?.seq} `));
  } finally {
    await superuser.end();
  }
});

test('nobody else reads the log or has it verified', async () => {
  const { clinician, secretary, orgAdmin } = pages.practice;
  for (const person of [clinician, secretary, orgAdmin, pages.patientPerson]) {
    expect([403, 404]).toContain((await pages.get(person, '/audit')).status);
    expect([403, 404]).toContain((await pages.post(person, '/audit/search', {})).status);
    expect([403, 404]).toContain((await pages.post(person, '/audit/verification', {})).status);
  }
});
