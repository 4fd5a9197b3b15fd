// Promise 4: no plaintext without a committed record of the look.
import type { Attack } from '../types.ts';

const marker = { file: 'supabase/migrations/0030_vault.sql', text: 'no committed record of this access' };

export const recordFirst: readonly Attack[] = [
  {
    id: 'rolled-back-look',
    title: { fr: 'Regarder, puis annuler', en: 'Look, then roll back' },
    story: {
      fr: 'Le médecin ouvre son patient, le lit dans la même transaction et l’annule : il ne resterait aucune trace.',
      en: 'The clinician opens their own patient, reads in the same transaction and rolls it back: no trace would be left.',
    },
    marker,
    actors: ['clinician'],
    steps: ({ clinician }, { mine }) => [
      ...clinician.enters('open'),
      clinician.asks(`select audit.open_patient('${mine}') as answer`, {
        control: true,
        deed: true,
        expect: { first: { answer: 'ok' } },
      }),
      clinician.asks(`select birth_name from clinic.patients where id = '${mine}'`, { expect: { error: 'VS428' } }),
      clinician.asks('rollback'),
    ],
  },
  {
    id: 'no-opening',
    title: { fr: 'Lire sans rien inscrire', en: 'Read without recording' },
    story: {
      fr: 'Une page oublie l’inscription. Le patient est bien celui du médecin, et pourtant rien ne s’ouvre.',
      en: 'A page forgets to record. The patient is the clinician’s own, and still nothing opens.',
    },
    marker,
    actors: ['clinician'],
    steps: ({ clinician }, { mine }) => [
      ...clinician.enters('read'),
      clinician.asks(`select birth_name from clinic.patients where id = '${mine}'`, { expect: { error: 'VS428' } }),
      clinician.asks('rollback'),
    ],
  },
  {
    id: 'savepoint',
    title: { fr: 'Annuler l’inscription avant de lire', en: 'Take the record back before reading' },
    story: {
      fr: 'L’inscription est annulée, la lecture vient dans la transaction suivante.',
      en: 'The record is rolled back, the read comes in the next transaction.',
    },
    marker,
    actors: ['clinician'],
    steps: ({ clinician }, { mine }) => [
      ...clinician.enters('open'),
      clinician.asks(`select audit.open_patient('${mine}') as answer`, { deed: true }),
      clinician.asks('rollback', { deed: true }),
      ...clinician.enters('read'),
      clinician.asks(`select birth_name from clinic.patients where id = '${mine}'`, { expect: { error: 'VS428' } }),
      clinician.asks('rollback'),
    ],
  },
];
