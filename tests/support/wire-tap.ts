// What a client says to Postgres, message by message (the frontend half of the protocol, after the start-up).
import { createServer, connect as dial, type Socket } from 'node:net';

export type Message = { type: string; body: Buffer };
export type Tap = { url: string; messages: Message[]; close(): Promise<void> };

export async function openTap(url: string): Promise<Tap> {
  const there = new URL(url);
  const target = { port: Number(there.port), host: there.hostname };
  const messages: Message[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = dial(target);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    const read = reader(messages);
    client.on('data', (bytes: Buffer) => {
      read(bytes);
      upstream.write(bytes);
    });
    upstream.pipe(client);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  there.port = String(typeof address === 'object' && address ? address.port : 0);
  return {
    url: there.href,
    messages,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

/** A type of one byte, a length of four that counts itself, the body; the first message has no type. */
function reader(messages: Message[]): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let started = false;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const at = started ? 1 : 0;
      if (rest.length < at + 4) return;
      const end = at + rest.readUInt32BE(at);
      if (rest.length < end) return;
      if (started) messages.push({ type: rest.toString('latin1', 0, 1), body: rest.subarray(5, end) });
      started = true;
      rest = rest.subarray(end);
    }
  };
}
