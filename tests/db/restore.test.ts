// A backup of before an erasure, put back by each means that people use: it serves nobody until the erasure was done again.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CommandError } from '../../db/command-error.ts';
import { prepareDatabase } from '../../db/commands/migrate.ts';
import { connect } from '../../db/connect.ts';

import { erase, listErasures } from '../../db/erase.ts';
import { sealOnce } from '../../db/log/seal.ts';
import { asOwner } from '../../db/owner.ts';
import { clearToServe } from '../../db/service.ts';
import type { Site } from '../../db/site.ts';
import { isOneSentence, runCommand } from '../support/cli.ts';
import { debianProgram, type OwnCluster, openCluster, versions } from '../support/cluster.ts';
import { createPatient, createPractice, type Practice } from '../support/practice.ts';
import { look, openPatient, outcome } from '../support/world.ts';

describe.each(versions)('on Postgres %i', (version) => {
  let cluster: OwnCluster;
  let practice: Practice;
  let forgotten: string;
  let neighbour: string;
  let erasedAt: string;
  /** The list of erasures and what confirms it, before somebody was forgotten. */
  let olderRecord: Buffer[];
  const elsewhere: string[] = [];
  const at = (url: string, name: string) => Object.assign(new URL(url), { pathname: `/${name}` }).href;

  beforeAll(async () => {
    cluster = await openCluster(version);
    const db = await cluster.connect();
    practice = await createPractice(db);
    forgotten = await createPatient(db, practice, { birth_name: 'Desvignes' });
    neighbour = await createPatient(db, practice, { birth_name: 'Desmoulins' });
    await sealOnce(cluster.site);
    await db.admin.end();
    await cluster.takeBackups();
    olderRecord = ['erasures', 'erasures.head'].map((name) =>
      readFileSync(join(cluster.site.directory, 'witness', name)),
    );

    const after = await cluster.connect();
    const { erasures } = await erase(after.admin, cluster.site, [forgotten], 'unlawful_processing');
    erasedAt = erasures[0]!.erased_at;
    await sealOnce(cluster.site);
    await after.admin.end();
  }, 120_000);
  afterAll(async () => {
    await cluster.remove();
    for (const directory of elsewhere) rmSync(directory, { recursive: true });
  });

  /** How a clinician who saw both finds them: of each the answer, and whether a key is there. */
  const found = async ({ edgeUrl, keys }: Site, superuserUrl: string) => {
    const edge = await connect(edgeUrl);
    const superuser = await connect(superuserUrl);
    const entry = { token: practice.clinician.token, ring: keys.ring };
    const answers: unknown[] = [];
    for (const patient of [forgotten, neighbour]) {
      const answer = await outcome(openPatient(edge, entry, patient));
      const held = await superuser.query('select from vault.keys where subject_id = $1', [patient]);
      answers.push([answer, held.rows.length]);
    }
    await edge.end();
    await superuser.end();
    return answers;
  };
  const keptOut = [
    ['VS503', 2],
    ['VS503', 2],
  ];
  const served = [
    ['hidden', 0],
    ['ok', 2],
  ];
  const eventsOf = async (site: Site, ...kinds: string[]) => {
    const admin = await connect(site.adminUrl);
    const query = 'select event, details::json as details from audit.events where event = any ($1) order by at';
    const { rows } = await asOwner(admin, () => admin.query(query, [kinds])).finally(() => admin.end());
    return rows;
  };
  /** An installation on another database of the cluster, with a copy of what is outside: neither disturbs the other. */
  const siteOf = (database: string): Site => {
    const directory = mkdtempSync(join(tmpdir(), 'vitalsync-restored-'));
    elsewhere.push(directory);
    cpSync(join(cluster.site.directory, 'witness'), join(directory, 'witness'), { recursive: true });
    const { adminUrl, edgeUrl, gateUrl, dbaUrl } = cluster.site;
    const [admin, edge, gate, dba] = [adminUrl, edgeUrl, gateUrl, dbaUrl].map((url) => at(url, database));
    return { ...cluster.site, directory, adminUrl: admin!, edgeUrl: edge!, gateUrl: gate!, dbaUrl: dba! };
  };
  const grantConnect = async (name: string) => {
    const superuser = await connect(at(cluster.superuserUrl, 'postgres'));
    await superuser.query(`grant connect on database ${name} to vs_edge`).finally(() => superuser.end());
  };

  describe('createdb -T', () => {
    test('gives a copy that serves when the erasure was done again', async () => {
      const site = siteOf('snapshot');
      await grantConnect('snapshot');
      expect(await found(site, at(cluster.superuserUrl, 'snapshot'))).toEqual(keptOut);
      await prepareDatabase(site);
      expect(await found(site, at(cluster.superuserUrl, 'snapshot'))).toEqual(served);
    });
  });

  describe.runIf(version === 15 && debianProgram('pg_restore'))('pg_dump and pg_restore', () => {
    test('give a database that serves when the erasure was done again', async () => {
      const superuser = await connect(at(cluster.superuserUrl, 'postgres'));
      await superuser.query('create database restored owner vs_admin').finally(() => superuser.end());
      const site = siteOf('restored');
      run('pg_restore', ['-d', site.adminUrl, cluster.dump]);
      await grantConnect('restored');
      expect(await found(site, at(cluster.superuserUrl, 'restored'))).toEqual(keptOut);
      await prepareDatabase(site);
      expect(await found(site, at(cluster.superuserUrl, 'restored'))).toEqual(served);
    });
  });

  describe('files that were put back', () => {
    const vitalsync = (...args: string[]) => runCommand(args, cluster.environment);
    const outside = (...names: string[]) => join(cluster.site.directory, 'witness', ...names);
    const putBack = async (name: 'cold' | 'base') => {
      await cluster.stop();
      cluster.putBack(name);
      await cluster.start();
    };

    /** The sentence with which clearing is refused; nothing if it isn't. */
    const whyNot = async () => {
      const admin = await connect(cluster.site.adminUrl);
      try {
        await clearToServe(cluster.site, admin);
        return undefined;
      } catch (error) {
        return error instanceof CommandError ? error.message : String(error);
      } finally {
        await admin.end();
      }
    };

    test('serve nobody, and hold the keys again', async () => {
      await putBack('cold');
      expect(await found(cluster.site, cluster.superuserUrl)).toEqual(keptOut);
    });

    test.each([
      ['the whole record outside is gone', '', 'erasures and'],
      ['the list of erasures is gone', 'erasures', 'erasures can'],
      ['the last checkpoint is gone', 'checkpoint', 'checkpoint can'],
    ])(
      'go on serving nobody where %s, and the sentence says what to do',
      async (_, name, told) => {
        const place = outside(name).replace(/\/$/, '');
        renameSync(place, `${place}.aside`);
        for (const command of [['migrate'], ['audit', 'seal']]) {
          const refused = await vitalsync(...command);
          expect(isOneSentence(refused), refused.err).toBe(true);
          expect(refused.err).toContain(told);
          expect(refused.err).toContain('vitalsync audit seal --adopt');
        }
        renameSync(`${place}.aside`, place);
        expect(await found(cluster.site, cluster.superuserUrl)).toEqual(keptOut);
      },
      30_000,
    );

    test.each([
      // and counted again
      ['erasures', /^1\n\{.*\}\n/m, '0\n'],
      ['checkpoint', /^[A-Za-z0-9+/]{43}=$/m, ''],
    ])(
      'go on serving nobody where a line of %s was taken out, and the sentence names the file',
      async (name, line, instead) => {
        const note = readFileSync(outside(name), 'utf8');
        writeFileSync(outside(name), note.replace(line, instead));
        const why = await whyNot();
        writeFileSync(outside(name), note);
        expect(why).toContain(`${outside(name)} can't be believed`);
        expect(await found(cluster.site, cluster.superuserUrl)).toEqual(keptOut);
      },
    );

    test('go on serving nobody where the list of before the erasure was put back, with all its signatures', async () => {
      const names = ['erasures', 'erasures.head'];
      const newest = names.map((name) => readFileSync(outside(name)));
      for (const [i, name] of names.entries()) writeFileSync(outside(name), olderRecord[i]!);
      const why = await whyNot();
      for (const [i, name] of names.entries()) writeFileSync(outside(name), newest[i]!);
      expect(why).toContain(`${outside('erasures')} is older than the last checkpoint`);
      expect(await found(cluster.site, cluster.superuserUrl)).toEqual(keptOut);
    });

    test('are refused by a command in one sentence', async () => {
      renameSync(outside('erasures'), outside('aside'));
      const refused = await vitalsync('audit', 'seal');
      renameSync(outside('aside'), outside('erasures'));
      expect(isOneSentence(refused), refused.err).toBe(true);
    });

    test('serve when vitalsync migrate has done the erasure again, under a log of another name', async () => {
      const done = await vitalsync('migrate');
      expect(done.code, done.err).toBe(0);
      expect(done.err).toMatch(
        /This database is a backup\. One erasure was done again\. Its log .* goes on as .*\/2\.\n$/,
      );
      expect(await found(cluster.site, cluster.superuserUrl)).toEqual(served);
      const [cleared, replay, restart] = [
        await eventsOf(cluster.site, 'service.clear'),
        await eventsOf(cluster.site, 'erasure.replay'),
        await eventsOf(cluster.site, 'log.restart'),
      ];
      expect(cleared.at(-1)?.details).toEqual({ compared: 'outside' });
      expect(replay).toHaveLength(1);
      expect(restart.at(-1)?.details.outside).toBe(readFileSync(outside('checkpoint'), 'utf8'));
      const admin = await connect(cluster.site.adminUrl);
      const [certificate] = await listErasures(admin);
      await admin.end();
      expect(certificate).toMatchObject({ patient: forgotten, erased_at: erasedAt });
      expect(Date.parse(certificate!.complete_from)).toBeGreaterThan(Date.parse(certificate!.replayed_at!));
    });

    test('are sealed and verified from then on, and a neighbour opens', async () => {
      expect((await sealOnce(cluster.site)).origin).toMatch(/\/2$/);
      const dba = await connect(cluster.site.dbaUrl);
      expect((await dba.query('select * from audit.verify_all()')).rows).toEqual([]);
      await dba.end();
      const edge = await connect(cluster.site.edgeUrl);
      const entry = { token: practice.clinician.token, ring: cluster.site.keys.ring, focus: neighbour };
      expect(await look(edge, entry, 'select birth_name from clinic.patients')).toEqual([{ birth_name: 'Desmoulins' }]);
      await edge.end();
    });

    test('serve when they were put back again and vitalsync audit seal has compared', async () => {
      await putBack('cold');
      expect(await found(cluster.site, cluster.superuserUrl)).toEqual(keptOut);
      const sealed = await vitalsync('audit', 'seal');
      expect(sealed.code, sealed.err).toBe(0);
      expect(sealed.err).toContain('One erasure was done again.');
      expect(sealed.out).toMatch(/Signed: .*\/3 has/);
      expect(await found(cluster.site, cluster.superuserUrl)).toEqual(served);
    });

    test.runIf(version === 15 && debianProgram('pg_basebackup'))('those of pg_basebackup as well', async () => {
      await putBack('base');
      expect(await found(cluster.site, cluster.superuserUrl)).toEqual(keptOut);
      expect((await vitalsync('migrate')).err).toContain('One erasure was done again.');
      expect(await found(cluster.site, cluster.superuserUrl)).toEqual(served);
    });

    test('serve without the record outside when somebody says that it is lost, which is recorded: and the erasure is undone', async () => {
      await putBack('cold');
      renameSync(outside(), `${outside()}.lost`);
      const adopted = await vitalsync('audit', 'seal', '--adopt');
      expect(adopted.code, adopted.err).toBe(0);
      const cleared = await eventsOf(cluster.site, 'service.clear');
      expect(cleared.at(-1)?.details).toEqual({ compared: 'nothing' });
      // what the record outside is for
      expect(await found(cluster.site, cluster.superuserUrl)).toEqual([
        ['ok', 2],
        ['ok', 2],
      ]);
      expect(existsSync(outside('erasures'))).toBe(true);
    });
  });
});

function run(program: string, args: string[]): void {
  const done = spawnSync(debianProgram(program) ?? program, args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
}
