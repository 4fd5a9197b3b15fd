// E-mail by SMTP (RFC 5321). For Node.
//
// 1. Outside of this machine nothing goes out in clear: `smtps:`, or `smtp:` with STARTTLS, with certificates that are verified.
// 2. Whether a message was sent is known for certain, or said to be uncertain: until its first byte was asked for it wasn't;
//    an answer of the server says yes or no; silence after that is uncertain.
// 3. 45 seconds at most, whatever the server does.
import { Readable } from 'node:stream';
import MailComposer from 'nodemailer/lib/mail-composer';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { Outgoing, Sender } from './deliver.ts';
import type { Outcome } from './outbox.ts';

export type SmtpSettings = {
  host: string;
  port: number;
  /** TLS from the first byte; otherwise STARTTLS, but on this machine. */
  secure: boolean;
  user?: string;
  password?: string;
  /** `Cabinet des Lilas <ne-pas-repondre@exemple.fr>` */
  from: string;
};

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];
const patience = { session: 15_000, silence: 20_000, whole: 45_000 };

/** Reads `smtps://user:password@host:465` or `smtp://host:587`. @throws Error that quotes nothing of it */
export function readSmtpUrl(text: string, from: string): SmtpSettings {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const secure = url?.protocol === 'smtps:';
  if (!url?.hostname || !(secure || url.protocol === 'smtp:'))
    throw new Error('SMTP_URL must look like smtps://user:password@host:465, or smtp://host:587 with STARTTLS.');
  if (!/^[^<>\r\n]*<?[^@\s<>]+@[^@\s<>]+>?$/.test(from))
    throw new Error('MAIL_FROM must be an address, or a name with one: Cabinet <ne-pas-repondre@exemple.fr>.');
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || (secure ? 465 : 587)),
    secure,
    ...(url.username && { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }),
    from,
  };
}

export function smtpSender(settings: SmtpSettings, patient = patience): Sender {
  return async (message) => {
    const mime = new MailComposer(toMail(settings, message)).compile();
    return transmit(settings, mime.getEnvelope(), await mime.build(), patient);
  };
}

function toMail({ from }: SmtpSettings, { id, address, lang, subject, text }: Outgoing) {
  const domain = /@([^@>\s]+)>?$/.exec(from)?.[1] ?? 'localhost';
  return {
    from,
    // an object: as text, « a,b@exemple.fr » would be two addresses
    to: { name: '', address },
    subject: subject ?? '',
    text,
    textEncoding: 'quoted-printable' as const,
    // the same at each attempt: should two copies arrive after all, mailboxes show one
    messageId: `<${id}@${domain}>`,
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All', 'Content-Language': lang },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

type Envelope = { from?: string | false; to: string[] };

function transmit(
  settings: SmtpSettings,
  envelope: Envelope,
  mime: Buffer,
  patient: typeof patience,
): Promise<Outcome> {
  return new Promise((resolve) => {
    let begun = false;
    const content = Readable.from(
      (function* () {
        begun = true;
        yield mime;
      })(),
    );
    const connection = new SMTPConnection(connectionOptions(settings, patient));
    const end = (outcome: Outcome) => {
      clearTimeout(timer);
      if (outcome.outcome === 'sent') connection.quit();
      else connection.close();
      resolve(outcome);
    };
    const fail = (error: SmtpError) => end(judge(error, begun));
    const timer = setTimeout(() => fail({ code: 'ETIMEDOUT' }), patient.whole);
    const send = () => connection.send(envelope, content, (error) => (error ? fail(error) : end({ outcome: 'sent' })));
    connection.on('error', fail);
    connection.connect((error) => {
      if (error) fail(error);
      else if (!settings.user) send();
      else
        connection.login({ user: settings.user, pass: settings.password ?? '' }, (refused) =>
          refused ? fail(refused) : send(),
        );
    });
  });
}

function connectionOptions({ host, port, secure }: SmtpSettings, patient: typeof patience) {
  const local = LOOPBACK.includes(host);
  return {
    host,
    port,
    secure,
    requireTLS: !local,
    ignoreTLS: local,
    connectionTimeout: patient.session,
    greetingTimeout: patient.session,
    dnsTimeout: patient.session,
    socketTimeout: patient.silence,
  };
}

type SmtpError = { code?: string; command?: string; responseCode?: number };

/** `begun`: the server may have the message. */
function judge({ code, command = '', responseCode }: SmtpError, begun: boolean): Outcome {
  if (responseCode) {
    // 5xx about this message is final; about the session (a password that changed), somebody will mend it
    const aboutMessage = begun || /^(MAIL|RCPT|DATA)/.test(command);
    return { outcome: responseCode >= 500 && aboutMessage ? 'failed' : 'retry', reason: `smtp ${responseCode}` };
  }
  if (code === 'EENVELOPE') return { outcome: 'failed', reason: 'address' };
  return { outcome: begun ? 'uncertain' : 'retry', reason: code ?? 'smtp' };
}
