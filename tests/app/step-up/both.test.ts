// What changes how somebody signs in asks for the password beside the factor (ASVS 5.0 §7.5.1): what the page asks for, and
// what it says. The refusals themselves: tests/db/factors/reauthentication.test.ts.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { prehash } from '../../../edge/password.ts';
import { code, fieldsOf, newCookie, type Scene, setScene } from './support.ts';

const right = 'correct horse battery staple';
const typed = { number: '06 12 34 56 78' };
let scene: Scene;
beforeAll(async () => {
  scene = await setScene();
  const { account } = scene.clinician;
  await scene.owner('select iam.set_password($1, $2)', [account, await prehash(scene.app.db.pepper, account, right)]);
  await scene.owner("insert into ops.deliveries (channel) values ('email'), ('sms') on conflict do nothing");
});
afterAll(() => scene?.close());
beforeEach(async () => {
  await scene.begin();
  await scene.owner('update iam.sessions set password_at = null');
  await scene.owner("delete from ops.delays; delete from ops.limits where key like 'password/%'");
});

const fresh = (what: string) => scene.owner(`update iam.sessions set ${what} = clock_timestamp()`);
const asked = async () => {
  const answer = await scene.ask('/account/phone', { form: typed });
  const html = await answer.text();
  return { status: answer.status, html, fields: fieldsOf(html) };
};
const lastStep = async () =>
  Number(
    (await scene.owner('select last_step from iam.totp_factors where account_id = $1', [scene.clinician.account]))[0]
      ?.last_step,
  );

describe('a change of how somebody signs in', () => {
  test('asks for the password and the factor on one page, with what was typed kept', async () => {
    const { status, html, fields } = await asked();
    expect([status, html.includes('saisissez aussi votre mot de passe')]).toEqual([401, true]);
    expect(html).toMatch(/autocomplete="current-password"/);
    expect(fields).toMatchObject({ ...typed, step_up_both: '1', step_up_password: '', step_up_code: '' });
    const done = await scene.ask('/step-up', { form: { ...fields, step_up_password: right, step_up_code: code() } });
    expect([done.status, done.headers.get('location')]).toEqual([307, '/account/phone']);
    const sent = await scene.ask('/account/phone', { form: typed, cookie: newCookie(done) });
    expect(sent.status).toBeLessThan(400);
    // the cookie from before, which somebody may have copied
    expect((await scene.ask('/account/phone', { form: typed })).status).toBe(401);
  });

  test('asks only for what is missing', async () => {
    await fresh('password_at');
    const factor = await asked();
    expect(factor.fields).toHaveProperty('step_up_code');
    expect(factor.fields).not.toHaveProperty('step_up_password');
    await scene.owner('update iam.sessions set password_at = null, factor_at = clock_timestamp()');
    const password = await asked();
    expect(password.fields).toHaveProperty('step_up_password');
    expect(password.fields).not.toHaveProperty('step_up_code');
    const done = await scene.ask('/step-up', { form: { ...password.fields, step_up_password: right } });
    expect([done.status, newCookie(done) !== undefined]).toEqual([307, true]);
    const again = await scene.ask('/account/phone', { form: typed, cookie: newCookie(done) });
    expect(again.status).toBeLessThan(400);
  });

  test('a wrong password says so, uses no code up, and is never given back', async () => {
    const { fields } = await asked();
    const now = code();
    const form = { ...fields, step_up_password: 'canary-7731 au hasard', step_up_code: now };
    const wrong = await scene.ask('/step-up', { form });
    const html = await wrong.text();
    expect([wrong.status, newCookie(wrong), html.includes('canary-7731')]).toEqual([422, undefined, false]);
    expect(html).toContain('Mot de passe incorrect.');
    expect(html).toContain('Votre code n’a pas été utilisé.');
    expect([await lastStep(), fieldsOf(html)]).toEqual([0, expect.objectContaining(typed)]);
    const done = await scene.ask('/step-up', { form: { ...form, step_up_password: right } });
    expect(done.status).toBe(307);
  });

  test('a wrong code after the right password says so, and the password isn’t asked for again', async () => {
    const { fields } = await asked();
    const wrong = await scene.ask('/step-up', { form: { ...fields, step_up_password: right, step_up_code: '000000' } });
    const html = await wrong.text();
    expect([wrong.status, html.includes('Ce code ne convient pas.')]).toEqual([422, true]);
    expect(fieldsOf(html)).not.toHaveProperty('step_up_password');
    const cookie = newCookie(wrong);
    const done = await scene.ask('/step-up', { cookie, form: { ...fieldsOf(html), step_up_code: code() } });
    expect([done.status, done.headers.get('location')]).toEqual([307, '/account/phone']);
    expect((await scene.ask('/account/phone', { form: typed, cookie: newCookie(done) })).status).toBeLessThan(400);
  });

  test('an empty password is missed before anything is tried; a code alone, whatever the form left out, changes nothing', async () => {
    const { fields } = await asked();
    const empty = await scene.ask('/step-up', { form: { ...fields, step_up_code: code() } });
    expect([empty.status, (await empty.text()).includes('Saisissez votre mot de passe.'), await lastStep()]).toEqual([
      422,
      true,
      0,
    ]);
    const { step_up_password: _, ...rest } = fields;
    const done = await scene.ask('/step-up', { form: { ...rest, step_up_code: code() } });
    const refused = await scene.ask('/account/phone', { form: typed, cookie: newCookie(done) });
    const html = await refused.text();
    expect([done.status, refused.status]).toEqual([307, 401]);
    expect(fieldsOf(html)).toHaveProperty('step_up_password');
    expect(fieldsOf(html)).not.toHaveProperty('step_up_code');
  });

  test('too many wrong passwords are told to wait, as at sign-in', async () => {
    const { fields } = await asked();
    const form = { ...fields, step_up_password: 'au hasard', step_up_code: '000000' };
    const answers: Response[] = [];
    for (let i = 0; i < 6; i += 1) answers.push(await scene.ask('/step-up', { form }));
    expect([answers[0]?.status, answers.at(-1)?.status]).toEqual([422, 429]);
    expect(Number(answers.at(-1)?.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(fieldsOf((await answers.at(-1)?.text()) ?? '')).toMatchObject(typed);
  });

  test('of the password itself asks for the factor alone: its form has the password', async () => {
    const html = await (await scene.ask('/account/password')).text();
    expect(fieldsOf(html)).toHaveProperty('step_up_code');
    expect(fieldsOf(html)).not.toHaveProperty('step_up_password');
    await fresh('factor_at');
    expect((await scene.ask('/account/password')).status).toBe(200);
  });
});

test('everything else asks for the factor alone', async () => {
  const html = await (await scene.ask(scene.notes, { form: scene.note('Ancien facteur') })).text();
  expect(fieldsOf(html)).toHaveProperty('step_up_code');
  expect(html).not.toContain('step_up_password');
});
