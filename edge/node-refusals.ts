// What Node's own HTTP server and its adapter refuse before the app sees it: no HTTP, headers of 16 KB, a Host or a target that
// is none. Answered as the app's guards answer, and recorded as theirs are (refusals.ts).
import { AsyncLocalStorage } from 'node:async_hooks';
import { createServer, type IncomingMessage, type ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener, RequestError } from '@hono/node-server';
import { readAddress } from './client.ts';
import type { Recorder, RefusedKind } from './refusals.ts';

export type FetchCallback = Parameters<typeof getRequestListener>[0];

/** A server of Node's for the app's `fetch`. */
export function createRecordingServer(
  fetch: FetchCallback,
  options: ServerOptions,
  recorder: Recorder,
  proxied: boolean,
) {
  const asked = new AsyncLocalStorage<IncomingMessage>();
  // Behind our proxy the socket is the proxy's, and what it wrote about the caller wasn't read: the place is left out.
  const tell = (kind: RefusedKind, socket: Socket | undefined) => {
    const ip = proxied ? null : (readAddress(socket?.remoteAddress) ?? null);
    recorder.note({ token: null, role: 'anon', ip, userAgent: null, requestId: crypto.randomUUID() }, kind);
  };

  /** Only a RequestError: the app answers its own. */
  const errorHandler = (error: unknown): Response => {
    if (!(error instanceof RequestError)) return new Response(null, { status: 500 });
    // the adapter makes an address of Host and target: with a sound target it was Host
    const isTarget = /^\/[\x21-\x5b\x5d-\x7e]*$/.test(asked.getStore()?.url ?? '');
    tell(isTarget ? 'request.host' : 'request.malformed', asked.getStore()?.socket);
    return new Response(null, { status: 400 });
  };
  const listener = getRequestListener(fetch, { errorHandler });
  const server = createServer(options, (incoming, outgoing) => asked.run(incoming, () => listener(incoming, outgoing)));

  return server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const [status, kind] = answerTo(error.code);
    if (kind) tell(kind, socket);
    // as Node does by itself: not into an answer that is under way
    const answering = (socket as { _httpMessage?: { headersSent: boolean } | null })._httpMessage;
    if (socket.writable && !answering?.headersSent)
      socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    socket.destroy();
  });
}

/** The status that Node itself gives, and what it is called where somebody was refused, rather than slow or cut off. */
function answerTo(code: string | undefined): [status: string, kind?: RefusedKind] {
  if (code === 'HPE_HEADER_OVERFLOW') return ['431 Request Header Fields Too Large', 'request.too_large'];
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return ['413 Payload Too Large', 'request.too_large'];
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return ['408 Request Timeout'];
  if (code?.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE') return ['400 Bad Request', 'request.malformed'];
  return ['400 Bad Request'];
}
