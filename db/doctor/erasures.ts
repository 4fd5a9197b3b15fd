// Who was forgotten: is it kept outside, and complete?
import { CommandError } from '../command-error.ts';
import { erasuresFile, readErasures } from '../erasures.ts';
import { asOwner } from '../owner.ts';
import { type Check, fail, ok, warn } from './finding.ts';

export const erasures: Check = (admin, site) =>
  asOwner(admin, async () => {
    const { rows } = await admin.query<{ patient: string; complete: boolean }>(
      'select patient_id as patient, complete_from < clock_timestamp() as complete from privacy.erasures',
    );
    const waiting = rows.filter(({ complete }) => !complete).length;
    const known = `${rows.length} erasures${waiting > 0 ? `, ${waiting} of them incomplete until backups of before are gone` : ''}`;
    try {
      const told = readErasures(site);
      const missing = rows.filter(({ patient }) => !told?.lines.has(patient)).length;
      if (missing > 0 || !told)
        return [
          warn(
            'erasures',
            `${known}; ${missing} aren't in ${erasuresFile(site)}, so that a restore would undo them`,
            'vitalsync audit seal writes it; VITAL_WITNESS_DIR says where it is kept',
          ),
        ];
      return [ok('erasures', `${known}; the record outside holds them`)];
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      return [fail('erasures', error.message)];
    }
  });
