/** GET /admin/care-teams and its forms: who follows patients together, from when until when. */
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { type Door, Refusal } from '../../db/batch.ts';
import type { AnyQuery } from '../../db/query.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { endReferral, readColleagues } from '../referrals/queries.ts';
import { MemberPage } from './member.tsx';
import { admin } from './messages.ts';
import { openAccounts, readCareTeams, readReferralPeriods } from './queries.ts';
import { blankMember, type MemberErrors, type MemberValues, readMember } from './team-form.ts';
import { addMember, createTeam, endMember } from './team-queries.ts';
import { CareTeamsPage } from './teams.tsx';

export function teamRoutes(door: Door) {
  return new Hono<Env>()
    .get('/', async (c) => {
      const reads = [readMe(), readCareTeams(), readReferralPeriods()] as const;
      const [me, rows, referrals] = await door.read(c.var.who, { open: openAccounts(), reads });
      const teams = rows.toSorted((a, b) => (a.lead_name ?? '').localeCompare(b.lead_name ?? '', 'fr'));
      const title = inLang(admin, c.var.lang).careTeams;
      return page(c, { title, me: me[0], section: 'careTeams' }, <CareTeamsPage {...{ teams, referrals }} />);
    })

    .get('/new', (c) => answerForm(c, door, { values: blankMember('lead') }, 200))
    .get('/:team/members/new', (c) => answerForm(c, door, { team: teamOf(c), values: blankMember() }, 200))

    .post('/', async (c) => {
      const { values, errors } = readMember(await c.req.parseBody());
      return answerAdded(c, door, { values, errors }, 'care_teams.create', createTeam(values));
    })
    .post('/:team/members', async (c) => {
      const team = teamOf(c);
      const { values, errors } = readMember(await c.req.parseBody());
      return answerAdded(c, door, { team, values, errors }, 'care_teams.add_member', addMember(team, values));
    })

    .post('/members/:id/end', (c) => answerEnded(c, door, 'care_teams.end_member', endMember))
    .post('/referrals/:id/end', (c) => answerEnded(c, door, 'referrals.end', endReferral));
}

const teamOf = (c: Context): string => z.guid().parse(c.req.param('team'));

type Form = { team?: string; values: MemberValues; errors?: MemberErrors; refusal?: string };
/** What the form can tell; every other refusal is a page of errors.tsx. */
const told = ['conflict', 'invalid'];

async function answerAdded(c: Context<Env>, door: Door, form: Form, operation: string, change: AnyQuery) {
  const { values, errors = {} } = form;
  if (Object.keys(errors).length > 0) return answerForm(c, door, form, 422);
  try {
    await door.write(c.var.who, { open: openAccounts(), key: values.key, operation, change, reads: [] });
  } catch (error) {
    if (!(error instanceof Refusal) || !told.includes(error.reason)) throw error;
    const retry = { ...form, values: { ...values, key: crypto.randomUUID() }, refusal: error.reason };
    return answerForm(c, door, retry, error.status as ContentfulStatusCode); // always goes with a body
  }
  return c.redirect(`/admin/care-teams${form.team ? `#team-${form.team}` : ''}`, 303);
}

async function answerEnded(
  c: Context<Env>,
  door: Door,
  operation: string,
  make: (key: string, id: string) => AnyQuery,
) {
  const id = z.guid().parse(c.req.param('id'));
  const key = z.guid().parse((await c.req.parseBody()).key);
  await door.write(c.var.who, { open: openAccounts(), key, operation, change: make(key, id), reads: [] });
  return c.redirect('/admin/care-teams', 303);
}

async function answerForm(c: Context<Env>, door: Door, form: Form, status: ContentfulStatusCode) {
  const reads = [readMe(), readColleagues()] as const;
  const [me, rows] = await door.read(c.var.who, { open: openAccounts(), reads });
  const colleagues = rows.toSorted((a, b) => (a.display_name ?? '').localeCompare(b.display_name ?? '', 'fr'));
  const t = inLang(admin, c.var.lang);
  const title = form.team ? t.addMember : t.newTeam;
  const options = { title, me: me[0], section: 'careTeams', error: status !== 200, status } as const;
  return page(c, options, <MemberPage {...form} colleagues={colleagues} />);
}
