// Every word that a page can need is there, in both languages, and French is spaced as French is.
import { describe, expect, test } from 'vitest';
import { admin } from '../../app/admin/messages.ts';
import { teamRoles } from '../../app/admin/team-form.ts';
import { audit } from '../../app/audit/messages.ts';
import { actorRoles, eventTypes, outcomes, searchFields } from '../../app/audit/search.ts';
import { chart } from '../../app/chart/messages.ts';
import { consents } from '../../app/consents/messages.ts';
import { kinds } from '../../app/emergency/form.ts';
import { emergency } from '../../app/emergency/messages.ts';
import { enrol } from '../../app/enrol/messages.ts';
import { appWords } from '../../app/factors/app-words.ts';
import { codesWords } from '../../app/factors/codes-words.ts';
import { links } from '../../app/links/messages.ts';
import { notes } from '../../app/notes/messages.ts';
import { categories, priorities, sections, statuses } from '../../app/notes/note.ts';
import { passwords } from '../../app/passwords/messages.ts';
import { record } from '../../app/record/messages.ts';
import { recover } from '../../app/recover/messages.ts';
import { durations, priorities as urgencies } from '../../app/referrals/form.ts';
import { referrals } from '../../app/referrals/messages.ts';
import { register } from '../../app/register/messages.ts';
import { secondStep } from '../../app/sign-in/code-words.ts';
import { signIn } from '../../app/sign-in/messages.ts';

const concepts = {
  ...{ admin, audit, chart, emergency, notes, record, referrals },
  // coming in: who has no account yet, or can't get into theirs
  ...{ appWords, codesWords, consents, enrol, links, passwords, recover, register, secondStep, signIn },
};
const written = (value: unknown): string => String(typeof value === 'function' ? value('2', '2', '2') : value);

describe.each(Object.entries(concepts))('%s', (_, words) => {
  test('has the same words in English as in French, and none is blank', () => {
    expect(Object.keys(words.en).sort()).toEqual(Object.keys(words.fr).sort());
    for (const value of [...Object.values(words.fr), ...Object.values(words.en)])
      expect(written(value).trim()).not.toBe('');
  });

  test('has a no-break space before the high signs of French, and typographic apostrophes', () => {
    for (const [key, value] of Object.entries(words.fr)) {
      expect(written(value), key).not.toMatch(/[^\u202f\u00a0\s][;!?»]|[^\u00a0\d]: | [:;!?»]|« |'/);
    }
  });

  test('says neither « veuillez » nor « invalide »', () => {
    for (const value of Object.values(words.fr)) expect(written(value)).not.toMatch(/veuillez|invalide/i);
  });
});

test.each([
  ['notes', notes, { category: categories, priority: priorities, status: statuses, section: sections, hint: sections }],
  ['notes', notes, { plain: sections, problem: ['empty', 'too_long', 'unknown_choice'] }],
  ['admin', admin, { teamRole: teamRoles }],
  ['emergency', emergency, { kind: kinds, state: ['none', 'several', 'yours', 'gone'] }],
  ['referrals', referrals, { priority: urgencies, days: durations, status: ['active', 'revoked', 'completed'] }],
  ['audit', audit, { event: eventTypes, outcome: outcomes, field: searchFields }],
  [
    'record',
    record,
    {
      why: actorRoles,
      act: [
        'patient.read',
        'patients.list',
        'patients.search',
        'row.insert',
        'row.update',
        'row.delete',
        'glass.break',
        'glass.end',
        'referral.make',
        'referral.end',
      ],
    },
  ],
])('%s has a word for every code that it shows', (_, words, groups) => {
  for (const [group, codes] of Object.entries(groups)) {
    for (const code of codes) expect(Object.keys(words.fr), `${group}_${code}`).toContain(`${group}_${code}`);
  }
});
