// The same guards behind a real socket, attacked with bytes that no client library would send.
import { connect } from 'node:net';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guarded } from './support.ts';

let port: number;
let stop: () => Promise<void>;

beforeAll(async () => {
  const app = await guarded();
  await new Promise<void>((ready) => {
    const server = serve({ fetch: (request) => app.fetch(request, {}), hostname: '127.0.0.1', port: 0 }, (bound) => {
      port = bound.port;
      ready();
    });
    stop = () => new Promise((done) => server.close(() => done()));
  });
});
afterAll(() => stop());

/** Sends the bytes as they are; gives back everything that is answered until the server closes. */
function send(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(Buffer.from(text, 'latin1')));
    let answer = '';
    socket.on('data', (bytes) => {
      answer += bytes.toString();
    });
    socket.on('end', () => resolve(answer));
    socket.on('error', reject);
  });
}

const HEAD = 'Host: vital.test\r\nConnection: close\r\n';
const FORM = `${HEAD}Origin: http://vital.test\r\nContent-Type: application/x-www-form-urlencoded\r\n`;

test('a form from our own page arrives', async () => {
  expect(await send(`POST /notes HTTP/1.1\r\n${FORM}Content-Length: 9\r\n\r\nplan=rest`)).toMatch(
    /^HTTP\/1.1 200 [\s\S]*{"plan":"rest"}$/,
  );
});

describe('is refused without a fault:', () => {
  const refused: [string, string][] = [
    ['no Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['Host twice', `GET / HTTP/1.1\r\nHost: evil.example\r\n${HEAD}\r\n`],
    ['Host with a space', 'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n'],
    ['a NUL in the path', `GET /\0 HTTP/1.1\r\n${HEAD}\r\n`],
    ['an escaped NUL', `GET /%00 HTTP/1.1\r\n${HEAD}\r\n`],
    ['a NUL in a cookie', `GET / HTTP/1.1\r\n${HEAD}Cookie: a=\0\r\n\r\n`],
    ['a path of 9,000 characters', `GET /${'a'.repeat(9000)} HTTP/1.1\r\n${HEAD}\r\n`],
    ['headers of 17 kB', `GET / HTTP/1.1\r\n${HEAD}Cookie: ${'a'.repeat(17000)}\r\n\r\n`],
    [
      'length and chunks at once (smuggling)',
      `POST /notes HTTP/1.1\r\n${FORM}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['two lengths (smuggling)', `POST /notes HTTP/1.1\r\n${FORM}Content-Length: 4\r\nContent-Length: 5\r\n\r\na=1`],
    ['Origin twice', `POST /notes HTTP/1.1\r\n${FORM}Origin: http://evil.example\r\nContent-Length: 3\r\n\r\na=1`],
    [
      'Content-Type twice',
      `POST /notes HTTP/1.1\r\n${FORM}Content-Type: application/json\r\nOrigin: null\r\nContent-Length: 3\r\n\r\na=1`,
    ],
    ['more than it says', `POST /notes HTTP/1.1\r\n${FORM}Content-Length: 2000000\r\n\r\na=1`],
  ];
  test.each(refused)('%s', async (_, bytes) => expect(await send(bytes)).toMatch(/^HTTP\/1.1 4\d\d /));
});

describe('passes as what it is:', () => {
  test('an address in the request line does not choose our origin', async () => {
    const bytes = `POST http://evil.example/notes HTTP/1.1\r\n${FORM.replace('http://vital.test', 'http://evil.example')}Content-Length: 3\r\n\r\na=1`;
    expect(await send(bytes)).toMatch(/^HTTP\/1.1 4\d\d /);
  });
  test('two Cookie headers with a session each are no session', async () => {
    const cookie = (letter: string) => `Cookie: __Host-vs=${letter.repeat(43)}.clinician\r\n`;
    expect(await send(`GET /who HTTP/1.1\r\n${HEAD}${cookie('a')}${cookie('b')}\r\n`)).toMatch(
      /"token":null,"role":"anon"/,
    );
  });
  test('bytes beyond ASCII in the user agent', async () => {
    expect(await send(`GET /who HTTP/1.1\r\n${HEAD}User-Agent: \xe9\xff\r\n\r\n`)).toMatch(/"userAgent":"\?\?"/);
  });
  test('dots that would climb out of /static', async () => {
    expect(await send(`GET /static/../../etc/passwd HTTP/1.1\r\n${HEAD}\r\n`)).toMatch(/^HTTP\/1.1 404 /);
    expect(await send(`GET /static/%2e%2e%2f%2e%2e%2fetc/passwd HTTP/1.1\r\n${HEAD}\r\n`)).toMatch(/^HTTP\/1.1 404 /);
  });
});
