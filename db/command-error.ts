/**
 * What went wrong, in one sentence for the person at the terminal, saying what to do next.
 * The command line prints the sentence and nothing else: no stack, no SQL, no value.
 */
export class CommandError extends Error {
  override name = 'CommandError';
}
