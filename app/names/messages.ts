import { messages } from '../i18n.ts';

/** The name of somebody with an account: one's own, and a colleague's that an administrator puts right. */
export const names = messages(
  {
    own: 'Votre nom',
    ownWhat: 'Le nom que l’on voit à côté de ce que vous faites.',
    ownIntro: 'Vos collègues et les patients voient ce nom, aussi sur ce que vous avez déjà écrit.',
    ownIntroPatient:
      'C’est ainsi que Vital Sync vous appelle. L’identité de votre dossier ne change pas ici : votre cabinet la corrige avec une pièce d’identité.',
    titleIs: (quality: string) =>
      `Le titre « ${quality} » reste devant votre nom : l’administrateur du cabinet le change.`,
    member: 'Corriger le nom',
    memberIntro: 'La personne en est prévenue par e-mail. Ce qu’elle a déjà signé s’affiche aussi sous le nouveau nom.',
    familyName: 'Nom',
    givenName: 'Prénom',
    quality: 'Titre',
    qualityHint: 'Ce qui s’écrit devant le nom, comme Dr.',
    save: 'Enregistrer le nom',
    back: 'Retour à votre compte',
    backToMember: 'Retour au compte',
    saved: 'Nom enregistré.',
    missing: 'Ce champ est nécessaire.',
    letters: 'Saisissez des lettres, sans signe invisible ni chevron.',
    limited: 'Trop de changements de nom. Rien n’a changé : réessayez demain.',
    former: 'Noms précédents',
    until: 'jusqu’au',
    byYou: 'changé par vous',
    byOwn: 'changé par la personne elle-même',
    byAdministrator: 'corrigé par un administrateur',
  },
  {
    own: 'Your name',
    ownWhat: 'The name that stands beside what you do.',
    ownIntro: 'Colleagues and patients see this name, also on what you have written before.',
    ownIntroPatient:
      'This is what Vital Sync calls you. The identity in your record does not change here: your practice corrects it with an identity document.',
    titleIs: (quality: string) =>
      `The title “${quality}” stays before your name: the practice’s administrator changes it.`,
    member: 'Correct the name',
    memberIntro: 'They are told by e-mail. What they have signed before is shown under the new name as well.',
    familyName: 'Family name',
    givenName: 'Given name',
    quality: 'Title',
    qualityHint: 'What stands before the name, such as Dr.',
    save: 'Save the name',
    back: 'Back to your account',
    backToMember: 'Back to the account',
    saved: 'Name saved.',
    missing: 'This field is needed.',
    letters: 'Type letters, without invisible signs or angle brackets.',
    limited: 'Too many changes of name. Nothing has changed: try again tomorrow.',
    former: 'Names before',
    until: 'until',
    byYou: 'changed by you',
    byOwn: 'changed by themselves',
    byAdministrator: 'corrected by an administrator',
  },
);
