import { useWords } from '../i18n.ts';
import { labelOf } from '../ui/codeable.tsx';
import { privacy } from './messages.ts';

/** The closed lists of privacy.answers (0315). */
const answers = {
  withdrawal: ['informed', 'care_ended', 'erasure_requested', 'mistake'],
  erasure: ['kept_by_law', 'taken_back'],
} as const;

/** What became of a request: one of a list, once. */
export function Answers({ id, kind, patient }: { id: string; kind: keyof typeof answers; patient?: string }) {
  const t = useWords(privacy);
  return (
    <form class="answers" method="post" action={`/privacy/requests/${id}`}>
      <input type="hidden" name="key" value={crypto.randomUUID()} />
      <label for={`answer-${id}`} class="visually-hidden">
        {t.answer}
      </label>
      <select class="input" id={`answer-${id}`} name="answer" required>
        <option value="">{t.choose}</option>
        {answers[kind].map((value) => (
          <option key={value} value={value}>
            {labelOf(t, 'answer', value)}
          </option>
        ))}
      </select>
      <button class="button" type="submit">
        {t.note}
      </button>
      {patient ? <a href={`/privacy/erasures/new?patient=${patient}`}>{t.askErasure}</a> : null}
    </form>
  );
}
