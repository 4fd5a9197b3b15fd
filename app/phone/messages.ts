import { messages } from '../i18n.ts';
import { waiting } from '../waiting.ts';

/** The number that codes are sent to by SMS. */
export const phone = messages(
  {
    title: 'Votre numéro pour les SMS',
    intro:
      'Quand rien d’autre n’est à portée de main, un code peut vous être envoyé par SMS. C’est un secours : une application ou une clé d’accès protège mieux, car un SMS arrive aussi à qui reprend votre numéro ou copie votre carte SIM, et n’arrive pas sans réseau.',
    back: 'Retour à vos moyens de connexion',

    current: (ending: string) => `Les codes partent au numéro qui se termine par ${ending}.`,
    none: 'Aucun numéro pour l’instant.',
    remove: 'Retirer ce numéro',

    codeTitle: 'Confirmez votre numéro',
    codeIntro: (ending: string) =>
      `Un code vient de partir au numéro qui se termine par ${ending}. Il sert 10 minutes.`,
    code: 'Code reçu par SMS',
    codeMissing: 'Saisissez les 6 chiffres du code',
    confirm: 'Confirmer le numéro',

    addTitle: 'Ajouter un numéro',
    changeTitle: 'Changer de numéro',
    againTitle: 'Rien reçu ?',
    againHelp: 'Vérifiez le numéro et demandez un autre code.',
    number: 'Numéro de portable',
    numberHint: 'Par exemple 06 12 34 56 78, ou +32 470 12 34 56 hors de France.',
    numberMissing: 'Saisissez un numéro de portable qui reçoit des SMS',
    send: 'Recevoir un code',

    done_added: 'Votre numéro est confirmé.',
    done_removed: 'Le numéro est retiré : plus aucun code n’y partira.',
    done_sent: 'Le code est parti.',
    wait: 'Trop de demandes.',
    waitHelp: (seconds: number) => `Réessayez dans ${waiting.fr(seconds)}.`,
    refused: 'Ce code ne convient pas.',
    refusedHelp: 'Il sert une fois, pendant 10 minutes, et seul le dernier envoyé compte.',
    last: 'Le numéro n’a pas été retiré.',
    lastHelp: 'Ajoutez d’abord une application ou une clé d’accès : il ne vous resterait rien pour entrer.',
    notAllowed: 'Votre cabinet n’utilise pas les codes par SMS.',
    notAllowedHelp: 'Demandez à votre administrateur, ou choisissez un autre moyen de connexion.',
    notDelivered: 'Aucun SMS ne peut partir d’ici pour l’instant.',
    notDeliveredHelp: 'Choisissez un autre moyen de connexion.',
  },
  {
    title: 'Your number for text messages',
    intro:
      'When nothing else is at hand, a code can be sent to you by text message. It is a back-up: an app or a passkey protects better, since a text message also reaches whoever takes over your number or copies your SIM card, and none arrives without a network.',
    back: 'Back to your ways to sign in',

    current: (ending: string) => `Codes go to the number that ends with ${ending}.`,
    none: 'No number so far.',
    remove: 'Remove this number',

    codeTitle: 'Confirm your number',
    codeIntro: (ending: string) =>
      `A code has just gone to the number that ends with ${ending}. It works for 10 minutes.`,
    code: 'Code received by text message',
    codeMissing: 'Enter the 6 digits of the code',
    confirm: 'Confirm the number',

    addTitle: 'Add a number',
    changeTitle: 'Change the number',
    againTitle: 'Nothing received?',
    againHelp: 'Check the number and ask for another code.',
    number: 'Mobile number',
    numberHint: 'For instance 06 12 34 56 78, or +32 470 12 34 56 outside of France.',
    numberMissing: 'Enter a mobile number that takes text messages',
    send: 'Receive a code',

    done_added: 'Your number is confirmed.',
    done_removed: 'The number is removed: no code goes there any more.',
    done_sent: 'The code is on its way.',
    wait: 'Too many requests.',
    waitHelp: (seconds: number) => `Try again in ${waiting.en(seconds)}.`,
    refused: 'This code does not work.',
    refusedHelp: 'It works once, for 10 minutes, and only the last one that was sent counts.',
    last: 'The number was not removed.',
    lastHelp: 'Add an app or a passkey first: nothing would be left to let you in.',
    notAllowed: 'Your practice does not use codes by text message.',
    notAllowedHelp: 'Ask your administrator, or choose another way to sign in.',
    notDelivered: 'No text message can be sent from here for now.',
    notDeliveredHelp: 'Choose another way to sign in.',
  },
);
