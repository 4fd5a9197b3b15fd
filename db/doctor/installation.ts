// The installation itself: its migrations, its keys, and whether anybody is let in.
import { migrationState } from '../migrate.ts';
import { asOwner, checkRing } from '../owner.ts';
import { type Check, fail, ok } from './finding.ts';

export const migrations: Check = async (admin) => {
  const { applied, pending, changed, unknown } = await migrationState(admin);
  const other = 'use the version of Vital Sync that made this database';
  if (changed.length > 0) return [fail('migrations', `ran with another text: ${changed.join(', ')}`, other)];
  if (unknown.length > 0) return [fail('migrations', `not known here: ${unknown.join(', ')}`, other)];
  if (pending.length > 0) return [fail('migrations', `${pending.length} haven't run`, 'vitalsync migrate')];
  return [ok('migrations', `${applied.length} ran, with the text they have now`)];
};

/** ops.service.compared, in words. */
const basis = {
  outside: 'compared with the record outside',
  empty: 'it was new, and held nobody',
  nothing: 'by hand, compared with nothing',
};

/** After a restart, a restore or a copy nobody is let in before it was compared with the record outside (0250_service). */
export const cleared: Check = async (admin, site) => {
  if (site.embedded && !site.embedded.wasRunning)
    return [ok('cleared to serve', 'nobody is served now; vitalsync start compares first')];
  const { rows } = await admin.query('select compared, cleared_at, ops.is_cleared() as cleared from ops.service');
  const [row] = rows;
  if (row?.cleared)
    return [
      ok('cleared to serve', `since ${row.cleared_at.toISOString()}: ${basis[row.compared as keyof typeof basis]}`),
    ];
  const why = 'nobody is let in: this database was restarted, copied or restored, and hasn’t been compared since';
  return [fail('cleared to serve', why, 'vitalsync start, migrate or audit seal, with the record outside at hand')];
};

export const keys: Check = async (admin, site) => {
  const answer = await asOwner(admin, () => checkRing(admin, site.keys));
  if (answer === 'ok') return [ok('keys', 'VITAL_KEYS opens what this database holds')];
  return [fail('keys', answer, `put back ${site.keyFile} from your backup`)];
};
