import { messages } from '../i18n.ts';
import { waiting } from '../waiting.ts';

/** What happened, what is kept, what to do. A hidden page and a missing one have the same words. */
export const errors = messages(
  {
    reference: 'Référence à donner à votre assistance',
    home: 'Revenir à l’accueil',
    signIn: 'Se connecter',

    hidden: 'Page introuvable',
    hiddenHelp: 'Cette page n’existe pas, ou elle ne fait pas partie de ce que vous pouvez consulter.',
    forbidden: 'Action non autorisée',
    forbiddenHelp:
      'Votre rôle ne permet pas cette action. Rien n’a été modifié, et la demande a été inscrite au journal.',
    network: 'Accès refusé depuis ce réseau',
    networkHelp:
      'Vital Sync n’accepte rien, pour le moment, du réseau que vous utilisez. Ce que vous avez saisi n’est pas en cause, et rien n’a été modifié. Essayez depuis un autre réseau, celui de votre téléphone par exemple, ou appelez votre cabinet.',
    invalid: 'Demande incomplète',
    invalidHelp: 'Ce qui a été envoyé n’a pas pu être lu. Rien n’a été enregistré.',
    conflict: 'Quelqu’un a modifié ces informations entre-temps',
    conflictHelp: 'Rien n’a été enregistré. Comparez votre saisie avec la version actuelle avant de recommencer.',
    limited: 'Trop de demandes en peu de temps',
    limitedHelp: 'Rien n’est perdu. Attendez une minute, puis recommencez.',
    limitedFor: (seconds: number) => `Rien n’est perdu. Attendez ${waiting.fr(seconds)}, puis recommencez.`,
    too_many: 'Trop de résultats',
    too_manyHelp: 'Précisez votre recherche : ajoutez une lettre ou la date de naissance.',
    too_short: 'Recherche trop courte',
    too_shortHelp: 'Saisissez au moins 3 lettres du nom, ou une date de naissance complète comme 12/03/1958.',
    unavailable: 'Le dossier est momentanément indisponible',
    unavailableHelp:
      'Rien n’a été enregistré. Réessayez dans quelques instants ; si cela dure, prévenez votre assistance.',
    fault: 'Une erreur s’est produite',
    faultHelp: 'Rien n’a été enregistré. Réessayez ; si cela se répète, transmettez la référence à votre assistance.',
    signed_out: 'Votre session est terminée',
    signed_outHelp:
      'Ce que vous avez saisi n’est pas enregistré, mais reste à l’écran. Connectez-vous dans un autre onglet, puis recommencez ici.',
    signed_outPageHelp:
      'Rien n’a été enregistré, et rien n’est perdu. Connectez-vous dans un autre onglet, puis envoyez de nouveau ici.',
    typed: 'Ce que vous avez saisi',
    sendAgain: 'Envoyer de nouveau',
  },
  {
    reference: 'Reference for your support',
    home: 'Back to the home page',
    signIn: 'Sign in',

    hidden: 'Page not found',
    hiddenHelp: 'This page does not exist, or is not among those you may see.',
    forbidden: 'Not allowed',
    forbiddenHelp: 'Your role does not permit this. Nothing was changed, and the request was recorded in the log.',
    network: 'Refused from this network',
    networkHelp:
      'For the time being, Vital Sync takes nothing from the network that you are using. What you typed is not the reason, and nothing was changed. Try from another network, your phone’s for instance, or call your practice.',
    invalid: 'Incomplete request',
    invalidHelp: 'What was sent could not be read. Nothing was saved.',
    conflict: 'Somebody changed this information in the meantime',
    conflictHelp: 'Nothing was saved. Compare what you typed with the current version before you try again.',
    limited: 'Too many requests in a short time',
    limitedHelp: 'Nothing is lost. Wait a minute, then try again.',
    limitedFor: (seconds: number) => `Nothing is lost. Wait ${waiting.en(seconds)}, then try again.`,
    too_many: 'Too many results',
    too_manyHelp: 'Make your search more exact: add a letter or the date of birth.',
    too_short: 'Search too short',
    too_shortHelp: 'Type at least 3 letters of the name, or a whole date of birth like 12/03/1958.',
    unavailable: 'The record is unavailable for the moment',
    unavailableHelp: 'Nothing was saved. Try again shortly; if it lasts, tell your support.',
    fault: 'Something went wrong',
    faultHelp: 'Nothing was saved. Try again; if it happens again, give the reference to your support.',
    signed_out: 'Your session has ended',
    signed_outHelp:
      'What you typed is not saved, but stays on the screen. Sign in in another tab, then try again here.',
    signed_outPageHelp: 'Nothing was saved, and nothing is lost. Sign in in another tab, then send it again here.',
    typed: 'What you typed',
    sendAgain: 'Send again',
  },
);
