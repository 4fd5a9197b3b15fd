// A process of its own that delivers, for tests that kill it: GATE_URL, VITAL_KEYS, SMTP_PORT.
import { openDoor } from '../../db/door.ts';
import { keepDelivering } from '../../edge/deliver.ts';
import { readSmtpUrl, smtpSender } from '../../edge/smtp.ts';

const { GATE_URL = '', VITAL_KEYS = '', SMTP_PORT = '' } = process.env;
const door = openDoor({ edgeUrl: GATE_URL, gateUrl: GATE_URL, ring: VITAL_KEYS });
const email = smtpSender(readSmtpUrl(`smtp://127.0.0.1:${SMTP_PORT}`, 'Vital Sync <ne-pas-repondre@exemple.fr>'));
keepDelivering({ door, ring: VITAL_KEYS, origin: 'https://dossier.exemple.fr', senders: { email } }, () => {}, 100);
process.send?.('ready');
