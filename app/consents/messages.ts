import { messages } from '../i18n.ts';

export const consents = messages(
  {
    title: 'Mes accords',
    intro:
      'Ce que vous avez accepté, mot pour mot. Vous pouvez changer d’avis à tout moment : cela prend effet aussitôt.',
    given: 'donné',
    notGiven: 'non donné',
    withdrawn: 'retiré',
    since: 'depuis le',
    needed: 'Demandé à chaque personne qui utilise Vital Sync.',
    withdraw_data_processing:
      'Si vous le retirez, vos soins continuent et votre dossier reste conservé le temps que la loi demande. Ceux qui vous soignent le voient toujours ; il n’est plus partagé avec d’autres. Votre cabinet est prévenu et vous répond.',
    withdraw_medical_record_storage:
      'Si vous le retirez, vos soins continuent et votre dossier reste conservé le temps que la loi demande. Il ne reçoit plus rien d’ailleurs. Votre cabinet est prévenu et vous répond.',
    told: 'Votre cabinet est prévenu et vous répond dans le mois.',
    withdraw_telemedicine_usage: 'Si vous le retirez, vos soins continuent au cabinet. Il est prévenu et vous répond.',
    newText: 'Le texte a changé depuis votre accord. Voici le texte actuel.',
    version: (version: string) => `Version ${version}`,
    give: 'Donner mon accord',
    giveNew: 'Accepter le nouveau texte',
    recordNumber:
      'Pour toute question sur vos données, écrivez au délégué à la protection des données de votre cabinet. Donnez-lui ce numéro de dossier, qui lui suffit :',
    withdraw: 'Retirer mon consentement',
    changed: 'Ce texte vient de changer. Lisez-le à nouveau, puis décidez.',
    history: 'Historique',
    historyEmpty: 'Vous n’avez encore rien accepté.',
    when: 'Date',
    what: 'Accord',
    decision: 'Votre décision',
    proof: 'Empreinte du texte',
    proofHint:
      'Cette empreinte identifie les mots exacts que vous avez lus. Elle ne peut plus être modifiée ; elle mène à la preuve complète.',
    type_data_processing: 'Utilisation de mes données de santé',
    type_medical_record_storage: 'Conservation de mon dossier médical',
    type_telemedicine_usage: 'Consultations à distance',
    type_mes_sharing: 'Partage avec Mon espace santé',
    type_research_anonymized: 'Recherche, sans mon identité',
    type_marketing: 'Informations de mon cabinet',

    legend: 'Vos accords',
    legendNeeded: 'Pour ouvrir votre dossier, trois accords sont nécessaires. Les trois autres sont libres.',
    free: 'Facultatif',
    problem: (title: string) => `Cochez « ${title} » : sans cet accord, votre dossier ne peut pas être ouvert`,
  },
  {
    title: 'My agreements',
    intro: 'What you have agreed to, word for word. You can change your mind at any time, with immediate effect.',
    given: 'given',
    notGiven: 'not given',
    withdrawn: 'withdrawn',
    since: 'since',
    needed: 'Asked of everybody who uses Vital Sync.',
    withdraw_data_processing:
      'If you withdraw it, your care goes on and your record is kept for the time that the law asks for. Those who treat you still see it; it is no longer shared with others. Your practice is told, and answers you.',
    withdraw_medical_record_storage:
      'If you withdraw it, your care goes on and your record is kept for the time that the law asks for. Nothing from elsewhere is added to it any more. Your practice is told, and answers you.',
    told: 'Your practice is told, and answers you within a month.',
    withdraw_telemedicine_usage:
      'If you withdraw it, your care goes on at the practice, which is told and answers you.',
    newText: 'The text has changed since you agreed. This is the present one.',
    version: (version: string) => `Version ${version}`,
    give: 'Agree',
    giveNew: 'Agree to the new text',
    recordNumber:
      'For any question on your data, write to the data protection officer of your practice. This record number is all they need:',
    withdraw: 'Withdraw my consent',
    changed: 'This text has just changed. Read it again, then decide.',
    history: 'History',
    historyEmpty: 'You have not agreed to anything yet.',
    when: 'Date',
    what: 'Agreement',
    decision: 'Your decision',
    proof: 'Fingerprint of the text',
    proofHint:
      'This fingerprint stands for the exact words that you read. It can no longer be changed, and it leads to the full proof.',
    type_data_processing: 'Use of my health data',
    type_medical_record_storage: 'Storage of my medical record',
    type_telemedicine_usage: 'Remote consultations',
    type_mes_sharing: 'Sharing with Mon espace santé',
    type_research_anonymized: 'Research, without my identity',
    type_marketing: 'News from my practice',

    legend: 'Your agreements',
    legendNeeded: 'Three agreements are needed to open your record. The other three are up to you.',
    free: 'Optional',
    problem: (title: string) => `Tick “${title}”: without this agreement your record cannot be opened`,
  },
);
