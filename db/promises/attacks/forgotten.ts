// Promise 7: a forgotten patient is forgotten.
import type { Actor, Attack, Scripted, Stage, Step } from '../types.ts';

const superuser = (sql: string, rest: Partial<Step> = {}): Step => ({
  login: 'superuser',
  as: 'postgres',
  sql,
  ...rest,
});

/** The patient is open to the clinician; then `vitalsync erase` happens in a transaction that is rolled back. */
const erase = (clinician: Actor, { mine, ring }: Stage): Step[] => [
  ...clinician.enters('open'),
  clinician.asks(`select audit.open_patient('${mine}') as answer`, {
    control: true,
    expect: { first: { answer: 'ok' } },
  }),
  clinician.asks('commit'),
  superuser('begin'),
  superuser('set local role vs_owner'),
  superuser(`select privacy.erase_patient($1, '${mine}', 'unlawful_processing') is not null as erased`, {
    as: 'vs_owner',
    values: [{ value: ring, secret: 'VITAL_KEYS' }],
    deed: true,
  }),
  superuser('reset role'),
];

const unwrap = { file: 'supabase/migrations/0030_vault.sql', text: 'create function vault.unwrap(' };

const lookAgain: Scripted['steps'] = ({ clinician }, stage) => [
  ...erase(clinician, stage),
  superuser("set local session_replication_role = 'replica'"),
  superuser(
    `update access.care_team_patients set valid_until = 'infinity' where patient_id = '${stage.mine}' and valid_until > now() - interval '1 minute'`,
    { deed: true, why: { fr: 'Tout accès lui est rendu', en: 'Every way in is given back' } },
  ),
  superuser(
    `insert into audit.openings (session_id, patient_id, level, opened_at, transaction)
select s.id, '${stage.mine}', l, now(), '3' from iam.sessions s, unnest(array['identity', 'clinical']) l
where s.account_id = '${clinician.account}' and s.revoked_at is null on conflict do nothing`,
    { deed: true, why: { fr: 'l’ouverture aussi', en: 'the opening as well' } },
  ),
  clinician.entersAsSuperuser(),
  superuser(`select subjective from clinic.notes where id = '${stage.note}'`, {
    as: 'vs_clinician',
    expect: { error: 'VS404' },
  }),
  superuser('rollback', { as: 'vs_clinician' }),
];

export const forgotten: readonly Attack[] = [
  {
    id: 'erased-patient',
    title: {
      fr: 'Lire un patient effacé, tous les accès rendus',
      en: 'Read an erased patient, every way in given back',
    },
    story: {
      fr: 'Un patient est effacé ; le super-utilisateur rend au médecin l’équipe de soins et l’ouverture. Il n’y a plus de clé.',
      en: 'A patient is erased; the superuser gives the clinician care team and opening back. There is no key any more.',
    },
    marker: unwrap,
    actors: ['clinician'],
    steps: lookAgain,
  },
  {
    id: 'log-after-erasure',
    title: { fr: 'Trouver une brèche laissée dans le journal', en: 'Find a gap that the erasure left in the log' },
    story: {
      fr: 'L’effacement ne retire rien du journal : la chaîne se vérifie, et l’effacement y est inscrit.',
      en: 'The erasure takes nothing from the log: the chain verifies, and the erasure stands in it.',
    },
    marker: { file: 'supabase/migrations/0240_erasures.sql', text: "'patient.erase', 'Patient'" },
    actors: ['clinician'],
    steps: ({ clinician }, stage) => [
      ...erase(clinician, stage),
      superuser(
        `select (select count(*) from audit.events where event = 'patient.erase' and patient_id = '${stage.mine}') as erasures,
       (select count(*) from audit.check_lanes(array['${clinician.organisation}']::uuid[])) as gaps`,
        { expect: { first: { erasures: '1', gaps: '0' } } },
      ),
      superuser('rollback'),
    ],
  },
  {
    id: 'restored-backup',
    title: { fr: 'Entrer dans une sauvegarde restaurée', en: 'Enter a restored backup' },
    story: {
      fr: 'Une sauvegarde d’avant un effacement tient encore les clés. Remise en place, elle porte l’heure d’un autre démarrage : un médecin essaie d’y entrer avant que les effacements n’aient été refaits.',
      en: 'A backup of before an erasure still holds the keys. Put back, it bears the time of another start: a clinician tries to enter before the erasures were done again.',
    },
    marker: { file: 'supabase/migrations/0250_service.sql', text: 'create function ops.require_clearance(' },
    actors: ['clinician'],
    steps: ({ clinician }) => [
      superuser('begin'),
      clinician.entersAsSuperuser(),
      superuser('reset role', { as: 'vs_clinician' }),
      superuser("update ops.service set started_at = started_at - interval '1 hour'", { deed: true }),
      clinician.entersAsSuperuser({ expect: { error: 'VS503' } }),
      superuser('rollback'),
    ],
  },
  {
    id: 'resurrection',
    title: { fr: 'Refaire une clé pour un patient effacé', en: 'Make a key again for an erased patient' },
    story: {
      fr: 'Dans une transaction annulée ensuite, le propriétaire du schéma efface un patient, puis essaie de lui refaire une clé, comme le ferait un import.',
      en: 'In a transaction that is rolled back, the owner of the schema erases a patient, then tries to make a key for them again, as an import would.',
    },
    marker: { file: 'supabase/migrations/0240_erasures.sql', text: 'create function privacy.tg_keys__not_erased(' },
    actors: [],
    steps: (_, { mine, ring }) => {
      const secret = [{ value: ring, secret: 'VITAL_KEYS' }];
      return [
        superuser('begin'),
        superuser('set local role vs_owner'),
        superuser(`select length(privacy.erase_patient($1, '${mine}', 'unlawful_processing')::text) as erased`, {
          as: 'vs_owner',
          values: secret,
          control: true,
          expect: { first: { erased: '36' } },
          deed: true,
        }),
        superuser(`select vault.create_key($1, '${mine}', 'identity', access.organisation_id())`, {
          as: 'vs_owner',
          values: secret,
          expect: { error: 'VS409' },
        }),
        superuser('rollback', { as: 'vs_owner' }),
      ];
    },
  },
];
