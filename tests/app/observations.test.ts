// Values as a tired reader sees them: nothing invented, nothing lost.
import { describe, expect, test } from 'vitest';
import { bannerAllergies } from '../../app/chart/allergies.ts';
import { figureText, latestPerCode, type ObservationRow } from '../../app/chart/observations.ts';
import { timeline } from '../../app/chart/timeline.ts';
import { gather } from '../../app/record/accesses.tsx';

const row = (code: string, value: object | null, day: string, status = 'final'): ObservationRow => ({
  id: `${code} ${day}`,
  category: 'vital-signs',
  effective_at: new Date(`${day}T08:00:00Z`),
  status,
  code: JSON.stringify({ text: `source ${code}`, code, system: 'http://loinc.org' }),
  value: value && JSON.stringify(value),
});
const pressure = (systolic: string, diastolic: string, unit = 'mm[Hg]') => ({
  components: [
    { code: { code: '8462-4' }, value: diastolic, unit },
    { code: { code: '8480-6' }, value: systolic, unit: 'mm[Hg]' },
  ],
});

describe('latestPerCode', () => {
  test('keeps the newest value of each code and the one before, and leaves out what was entered in error', () => {
    const rows = [
      row('8867-4', { value: '300', unit: '/min' }, '2026-03-03', 'entered-in-error'),
      row('8867-4', { value: '72', unit: '/min' }, '2026-03-02'),
      row('8867-4', { value: '80', unit: '/min' }, '2026-02-02'),
      row('8867-4', { value: '90', unit: '/min' }, '2026-01-02'),
    ];
    const latest = latestPerCode(rows, 'fr');
    expect(latest.map((item) => [item.name, item.value, item.previous?.value])).toEqual([
      ['Fréquence cardiaque', '72\u00a0/min', '80\u00a0/min'],
    ]);
  });

  test('shows the codes in the same order for every patient, those without a place last', () => {
    const rows = ['99999-9', '29463-7', '8867-4', '55284-4'].map((code) => row(code, { value: '1' }, '2026-03-02'));
    const names = ['Tension artérielle', 'Fréquence cardiaque', 'Poids', 'source 99999-9'];
    expect(latestPerCode(rows, 'fr').map((item) => item.name)).toEqual(names);
    expect(latestPerCode(rows.toReversed(), 'fr').map((item) => item.name)).toEqual(names);
  });

  test('writes blood pressure as one figure, systolic first, whatever the order in the source', () => {
    expect(latestPerCode([row('55284-4', pressure('131.476', '82.1205'), '2026-03-02')], 'fr')[0]?.value).toBe(
      '131/82\u00a0mmHg',
    );
  });

  test('doesn’t join two pressures of different units', () => {
    const odd = latestPerCode([row('55284-4', pressure('13.1', '82', 'kPa'), '2026-03-02')], 'fr')[0]?.value;
    expect(odd).not.toContain('/82');
    expect(odd).toContain('82\u00a0kPa');
  });

  test('keeps the source’s words for an unknown code, and says that a value is missing by having none', () => {
    const [item] = latestPerCode([row('99999-9', null, '2026-03-02')], 'fr');
    expect([item?.name, item?.value]).toEqual(['source 99999-9', null]);
  });
});

test.each([
  ['72', undefined, '72'],
  ['0.5', 1, '0,5'],
  ['37.42', 1, '37,42'],
  ['37.42123', 1, '37,4'],
  ['0.0041234', undefined, '0,00412'],
  ['246.123123', undefined, '246'],
  ['-2.56789', undefined, '-2,57'],
  ['< 5', undefined, '< 5'],
  ['', undefined, ''],
])('%s with %s decimals is written %s', (raw, decimals, written) => {
  expect(figureText(raw, decimals, 'fr')).toBe(written);
});

describe('bannerAllergies', () => {
  const allergy = (code: string, change = {}) => ({
    clinical_status: 'active',
    verification_status: 'confirmed',
    code: JSON.stringify({ text: `allergie ${code}`, code }),
    criticality: null,
    reaction: null,
    ...change,
  });

  test('nothing recorded isn’t none', () => {
    expect(bannerAllergies({ state: 'not_recorded', recorded_at: null }, [])).toEqual({ state: 'not_recorded' });
    expect(bannerAllergies(undefined, [])).toEqual({ state: 'not_recorded' });
  });

  test('only a recorded none is none, and an allergy beside it wins', () => {
    const none = allergy('716186003');
    const at = new Date('2026-01-02');
    const status = { state: 'known', recorded_at: at };
    expect(bannerAllergies(status, [none])).toEqual({ state: 'none_known', recordedAt: at });
    expect(bannerAllergies(status, [none, allergy('91936005')])).toMatchObject({
      state: 'known',
      items: [{ substance: 'allergie 91936005' }],
    });
  });

  test('a refuted or resolved allergy isn’t shown, and doesn’t make a none either', () => {
    const gone = [allergy('1', { clinical_status: 'resolved' }), allergy('2', { verification_status: 'refuted' })];
    expect(bannerAllergies({ state: 'not_recorded', recorded_at: null }, gone)).toEqual({ state: 'not_recorded' });
  });
});

describe('timeline', () => {
  const note = (at: string) => ({ created_at: new Date(at) });
  const visit = (at: string) => ({ started_at: new Date(at) });

  test('puts notes and visits together by day in France, newest first', () => {
    const { days, older } = timeline([note('2026-07-01T22:30:00Z')], [visit('2026-07-01T20:00:00Z')], 30);
    expect(days.map(({ day, entries }) => [day, entries.length])).toEqual([
      ['2026-07-02', 1],
      ['2026-07-01', 1],
    ]);
    expect(older).toBeNull();
  });

  test('loses nothing between two pages, also where several things have the same time', () => {
    const same = '2026-03-02T09:00:00.123Z';
    const notes = [note('2026-03-03T09:00:00Z'), note(same), note(same), note('2026-03-01T09:00:00Z')];
    const first = timeline(notes, [], 2);
    expect(first.days.flatMap(({ entries }) => entries)).toHaveLength(3);
    const rest = notes.filter((one) => first.older && one.created_at < first.older);
    expect(timeline(rest, [], 2)).toMatchObject({ days: [{ day: '2026-03-01' }], older: null });
  });
});

test('gather tells each person’s day once, with every act and time', () => {
  const access = (at: string, event: string, actor: string, resource = 'Patient') => ({
    at: new Date(at),
    event,
    actor_id: actor,
    actor_name: actor,
    actor_role: 'clinician',
    resource_type: resource,
    outcome: 'success',
  });
  const visits = gather([
    access('2026-03-02T10:00:00Z', 'patient.read', 'a'),
    access('2026-03-02T09:00:00Z', 'row.insert', 'a', 'Composition'),
    access('2026-03-02T08:00:00Z', 'patient.read', 'b'),
    access('2026-03-02T07:00:00Z', 'patient.read', 'a'),
    access('2026-03-01T07:00:00Z', 'patient.read', 'a'),
  ]);
  expect(visits.map((visit) => [visit.day, visit.actor_id, visit.acts.map((act) => act.times.length)])).toEqual([
    ['2026-03-02', 'a', [2, 1]],
    ['2026-03-02', 'b', [1]],
    ['2026-03-01', 'a', [1]],
  ]);
});
