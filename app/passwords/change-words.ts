import { messages } from '../i18n.ts';
import { waiting } from '../waiting.ts';

/** The page on which somebody changes their own password. */
export const changeWords = messages(
  {
    title: 'Changer de mot de passe',
    present: 'Mot de passe actuel',
    presentMissing: 'Saisissez votre mot de passe actuel',
    ends: 'Toutes vos sessions se fermeront, celle-ci aussi : vous vous reconnecterez avec le nouveau.',
    change: 'Changer et me déconnecter',
    back: 'Retour à votre compte',
    refused: 'Le mot de passe actuel n’est pas le bon.',
    refusedHelp: 'Rien n’a changé. Vérifiez la touche Verr. maj., puis recommencez.',
    same: 'Le nouveau mot de passe est le même que l’actuel.',
    sameHelp: 'Rien n’a changé. Choisissez-en un autre.',
    wait: 'Trop d’essais.',
    waitHelp: (seconds: number) => `Rien n’a changé. Réessayez dans ${waiting.fr(seconds)}.`,
    changed: 'Votre mot de passe a changé',
    changedHelp: 'Toutes vos sessions sont fermées, sur tous vos appareils. Un e-mail vous le confirme.',
    signIn: 'Se connecter',
  },
  {
    title: 'Change your password',
    present: 'Present password',
    presentMissing: 'Enter your present password',
    ends: 'All your sessions will close, this one too: you will sign in again with the new one.',
    change: 'Change and sign out',
    back: 'Back to your account',
    refused: 'The present password is not right.',
    refusedHelp: 'Nothing has changed. Check the Caps Lock key, then try again.',
    same: 'The new password is the same as the present one.',
    sameHelp: 'Nothing has changed. Choose another one.',
    wait: 'Too many attempts.',
    waitHelp: (seconds: number) => `Nothing has changed. Try again in ${waiting.en(seconds)}.`,
    changed: 'Your password has changed',
    changedHelp: 'All your sessions are closed, on all your devices. An e-mail confirms it.',
    signIn: 'Sign in',
  },
);
