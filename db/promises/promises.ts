// The nine promises, each with the attacks that would break it (docs/threat-model.md links each to its SQL and tests).
import { atRest } from './attacks/at-rest.ts';
import { forgotten } from './attacks/forgotten.ts';
import { identity } from './attacks/identity.ts';
import { keys } from './attacks/keys.ts';
import { log } from './attacks/log.ts';
import { pages } from './attacks/pages.ts';
import { recordFirst } from './attacks/record-first.ts';
import { roundTrip } from './attacks/round-trip.ts';
import { rows } from './attacks/rows.ts';
import { sessions } from './attacks/sessions.ts';
import type { Attack, PromiseOfOurs, Text } from './types.ts';

const sentences: readonly (Text & { attacks: readonly Attack[] })[] = [
  {
    fr: 'Aucune ligne sans permission : chaque table a ses règles d’accès, activées et forcées.',
    en: 'No row without permission: every table has row-level security, enabled and forced.',
    attacks: rows,
  },
  {
    fr: 'Personne ne peut se faire passer pour un autre dans la base.',
    en: 'Nobody can claim to be someone else inside the database.',
    attacks: [...identity, ...sessions],
  },
  {
    fr: 'Aucune donnée personnelle en clair : ni dans les tables, ni sur le disque, ni dans les journaux.',
    en: 'No personal value in clear at rest: not in tables, not on the disk, not in logs.',
    attacks: atRest,
  },
  {
    fr: 'Rien ne se lit sans une trace déjà enregistrée, qu’aucune annulation n’efface.',
    en: 'No plaintext without a committed audit record, which no rollback takes away.',
    attacks: recordFirst,
  },
  {
    fr: 'Aucune clé ne sort du coffre.',
    en: 'No key leaves the vault.',
    attacks: keys,
  },
  {
    fr: 'Le journal ne peut pas être modifié en silence.',
    en: 'The audit log can’t be changed quietly.',
    attacks: log,
  },
  {
    fr: 'Un patient oublié est oublié : ses clés sont détruites, le journal reste vérifiable.',
    en: 'A forgotten patient is forgotten: the keys are destroyed, and the log still verifies.',
    attacks: forgotten,
  },
  {
    fr: 'Une page est un seul aller-retour.',
    en: 'A page is one round trip.',
    attacks: roundTrip,
  },
  {
    fr: 'app/ ne décide de rien : les pages demandent et montrent.',
    en: 'app/ decides nothing: pages ask and show.',
    attacks: pages,
  },
];

export const promises: readonly PromiseOfOurs[] = sentences.map(({ fr, en, attacks }, i) => ({
  number: i + 1,
  sentence: { fr, en },
  attacks,
}));
