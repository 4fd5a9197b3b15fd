import { bp, creatinine, gfr, glucose, hba1c, kilos, ldl, type Problem, result, tsh } from './problem.ts';

export const diabetes: Problem = {
  label: 'Diabète de type 2',
  cim10: 'E11.9',
  every: 3,
  vitals: { systolic: 134, bmi: 31 },
  treatments: [
    [{ dci: 'Metformine 1 000 mg, comprimé', atc: 'A10BA02', posology: '1 comprimé matin et soir, au repas' }],
    [
      { dci: 'Metformine 850 mg, comprimé', atc: 'A10BA02', posology: '1 comprimé matin, midi et soir, au repas' },
      { dci: 'Dapagliflozine 10 mg, comprimé', atc: 'A10BK01', posology: '1 comprimé le matin' },
    ],
    [
      { dci: 'Metformine 1 000 mg, comprimé', atc: 'A10BA02', posology: '1 comprimé matin et soir, au repas' },
      { dci: 'Dulaglutide 1,5 mg, stylo', atc: 'A10BJ05', posology: '1 injection sous-cutanée par semaine' },
    ],
  ],
  labs: (c, turn) => [
    hba1c(c, Math.max(6.9, 8.1 - turn * 0.25)),
    glucose(c, 1.32),
    creatinine(c),
    gfr(c, 79),
    ldl(c, 0.85),
  ],
  note: ({ vitals: v, labs, chance: c }) => {
    const value = Number(labs.find((l) => l.loinc === '4548-4')?.value ?? '7');
    const high = value > 7.3;
    return {
      category: 'follow_up',
      subjective: c.vary([
        'Suivi trimestriel du diabète. Pas de polyurie ni de soif. Quelques écarts alimentaires en soirée.',
        'Se sent bien, pas de malaise évoquant une hypoglycémie. Marche deux fois par semaine.',
        'Fatigue en fin de journée. Surveille ses glycémies de façon irrégulière. Pas de plaie aux pieds.',
        'Bonne observance. A perdu un peu de poids depuis la diététicienne. Transit accéléré par moments avec la metformine.',
      ]),
      objective: `${bp(v)}, ${kilos(v)}. HbA1c ${result(labs, '4548-4')}, DFG ${result(labs, '62238-1')}. Pieds : pouls perçus, test au monofilament normal, pas de lésion.`,
      assessment: high ? 'Diabète de type 2 au-dessus de l’objectif (HbA1c < 7 %).' : 'Diabète de type 2 à l’objectif.',
      plan: high
        ? c.vary([
            'Renforcer activité physique et suivi diététique, contrôle HbA1c dans 3 mois ; intensifier si l’objectif n’est pas atteint.',
            'Revoir les horaires de prise, carnet glycémique 2 semaines. Discuter une bithérapie au prochain contrôle.',
          ])
        : c.vary([
            'Poursuite. HbA1c dans 3 mois, fond d’œil et microalbuminurie annuels, podologue.',
            'Ordonnance renouvelée 3 mois. Rappel vaccins grippe et pneumocoque. Dentiste une fois par an.',
          ]),
      diagnosis: 'Diabète de type 2 sans complication (E11.9)',
      treatment_plan: high ? 'Même traitement, réévaluation à 3 mois.' : 'Antidiabétiques poursuivis.',
    };
  },
};

export const hypothyroidism: Problem = {
  label: 'Hypothyroïdie',
  cim10: 'E03.9',
  every: 9,
  vitals: { pulse: 68, bmi: 26 },
  treatments: [
    [
      {
        dci: 'Lévothyroxine sodique 75 microgrammes, comprimé',
        atc: 'H03AA01',
        posology: '1 comprimé le matin à jeun, 30 minutes avant le repas',
      },
    ],
    [
      {
        dci: 'Lévothyroxine sodique 100 microgrammes, comprimé',
        atc: 'H03AA01',
        posology: '1 comprimé le matin à jeun',
      },
    ],
  ],
  labs: (c, turn) => [tsh(c, turn === 0 ? 7.8 : 2.3)],
  note: ({ vitals: v, labs, chance: c }) => {
    const high = Number(labs.find((l) => l.loinc === '3016-3')?.value ?? '2') > 4;
    return {
      category: 'follow_up',
      subjective: c.vary([
        'Contrôle thyroïdien. Moins de fatigue, pas de frilosité, transit normal.',
        high
          ? 'Fatigue, frilosité et prise de poids depuis quelques mois.'
          : 'Se sent bien. Pas de palpitation ni de sueur.',
      ]),
      objective: `${bp(v)}, ${kilos(v)}. Thyroïde non palpable, peau normale. TSH ${result(labs, '3016-3')}.`,
      assessment: high
        ? 'Hypothyroïdie insuffisamment substituée.'
        : 'Hypothyroïdie substituée, euthyroïdie clinique et biologique.',
      plan: high
        ? 'Augmentation de 12,5 microgrammes, TSH de contrôle dans 6 à 8 semaines.'
        : 'TSH annuelle. Rappeler la prise à jeun, à distance du fer et du calcium.',
      diagnosis: 'Hypothyroïdie (E03.9)',
      treatment_plan: high ? 'Lévothyroxine : augmentation progressive.' : 'Lévothyroxine à la même dose.',
    };
  },
};
