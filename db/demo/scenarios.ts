import type { Sex } from './people.ts';
import { checkup, cold, cystitis, gastroenteritis, otitis, sprain, tonsillitis } from './problems/acute.ts';
import { atrialFibrillation, dyslipidaemia, hypertension } from './problems/cardiovascular.ts';
import { backPain, depression, migraine, osteoarthritis, reflux } from './problems/chronic.ts';
import { diabetes, hypothyroidism } from './problems/metabolic.ts';
import { pregnancy } from './problems/pregnancy.ts';
import type { Problem } from './problems/problem.ts';
import { asthma, childAsthma, copd } from './problems/respiratory.ts';

/** Who comes to a French general practice, and what for. */
export type Scenario = {
  sex: Sex;
  age: readonly [number, number];
  lasting: readonly Problem[];
  passing: readonly Problem[];
};

export const SCENARIOS: readonly Scenario[] = [
  { sex: 'male', age: [61, 74], lasting: [hypertension, diabetes, dyslipidaemia], passing: [cold] },
  { sex: 'female', age: [48, 63], lasting: [hypertension], passing: [cystitis, cold] },
  { sex: 'female', age: [25, 36], lasting: [pregnancy], passing: [cold] },
  { sex: 'female', age: [22, 39], lasting: [asthma], passing: [tonsillitis, checkup] },
  { sex: 'male', age: [58, 76], lasting: [copd, hypertension], passing: [gastroenteritis] },
  { sex: 'female', age: [74, 89], lasting: [atrialFibrillation, hypertension, osteoarthritis], passing: [cystitis] },
  { sex: 'female', age: [36, 58], lasting: [hypothyroidism], passing: [cold, checkup] },
  { sex: 'male', age: [33, 54], lasting: [backPain], passing: [gastroenteritis] },
  { sex: 'female', age: [24, 45], lasting: [migraine], passing: [cystitis] },
  { sex: 'male', age: [35, 57], lasting: [depression], passing: [sprain] },
  { sex: 'female', age: [2, 5], lasting: [], passing: [otitis, cold, checkup, gastroenteritis] },
  { sex: 'male', age: [7, 13], lasting: [childAsthma], passing: [tonsillitis, checkup] },
  { sex: 'male', age: [17, 29], lasting: [], passing: [sprain, checkup, tonsillitis] },
  { sex: 'female', age: [55, 71], lasting: [diabetes, hypertension, osteoarthritis], passing: [cold] },
  { sex: 'male', age: [44, 62], lasting: [dyslipidaemia, reflux], passing: [checkup] },
  { sex: 'male', age: [72, 86], lasting: [atrialFibrillation, copd], passing: [cold] },
];
