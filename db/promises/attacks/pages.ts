// Promise 9: app/ decides nothing.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack, StepResult } from '../types.ts';

const root = join(import.meta.dirname, '..', '..', '..');

export const pages: readonly Attack[] = [
  {
    id: 'forgotten-where',
    title: { fr: 'Une page qui oublie son « where »', en: 'A page that forgets its “where”' },
    story: {
      fr: 'Un dossier demande les patients et les notes sans filtre ni contrôle : il n’en reçoit que ceux du patient affiché.',
      en: 'A chart asks for patients and notes without filter or check: it is given those of the patient on the page alone.',
    },
    marker: { file: 'supabase/migrations/0110_patients.sql', text: 'create policy select_clinician on store.patients' },
    actors: ['clinician'],
    steps: ({ clinician }, { mine, neighbour, foreign }) => [
      {
        login: 'superuser',
        as: 'postgres',
        sql: `select count(*) as patients, count(distinct organisation_id) as practices from store.patients where id in ('${neighbour}', '${foreign}')`,
        control: true,
        expect: { first: { patients: '2', practices: '2' } },
        why: { fr: 'Ils existent', en: 'They are there' },
      },
      ...clinician.enters('open', mine),
      clinician.asks(`select audit.open_patient('${mine}') as answer`),
      clinician.asks('commit'),
      ...clinician.enters('read', mine),
      clinician.asks(
        `select count(*) as patients, count(*) filter (where id <> '${mine}') as strangers from clinic.patients`,
        {
          expect: { first: { patients: '1', strangers: '0' } },
        },
      ),
      clinician.asks(`select count(*) filter (where patient_id <> '${mine}') as strangers from clinic.notes`, {
        expect: { first: { strangers: '0' } },
      }),
      clinician.asks('commit'),
    ],
  },
  {
    id: 'claimed-cookie',
    title: { fr: 'Un cookie qui se dit médecin', en: 'A cookie that claims to be a clinician’s' },
    story: {
      fr: 'Le rôle écrit dans le cookie choisit une page, rien de plus : la session d’une secrétaire reste celle d’une secrétaire.',
      en: 'The role in the cookie chooses a page and nothing else: a secretary’s session stays a secretary’s.',
    },
    marker: {
      file: 'supabase/migrations/0180_notes.sql',
      text: 'grant select on store.notes to vs_clinician, vs_patient',
    },
    actors: ['secretary'],
    steps: ({ secretary }) => [
      ...secretary.enters('read'),
      secretary.asks('select current_user::text as role', {
        control: true,
        expect: { first: { role: 'vs_secretary' } },
      }),
      secretary.asks('select subjective from clinic.notes', { expect: { error: '42501' } }),
      secretary.asks('rollback'),
    ],
  },
  {
    id: 'write-power',
    title: { fr: 'Une page qui écrit où elle veut', en: 'A page that writes where it likes' },
    story: {
      fr: 'Aucun rôle qu’une page peut prendre n’a le droit d’écrire dans une table ou une vue.',
      en: 'No role that a page can take may write to any table or view.',
    },
    marker: {
      file: 'supabase/migrations/0110_patients.sql',
      text: '-- no insert, update or delete: clinic.import_patient',
    },
    actors: [],
    steps: () => [
      {
        login: 'dba',
        as: 'vs_dba',
        sql: `select r.rolname as role, c.oid::regclass as writable
from pg_class c, pg_roles r
where pg_has_role('vs_edge', r.oid, 'member') and r.rolname ~ '^vs_' and c.relkind in ('r', 'p', 'v', 'm', 'f')
  and pg_get_userbyid(c.relowner) = 'vs_owner'
  and has_table_privilege(r.oid, c.oid, 'insert, update, delete, truncate')`,
        expect: { rows: 0 },
      },
    ],
  },
  {
    id: 'sources',
    title: { fr: 'Chercher une décision dans app/', en: 'Look for a decision in app/' },
    story: {
      fr: 'Les sources des pages sont lues : ni clé, ni inscription, ni session, ni connexion à la base.',
      en: 'The sources of the pages are read: no key, no record, no session, no connection to the database.',
    },
    marker: { file: '.ci/semgrep.yml', text: 'app-reaches-the-database-by-the-door' },
    measure: async () => [search()],
  },
];

const deciding =
  /\b(iam\.enter|vault\.|audit\.append|access\.(claims|may_open|sees)|set_config|set role|new Client|from 'pg')/;

function search(): StepResult {
  const files = globSync('app/**/*.{ts,tsx}', { cwd: root }).filter((file) => !file.startsWith('app/promises/'));
  const rows = files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((text, i) => (deciding.test(text) ? [{ line: `${file}:${i + 1}`, text: text.trim() }] : [])),
  );
  const answer = { kind: 'rows', command: `${files.length} files`, count: rows.length, rows } as const;
  return {
    login: 'app',
    as: 'app/',
    sql: `grep -rnE "${deciding.source}" app/`,
    values: [],
    answer: { ...answer, rows },
    refused: rows.length === 0,
  };
}
