import type { Person } from '../people.ts';
import type { Chance } from '../random.ts';

export type NoteText = {
  category?: 'consultation' | 'teleconsultation' | 'follow_up' | 'emergency' | 'procedure' | 'administrative';
  priority?: 'routine' | 'urgent' | 'emergency';
  subjective: string;
  objective: string;
  assessment: string;
  plan: string;
  diagnosis: string;
  treatment_plan: string;
};
/** DCI with strength and form, ATC code, posology. */
export type Treatment = { dci: string; atc: string; posology: string; asNeeded?: boolean };
/** LOINC code, words, UCUM unit, and the value as text. */
export type Lab = { loinc: string; name: string; unit: string; value: string };
export type Vitals = {
  systolic: number;
  diastolic: number;
  pulse: number;
  weight: string;
  temperature?: string;
  saturation?: number;
};

/** What a note can speak of: the person, what was measured on that day, and how many visits for this came before. */
export type Visit = {
  person: Person;
  vitals: Vitals;
  labs: readonly Lab[];
  chance: Chance;
  turn: number;
  lasting: readonly Problem[];
};

export type Problem = {
  label: string;
  cim10: string;
  /** Acute problems are over after some days. */
  acute?: { days: number };
  /** Months between two visits. */
  every: number;
  /** How long ago it began, in years: from 3 to 12 unless told. */
  years?: readonly [number, number];
  treatments: readonly (readonly Treatment[])[];
  /** Shifts what the measures of this person are around. */
  vitals?: Partial<{
    systolic: number;
    diastolic: number;
    pulse: number;
    bmi: number;
    temperature: number;
    saturation: number;
  }>;
  /** Kilos gained from one visit to the next. */
  gain?: number;
  labs?: (chance: Chance, turn: number) => Lab[];
  note: (visit: Visit) => NoteText;
};

export const bp = (v: Vitals): string => `TA ${v.systolic}/${v.diastolic} mmHg, FC ${v.pulse}/min`;
export const kilos = (v: Vitals): string => `poids ${v.weight.replace('.', ',')} kg`;
export const degrees = (v: Vitals): string => `T ${(v.temperature ?? '37.0').replace('.', ',')} °C`;
/** A result as a sentence says it; "non disponible" when it wasn't measured that day. */
export function result(labs: readonly Lab[], loinc: string): string {
  const lab = labs.find((l) => l.loinc === loinc);
  return lab ? `${lab.value.replace('.', ',')} ${UNITS[lab.unit] ?? lab.unit}` : 'non disponible';
}
const UNITS: Readonly<Record<string, string>> = {
  'umol/L': 'µmol/L',
  'm[IU]/L': 'mUI/L',
  'mL/min/{1.73_m2}': 'mL/min',
  'ug/L': 'µg/L',
};

export const creatinine = (c: Chance, around = 78): Lab => ({
  loinc: '14682-9',
  name: 'Créatinine',
  unit: 'umol/L',
  value: c.around(around, 12),
});
export const gfr = (c: Chance, around = 82): Lab => ({
  loinc: '62238-1',
  name: 'DFG estimé (CKD-EPI)',
  unit: 'mL/min/{1.73_m2}',
  value: c.around(around, 10),
});
export const potassium = (c: Chance): Lab => ({
  loinc: '2823-3',
  name: 'Potassium',
  unit: 'mmol/L',
  value: c.around(4.2, 0.4, 1),
});
export const ldl = (c: Chance, around = 1.1): Lab => ({
  loinc: '13457-7',
  name: 'LDL-cholestérol (calculé)',
  unit: 'g/L',
  value: c.around(around, 0.25, 2),
});
export const hba1c = (c: Chance, around: number): Lab => ({
  loinc: '4548-4',
  name: 'HbA1c',
  unit: '%',
  value: c.around(around, 0.5, 1),
});
export const glucose = (c: Chance, around: number): Lab => ({
  loinc: '1558-6',
  name: 'Glycémie à jeun',
  unit: 'g/L',
  value: c.around(around, 0.15, 2),
});
export const tsh = (c: Chance, around: number): Lab => ({
  loinc: '3016-3',
  name: 'TSH',
  unit: 'm[IU]/L',
  value: c.around(around, around / 3, 2),
});
export const haemoglobin = (c: Chance, around: number): Lab => ({
  loinc: '718-7',
  name: 'Hémoglobine',
  unit: 'g/dL',
  value: c.around(around, 0.8, 1),
});
export const crp = (c: Chance, around: number): Lab => ({
  loinc: '1988-5',
  name: 'CRP',
  unit: 'mg/L',
  value: c.around(around, around / 2, 0),
});
export const ferritin = (c: Chance, around: number): Lab => ({
  loinc: '2276-4',
  name: 'Ferritine',
  unit: 'ug/L',
  value: c.around(around, around / 2),
});
