import { messages } from '../i18n.ts';

/** A factor shown again: short, since it stands between somebody and their work. The rest is sign-in/code-words.ts. */
export const stepUp = messages(
  {
    title: 'Confirmez que c’est vous',
    why: 'Votre dernière vérification date de plus de 10 minutes, et cette action en demande une récente.',
    kept: 'Rien n’est perdu : votre saisie est envoyée dès que vous avez confirmé.',
    again:
      'Vous reviendrez ensuite à la page. Ce qui y a été saisi n’est pas conservé, parce que cela contient un mot de passe ou un code.',
    confirm: 'Confirmer',
    cancel: 'Annuler',
  },
  {
    title: 'Confirm that it is you',
    why: 'Your last verification is more than 10 minutes old, and this action asks for a recent one.',
    kept: 'Nothing is lost: what you typed is sent as soon as you have confirmed.',
    again: 'You then come back to the page. What was typed there is not kept, since it holds a password or a code.',
    confirm: 'Confirm',
    cancel: 'Cancel',
  },
);
