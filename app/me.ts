import { k } from '../db/query.ts';

/** The signed-in person, for the top bar: every page reads it in its own batch. */
export function readMe() {
  return k.selectFrom('clinic.me').select(['display_name', 'organisation_name', 'role']).compile();
}
