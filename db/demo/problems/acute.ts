import { crp, degrees, kilos, type Problem } from './problem.ts';

const paracetamol = (posology: string) => ({ dci: 'Paracétamol', atc: 'N02BE01', posology, asNeeded: true });

export const tonsillitis: Problem = {
  label: 'Angine aiguë à streptocoque',
  cim10: 'J02.0',
  acute: { days: 8 },
  every: 0,
  vitals: { temperature: 38.6, pulse: 96 },
  treatments: [
    [
      { dci: 'Amoxicilline', atc: 'J01CA04', posology: 'matin et soir pendant 6 jours, dose selon le poids' },
      paracetamol('toutes les 6 heures si fièvre ou douleur'),
    ],
  ],
  note: ({ vitals: v, chance: c }) => ({
    subjective: c.vary([
      'Mal de gorge depuis 2 jours, fièvre, dysphagie. Pas de toux.',
      'Fièvre et odynophagie depuis hier, maux de tête, contage à l’école.',
    ]),
    objective: `${degrees(v)}, FC ${v.pulse}/min. Amygdales érythémateuses avec enduit blanchâtre, adénopathies sous-angulo-maxillaires sensibles. TROD streptocoque A positif.`,
    assessment: 'Angine à streptocoque A, score de Mac Isaac 4, sans complication locale.',
    plan: 'Amoxicilline 6 jours, antalgiques. Éviction 48 h après le début du traitement. Reconsulter si trismus, dyspnée ou fièvre au-delà de 72 h.',
    diagnosis: 'Angine streptococcique (J02.0)',
    treatment_plan: 'Amoxicilline 6 jours et paracétamol.',
  }),
};

export const cold: Problem = {
  label: 'Rhinopharyngite aiguë',
  cim10: 'J00',
  acute: { days: 7 },
  every: 0,
  vitals: { temperature: 37.8 },
  treatments: [[paracetamol('toutes les 6 heures si fièvre')]],
  note: ({ vitals: v, chance: c }) => ({
    subjective: c.vary([
      'Rhinorrhée claire et toux sèche depuis 3 jours, fébricule le soir. Mange et boit bien.',
      'Nez bouché, éternuements, gorge irritée depuis 48 h. Pas de dyspnée.',
    ]),
    objective: `${degrees(v)}. Pharynx discrètement érythémateux, tympans normaux, auscultation pulmonaire libre.`,
    assessment: 'Rhinopharyngite virale.',
    plan: 'Lavages de nez, hydratation. Pas d’antibiotique. Reconsulter si fièvre au-delà de 3 jours, gêne respiratoire ou otalgie.',
    diagnosis: 'Rhinopharyngite aiguë (J00)',
    treatment_plan: 'Traitement symptomatique.',
  }),
};

export const otitis: Problem = {
  label: 'Otite moyenne aiguë',
  cim10: 'H66.0',
  acute: { days: 10 },
  every: 0,
  vitals: { temperature: 38.8, pulse: 112 },
  treatments: [
    [
      {
        dci: 'Amoxicilline 500 mg/5 ml, suspension buvable',
        atc: 'J01CA04',
        posology: '80 à 90 mg/kg/jour en 2 prises pendant 5 jours',
      },
      paracetamol('15 mg/kg toutes les 6 heures si douleur'),
    ],
  ],
  note: ({ vitals: v, chance: c, person }) => ({
    priority: person.age < 3 ? 'urgent' : 'routine',
    subjective: c.vary([
      'Pleurs nocturnes, se touche l’oreille droite, fièvre depuis hier après un rhume.',
      'Otalgie gauche depuis la nuit, fièvre, appétit diminué.',
    ]),
    objective: `${degrees(v)}, ${kilos(v)}. Tympan bombé, érythémateux, opaque. Nuque souple, pas de mastoïdite.`,
    assessment: 'Otite moyenne aiguë purulente congestive.',
    plan: 'Antibiothérapie, antalgie systématique 48 h. Réévaluer si la fièvre persiste au-delà de 72 h.',
    diagnosis: 'Otite moyenne aiguë (H66.0)',
    treatment_plan: 'Amoxicilline 5 jours et paracétamol.',
  }),
};

export const cystitis: Problem = {
  label: 'Cystite aiguë simple',
  cim10: 'N30.0',
  acute: { days: 4 },
  every: 0,
  treatments: [[{ dci: 'Fosfomycine trométamol 3 g, granulés', atc: 'J01XX01', posology: '1 sachet en prise unique' }]],
  note: ({ vitals: v, chance: c }) => ({
    subjective: c.vary([
      'Brûlures mictionnelles et pollakiurie depuis la veille. Pas de fièvre, pas de douleur lombaire, pas de perte vaginale.',
      'Envies fréquentes d’uriner et brûlures depuis ce matin, deuxième épisode de l’année. Ni fièvre ni frisson.',
    ]),
    objective: `${degrees({ ...v, temperature: '36.9' })}. Fosses lombaires libres. Bandelette urinaire : leucocytes +, nitrites +.`,
    assessment: 'Cystite aiguë simple, sans facteur de risque de complication.',
    plan: 'Fosfomycine dose unique, boissons abondantes. ECBU si persistance à 72 h ou récidive. Consulter si fièvre ou douleur lombaire.',
    diagnosis: 'Cystite aiguë simple (N30.0)',
    treatment_plan: 'Fosfomycine-trométamol 3 g, une prise.',
  }),
};

export const gastroenteritis: Problem = {
  label: 'Gastro-entérite aiguë',
  cim10: 'A09',
  acute: { days: 5 },
  every: 0,
  vitals: { temperature: 37.9, pulse: 92 },
  treatments: [[{ dci: 'Racécadotril', atc: 'A07XA04', posology: '3 fois par jour jusqu’à 2 selles moulées' }]],
  labs: (c) => (c.maybe(0.3) ? [crp(c, 14)] : []),
  note: ({ vitals: v, chance: c }) => ({
    priority: 'urgent',
    subjective: c.vary([
      'Vomissements puis diarrhée liquide depuis 24 h, plusieurs cas dans l’entourage. Pas de sang dans les selles.',
      'Diarrhée aqueuse 6 fois par jour, crampes, nausées. Boit par petites quantités.',
    ]),
    objective: `${degrees(v)}, ${kilos(v)}. Abdomen sensible sans défense, bruits hydro-aériques présents. Pas de pli cutané, muqueuses humides.`,
    assessment: 'Gastro-entérite virale probable, sans déshydratation.',
    plan: 'Réhydratation orale fractionnée, reprise alimentaire précoce. Reconsulter si sang, fièvre élevée ou incapacité à boire.',
    diagnosis: 'Gastro-entérite aiguë (A09)',
    treatment_plan: 'Traitement symptomatique, hydratation.',
  }),
};

export const sprain: Problem = {
  label: 'Entorse de la cheville',
  cim10: 'S93.4',
  acute: { days: 21 },
  every: 0,
  treatments: [[paracetamol('1 g jusqu’à 3 fois par jour si douleur')]],
  note: ({ chance: c }) => ({
    category: 'consultation',
    subjective: c.vary([
      'Torsion de la cheville droite en inversion au football hier. Appui possible avec douleur.',
      'Chute dans les escaliers ce matin, cheville gauche gonflée. Marche en boitant.',
    ]),
    objective:
      'Œdème sous-malléolaire externe, douleur du faisceau antérieur du ligament collatéral latéral. Critères d’Ottawa négatifs.',
    assessment: 'Entorse latérale bénigne de la cheville.',
    plan: 'Protocole RICE 48 h, attelle 2 à 3 semaines, kinésithérapie proprioceptive. Pas de radiographie. Contrôle à J5 si l’appui reste impossible.',
    diagnosis: 'Entorse de cheville (S93.4)',
    treatment_plan: 'Attelle, antalgiques, rééducation.',
  }),
};

export const checkup: Problem = {
  label: 'Examen médical général',
  cim10: 'Z00.0',
  acute: { days: 0 },
  every: 0,
  treatments: [],
  note: ({ vitals: v, chance: c, person }) => ({
    category: person.age < 18 ? 'consultation' : c.pick(['consultation', 'administrative']),
    subjective:
      person.age < 7
        ? 'Examen systématique de l’enfant. Développement harmonieux, sommeil et alimentation sans difficulté selon les parents.'
        : c.vary([
            'Demande un certificat pour le sport. Aucun antécédent cardiaque personnel ou familial.',
            'Mise à jour du dossier et des vaccins. Pas de plainte.',
          ]),
    objective: `${kilos(v)}${person.age < 7 ? '' : `, TA ${v.systolic}/${v.diastolic} mmHg`}. Auscultation cardio-pulmonaire normale, abdomen souple, examen ostéo-articulaire sans particularité.`,
    assessment:
      person.age < 7 ? 'Croissance et développement normaux pour l’âge.' : 'Examen normal, pas de contre-indication.',
    plan:
      person.age < 7
        ? 'Vaccins du calendrier à jour ou faits ce jour. Prochain examen systématique noté dans le carnet de santé.'
        : 'Certificat remis. Rappel dTP à l’âge prévu, dépistages selon l’âge.',
    diagnosis: 'Examen médical général (Z00.0)',
    treatment_plan: 'Pas de traitement.',
  }),
};
