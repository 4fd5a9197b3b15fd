// Promise 3: no personal value in clear at rest, and a sealed one stays where it was put.
import { start } from '../../send.ts';
import type { Answer, Attack, Expectation, Scripted, Step } from '../types.ts';

const first = (answer: Answer | undefined, column: string): string =>
  (answer?.kind === 'rows' && answer.rows[0]?.[column]) || 'nothing was read';

/** A clinician opens a patient and reads the name, as on a page: what the attacker then looks for. */
const readName: Scripted['steps'] = ({ clinician }, { mine }) => [
  ...clinician.enters('open'),
  clinician.asks(`select audit.open_patient('${mine}') as answer`, {
    control: true,
    expect: { first: { answer: 'ok' } },
  }),
  clinician.asks('commit'),
  ...clinician.enters('read'),
  clinician.asks(`select birth_name as name from clinic.patients where id = '${mine}'`, {
    why: { fr: 'Le nom, lu comme sur une page', en: 'The name, read as on a page' },
  }),
  clinician.asks('commit'),
];
const NAME = 6; // where that answer stands
const name = (earlier: readonly Answer[]) => first(earlier[NAME], 'name');

/** Every table in one statement: its rows as text, and the bytes of that text as they would stand in a bytea. */
const searchTables = `select * from (
  select c.oid::regclass as table, (xpath('//n/text()', query_to_xml(format(
    'select count(*) as n from %s t where t::text ilike %L or t::text like %L', c.oid::regclass,
    '%' || $1 || '%', '%' || encode(convert_to($1, 'UTF8'), 'hex') || '%'), false, true, '')))[1]::text::int as rows_with_it
  from pg_class c where c.relkind = 'r' and pg_get_userbyid(c.relowner) = 'vs_owner' offset 0) searched
where rows_with_it > 0`;

const dba = (sql: string, rest: Partial<Step> = {}): Step => ({ login: 'dba', as: 'vs_dba', sql, ...rest });
const superuser = (sql: string, rest: Partial<Step> = {}): Step => ({
  login: 'superuser',
  as: 'postgres',
  sql,
  ...rest,
});

const searches: readonly Attack[] = [
  {
    id: 'search-tables',
    title: { fr: 'Chercher un nom dans toutes les tables', en: 'Search every table for a name' },
    story: {
      fr: 'Le DBA lit tout, tel que c’est stocké, et cherche le nom d’un patient en texte et en octets.',
      en: 'The DBA reads everything as it is stored, and looks for a patient’s name, as text and as bytes.',
    },
    marker: { file: 'supabase/migrations/0030_vault.sql', text: 'create function vault.seal(' },
    actors: ['clinician'],
    steps: (actors, stage) => [
      ...readName(actors, stage),
      dba(searchTables, {
        values: [{ value: stage.mine.slice(0, 13) }],
        control: true,
        expect: { includes: { table: 'store.patients' } },
        why: {
          fr: 'La recherche trouve ce qui est en clair : un identifiant',
          en: 'The search finds what is in clear: an id',
        },
      }),
      dba(searchTables, { values: [{ value: name }], expect: { rows: 0 } }),
    ],
  },
  {
    id: 'search-files',
    title: { fr: 'Lire les fichiers du disque', en: 'Read the files on the disk' },
    story: {
      fr: 'Le super-utilisateur lit les octets des tables, des index et du journal WAL : un disque volé, une sauvegarde.',
      en: 'The superuser reads the bytes of tables, indexes and WAL: a stolen disk, a backup.',
    },
    marker: { file: 'supabase/migrations/0030_vault.sql', text: "return '\\x01'::bytea || iv || ct" },
    actors: ['clinician'],
    steps: (actors, stage) => [
      ...readName(actors, stage),
      superuser('checkpoint'),
      superuser(searchFiles('store'), {
        values: [{ value: name }, { value: stage.mine }],
        expect: { first: { with_the_name: '0', holds_the_id: 'true' } },
      }),
      superuser(searchWal, { values: [{ value: name }], expect: { first: { with_the_name: '0' } } }),
    ],
  },
];

function searchFiles(schema: string): string {
  return `select count(*) as files, sum(length(f.bytes)) as bytes,
       count(*) filter (where position(convert_to($1, 'UTF8') in f.bytes) > 0) as with_the_name,
       bool_or(position(uuid_send($2::uuid) in f.bytes) > 0) as holds_the_id
from pg_class c cross join lateral (select pg_read_binary_file(pg_relation_filepath(c.oid)) as bytes offset 0) f
where c.relnamespace = '${schema}'::regnamespace and c.relkind in ('r', 'i')`;
}

const searchWal = `select count(*) as wal_files, count(*) filter (where position(convert_to($1, 'UTF8') in f.bytes) > 0) as with_the_name
from (select name from pg_ls_waldir() order by modification desc limit 2) w
cross join lateral (select pg_read_binary_file('pg_wal/' || w.name) as bytes offset 0) f`;

/** The superuser changes the stored row with triggers off, and the clinician reads it; all of it is rolled back. */
function tamper(change: (stage: { note: string; otherNote: string; colleague: string }) => string): Scripted['steps'] {
  return ({ clinician }, stage) => {
    const read = `select subjective from clinic.notes where id = '${stage.note}'`;
    const as = { login: 'superuser', as: 'vs_clinician' } as const;
    const look = (expect: Expectation, control: boolean): Step => ({ ...as, sql: read, expect, control });
    return [
      ...clinician.enters('open'),
      clinician.asks(`select audit.open_patient('${stage.mine}') as answer`),
      clinician.asks('commit'),
      superuser('begin'),
      clinician.entersAsSuperuser(),
      { ...as, sql: read, why: { fr: 'La note, intacte', en: 'The note, untouched' } },
      superuser('reset role'),
      superuser("set local session_replication_role = 'replica'", {
        why: { fr: 'Triggers coupés', en: 'Triggers off' },
      }),
      superuser(change(stage), { deed: true }),
      clinician.entersAsSuperuser(),
      look({ error: 'VS500' }, false),
      superuser('rollback'),
    ];
  };
}

const opener = { file: 'supabase/migrations/0030_vault.sql', text: 'inner_block || body || substr(v, 2, n - 33)' };

const moved: readonly Attack[] = [
  {
    id: 'moved-ciphertext',
    title: { fr: 'Déplacer une valeur chiffrée vers un autre patient', en: 'Move a sealed value to another patient' },
    story: {
      fr: 'Le super-utilisateur copie le texte chiffré d’une note dans celle d’un autre patient, triggers coupés.',
      en: 'The superuser copies the sealed text of a note into another patient’s, with triggers off.',
    },
    marker: opener,
    actors: ['clinician'],
    steps: tamper(
      ({ note, otherNote }) =>
        `update store.notes set subjective = (select subjective from store.notes where id = '${otherNote}') where id = '${note}'`,
    ),
  },
  {
    id: 'put-back',
    title: { fr: 'Remettre une ancienne valeur', en: 'Put an older value back' },
    story: {
      fr: 'La ligne a une version plus récente ; le texte chiffré de l’ancienne y est remis.',
      en: 'The row has a newer version; the sealed text of the older one is put back into it.',
    },
    marker: opener,
    actors: ['clinician'],
    steps: tamper(({ note }) => `update store.notes set version = version + 1 where id = '${note}'`),
  },
  {
    id: 'forged-author',
    title: { fr: 'Attribuer la note à un confrère', en: 'Give the note to another author' },
    story: {
      fr: 'Seule une colonne en clair change : l’auteur. Le texte est lié à elle.',
      en: 'Only a clear column changes: the author. The text is bound to it.',
    },
    marker: opener,
    actors: ['clinician'],
    steps: tamper(({ note, colleague }) => `update store.notes set author_id = '${colleague}' where id = '${note}'`),
  },
];

const poisoned: Attack = {
  id: 'poisoned-setting',
  title: { fr: 'Empoisonner la connexion du suivant', en: 'Poison the connection of the next user' },
  story: {
    fr: 'Du SQL injecté règle la connexion pour que l’erreur suivante écrive jetons et clés dans le journal du serveur, et pour garder un autre rôle. Puis vient la page suivante.',
    en: 'Injected SQL sets the connection so that the next error writes tokens and keys into the server’s log, and keeps another role. Then the next page comes.',
  },
  marker: { file: 'db/send.ts', text: 'reset all; set local log_parameter_max_length_on_error = 0' },
  actors: ['clinician'],
  steps: ({ clinician }) => [
    ...clinician.enters('read'),
    clinician.asks(
      "select set_config('log_parameter_max_length_on_error', '-1', false) as logged, set_config('search_path', 'public', false) as path, set_config('role', 'vs_dpo', false) as role",
      { deed: true },
    ),
    clinician.asks('commit'),
    clinician.asks(
      "select current_setting('log_parameter_max_length_on_error') as logged, current_user::text as role",
      {
        control: true,
        expect: { first: { logged: '-1', role: 'vs_dpo' } },
        why: { fr: 'Le poison tient', en: 'The poison holds' },
      },
    ),
    {
      ...clinician.asks(start.read),
      as: 'vs_edge',
      deed: true,
      why: { fr: 'Le début de chaque transaction', en: 'How every transaction begins' },
    },
    {
      ...clinician.asks(
        "select current_setting('log_parameter_max_length_on_error') as logged, current_user::text as role",
        {
          expect: { first: { logged: '0', role: 'vs_edge' } },
        },
      ),
      as: 'vs_edge',
    },
    { ...clinician.asks('rollback'), as: 'vs_edge' },
  ],
};

export const atRest: readonly Attack[] = [...searches, ...moved, poisoned];
