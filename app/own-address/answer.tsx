/** The page of one's own address, whatever is to be said on it. */
import type { Context } from 'hono';
import { ringNow } from '../../db/ring.ts';
import type { Env } from '../../edge/session.ts';
import { mustBeAllowed } from '../factors/queries.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { askMe } from '../me.ts';
import type { Services } from '../services.ts';
import { ownAddress } from './messages.ts';
import { OwnAddressPage, type Said } from './page.tsx';
import { readAddress } from './queries.ts';

export async function answerAddress(c: Context<Env>, { door, ring }: Services, said: Said) {
  const [own] = await door.gate(readAddress(ringNow(ring), c.var.who));
  mustBeAllowed(own?.answer);
  if (!own) throw new Error('read_address_change gave no row');
  if (said.wait) c.header('Retry-After', String(said.wait));
  const status = said.wait ? 429 : said.problem ? 422 : said.taken ? 409 : 200;
  const title = inLang(ownAddress, c.var.lang).title;
  const options = { title, narrow: true, me: await askMe(door, c.var.who), error: status !== 200, status } as const;
  return page(c, options, <OwnAddressPage own={own} said={said} />);
}
