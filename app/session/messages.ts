import { messages } from '../i18n.ts';

/** The end of a session: said before it comes, and with what is kept. */
export const session = messages(
  {
    soon: 'Êtes-vous toujours là ?',
    soonHelp: 'Sans activité de votre part, votre session se termine dans :',
    soonKept: 'Votre saisie reste à l’écran.',
    last: 'Votre session arrive à sa fin',
    lastHelp: 'Une session dure 12 heures au plus. Enregistrez votre travail, puis reconnectez-vous. Il reste :',
    over: 'Votre session est terminée',
    overHelp:
      'Ce que vous avez saisi n’est pas enregistré, mais reste dans cet onglet. Reconnectez-vous dans un autre onglet, puis revenez ici.',
    minutes: (n: number) => (n > 1 ? `Il reste ${n} minutes.` : 'Il reste une minute.'),
    stay: 'Rester connecté',
    later: 'Continuer à travailler',
    signOut: 'Se déconnecter',
    signIn: 'Se connecter',
    signInNewTab: 'Se connecter (nouvel onglet)',

    stayed: 'Votre session continue',
    stayedUntil: 'Sans activité de votre part, elle se termine à',
    stayedHelp: 'Vous pouvez fermer cet onglet et revenir à celui où vous travailliez.',
    ended: 'Votre session est terminée',
    endedIdle:
      'Par sécurité, une session se termine après 30 minutes sans activité, au plus tard après 12 heures, ou quand une personne administratrice la ferme. Rien de ce qui était enregistré n’est perdu.',
    notice: 'Sans activité, votre session se termine à',
  },
  {
    soon: 'Are you still there?',
    soonHelp: 'Without any activity of yours, your session ends in:',
    soonKept: 'What you typed stays on the screen.',
    last: 'Your session is coming to its end',
    lastHelp: 'A session lasts 12 hours at most. Save your work, then sign in again. Time left:',
    over: 'Your session has ended',
    overHelp: 'What you typed is not saved, but stays in this tab. Sign in again in another tab, then come back here.',
    minutes: (n: number) => (n > 1 ? `${n} minutes left.` : 'One minute left.'),
    stay: 'Stay signed in',
    later: 'Go on working',
    signOut: 'Sign out',
    signIn: 'Sign in',
    signInNewTab: 'Sign in (new tab)',

    stayed: 'Your session goes on',
    stayedUntil: 'Without any activity of yours, it ends at',
    stayedHelp: 'You may close this tab and go back to the one in which you were working.',
    ended: 'Your session has ended',
    endedIdle:
      'For safety, a session ends after 30 minutes without activity, after 12 hours at the latest, or when an administrator ends it. Nothing that was saved is lost.',
    notice: 'Without activity, your session ends at',
  },
);
