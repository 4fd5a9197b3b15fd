import { z } from 'zod';
import { admin } from '../admin/messages.ts';
import { inLang, type Lang } from '../i18n.ts';

const Members = z.array(z.object({ id: z.string() }));

/** What the care teams that somebody is in, now or soon, are called. `members`: JSON of clinic.care_teams. */
export function teamsOf(
  account: string,
  teams: readonly { lead_name: string | null; members: string }[],
  lang: Lang,
): string[] {
  const t = inLang(admin, lang);
  return teams
    .filter(({ members }) => Members.parse(JSON.parse(members)).some((member) => member.id === account))
    .map(({ lead_name }) => (lead_name ? t.team(lead_name) : t.unledTeam));
}
