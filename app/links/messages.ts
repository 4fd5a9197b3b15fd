import { messages } from '../i18n.ts';

/** What is said where a link from a message led nowhere, or too many were tried. */
export const links = messages(
  {
    gone: 'Ce lien ne fonctionne plus',
    signIn: 'Se connecter',
    wait: 'Trop d’essais',
    waitHelp: (minutes: number) => `Réessayez dans ${minutes > 1 ? `${minutes} minutes` : 'une minute'}.`,
  },
  {
    gone: 'This link does not work any more',
    signIn: 'Sign in',
    wait: 'Too many attempts',
    waitHelp: (minutes: number) => `Try again in ${minutes > 1 ? `${minutes} minutes` : 'a minute'}.`,
  },
);
