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
];
