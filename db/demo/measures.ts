import type { Person } from './people.ts';
import type { Lab, Problem, Vitals } from './problems/problem.ts';
import type { Chance } from './random.ts';

const LOINC = 'http://loinc.org';
const YEAR = 365.2425 * 86_400_000;

/** What a person's measures are around, fixed for life. */
export type Build = { height: number; bmi: number; systolic: number; diastolic: number; pulse: number };

export function buildOf(chance: Chance, person: Person, lasting: readonly Problem[]): Build {
  const most = (name: 'bmi' | 'systolic' | 'diastolic' | 'pulse', usual: number) =>
    lasting.reduce((value, problem) => problem.vitals?.[name] ?? value, usual) + chance.int(-3, 3);
  return {
    height: (person.sex === 'male' ? 176 : 163) + chance.int(-8, 8),
    bmi: most('bmi', 24),
    systolic: most('systolic', person.age < 16 ? 90 + person.age : 116 + Math.round(person.age / 8)),
    diastolic: most('diastolic', person.age < 16 ? 60 : 74),
    pulse: most('pulse', person.age < 10 ? 92 : 72),
  };
}

export const ageAt = (person: Person, at: Date): number => (at.getTime() - Date.parse(person.birth_date)) / YEAR;

function heightAt(build: Build, age: number): number {
  return age >= 18 ? build.height : Math.round(age < 12 ? 77 + 6 * age : build.height - (18 - age) * 5);
}

/** The measures of one visit, with the fever or the breath of what it is for. */
export function vitalsOf(chance: Chance, build: Build, age: number, problem: Problem, turn: number): Vitals {
  const height = heightAt(build, age);
  const kilos = age < 12 ? 2.2 * (age + 4) : (build.bmi * (age < 18 ? 0.85 : 1) * height * height) / 10_000;
  const { temperature, saturation } = problem.vitals ?? {};
  const fever = temperature !== undefined && temperature > 38 ? 14 : 0;
  return {
    systolic: build.systolic + chance.int(-9, 9),
    diastolic: build.diastolic + chance.int(-6, 6),
    pulse: build.pulse + fever + chance.int(-6, 6),
    weight: chance.around(kilos + (problem.gain ?? 0) * turn, 0.8, 1),
    ...(temperature !== undefined && { temperature: chance.around(temperature, 0.4, 1) }),
    ...(saturation !== undefined && { saturation: Math.min(100, saturation + chance.int(-1, 1)) }),
  };
}

/** The rows of clinic.observations for one visit. */
export function observationsOf(
  source: string,
  at: Date,
  vitals: Vitals,
  labs: readonly Lab[],
  build: Build,
  age: number,
): object[] {
  const rows: object[] = [];
  const add = (category: string, loinc: string, text: string, value: object) =>
    rows.push({
      source: `${source}/${loinc}`,
      category,
      effective_at: at.toISOString(),
      status: 'final',
      code: code(loinc, text),
      value,
    });
  const sign = (loinc: string, text: string, value: string | number, unit: string) =>
    add('vital-signs', loinc, text, { value: String(value), unit });
  if (age >= 7) {
    const part = (loinc: string, text: string, value: number) => ({
      code: code(loinc, text),
      value: String(value),
      unit: 'mm[Hg]',
    });
    const components = [
      part('8480-6', 'Pression systolique', vitals.systolic),
      part('8462-4', 'Pression diastolique', vitals.diastolic),
    ];
    add('vital-signs', '85354-9', 'Pression artérielle', { components });
  }
  sign('8867-4', 'Fréquence cardiaque', vitals.pulse, '/min');
  sign('29463-7', 'Poids', vitals.weight, 'kg');
  const height = heightAt(build, age);
  sign('8302-2', 'Taille', height, 'cm');
  sign('39156-5', 'Indice de masse corporelle', (Number(vitals.weight) / (height / 100) ** 2).toFixed(1), 'kg/m2');
  if (vitals.temperature !== undefined) sign('8310-5', 'Température', vitals.temperature, 'Cel');
  if (vitals.saturation !== undefined) sign('59408-5', 'Saturation en oxygène', vitals.saturation, '%');
  for (const { loinc, name, unit, value } of labs) add('laboratory', loinc, name, { value, unit });
  return rows;
}

const code = (loinc: string, text: string): object => ({ text, code: loinc, system: LOINC });
