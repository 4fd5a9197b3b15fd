import { messages } from '../i18n.ts';

export const security = messages(
  {
    title: 'Sécurité des connexions',
    intro:
      'Chaque particularité d’une connexion compte des points. Leur somme décide si l’on prévient, ou si la connexion est mise en attente.',
    signals: 'Ce qui compte',
    points: (count: number) => `${count} points`,
    noticeFrom: 'Prévenir à partir de',
    noticeHint: 'La personne et les administrateurs reçoivent un message.',
    stopFrom: 'Mettre en attente à partir de',
    stopHint: (most: string) =>
      `La personne n’entre qu’après avoir répondu « C’était moi ». Au-delà de ${most} points, rien n’est mis en attente.`,
    pointsUnit: 'points',
    codes: 'Codes envoyés',
    codesHint:
      'Un code envoyé se détourne plus facilement qu’une application ou une clé d’accès. Qui n’a que cela devra demander un nouveau facteur.',
    emailCodes: 'Permettre les codes par courrier électronique',
    smsCodes: 'Permettre les codes par SMS',
    save: 'Enregistrer',
    saved: 'Réglages enregistrés.',
    notANumber: 'Saisissez un nombre entier de 1 à 1000',
    stopBeforeNotice: 'La mise en attente ne peut pas venir avant l’avertissement',
    backToSignIns: 'Retour aux connexions inhabituelles',
  },
  {
    title: 'Safety of sign-ins',
    intro:
      'Each peculiarity of a sign-in counts points. Their sum decides whether people are told, or the sign-in is put on hold.',
    signals: 'What counts',
    points: (count: number) => `${count} points`,
    noticeFrom: 'Tell from',
    noticeHint: 'The person and the administrators receive a message.',
    stopFrom: 'Put on hold from',
    stopHint: (most: string) =>
      `The person comes in only after having answered “That was me”. Above ${most} points, nothing is put on hold.`,
    pointsUnit: 'points',
    codes: 'Codes that are sent',
    codesHint:
      'A code that is sent is diverted more easily than an app or a passkey. Whoever has nothing else will have to ask for a new factor.',
    emailCodes: 'Allow codes by e-mail',
    smsCodes: 'Allow codes by SMS',
    save: 'Save',
    saved: 'Settings saved.',
    notANumber: 'Enter a whole number from 1 to 1000',
    stopBeforeNotice: 'Putting on hold can’t come before telling',
    backToSignIns: 'Back to the unusual sign-ins',
  },
);
