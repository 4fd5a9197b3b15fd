import { z } from 'zod';
import type { ClinicCareTeams, ClinicReferralPeriods } from '../../db/types.ts';
import { useWords } from '../i18n.ts';
import { labelOf } from '../ui/codeable.tsx';
import { Empty, Missing } from '../ui/empty.tsx';
import { Table } from '../ui/table.tsx';
import { Day } from '../ui/time.tsx';
import { admin } from './messages.ts';

/** Rows of clinic.care_teams and clinic.referral_periods. */
export type CareTeamRow = ClinicCareTeams;
export type ReferralRow = ClinicReferralPeriods;

/** Who follows patients together. The views have their number and nothing that names them. */
export function CareTeamsPage({
  teams,
  referrals,
}: {
  teams: readonly CareTeamRow[];
  referrals: readonly ReferralRow[];
}) {
  const t = useWords(admin);
  return (
    <>
      <header class="page-head">
        <h1>{t.careTeams}</h1>
        <a class="button" href="/admin/care-teams/new">
          {t.newTeam}
        </a>
      </header>
      <p class="lead">{t.careTeamsIntro}</p>
      {teams.length > 0 ? teams.map((team) => <Team key={team.id} team={team} />) : <Empty>{t.noCareTeam}</Empty>}
      {referrals.length > 0 ? <Referrals rows={referrals} /> : null}
    </>
  );
}

const memberList = z.array(
  z.object({
    stay: z.string(),
    id: z.string(),
    name: z.string().nullish(),
    role: z.string(),
    from: z.coerce.date(),
    until: z.coerce.date().nullish(),
  }),
);

function Team({ team }: { team: CareTeamRow }) {
  const t = useWords(admin);
  const members = memberList.parse(JSON.parse(team.members).map(withoutNullDates));
  const name = team.lead_name ? t.team(team.lead_name) : t.unledTeam;
  return (
    <section class="team" id={`team-${team.id}`} aria-labelledby={`team-${team.id}-name`}>
      <h2 id={`team-${team.id}-name`}>{name}</h2>
      <p class="quiet">{t.patientCount(team.patient_count)}</p>
      {members.length > 0 ? (
        <Table
          caption={t.membersOf(name)}
          rows={members}
          rowId={(member) => `stay-${member.stay}`}
          columns={[
            { label: t.name, header: true, cell: (m) => m.name ?? <Missing>{t.nameUnknown}</Missing> },
            { label: t.teamRole, evident: true, cell: (m) => labelOf(t, 'teamRole', m.role) },
            { label: t.since, cell: (m) => <Day value={m.from} /> },
            { label: t.until, cell: (m) => (m.until ? <Day value={lastDay(m.until)} /> : t.noEnd) },
            { label: t.leaving, cell: (m) => <End action={`/admin/care-teams/members/${m.stay}/end`} /> },
          ]}
        />
      ) : (
        <Empty>{t.noMember}</Empty>
      )}
      <p class="team-actions">
        <a class="button" href={`/admin/care-teams/${team.id}/members/new`}>
          {t.addMember}
        </a>
      </p>
    </section>
  );
}

/** An end at midnight is the end of the day before. */
const lastDay = (until: Date) => new Date(until.getTime() - 1);

/** z.coerce.date makes 1970 of null. */
function withoutNullDates(member: Record<string, unknown>): Record<string, unknown> {
  return { ...member, until: member.until ?? undefined };
}

function End({ action }: { action: string }) {
  const t = useWords(admin);
  return (
    <form method="post" action={action}>
      <input type="hidden" name="key" value={crypto.randomUUID()} />
      <button class="button" data-quiet="" type="submit">
        {t.endNow}
      </button>
    </form>
  );
}

function Referrals({ rows }: { rows: readonly ReferralRow[] }) {
  const t = useWords(admin);
  return (
    <section class="team" aria-labelledby="referrals">
      <h2 id="referrals">{t.referrals}</h2>
      <p class="quiet">{t.referralsIntro}</p>
      <Table
        caption={t.referrals}
        rows={rows}
        rowId={(row) => `referral-${row.id}`}
        columns={[
          { label: t.referredTo, header: true, cell: (r) => r.performer_name ?? <Missing>{t.nameUnknown}</Missing> },
          { label: t.referredBy, cell: (r) => r.requester_name ?? <Missing>{t.nameUnknown}</Missing> },
          { label: t.patientNumber, code: true, cell: (r) => r.patient_id },
          { label: t.until, cell: (r) => <Day value={r.valid_until} /> },
          { label: t.leaving, cell: (r) => <End action={`/admin/care-teams/referrals/${r.id}/end`} /> },
        ]}
      />
    </section>
  );
}
