// Where plaintext could go past the pages.
import { missingPowers, revokeSpills, silenceErrors } from '../superuser.ts';
import { type Check, ok, warn } from './finding.ts';

export const spills: Check = async (admin) => {
  const missing = await missingPowers(admin);
  const { rows } = await admin.query('select count(*)::int as objects from pg_largeobject_metadata');
  const found = [
    missing.spills &&
      warn(
        'spills',
        'roles that act may write large objects and notifications, past the audit log',
        `as superuser: ${revokeSpills}`,
      ),
    missing.errors &&
      warn(
        'server log',
        'errors of pages stand in it, and may quote a value',
        `as superuser: ${silenceErrors.join('; ')}`,
      ),
    rows[0].objects > 0 &&
      warn(
        'large objects',
        `there are ${rows[0].objects}, and Vital Sync makes none`,
        'look at pg_largeobject_metadata, then select lo_unlink(oid)',
      ),
  ].filter((finding) => finding !== false);
  return found.length > 0 ? found : [ok('spills', 'no large objects, and nowhere for plaintext to go but the page')];
};
