import { bp, haemoglobin, kilos, type Problem, result } from './problem.ts';

/** The visits of a normal pregnancy, one a month; the first is early. */
export const pregnancy: Problem = {
  label: 'Surveillance d’une grossesse normale',
  cim10: 'Z34.9',
  every: 1,
  gain: 1.5,
  years: [0.15, 0.55],
  vitals: { systolic: 112, diastolic: 68, pulse: 82, bmi: 23.5 },
  treatments: [
    [
      {
        dci: 'Acide folique 0,4 mg, comprimé',
        atc: 'B03BB01',
        posology: '1 comprimé par jour jusqu’à 12 semaines d’aménorrhée',
      },
    ],
    [{ dci: 'Fer (fumarate ferreux) 66 mg, gélule', atc: 'B03AA02', posology: '1 gélule par jour' }],
  ],
  labs: (c) => [
    haemoglobin(c, 11.7),
    { loinc: '1558-6', name: 'Glycémie à jeun', unit: 'g/L', value: c.around(0.82, 0.06, 2) },
  ],
  note: ({ vitals: v, labs, chance: c, turn }) => {
    const weeks = 9 + turn * 4;
    return {
      category: 'follow_up',
      subjective:
        turn === 0
          ? 'Première consultation de grossesse, désirée. Nausées matinales modérées, pas de métrorragie. Test positif à domicile.'
          : c.vary([
              'Mouvements actifs perçus, pas de contraction, pas de métrorragie. Sommeil moyen.',
              'Se sent bien. Quelques reflux et lombalgies en fin de journée. Pas de signe fonctionnel urinaire.',
            ]),
      objective: `${weeks} SA. ${bp(v)}, ${kilos(v)}. ${weeks >= 16 ? `Hauteur utérine ${Math.min(34, weeks - 2)} cm, bruits du cœur fœtal ${c.int(132, 152)}/min. ` : ''}Bandelette urinaire négative. Hémoglobine ${result(labs, '718-7')}.`,
      assessment: `Grossesse d’évolution normale à ${weeks} SA.`,
      plan:
        turn === 0
          ? 'Déclaration de grossesse, échographie du premier trimestre entre 11 et 13 SA + 6 j, bilan obligatoire, toxoplasmose et rubéole. Arrêt du tabac et de l’alcool, conseils alimentaires.'
          : c.vary([
              'Sérologie toxoplasmose mensuelle si non immunisée. Prochaine visite dans 4 semaines. Entretien prénatal précoce proposé.',
              'Dépistage du diabète gestationnel selon facteurs de risque. Vaccin coqueluche et grippe. Consulter en cas de saignement, fièvre ou contractions.',
            ]),
      diagnosis: `Grossesse normale, ${weeks} SA (Z34.9)`,
      treatment_plan:
        turn === 0 ? 'Acide folique jusqu’à 12 SA.' : 'Surveillance mensuelle, supplémentation en fer si besoin.',
    };
  },
};
