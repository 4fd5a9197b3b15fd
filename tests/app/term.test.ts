// What is typed into the search, and how dates and ages are written.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTerm } from '../../app/patients/term.ts';
import { ageOn, clockOf, formatDay, formatLongDay } from '../../app/ui/time.tsx';

describe('a search', () => {
  test.each([
    ['mar', { name: 'mar', birthDate: null }],
    ['  Lefèvre   Zoé ', { name: 'Lefèvre Zoé', birthDate: null }],
    ['12/03/1958', { name: null, birthDate: '1958-03-12' }],
    ['1/3/1958', { name: null, birthDate: '1958-03-01' }],
    ['12.03.1958', { name: null, birthDate: '1958-03-12' }],
    ['12031958', { name: null, birthDate: '1958-03-12' }],
    ['1958-03-12', { name: null, birthDate: '1958-03-12' }],
    ['martin 12/03/1958', { name: 'martin', birthDate: '1958-03-12' }],
    ['22/04/67', { name: null, birthDate: '1967-04-22', centuryAdded: true }],
    ['220467', { name: null, birthDate: '1967-04-22', centuryAdded: true }],
    ['29/02/08 li', { name: 'li', birthDate: '2008-02-29', centuryAdded: true }],
    ['23/11/26', { name: null, birthDate: '1926-11-23', centuryAdded: true }],
    ['29/02/2024 li', { name: 'li', birthDate: '2024-02-29' }],
  ])('%j is understood', (typed, term) => {
    expect(readTerm(typed, '2026-11-22')).toEqual(term);
  });

  test.each(['', 'ma', 'd’', '12/03', '12/03/195', '19', '%_*'])('%j is too short to search', (typed) => {
    expect(readTerm(typed)).toEqual({ problem: 'too_short' });
  });

  test.each(['12/03/19', '120320', '22/11/26', 'martin 12.03.18'])('%s may be of two centuries', (typed) => {
    expect(readTerm(typed, '2026-11-22')).toEqual({ problem: 'year_in_full' });
  });

  test.each(['31/02/1958', '31/02/58', '12/13/1958', '00/01/1958', '2023-02-29'])('%s does not exist', (typed) => {
    expect(readTerm(typed)).toEqual({ problem: 'not_a_date' });
  });

  test('never fails, and never gives a day that does not exist', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (typed) => {
        const term = readTerm(typed);
        if (term.problem === undefined && term.birthDate) {
          expect(new Date(`${term.birthDate}T00:00:00Z`).toISOString().slice(0, 10)).toBe(term.birthDate);
        }
      }),
    );
  });
});

describe('a date', () => {
  test('is written as people of the language write it', () => {
    expect(formatDay('fr', '1958-03-12')).toBe('12/03/1958');
    expect(formatDay('en', '1958-03-12')).toBe('12 Mar 1958');
    expect(formatDay('fr', '1958-03')).toBe('03/1958');
    expect(formatDay('en', '1958')).toBe('1958');
    expect(formatLongDay('fr', '2026-11-01')).toBe('1er novembre 2026');
  });

  test('is in the time of the practice, in summer as in winter', () => {
    expect(clockOf(new Date('2026-07-01T12:32:00Z'))).toBe('14:32');
    expect(clockOf(new Date('2026-12-01T23:05:00Z'))).toBe('00:05');
  });

  test.each([
    ['1958-03-12', '2026-03-11', { unit: 'years', count: 67 }],
    ['1958-03-12', '2026-03-12', { unit: 'years', count: 68 }],
    ['2025-01-15', '2026-11-22', { unit: 'months', count: 22 }],
    ['2026-11-02', '2026-11-22', { unit: 'days', count: 20 }],
    ['2027-01-01', '2026-11-22', undefined],
    ['1958', '2026-11-22', undefined],
  ])('somebody born on %s is of this age on %s', (birth, on, age) => {
    expect(ageOn(birth, on)).toEqual(age);
  });
});
