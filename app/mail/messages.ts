/**
 * What stands in e-mails and SMS. Plain and short: a mailbox isn't ours, so nothing clinical and nobody's name. Which
 * template takes what, says compose.ts.
 */
import { messages } from '../i18n.ts';

export const mail = messages(
  {
    closing: 'Vital Sync\nMessage automatique : personne ne lit les réponses.',
    notYou:
      'Si ce n’était pas vous, quelqu’un d’autre a peut-être accès à votre compte. Regardez vos connexions, et prévenez l’administrateur de votre cabinet :',
    moment: (day: string, clock: string) => `${day} à ${clock}`,
    when: (moment: string) => `C’était le ${moment}.`,
    onceWithin: (hours: number) =>
      hours === 1
        ? 'Ouvrez ce lien dans l’heure ; il sert une seule fois :'
        : `Ouvrez ce lien dans les ${hours} heures ; il sert une seule fois :`,

    invitation_subject: 'Ouvrez votre compte Vital Sync',
    invitation: (organisation: string) => `${organisation} vous invite à ouvrir votre compte.`,
    invitation_else: 'Si vous n’attendiez pas cette invitation, ne faites rien : aucun compte ne sera ouvert.',

    invitation_exists_subject: 'Un cabinet vous invite, à une autre adresse',
    invitation_exists: (practice: string) =>
      `${practice} vous invite à ouvrir un compte, mais cette adresse sert déjà à un compte Vital Sync.`,
    invitation_exists_help:
      'Un compte appartient à un seul cabinet : donnez à celui-ci une autre adresse électronique, et il vous enverra un lien.',
    invitation_exists_else: 'Si vous n’attendiez pas cette invitation, ne faites rien : rien n’a changé.',

    email_confirmation_subject: 'Confirmez votre adresse électronique',
    email_confirmation:
      'Quelqu’un, sans doute vous, s’inscrit avec cette adresse. Confirmez qu’elle est la vôtre pour continuer.',
    email_confirmation_else: 'Si ce n’était pas vous, ne faites rien : sans ce lien, il n’y aura pas de compte.',

    registration_exists_subject: 'Vous avez déjà un compte',
    registration_exists: 'Quelqu’un, sans doute vous, a voulu s’inscrire avec cette adresse. Elle a déjà un compte.',
    registration_exists_signIn: 'Pour vous connecter :',
    registration_exists_recover: 'S’il vous manque votre mot de passe ou votre téléphone :',
    registration_exists_else: 'Si ce n’était pas vous, ne faites rien : rien n’a changé.',

    email_code_subject: 'Votre code de connexion',
    email_code: (code: string) => `Votre code : ${code}`,
    email_code_help:
      'Il sert une fois, pendant 10 minutes, sur la page où vous l’avez demandé. Ne le donnez à personne, même à quelqu’un qui dit être de votre cabinet ou de l’assistance.',
    email_code_else:
      'Si vous n’êtes pas en train de vous connecter, quelqu’un connaît votre mot de passe. Changez-le sans attendre :',
    sms_code: (code: string) =>
      `Vital Sync : ${code} est votre code de connexion. Il sert une fois, 10 minutes. Ne le donnez à personne.`,
    phone_code: (code: string) =>
      `Vital Sync : ${code} est le code pour enregistrer ce numéro. Il sert une fois, 10 minutes. Ne le donnez à personne.`,

    recovery_link_subject: 'Retrouver l’accès à votre compte',
    recovery_link: 'Quelqu’un, sans doute vous, demande à retrouver l’accès à votre compte.',
    recovery_link_else:
      'Si ce n’était pas vous, ne faites rien : ce lien ne suffit pas pour entrer, et rien n’a changé.',
    recovery_requested_subject: 'Une demande d’accès à votre compte attend',
    recovery_requested:
      'Quelqu’un a demandé à remplacer les moyens de connexion de votre compte, en disant les avoir perdus.',
    recovery_requested_ready: (moment: string) =>
      `Si personne ne s’y oppose, la demande pourra aboutir à partir du ${moment}.`,
    recovery_requested_cancel: 'Si ce n’est pas vous, annulez la demande maintenant :',
    recovery_requested_sms: (link: string) =>
      `Vital Sync : demande de nouveaux moyens de connexion. Pas vous ? Annulez : ${link}`,
    recovery_ready_subject: 'Vous pouvez retrouver l’accès à votre compte',
    recovery_ready: 'Le délai de sécurité est passé. Choisissez vos nouveaux moyens de connexion :',
    recovery_confirmed_subject: 'Votre demande d’accès est confirmée',
    recovery_confirmed:
      'Quelqu’un de votre cabinet a confirmé que la demande vient de vous. Choisissez vos nouveaux moyens de connexion :',
    recovery_cancelled_subject: 'La demande d’accès à votre compte est annulée',
    recovery_cancelled: 'La demande qui voulait remplacer vos moyens de connexion est annulée. Rien n’a changé.',
    recovery_asks_colleague_subject: 'Une demande d’accès attend votre avis',
    recovery_asks_colleague:
      'Quelqu’un de votre cabinet dit avoir perdu ses moyens de connexion. Avant de répondre, assurez-vous de vive voix que la demande vient bien de cette personne :',

    unusual_sign_in_subject: 'Connexion inhabituelle à votre compte',
    unusual_sign_in: 'Quelqu’un, sans doute vous, s’est connecté à votre compte d’une façon inhabituelle.',
    unusual_sign_in_else: 'Si ce n’était pas vous, dites-le ici ; vos sessions seront fermées :',
    unusual_sign_in_of_member_subject: 'Connexion inhabituelle dans votre cabinet',
    unusual_sign_in_of_member: 'Un compte de votre cabinet a servi d’une façon inhabituelle. Les détails sont ici :',
    sign_in_stopped_subject: 'Une connexion à votre compte est en attente',
    sign_in_stopped:
      'Quelqu’un, sans doute vous, voulait se connecter d’une façon si inhabituelle que rien n’a été ouvert.',
    sign_in_stopped_release: 'Dites ici, dans les trois jours, si c’était vous ou non :',
    sign_in_stopped_else: 'Si ce n’était pas vous, quelqu’un connaît votre mot de passe : changez-le.',
    sign_in_disowned_subject: 'Une connexion signalée : ce qui a été annulé',
    sign_in_disowned: 'Quelqu’un, sans doute vous, a signalé une connexion à votre compte qui n’était pas la vôtre.',
    undone: 'Par sécurité, nous avons annulé ce qu’elle avait pu laisser :',
    undone_session: 'les autres sessions ouvertes sont fermées.',
    undone_device: 'l’appareil de cette connexion n’est plus reconnu.',
    undone_recovery: 'une demande d’accès en cours est annulée.',
    undone_address: 'l’adresse électronique d’avant est rétablie.',
    undone_passkey: 'une clé d’accès ajoutée depuis est retirée.',
    undone_totp: 'une application d’authentification ajoutée depuis est retirée.',
    undone_sms_code: 'un numéro de téléphone ajouté depuis est retiré.',
    undone_recovery_code: 'des codes de secours faits depuis ne servent plus.',
    sign_in_disowned_password: 'Choisissez maintenant un nouveau mot de passe :',
    sign_in_disowned_else: 'Si l’un de ces moyens de connexion était à vous, ajoutez-le de nouveau sur votre compte.',
    codes_refused_subject: 'Codes refusés sur votre compte',
    codes_refused:
      'Quelqu’un, peut-être vous, a saisi aujourd’hui votre mot de passe, puis cinq codes qui ne convenaient pas. Rien n’a été ouvert.',
    codes_refused_else: 'Si ce n’était pas vous, quelqu’un connaît votre mot de passe : changez-le.',
    unusual_traffic_subject: 'Essais de connexion inhabituels dans votre cabinet',
    unusual_traffic:
      'Quelqu’un essaie, depuis plusieurs réseaux, d’ouvrir un compte de votre cabinet. Ces essais ont été refusés.',
    unusual_traffic_else:
      'Les essais sont ralentis sans que vous ayez rien à faire. Rappelez à vos collègues de ne donner aucun code à personne, et prévenez votre assistance : elle peut refuser ces réseaux.',
    unusual_traffic_where: 'Les connexions inhabituelles de votre cabinet :',
    from: (where: string) => `Depuis : ${where}`,
    on: 'sur',
    reasons: 'Ce qui était inhabituel :',
    reason_new_device: 'un appareil que ce compte n’avait jamais utilisé',
    reason_new_network: 'un réseau que ce compte n’avait jamais utilisé',
    reason_impossible_speed: 'un endroit trop éloigné de la connexion d’avant',
    reason_many_failures: 'plusieurs essais manqués juste avant',
    reason_odd_hour: 'une heure où ce compte ne sert pas d’habitude',

    factor_added_subject: 'Nouveau moyen de connexion',
    factor_added: (factor: string) => `Votre compte a un moyen de connexion de plus : ${factor}.`,
    factor_removed_subject: 'Un moyen de connexion a été retiré',
    factor_removed: (factor: string) => `Votre compte a un moyen de connexion de moins : ${factor}.`,
    factor_totp: 'une application d’authentification',
    factor_passkey: 'une clé d’accès',
    factor_recovery_code: 'des codes de secours',
    factor_email_code: 'un code par e-mail',
    factor_sms_code: 'un code par SMS',
    factor_other: 'un autre moyen',
    recovery_codes_made_subject: 'Nouveaux codes de secours',
    recovery_codes_made: 'De nouveaux codes de secours ont été faits pour votre compte. Les anciens ne servent plus.',
    recovery_code_used_subject: 'Un code de secours a servi',
    recovery_code_used: 'Quelqu’un, sans doute vous, s’est connecté à votre compte avec un code de secours.',
    recovery_code_left: (left: number) =>
      left > 1
        ? `Il en reste ${left}.`
        : left === 1
          ? 'Il en reste un seul : faites-en de nouveaux.'
          : 'C’était le dernier : faites-en de nouveaux.',
    password_changed_subject: 'Votre mot de passe a changé',
    password_changed: 'Le mot de passe de votre compte a changé, et toutes les sessions ont été fermées.',
    account_changed_subject: 'Votre compte a changé',
    account_changed: 'L’administrateur de votre cabinet a modifié votre compte.',
    account_changed_where: 'Votre compte :',
    account_changed_ask: 'Pour toute question, adressez-vous à votre cabinet.',
    account_changed_suspended:
      'L’administrateur de votre cabinet a suspendu votre compte : vous ne pouvez plus vous connecter.',
    account_changed_restored: 'L’administrateur de votre cabinet a rétabli votre compte : vous pouvez vous connecter.',
    account_changed_role: 'L’administrateur de votre cabinet a changé votre rôle.',
    account_changed_name: 'L’administrateur de votre cabinet a corrigé le nom de votre compte.',
    account_changed_own_name: 'Le nom de votre compte a changé.',
    account_changed_ended: 'L’administrateur de votre cabinet a mis fin à votre compte.',
    consent_withdrawn_subject: 'Un patient a retiré un accord',
    consent_withdrawn: 'Un patient de votre organisation a retiré un accord nécessaire à son suivi.',
    consent_withdrawn_where: 'Ce qui attend votre réponse se lit après connexion :',
    consent_withdrawn_here_subject: 'Un patient a retiré un accord',
    consent_withdrawn_here_else:
      'Votre délégué à la protection des données a reçu ce message et sait de quel dossier il s’agit. S’il n’a pas de compte, créez-en un : la personne doit avoir une réponse dans le mois.',
    address_link_subject: 'Confirmez votre nouvelle adresse',
    address_link: 'Quelqu’un, sans doute vous, veut se connecter à son compte avec cette adresse.',
    address_link_else:
      'Le lien s’ouvre là où vous êtes déjà connecté. Si ce n’était pas vous, ne faites rien : il n’ouvre rien à lui seul.',
    address_exists_subject: 'Votre adresse a déjà un compte',
    address_exists:
      'Quelqu’un, peut-être vous, a voulu utiliser cette adresse pour un autre compte. Elle en a déjà un, et rien n’a changé.',
    address_exists_else: 'Si ce n’était pas vous, ne faites rien.',
    address_asked_subject: 'Votre compte doit changer d’adresse',
    address_asked:
      'Quelqu’un, sans doute vous, a demandé à se connecter à votre compte avec une autre adresse électronique.',
    address_asked_else:
      'Si ce n’était pas vous, dites-le ici dans les 7 jours : le changement est annulé, et toutes les sessions se ferment.',
    address_changed_subject: 'Votre compte a changé d’adresse',
    address_changed: 'On se connecte désormais à votre compte avec une autre adresse électronique.',
    address_changed_else: (moment: string) =>
      `Si ce n’était pas vous, dites-le ici jusqu’au ${moment} : votre compte retrouve cette adresse, et toutes les sessions se ferment.`,
    address_kept_subject: 'Votre compte garde son adresse',
    address_kept:
      'Le changement d’adresse de votre compte est annulé, et toutes ses sessions sont fermées. La personne qui l’avait demandé connaissait sans doute votre mot de passe et l’un de vos moyens de connexion.',
    address_kept_next:
      'Changez de mot de passe, regardez vos moyens de connexion, et prévenez l’administrateur de votre cabinet :',
    glass_broken_subject: 'Un dossier a été ouvert en urgence',
    glass_broken: 'Un accès d’urgence a servi à ouvrir un dossier.',
    glass_broken_where: 'Qui, pourquoi et jusqu’à quand se lit après connexion :',
  },
  {
    closing: 'Vital Sync\nAutomatic message: nobody reads the answers.',
    notYou:
      'If it wasn’t you, somebody else may have access to your account. Look at your sign-ins, and tell your practice’s administrator:',
    moment: (day: string, clock: string) => `${day} at ${clock}`,
    when: (moment: string) => `It was on ${moment}.`,
    onceWithin: (hours: number) =>
      hours === 1
        ? 'Open this link within the hour; it works only once:'
        : `Open this link within ${hours} hours; it works only once:`,

    invitation_subject: 'Open your Vital Sync account',
    invitation: (organisation: string) => `${organisation} invites you to open your account.`,
    invitation_else: 'If you didn’t expect this invitation, do nothing: no account will be opened.',

    invitation_exists_subject: 'A practice invites you, at another address',
    invitation_exists: (practice: string) =>
      `${practice} invites you to open an account, but this address has a Vital Sync account already.`,
    invitation_exists_help:
      'An account belongs to one practice: give this one another e-mail address, and it will send you a link.',
    invitation_exists_else: 'If you did not expect this invitation, do nothing: nothing has changed.',

    email_confirmation_subject: 'Confirm your e-mail address',
    email_confirmation: 'Somebody, probably you, is registering with this address. Confirm that it is yours to go on.',
    email_confirmation_else: 'If it wasn’t you, do nothing: without this link there will be no account.',

    registration_exists_subject: 'You already have an account',
    registration_exists: 'Somebody, probably you, wanted to register with this address. It has an account already.',
    registration_exists_signIn: 'To sign in:',
    registration_exists_recover: 'If your password or your phone is missing:',
    registration_exists_else: 'If it wasn’t you, do nothing: nothing has changed.',

    email_code_subject: 'Your sign-in code',
    email_code: (code: string) => `Your code: ${code}`,
    email_code_help:
      'It works once, for 10 minutes, on the page where you asked for it. Give it to nobody, not even somebody who says they are from your practice or from support.',
    email_code_else: 'If you aren’t signing in right now, somebody knows your password. Change it without delay:',
    sms_code: (code: string) =>
      `Vital Sync: ${code} is your sign-in code. It works once, for 10 minutes. Give it to nobody.`,
    phone_code: (code: string) =>
      `Vital Sync: ${code} is the code to register this number. It works once, for 10 minutes. Give it to nobody.`,

    recovery_link_subject: 'Get back into your account',
    recovery_link: 'Somebody, probably you, asks to get back into your account.',
    recovery_link_else: 'If it wasn’t you, do nothing: this link isn’t enough to get in, and nothing has changed.',
    recovery_requested_subject: 'A request about your account is waiting',
    recovery_requested: 'Somebody has asked to replace your account’s ways to sign in, saying that they were lost.',
    recovery_requested_ready: (moment: string) => `If nobody objects, the request can go through from ${moment}.`,
    recovery_requested_cancel: 'If it isn’t you, cancel the request now:',
    recovery_requested_sms: (link: string) => `Vital Sync: request for new ways to sign in. Not you? Cancel: ${link}`,
    recovery_ready_subject: 'You can get back into your account',
    recovery_ready: 'The safety delay is over. Choose your new ways to sign in:',
    recovery_confirmed_subject: 'Your request is confirmed',
    recovery_confirmed:
      'Somebody of your practice has confirmed that the request is yours. Choose your new ways to sign in:',
    recovery_cancelled_subject: 'The request about your account is cancelled',
    recovery_cancelled: 'The request to replace your ways to sign in is cancelled. Nothing has changed.',
    recovery_asks_colleague_subject: 'A request for access waits for your opinion',
    recovery_asks_colleague:
      'Somebody of your practice says they have lost their ways to sign in. Before you answer, make sure in person or by voice that the request really is theirs:',

    unusual_sign_in_subject: 'Unusual sign-in to your account',
    unusual_sign_in: 'Somebody, probably you, signed in to your account in an unusual way.',
    unusual_sign_in_else: 'If it wasn’t you, say so here; your sessions will be closed:',
    unusual_sign_in_of_member_subject: 'Unusual sign-in in your practice',
    unusual_sign_in_of_member: 'An account of your practice was used in an unusual way. The details are here:',
    sign_in_stopped_subject: 'A sign-in to your account is on hold',
    sign_in_stopped: 'Somebody, probably you, wanted to sign in in so unusual a way that nothing was opened.',
    sign_in_stopped_release: 'Say here, within three days, whether that was you or not:',
    sign_in_stopped_else: 'If it wasn’t you, somebody knows your password: change it.',
    sign_in_disowned_subject: 'A reported sign-in: what was undone',
    sign_in_disowned: 'Somebody, probably you, reported a sign-in to your account that wasn’t yours.',
    undone: 'For safety we have undone what it may have left:',
    undone_session: 'the other open sessions are closed.',
    undone_device: 'the device of that sign-in is no longer recognised.',
    undone_recovery: 'a request for access that was under way is cancelled.',
    undone_address: 'the e-mail address from before is back.',
    undone_passkey: 'a passkey added since is removed.',
    undone_totp: 'an authenticator app added since is removed.',
    undone_sms_code: 'a telephone number added since is removed.',
    undone_recovery_code: 'recovery codes made since don’t work any more.',
    sign_in_disowned_password: 'Choose a new password now:',
    sign_in_disowned_else: 'If one of these ways to sign in was yours, add it again on your account.',
    codes_refused_subject: 'Refused codes on your account',
    codes_refused:
      'Somebody, perhaps you, typed your password today and then five codes that didn’t fit. Nothing was opened.',
    codes_refused_else: 'If it wasn’t you, somebody knows your password: change it.',
    unusual_traffic_subject: 'Unusual attempts to sign in at your practice',
    unusual_traffic:
      'Somebody is trying, from several networks, to open an account of your practice. These attempts were refused.',
    unusual_traffic_else:
      'The attempts are slowed down without your doing anything. Remind your colleagues to give no code to anybody, and tell your support: it can refuse these networks.',
    unusual_traffic_where: 'Unusual sign-ins of your practice:',
    from: (where: string) => `From: ${where}`,
    on: 'on',
    reasons: 'What was unusual:',
    reason_new_device: 'a device that this account had never used',
    reason_new_network: 'a network that this account had never used',
    reason_impossible_speed: 'a place too far from the sign-in before',
    reason_many_failures: 'several failed attempts just before',
    reason_odd_hour: 'an hour at which this account isn’t usually used',

    factor_added_subject: 'New way to sign in',
    factor_added: (factor: string) => `Your account has one more way to sign in: ${factor}.`,
    factor_removed_subject: 'A way to sign in was removed',
    factor_removed: (factor: string) => `Your account has one way to sign in less: ${factor}.`,
    factor_totp: 'an authenticator app',
    factor_passkey: 'a passkey',
    factor_recovery_code: 'recovery codes',
    factor_email_code: 'a code by e-mail',
    factor_sms_code: 'a code by SMS',
    factor_other: 'another way',
    recovery_codes_made_subject: 'New recovery codes',
    recovery_codes_made: 'New recovery codes were made for your account. The old ones don’t work any more.',
    recovery_code_used_subject: 'A recovery code was used',
    recovery_code_used: 'Somebody, probably you, signed in to your account with a recovery code.',
    recovery_code_left: (left: number) =>
      left > 1
        ? `${left} are left.`
        : left === 1
          ? 'One is left: make new ones.'
          : 'It was the last one: make new ones.',
    password_changed_subject: 'Your password has changed',
    password_changed: 'Your account’s password has changed, and all sessions were closed.',
    account_changed_subject: 'Your account has changed',
    account_changed: 'Your practice’s administrator has changed your account.',
    account_changed_where: 'Your account:',
    account_changed_ask: 'If you have a question, ask your practice.',
    account_changed_suspended: 'Your practice’s administrator has suspended your account: you can’t sign in any more.',
    account_changed_restored: 'Your practice’s administrator has restored your account: you can sign in.',
    account_changed_role: 'Your practice’s administrator has changed your role.',
    account_changed_name: 'Your practice’s administrator has corrected the name of your account.',
    account_changed_own_name: 'The name of your account has changed.',
    account_changed_ended: 'Your practice’s administrator has ended your account.',
    consent_withdrawn_subject: 'A patient has withdrawn an agreement',
    consent_withdrawn: 'A patient of your organisation has withdrawn an agreement that their care needs.',
    consent_withdrawn_where: 'What waits for your answer can be read after signing in:',
    consent_withdrawn_here_subject: 'A patient has withdrawn an agreement',
    consent_withdrawn_here_else:
      'Your data protection officer has this message and knows which record it is about. If they have no account, create one: the person must be answered within a month.',
    address_link_subject: 'Confirm your new address',
    address_link: 'Somebody, probably you, wants to sign in to their account with this address.',
    address_link_else:
      'The link works where you are signed in already. If it wasn’t you, do nothing: by itself it opens nothing.',
    address_exists_subject: 'Your address has an account already',
    address_exists:
      'Somebody, perhaps you, wanted to use this address for another account. It has one already, and nothing has changed.',
    address_exists_else: 'If it wasn’t you, do nothing.',
    address_asked_subject: 'Your account is to have another address',
    address_asked: 'Somebody, probably you, has asked to sign in to your account with another e-mail address.',
    address_asked_else:
      'If it wasn’t you, say so here within 7 days: the change is undone, and all sessions are closed.',
    address_changed_subject: 'Your account has another address',
    address_changed: 'From now on your account is signed in to with another e-mail address.',
    address_changed_else: (moment: string) =>
      `If it wasn’t you, say so here until ${moment}: your account gets this address back, and all sessions are closed.`,
    address_kept_subject: 'Your account keeps its address',
    address_kept:
      'The change of your account’s address is undone, and all its sessions are closed. Whoever asked for it probably knew your password and one of your ways to sign in.',
    address_kept_next: 'Change your password, look at your ways to sign in, and tell your practice’s administrator:',
    glass_broken_subject: 'A record was opened in an emergency',
    glass_broken: 'Emergency access was used to open a record.',
    glass_broken_where: 'Who, why and until when can be read after signing in:',
  },
);
