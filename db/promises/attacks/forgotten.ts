// Promise 7: a forgotten patient is forgotten.
import type { Attack } from '../types.ts';

export const forgotten: readonly Attack[] = [
  {
    id: 'destroyed-keys',
    title: { fr: 'Lire un patient dont les clés sont détruites', en: 'Read a patient whose keys are destroyed' },
    story: {
      fr: 'Dans une transaction annulée ensuite, les clés d’un patient sont détruites ; son médecin, qui l’a ouvert, essaie de le lire.',
      en: 'In a transaction that is rolled back, a patient’s keys are destroyed; the clinician, who has opened the record, tries to read it.',
    },
    marker: { file: 'supabase/migrations/0030_vault.sql', text: 'create function vault.unwrap(' },
    actors: ['clinician'],
    steps: ({ clinician }, { mine }) => [
      ...clinician.enters('open'),
      clinician.asks(`select audit.open_patient('${mine}') as answer`, {
        control: true,
        expect: { first: { answer: 'ok' } },
      }),
      clinician.asks('commit'),
      { login: 'superuser', as: 'postgres', sql: 'begin' },
      { login: 'superuser', as: 'postgres', sql: `delete from vault.keys where subject_id = '${mine}'`, deed: true },
      clinician.entersAsSuperuser(),
      {
        login: 'superuser',
        as: 'vs_clinician',
        sql: `select birth_name from clinic.patients where id = '${mine}'`,
        expect: { error: 'VS404' },
      },
      { login: 'superuser', as: 'vs_clinician', sql: 'rollback' },
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
      { login: 'superuser', as: 'postgres', sql: 'begin' },
      clinician.entersAsSuperuser(),
      { login: 'superuser', as: 'vs_clinician', sql: 'reset role' },
      {
        login: 'superuser',
        as: 'postgres',
        sql: "update ops.service set started_at = started_at - interval '1 hour'",
        deed: true,
      },
      { ...clinician.entersAsSuperuser(), expect: { error: 'VS503' } },
      { login: 'superuser', as: 'postgres', sql: 'rollback' },
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
        { login: 'superuser', as: 'postgres', sql: 'begin' },
        { login: 'superuser', as: 'postgres', sql: 'set local role vs_owner' },
        {
          login: 'superuser',
          as: 'vs_owner',
          sql: `select length(privacy.erase_patient($1, '${mine}', 'unlawful_processing')::text) as erased`,
          values: secret,
          control: true,
          expect: { first: { erased: '36' } },
          deed: true,
        },
        {
          login: 'superuser',
          as: 'vs_owner',
          sql: `select vault.create_key($1, '${mine}', 'identity', access.organisation_id())`,
          values: secret,
          expect: { error: 'VS409' },
        },
        { login: 'superuser', as: 'vs_owner', sql: 'rollback' },
      ];
    },
  },
];
