import { bp, kilos, type Problem } from './problem.ts';

export const asthma: Problem = {
  label: 'Asthme persistant',
  cim10: 'J45.9',
  every: 6,
  vitals: { saturation: 98 },
  treatments: [
    [
      {
        dci: 'Budésonide 200 microgrammes / formotérol 6 microgrammes, poudre pour inhalation',
        atc: 'R03AK07',
        posology: '1 inhalation matin et soir',
      },
      {
        dci: 'Salbutamol 100 microgrammes, suspension pour inhalation',
        atc: 'R03AC02',
        posology: '1 à 2 bouffées en cas de gêne',
        asNeeded: true,
      },
    ],
    [
      {
        dci: 'Fluticasone 125 microgrammes, suspension pour inhalation',
        atc: 'R03BA05',
        posology: '1 bouffée matin et soir',
      },
      {
        dci: 'Salbutamol 100 microgrammes, suspension pour inhalation',
        atc: 'R03AC02',
        posology: '1 à 2 bouffées en cas de gêne, avec chambre d’inhalation',
        asNeeded: true,
      },
    ],
  ],
  labs: (c) => [{ loinc: '19935-6', name: 'Débit expiratoire de pointe', unit: 'L/min', value: c.around(410, 60) }],
  note: ({ vitals: v, chance: c }) => {
    const worse = c.maybe(0.3);
    return {
      category: worse ? 'consultation' : 'follow_up',
      subjective: worse
        ? c.vary([
            'Toux nocturne depuis une semaine, salbutamol presque chaque jour. Rhume familial.',
            'Gêne à l’effort et sifflements le matin depuis 10 jours, au décours d’une rhinite.',
          ])
        : c.vary([
            'Pas de réveil nocturne, salbutamol moins d’une fois par semaine. Sport sans gêne.',
            'Asthme calme. Prend le traitement de fond « quand il y pense ». Pas de tabac à la maison.',
          ]),
      objective: `SpO₂ ${v.saturation ?? 98} %, FC ${v.pulse}/min, ${kilos(v)}. ${worse ? 'Sibilants expiratoires diffus, pas de tirage, parle normalement.' : 'Auscultation libre, pas de tirage.'}`,
      assessment: worse
        ? 'Asthme partiellement contrôlé, exacerbation légère.'
        : 'Asthme contrôlé (test de contrôle de l’asthme ≥ 20).',
      plan: worse
        ? 'Majorer le traitement de fond 4 semaines, revoir la technique d’inhalation, plan d’action écrit remis. Reconsulter si gêne au repos.'
        : 'Poursuite du traitement de fond, technique d’inhalation revue. EFR annuelle, vaccination antigrippale conseillée.',
      diagnosis: 'Asthme (J45.9)',
      treatment_plan: worse
        ? 'Traitement de fond doublé 4 semaines, salbutamol à la demande.'
        : 'Traitement de fond inchangé.',
    };
  },
};

export const copd: Problem = {
  label: 'Bronchopneumopathie chronique obstructive',
  cim10: 'J44.9',
  every: 4,
  vitals: { saturation: 94, pulse: 82, bmi: 23.5 },
  treatments: [
    [
      { dci: 'Tiotropium 18 microgrammes, gélule pour inhalation', atc: 'R03BB04', posology: '1 inhalation le matin' },
      {
        dci: 'Salbutamol 100 microgrammes, suspension pour inhalation',
        atc: 'R03AC02',
        posology: '2 bouffées en cas de dyspnée',
        asNeeded: true,
      },
    ],
    [
      {
        dci: 'Indacatérol 85 microgrammes / glycopyrronium 43 microgrammes, poudre pour inhalation',
        atc: 'R03AL04',
        posology: '1 inhalation par jour',
      },
    ],
  ],
  labs: (c) => [{ loinc: '20150-9', name: 'VEMS', unit: 'L', value: c.around(1.6, 0.3, 2) }],
  note: ({ vitals: v, chance: c }) => {
    const flare = c.maybe(0.3);
    return {
      category: flare ? 'consultation' : 'follow_up',
      priority: flare ? 'urgent' : 'routine',
      subjective: flare
        ? 'Depuis 4 jours toux majorée, expectoration purulente et essoufflement à l’habillage. Pas de douleur thoracique.'
        : c.vary([
            'Dyspnée stade 2 mMRC, stable. Tabac arrêté, parfois tenté.',
            'Sevrage tabagique maintenu. Marche 20 minutes par jour, crachats clairs le matin.',
          ]),
      objective: `SpO₂ ${v.saturation ?? 94} % en air ambiant, ${bp(v)}, ${kilos(v)}. ${flare ? 'Ronchi diffus, expiration prolongée, pas de signe de lutte.' : 'Murmure vésiculaire diminué, pas de râle.'}`,
      assessment: flare
        ? 'Exacerbation de BPCO sans signe de gravité, prise en charge à domicile.'
        : 'BPCO stable, groupe B.',
      plan: flare
        ? 'Amoxicilline-acide clavulanique 7 jours, salbutamol 4 fois par jour, kinésithérapie respiratoire. Réévaluation à 48–72 h ; appel du 15 si gêne au repos.'
        : 'Réhabilitation respiratoire proposée. Vaccins grippe, pneumocoque et Covid-19 à jour. Spirométrie annuelle.',
      diagnosis: flare ? 'Exacerbation de BPCO (J44.1)' : 'BPCO (J44.9)',
      treatment_plan: flare
        ? 'Antibiothérapie courte et bronchodilatateurs ; traitement de fond poursuivi.'
        : 'Bronchodilatateur de longue durée poursuivi, aide au sevrage.',
    };
  },
};

/** The same illness in a child: lower doses, a spacer, no peak flow. */
export const childAsthma: Problem = {
  ...asthma,
  label: 'Asthme de l’enfant',
  treatments: [
    [
      {
        dci: 'Fluticasone 50 microgrammes, suspension pour inhalation',
        atc: 'R03BA05',
        posology: '1 bouffée matin et soir, avec chambre d’inhalation',
      },
      {
        dci: 'Salbutamol 100 microgrammes, suspension pour inhalation',
        atc: 'R03AC02',
        posology: '2 bouffées en cas de gêne, avec chambre d’inhalation',
        asNeeded: true,
      },
    ],
  ],
  labs: () => [],
};
