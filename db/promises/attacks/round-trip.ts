// Promise 8: a page is one round trip. Measured on the wire: a relay between the door and Postgres counts how often
// somebody who speaks has to wait for an answer.
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { connect } from '../../connect.ts';
import { openDoor } from '../../door.ts';
import type { AnyQuery } from '../../query.ts';
import { k } from '../../query.ts';
import { endSession, openSession, type Session } from '../actors.ts';
import { countFlushes, type Flushes } from '../flushes.ts';
import { setStage } from '../stage.ts';
import type { Attack, Stage, StepResult, Target, Text } from '../types.ts';

const tables = ['encounters', 'conditions', 'observations', 'medication_requests', 'allergy_intolerances', 'notes'];

export const roundTrip: readonly Attack[] = [
  {
    id: 'flushes',
    title: { fr: 'Compter les allers-retours d’une page', en: 'Count the round trips of a page' },
    story: {
      fr: 'Un dossier est demandé par la même porte que les pages, à travers un relais qui compte les attentes ; puis trois fois plus de lectures, puis une requête après l’autre.',
      en: 'A chart is asked for by the door that pages use, through a relay that counts the waits; then three times as many reads, then one statement after the other.',
    },
    marker: { file: 'db/batch.ts', text: 'const [opened, shown] = await sendTwice(edge, [' },
    measure,
  },
];

async function measure(target: Target): Promise<StepResult[]> {
  const [superuser, admin, edge] = await Promise.all(
    [target.superuserUrl, target.adminUrl, target.edgeUrl].map((url) => connect(url)),
  );
  const there = new URL(target.edgeUrl);
  const relay = await countFlushes({ host: there.hostname, port: Number(there.port) });
  try {
    const stage = await setStage(superuser!, target.ring);
    const session = await openSession(admin!, stage.clinician, target.ring);
    const results = [
      await throughTheDoor(target, relay, stage, session, 1),
      await throughTheDoor(target, relay, stage, session, 3),
      await oneByOne(target, relay, stage, session),
    ];
    await endSession(edge!, session, target.ring);
    return results;
  } finally {
    await relay.close();
    await Promise.all([superuser!.end(), admin!.end(), edge!.end()]);
  }
}

/** The page as the door sends it; asked for twice, since the first time the door still has to connect. */
async function throughTheDoor(target: Target, relay: Flushes, stage: Stage, { token }: Session, times: number) {
  const url = relay.through(target.edgeUrl);
  const door = openDoor({ edgeUrl: url, gateUrl: url, ring: target.ring });
  const who = { token, role: 'clinician', ip: null, userAgent: 'vitalsync promises', requestId: randomUUID() } as const;
  const reads = Array.from({ length: times }, () => tables.map((table) => readsOf(table, stage.mine))).flat();
  const open: AnyQuery = sql`select audit.open_patient(${stage.mine}) as answer`.compile(k);
  const page = () => door.read(who, { open, focus: stage.mine, reads });
  try {
    await page();
    relay.take();
    await page();
    const flushes = relay.take();
    const statements = reads.length + 7; // two clean starts, two iam.enter, the opening, two commits
    return measured(`door.read(…) — ${reads.length} reads`, { statements, waits: flushes }, flushes === 1);
  } finally {
    await door.close();
  }
}

const readsOf = (table: string, patient: string): AnyQuery =>
  sql`select * from ${sql.table(`clinic.${table}`)} where patient_id = ${patient}`.compile(k);

/** What it costs without the door: each answer is awaited. */
async function oneByOne(target: Target, relay: Flushes, stage: Stage, { actor }: Session): Promise<StepResult> {
  const edge = await connect(relay.through(target.edgeUrl));
  const reads = tables.map((table) => `select * from clinic.${table} where patient_id = '${stage.mine}'`);
  const open = `select audit.open_patient('${stage.mine}')`;
  const texts = [...actor.enters('open'), open, 'commit', ...actor.enters('read'), ...reads, 'commit'];
  relay.take();
  for (const step of texts) {
    if (typeof step === 'string') await edge.query(step);
    else
      await edge.query(
        String(step.sql),
        step.values?.map(({ value }) => String(value)),
      );
  }
  const waits = relay.take();
  await edge.end();
  const why: Text = { fr: 'Les mêmes, une à une, pour comparer', en: 'The same, one by one, to compare' };
  return { ...measured(`${tables.length} reads, each awaited`, { statements: texts.length, waits }), why };
}

function measured(sql: string, figures: Record<string, number>, refused?: boolean): StepResult {
  const row = Object.fromEntries(Object.entries(figures).map(([name, figure]) => [name, String(figure)]));
  const answer = { kind: 'rows', command: 'MEASURED', count: 1, rows: [row] } as const;
  return {
    login: 'app',
    as: 'vs_edge',
    sql,
    values: [],
    answer: { ...answer, rows: [row] },
    ...(refused !== undefined && { refused }),
  };
}
