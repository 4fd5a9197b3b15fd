import { bp, kilos, type Problem } from './problem.ts';

export const migraine: Problem = {
  label: 'Migraine sans aura',
  cim10: 'G43.0',
  every: 7,
  treatments: [
    [
      {
        dci: 'Ibuprofène 400 mg, comprimé',
        atc: 'M01AE01',
        posology: '1 comprimé dès le début de la crise',
        asNeeded: true,
      },
      {
        dci: 'Sumatriptan 50 mg, comprimé',
        atc: 'N02CC01',
        posology: '1 comprimé si échec à 1 heure, 2 par 24 heures au plus',
        asNeeded: true,
      },
    ],
    [
      { dci: 'Propranolol 40 mg, comprimé', atc: 'C07AA05', posology: '1 comprimé matin et soir' },
      {
        dci: 'Zolmitriptan 2,5 mg, comprimé',
        atc: 'N02CC03',
        posology: '1 comprimé au début de la crise',
        asNeeded: true,
      },
    ],
  ],
  note: ({ vitals: v, chance: c }) => {
    const days = c.int(2, 9);
    return {
      category: 'follow_up',
      subjective: `${days} jours de migraine par mois d’après l’agenda. ${c.vary(['Crises pulsatiles unilatérales avec nausées et photophobie.', 'Facteurs : manque de sommeil, règles, jeûne.', 'Bonne réponse au triptan pris tôt.'])} Pas de céphalée inhabituelle.`,
      objective: `${bp(v)}. Examen neurologique normal, nuque souple, pas de déficit.`,
      assessment:
        days > 6
          ? 'Migraine sans aura fréquente, retentissement professionnel.'
          : 'Migraine sans aura, traitement de crise efficace.',
      plan:
        days > 6
          ? 'Discuter un traitement de fond, agenda des crises 3 mois. Pas plus de 8 prises de triptan par mois.'
          : 'Poursuite du traitement de crise. Rappel du risque de céphalée par abus de médicaments.',
      diagnosis: 'Migraine sans aura (G43.0)',
      treatment_plan:
        days > 6 ? 'Traitement de fond à introduire ; traitement de crise inchangé.' : 'Traitement de crise inchangé.',
    };
  },
};

export const depression: Problem = {
  label: 'Épisode dépressif moyen',
  cim10: 'F32.1',
  every: 2,
  years: [0.4, 0.9],
  treatments: [
    [{ dci: 'Sertraline 50 mg, gélule', atc: 'N06AB06', posology: '1 gélule le matin' }],
    [{ dci: 'Escitalopram 10 mg, comprimé', atc: 'N06AB10', posology: '1 comprimé le matin' }],
  ],
  note: ({ vitals: v, chance: c, turn }) => ({
    category: turn > 0 && c.maybe(0.4) ? 'teleconsultation' : 'consultation',
    subjective:
      turn === 0
        ? c.vary([
            'Tristesse et perte d’élan depuis 2 mois dans un contexte de surcharge au travail. Sommeil fractionné, réveil à 4 h, appétit diminué. Pas d’idée suicidaire.',
            'Fatigue, pleurs faciles, perte d’intérêt depuis une séparation. Ruminations. Nie toute idée suicidaire, entourage présent.',
          ])
        : c.vary([
            'Meilleur sommeil, a repris la lecture et les sorties. Pas d’idée suicidaire. Nausées des premiers jours disparues.',
            'Va mieux, envisage une reprise à temps partiel. Suivi psychologique commencé (Mon soutien psy).',
          ]),
    objective:
      turn === 0
        ? `Contact bon, ralentissement modéré, PHQ-9 à ${c.int(14, 18)}. ${bp(v)}.`
        : `Thymie améliorée, discours fluide, PHQ-9 à ${c.int(5, 10)}.`,
    assessment:
      turn === 0
        ? 'Épisode dépressif caractérisé d’intensité moyenne, sans risque suicidaire immédiat.'
        : 'Épisode dépressif en amélioration sous traitement.',
    plan:
      turn === 0
        ? 'Arrêt de travail 15 jours. Début d’un ISRS, délai d’action et effets indésirables expliqués. Psychothérapie. Revoir dans 2 semaines ; 3114 et entourage en cas d’idées noires.'
        : 'Poursuite au moins 6 mois après rémission, pas d’arrêt brutal. Revoir dans 2 mois.',
    diagnosis: 'Épisode dépressif moyen (F32.1)',
    treatment_plan: turn === 0 ? 'ISRS introduit, psychothérapie.' : 'ISRS et psychothérapie poursuivis.',
  }),
};

export const osteoarthritis: Problem = {
  label: 'Gonarthrose primaire bilatérale',
  cim10: 'M17.0',
  every: 8,
  vitals: { bmi: 28 },
  treatments: [
    [
      {
        dci: 'Paracétamol 1 g, comprimé',
        atc: 'N02BE01',
        posology: '1 comprimé si douleur, 3 par jour au plus',
        asNeeded: true,
      },
    ],
  ],
  note: ({ vitals: v, chance: c }) => ({
    category: 'follow_up',
    subjective: c.vary([
      'Douleurs des genoux à la descente des escaliers, dérouillage de 10 minutes le matin.',
      'Poussée douloureuse du genou droit après le jardinage, calmée par le repos.',
    ]),
    objective: `${kilos(v)}. Genoux secs, flexion 120°, douleur à la palpation de l’interligne interne, pas de laxité.`,
    assessment: 'Gonarthrose symptomatique, pas de poussée inflammatoire.',
    plan: c.vary([
      'Kinésithérapie 12 séances (renforcement du quadriceps), activité physique adaptée, perte de poids.',
      'Semelles amortissantes, canne en poussée. Infiltration à discuter en cas d’échec.',
    ]),
    diagnosis: 'Gonarthrose bilatérale (M17.0)',
    treatment_plan: 'Antalgique de palier 1 à la demande, rééducation.',
  }),
};

export const backPain: Problem = {
  label: 'Lombalgie chronique',
  cim10: 'M54.5',
  every: 5,
  treatments: [
    [
      {
        dci: 'Paracétamol 1 g, comprimé',
        atc: 'N02BE01',
        posology: '1 comprimé si douleur, 3 par jour au plus',
        asNeeded: true,
      },
    ],
  ],
  note: ({ chance: c }) => ({
    category: 'consultation',
    subjective: c.vary([
      'Lombalgie basse mécanique depuis plus de 3 mois, majorée par le port de charges. Pas d’irradiation sous le genou, pas de trouble sphinctérien.',
      'Nouvelle poussée il y a 5 jours en soulevant un carton. EVA 6/10. Pas de fièvre, pas d’amaigrissement.',
    ]),
    objective: `Contracture paravertébrale L4-L5, distance doigts-sol ${c.int(10, 35)} cm, Lasègue négatif, réflexes et force conservés.`,
    assessment: 'Lombalgie commune sans signe d’alerte. Pas d’indication d’imagerie.',
    plan: c.vary([
      'Rester actif, pas de repos au lit. Kinésithérapie active 10 séances. Adaptation du poste avec le médecin du travail.',
      'Arrêt de travail 3 jours, reprise des activités dès que possible, exercices remis. Revoir à 4 semaines.',
    ]),
    diagnosis: 'Lombalgie commune (M54.5)',
    treatment_plan: 'Antalgiques simples, kinésithérapie, reprise d’activité.',
  }),
};

export const reflux: Problem = {
  label: 'Reflux gastro-œsophagien sans œsophagite',
  cim10: 'K21.9',
  every: 10,
  treatments: [
    [
      {
        dci: 'Oméprazole 20 mg, gélule gastrorésistante',
        atc: 'A02BC01',
        posology: '1 gélule le matin avant le petit-déjeuner, par cures de 4 semaines',
        asNeeded: true,
      },
    ],
  ],
  note: ({ vitals: v, chance: c }) => ({
    category: 'consultation',
    subjective: c.vary([
      'Pyrosis 3 fois par semaine, surtout après le dîner. Pas de dysphagie ni d’amaigrissement.',
      'Remontées acides la nuit, soulagées par l’IPP. Café et repas tardifs.',
    ]),
    objective: `Abdomen souple, indolore. ${kilos(v)}.`,
    assessment: 'RGO typique sans signe d’alarme.',
    plan: 'Règles hygiéno-diététiques, tête de lit surélevée. IPP 4 semaines puis à la demande ; fibroscopie si récidive précoce ou signe d’alarme.',
    diagnosis: 'Reflux gastro-œsophagien (K21.9)',
    treatment_plan: 'IPP demi-dose, durée limitée.',
  }),
};
