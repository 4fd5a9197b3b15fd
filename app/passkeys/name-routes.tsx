/** GET and POST /account/passkeys/:id/name: another name for a passkey. */
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { Refusal } from '../../db/batch.ts';
import { ringNow } from '../../db/ring.ts';
import type { Env } from '../../edge/session.ts';
import { mustBeAllowed } from '../factors/queries.ts';
import { inLang, useWords } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import type { Services } from '../services.ts';
import { openHome } from '../sessions/queries.ts';
import { recordFailed } from '../sign-in/queries.ts';
import { Field } from '../ui/field.tsx';
import { ErrorSummary } from '../ui/form.tsx';
import { NAME_LENGTH } from './add-page.tsx';
import { passkeys } from './messages.ts';
import { namePasskey, readOwnPasskeys } from './queries.ts';

const PATH = '/account/passkeys';
const Name = z.string().trim().min(1).max(NAME_LENGTH);
type Shown = { name?: string; error?: string; status?: ContentfulStatusCode };

export function nameRoutes({ door, ring }: Services) {
  const show = async (c: Context<Env, '/:id/name'>, { name, error, status = 200 }: Shown) => {
    const [me, rows] = await door.read(c.var.who, { open: openHome(), reads: [readMe(), readOwnPasskeys()] });
    const row = rows.find(({ id }) => id === c.req.param('id'));
    if (!row) throw new Refusal('hidden');
    const title = inLang(passkeys, c.var.lang).renameTitle;
    return page(
      c,
      { title, me: me[0], narrow: true, status, error: error !== undefined },
      <NamePage action={`${PATH}/${row.id}/name`} name={name ?? row.name} error={error} />,
    );
  };

  return new Hono<Env>()
    .get('/:id/name', (c) => show(c, {}))

    .post('/:id/name', async (c) => {
      const id = z.guid().safeParse(c.req.param('id')).data;
      if (!id) return c.notFound();
      const typed = (await c.req.parseBody()).name;
      const name = Name.safeParse(typed).data;
      if (!name) {
        const error = inLang(passkeys, c.var.lang).nameMissing;
        return show(c, { name: typeof typed === 'string' ? typed : '', error, status: 422 });
      }
      const named = namePasskey(ringNow(ring), id, name, c.var.who);
      const [row] = await door.gate(named, recordFailed(ringNow(ring), null, c.var.who));
      mustBeAllowed(row?.answer);
      if (row?.answer === 'hidden') throw new Refusal('hidden');
      return c.redirect(`${PATH}?done=renamed`, 303);
    });
}

function NamePage({ action, name, error }: { action: string; name: string; error?: string }) {
  const t = useWords(passkeys);
  return (
    <>
      <header class="page-head">
        <h1>{t.renameTitle}</h1>
      </header>
      <form class="card form" method="post" action={action} novalidate>
        <ErrorSummary errors={error ? { name: error } : {}} />
        <Field
          name="name"
          label={t.name}
          hint={t.nameHint}
          value={name}
          error={error}
          maxLength={NAME_LENGTH}
          autofocus={!error}
          required
        />
        <div class="form-actions">
          <button class="button" data-primary="" type="submit">
            {t.save}
          </button>
          <a href={PATH}>{t.back}</a>
        </div>
      </form>
    </>
  );
}
