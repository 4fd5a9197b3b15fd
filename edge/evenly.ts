// How long an answer takes must not tell whether an address is known (requirement A10). What the database does for a known
// one takes some milliseconds more: the answer waits until both would long be there.

/** In milliseconds: several times what either takes on a machine that is busy. */
const SPAN = 400;

/** Does `work`, and gives its result no sooner than the span after the beginning; the next one if it took longer. */
export async function evenly<T>(work: () => Promise<T>, span = SPAN): Promise<T> {
  const started = performance.now();
  try {
    return await work();
  } finally {
    const spent = performance.now() - started;
    await new Promise((resolve) => setTimeout(resolve, span - (spent % span)));
  }
}
