import { messages } from '../i18n.ts';

export const demoMail = messages(
  {
    title: 'Messages de la démonstration',
    intro:
      'Ici, aucun e-mail ni SMS ne part : cette page montre ce que chacun aurait reçu. Elle n’existe que sur cette machine, et oublie tout à l’arrêt.',
    none: 'Aucun message pour l’instant. Une invitation, un code par e-mail ou un nouveau moyen de connexion en font partir un.',
    refresh: 'Actualiser',
    to: (address: string) => `À ${address}`,
    email: 'E-mail',
    sms: 'SMS',
  },
  {
    title: 'Messages of the demo',
    intro:
      'No e-mail or SMS leaves from here: this page shows what everybody would have received. It exists on this machine alone, and forgets everything when it stops.',
    none: 'No message so far. An invitation, a code by e-mail or a new way to sign in sends one.',
    refresh: 'Refresh',
    to: (address: string) => `To ${address}`,
    email: 'E-mail',
    sms: 'SMS',
  },
);
