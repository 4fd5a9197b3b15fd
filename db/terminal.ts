// What long and irreversible commands ask of whoever sits at the terminal.
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';

/** Runs the work with a signal that Ctrl-C or SIGTERM sets off: it ends at the next good place. */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
  try {
    return await work(stop.signal);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
  }
}

/** What is typed after the question; empty after Ctrl-C or Ctrl-D. */
export async function askOnTerminal(question: string): Promise<string> {
  const asked = createInterface({ input: process.stdin, output: process.stderr });
  const ended = once(asked, 'close').then(() => ''); // Ctrl-D
  try {
    const typed = await Promise.race([asked.question(question), ended]).catch(() => ''); // Ctrl-C
    return typed.trim();
  } finally {
    asked.close();
  }
}
