import { messages } from '../i18n.ts';
import { waiting } from '../waiting.ts';

export const signIn = messages(
  {
    title: 'Se connecter',
    intro: 'Dossier patient de votre cabinet',
    step: 'Étape 1 sur 2',
    email: 'Adresse électronique',
    password: 'Mot de passe',
    next: 'Continuer',
    emailMissing: 'Saisissez votre adresse électronique',
    passwordMissing: 'Saisissez votre mot de passe',
    refused: 'Adresse ou mot de passe incorrect.',
    refusedHelp: 'Vérifiez les deux, ainsi que la touche Verr. maj., puis recommencez.',

    recover: 'Mot de passe oublié, téléphone perdu',
    register: 'Créer un compte de patient',

    expired: 'Il faut recommencer.',
    expiredHelp:
      'La première étape date de plus de dix minutes, ou plusieurs codes n’ont pas convenu. Saisissez à nouveau votre adresse et votre mot de passe.',

    ended: 'Votre session est terminée.',
    endedHelp: 'Reconnectez-vous pour continuer. Rien de ce qui était enregistré n’est perdu.',

    wait: 'Trop d’essais.',
    waitHelp: (seconds: number) => `Par sécurité, réessayez dans ${waiting.fr(seconds)}.`,
    crowded: 'Beaucoup de personnes se connectent en ce moment.',
    crowdedHelp: (seconds: number) =>
      `Votre mot de passe n’a pas encore été vérifié. Saisissez-le de nouveau dans ${waiting.fr(seconds)}.`,
  },
  {
    title: 'Sign in',
    intro: 'Your practice’s patient record',
    step: 'Step 1 of 2',
    email: 'E-mail address',
    password: 'Password',
    next: 'Continue',
    emailMissing: 'Enter your e-mail address',
    passwordMissing: 'Enter your password',
    refused: 'Wrong address or password.',
    refusedHelp: 'Check both, and the Caps Lock key, then try again.',

    recover: 'Password forgotten, telephone lost',
    register: 'Create a patient account',

    expired: 'You need to start again.',
    expiredHelp:
      'The first step was more than ten minutes ago, or several codes did not work. Enter your address and password again.',

    ended: 'Your session has ended.',
    endedHelp: 'Sign in again to go on. Nothing that was saved is lost.',

    wait: 'Too many attempts.',
    waitHelp: (seconds: number) => `For safety, try again in ${waiting.en(seconds)}.`,
    crowded: 'Many people are signing in at the moment.',
    crowdedHelp: (seconds: number) =>
      `Your password has not been checked yet. Type it again in ${waiting.en(seconds)}.`,
  },
);
