import { messages } from '../i18n.ts';

/** Back into an account: in the words of somebody who is in a hurry, and of a colleague who is asked about them. */
export const recover = messages(
  {
    title: 'Retrouver l’accès à votre compte',
    intro: 'Mot de passe oublié, téléphone perdu : commencez par votre adresse.',
    email: 'Adresse électronique',
    emailHint: 'Celle avec laquelle vous vous connectez.',
    emailMissing: 'Saisissez votre adresse électronique',
    send: 'Recevoir un lien',
    back: 'Retour à la connexion',

    sentTitle: 'Consultez votre messagerie',
    sent: 'Si un compte utilise cette adresse, un lien y arrive dans quelques minutes. Il fonctionne une heure.',
    sentHelp:
      'Rien ne vient ? Regardez parmi les messages indésirables et vérifiez l’adresse. Sinon, adressez-vous à votre cabinet.',
    again: 'Recommencer',

    chooseTitle: 'Qu’est-ce qui vous manque ?',
    lost_password: 'J’ai oublié mon mot de passe',
    lost_passwordHelp: 'Vous avez encore votre application, votre clé d’accès ou un code de secours.',
    lost_factors: 'J’ai perdu mon téléphone ou ma clé d’accès',
    lost_factorsHelp:
      'Vous connaissez votre mot de passe. Quelqu’un de votre cabinet confirme que c’est vous ; sinon, l’accès revient au bout de 24 heures.',
    lost_both: 'Les deux me manquent',
    lost_bothHelp: 'Quelqu’un de votre cabinet doit confirmer que c’est vous.',
    other: 'Autre chose me manque',

    step1: 'Étape 1 sur 2',
    passwordNext:
      'Choisissez un nouveau mot de passe. Il remplacera l’ancien à l’étape suivante, quand vous aurez donné votre code ou utilisé votre clé d’accès.',
    passwordLater:
      'Choisissez un nouveau mot de passe et gardez-le en tête : il vous sera redemandé quand votre demande sera confirmée.',
    present: 'Votre mot de passe actuel',
    presentMissing: 'Saisissez votre mot de passe',
    next: 'Continuer',
    refused: 'Ce n’est pas le bon mot de passe.',
    refusedHelp: 'Vérifiez la touche Verr. maj., puis recommencez. Après cinq essais, il faut un nouveau lien.',
    noFactor:
      'Ce compte n’a ni application, ni clé d’accès, ni code de secours. Revenez en arrière et choisissez « Les deux me manquent ».',

    waitTitle: 'Votre demande attend une confirmation',
    waitConfirm: 'Appelez votre cabinet, ou passez-y, et donnez ce code à la personne qui vous répond :',
    code: 'Code à donner',
    readyAt: 'Si personne ne le fait, vous pourrez continuer seul à partir du',
    mustConfirm: 'Sans cette confirmation, la demande s’éteint au bout de quatre jours.',
    leave:
      'Vous pouvez fermer cette page : un message vous préviendra dès que vous pourrez continuer. Le lien que vous avez reçu ramène ici.',
    told: 'Un autre message permet d’annuler la demande, au cas où elle ne viendrait pas de vous. Si elle vient de vous, laissez-le.',
    reload: 'Actualiser cette page',

    readyTitle: 'Vous pouvez continuer',
    ready:
      'À l’étape suivante, vous ajoutez un nouveau moyen de connexion. Au même moment, les anciens (application, clés d’accès, codes) sont retirés et toutes les autres sessions fermées.',
    readyPassword: 'Votre mot de passe',
    readyPasswordHint: 'Celui que vous connaissez, ou celui que vous avez choisi en faisant la demande.',

    cancelTitle: 'Annuler la demande',
    cancelIntro:
      'Quelqu’un a demandé à remplacer vos moyens de connexion. Si ce n’est pas vous, annulez : rien ne change dans votre compte.',
    cancelNot: 'Si c’est vous, fermez cette page : votre demande continue.',
    cancel: 'Annuler la demande',
    cancelled: 'La demande est annulée',
    cancelledHelp:
      'Rien n’a changé dans votre compte. Quelqu’un connaît peut-être votre mot de passe ou lit votre messagerie : connectez-vous pour changer le premier (Votre compte, Mot de passe), et changez aussi celui de votre messagerie.',
    cancelGone:
      'La demande est déjà annulée, ou elle a abouti. Si elle ne venait pas de vous et que vous ne pouvez plus vous connecter, appelez votre cabinet sans attendre.',

    goneHelp: 'Il a plus d’une heure, il a déjà servi, ou la demande a été annulée.',

    listTitle: 'Accès perdus',
    listIntro:
      'Ces personnes ne peuvent plus se connecter et demandent à retrouver leur accès. Confirmez seulement quelqu’un que vous reconnaissez, de vive voix ou en personne, et qui vous donne le code de sa page.',
    listEmpty: 'Personne n’attend de confirmation.',
    name: 'Nom',
    nameUnknown: 'nom non accessible',
    role: 'Rôle',
    missing: 'Ce qui manque',
    missing_factors: 'second facteur',
    missing_both: 'mot de passe et second facteur',
    askedAt: 'Demandé le',
    alone: 'Sans confirmation',
    aloneFrom: 'accès possible dès le',
    never: 'jamais d’accès',
    confirmation: 'Confirmation',
    confirmedBy: (name: string) => `confirmé par ${name}`,
    codeOf: (name: string) => `Code donné par ${name}`,
    codeMissing: 'Saisissez les 6 chiffres',
    confirm: 'Confirmer',
    reject: 'Refuser : ce n’est pas cette personne',
    done_confirm: 'Demande confirmée. La personne a reçu un message pour continuer.',
    done_reject: 'Demande refusée. La personne en est informée.',
    refusal_invalid: 'Ce n’est pas le code de cette personne. Rien n’est confirmé.',
    refusal_limited: 'Trop de codes essayés : cette demande ne peut plus être confirmée. Elle doit être refaite.',
    refusal_conflict: 'Quelqu’un a déjà confirmé cette demande.',
    refusal_hidden: 'Cette demande n’attend plus : elle a été annulée, ou elle a abouti.',
  },
  {
    title: 'Get back into your account',
    intro: 'Password forgotten, telephone lost: begin with your address.',
    email: 'E-mail address',
    emailHint: 'The one that you sign in with.',
    emailMissing: 'Enter your e-mail address',
    send: 'Get a link',
    back: 'Back to sign-in',

    sentTitle: 'Look into your mailbox',
    sent: 'If an account uses this address, a link arrives there within a few minutes. It works for an hour.',
    sentHelp: 'Nothing comes? Look among unwanted messages and check the address. Otherwise ask your practice.',
    again: 'Start again',

    chooseTitle: 'What is missing?',
    lost_password: 'I have forgotten my password',
    lost_passwordHelp: 'You still have your app, your passkey or a recovery code.',
    lost_factors: 'I have lost my telephone or my passkey',
    lost_factorsHelp:
      'You know your password. Somebody of your practice confirms that it is you; otherwise access comes back after 24 hours.',
    lost_both: 'Both are missing',
    lost_bothHelp: 'Somebody of your practice has to confirm that it is you.',
    other: 'Something else is missing',

    step1: 'Step 1 of 2',
    passwordNext:
      'Choose a new password. It will replace the old one in the next step, when you have given your code or used your passkey.',
    passwordLater: 'Choose a new password and remember it: you will be asked for it when your request is confirmed.',
    present: 'Your present password',
    presentMissing: 'Enter your password',
    next: 'Continue',
    refused: 'This is not the right password.',
    refusedHelp: 'Check the Caps Lock key, then try again. After five tries you need a new link.',
    noFactor: 'This account has no app, no passkey and no recovery code. Go back and choose “Both are missing”.',

    waitTitle: 'Your request is waiting to be confirmed',
    waitConfirm: 'Call your practice, or go there, and give this code to whoever answers you:',
    code: 'Code to give',
    readyAt: 'If nobody does, you can go on alone from',
    mustConfirm: 'Without this confirmation the request ends after four days.',
    leave:
      'You can close this page: a message will tell you as soon as you can go on. The link that you got leads back here.',
    told: 'Another message can cancel the request, in case it was not you. If it was you, leave it alone.',
    reload: 'Refresh this page',

    readyTitle: 'You can go on',
    ready:
      'In the next step you add a new way to sign in. At that moment the old ones (app, passkeys, codes) are removed and every other session ended.',
    readyPassword: 'Your password',
    readyPasswordHint: 'The one that you know, or the one that you chose when you asked.',

    cancelTitle: 'Cancel the request',
    cancelIntro:
      'Somebody asked to replace your ways to sign in. If it was not you, cancel: nothing changes in your account.',
    cancelNot: 'If it was you, close this page: your request goes on.',
    cancel: 'Cancel the request',
    cancelled: 'The request is cancelled',
    cancelledHelp:
      'Nothing has changed in your account. Somebody may know your password or read your mailbox: sign in to change the first (Your account, Password), and change that of your mailbox too.',
    cancelGone:
      'The request is cancelled already, or it has gone through. If it was not you and you can no longer sign in, call your practice at once.',

    goneHelp: 'It is older than an hour, it was used already, or the request was cancelled.',

    listTitle: 'Lost access',
    listIntro:
      'These people can no longer sign in and ask to get back in. Confirm only somebody whom you recognise, by voice or in person, and who gives you the code of their page.',
    listEmpty: 'Nobody waits for a confirmation.',
    name: 'Name',
    nameUnknown: 'name not accessible',
    role: 'Role',
    missing: 'What is missing',
    missing_factors: 'second factor',
    missing_both: 'password and second factor',
    askedAt: 'Asked on',
    alone: 'Without confirmation',
    aloneFrom: 'access possible from',
    never: 'no access',
    confirmation: 'Confirmation',
    confirmedBy: (name: string) => `confirmed by ${name}`,
    codeOf: (name: string) => `Code given by ${name}`,
    codeMissing: 'Type the 6 digits',
    confirm: 'Confirm',
    reject: 'Reject: it is not this person',
    done_confirm: 'Request confirmed. The person got a message to go on.',
    done_reject: 'Request rejected. The person is told.',
    refusal_invalid: 'This is not this person’s code. Nothing is confirmed.',
    refusal_limited: 'Too many codes were tried: this request can no longer be confirmed. It has to be made again.',
    refusal_conflict: 'Somebody has confirmed this request already.',
    refusal_hidden: 'This request no longer waits: it was cancelled, or has gone through.',
  },
);
