import { messages } from '../i18n.ts';

export const agreementWords = messages(
  {
    title: 'Accords du patient',
    data_processing: 'Partage avec un autre confrère',
    medical_record_storage: 'Documents venus d’ailleurs',
    telemedicine_usage: 'Consultation à distance',
    mes_sharing: 'Envoi à Mon espace santé',
    yes: 'oui',
    no: 'non',
    withdrawn: 'retiré le',
    never: 'pas encore demandé',
    keep: 'Vous continuez de voir et de compléter ce dossier.',
    noReferral: 'Ce patient a retiré l’accord qui permet de partager son dossier.',
    noReferralHelp:
      'Les orientations en cours continuent. Pour en faire une nouvelle, demandez-lui de redonner son accord sur la page « Mes accords » de son compte. En urgence, votre confrère a l’accès d’urgence.',
  },
  {
    title: 'The patient’s agreements',
    data_processing: 'Sharing with another colleague',
    medical_record_storage: 'Documents from elsewhere',
    telemedicine_usage: 'Remote consultation',
    mes_sharing: 'Sending to Mon espace santé',
    yes: 'yes',
    no: 'no',
    withdrawn: 'withdrawn on',
    never: 'not asked yet',
    keep: 'You go on seeing this record and adding to it.',
    noReferral: 'This patient has withdrawn the agreement that sharing their record needs.',
    noReferralHelp:
      'Referrals in progress go on. For a new one, ask them to agree again on the page “My agreements” of their account. In an emergency your colleague has the emergency access.',
  },
);
