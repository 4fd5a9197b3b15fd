// The page that asks for a factor again: where it leads, what it keeps, and what it doesn't.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ORIGIN } from '../support.ts';
import { code, fieldsOf, type Scene, setScene } from './support.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await setScene();
});
afterAll(() => scene?.close());
beforeEach(() => scene.begin());

describe('the page', () => {
  test.each([
    '//evil.example',
    'https://evil.example/x',
    '/\\evil.example',
    'javascript:alert(1)',
    '/x?next=//evil',
    'x',
    '',
    '/\n/evil.example',
    '/'.padEnd(500, 'a'),
  ])('leads nowhere else: %s', async (path) => {
    await scene.owner("update iam.totp_factors set last_step = 0; delete from ops.delays where key like 'code/%'");
    const page = await scene.ask(`/step-up?return=${encodeURIComponent(path)}`);
    if (page.status === 200) expect(fieldsOf(await page.text())).toMatchObject({ step_up_to: '/' });
    else expect(page.status).toBe(400);
    for (const resend of [{}, { step_up_resend: '1', key: randomUUID() }] as Record<string, string>[]) {
      const form = { ...resend, step_up_to: path, step_up_method: 'totp', step_up_code: '000000' };
      const answer = await scene.ask('/step-up', { form });
      if (answer.status !== 400) expect(fieldsOf(await answer.text())).toMatchObject({ step_up_to: '/' });
    }
  });

  test('comes back to a page of ours', async () => {
    const page = await scene.ask('/step-up?return=/patients');
    const form = { ...fieldsOf(await page.text()), step_up_code: ` ${code().replace(/...$/, ' $&')} ` };
    const answer = await scene.ask('/step-up', { form });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/patients']);
  });

  test('keeps no password and no code that was typed into another form', async () => {
    for (const name of ['password', 'new_password', 'code', 'recovery_code']) {
      const form = { key: randomUUID(), [name]: 'canary-7731', step_up_to: '/account', step_up_resend: '1' };
      const answer = await scene.ask('/step-up', { form });
      expect([answer.status, (await answer.text()).includes('canary-7731')]).toEqual([422, false]);
    }
  });

  test('leads back to the page of a form that held a secret, and to nobody else’s', async () => {
    const form = { code: 'canary-7731' };
    for (const [referer, path] of [
      [`${ORIGIN}/account/factors?done=x`, '/account/factors'],
      ['https://evil.example/account/factors', '/account/recovery-codes'],
      [`${ORIGIN}//evil.example`, '/account/recovery-codes'],
      [`${ORIGIN}/step-up`, '/account/recovery-codes'],
      ['%', '/account/recovery-codes'],
      ['', '/account/recovery-codes'],
    ] as const) {
      const headers = { Referer: referer };
      const answer = await scene.ask('/account/recovery-codes', { form, headers });
      const html = await answer.text();
      expect([referer, answer.status, html.includes('canary-7731')]).toEqual([referer, 401, false]);
      expect(fieldsOf(html)).toMatchObject({ step_up_to: path });
      expect(fieldsOf(html)).not.toHaveProperty('step_up_resend');
    }
  });

  test('without a session leads to signing in; between the two factors, to the second', async () => {
    const nobody = await scene.app.ask('/step-up');
    expect([nobody.status, nobody.headers.get('location')]).toEqual([303, '/sign-in']);
    await scene.owner('update iam.sessions set factors = 1 where token_hash = iam.hash_token($1)', [
      scene.clinician.token,
    ]);
    const half = await scene.ask('/step-up');
    expect([half.status, half.headers.get('location')]).toEqual([303, '/sign-in/code']);
  });

  test('asks for nothing that the account has not', async () => {
    const page = await (await scene.ask('/step-up')).text();
    expect(page).not.toContain('value="passkey"');
    const form = { step_up_by: 'passkey', step_up_to: '/' };
    const other = await (await scene.ask('/step-up', { form })).text();
    expect(fieldsOf(other)).toMatchObject({ step_up_method: 'totp' });
  });

  test('too many wrong codes are told to wait, with the note kept', async () => {
    const asked = fieldsOf(await (await scene.ask(scene.notes, { form: scene.note('Attendre') })).text());
    const form = { ...asked, step_up_code: '000000' };
    const answers: Response[] = [];
    for (let i = 0; i < 6; i += 1) answers.push(await scene.ask('/step-up', { form }));
    const statuses = answers.map((answer) => answer.status);
    expect([statuses[0], statuses.at(-1), statuses.toSorted()]).toEqual([422, 429, statuses]);
    expect(Number(answers[5]?.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(fieldsOf((await answers[5]?.text()) ?? '')).toMatchObject({ subjective: 'Attendre' });
  });
});
