// Promise 5: no key leaves the vault.
import type { Attack } from '../types.ts';

export const keys: readonly Attack[] = [
  {
    id: 'ask-for-a-key',
    title: { fr: 'Demander la clé d’un patient', en: 'Ask for a patient’s key' },
    story: {
      fr: 'La fonction qui remet une clé existe : elle ne sert que les fonctions du propriétaire.',
      en: 'The function that hands out a key exists; it serves functions of the owner alone.',
    },
    marker: {
      file: 'supabase/migrations/0030_vault.sql',
      text: '-- no grant: only vault.open and the write functions call it',
    },
    actors: ['clinician'],
    steps: ({ clinician }, { mine }) => [
      ...clinician.enters('open'),
      clinician.asks(`select audit.open_patient('${mine}') as answer`, {
        control: true,
        expect: { first: { answer: 'ok' } },
      }),
      clinician.asks('commit'),
      ...clinician.enters('read'),
      clinician.asks(`select vault.release('${mine}', 'clinical')`, { expect: { error: '42501' } }),
      clinician.asks('rollback'),
    ],
  },
  {
    id: 'dba-unwraps',
    title: { fr: 'Prendre la clé à la source', en: 'Take the key at its source' },
    story: {
      fr: 'Le DBA voit la clé enveloppée et le secret de la base. Il essaie d’ouvrir l’une avec l’autre.',
      en: 'The DBA sees the wrapped key and the database’s secret, and tries to open one with the other.',
    },
    marker: { file: 'supabase/migrations/0030_vault.sql', text: "message = 'the value can''t be opened'" },
    actors: [],
    steps: (_, { mine }) => [
      {
        login: 'dba',
        as: 'vs_dba',
        sql: `select master, left(encode(wrapped, 'hex'), 40) || '…' as wrapped from vault.keys where subject_id = '${mine}'`,
      },
      {
        login: 'dba',
        as: 'vs_dba',
        sql: `select vault.aead_decrypt(s.value, substr(k.wrapped, 2, 16), ''::bytea,
         substr(k.wrapped, 18, length(k.wrapped) - 49), substr(k.wrapped, length(k.wrapped) - 31))
from vault.keys k, vault.secrets s where k.subject_id = '${mine}' limit 1`,
        expect: { error: 'VS500' },
      },
    ],
  },
  {
    id: 'settings',
    title: {
      fr: 'Lire les clés dans les réglages de la transaction',
      en: 'Read the keys from the transaction’s settings',
    },
    story: {
      fr: 'Les clés accompagnent la transaction, scellées : le trousseau y est cherché en clair.',
      en: 'The keys travel with the transaction, sealed: the ring is looked for in clear.',
    },
    marker: { file: 'supabase/migrations/0030_vault.sql', text: "perform set_config('vs.keys'" },
    actors: ['clinician'],
    steps: ({ clinician }, { ring }) => [
      ...clinician.enters('read'),
      clinician.asks(
        `select length(current_setting('vs.keys')) as length, count(*) filter (where position(part in current_setting('vs.keys')) > 0
    or position(convert_to(part, 'UTF8') in decode(current_setting('vs.keys'), 'base64')) > 0) as parts_in_clear
from (select substr(split_part($1, '=', 2), n * 8 + 1, 8) as part from generate_series(0, 9) n) ring`,
        {
          values: [{ value: ring, secret: 'VITAL_KEYS' }],
          expect: { first: { parts_in_clear: '0' } },
        },
      ),
      clinician.asks('rollback'),
    ],
  },
  {
    id: 'functions-with-keys',
    title: { fr: 'Trouver une fonction qui rende une clé', en: 'Find a function that gives a key' },
    story: {
      fr: 'Toutes les fonctions qu’une session peut appeler : aucune ne rend d’octets. (À la porte, avant toute session, l’une rend la clé publique d’une clé d’accès, une autre le secret neuf d’un QR code.)',
      en: 'All functions that a session may call: none gives bytes. (At the gate, before any session, one gives the public key of a passkey, and one the new secret of a QR code.)',
    },
    marker: {
      file: 'supabase/migrations/0010_roles.sql',
      text: 'alter default privileges revoke execute on functions from public',
    },
    actors: [],
    steps: () => [
      {
        login: 'dba',
        as: 'vs_dba',
        sql: `select p.oid::regprocedure as function, r.rolname as role
from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_roles r on r.rolname ~ '^vs_' and r.rolname not in ('vs_owner', 'vs_dba', 'vs_admin', 'vs_gate')
where pg_get_userbyid(p.proowner) = 'vs_owner' and p.prorettype in ('bytea'::regtype, 'bytea[]'::regtype, 'record'::regtype)
  and (p.prorettype <> 'record'::regtype or 'bytea'::regtype = any (p.proallargtypes))
  and has_schema_privilege(r.oid, n.oid, 'usage') and has_function_privilege(r.oid, p.oid, 'execute')`,
        expect: { rows: 0 },
      },
    ],
  },
];
