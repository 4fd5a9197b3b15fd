import { messages } from '../i18n.ts';

/** The rules in the words of whoever chooses a password: every page with such a field uses these. */
export const passwords = messages(
  {
    newPassword: 'Nouveau mot de passe',
    choose: 'Choisissez un mot de passe',
    rules:
      'Au moins 12 caractères. Une phrase que personne d’autre ne connaît est plus sûre et plus facile à retenir que des signes compliqués. Vous pouvez le coller depuis un gestionnaire de mots de passe.',
    again: 'Le même, une seconde fois',
    retype: 'Par sécurité, votre mot de passe n’a pas été gardé : saisissez-le à nouveau.',
    problem_missing: 'Choisissez un mot de passe',
    problem_short: 'Ce mot de passe est trop court : il lui faut au moins 12 caractères',
    problem_long: 'Ce mot de passe est trop long : 1 024 caractères au plus',
    problem_common:
      'Ce mot de passe est trop connu, ou fait de mots que l’on essaie en premier : choisissez plutôt une phrase à vous',
    problem_personal:
      'Ce mot de passe se devine à partir de votre nom, de votre adresse ou de votre cabinet : choisissez autre chose',
    problem_different: 'Les deux mots de passe ne sont pas les mêmes',
  },
  {
    newPassword: 'New password',
    choose: 'Choose a password',
    rules:
      'At least 12 characters. A sentence that nobody else knows is safer and easier to remember than complicated signs. You can paste it from a password manager.',
    again: 'The same once more',
    retype: 'For safety your password was not kept: type it again.',
    problem_missing: 'Choose a password',
    problem_short: 'This password is too short: it needs at least 12 characters',
    problem_long: 'This password is too long: 1,024 characters at most',
    problem_common:
      'This password is too well known, or made of words that are tried first: choose a sentence of your own instead',
    problem_personal:
      'This password can be guessed from your name, your address or your practice: choose something else',
    problem_different: 'The two passwords are not the same',
  },
);
