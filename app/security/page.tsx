import { useWords } from '../i18n.ts';
import { signIns } from '../sign-ins/messages.ts';
import { Alert } from '../ui/alert.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { DefinitionList } from '../ui/definitions.tsx';
import { Field } from '../ui/field.tsx';
import { ErrorSummary } from '../ui/form.tsx';
import type { SecurityErrors, SecurityValues } from './form.ts';
import { security } from './messages.ts';

export type SecurityPageProps = {
  values: SecurityValues;
  /** Signal → points, the heaviest first. */
  points: readonly (readonly [signal: string, points: number])[];
  errors?: SecurityErrors;
  saved?: boolean;
};

export function SecurityPage({ values, points, errors = {}, saved }: SecurityPageProps) {
  const t = useWords(security);
  const said = Object.fromEntries(Object.entries(errors).map(([name, problem]) => [name, t[problem]]));
  return (
    <div class="team-form">
      <h1>{t.title}</h1>
      <p class="lead">{t.intro}</p>
      <Points points={points} />
      {saved ? <Alert tone="ok" title={t.saved} /> : null}
      <form class="card form" method="post" action="/admin/security" novalidate>
        <ErrorSummary errors={said} />
        <input type="hidden" name="key" value={values.key} />
        <Threshold name="notice_from" label={t.noticeFrom} hint={t.noticeHint} {...{ values, said }} />
        <Threshold name="stop_from" label={t.stopFrom} hint={t.stopHint(String(most(points)))} {...{ values, said }} />
        <fieldset class="checks" aria-describedby="codes-hint">
          <legend>{t.codes}</legend>
          <p class="field-hint" id="codes-hint">
            {t.codesHint}
          </p>
          <Check name="email_codes" label={t.emailCodes} checked={values.email_codes} />
          <Check name="sms_codes" label={t.smsCodes} checked={values.sms_codes} />
        </fieldset>
        <div class="form-actions">
          <button class="button" data-primary="" type="submit">
            {t.save}
          </button>
          <a href="/admin/sign-ins">{t.backToSignIns}</a>
        </div>
      </form>
    </div>
  );
}

const most = (points: SecurityPageProps['points']): number => points.reduce((sum, [, weight]) => sum + weight, 0);

function Points({ points }: Pick<SecurityPageProps, 'points'>) {
  const t = useWords(security);
  const words = useWords(signIns);
  const items = points.map(([signal, weight]) => ({
    label: labelOf(words, 'signal', signal),
    value: t.points(weight),
  }));
  return (
    <section class="card">
      <h2>{t.signals}</h2>
      <DefinitionList items={items} />
    </section>
  );
}

type ThresholdProps = {
  name: 'notice_from' | 'stop_from';
  label: string;
  hint: string;
  values: SecurityValues;
  said: Readonly<Record<string, string>>;
};

function Threshold({ name, label, hint, values, said }: ThresholdProps) {
  const t = useWords(security);
  return (
    <Field
      name={name}
      label={label}
      hint={hint}
      unit={t.pointsUnit}
      value={values[name]}
      error={said[name]}
      inputMode="numeric"
      maxLength={4}
      width="short"
      required
    />
  );
}

function Check({ name, label, checked }: { name: string; label: string; checked: boolean }) {
  return (
    <label class="check">
      <input type="checkbox" name={name} checked={checked} /> {label}
    </label>
  );
}
