// Invented records: the same patient for the same number on every machine, in the sealed database and in the bare one.
import { FAMILY_NAMES } from '../demo/names.ts';
import { invent as inventPerson, type Person } from '../demo/people.ts';
import { ANJOU } from '../demo/places.ts';
import { Chance } from '../demo/random.ts';

export const rowTypes = [
  'encounters',
  'conditions',
  'observations',
  'medication_requests',
  'allergy_intolerances',
  'notes',
] as const;
export type RowType = (typeof rowTypes)[number];
export type Invented = { identity: Omit<Person, 'age'> & { source: string; last_activity_at: string } } & Record<
  RowType,
  object[]
>;

const TODAY = Date.UTC(2026, 8, 1);
const DAY = 86_400_000;
const LOINC = 'http://loinc.org';
const coded = (system: string, code: string, text: string) => ({ text, code, system });
const at = (chance: Chance, years: number) => new Date(TODAY - chance.next() * years * 365 * DAY).toISOString();

/** One patient: 3 visits, 3 problems, 10 vital signs, 5 laboratory values, 2 treatments, 1 allergy, and their notes. */
export function invent(number: number, notes: number, author: { account: string; name: string }): Invented {
  const chance = new Chance(`bench/${number}`);
  const sex = chance.pick(['female', 'male'] as const);
  const { age: _, ...person } = inventPerson(chance, chance.pick(FAMILY_NAMES), sex, [18, 90], ANJOU, new Date(TODAY));
  const visits = Array.from({ length: 3 }, () => at(chance, 3)).sort();
  const source = (type: string, i: number) => `${type}/${number}/${i}`;
  return {
    identity: {
      ...person,
      source: `Patient/${number}`,
      last_activity_at: visits[0] as string,
    },
    encounters: visits.map((visit, i) => encounter(source('Encounter', i), visit, author.name)),
    conditions: pickSome(chance, conditions, 3).map((code, i) => condition(chance, source('Condition', i), code)),
    observations: visits.slice(-2).flatMap((visit, i) => measures(chance, source('Observation', i), visit, i === 1)),
    medication_requests: pickSome(chance, treatments, 2).map((t, i) => ({
      source: source('MedicationRequest', i),
      status: 'active',
      intent: 'order',
      authored_at: visits[2],
      medication: t.medication,
      dosage: { text: t.dosage },
    })),
    allergy_intolerances: [allergy(chance, source('AllergyIntolerance', 0))],
    notes: Array.from({ length: notes }, (_, i) => note(chance, source('Composition', i), author.account)),
  };
}

/** The fields of a new note as the form sends them. */
export function inventNote(chance: Chance): Record<string, string> {
  const text = () => Array.from({ length: chance.int(1, 3) }, () => chance.pick(sentences)).join(' ');
  return {
    category: chance.pick(['consultation', 'follow_up', 'teleconsultation']),
    priority: 'routine',
    status: 'final',
    subjective: text(),
    objective: text(),
    assessment: text(),
    plan: text(),
    diagnosis: chance.pick(conditions).text,
    treatment_plan: chance.pick(treatments).dosage,
  };
}

function note(chance: Chance, source: string, account: string): object {
  const written = at(chance, 3);
  return { source, author_id: account, created_at: written, updated_at: written, ...inventNote(chance) };
}

function encounter(source: string, started: string, participant: string): object {
  const ended = new Date(Date.parse(started) + 1_200_000).toISOString();
  const type = { text: 'Consultation de médecine générale', code: null, system: null };
  return {
    source,
    started_at: started,
    ended_at: ended,
    status: 'finished',
    class: 'AMB',
    type,
    reason: 'Suivi',
    participant,
  };
}

function condition(chance: Chance, source: string, code: object): object {
  const onset = at(chance, 15);
  return {
    source,
    clinical_status: 'active',
    verification_status: 'confirmed',
    onset_at: onset,
    recorded_at: onset,
    code,
  };
}

function allergy(chance: Chance, source: string): object {
  const reaction = [
    { manifestation: chance.pick(['Urticaire', 'Œdème de Quincke', 'Éruption cutanée']), severity: 'moderate' },
  ];
  const common = {
    clinical_status: 'active',
    verification_status: 'confirmed',
    criticality: 'high',
    category: 'medication',
  };
  return {
    source,
    recorded_at: at(chance, 10),
    code: coded('http://www.whocc.no/atc', 'J01CA04', 'Amoxicilline'),
    ...common,
    reaction,
  };
}

function measures(chance: Chance, source: string, taken: string, withLaboratory: boolean): object[] {
  const row = (category: string, loinc: string, text: string, value: object) => ({
    source: `${source}/${loinc}`,
    category,
    effective_at: taken,
    status: 'final',
    code: coded(LOINC, loinc, text),
    value,
  });
  const sign = ([loinc, text, unit, middle, spread]: Measure) =>
    row('vital-signs', loinc, text, { value: chance.around(middle, spread, 1), unit });
  const part = (loinc: string, middle: number) => ({
    code: coded(LOINC, loinc, loinc),
    value: chance.around(middle, 12),
    unit: 'mm[Hg]',
  });
  const pressure = row('vital-signs', '85354-9', 'Pression artérielle', {
    components: [part('8480-6', 128), part('8462-4', 76)],
  });
  const values = withLaboratory
    ? laboratory.map(([loinc, text, unit, middle, spread]) =>
        row('laboratory', loinc, text, { value: chance.around(middle, spread, 1), unit }),
      )
    : [];
  return [pressure, ...signs.map(sign), ...values];
}

function pickSome<T>(chance: Chance, of: readonly T[], count: number): T[] {
  const first = chance.int(0, of.length - 1);
  return Array.from({ length: count }, (_, i) => of[(first + i) % of.length] as T);
}

type Measure = readonly [loinc: string, text: string, unit: string, middle: number, spread: number];
const signs: readonly Measure[] = [
  ['8867-4', 'Fréquence cardiaque', '/min', 72, 12],
  ['29463-7', 'Poids', 'kg', 72, 14],
  ['8310-5', 'Température', 'Cel', 36.9, 0.6],
  ['59408-5', 'Saturation en oxygène', '%', 97, 2],
];
const laboratory: readonly Measure[] = [
  ['718-7', 'Hémoglobine', 'g/dL', 13.6, 1.4],
  ['6690-2', 'Leucocytes', '10*3/uL', 6.8, 2],
  ['777-3', 'Plaquettes', '10*3/uL', 240, 60],
  ['2160-0', 'Créatinine', 'mg/dL', 0.9, 0.3],
  ['4548-4', 'HbA1c', '%', 6.1, 0.9],
];
const cim10 = (code: string, text: string) => coded('http://hl7.org/fhir/sid/icd-10', code, text);
const conditions = [
  cim10('I10', 'Hypertension artérielle'),
  cim10('E11.9', 'Diabète de type 2'),
  cim10('E78.0', 'Hypercholestérolémie'),
  cim10('J45.9', 'Asthme'),
  cim10('M17.9', 'Gonarthrose'),
  cim10('F41.1', 'Anxiété généralisée'),
];
const treatments = [
  { medication: coded('http://www.whocc.no/atc', 'C09AA05', 'Ramipril 5 mg'), dosage: '1 comprimé le matin' },
  {
    medication: coded('http://www.whocc.no/atc', 'A10BA02', 'Metformine 1 g'),
    dosage: '1 comprimé matin et soir, au repas',
  },
  { medication: coded('http://www.whocc.no/atc', 'C10AA05', 'Atorvastatine 20 mg'), dosage: '1 comprimé le soir' },
  { medication: coded('http://www.whocc.no/atc', 'R03AC02', 'Salbutamol 100 µg'), dosage: '2 bouffées en cas de gêne' },
];
const sentences = [
  'Se sent mieux depuis la dernière visite, dort bien, appétit conservé.',
  'Se plaint de céphalées en fin de journée, sans nausées ni troubles visuels.',
  'Toux sèche depuis dix jours, sans fièvre, gênante surtout la nuit.',
  'Auscultation claire, bruits du cœur réguliers, pas de souffle, mollets souples.',
  'Tension mesurée au repos, assis, aux deux bras ; automesure demandée sur trois jours.',
  'Bilan biologique stable, clairance conservée, cible atteinte.',
  'Poursuite du traitement, conseils diététiques, activité physique trente minutes par jour.',
  'À revoir dans trois mois avec un bilan, plus tôt en cas de fièvre ou de douleur thoracique.',
  'Vaccination antigrippale proposée et acceptée, rappel à programmer.',
];
