import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Select, TextArea } from '../ui/field.tsx';
import { ErrorSummary } from '../ui/form.tsx';
import { notes } from './messages.ts';
import { categories, type NoteErrors, type NoteValues, priorities, type Section, sections } from './note.ts';

export type NoteFormProps = {
  patientId: string;
  values: NoteValues;
  errors?: NoteErrors;
  /** Why the database didn't take the note; the text stays in the form. */
  refusal?: string;
  /** Who is signed in now, where that isn't who began the note. */
  signedInAs?: string | null;
  /** The page has no banner, so it says that the patient is still the same. */
  unnamed?: boolean;
  /** In the chart: htmx puts the answer where the form is. On its own page the form is an ordinary one. */
  inPlace?: boolean;
  /** The form just opened, so the first field takes the focus. */
  opened?: boolean;
};

/**
 * The whole note in one form, two columns where there is room: S and O, then A and P, then what was concluded.
 * The same form stands on its own page and in the chart; `key` makes a second submission write nothing;
 * `author` keeps the note from being signed by whoever signed in meanwhile in another tab.
 */
export function NoteForm(props: NoteFormProps) {
  const { patientId, values, errors = {}, inPlace, opened } = props;
  const t = useWords(notes);
  const chart = `/patients/${patientId}`;
  return (
    <section id="note-entry" class="note-entry" aria-labelledby="note-title">
      <div class="note-entry-head">
        <h2 id="note-title">{t.title}</h2>
        <a href={chart}>{t.cancel}</a>
      </div>
      <Problems {...props} />
      <form
        class="note-form"
        method="post"
        action={`${chart}/notes`}
        data-unsaved=""
        {...(inPlace ? swapForm(`${chart}/notes`) : {})}
      >
        <input type="hidden" name="key" value={values.key} />
        <input type="hidden" name="author" value={values.author} />
        <Classification values={values} errors={errors} />
        <div class="note-sections">
          {sections.map((name) => (
            <Part
              key={name}
              name={name}
              value={values[name]}
              error={errors[name]}
              autofocus={opened && name === 'subjective'}
            />
          ))}
        </div>
        <div class="form-actions">
          <button type="submit" class="button" data-primary="" data-key-submit="" name="status" value="final">
            {t.save}
          </button>
          <button type="submit" class="button" data-key-draft="" name="status" value="draft">
            {t.saveDraft}
          </button>
          <p class="note-keys">{t.keys}</p>
        </div>
      </form>
    </section>
  );
}

function swapForm(action: string) {
  return {
    'hx-post': action,
    'hx-target': '#note-entry',
    // Without settling, since that copies the style of a textarea that was drawn larger, which the CSP reports.
    'hx-swap': 'outerHTML settle:0',
    'hx-disable': 'find [data-key-submit], find [data-key-draft]',
  };
}

function Problems({ errors = {}, refusal, signedInAs, unnamed }: NoteFormProps) {
  const t = useWords(notes);
  const sentences = Object.fromEntries(
    Object.entries(errors).map(([name, problem]) => [name, labelOf(t, 'problem', problem)]),
  );
  if (!refusal) return <ErrorSummary errors={sentences} />;
  const signIn = refusal === 'signed_out' || refusal === 'second_factor';
  return (
    <div id="error-summary" class="error-summary" tabIndex={-1} data-focus>
      <Alert tone="danger" title={t.summary}>
        <p>{signedInAs === undefined ? labelOf(t, 'refusal', refusal) : t.otherAuthor(signedInAs)}</p>
        {unnamed ? <p>{t.samePatient}</p> : null}
        {signIn ? (
          <p>
            <a href="/sign-in" target="_blank" rel="noopener">
              {t.signIn}
            </a>
          </p>
        ) : null}
      </Alert>
    </div>
  );
}

function Classification({ values, errors }: { values: NoteValues; errors: NoteErrors }) {
  const t = useWords(notes);
  const choices = (group: string, list: readonly string[]) =>
    list.map((value) => ({ value, label: labelOf(t, group, value) }));
  return (
    <div class="note-classification">
      <Select
        name="category"
        label={t.category}
        value={values.category}
        choices={choices('category', categories)}
        error={errors.category && labelOf(t, 'problem', errors.category)}
      />
      <Select
        name="priority"
        label={t.priority}
        value={values.priority}
        choices={choices('priority', priorities)}
        error={errors.priority && labelOf(t, 'problem', errors.priority)}
      />
    </div>
  );
}

function Part(props: { name: Section; value: string; error?: string; autofocus?: boolean }) {
  const t = useWords(notes);
  return (
    <TextArea
      name={props.name}
      label={labelOf(t, 'section', props.name)}
      hint={labelOf(t, 'hint', props.name)}
      rows={4}
      value={props.value}
      error={props.error && labelOf(t, 'problem', props.error)}
      autofocus={props.autofocus}
    />
  );
}
