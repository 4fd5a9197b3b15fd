// Postgres killed by SIGKILL at random moments under write load: nothing that was answered is lost, nothing is written
// twice, nothing stands without its event, no event without its chain, and what was signed is still the log. KILLS and SEED
// replay a run.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { openDoor } from '../../db/door.ts';
import { findPostmaster } from '../../db/embedded/postmaster.ts';
import { SealRefused, sealOnce } from '../../db/log/seal.ts';
import { verifyLog } from '../../db/log/verify-live.ts';
import { clearToServe } from '../../db/service.ts';
import { everyVersion, type OwnCluster, openCluster } from '../support/cluster.ts';
import { createPatient } from '../support/practice.ts';
import { fillWorld } from '../support/world.ts';
import { whatIsWrong } from './ledger.ts';
import { randomOf, readNotes, startWriters, write } from './writers.ts';

const kills = Number(process.env.KILLS || 50);

test.each(everyVersion.map((version) => ({ version, rounds: version === 18 ? kills : Math.ceil(kills / 3) })))(
  'Postgres $version, killed $rounds times, keeps its promises',
  async ({ version, rounds }) => {
    const seed = Number(process.env.SEED || Date.now() % 1_000_000);
    console.log(`the seed of the moments is ${seed}`);
    const random = randomOf(seed);
    const cluster = await openCluster(version, { durable: true });
    const db = await cluster.connect();
    const world = await fillWorld(db);
    const second = await createPatient(db, world.a);
    const { clinician, colleague, mine, theirs } = world.a;
    const pairs = [
      { author: clinician, patient: mine },
      { author: clinician, patient: second },
      { author: colleague, patient: theirs },
      { author: world.b.clinician, patient: world.b.mine },
    ];
    const door = openDoor({ edgeUrl: db.edgeUrl, gateUrl: db.gateUrl, ring: db.ring });
    const writers = startWriters(door, [...pairs, ...pairs]);
    const sealer = startSealer(cluster);
    try {
      for (let round = 1; round <= rounds; round += 1) {
        await sleep(20 + random() * 250);
        await kill(cluster, random);
        await sleep(random() * 30);
        await returnToService(cluster);
        await sleep(20 + random() * 30); // people go on as soon as they can
        await writers.rest();
        await sealer.rest();
        const root = await connect(cluster.superuserUrl);
        // whoever got no answer sends the same form again
        for (const note of writers.open.splice(0)) {
          await write(door, note);
          writers.answered.push(note);
        }
        // and one who got an answer sends it twice
        const twice = writers.answered[Math.floor(random() * writers.answered.length)];
        if (twice) await write(door, twice);
        expect([round, await whatIsWrong(root, writers.answered)]).toEqual([round, []]);
        const { problems } = await verifyLog(root, cluster.site, false);
        expect([round, problems]).toEqual([round, []]);
        await root.end();
        sealer.goOn();
        writers.goOn();
      }
      await writers.rest();
      for (const { author, patient } of pairs) {
        const texts = await readNotes(door, author, patient);
        const promised = writers.answered.filter((note) => note.patient === patient).map((note) => note.text);
        expect(texts.filter((text) => promised.includes(text)).sort()).toEqual(promised.sort());
      }
      console.log(`${writers.answered.length} notes; people were told ${JSON.stringify([...writers.told])}`);
      expect(writers.answered.length).toBeGreaterThan(rounds);
      // a crash is never a fault of ours, nor does it forbid anything
      expect([...writers.told.keys()].filter((reason) => reason !== 'unavailable')).toEqual([]);
      console.log(`${sealer.signed()} checkpoints were signed meanwhile`);
      expect(sealer.signed()).toBeGreaterThan(0);
    } finally {
      await writers.rest();
      await sealer.rest();
      await door.close();
      await db.admin.end().catch(() => {});
      await cluster.remove();
    }
  },
  120_000,
);

/** Seals without a pause, as the timer of the server does every minute; what it can't do now it does later. */
function startSealer({ site }: OwnCluster) {
  let signed = 0;
  let working = true;
  let under = Promise.resolve();
  const work = async () => {
    while (working) {
      const sealed = await sealOnce(site).catch((error: unknown) => {
        if (error instanceof SealRefused) throw error; // a crash is no fork
      });
      if (sealed?.state === 'signed') signed += 1;
      await sleep(50);
    }
  };
  const goOn = () => {
    working = true;
    under = work();
  };
  goOn();
  return {
    signed: () => signed,
    goOn,
    rest: async () => {
      working = false;
      await under;
    },
  };
}

/** All at once in a random order, the postmaster alone, or one backend, which the postmaster answers by a recovery of its own. */
async function kill(cluster: OwnCluster, random: () => number): Promise<void> {
  const postmaster = findPostmaster(cluster.data);
  if (!postmaster) throw new Error('Postgres had ended by itself');
  const children = childrenOf(postmaster.pid);
  const kind = random();
  const victims =
    kind < 0.6
      ? [postmaster.pid, ...children].sort(() => random() - 0.5)
      : kind < 0.8
        ? [postmaster.pid]
        : [children[Math.floor(random() * children.length)] ?? postmaster.pid];
  for (const pid of victims) end(pid);
  if (!victims.includes(postmaster.pid)) return;
  // backends that lost their postmaster end by themselves; until then they hold its memory
  while (children.some(isThere) || isThere(postmaster.pid)) await sleep(5);
}

async function returnToService(cluster: OwnCluster): Promise<void> {
  if (!findPostmaster(cluster.data)) await cluster.start();
  for (let attempt = 1; ; attempt += 1) {
    try {
      const admin = await connect(cluster.site.adminUrl);
      await clearToServe(cluster.site, admin);
      await admin.end();
      return;
    } catch (error) {
      // while it recovers, it takes no connections (57P03) or cuts them
      if (attempt === 200) throw error;
      await sleep(25);
    }
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended by itself meanwhile
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && statusOf(name).includes(`\nPPid:\t${pid}\n`))
    .map(Number);
}

const isThere = (pid: number): boolean => /\nState:\t[^ZX]/.test(statusOf(String(pid)));

function statusOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}
