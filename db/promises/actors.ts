// Somebody with a session of their own, made for one attack and ended after it; both are recorded like any other.
import type pg from 'pg';
import { asOwner } from '../owner.ts';
import type { Actor, Person, Step } from './types.ts';

export type Session = { actor: Actor; token: string };

/** Gives the person a session of two factors, as the administrator may. */
export async function openSession(admin: pg.Client, person: Person, ring: string): Promise<Session> {
  const opened = await asOwner(admin, () =>
    admin.query<{ token: string }>('select iam.open_session($1) as token', [person.account]),
  );
  const token = opened.rows[0]!.token; // a function gives one row
  return { token, actor: acting(person, token, ring) };
}

export async function endSession(edge: pg.Client, { token }: Session, ring: string): Promise<void> {
  await edge.query('begin');
  await edge.query('select iam.enter($1, $2)', [token, ring]);
  await edge.query('select iam.end_session()');
  await edge.query('commit');
}

function acting(person: Person, token: string, ring: string): Actor {
  const role = `vs_${person.role}`;
  const secrets = [
    { value: token, secret: 'the session token' },
    { value: ring, secret: 'VITAL_KEYS' },
  ];
  const enter = (phase: string, focus?: string): Pick<Step, 'sql' | 'values'> => ({
    sql: `select iam.enter($1, $2, ${focus ? `'${focus}'` : 'null'}, '${phase}', null, 'vitalsync promises')`,
    values: secrets,
  });
  return {
    ...person,
    enters: (phase, focus) => [
      { login: 'edge', as: 'vs_edge', sql: phase === 'read' ? 'begin read only' : 'begin' },
      { login: 'edge', as: 'vs_edge', ...enter(phase, focus) },
    ],
    entersAsSuperuser: (rest) => ({ login: 'superuser', as: 'postgres', ...enter('read'), ...rest }),
    asks: (sql, rest) => ({ login: 'edge', as: role, sql, ...rest }),
  };
}
