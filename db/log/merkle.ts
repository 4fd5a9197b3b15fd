// The Merkle tree of RFC 6962 §2.1, as whoever verifies sees it: hashes, proofs, and a root built leaf by leaf.
// A proof that the database gives is believed only after one of these functions has said so.
import { hash } from 'node:crypto';

export const sha256 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer');

const leafPrefix = Buffer.of(0);
const nodePrefix = Buffer.of(1);
/** SHA-256(0x00 ‖ leaf) */
export const leafHash = (leaf: Uint8Array): Buffer => sha256(Buffer.concat([leafPrefix, leaf]));
/** SHA-256(0x01 ‖ left ‖ right) */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer =>
  sha256(Buffer.concat([nodePrefix, left, right]));
/** The root of a tree without leaves. */
export const emptyRoot = (): Buffer => sha256(Buffer.of());

/** A tree that grows leaf by leaf and holds only the roots of its complete subtrees: memory is the logarithm of its size. */
export class GrowingTree {
  size = 0;
  /** Complete subtrees from the left, each larger than the next. */
  readonly #parts: { leaves: number; hash: Buffer }[] = [];

  add(hash: Buffer): void {
    let part = { leaves: 1, hash };
    while (this.#parts.at(-1)?.leaves === part.leaves) {
      const left = this.#parts.pop()!; // the loop's condition has seen it
      part = { leaves: left.leaves * 2, hash: nodeHash(left.hash, part.hash) };
    }
    this.#parts.push(part);
    this.size += 1;
  }

  root(): Buffer {
    const hashes = this.#parts.map((part) => part.hash);
    return hashes.length === 0 ? emptyRoot() : hashes.reduceRight((right, left) => nodeHash(left, right));
  }
}

type Tree = { size: number; root: Uint8Array };

/** Whether the leaf of this hash is number `index` of the tree; algorithm of RFC 9162 §2.1.3.2. */
export function provesInclusion(leaf: Uint8Array, index: number, tree: Tree, proof: readonly Uint8Array[]): boolean {
  if (!(index >= 0 && index < tree.size)) return false;
  const path = new Path(index, tree.size - 1);
  let hash: Uint8Array = leaf;
  for (const sibling of proof) {
    if (path.last === 0) return false;
    hash = path.isRight() ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
    path.rise();
  }
  return path.last === 0 && same(hash, tree.root);
}

/** Whether the old tree is the beginning of the new one; algorithm of RFC 9162 §2.1.4.2. */
export function provesConsistency(before: Tree, after: Tree, proof: readonly Uint8Array[]): boolean {
  if (before.size > after.size || before.size < 0) return false;
  if (before.size === after.size) return proof.length === 0 && same(before.root, after.root);
  if (before.size === 0) return proof.length === 0;
  const path = new Path(before.size - 1, after.size - 1);
  while (path.at % 2 === 1) path.climb();
  const [first, ...rest] = path.at === 0 ? [before.root, ...proof] : proof;
  if (!first) return false;
  let old = first;
  let grown = first;
  for (const hash of rest) {
    if (path.last === 0) return false;
    if (path.isRight()) {
      old = nodeHash(hash, old);
      grown = nodeHash(hash, grown);
    } else grown = nodeHash(grown, hash);
    path.rise();
  }
  return path.last === 0 && same(old, before.root) && same(grown, after.root);
}

/** Where a proof is in the tree: the node's number at this level, and that of the last one. Numbers may exceed 2³¹. */
class Path {
  at: number;
  last: number;
  constructor(at: number, last: number) {
    this.at = at;
    this.last = last;
  }
  isRight(): boolean {
    return this.at % 2 === 1 || this.at === this.last;
  }
  climb(): void {
    this.at = Math.floor(this.at / 2);
    this.last = Math.floor(this.last / 2);
  }
  /** Past the levels at which the last node of an odd row stands alone. */
  rise(): void {
    if (this.at % 2 === 0 && this.at === this.last) while (this.at % 2 === 0 && this.at !== 0) this.climb();
    this.climb();
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
