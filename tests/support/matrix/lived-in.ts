// A day in both practices, so that every table that somebody may read has rows of each: a new one gets its rows here.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { asOwner } from '../../../db/owner.ts';
import { breakGlass, change, refer } from '../care.ts';
import { createPerson } from '../practice.ts';
import { signInFrom } from '../sign-ins.ts';
import { type House, inTransaction, open, openPatient, type World } from '../world.ts';

/** @param edge a connection of the edge */
export async function liveIn(world: World, edge: pg.Client): Promise<void> {
  for (const [letter, house] of [
    ['A', world.a],
    ['B', world.b],
  ] as const) {
    await spendTheDay(world, house, edge);
    const { admin } = world.db;
    await asOwner(admin, () => admin.query(existing, [`patients_${letter.toLowerCase()}`, house.organisation]));
    // the colleague looks into the clinician's patient in an emergency, and is asked to see them
    const { ring } = world.db;
    await breakGlass(
      edge,
      { token: house.colleague.token, ring },
      { name: `Nom Cabinet ${letter}`, day: '1958-03-12' },
    );
    await refer(edge, { token: house.clinician.token, ring }, house.mine, house.colleague.account);
    // and asked in turn, which is over
    const asking = { token: house.colleague.token, ring };
    const referral = await refer(edge, asking, house.theirs, house.clinician.account);
    await change(edge, asking, 'referrals.end', 'clinic.end_referral($1, $2)', [referral]);
    // everybody signs in twice, the second time from where they never were
    for (const { account } of [house.clinician, house.colleague, house.secretary, house.orgAdmin, house.patient]) {
      await signInFrom(world.db, account, { ip: '192.0.2.1', device: 'a' });
      await signInFrom(world.db, account, { ip: '198.51.100.1', device: 'b' });
    }
  }
}

/** A table that the practice had before, and sealed. */
const existing = `with t as (
    insert into vault.existing_tables (name, organisation_id, subject, view_name, map_digest)
    values ('ancien.' || $1, $2, 'patient', 'existing_' || $1, decode(repeat('00', 32), 'hex')) returning name)
  insert into vault.existing_columns (table_name, position, name, type, level, sealed_name)
  select name, 1, 'nom', 'text', 'identity', 'nom_sealed' from t`;

const waiting = `
  insert into iam.recoveries (account_id, organisation_id, token_hash, state, lost, ready_at, ends_at)
  select a, $1, sha256(uuid_send(a)), 'waiting', 'factors', now() + interval '1 day', now() + interval '4 days' from unnest($2::uuid[]) a`;

/** Who wants another address. */
const moving = `
  insert into iam.address_changes (account_id, session_id, email, token_hash, asked_hash)
  select distinct on (s.account_id) s.account_id, s.id, 'sealed', sha256(uuid_send(s.account_id)), sha256(uuid_send(s.account_id)) from iam.sessions s where s.account_id = any ($1)`;

async function spendTheDay({ db }: World, house: House, edge: pg.Client): Promise<void> {
  const entry = ({ token }: { token: string }) => ({ token, ring: db.ring });
  const { mine, theirs, clinician, colleague, secretary, patient, auditor, orgAdmin, dpo } = house;
  // from an address, which leaves an origin
  await edge.query('begin');
  await edge.query("select iam.enter($1, $2, null, 'open', '192.0.2.1', 'Firefox')", [clinician.token, db.ring]);
  await edge.query('commit');
  for (const [person, record] of [
    [clinician, mine],
    [colleague, theirs],
    [patient, mine],
    [secretary, mine],
    [secretary, theirs],
  ] as const)
    await openPatient(edge, entry(person), record);
  for (const person of [clinician, colleague, secretary])
    await open(edge, entry(person), 'audit.open_patient_list($1)', [randomUUID()]);
  await open(edge, entry(clinician), 'ops.intend($1, $2)', [randomUUID(), 'notes.sign']);
  const neighbour = await asOwner(db.admin, () =>
    createPerson(db, { organisation: house.organisation, role: 'patient', patient: theirs }),
  );
  // a colleague who lost their phone, and a patient
  await asOwner(db.admin, () => db.admin.query(waiting, [house.organisation, [auditor.account, neighbour.account]]));
  // a name that was another one for a while
  for (const name of ['Passager', `Nom${colleague.role}`])
    await change(edge, entry(colleague), 'accounts.change', 'clinic.change_own_name($1, $2, $3)', [name, 'Camille']);
  await asOwner(db.admin, () => db.admin.query(moving, [[clinician.account, patient.account]]));
  const texts = await asOwner(db.admin, () =>
    db.admin.query("select type, hash from iam.consent_texts('fr') where type in ('marketing', 'telemedicine_usage')"),
  );
  const decide = 'clinic.change_consent($1, $2, $3, $4)';
  for (const person of [patient, neighbour])
    for (const { type, hash } of texts.rows)
      await change(edge, entry(person), 'consents.give', decide, [type, true, hash]);
  // who wants to be seen at the practice after all, which the DPO answers
  const remote = texts.rows.find(({ type }) => type === 'telemedicine_usage');
  for (const person of [patient, neighbour])
    await change(edge, entry(person), 'consents.withdraw', decide, [remote.type, false, remote.hash]);
  const waits = await inTransaction(edge, { ...entry(dpo), phase: 'read' }, () =>
    edge.query('select id from clinic.withdrawals where patient_id = $1', [mine]),
  );
  const answered = [waits.rows[0].id, 'informed'];
  await change(edge, entry(dpo), 'requests.answer', 'clinic.answer_request($1, $2, $3)', answered);
  await open(edge, entry(auditor), 'audit.open_log()');
  await open(edge, entry(orgAdmin), 'audit.open_accounts()');
  const key = randomUUID();
  await open(edge, entry(dpo), 'ops.intend($1, $2)', [key, 'erasures.request']);
  await inTransaction(edge, { ...entry(dpo), phase: 'write' }, () =>
    edge.query('select clinic.request_erasure($1, $2, $3, $4)', [key, theirs, 'objection', 'courrier du 3 mars']),
  );
}
