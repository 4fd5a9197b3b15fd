import { bp, creatinine, gfr, kilos, ldl, type Problem, potassium, result } from './problem.ts';

export const hypertension: Problem = {
  label: 'Hypertension artérielle essentielle',
  cim10: 'I10',
  every: 6,
  vitals: { systolic: 138, diastolic: 82, bmi: 27.5 },
  treatments: [
    [{ dci: 'Amlodipine 5 mg, gélule', atc: 'C08CA01', posology: '1 gélule le matin' }],
    [{ dci: 'Ramipril 5 mg, comprimé', atc: 'C09AA05', posology: '1 comprimé le matin' }],
    [{ dci: 'Périndopril 4 mg / indapamide 1,25 mg, comprimé', atc: 'C09BA04', posology: '1 comprimé le matin' }],
    [{ dci: 'Candésartan 8 mg, comprimé', atc: 'C09CA06', posology: '1 comprimé le matin' }],
  ],
  labs: (c) => [creatinine(c), gfr(c), potassium(c)],
  note: ({ vitals: v, labs, chance: c, lasting }) => {
    const high = v.systolic >= 140 || v.diastolic >= 90;
    return {
      category: 'follow_up',
      subjective: c.vary([
        'Renouvellement d’ordonnance. Pas de céphalée, pas d’acouphène, pas de douleur thoracique. Traitement pris tous les jours.',
        `Vient pour le suivi de sa tension. ${high ? 'Automesures plutôt hautes le soir' : 'Automesures correctes à domicile'}, pas de vertige au lever.`,
        'Se sent bien. Quelques oublis du traitement le week-end. Pas de douleur thoracique, pas d’œdème.',
        'Suivi semestriel. Marche 30 minutes presque chaque jour, a réduit le sel. Pas de plainte fonctionnelle.',
      ]),
      objective: `${bp(v)}, ${kilos(v)}. Bruits du cœur ${lasting.includes(atrialFibrillation) ? 'irréguliers' : 'réguliers'} sans souffle, mollets souples, pas d’œdème des membres inférieurs.${labs.length ? ` Créatinine ${result(labs, '14682-9')}, kaliémie ${result(labs, '2823-3')}.` : ''}`,
      assessment: high ? 'HTA insuffisamment contrôlée ce jour.' : 'HTA contrôlée sous traitement, bonne tolérance.',
      plan: high
        ? c.vary([
            'Automesure tensionnelle (règle des 3) pendant 3 jours, revoir dans 4 semaines ; adapter le traitement si la moyenne dépasse 135/85.',
            'Réexpliquer les règles hygiéno-diététiques et l’observance. Contrôle dans 1 mois avec le relevé d’automesure.',
          ])
        : c.vary([
            'Poursuite du traitement. Bilan rénal et ionogramme annuels. Revoir dans 6 mois.',
            'Ordonnance renouvelée 6 mois. ECG de contrôle cette année.',
          ]),
      diagnosis: 'Hypertension artérielle essentielle (I10)',
      treatment_plan: high
        ? 'Traitement inchangé dans l’attente des automesures.'
        : 'Traitement antihypertenseur poursuivi à l’identique.',
    };
  },
};

export const atrialFibrillation: Problem = {
  label: 'Fibrillation auriculaire permanente',
  cim10: 'I48.2',
  every: 4,
  vitals: { pulse: 76, systolic: 132 },
  treatments: [
    [
      { dci: 'Apixaban 5 mg, comprimé', atc: 'B01AF02', posology: '1 comprimé matin et soir' },
      { dci: 'Bisoprolol 2,5 mg, comprimé', atc: 'C07AB07', posology: '1 comprimé le matin' },
    ],
    [
      { dci: 'Rivaroxaban 20 mg, comprimé', atc: 'B01AF01', posology: '1 comprimé le soir au repas' },
      { dci: 'Bisoprolol 5 mg, comprimé', atc: 'C07AB07', posology: '1 comprimé le matin' },
    ],
  ],
  labs: (c) => [creatinine(c, 88), gfr(c, 66), potassium(c)],
  note: ({ vitals: v, labs, chance: c }) => ({
    category: 'follow_up',
    subjective: c.vary([
      'Pas de palpitation, pas de malaise. Aucun saignement signalé sous anticoagulant.',
      'Essoufflement stable à la montée d’un étage. Pas d’épistaxis ni de selles noires.',
      'Suivi de l’arythmie. Dort avec un oreiller, pas d’orthopnée. Prend bien l’anticoagulant.',
    ]),
    objective: `${bp(v)}, rythme irrégulier, ${kilos(v)}. Pas de râle crépitant, pas d’œdème, pas d’hématome.${labs.length ? ` DFG ${result(labs, '62238-1')}.` : ''}`,
    assessment:
      'FA permanente, fréquence contrôlée au repos. Indication d’anticoagulation maintenue (CHA₂DS₂-VASc ≥ 2).',
    plan: c.vary([
      'Fonction rénale et hémogramme tous les 6 mois. Carte d’anticoagulation à jour. Avis cardiologique annuel.',
      'Vérifier la dose de l’anticoagulant selon âge, poids et DFG. Pas d’AINS. Revoir dans 4 mois.',
    ]),
    diagnosis: 'Fibrillation auriculaire permanente (I48.2)',
    treatment_plan: 'Anticoagulant oral direct et bêtabloquant poursuivis.',
  }),
};

export const dyslipidaemia: Problem = {
  label: 'Hypercholestérolémie pure',
  cim10: 'E78.0',
  every: 12,
  treatments: [
    [{ dci: 'Atorvastatine 10 mg, comprimé', atc: 'C10AA05', posology: '1 comprimé le soir' }],
    [{ dci: 'Rosuvastatine 5 mg, comprimé', atc: 'C10AA07', posology: '1 comprimé par jour' }],
  ],
  labs: (c, turn) => [ldl(c, turn === 0 ? 1.85 : 1.05)],
  note: ({ vitals: v, labs, chance: c }) => ({
    category: 'follow_up',
    subjective: c.vary([
      'Résultats du bilan lipidique. Pas de douleur musculaire sous statine.',
      'Contrôle annuel. A repris le vélo. Pas de crampe.',
    ]),
    objective: `${bp(v)}, ${kilos(v)}. LDL ${result(labs, '13457-7')}.`,
    assessment: 'Dyslipidémie, risque cardiovasculaire réévalué (SCORE2).',
    plan: c.vary([
      'Alimentation de type méditerranéen. Contrôle lipidique et transaminases dans 12 mois.',
      'Poursuite ; bilan lipidique dans 1 an, plus tôt si douleur musculaire.',
    ]),
    diagnosis: 'Hypercholestérolémie (E78.0)',
    treatment_plan: 'Statine poursuivie à la même dose.',
  }),
};
