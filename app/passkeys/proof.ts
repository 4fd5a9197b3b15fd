/** For every page that takes a passkey as second factor: sign-in and step-up. */
import type { Door } from '../../db/batch.ts';
import { type AssertionProof, readAssertion } from '../../edge/webauthn.ts';
import { readKey } from './queries.ts';

/**
 * In: what PasskeyButton put into its field. Out: the proof for `takeFactor(…, 'passkey', proof, …)`; an empty one, which
 * the database refuses and records, for whatever can't be read.
 */
export function passkeyProof(door: Door, credential: string): Promise<AssertionProof> {
  return readAssertion(credential, async (id) => {
    const [row] = await door.gate(readKey(id));
    return row?.key ?? null;
  });
}
