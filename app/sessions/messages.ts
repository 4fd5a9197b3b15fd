import { messages } from '../i18n.ts';

export const sessions = messages(
  {
    title: 'Vos sessions',
    intro:
      'Chaque navigateur dans lequel vous êtes connecté. Si vous n’en reconnaissez pas un, déconnectez-le, puis changez votre mot de passe.',
    open: 'Sessions ouvertes',
    ended: 'Terminées depuis hier',
    device: 'Appareil',
    browserOn: (browser: string, system: string) => `${browser} sur ${system}`,
    unknownBrowser: 'Navigateur non reconnu',
    address: 'Adresse réseau',
    since: 'Connecté le',
    lastSeen: 'Dernière activité',
    endedAt: 'Terminée le',
    because: 'Raison',
    action: 'Déconnecter',
    current: 'Cette session',
    endOne: 'Déconnecter',
    endOthers: 'Déconnecter tous les autres',
    endOthersHelp: (n: number) =>
      n > 1
        ? `${n} autres navigateurs seront déconnectés aussitôt. Ce qui y est saisi sans être enregistré sera perdu.`
        : 'L’autre navigateur sera déconnecté aussitôt. Ce qui y est saisi sans être enregistré sera perdu.',
    alone: 'Vous n’êtes connecté nulle part ailleurs.',
    signOut: 'Se déconnecter',
    because_signed_out: 'Vous vous êtes déconnecté',
    because_signed_in_again: 'Vous vous êtes reconnecté dans le même navigateur',
    because_token_reused: 'Copie de la session détectée : elle a été arrêtée par sécurité',
    because_tries: 'Trop de codes erronés',
    because_own: 'Déconnectée par vous depuis un autre navigateur',
    because_administrator: 'Déconnectée par l’administration de votre organisation',
    because_suspended: 'Compte suspendu',
    because_password_changed: 'Mot de passe changé',
    because_recovered: 'Accès au compte rétabli',
  },
  {
    title: 'Your sessions',
    intro:
      'Each browser in which you are signed in. If there is one that you don’t recognise, sign it out, then change your password.',
    open: 'Open sessions',
    ended: 'Ended since yesterday',
    device: 'Device',
    browserOn: (browser: string, system: string) => `${browser} on ${system}`,
    unknownBrowser: 'Unknown browser',
    address: 'Network address',
    since: 'Signed in on',
    lastSeen: 'Last activity',
    endedAt: 'Ended on',
    because: 'Reason',
    action: 'Sign out',
    current: 'This session',
    endOne: 'Sign out',
    endOthers: 'Sign out all the others',
    endOthersHelp: (n: number) =>
      n > 1
        ? `${n} other browsers are signed out at once. What is typed there and not saved will be lost.`
        : 'The other browser is signed out at once. What is typed there and not saved will be lost.',
    alone: 'You are not signed in anywhere else.',
    signOut: 'Sign out',
    because_signed_out: 'You signed out',
    because_signed_in_again: 'You signed in again in the same browser',
    because_token_reused: 'A copy of the session was detected: it was stopped for safety',
    because_tries: 'Too many wrong codes',
    because_own: 'Signed out by you from another browser',
    because_administrator: 'Signed out by the administration of your organisation',
    because_suspended: 'Account suspended',
    because_password_changed: 'Password changed',
    because_recovered: 'Access to the account restored',
  },
);
