import { useWords } from '../i18n.ts';
import { frame } from '../messages.ts';
import { Alert } from '../ui/alert.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Field, Select } from '../ui/field.tsx';
import { ErrorSummary } from '../ui/form.tsx';
import { type InviteErrors, type InviteValues, staffRoles } from './form.ts';
import { accounts } from './messages.ts';

export type InviteProps = {
  values: InviteValues;
  errors?: InviteErrors;
  /** Why the database didn't take it. */
  refusal?: string;
};

/** Somebody comes to work here. */
export function InvitePage({ values, errors = {}, refusal }: InviteProps) {
  const t = useWords(accounts);
  const roles = useWords(frame);
  const said = Object.fromEntries(Object.entries(errors).map(([name, it]) => [name, labelOf(t, 'problem', it)]));
  // nobody gets a role by not choosing
  const choices = staffRoles.map((value) => ({ value, label: labelOf(roles, 'role', value) }));
  return (
    <div class="team-form">
      <h1>{t.invite}</h1>
      <p class="lead">{t.inviteIntro}</p>
      {refusal ? <Alert tone="danger" title={labelOf(t, 'refusal', refusal)} /> : <ErrorSummary errors={said} />}
      <form class="card form" method="post" action="/admin/accounts" novalidate>
        <input type="hidden" name="key" value={values.key} />
        <Select
          name="role"
          label={t.role}
          value={values.role}
          choices={[{ value: '', label: t.choose }, ...choices]}
          error={said.role}
        />
        <Field name="family_name" label={t.familyName} value={values.family_name} error={said.family_name} required />
        <Field name="given_name" label={t.givenName} value={values.given_name} error={said.given_name} required />
        <Field
          name="email"
          type="email"
          label={t.inviteEmail}
          hint={t.inviteEmailHint}
          value={values.email}
          error={said.email}
          inputMode="email"
          spellcheck={false}
          required
        />
        <Field name="quality" label={t.quality} hint={t.qualityHint} value={values.quality} optional width="medium" />
        <Field
          name="rpps"
          label={t.rpps}
          hint={t.rppsHint}
          value={values.rpps}
          error={said.rpps}
          inputMode="numeric"
          optional
          width="medium"
        />
        <Select
          name="lang"
          label={t.messageLang}
          value={values.lang}
          choices={[
            { value: 'fr', label: t.lang_fr },
            { value: 'en', label: t.lang_en },
          ]}
        />
        <div class="form-actions">
          <button class="button" data-primary="" type="submit">
            {t.send}
          </button>
          <a href="/admin/accounts">{t.back}</a>
        </div>
      </form>
    </div>
  );
}
