// Promise 6: the audit log can't be changed quietly.
import { compareWithOutside } from '../../log/compare.ts';
import { sealWith } from '../../log/seal.ts';
import type { Attack, Scripted, Stage, Step } from '../types.ts';

const at = ({ clinician, event }: Stage) =>
  `(organisation_id, lane, seq) = ('${clinician.organisation}', ${event.lane}, ${event.seq})`;

const superuser = (sql: string, rest: Partial<Step> = {}): Step => ({
  login: 'superuser',
  as: 'postgres',
  sql,
  ...rest,
});

/** With triggers off, in a transaction that is rolled back; then the chain is verified as ever. */
function tamper(
  changes: (stage: Stage) => string[],
  found: (stage: Stage) => Record<string, unknown>,
): Scripted['steps'] {
  return (_, stage) => [
    superuser('begin'),
    superuser("set local session_replication_role = 'replica'", { why: { fr: 'Triggers coupés', en: 'Triggers off' } }),
    ...changes(stage).map((sql) => superuser(sql, { deed: true })),
    superuser(`select lane, seq, problem from audit.check_lanes(array['${stage.clinician.organisation}']::uuid[])`, {
      expect: { includes: found(stage) },
      why: { fr: 'La vérification nomme l’endroit', en: 'Verification names the place' },
    }),
    superuser('rollback'),
  ];
}

const unlike = { file: 'supabase/migrations/0070_audit.sql', text: "then 'the event is not what was chained'" };
const place = ({ event }: Stage) => ({ lane: event.lane, seq: event.seq });
const next = ({ event }: Stage) => ({ lane: event.lane, seq: String(BigInt(event.seq) + 1n) });

/** The most that somebody with the database in hand can do: everything after the event is made anew, the Merkle log too. */
const rewriteAll = (stage: Stage) => `do $$ declare
  e audit.events;
  before bytea;
  place int := (select max(generation) from audit.log);
begin
  for e in select * from audit.events where (organisation_id, lane) = ('${stage.clinician.organisation}', ${stage.event.lane})
    and seq >= ${stage.event.seq} order by seq loop
    if before is null then
      before := decode(e.leaf::json ->> 17, 'hex');
      e.actor_id := '${stage.colleague}';
    end if;
    e.leaf := audit.leaf(e, before);
    before := sha256(convert_to(e.leaf, 'UTF8'));
    update audit.events x set actor_id = e.actor_id, leaf = e.leaf where (x.organisation_id, x.lane, x.seq) = (e.organisation_id, e.lane, e.seq);
    update audit.leaves x set hash = before where (x.organisation_id, x.lane, x.seq) = (e.organisation_id, e.lane, e.seq);
    update audit.log x set hash = audit.leaf_hash(e.leaf) where (x.organisation_id, x.lane, x.seq) = (e.organisation_id, e.lane, e.seq);
  end loop;
  update audit.lanes x set head = before where (x.organisation_id, x.lane) = (e.organisation_id, e.lane);
  delete from audit.nodes where generation = place;
  perform audit.complete_nodes(place, 0, audit.log_size(place));
  update audit.checkpoints c set root = audit.root(c.size, c.generation) where c.generation = place;
end $$`;

const rewritten: Attack = {
  id: 'rewritten-log',
  title: { fr: 'Réécrire toute la suite du journal', en: 'Write the rest of the log anew' },
  story: {
    fr: 'Un événement est modifié, et tout ce qui en dépend est refait : suite de la chaîne, journal de Merkle, points de contrôle. De l’intérieur, tout concorde. Le point de contrôle signé, gardé hors de la base, n’est plus le bon.',
    en: 'An event is edited, and all that hangs on it is made anew: the rest of the chain, the Merkle log, the checkpoints. From inside everything agrees. The signed checkpoint that is kept outside doesn’t.',
  },
  marker: { file: 'db/log/compare.ts', text: 'leaves are not those that were signed' },
  actors: [],
  steps: (_, stage) => [
    {
      login: 'owner',
      as: 'vs_owner',
      sql: 'vitalsync audit seal',
      measure: async (wire, { outside }) => {
        const { state, size } = await sealWith(wire, outside);
        return { state, size };
      },
      why: { fr: 'Le journal est signé, comme chaque minute', en: 'The log is signed, as every minute' },
    },
    superuser('begin'),
    superuser("set local session_replication_role = 'replica'"),
    superuser(rewriteAll(stage), { deed: true }),
    superuser(
      `select (select count(*) from audit.check_lanes(array['${stage.clinician.organisation}']::uuid[])) + (select count(*) from audit.check_log()) as problems`,
      {
        control: true,
        deed: true,
        expect: { first: { problems: '0' } },
        why: { fr: 'De l’intérieur, rien', en: 'From inside, nothing' },
      },
    ),
    superuser('the log and the last checkpoint outside are compared, as before each signature', {
      measure: async (wire, { outside }) => {
        const { state, finding } = await compareWithOutside(wire, outside);
        return { state, finding };
      },
      expect: { first: { state: 'forked' } },
    }),
    superuser('rollback'),
  ],
};

export const log: readonly Attack[] = [
  {
    id: 'edited-event',
    title: { fr: 'Modifier un événement', en: 'Edit an event' },
    story: {
      fr: 'Le super-utilisateur met un autre nom sur une consultation, triggers coupés.',
      en: 'The superuser puts another name on a look, with triggers off.',
    },
    marker: unlike,
    actors: [],
    steps: tamper((s) => [`update audit.events set actor_id = '${s.colleague}' where ${at(s)}`], place),
  },
  {
    id: 'recomputed-event',
    title: { fr: 'Le modifier et refaire son empreinte', en: 'Edit it and compute its hash anew' },
    story: {
      fr: 'L’événement, son texte et son empreinte sont refaits ensemble : le suivant ne s’y accroche plus.',
      en: 'Event, text and hash are made anew together: the next one doesn’t hang on to it any more.',
    },
    marker: unlike,
    actors: [],
    steps: tamper(
      (s) => [
        `update audit.events e set actor_id = '${s.colleague}' where ${at(s)}`,
        `update audit.events e set leaf = audit.leaf(e, decode(leaf::json ->> 17, 'hex')) where ${at(s)}`,
        `update audit.leaves f set hash = sha256(convert_to((select leaf from audit.events where ${at(s)}), 'UTF8')) where ${at(s)}`,
      ],
      next,
    ),
  },
  {
    id: 'removed-event',
    title: { fr: 'Effacer un événement', en: 'Remove an event' },
    story: {
      fr: 'L’événement et son empreinte disparaissent : le numéro manque.',
      en: 'Event and hash disappear: the number is missing.',
    },
    marker: { file: 'supabase/migrations/0070_audit.sql', text: 'events before this one are missing or out of order' },
    actors: [],
    steps: tamper((s) => [`delete from audit.events where ${at(s)}`, `delete from audit.leaves where ${at(s)}`], next),
  },
  rewritten,
  {
    id: 'owner-forgets',
    title: { fr: 'Vider le journal en propriétaire', en: 'Empty the log as its owner' },
    story: {
      fr: 'Le propriétaire des tables essaie de modifier, puis de tout vider.',
      en: 'The owner of the tables tries to change events, then to empty them all.',
    },
    marker: { file: 'supabase/migrations/0070_audit.sql', text: 'no update, no delete, for the owner neither' },
    actors: [],
    steps: () => [
      { login: 'owner', as: 'vs_admin', sql: 'begin' },
      { login: 'owner', as: 'vs_admin', sql: 'set local role vs_owner' },
      { login: 'owner', as: 'vs_owner', sql: "update audit.events set outcome = 'success'", expect: { rows: 0 } },
      { login: 'owner', as: 'vs_owner', sql: 'truncate audit.events', expect: { error: 'VS403' } },
      { login: 'owner', as: 'vs_owner', sql: 'rollback' },
      { login: 'dba', as: 'vs_dba', sql: 'delete from audit.events', expect: { error: '42501' } },
    ],
  },
];
