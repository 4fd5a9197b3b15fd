// A clinician whose last factor is eleven minutes old, with an authenticator app, and a patient to write about.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { connect } from '../../../db/connect.ts';
import { asOwner } from '../../../db/owner.ts';
import { totpCode } from '../../../db/totp.ts';
import { createPatient, openSession, type Person } from '../../support/practice.ts';
import { blankNote } from '../pages.ts';
import { type Asked, cookieOf, type Running, startApp } from '../support.ts';

const secret = randomBytes(20);
export const code = () => totpCode(secret);

export type Scene = {
  app: Running;
  patient: string;
  /** In a session of their own, on an old factor. */
  clinician: Person;
  /** Where notes are sent. */
  notes: string;
  note(text: string): Record<string, string>;
  writtenNotes(): Promise<number>;
  owner(query: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  ask(path: string, asked?: Asked): Promise<Response>;
  /** Another session, an old factor, and every try given back. */
  begin(): Promise<void>;
  close(): Promise<void>;
};

export async function setScene(): Promise<Scene> {
  const app = await startApp();
  const patient = await createPatient(app.db, app.practice);
  const dba: pg.Client = await connect(app.db.dbaUrl);
  const { account } = app.practice.clinician;
  const owner = (query: string, values: unknown[] = []) =>
    asOwner(app.db.admin, async () => (await app.db.admin.query(query, values)).rows);
  await owner(
    `insert into iam.totp_factors (account_id, secret, confirmed_at)
     select $1, vault.seal(vault.unwrap($2, $1, 'profile'), $1, $1, 1, '', 'iam.totp_factors.secret', $3), clock_timestamp()`,
    [account, app.db.ring, secret.toString('base64')],
  );
  const scene: Scene = {
    app,
    patient,
    clinician: app.practice.clinician,
    notes: `/patients/${patient}/notes`,
    note: (text) => ({ ...blankNote(account), subjective: text }),
    writtenNotes: async () => Number((await dba.query('select count(*) from store.notes')).rows[0].count),
    owner,
    ask: (path, asked) => app.ask(path, { cookie: cookieOf(scene.clinician), ...asked }),
    begin: async () => {
      const token = await asOwner(app.db.admin, () => openSession(app.db, account));
      scene.clinician = { ...app.practice.clinician, token };
      await owner("update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes'");
      await owner("update iam.totp_factors set last_step = 0; delete from ops.limits where key like 'code/%'");
    },
    close: async () => {
      await dba.end();
      await app.close();
    },
  };
  return scene;
}

/** The fields of the form that a page holds, as a browser would send them. */
export function fieldsOf(html: string): Record<string, string> {
  const form = /<form[^>]*action="\/step-up".*?<\/form>/s.exec(html)?.[0] ?? '';
  const decode = (text: string) =>
    text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
  const inputs = [...form.matchAll(/<input(?:"[^"]*"|[^>"])*>/g)].map(([input]) => [
    /name="([^"]*)"/.exec(input)?.[1] ?? '',
    decode(/value="([^"]*)"/.exec(input)?.[1] ?? ''),
  ]);
  return Object.fromEntries(inputs);
}

/** What the answer puts into the session cookie, if it does. */
export const newCookie = (answer: Response) =>
  answer.headers
    .getSetCookie()
    .find((line) => line.startsWith('__Host-vs='))
    ?.split(';')[0];
