import { messages } from '../i18n.ts';

/** The first second factor of somebody whom a link of their practice has brought here. */
export const enrol = messages(
  {
    title: 'Protégez votre compte',
    step: 'Étape 2 sur 2 : une minute, et c’est fait',
    other: 'Choisir autre chose',
    why: 'Un mot de passe seul ne suffit pas à protéger des dossiers médicaux. Choisissez ce qui le complétera à chaque connexion.',
    app: 'Une application sur votre téléphone',
    appWhat: 'Elle affiche un code à 6 chiffres. Convient à tous les téléphones.',
    appChoose: 'Choisir l’application',
    passkey: 'Cet appareil lui-même, avec une clé d’accès',
    passkeyWhat:
      'Votre empreinte, votre visage, le code de l’appareil ou une clé de sécurité. Pour un appareil à vous, non partagé.',
    passkeyChoose: 'Créer une clé d’accès',
    thisDevice: 'Cet appareil',
  },
  {
    title: 'Protect your account',
    step: 'Step 2 of 2: it takes one minute',
    other: 'Choose something else',
    why: 'A password alone is not enough to protect medical records. Choose what will complete it each time you sign in.',
    app: 'An app on your phone',
    appWhat: 'It shows a 6-digit code. Suits every phone.',
    appChoose: 'Choose the app',
    passkey: 'This device itself, with a passkey',
    passkeyWhat:
      'Your fingerprint, your face, the code of the device or a security key. For a device of your own, not a shared one.',
    passkeyChoose: 'Create a passkey',
    thisDevice: 'This device',
  },
);
