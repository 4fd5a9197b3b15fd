import { messages } from '../i18n.ts';

export const signIn = messages(
  {
    title: 'Se connecter',
    intro: 'Dossier patient de votre cabinet',
    email: 'Adresse électronique',
    password: 'Mot de passe',
    next: 'Continuer',
    emailMissing: 'Saisissez votre adresse électronique',
    passwordMissing: 'Saisissez votre mot de passe',
    refused: 'Adresse ou mot de passe incorrect.',
    refusedHelp: 'Vérifiez les deux, ainsi que la touche Verr. maj., puis recommencez.',

    codeTitle: 'Code de vérification',
    codeStep: 'Étape 2 sur 2',
    codeHint: 'Les 6 chiffres affichés par votre application d’authentification. Ils changent toutes les 30 secondes.',
    code: 'Code à 6 chiffres',
    codeMissing: 'Saisissez les 6 chiffres du code',
    codeRefused: 'Ce code ne convient pas.',
    codeRefusedHelp: 'Un code ne sert qu’une fois : attendez le suivant dans votre application.',
    enter: 'Se connecter',
    restart: 'Recommencer avec une autre adresse',
    expired: 'La première étape a expiré.',
    expiredHelp: 'Recommencez avec votre adresse et votre mot de passe.',

    wait: 'Trop d’essais.',
    waitHelp: (seconds: number) =>
      `Par sécurité, réessayez dans ${seconds > 90 ? `${Math.ceil(seconds / 60)} minutes` : `${seconds} secondes`}.`,
  },
  {
    title: 'Sign in',
    intro: 'Your practice’s patient record',
    email: 'E-mail address',
    password: 'Password',
    next: 'Continue',
    emailMissing: 'Enter your e-mail address',
    passwordMissing: 'Enter your password',
    refused: 'Wrong address or password.',
    refusedHelp: 'Check both, and the Caps Lock key, then try again.',

    codeTitle: 'Verification code',
    codeStep: 'Step 2 of 2',
    codeHint: 'The 6 digits shown by your authenticator app. They change every 30 seconds.',
    code: '6-digit code',
    codeMissing: 'Enter the 6 digits of the code',
    codeRefused: 'This code does not work.',
    codeRefusedHelp: 'A code works only once: wait for the next one in your app.',
    enter: 'Sign in',
    restart: 'Start again with another address',
    expired: 'The first step has expired.',
    expiredHelp: 'Start again with your address and password.',

    wait: 'Too many attempts.',
    waitHelp: (seconds: number) =>
      `For safety, try again in ${seconds > 90 ? `${Math.ceil(seconds / 60)} minutes` : `${seconds} seconds`}.`,
  },
);
