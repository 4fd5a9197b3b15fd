import { messages } from '../i18n.ts';
import { waiting } from '../waiting.ts';

/** What is said where a link from a message led nowhere, or too many were tried. */
export const links = messages(
  {
    gone: 'Ce lien ne fonctionne plus',
    signIn: 'Se connecter',
    wait: 'Trop d’essais',
    waitHelp: (seconds: number) => `Réessayez dans ${waiting.fr(seconds)}.`,
  },
  {
    gone: 'This link does not work any more',
    signIn: 'Sign in',
    wait: 'Too many attempts',
    waitHelp: (seconds: number) => `Try again in ${waiting.en(seconds)}.`,
  },
);
