import { messages } from '../i18n.ts';

/** The page of the recovery codes: before they are made, and the one time that they are shown. */
export const codesWords = messages(
  {
    title: 'Codes de secours',
    opened: 'C’est fait : votre compte est protégé.',
    openedHelp: 'Une dernière chose, pour le jour où vous perdriez votre téléphone.',
    why: 'Le jour où vous n’avez pas votre téléphone, un de ces codes le remplace, après votre mot de passe.',
    once: 'Dix codes vont s’afficher, une seule fois. Préparez de quoi les noter, les imprimer ou les enregistrer.',
    ends: (left: number) =>
      left > 1 ? `Les ${left} codes qui vous restent ne serviront plus.` : 'Le code qui vous reste ne servira plus.',
    show: 'Afficher dix codes',
    later: 'Plus tard',

    shown: 'Vos dix codes de secours',
    keep: 'Notez-les maintenant : ils ne seront plus jamais affichés.',
    keepHelp:
      'Chacun ne sert qu’une fois. Gardez-les loin de votre téléphone et de votre ordinateur, jamais dans vos e-mails.',
    save: 'Enregistrer dans un fichier',
    done: 'Je les ai notés : continuer',
    fileName: 'codes-de-secours-vital-sync.txt',
    fileHead: 'Vital Sync : codes de secours. Chacun ne sert qu’une fois, après votre mot de passe.',
  },
  {
    title: 'Recovery codes',
    opened: 'Done: your account is protected.',
    openedHelp: 'One last thing, for the day when you lose your phone.',
    why: 'On the day when you do not have your phone, one of these codes replaces it, after your password.',
    once: 'Ten codes will be shown, once only. Have something ready to write them down, print them or save them.',
    ends: (left: number) =>
      left > 1
        ? `The ${left} codes that you have left will stop working.`
        : 'The code that you have left will stop working.',
    show: 'Show ten codes',
    later: 'Later',

    shown: 'Your ten recovery codes',
    keep: 'Write them down now: they will never be shown again.',
    keepHelp: 'Each works only once. Keep them away from your phone and your computer, never in your e-mail.',
    save: 'Save to a file',
    done: 'I have written them down: continue',
    fileName: 'vital-sync-recovery-codes.txt',
    fileHead: 'Vital Sync: recovery codes. Each works only once, after your password.',
  },
);
