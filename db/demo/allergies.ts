import type { Chance } from './random.ts';

type Known = {
  /** A drug that must not be given either. */
  related?: string;
  text: string;
  category: string;
  criticality: 'low' | 'high';
  manifestation: string;
  severity: 'mild' | 'moderate' | 'severe';
};

const KNOWN: readonly Known[] = [
  {
    text: 'Amoxicilline',
    category: 'medication',
    criticality: 'high',
    manifestation: 'Œdème de Quincke',
    severity: 'severe',
  },
  {
    text: 'Amoxicilline',
    category: 'medication',
    criticality: 'low',
    manifestation: 'Éruption maculopapuleuse',
    severity: 'mild',
  },
  {
    text: 'Sulfaméthoxazole',
    category: 'medication',
    criticality: 'low',
    manifestation: 'Urticaire',
    severity: 'moderate',
  },
  {
    text: 'Acide acétylsalicylique',
    related: 'Ibuprofène',
    category: 'medication',
    criticality: 'high',
    manifestation: 'Bronchospasme',
    severity: 'severe',
  },
  { text: 'Codéine', category: 'medication', criticality: 'low', manifestation: 'Vomissements', severity: 'moderate' },
  {
    text: 'Produits de contraste iodés',
    category: 'medication',
    criticality: 'low',
    manifestation: 'Prurit',
    severity: 'mild',
  },
  { text: 'Arachide', category: 'food', criticality: 'high', manifestation: 'Anaphylaxie', severity: 'severe' },
  { text: 'Fruits à coque', category: 'food', criticality: 'low', manifestation: 'Syndrome oral', severity: 'mild' },
  {
    text: 'Venin d’hyménoptères',
    category: 'environment',
    criticality: 'high',
    manifestation: 'Malaise et urticaire généralisée',
    severity: 'severe',
  },
  {
    text: 'Pollens de graminées',
    category: 'environment',
    criticality: 'low',
    manifestation: 'Rhinoconjonctivite',
    severity: 'mild',
  },
  { text: 'Acariens', category: 'environment', criticality: 'low', manifestation: 'Rhinite', severity: 'mild' },
  {
    text: 'Latex',
    category: 'environment',
    criticality: 'low',
    manifestation: 'Eczéma de contact',
    severity: 'moderate',
  },
];

/** The allergies of one invented patient; most people have none, and nobody to what they were given. */
export function allergiesOf(chance: Chance, source: string, recordedAt: Date, prescribed: string): object[] {
  const tolerable = KNOWN.filter(
    ({ text, related = text }) => !prescribed.toLowerCase().includes(related.toLowerCase()),
  );
  const count = chance.pick([0, 0, 0, 1, 1, 2]);
  const chosen = new Map(
    Array.from({ length: count }, () => chance.pick(tolerable)).map((known) => [known.text, known]),
  );
  return [...chosen.values()].map(({ text, category, criticality, manifestation, severity }, i) => ({
    source: `${source}/allergy/${i}`,
    clinical_status: 'active',
    verification_status: 'confirmed',
    recorded_at: recordedAt.toISOString(),
    code: { text, code: null, system: null },
    criticality,
    category,
    reaction: [{ manifestation, severity }],
  }));
}
