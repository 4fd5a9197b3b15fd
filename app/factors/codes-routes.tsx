/** /account/recovery-codes: ten codes are made and shown once. The answer to the form shows them; no address does. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { refusedWith } from '../../db/refusal.ts';
import { ringNow } from '../../db/ring.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { askMe, readMe } from '../me.ts';
import type { Services } from '../services.ts';
import { openHome } from '../sessions/queries.ts';
import { recordFailed } from '../sign-in/queries.ts';
import { BeforeCodes, ShownCodes } from './codes-page.tsx';
import { codesWords } from './codes-words.ts';
import { makeRecoveryCodes, mayBeginChange, mustBeAllowed, readOwnFactors } from './queries.ts';

/** As iam.new_recovery_code makes them: nothing else is put into a file. */
const Saved = z.object({ codes: z.string().regex(/^(?:[0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5}(?: |$)){10}$/) });

/** After a first factor: what comes next is one's own home, not the list of factors. Decides nothing. */
const isFirst = (c: Context<Env>) => c.req.query('first') === '1';

export function codesRoutes({ door, ring }: Services) {
  return new Hono<Env>()
    .get('/', async (c) => {
      const [allowed] = await door.gate(mayBeginChange(ringNow(ring), c.var.who));
      mustBeAllowed(allowed?.answer);
      const [me, [own]] = await door.read(c.var.who, { open: openHome(), reads: [readMe(), readOwnFactors()] });
      const title = inLang(codesWords, c.var.lang).title;
      return page(
        c,
        { title, me: me[0], narrow: true },
        <BeforeCodes left={own?.recovery_codes ?? 0} first={isFirst(c)} />,
      );
    })

    .post('/', async (c) => {
      const made = makeRecoveryCodes(ringNow(ring), c.var.who);
      const [row] = await door.gate(made, recordFailed(ringNow(ring), null, c.var.who));
      mustBeAllowed(row?.answer);
      if (!row?.codes) throw refusedWith('limited'); // ten times within the hour
      const me = await askMe(door, c.var.who);
      const title = inLang(codesWords, c.var.lang).shown;
      return page(c, { title, me, narrow: true }, <ShownCodes codes={row.codes} first={isFirst(c)} />);
    })

    .post('/file', async (c) => {
      const { codes } = Saved.parse(await c.req.parseBody());
      const t = inLang(codesWords, c.var.lang);
      const lines = codes.split(' ').map((one, i) => `${String(i + 1).padStart(2)}  ${one}`);
      return c.body(`${t.fileHead}\r\n\r\n${lines.join('\r\n')}\r\n`, 200, {
        'Content-Type': 'text/plain; charset=utf-8',
        'Content-Disposition': `attachment; filename="${t.fileName}"`,
      });
    });
}
