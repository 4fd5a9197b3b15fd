import { messages } from '../i18n.ts';

/** The link of an invitation, and a secretary's page that invites a patient. */
export const invitations = messages(
  {
    title: 'Ouvrir votre compte',
    step: 'Étape 1 sur 2 : un mot de passe',
    from: (organisation: string) => `${organisation} vous invite sur Vital Sync.`,
    as: (role: string) => `Vous y travaillerez avec le rôle « ${role} ».`,
    toYourRecord: 'Vous y verrez votre dossier médical, et qui l’a consulté.',
    address: 'Vous vous connecterez avec l’adresse électronique où vous avez reçu ce lien.',
    next: 'Continuer',
    nextHelp: 'À l’étape suivante, vous ajoutez un second facteur, avec votre téléphone par exemple.',
    once: 'Ce lien sert une seule fois. Gardez une minute ou deux pour les deux étapes.',

    gone: 'Ce lien ne fonctionne plus',
    goneHelp:
      'Il a déjà servi, il a plus de 72 heures, ou un autre lien l’a remplacé. Si votre compte est ouvert, connectez-vous. Sinon, demandez un nouveau lien à votre cabinet.',
    signIn: 'Se connecter',
    wait: 'Trop d’essais',
    waitHelp: (minutes: number) => `Réessayez dans ${minutes > 1 ? `${minutes} minutes` : 'une minute'}.`,
  },
  {
    title: 'Open your account',
    step: 'Step 1 of 2: a password',
    from: (organisation: string) => `${organisation} invites you to Vital Sync.`,
    as: (role: string) => `You will work there in the role “${role}”.`,
    toYourRecord: 'You will see your medical record there, and who viewed it.',
    address: 'You will sign in with the e-mail address where you got this link.',
    next: 'Continue',
    nextHelp: 'In the next step you add a second factor, with your telephone for example.',
    once: 'This link works once. Keep a minute or two for both steps.',

    gone: 'This link does not work any more',
    goneHelp:
      'It was used, is older than 72 hours, or another link replaced it. If your account is open, sign in. Otherwise ask your practice for a new link.',
    signIn: 'Sign in',
    wait: 'Too many attempts',
    waitHelp: (minutes: number) => `Try again in ${minutes > 1 ? `${minutes} minutes` : 'a minute'}.`,
  },
);
