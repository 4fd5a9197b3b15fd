// A factor shown again by other means than the app, and on the way to an emergency.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { code, fieldsOf, newCookie, type Scene, setScene } from './support.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await setScene();
});
afterAll(() => scene?.close());
beforeEach(() => scene.begin());

/** A note that waits: the fields of the page that asks. */
const waiting = async (text: string) =>
  fieldsOf(await (await scene.ask(scene.notes, { form: scene.note(text) })).text());

test('a recovery code works once, with what was typed kept on the way to its field', async () => {
  const { account } = scene.clinician;
  await scene.owner(
    'insert into iam.recovery_codes (account_id, code_hash) values ($1, iam.hash_recovery_code($2, $1, $3, extensions.gen_salt($4, 10)))',
    [account, scene.app.db.ring, 'abcdefghjk', 'bf'],
  );
  const asked = await waiting('Par un code de secours');
  const other = await scene.ask('/step-up', { form: { ...asked, step_up_by: 'recovery_code' } });
  const fields = fieldsOf(await other.text());
  expect([other.status, fields]).toEqual([
    200,
    expect.objectContaining({ step_up_method: 'recovery_code', subjective: 'Par un code de secours' }),
  ]);
  const wrong = await scene.ask('/step-up', { form: { ...fields, step_up_code: 'zzzzz-zzzzz' } });
  expect([wrong.status, newCookie(wrong)]).toEqual([422, undefined]);
  const right = await scene.ask('/step-up', { form: { ...fields, step_up_code: 'ABCDE-fghjk' } });
  expect([right.status, right.headers.get('location')]).toEqual([307, scene.notes]);
  const used = await scene.ask('/step-up', {
    form: { ...fields, step_up_code: 'abcdefghjk' },
    cookie: newCookie(right),
  });
  expect(used.status).toBe(422);
});

test('a code by e-mail is sent once asked for, and serves this session alone', async () => {
  const { account } = scene.clinician;
  await scene.owner('update iam.accounts set email_confirmed_at = clock_timestamp() where id = $1', [account]);
  await scene.owner("insert into ops.deliveries (channel) values ('email') on conflict do nothing");
  const asked = await waiting('Par un code envoyé');
  const sent = await scene.ask('/step-up', { form: { ...asked, step_up_by: 'email_code' } });
  const html = await sent.text();
  expect([sent.status, html.includes('Un code est parti')]).toEqual([200, true]);
  const fields = fieldsOf(html);
  expect(fields).toMatchObject({ step_up_method: 'email_code', subjective: 'Par un code envoyé' });
  const typed = await lastCode(account);
  const mine = scene.clinician;
  await scene.begin();
  const elsewhere = await scene.ask('/step-up', { form: { ...fields, step_up_code: typed } });
  expect([elsewhere.status, newCookie(elsewhere)]).toEqual([422, undefined]);
  scene.clinician = mine;
  const right = await scene.ask('/step-up', { form: { ...fields, step_up_code: typed } });
  expect(right.status).toBe(307);
});

test('a means that the account has not is refused, whatever the form says', async () => {
  const asked = await waiting('Sans ce moyen');
  for (const method of ['passkey', 'sms_code']) {
    const form = { ...asked, step_up_method: method, step_up_code: code(), step_up_credential: '{"id":"x"}' };
    const answer = await scene.ask('/step-up', { form });
    expect([method, answer.status, newCookie(answer)]).toEqual([method, 422, undefined]);
  }
  const sms = await scene.ask('/step-up', { form: { ...asked, step_up_by: 'sms_code' } });
  expect([sms.status, (await sms.text()).includes('Aucun code')]).toEqual([422, true]);
});

test('an emergency isn’t opened on an old factor; after the code it is, with the reason as it was typed', async () => {
  const { colleague } = scene.app.practice;
  const cookie = `__Host-vs=${colleague.token}.clinician`;
  const found = await scene.ask('/emergency/search', {
    cookie,
    form: { birth_name: 'Moreau', birth_date: '12/03/1958', given: '', ins: '' },
  });
  const hidden = Object.fromEntries(
    [...(await found.text()).matchAll(/type="hidden" name="(glass|search)" value="([^"]*)"/g)].map((m) => [m[1], m[2]]),
  );
  const form = { ...hidden, kind: 'emergency', reason: 'Inconsciente,\r\namenée par les pompiers' };
  const asked = await scene.ask('/emergency/open', { cookie, form });
  expect(asked.status).toBe(401);
  const fields = fieldsOf(await asked.text());
  expect(fields).toMatchObject({ ...form, step_up_to: '/emergency/open' });
  expect(await scene.owner('select id from access.broken_glass')).toEqual([]);
  await scene.owner('update iam.sessions set factor_at = clock_timestamp() where account_id = $1', [colleague.account]);
  const opened = await scene.ask('/emergency/open', { cookie, form: { ...fields, step_up_code: '123456' } });
  expect([opened.status, opened.headers.get('location')]).toEqual([303, `/patients/${scene.patient}`]);
});

/** As it stands in the message that waits to be delivered. */
async function lastCode(account: string): Promise<string> {
  const [row] = await scene.owner(
    `select convert_from(vault.unpack(vault.unwrap($1, o.account_id, 'profile'),
       convert_to('ops.outbox.vars', 'UTF8') || '\\x00'::bytea || uuid_send(o.id) || uuid_send(o.account_id) || int8send(1),
       o.vars), 'UTF8')::jsonb ->> 'code' as code
     from ops.outbox o where o.account_id = $2 and o.template = 'email_code' order by o.created_at desc limit 1`,
    [scene.app.db.ring, account],
  );
  return String(row?.code);
}
