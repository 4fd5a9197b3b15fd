import { ANJOU, TARN, type Town } from './places.ts';

export type Colleague = { email: string; family_name: string; given_name: string; quality?: string; rpps?: string };
export type Practice = {
  name: string;
  domain: string;
  towns: readonly Town[];
  clinicians: readonly [Colleague, Colleague];
  others: readonly (Colleague & { role: 'secretary' | 'org_admin' | 'auditor' | 'dpo' })[];
};

/** Two practices that share an installation and must never see each other. RPPS numbers are of the range for tests. */
export const PRACTICES: readonly Practice[] = [
  {
    name: 'Cabinet médical des Tilleuls',
    domain: 'cabinet-tilleuls.example',
    towns: ANJOU,
    clinicians: [
      { email: 'claire', family_name: 'Morvan', given_name: 'Claire', quality: 'Dr', rpps: '89900000011' },
      { email: 'hugo', family_name: 'Delaunay', given_name: 'Hugo', quality: 'Dr', rpps: '89900000029' },
    ],
    others: [
      { role: 'secretary', email: 'accueil', family_name: 'Roussel', given_name: 'Nadine' },
      { role: 'org_admin', email: 'gestion', family_name: 'Charpentier', given_name: 'Luc' },
      { role: 'auditor', email: 'audit', family_name: 'Lemoine', given_name: 'Sophie' },
      { role: 'dpo', email: 'dpo', family_name: 'Faure', given_name: 'Agnès' },
    ],
  },
  {
    name: 'Maison de santé des Lices',
    domain: 'cabinet-lices.example',
    towns: TARN,
    clinicians: [
      { email: 'ines', family_name: 'Castagné', given_name: 'Inès', quality: 'Dr', rpps: '89900000037' },
      { email: 'paul', family_name: 'Barthès', given_name: 'Paul', quality: 'Dr', rpps: '89900000045' },
    ],
    others: [
      { role: 'secretary', email: 'accueil', family_name: 'Puech', given_name: 'Martine' },
      { role: 'org_admin', email: 'gestion', family_name: 'Azaïs', given_name: 'Olivier' },
      { role: 'auditor', email: 'audit', family_name: 'Cros', given_name: 'Hélène' },
      { role: 'dpo', email: 'dpo', family_name: 'Bonnet', given_name: 'Thomas' },
    ],
  },
];
