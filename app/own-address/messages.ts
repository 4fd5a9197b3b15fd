import { messages } from '../i18n.ts';
import { waiting } from '../waiting.ts';

/** The address that somebody signs in with, and how it becomes another one. */
export const ownAddress = messages(
  {
    title: 'Votre adresse électronique',
    what: 'L’adresse avec laquelle vous vous connectez.',
    now: (email: string) => `Vous vous connectez avec ${email}. Nos messages y arrivent aussi.`,
    changeTitle: 'Changer d’adresse',
    email: 'Nouvelle adresse électronique',
    emailHint: 'Une adresse que personne d’autre ne lit. Un lien y sera envoyé.',
    notes:
      'Rien ne change avant que vous ayez ouvert ce lien. L’adresse actuelle est prévenue ; pendant 7 jours, elle permet de revenir en arrière.',
    send: 'Recevoir le lien',
    back: 'Retour à votre compte',
    problem_address: 'Saisissez une adresse comme prenom.nom@cabinet.fr',
    problem_same: 'Vous vous connectez déjà avec cette adresse',
    wait: 'Trop de demandes.',
    waitHelp: (seconds: number) => `Rien n’a changé. Réessayez dans ${waiting.fr(seconds)}.`,

    waits: 'Un lien vous attend',
    waitsAt: (email: string) => `Nous avons écrit à ${email}. Ouvrez le lien dans l’heure, là où vous êtes connecté.`,
    waitsElse:
      'Rien reçu ? Regardez dans les indésirables et vérifiez l’adresse. Si elle sert déjà à un compte, le message le dit.',
    cancel: 'Garder l’adresse actuelle',
    cancelled: 'Votre adresse reste la même.',

    confirmTitle: 'Confirmer votre nouvelle adresse',
    confirmText: (email: string) => `Vous vous connecterez désormais avec ${email}.`,
    confirmEnds: 'Vos autres sessions se fermeront. Celle-ci reste ouverte.',
    confirm: 'Utiliser cette adresse',
    changed: 'Votre adresse a changé',
    changedText: (email: string) => `Vous vous connectez désormais avec ${email}.`,
    changedHelp: 'Vos autres sessions sont fermées. Votre ancienne adresse en est prévenue.',
    signInTitle: 'Connectez-vous d’abord',
    signInHelp:
      'Pour confirmer cette adresse, connectez-vous avec l’adresse actuelle, puis ouvrez encore une fois le lien du message.',
    signIn: 'Se connecter',
    taken: 'Cette adresse sert à un autre compte.',
    takenHelp: 'Rien n’a changé. Choisissez une autre adresse.',
    gone: 'Ce lien a servi, une heure est passée, la demande a été annulée, ou vous êtes connecté avec un autre compte.',
    again: 'Votre adresse électronique',

    notMeTitle: 'Quelqu’un change l’adresse de votre compte',
    notMeText:
      'Si ce n’est pas vous, dites-le ici. Votre compte garde cette adresse, et toutes ses sessions se ferment, sur tous les appareils.',
    notMe: 'Ce n’est pas moi',
    notMeElse: 'Si c’est vous, fermez cette page : il n’y a rien à faire.',
    keptTitle: 'Votre adresse est rétablie',
    keptHelp:
      'Toutes les sessions sont fermées. La personne qui a fait cela connaissait sans doute votre mot de passe : choisissez-en un autre dès que vous serez connecté, regardez vos moyens de connexion, et prévenez votre cabinet.',
    noticeGone: 'Sept jours ont passé, ou ce lien n’a jamais existé. Prévenez votre cabinet si vous avez un doute.',
  },
  {
    title: 'Your e-mail address',
    what: 'The address that you sign in with.',
    now: (email: string) => `You sign in with ${email}. Our messages go there, too.`,
    changeTitle: 'Change your address',
    email: 'New e-mail address',
    emailHint: 'An address that nobody else reads. A link will be sent there.',
    notes:
      'Nothing changes before you have opened that link. The present address is told; for 7 days, it can take the change back.',
    send: 'Receive the link',
    back: 'Back to your account',
    problem_address: 'Type an address like given.family@practice.fr',
    problem_same: 'You sign in with this address already',
    wait: 'Too many requests.',
    waitHelp: (seconds: number) => `Nothing has changed. Try again in ${waiting.en(seconds)}.`,

    waits: 'A link is waiting for you',
    waitsAt: (email: string) => `We have written to ${email}. Open the link within the hour, where you are signed in.`,
    waitsElse:
      'Nothing received? Look among the junk mail and check the address. If it has an account already, the message says so.',
    cancel: 'Keep the present address',
    cancelled: 'Your address stays the same.',

    confirmTitle: 'Confirm your new address',
    confirmText: (email: string) => `From now on you will sign in with ${email}.`,
    confirmEnds: 'Your other sessions will close. This one stays open.',
    confirm: 'Use this address',
    changed: 'Your address has changed',
    changedText: (email: string) => `From now on you sign in with ${email}.`,
    changedHelp: 'Your other sessions are closed. Your former address is told.',
    signInTitle: 'Sign in first',
    signInHelp:
      'To confirm this address, sign in with the present one, and then open the link of the message once more.',
    signIn: 'Sign in',
    taken: 'This address belongs to another account.',
    takenHelp: 'Nothing has changed. Choose another address.',
    gone: 'This link was used, an hour has passed, the request was cancelled, or you are signed in to another account.',
    again: 'Your e-mail address',

    notMeTitle: 'Somebody is changing your account’s address',
    notMeText:
      'If it isn’t you, say so here. Your account keeps this address, and all its sessions close, on all devices.',
    notMe: 'It wasn’t me',
    notMeElse: 'If it is you, close this page: there is nothing to do.',
    keptTitle: 'Your address is back',
    keptHelp:
      'All sessions are closed. Whoever did this probably knew your password: choose another one as soon as you are signed in, look at your ways to sign in, and tell your practice.',
    noticeGone: 'Seven days have passed, or this link never existed. Tell your practice if you are in doubt.',
  },
);
