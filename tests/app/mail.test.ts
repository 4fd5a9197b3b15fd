// What e-mails and SMS say: app/mail. Every template that SQL knows has words, and they hold what they were given, no more.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compose, type Letter, templateNames } from '../../app/mail/compose.ts';

const sql = readFileSync('supabase/migrations/0096_outbox.sql', 'utf8');
const inSql = [...(/template in \(([^)]*)\)/.exec(sql)?.[1] ?? '').matchAll(/'(\w+)'/g)].map(([, name]) => name);
const vars = {
  path: '/x/TOKEN',
  code: '042817',
  factor: 'passkey',
  left: 2,
  reasons: ['odd_hour'],
  ready_at: '2026-11-23T08:00:00Z',
};
const letter = (template: string, more: Partial<Letter> = {}): Letter => ({
  template,
  lang: 'fr',
  vars,
  organisation: 'Cabinet des Lilas',
  writtenAt: new Date('2026-11-22T10:50:00Z'),
  origin: 'https://dossier.exemple.fr',
  ...more,
});

test('the database knows the same templates', () => {
  expect(templateNames.toSorted()).toEqual(inSql.toSorted());
});

describe.each(templateNames)('%s', (template) => {
  test.each(['fr', 'en'] as const)('has whole words in %s', (lang) => {
    const { subject, text } = compose(letter(template, { lang }));
    expect(`${subject}\n${text}`).not.toMatch(/undefined|NaN|\[object|[Vv]euillez|invalide/);
    if (['sms_code', 'phone_code', 'recovery_requested_sms'].includes(template)) {
      expect(subject).toBeNull();
      // one SMS of the GSM alphabet: longer ones are paid twice, and other characters halve them
      expect(text.length).toBeLessThanOrEqual(160);
      expect(text).toMatch(/^[\n\r !"#$%&'()*+,\-./0-9:;<=>?@A-Z_a-zàäåæçèéìñòöøùüÄÅÆÇÉÑÖØÜ]*$/);
    } else {
      expect(subject).toMatch(/^[^\r\n]{5,60}$/);
      expect(text.split('\n').every((line) => line.length < 400)).toBe(true);
    }
  });

  test('leads to this installation and nowhere else', () => {
    const { text } = compose(letter(template));
    for (const [link] of text.matchAll(/https?:\S*/g)) expect(link).toMatch(/^https:\/\/dossier\.exemple\.fr\//);
  });

  test('never has the code in what a locked screen shows', () => {
    expect(compose(letter(template)).subject ?? '').not.toContain(vars.code);
  });
});

test('a link that is missing is an error, not a message without it', () => {
  for (const template of [
    'invitation',
    'email_confirmation',
    'recovery_link',
    'recovery_requested',
    'recovery_requested_sms',
    'sign_in_stopped',
  ])
    expect(() => compose(letter(template, { vars: {} }))).toThrow(`${template} has no path`);
  for (const template of ['email_code', 'sms_code', 'phone_code'])
    expect(() => compose(letter(template, { vars: {} }))).toThrow(`${template} has no code`);
});

test('an unknown template, or vars of another shape, are an error that quotes nothing', () => {
  for (const odd of [
    letter('constructor'),
    letter('__proto__'),
    letter('invitation', { vars: { path: 'https://evil.example' } }),
  ])
    expect(() => compose(odd)).toThrow(/^no words for \w+$/);
});

test('a message in French is set as French is', () => {
  const { text } = compose(letter('email_code'));
  expect(text).toContain('Votre code\u00a0: 042817');
});

test('an SMS carries the code for the browser of this site', () => {
  expect(compose(letter('sms_code')).text).toMatch(/\n\n@dossier\.exemple\.fr #042817$/);
});
