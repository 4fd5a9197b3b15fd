import { messages } from '../i18n.ts';

/** What an administrator tells somebody on the telephone who can't get in. `link`: the words on that person's screen. */
export const locked = messages(
  {
    anybody: 'Quelqu’un ne peut plus se connecter ?',
    title: 'Cette personne ne peut plus se connecter ?',
    asks: (link: string) =>
      `Sur sa page de connexion, elle choisit « ${link} » et ouvre le lien qu’elle reçoit par e-mail.`,
    code: 'S’il lui manque son téléphone ou sa clé d’accès, sa page affiche un code de 6 chiffres.',
    confirm: (page: string) => `Elle vous donne ce code, de vive voix ; vous le saisissez dans « ${page} ».`,
    wait: 'Après trop d’essais, sa page lui dit combien de temps attendre : vous n’avez rien à débloquer.',
    held: 'Si sa connexion est mise en attente, vous pouvez la laisser entrer :',
  },
  {
    anybody: 'Can somebody not sign in any more?',
    title: 'Can this person not sign in any more?',
    asks: (link: string) => `On their sign-in page they choose “${link}” and open the link that comes by e-mail.`,
    code: 'If their phone or passkey is missing, their page shows a code of 6 digits.',
    confirm: (page: string) => `They tell you this code, by voice; you type it in “${page}”.`,
    wait: 'After too many attempts their page says how long to wait: there is nothing for you to unlock.',
    held: 'If their sign-in is on hold, you can let them in:',
  },
);
