// The audit log: its chains, its checkpoints, what is outside, and room for the months to come.
import { CommandError } from '../command-error.ts';
import { compareWithOutside } from '../log/compare.ts';
import { asOwner } from '../owner.ts';
import { type Check, type Finding, fail, ok, warn } from './finding.ts';

const minutes = 10; // sealing happens every one of them

export const chains: Check = (admin) =>
  asOwner(admin, async () => {
    const { rows } = await admin.query(`
      select count(*)::int as wrong, (select coalesce(sum(seq), 0)::text from audit.lanes) as events
      from audit.lanes l
      left join audit.leaves f on (f.organisation_id, f.lane, f.seq) = (l.organisation_id, l.lane, l.seq)
      where l.seq > 0 and f.hash is distinct from l.head`);
    const { wrong, events } = rows[0];
    return wrong > 0
      ? [fail('audit', `${wrong} chains don't end with their last event`, 'vitalsync audit verify tells where')]
      : [ok('audit', `every chain ends with its last event (${events} events); vitalsync audit verify reads them all`)];
  });

export const checkpoints: Check = (admin, site) =>
  asOwner(admin, async () => {
    const { rows } = await admin.query(
      `select audit.waiting_events()::int as waiting, (select count(*)::int from audit.stuck_lanes()) as stuck,
              (select max(sealed_at) from audit.checkpoints) as sealed_at,
              coalesce((select max(sealed_at) from audit.checkpoints), (select min(at) from audit.events))
                < clock_timestamp() - make_interval(mins => $1) as old`,
      [minutes],
    );
    const { waiting, stuck, sealed_at, old } = rows[0];
    const seal = 'is vitalsync start running, or the timer of vitalsync audit seal?';
    const found: (Finding | false)[] = [
      stuck > 0 &&
        fail(
          'unsealed events',
          `${stuck} chains can't join the log: an event was changed first`,
          'vitalsync audit verify tells where',
        ),
      waiting > 0 &&
        old &&
        warn('unsealed events', `${waiting} wait, and the last checkpoint is ${ageOf(sealed_at)}`, seal),
    ];
    const said = found.filter((finding) => finding !== false);
    const fresh = ok('unsealed events', `${waiting} wait; the last checkpoint is ${ageOf(sealed_at)}`);
    return [...(said.length > 0 ? said : [fresh]), await outside(admin, site)];
  });

/** Is this still the database whose log was signed? Inside `asOwner`. */
const outside = async (...[admin, site]: Parameters<Check>): Promise<Finding> => {
  try {
    const { state, finding } = await compareWithOutside(admin, site);
    if (state === 'same' || state === 'ahead') return ok('outside', finding);
    if (state === 'none')
      return warn('outside', finding, 'vitalsync audit seal signs; VITAL_WITNESS_DIR says where it is kept');
    return fail(
      'outside',
      finding,
      'vitalsync audit verify tells more; after a restore, vitalsync start goes on under a new name',
    );
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return fail('outside', error.message);
  }
};

/** Room for the months to come, and events that a clock which was far off has dated. */
export const months: Check = (admin) =>
  asOwner(admin, async () => {
    const { rows } = await admin.query(`
      select (select coalesce(sum(s.events), 0)::int from audit.strays() s) as astray,
             (select count(*)::int from audit.months() m where m.month > now()) as ahead`);
    const { astray, ahead } = rows[0];
    const found: (Finding | false)[] = [
      astray > 0 &&
        warn(
          'default partition',
          `${astray} events are dated outside of the prepared months`,
          'check the clock of the database server; upkeep files them when their month comes',
        ),
      ahead < 2 &&
        warn(
          'months ahead',
          `${ahead} are prepared`,
          'vitalsync migrate, or select ops.upkeep() as vs_owner: is its job running?',
        ),
    ];
    const said = found.filter((finding) => finding !== false);
    return said.length > 0
      ? said
      : [ok('months ahead', `${ahead} are prepared, and no event is dated outside of them`)];
  });

function ageOf(at: Date | null): string {
  if (!at) return 'missing';
  const age = Math.max(0, Math.round((Date.now() - at.getTime()) / 60_000));
  return age < 120 ? `${age} minutes old` : `${Math.round(age / 60)} hours old`;
}
