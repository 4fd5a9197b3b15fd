// A real SMTP server, which does what a test tells it to.
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export type Received = { to: string[]; from: string; raw: string };
/** At which point the server says no, falls silent or hangs up. `after` the content has come whole. */
export type Mood = {
  login?: number;
  recipient?: number;
  content?: number;
  silent?: 'greeting' | 'recipient' | 'after';
  cut?: 'recipient' | 'after';
};
export type MailServer = { port: number; received: Received[]; mood: Mood; close(): Promise<void> };

export async function startMailServer(options: { port?: number; host?: string } = {}): Promise<MailServer> {
  const received: Received[] = [];
  const state: { mood: Mood } = { mood: {} };
  const no = (code: number) =>
    Object.assign(new Error('no such thing for <somebody@exemple.fr>'), { responseCode: code });
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    authOptional: true,
    allowInsecureAuth: true,
    logger: false,
    closeTimeout: 200,
    onConnect: (_session, callback) => {
      if (state.mood.silent !== 'greeting') callback();
    },
    onAuth: ({ username }, _session, callback) =>
      state.mood.login ? callback(no(state.mood.login)) : callback(null, { user: username ?? '' }),
    onRcptTo: (_address, session, callback) => {
      const { recipient, silent, cut } = state.mood;
      if (cut === 'recipient') return void socketOf(session).destroy();
      if (silent !== 'recipient') callback(recipient ? no(recipient) : undefined);
    },
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { content, silent, cut } = state.mood;
        if (content) return void callback(no(content));
        const { mailFrom, rcptTo } = session.envelope;
        received.push({
          raw: Buffer.concat(chunks).toString(),
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
        });
        if (cut === 'after') return void socketOf(session).destroy();
        if (silent !== 'after') callback();
      });
    },
  });
  server.on('error', () => {});
  const sockets = new Map<string, { destroy(): void }>();
  const socketOf = ({ id }: { id: string }) => sockets.get(id) ?? { destroy: () => {} };
  // the server doesn't hand its sockets out; each connection knows its session's id
  const known = server as unknown as { connections: Set<{ id: string; _socket: { destroy(): void } }> };
  const look = setInterval(() => {
    for (const { id, _socket } of known.connections) sockets.set(id, _socket);
  }, 5);
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    received,
    get mood() {
      return state.mood;
    },
    set mood(mood: Mood) {
      state.mood = mood;
    },
    close: () =>
      new Promise((resolve) => {
        clearInterval(look);
        for (const socket of sockets.values()) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** What a mailbox shows: headers, and the text with its quoted-printable undone. */
export function readMail({ raw }: Received): { headers: Record<string, string>; text: string } {
  const [head = '', ...body] = raw.split('\r\n\r\n');
  const headers = Object.fromEntries(
    head
      .replace(/\r\n[ \t]+/g, ' ')
      .split('\r\n')
      .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const bytes = body
    .join('\r\n\r\n')
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return { headers, text: Buffer.from(bytes, 'latin1').toString('utf8').replaceAll('\r\n', '\n') };
}
