// Forgetting a patient: the database destroys (0240_erasures.sql), then the file of keys is written anew, and the record
// outside learns of it.
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { writeErasures } from './erasures.ts';
import { asOwner } from './owner.ts';
import { clearToServe } from './service.ts';
import type { Site } from './site.ts';

/** docs/formats.md, "Certificate of an erasure". */
export type Certificate = {
  erasure: string;
  patient: string;
  organisation: string;
  organisation_name: string | null;
  request: string | null;
  requested_by: string | null;
  ground: string;
  erased_at: string;
  destroyed: Record<string, number>;
  event: { id: string; leaf_hash: string };
  masters: string[];
  masters_retired_at: string | null;
  complete_from: string;
  replayed_at: string | null;
};
export type Erased = {
  erasures: Certificate[];
  /** The file outside that holds them now. */
  outside: string;
  /** False: the table of keys was in use, so that its file still holds what was destroyed. */
  keys_rewritten: boolean;
};

/**
 * Forgets these patients, one transaction each. A patient who was forgotten before has the certificate of then.
 * Errors: VS404, VS409 while the law keeps a record, VS422 for the ground.
 */
export async function erase(
  admin: pg.Client,
  site: Site,
  patients: readonly string[],
  ground: string | null,
): Promise<Erased> {
  await clearToServe(site, admin);
  const erasures: Certificate[] = [];
  try {
    for (const patient of patients)
      erasures.push(
        await asOwner(admin, async () => {
          const { rows } = await admin.query<{ certificate: Certificate }>(
            'select privacy.certificate(privacy.erase_patient($1, $2, $3)) as certificate',
            [site.keys.ring, patient, ground],
          );
          return rows[0]!.certificate; // a function gives one row
        }),
      );
  } catch (error) {
    // the others are done, so they are told
    if (erasures.length > 0) await finish(admin, site);
    throw error;
  }
  return { erasures, ...(await finish(admin, site)) };
}

async function finish(admin: pg.Client, site: Site): Promise<Omit<Erased, 'erasures'>> {
  const outside = await asOwner(admin, () => writeErasures(admin, site));
  return { outside, keys_rewritten: await rewriteKeys(admin) };
}

/** Every erasure that this database knows, the newest first. */
export async function listErasures(admin: pg.Client): Promise<Certificate[]> {
  const { rows } = await asOwner(admin, () =>
    admin.query<{ certificate: Certificate }>(
      'select privacy.certificate(id) as certificate from privacy.erasures order by erased_at desc, id',
    ),
  );
  return rows.map(({ certificate }) => certificate);
}

/**
 * A deleted row's bytes stay in its page until others take their place, and a plain vacuum leaves some of them. The table
 * of keys is written into a new file instead: readers wait meanwhile, a second or two for 100,000 patients. False when it
 * was in use too long, or when somebody whose transaction began before might still have to see what was deleted.
 */
async function rewriteKeys(admin: pg.Client): Promise<boolean> {
  await admin.query("set role vs_owner; set lock_timeout = '5s'");
  try {
    for (let attempt = 1; (await rewriteOnce(admin)) > 0; attempt += 1) {
      if (attempt === 10) return false;
      await sleep(500);
    }
    for (const table of ['vault.search_tokens', 'iam.accounts', 'iam.totp_factors', 'audit.selections'])
      await admin.query(`vacuum ${table}`);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code !== '55P03') throw error; // lock_not_available
    return false;
  } finally {
    await admin.query('reset lock_timeout; reset role');
  }
}

/** Gives how many dead rows had to be taken along; Postgres tells it nowhere else. */
async function rewriteOnce(admin: pg.Client): Promise<number> {
  let left = 0;
  const listen = ({ detail }: { detail?: string | undefined }) => {
    left += Number(/[0-9]+/.exec(detail ?? '')?.[0] ?? 0); // the first number, whatever the language
  };
  admin.on('notice', listen);
  try {
    await admin.query('vacuum (full, verbose) vault.keys');
    return left;
  } finally {
    admin.off('notice', listen);
  }
}
