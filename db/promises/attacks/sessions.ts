// Promise 2, before anybody is inside: half a sign-in, and a cookie that was copied.
import { randomBytes } from 'node:crypto';
import type { Actor, Attack, Step } from '../types.ts';

const owner = (sql: string, rest: Partial<Step> = {}): Step => ({ login: 'owner', as: 'vs_owner', sql, ...rest });

/** As the owner, to the attack's own session, in a transaction of its own: time passes, or a factor goes. */
const happens = (change: string, actor: Actor, why: Step['why']): Step[] => [
  owner('begin'),
  owner('set local role vs_owner'),
  owner(
    `with own as (select id from iam.sessions where account_id = '${actor.account}' order by created_at desc limit 1) ${change}`,
    { why },
  ),
  owner('commit'),
];

/** iam.enter as the first statement of a page, with a token for when the present one has served its time. */
function renews([begin, enter]: Step[], renewal: string): Step[] {
  const sql = enter!.sql.replace(/\)$/, ', $3) as answer'); // enters() gives two
  const values = [...(enter!.values ?? []), { value: renewal, secret: 'a new token' }];
  return [begin!, { ...enter!, sql, values }];
}

const answers = (steps: Step[], answer: string, rest: Partial<Step> = {}): Step[] =>
  steps.map((step, i) =>
    i === 0
      ? step
      : { ...step, sql: step.sql.replace(/\)( as answer)?$/, ') as answer'), expect: { first: { answer } }, ...rest },
  );

export const sessions: readonly Attack[] = [
  {
    id: 'password-alone',
    title: { fr: 'Entrer avec le seul mot de passe', en: 'Come in with the password alone' },
    story: {
      fr: 'L’attaquant a le mot de passe du médecin, et pas son second facteur : la session est là, et n’ouvre rien.',
      en: 'The attacker has the clinician’s password, and not the second factor: there is a session, and it opens nothing.',
    },
    marker: { file: 'supabase/migrations/0050_sessions.sql', text: 'elsif s.factors < 2 then' },
    actors: ['clinician'],
    steps: ({ clinician }, { mine }) => [
      ...happens('update iam.sessions s set factors = 1 from own where s.id = own.id', clinician, {
        fr: 'Une session telle qu’elle est après le mot de passe.',
        en: 'A session as it is after the password.',
      }),
      ...answers(clinician.enters('open'), 'second_factor'),
      { ...clinician.asks(`select audit.open_patient('${mine}') as answer`, { deed: true }), as: 'vs_anon' },
      {
        ...clinician.asks('select id, birth_name from clinic.patients', { expect: { error: '42501' } }),
        as: 'vs_anon',
      },
      { ...clinician.asks('rollback'), as: 'vs_anon' },
      ...happens('update iam.sessions s set revoked_at = clock_timestamp() from own where s.id = own.id', clinician, {
        fr: 'La demi-session prend fin.',
        en: 'The half session ends.',
      }),
    ],
  },
  {
    id: 'copied-cookie',
    title: { fr: 'Se servir d’un cookie copié', en: 'Use a copied cookie' },
    story: {
      fr: 'Le cookie a été copié ; quinze minutes après, la session a changé de jeton. L’ancien n’ouvre rien, et met fin à la session entière : personne ne peut dire lequel des deux est le voleur.',
      en: 'The cookie was copied; fifteen minutes later the session has another token. The old one opens nothing, and ends the whole session: nobody can tell which of the two is the thief.',
    },
    marker: {
      file: 'supabase/migrations/0050_sessions.sql',
      text: 'perform audit.append(array[s.id::text, s.account_id::text',
    },
    actors: ['clinician'],
    steps: ({ clinician }) => {
      const renewal = randomBytes(32).toString('base64url');
      const [begin, enter] = clinician.enters('open');
      const anew: Step[] = [
        begin!, // enters() gives two
        { ...enter!, values: [{ value: renewal, secret: 'the new token' }, ...(enter!.values ?? []).slice(1)] },
      ];
      return [
        ...happens(
          "update iam.sessions s set rotated_at = s.rotated_at - interval '15 minutes' from own where s.id = own.id",
          clinician,
          {
            fr: 'Quinze minutes passent.',
            en: 'Fifteen minutes pass.',
          },
        ),
        ...answers(renews(clinician.enters('open'), renewal), 'renewed', { control: true }),
        clinician.asks('commit'),
        ...happens(
          "update iam.old_tokens o set retired_at = o.retired_at - interval '30 seconds' from own where o.session_id = own.id",
          clinician,
          {
            fr: 'Trente secondes encore, pour les requêtes en cours.',
            en: 'Thirty seconds more, for the requests that were under way.',
          },
        ),
        ...answers(clinician.enters('open'), 'signed_out', { deed: true }),
        { ...clinician.asks('commit'), as: 'vs_anon' },
        ...answers(anew, 'signed_out'),
        { ...clinician.asks('commit'), as: 'vs_anon' },
      ];
    },
  },
];
