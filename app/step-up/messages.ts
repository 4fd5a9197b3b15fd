import { messages } from '../i18n.ts';

/** A factor shown again: short, since it stands between somebody and their work. The rest is sign-in/code-words.ts. */
export const stepUp = messages(
  {
    title: 'Confirmez que c’est vous',
    why: 'Votre dernière vérification date de plus de 10 minutes, et cette action en demande une récente.',
    kept: 'Rien n’est perdu : votre saisie est envoyée dès que vous avez confirmé.',
    again:
      'Vous reviendrez ensuite à la page. Ce qui y a été saisi n’est pas conservé, parce que cela contient un mot de passe ou un code.',
    whyBoth: 'Pour changer la façon dont vous vous connectez, saisissez aussi votre mot de passe.',
    whyPassword: 'Pour changer la façon dont vous vous connectez, saisissez votre mot de passe.',
    whyPasskey: 'Pour changer la façon dont vous vous connectez, confirmez avec votre clé d’accès.',
    password: 'Votre mot de passe',
    passwordMissing: 'Saisissez votre mot de passe.',
    refused: 'Mot de passe incorrect.',
    refusedHelp: 'Vérifiez la touche Verr. maj., puis recommencez.',
    refusedWithCode: 'Vérifiez la touche Verr. maj., puis recommencez. Votre code n’a pas été utilisé.',
    confirm: 'Confirmer',
    cancel: 'Annuler',
  },
  {
    title: 'Confirm that it is you',
    why: 'Your last verification is more than 10 minutes old, and this action asks for a recent one.',
    kept: 'Nothing is lost: what you typed is sent as soon as you have confirmed.',
    again: 'You then come back to the page. What was typed there is not kept, since it holds a password or a code.',
    whyBoth: 'To change how you sign in, enter your password as well.',
    whyPassword: 'To change how you sign in, enter your password.',
    whyPasskey: 'To change how you sign in, confirm with your passkey.',
    password: 'Your password',
    passwordMissing: 'Enter your password.',
    refused: 'Wrong password.',
    refusedHelp: 'Check the Caps Lock key, then try again.',
    refusedWithCode: 'Check the Caps Lock key, then try again. Your code has not been used.',
    confirm: 'Confirm',
    cancel: 'Cancel',
  },
);
