// Patients that the record doesn't know yet are taken into it from the table itself, by the import's own door: what a map
// calls "create". The same source twice is the same patient, so a run that was killed may come by again.
import type pg from 'pg';
import { CommandError } from '../command-error.ts';
import { connect } from '../connect.ts';
import { asOwner, findAccount, openImportSession } from '../owner.ts';
import { start } from '../send.ts';
import type { Site } from '../site.ts';
import type { Trait } from './map.ts';
import { pinnedFormats } from './statements.ts';
import { type Plan, quote } from './table.ts';

export type Patients = { take(from: string, to: string): Promise<void>; close(): Promise<void> };

/** Nothing to do where the map creates nobody. */
export async function openPatients(site: Site, admin: pg.Client, plan: Plan, organisation: string): Promise<Patients> {
  const { create } = plan.map;
  if (!create) return { take: async () => {}, close: async () => {} };
  const token = await asOwner(admin, async () => {
    const clinician = await findAccount(admin, site.keys, create.clinician);
    if (!clinician) throw new CommandError(`create.clinician: nobody signs in as ${create.clinician}.`);
    return openImportSession(admin, site.keys, organisation, clinician);
  });
  const edge = await connect(site.edgeUrl);
  const enter = async () => {
    await edge.query(start.write);
    await edge.query('select iam.enter(token => $1, ring => $2, phase => $3)', [token, site.keys.ring, 'write']);
  };
  return {
    take: async (from, to) => {
      const rows = await readTraits(admin, plan, create.traits, from, to);
      if (rows.length === 0) return;
      try {
        await enter();
        await takeAll(edge, plan, rows);
        await edge.query('commit');
      } catch (error) {
        await edge.query('rollback').catch(() => undefined); // the first error says why
        throw error;
      }
    },
    close: async () => {
      await enter()
        .then(() => edge.query('select iam.end_session(); commit'))
        .catch(() => undefined); // it ends by itself
      await edge.end();
    },
  };
}

type Row = { place: string; traits: Record<string, string | null> };

async function readTraits(
  admin: pg.Client,
  plan: Plan,
  traits: Record<string, Trait>,
  from: string,
  to: string,
): Promise<Row[]> {
  const { table, map } = plan;
  const source = map.subject.kind === 'patient' ? (map.subject.source ?? '') : '';
  const columns = Object.entries(traits).flatMap(([name, trait]) =>
    'column' in trait ? [`'${name}', t.${quote(trait.column)}::text`] : [],
  );
  return asOwner(admin, async () => {
    await admin.query(pinnedFormats);
    const { rows } = await admin.query<Row>(
      `select t.ctid::text as place, jsonb_build_object('source', $3::text || t.${quote(map.subject.column)}::text, ${columns.join(', ')}) as traits
       from ${table.sql} t where t.ctid >= $1::tid and t.ctid < $2::tid and t.vs_id is null`,
      [from, to, source],
    );
    return rows.map(({ place, traits: read }) => ({ place, traits: translate(plan, place, traits, read) }));
  });
}

function translate(plan: Plan, place: string, traits: Record<string, Trait>, read: Row['traits']): Row['traits'] {
  const filled = { ...read };
  for (const [name, trait] of Object.entries(traits)) {
    if ('value' in trait) filled[name] = trait.value;
    else if (trait.values && filled[name] != null) {
      const word = trait.values[filled[name]];
      if (word === undefined) throw cannot(plan, place, `create.${name}: values has no word for what it holds`);
      filled[name] = word;
    }
  }
  if (!['male', 'female', 'other', 'unknown'].includes(filled.sex ?? 'unknown'))
    throw cannot(plan, place, 'create.sex: must become male, female, other or unknown');
  if (!/^(\d{4}(-\d{2}(-\d{2})?)?)?$/.test(filled.birth_date ?? ''))
    throw cannot(plan, place, 'create.birth_date: must be a date, or a text like 1958-03-12');
  return filled;
}

/** All in one flush; of what fails, the first one says why. */
async function takeAll(edge: pg.Client, plan: Plan, rows: Row[]): Promise<void> {
  const taken = await Promise.allSettled(
    rows.map(({ traits }) => edge.query('select id from clinic.import_patient($1::jsonb)', [JSON.stringify(traits)])),
  );
  const first = taken.findIndex((one) => one.status === 'rejected');
  if (first < 0) return;
  const { reason } = taken[first] as PromiseRejectedResult;
  const code = reason instanceof Error && 'code' in reason ? String(reason.code) : '';
  if (!/^(22|23|VS422)/.test(code)) throw reason;
  throw cannot(
    plan,
    rows[first]!.place,
    `the record doesn't take this patient, as a name or a date is missing or can't be read (${code})`,
  );
}

/** Says where, and nothing of what is there. */
const cannot = ({ table }: Plan, place: string, sentence: string): CommandError =>
  new CommandError(
    `${sentence}. Look at: select * from ${table.sql} where ctid = '${place}'. What was sealed before it stays sealed; run this again afterwards.`,
  );
