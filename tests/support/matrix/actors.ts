// Everybody of the matrix: the acting roles as people who came in by the door, and the three logins by themselves.
import type pg from 'pg';
import { connect } from '../../../db/connect.ts';
import { asOwner, openImportSession } from '../../../db/owner.ts';
import type { World } from '../world.ts';
import type { Role } from './lines.ts';
import type { Place } from './places.ts';

export type Actor = {
  role: Role;
  client: pg.Client;
  /** Undefined: a login that didn't come in by the door. NULL: somebody who isn't signed in. */
  token: string | null | undefined;
  me: Place;
};

export async function createActors({ db, a }: World): Promise<Actor[]> {
  const [edge, gate, dba] = await Promise.all([db.edgeUrl, db.gateUrl, db.dbaUrl].map(connect));
  const service = await asOwner(db.admin, () =>
    openImportSession(db.admin, db.keys, a.organisation, a.clinician.account),
  );
  const { organisation } = a;
  const people = {
    patient: a.patient,
    clinician: a.clinician,
    secretary: a.secretary,
    org_admin: a.orgAdmin,
    auditor: a.auditor,
    dpo: a.dpo,
    researcher: a.researcher,
  };
  const nobody = { organisation, team: 'own' };
  return [
    { role: 'anon', client: edge!, token: null, me: nobody },
    ...Object.entries(people).map(([role, { token, account }]) => ({
      role: role as Role,
      client: edge!,
      token,
      me: { ...nobody, person: role === 'patient' ? a.mine : account },
    })),
    { role: 'import', client: edge!, token: service, me: nobody },
    { role: 'edge', client: edge!, token: undefined, me: nobody },
    { role: 'gate', client: gate!, token: undefined, me: nobody },
    { role: 'dba', client: dba!, token: undefined, me: nobody },
  ];
}

export async function endActors(actors: Actor[]): Promise<void> {
  await Promise.all([...new Set(actors.map(({ client }) => client))].map((client) => client.end()));
}

/** Work in a transaction of this actor, on the page of this patient; all of it is taken back. */
export async function asActor<T>(
  { client, token }: Actor,
  { ring, focus = null }: { ring: string; focus?: string | null },
  work: () => Promise<T>,
): Promise<T> {
  await client.query('begin isolation level read committed');
  try {
    if (token !== undefined)
      await client.query('select iam.enter($1, $2, $3, $4)', [token, ring, focus, token === null ? 'open' : 'write']);
    return await work();
  } finally {
    await client.query('rollback');
  }
}
