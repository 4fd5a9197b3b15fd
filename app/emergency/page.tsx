import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Field, Select, TextArea } from '../ui/field.tsx';
import { ErrorSummary } from '../ui/form.tsx';
import {
  type KeptReason,
  kinds,
  type ReasonValues,
  reasonLimit,
  type SearchErrors,
  type SearchValues,
} from './form.ts';
import { emergency } from './messages.ts';

export type SearchProps = {
  values: SearchValues;
  errors?: SearchErrors;
  /** What the search before found: none, several, yours, gone. */
  state?: string;
  /** The patient's id, where `state` is yours. */
  patientId?: string | null;
  limited?: 'limitedSearch' | 'limitedOpen';
  /** A reason that was typed already. */
  kept?: KeptReason;
};

/** First step: who, in full. */
export function SearchPage({ values, errors = {}, state, patientId, limited, kept }: SearchProps) {
  const t = useWords(emergency);
  const said = Object.fromEntries(Object.entries(errors).map(([name, it]) => [name, labelOf(t, 'problem', it)]));
  return (
    <div class="emergency">
      <Head />
      {limited ? <Alert tone="danger" title={t[limited]} /> : null}
      {state ? <Found state={state} patientId={patientId} /> : null}
      {kept?.reason ? <Kept reason={kept.reason} /> : null}
      <ErrorSummary errors={said} />
      <form class="card form" method="post" action="/emergency/search">
        {kept?.reason ? (
          <>
            <input type="hidden" name="kind" value={kept.kind} />
            <input type="hidden" name="reason" value={kept.reason} />
          </>
        ) : null}
        <h2>{t.searchTitle}</h2>
        <p class="quiet">{t.searchHint}</p>
        <Field
          name="birth_name"
          label={t.birthName}
          value={values.birth_name}
          error={said.birth_name}
          spellcheck={false}
        />
        <Field
          name="birth_date"
          label={t.birthDate}
          hint={t.birthDateHint}
          value={values.birth_date}
          error={said.birth_date}
          width="medium"
          inputMode="text"
        />
        <Field name="given" label={t.given} hint={t.givenHint} value={values.given} optional spellcheck={false} />
        <Field name="ins" label={t.ins} hint={t.insHint} value={values.ins} optional inputMode="numeric" />
        <div class="form-actions">
          <button class="button" data-primary="" type="submit">
            {t.search}
          </button>
        </div>
      </form>
    </div>
  );
}

function Kept({ reason }: { reason: string }) {
  const t = useWords(emergency);
  return (
    <Alert tone="info" title={t.kept}>
      <q class="glass-reason">{reason}</q>
    </Alert>
  );
}

function Head() {
  const t = useWords(emergency);
  return (
    <div>
      <h1>{t.title}</h1>
      <p class="lead">{t.intro}</p>
    </div>
  );
}

function Found({ state, patientId }: { state: string; patientId?: string | null }) {
  const t = useWords(emergency);
  if (state === 'yours' && patientId)
    return (
      <Alert tone="info" title={t.state_yours}>
        <p>
          <a href={`/patients/${patientId}`}>{t.openRecord}</a>
        </p>
      </Alert>
    );
  const help = state === 'none' ? t.state_noneHelp : state === 'several' ? t.state_severalHelp : undefined;
  return (
    <Alert tone="warn" title={labelOf(t, 'state', state)}>
      {help ? <p>{help}</p> : null}
    </Alert>
  );
}

/** Second step: there is one, and why it has to be opened. */
export function ReasonPage({ values, refused }: { values: ReasonValues; refused?: boolean }) {
  const t = useWords(emergency);
  const problem = values.reason.length > reasonLimit ? t.problem_reasonLong : t.problem_reason;
  const error = refused ? problem : undefined;
  return (
    <div class="emergency">
      <Head />
      <ErrorSummary errors={error ? { reason: error } : {}} />
      <form class="card form" method="post" action="/emergency/open">
        <input type="hidden" name="search" value={values.search} />
        <input type="hidden" name="glass" value={values.glass} />
        <div>
          <h2>{t.one}</h2>
          <p>{t.oneHelp}</p>
        </div>
        <Select
          name="kind"
          label={t.kind}
          value={values.kind}
          choices={kinds.map((value) => ({ value, label: labelOf(t, 'kind', value) }))}
        />
        <TextArea
          name="reason"
          label={t.reason}
          hint={t.reasonHint}
          value={values.reason}
          error={error}
          maxLength={reasonLimit}
        />
        <Alert tone="warn" title={t.toldTitle}>
          <p>{t.told}</p>
        </Alert>
        <div class="form-actions">
          <button class="button" data-danger="" type="submit">
            {t.open}
          </button>
          <a href="/emergency">{t.again}</a>
        </div>
      </form>
    </div>
  );
}
