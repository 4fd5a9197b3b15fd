// 100,000 keys of patients under another master key in less than a minute, by one connection.
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { addManyKeys } from '../../db/bench/many-keys.ts';
import { asOwner } from '../../db/owner.ts';
import { withKey } from '../../db/ring.ts';
import { addMaster, promote, renew } from '../../db/rotation.ts';
import { createDatabase } from '../support/database.ts';
import { createPractice } from '../support/practice.ts';

test('100,000 keys are wrapped anew in less than a minute', { timeout: 300_000 }, async () => {
  const db = await createDatabase();
  try {
    const { organisation } = await createPractice(db);
    await addManyKeys(db.superuserUrl, db.ring, organisation, 50_000);
    const key = randomBytes(64);
    const ring = withKey(db.ring, 'next', key);
    await addMaster(db.admin, 'next', key);
    await promote(db.admin, ring, 'next');
    const start = performance.now();
    let wrapped = 0;
    const onProgress = ({ step }: { step: string }) => {
      if (step === 'indexes' && wrapped === 0) wrapped = performance.now() - start;
    };
    const { keys } = await renew(db.admin, ring, 'next', { onProgress });
    console.log(
      `${keys} keys in ${(wrapped / 1000).toFixed(1)} s, ${((performance.now() - start) / 1000).toFixed(1)} s with all that is found by them`,
    );
    expect(keys).toBeGreaterThan(100_000);
    expect(performance.now() - start).toBeLessThan(60_000);
    const opened = await asOwner(db.admin, () =>
      db.admin.query(
        'select count(*)::int as n from vault.keys k where length(vault.unwrap($1, k.subject_id, k.level)) = 64',
        [ring],
      ),
    );
    expect(opened.rows[0].n).toBe(keys);
    const broken = await asOwner(db.admin, () => db.admin.query('select * from audit.verify_all()'));
    expect(broken.rows).toEqual([]);
  } finally {
    await db.close();
  }
});
