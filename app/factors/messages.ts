import { messages } from '../i18n.ts';

/** Which factors somebody has, and how to add, replace and take away each. */
export const factors = messages(
  {
    title: 'Vos moyens de connexion',
    intro:
      'Après votre mot de passe, il en faut un second. Ayez-en deux : si vous perdez votre téléphone, l’autre vous ouvre la porte.',
    back: 'Retour à votre compte',
    backToFactors: 'Retour à vos moyens de connexion',
    endOthers: 'Si quelqu’un d’autre a pu les utiliser, fermez aussi vos autres sessions',

    app: 'Application d’authentification',
    appWhat: 'Elle affiche un code à 6 chiffres sur votre téléphone, même sans réseau.',
    appSince: 'En place depuis le',
    appMissing: 'Pas encore en place.',
    appAdd: 'Mettre en place l’application',
    appReplace: 'Changer de téléphone',
    appRemove: 'Retirer l’application',
    appLast: 'C’est votre seul moyen : ajoutez une clé d’accès avant de la retirer.',

    passkeys: 'Clés d’accès',
    passkeysWhat: 'Votre empreinte, votre visage, le code de l’appareil ou une clé de sécurité, sans rien à recopier.',
    passkeysHave: (count: number) => (count > 1 ? `Vous en avez ${count}.` : 'Vous en avez une.'),
    passkeysNone: 'Vous n’en avez aucune.',
    passkeysElsewhere: (count: number) =>
      count > 1
        ? `${count} clés ont été ajoutées à une ancienne adresse de ce site : elles ne servent plus ici.`
        : 'Une clé a été ajoutée à une ancienne adresse de ce site : elle ne sert plus ici.',
    passkeysManage: 'Voir vos clés d’accès',
    passkeysAdd: 'Ajouter une clé d’accès',

    codes: 'Codes de secours',
    codesWhat: 'Dix codes à garder sur papier, pour le jour où vous n’avez pas votre téléphone.',
    codesLeft: (count: number) => `Il en reste ${count} sur 10.`,
    codesNone: 'Vous n’en avez aucun.',
    codesMadeOn: 'Créés le',
    codesFew: (count: number) =>
      count === 0
        ? 'Vous n’avez plus de code de secours.'
        : count > 1
          ? `Il ne vous reste que ${count} codes de secours.`
          : 'Il ne vous reste qu’un code de secours.',
    codesFewHelp: 'Créez-en dix nouveaux : ils remplacent les anciens.',
    codesMake: 'Créer dix codes de secours',

    sent: 'Codes envoyés',
    sentWhat: 'Quand rien d’autre n’est à portée de main, un code peut vous être envoyé.',
    sentEmail: 'Par e-mail',
    sentSms: 'Par SMS',
    sentPhone: 'Votre numéro de téléphone',
    allowed: 'possible',
    notAllowed: 'pas possible pour l’instant',

    done_totp: 'Votre application est en place.',
    done_recovery_code:
      'Un code de secours vient de vous connecter. Si votre téléphone est perdu, mettez le nouveau en place ici.',
    done_totp_removed: 'L’application a été retirée : ses codes n’ouvrent plus rien.',
    refusal_last:
      'L’application n’a pas été retirée : c’est votre seul moyen de connexion. Ajoutez d’abord une clé d’accès.',
    refusal_none: 'Il n’y avait plus d’application à retirer.',
  },
  {
    title: 'Your ways to sign in',
    intro:
      'After your password, a second one is needed. Have two of them: if you lose your phone, the other one lets you in.',
    back: 'Back to your account',
    backToFactors: 'Back to your ways to sign in',
    endOthers: 'If somebody else may have used them, close your other sessions too',

    app: 'Authenticator app',
    appWhat: 'It shows a 6-digit code on your phone, even without a network.',
    appSince: 'In place since',
    appMissing: 'Not in place yet.',
    appAdd: 'Set up the app',
    appReplace: 'Change phones',
    appRemove: 'Remove the app',
    appLast: 'It is your only way in: add a passkey before you remove it.',

    passkeys: 'Passkeys',
    passkeysWhat: 'Your fingerprint, your face, the code of the device or a security key, with nothing to copy.',
    passkeysHave: (count: number) => (count > 1 ? `You have ${count}.` : 'You have one.'),
    passkeysNone: 'You have none.',
    passkeysElsewhere: (count: number) =>
      count > 1
        ? `${count} passkeys were added at a former address of this site: they don’t work here any more.`
        : 'A passkey was added at a former address of this site: it doesn’t work here any more.',
    passkeysManage: 'See your passkeys',
    passkeysAdd: 'Add a passkey',

    codes: 'Recovery codes',
    codesWhat: 'Ten codes to keep on paper, for the day when you do not have your phone.',
    codesLeft: (count: number) => `${count} of 10 are left.`,
    codesNone: 'You have none.',
    codesMadeOn: 'Made on',
    codesFew: (count: number) =>
      count === 0
        ? 'You have no recovery code left.'
        : count > 1
          ? `Only ${count} recovery codes are left.`
          : 'Only one recovery code is left.',
    codesFewHelp: 'Make ten new ones: they replace the old ones.',
    codesMake: 'Make ten recovery codes',

    sent: 'Codes that are sent',
    sentWhat: 'When nothing else is at hand, a code can be sent to you.',
    sentEmail: 'By e-mail',
    sentSms: 'By text message',
    sentPhone: 'Your telephone number',
    allowed: 'possible',
    notAllowed: 'not possible for now',

    done_totp: 'Your app is in place.',
    done_recovery_code: 'You are signed in by a recovery code. If your phone is lost, set up the new one here.',
    done_totp_removed: 'The app was removed: its codes open nothing any more.',
    refusal_last: 'The app was not removed: it is your only way to sign in. Add a passkey first.',
    refusal_none: 'There was no app to remove any more.',
  },
);
