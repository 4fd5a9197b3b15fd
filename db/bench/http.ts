// A keep-alive HTTP/1.1 client that costs little, so that on two cores the measured one has them: it writes a request,
// waits for the whole answer, and reads no more of it than its status and length.
import { connect, type Socket } from 'node:net';
import { headersOf, type Visit } from './pages.ts';

export class Connection {
  readonly #host: string;
  readonly #socket: Socket;
  #answered: (status: number) => void = () => {};
  #failed: (error: Error) => void = () => {};
  #head = '';
  #missing = -1;
  #status = 0;

  constructor(port: number) {
    this.#host = `127.0.0.1:${port}`;
    this.#socket = connect(port, '127.0.0.1').setNoDelay();
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#failed(error));
    this.#socket.on('close', () => this.#failed(new Error('the server closed the connection')));
  }

  /** Gives the status of the answer when its last byte is there. */
  ask(visit: Visit): Promise<number> {
    const body = visit.form ? new URLSearchParams(visit.form).toString() : '';
    const headers = Object.entries(headersOf(visit, `http://${this.#host}`)).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    return new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      this.#socket.write(
        `${visit.method} ${visit.path} HTTP/1.1\r\nHost: ${this.#host}\r\n${headers.join('')}` +
          `${body ? `Content-Length: ${Buffer.byteLength(body)}\r\n` : ''}\r\n${body}`,
      );
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#missing < 0) {
      this.#head += chunk.toString('latin1');
      const end = this.#head.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.#status = Number(this.#head.slice(9, 12));
      const length = /\r\ncontent-length: (\d+)/i.exec(this.#head.slice(0, end + 2))?.[1];
      if (length === undefined && this.#status !== 304) this.#failed(new Error('an answer without Content-Length'));
      this.#missing = Number(length ?? 0) - (this.#head.length - end - 4);
    } else this.#missing -= chunk.length;
    if (this.#missing > 0) return;
    this.#head = '';
    this.#missing = -1;
    this.#answered(this.#status);
  }
}
