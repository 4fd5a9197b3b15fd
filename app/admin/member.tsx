import type { ClinicColleagues } from '../../db/types.ts';
import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Field, Select } from '../ui/field.tsx';
import { ErrorSummary } from '../ui/form.tsx';
import { admin } from './messages.ts';
import { type MemberErrors, type MemberValues, teamRoles } from './team-form.ts';

export type MemberFormProps = {
  /** Undefined: a new team and its lead. */
  team?: string;
  colleagues: readonly ClinicColleagues[];
  values: MemberValues;
  errors?: MemberErrors;
  /** Why the database didn't take it. */
  refusal?: string;
};

/** Somebody joins a team, or leads a new one. */
export function MemberPage({ team, colleagues, values, errors = {}, refusal }: MemberFormProps) {
  const t = useWords(admin);
  const said = Object.fromEntries(Object.entries(errors).map(([name, it]) => [name, labelOf(t, 'problem', it)]));
  const title = team ? t.addMember : t.newTeam;
  const names = colleagues.map((one) => ({ value: one.account_id, label: one.display_name ?? t.nameUnknown }));
  // nobody is chosen by not choosing
  const choices = [{ value: '', label: t.choose }, ...names];
  return (
    <div class="team-form">
      <h1>{title}</h1>
      {refusal ? <Alert tone="danger" title={labelOf(t, 'refusal', refusal)} /> : <ErrorSummary errors={said} />}
      <form class="card form" method="post" action={team ? `/admin/care-teams/${team}/members` : '/admin/care-teams'}>
        <input type="hidden" name="key" value={values.key} />
        <Select
          name="account"
          label={team ? t.member : t.lead}
          value={values.account}
          choices={choices}
          error={said.account}
        />
        {team ? <MemberFields values={values} said={said} /> : null}
        <div class="form-actions">
          <button class="button" data-primary="" type="submit">
            {title}
          </button>
          <a href="/admin/care-teams">{t.backToTeams}</a>
        </div>
      </form>
    </div>
  );
}

function MemberFields({ values, said }: { values: MemberValues; said: Record<string, string> }) {
  const t = useWords(admin);
  return (
    <>
      <Select
        name="role"
        label={t.teamRole}
        value={values.role}
        choices={teamRoles.map((value) => ({ value, label: labelOf(t, 'teamRole', value) }))}
      />
      <Field
        name="from"
        type="date"
        label={t.from}
        hint={t.fromHint}
        value={values.from}
        error={said.from}
        optional
        width="medium"
      />
      <Field
        name="until"
        type="date"
        label={t.lastDay}
        hint={t.lastDayHint}
        value={values.until}
        error={said.until}
        optional
        width="medium"
      />
    </>
  );
}
