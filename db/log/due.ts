import type { SignedCheckpoint } from './checkpoint.ts';
import type { GrowingTree } from './merkle.ts';
import { ofTheLog, type Problem } from './problem.ts';

/** Checkpoints that a growing tree must meet, smallest first. */
export class DueCheckpoints {
  readonly #waiting: SignedCheckpoint[];
  #agreed = 0;

  constructor(checkpoints: readonly SignedCheckpoint[]) {
    this.#waiting = [...checkpoints].sort((a, b) => a.size - b.size);
  }

  /** What doesn't agree at the size that the tree has now. */
  meet(tree: GrowingTree): Problem[] {
    const problems: Problem[] = [];
    while (this.#waiting[0]?.size === tree.size) {
      const checkpoint = this.#waiting.shift()!; // seen by the condition
      if (checkpoint.root.equals(tree.root())) this.#agreed = checkpoint.size;
      else
        problems.push(
          ofTheLog(
            tree.size,
            `leaves ${this.#agreed} to ${tree.size - 1} are not those that were signed as a log of ${tree.size}`,
          ),
        );
    }
    return problems;
  }

  /** Those that the tree hasn't reached. */
  left(): SignedCheckpoint[] {
    return this.#waiting;
  }
}
