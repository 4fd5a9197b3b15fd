// Promise 1: no row without permission.
import type { Attack } from '../types.ts';

const policy = {
  file: 'supabase/migrations/0110_patients.sql',
  text: 'create policy select_clinician on store.patients',
};

export const rows: readonly Attack[] = [
  {
    id: 'foreign-patient',
    title: { fr: 'Ouvrir le patient d’un autre cabinet', en: 'Open a patient of another practice' },
    story: {
      fr: 'Un médecin connaît l’identifiant d’un patient qui n’est pas le sien. Il demande à l’ouvrir, puis le lit sans aucun filtre.',
      en: 'A clinician knows the id of a patient who isn’t theirs, asks to open it, and reads without any filter.',
    },
    marker: policy,
    actors: ['clinician'],
    steps: ({ clinician }, { mine, foreign }) => [
      ...clinician.enters('open'),
      clinician.asks(`select audit.open_patient('${mine}') as own, audit.open_patient('${foreign}') as answer`, {
        expect: { first: { own: 'ok', answer: 'hidden' } },
      }),
      clinician.asks('commit'),
      ...clinician.enters('read'),
      clinician.asks(`select id, birth_name from clinic.patients where id = '${mine}'`, {
        control: true,
        expect: { includes: { id: mine } },
        why: { fr: 'Le sien, pour comparer', en: 'Their own, to compare' },
      }),
      clinician.asks(`select id, birth_name from clinic.patients where id = '${foreign}'`, { expect: { rows: 0 } }),
      clinician.asks('commit'),
    ],
  },
  {
    id: 'other-team',
    title: {
      fr: 'Lire le patient d’un confrère du même cabinet',
      en: 'Read a colleague’s patient in the same practice',
    },
    story: {
      fr: 'Même cabinet, autre équipe de soins : les lignes cliniques sont demandées directement.',
      en: 'Same practice, another care team: the clinical rows are asked for directly.',
    },
    marker: { file: 'supabase/migrations/0180_notes.sql', text: 'create policy select_clinician on store.notes' },
    actors: ['clinician'],
    steps: ({ clinician }, { neighbour }) => [
      ...clinician.enters('read'),
      clinician.asks(`select * from clinic.notes where patient_id = '${neighbour}'`, { expect: { rows: 0 } }),
      clinician.asks(`select * from clinic.observations where patient_id = '${neighbour}'`, { expect: { rows: 0 } }),
      clinician.asks('rollback'),
    ],
  },
  {
    id: 'raw-table',
    title: { fr: 'Contourner les vues', en: 'Go around the views' },
    story: {
      fr: 'Du SQL injecté vise la table elle-même, puis demande à Postgres d’oublier les règles d’accès aux lignes.',
      en: 'Injected SQL aims at the table itself, then asks Postgres to leave row-level security out.',
    },
    marker: { file: 'supabase/migrations/0010_roles.sql', text: 'so acting roles need no USAGE there' },
    actors: ['clinician'],
    steps: ({ clinician }) => [
      ...clinician.enters('read'),
      clinician.asks('set local row_security = off', { deed: true }),
      clinician.asks('select id from clinic.patients', { expect: { error: '42501' } }),
      clinician.asks('rollback'),
      ...clinician.enters('read'),
      clinician.asks('select * from store.patients', { expect: { error: '42501' } }),
      clinician.asks('rollback'),
    ],
  },
  {
    id: 'create',
    title: { fr: 'Créer une table où déposer une copie', en: 'Create a table to keep a copy in' },
    story: {
      fr: 'Les rôles qui agissent ne possèdent rien et ne créent rien, pas même une table temporaire.',
      en: 'Acting roles own nothing and create nothing, not even a temporary table.',
    },
    marker: { file: 'supabase/migrations/0010_roles.sql', text: 'revoke all on database %I from public' },
    actors: ['clinician'],
    steps: ({ clinician }) => [
      ...clinician.enters('write'),
      clinician.asks('create temporary table copy (name text)', { expect: { error: '42501' } }),
      clinician.asks('rollback'),
    ],
  },
  {
    id: 'catalog',
    title: { fr: 'Trouver une table sans protection', en: 'Find a table without protection' },
    story: {
      fr: 'Le catalogue de Postgres est interrogé : une seule table sans règle d’accès activée et forcée suffirait.',
      en: 'The catalog is asked: one table without row-level security enabled and forced would be enough.',
    },
    marker: {
      file: 'supabase/migrations/0110_patients.sql',
      text: 'alter table store.patients force row level security',
    },
    actors: [],
    steps: () => [
      {
        login: 'dba',
        as: 'vs_dba',
        sql: `select c.oid::regclass as unprotected
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and pg_get_userbyid(c.relowner) = 'vs_owner'
  and not (c.relrowsecurity and c.relforcerowsecurity)`,
        expect: { rows: 0 },
      },
    ],
  },
];
