import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Field, Select, TextArea } from '../ui/field.tsx';
import { ErrorSummary } from '../ui/form.tsx';
import { type ErasureProblems, type ErasureValues, grounds, reasonLimit } from './erasure-form.ts';
import { erasures } from './erasure-words.ts';

/** The DPO asks; a factor is asked for again before it is taken. */
export function AskPage(props: { values: ErasureValues; problems?: ErasureProblems; refused?: boolean }) {
  const t = useWords(erasures);
  const { values, problems = {}, refused } = props;
  const said = Object.fromEntries(
    Object.entries(problems).map(([name, problem]) => [name, labelOf(t, 'problem', problem)]),
  );
  // no ground is chosen by not choosing
  const choices = [
    { value: '', label: t.choose },
    ...grounds.map((value) => ({ value, label: labelOf(t, 'ground', value) })),
  ];
  return (
    <div class="desk">
      <h1>{t.ask}</h1>
      <p class="lead">
        {t.intro} <a href="/privacy/erasures">{t.back}</a>
      </p>
      <form class="card form" method="post" action="/privacy/erasures">
        {refused ? <Alert tone="danger" title={t.refused} /> : <ErrorSummary errors={said} />}
        <input type="hidden" name="key" value={values.key} />
        <Field
          name="patient"
          label={t.patient}
          hint={t.patientHint}
          value={values.patient}
          error={said.patient}
          maxLength={60}
          spellcheck={false}
        />
        <Select name="ground" label={t.ground} value={values.ground} choices={choices} error={said.ground} />
        <TextArea
          name="reason"
          label={t.reason}
          hint={t.reasonHint}
          value={values.reason}
          error={said.reason}
          maxLength={reasonLimit}
        />
        <div class="form-actions">
          <button class="button" data-primary="" type="submit">
            {t.send}
          </button>
        </div>
      </form>
    </div>
  );
}
