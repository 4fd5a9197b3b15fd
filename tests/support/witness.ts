// A witness as c2sp.org/tlog-witness has it, for tests: one log, one Ed25519 key, memory alone. A second one, written in
// Go with x/mod/sumdb, is in tests/outside.
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openCheckpoint, type SignedCheckpoint } from '../../db/log/checkpoint.ts';
import { provesConsistency } from '../../db/log/merkle.ts';
import { cosigned, keyId, rawPublicKey, signatureLine, vkey } from '../../db/log/note.ts';

export type TestWitness = {
  url: string;
  vkey: string;
  /** The last checkpoint that it cosigned. */
  seen?: SignedCheckpoint;
  /** What it was sent. */
  requests: string[];
  /** Answers instead of it, once for each. */
  answers: { status: number; body: string }[];
  /** Whether it tells what it has seen. */
  tells: boolean;
  close(): Promise<void>;
};

const name = 'witness.example/w1';

/** @param logKey the log's verifier key */
export async function startWitness(logKey: string): Promise<TestWitness> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const server = createServer((request, response) => void answer(witness, logKey, privateKey, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const witness: TestWitness = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/w1`,
    vkey: vkey(name, privateKey, 4),
    requests: [],
    answers: [],
    tells: true,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
  return witness;
}

async function answer(
  witness: TestWitness,
  logKey: string,
  key: KeyObject,
  request: IncomingMessage,
  response: ServerResponse,
) {
  let body = '';
  for await (const chunk of request) body += chunk;
  const { status, text, type } =
    request.method === 'POST' ? add(witness, logKey, key, body) : tell(witness, request.url ?? '');
  response.writeHead(status, { 'content-type': type ?? 'text/plain', connection: 'close' }).end(text);
}

type Answer = { status: number; text: string; type?: string };

function tell({ seen, tells }: TestWitness, path: string): Answer {
  if (!seen || !tells) return { status: 404, text: '' };
  const hash = createHash('sha256').update(seen.origin).digest('hex');
  return path === `/w1/${hash}/checkpoint` ? { status: 200, text: seen.note } : { status: 404, text: '' };
}

function add(witness: TestWitness, logKey: string, key: KeyObject, body: string): Answer {
  witness.requests.push(body);
  const instead = witness.answers.shift();
  if (instead) return { status: instead.status, text: instead.body };
  const [, old = '', lines = '', note = ''] =
    /^old (0|[1-9]\d*)\n((?:[A-Za-z0-9+/]{43}=\n){0,63})\n([\s\S]*)$/.exec(body) ?? [];
  if (!note) return { status: 400, text: '' };
  let checkpoint: SignedCheckpoint;
  try {
    checkpoint = openCheckpoint(note, [logKey]);
  } catch {
    return { status: 403, text: '' };
  }
  const size = witness.seen?.size ?? 0;
  if (Number(old) > checkpoint.size) return { status: 400, text: '' };
  if (Number(old) !== size) return { status: 409, text: `${size}\n`, type: 'text/x.tlog.size' };
  const proof = lines
    .split('\n')
    .slice(0, -1)
    .map((line) => Buffer.from(line, 'base64'));
  const before = witness.seen ?? { size: 0, root: Buffer.alloc(0) };
  if (!provesConsistency(before, checkpoint, proof)) return { status: 422, text: '' };
  const line = cosignature(checkpoint.text, key);
  witness.seen = { ...checkpoint, note: note + line };
  return { status: 200, text: line };
}

function cosignature(text: string, key: KeyObject): string {
  const at = BigInt(Math.floor(Date.now() / 1000));
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(at);
  return signatureLine(
    name,
    Buffer.concat([keyId(name, rawPublicKey(key), 4), time, sign(null, cosigned(text, at), key)]),
  );
}
