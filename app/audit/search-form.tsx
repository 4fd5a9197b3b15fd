import { useWords } from '../i18n.ts';
import { frame } from '../messages.ts';
import { labelOf } from '../ui/codeable.tsx';
import { Field, Select } from '../ui/field.tsx';
import { ErrorSummary } from '../ui/form.tsx';
import { audit } from './messages.ts';
import { actorRoles, eventTypes, outcomes, type SearchErrors, type SearchField, type SearchValues } from './search.ts';

/** Criteria travel in the body of a POST: who was looked at by whom doesn't belong into an address or a log. */
export function SearchForm({ values, errors = {} }: { values: SearchValues; errors?: SearchErrors }) {
  const t = useWords(audit);
  const sentence = (name: SearchField) => (errors[name] ? labelOf(t, 'problem', errors[name]) : undefined);
  const field = (name: SearchField) => ({
    name,
    label: labelOf(t, 'field', name),
    value: values[name],
    error: sentence(name),
  });
  const all = Object.fromEntries(Object.keys(errors).map((name) => [name, sentence(name as SearchField) ?? '']));
  return (
    <>
      <ErrorSummary errors={all} />
      <form
        id="audit-criteria"
        class="criteria"
        method="post"
        action="/audit/search"
        hx-post="/audit/search"
        hx-target="#audit-search"
        hx-swap="outerHTML"
        hx-disable="find button"
      >
        <Selects field={field} />
        <div class="criteria-period">
          <Field {...field('from')} type="date" />
          <Field {...field('to')} type="date" />
        </div>
        <Field {...field('patient')} hint={t.uuidHint} spellcheck={false} maxLength={36} />
        <Field {...field('actor')} hint={t.uuidHint} spellcheck={false} maxLength={36} />
        <div class="form-actions">
          <button type="submit" class="button" data-primary="">
            {t.searchAction}
          </button>
          <a href="/audit">{t.clear}</a>
        </div>
      </form>
    </>
  );
}

function Selects({
  field,
}: {
  field: (name: SearchField) => { name: string; label: string; value: string; error?: string };
}) {
  const t = useWords(audit);
  const roles = useWords(frame);
  const any = { value: '', label: t.any };
  const word = (group: string) => (value: string) => ({ value, label: labelOf(t, group, value) });
  return (
    <>
      <Select {...field('event')} choices={[any, ...eventTypes.map(word('event'))]} />
      <Select {...field('outcome')} choices={[any, ...outcomes.map(word('outcome'))]} />
      <Select
        {...field('role')}
        choices={[
          any,
          ...actorRoles.map((value) => ({
            value,
            label: value === 'owner' ? t.system : labelOf(roles, 'role', value),
          })),
        ]}
      />
    </>
  );
}
