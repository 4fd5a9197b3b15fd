// Promise 2: nobody can claim to be someone else inside the database.
import type { Attack } from '../types.ts';

const claims = { file: 'supabase/migrations/0050_sessions.sql', text: "isn''t one that iam.enter gave" };

export const identity: readonly Attack[] = [
  {
    id: 'forged-identity',
    title: { fr: 'Se faire passer pour un confrère', en: 'Pass for a colleague' },
    story: {
      fr: 'Le médecin remplace son compte par celui d’un confrère dans le réglage que lisent toutes les règles d’accès, et ouvre l’un de ses patients.',
      en: 'The clinician puts a colleague’s account into the setting that every policy reads, and opens one of their patients.',
    },
    marker: claims,
    actors: ['clinician'],
    steps: ({ clinician }, { colleague, neighbour }) => [
      ...clinician.enters('open'),
      clinician.asks(
        `select length(set_config('vs.claims', replace(current_setting('vs.claims'), '${clinician.account}', '${colleague}'), true)) as claims`,
        { deed: true },
      ),
      clinician.asks(`select audit.open_patient('${neighbour}') as answer`, { expect: { error: 'VS401' } }),
      clinician.asks('rollback'),
    ],
  },
  {
    id: 'replayed-identity',
    title: { fr: 'Rejouer une identité authentique plus tard', en: 'Replay a true identity later' },
    story: {
      fr: 'L’identité n’est pas modifiée : elle est mise de côté, puis remise dans la transaction suivante.',
      en: 'The identity isn’t changed: it is put aside and put back in the next transaction.',
    },
    marker: claims,
    actors: ['clinician'],
    steps: ({ clinician }) => [
      ...clinician.enters('read'),
      clinician.asks(
        "select length(set_config('vs.kept', current_setting('vs.claims') || '|' || current_setting('vs.keys'), false)) as kept",
      ),
      clinician.asks('commit'),
      { ...clinician.asks('begin read only'), as: 'vs_edge' },
      clinician.asks(
        "select length(set_config('vs.claims', split_part(current_setting('vs.kept'), '|', 1), true)) as claims, length(set_config('vs.keys', split_part(current_setting('vs.kept'), '|', 2), true)) as keys, set_config('role', 'vs_clinician', true) as role",
        { deed: true },
      ),
      clinician.asks('select id, birth_name from clinic.patients', { expect: { error: 'VS401' } }),
      clinician.asks('rollback'),
    ],
  },
  {
    id: 'another-role',
    title: {
      fr: 'Prendre le rôle d’un médecin, puis d’un auditeur',
      en: 'Take on a clinician’s role, then an auditor’s',
    },
    story: {
      fr: 'La secrétaire change de rôle : la connexion en a le droit. Les règles demandent le rôle scellé, pas celui-là.',
      en: 'The secretary changes roles: the connection may. Policies ask the sealed role, not that one.',
    },
    marker: { file: 'supabase/migrations/0060_care_teams.sql', text: 'if (c[4] = role) is not true' },
    actors: ['secretary'],
    steps: ({ secretary }) => [
      ...secretary.enters('read'),
      secretary.asks("select set_config('role', 'vs_clinician', true) as role", { deed: true }),
      { ...secretary.asks('select id, subjective from clinic.notes', { expect: { rows: 0 } }), as: 'vs_clinician' },
      { ...secretary.asks("select set_config('role', 'vs_auditor', true) as role"), as: 'vs_clinician' },
      {
        ...secretary.asks('select count(*) as events from audit.events', { expect: { first: { events: '0' } } }),
        as: 'vs_auditor',
      },
      { ...secretary.asks('rollback'), as: 'vs_auditor' },
    ],
  },
  {
    id: 'become-owner',
    title: { fr: 'Devenir le propriétaire des tables', en: 'Become the owner of the tables' },
    story: {
      fr: 'Aucun chemin ne mène d’une page à vs_owner, qui ne peut pas se connecter.',
      en: 'No way leads from a page to vs_owner, which nobody logs in as.',
    },
    marker: {
      file: 'supabase/migrations/0010_roles.sql',
      text: "execute format('create role %I nologin noinherit', r)",
    },
    actors: ['clinician'],
    steps: ({ clinician }) => [
      ...clinician.enters('read'),
      clinician.asks('set local role vs_owner', { expect: { error: '42501' } }),
      clinician.asks('rollback'),
    ],
  },
];
