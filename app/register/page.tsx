/** Registration begins with an address, and says the same whoever has it. */
import { useWords } from '../i18n.ts';
import { Empty } from '../ui/empty.tsx';
import { Field, Select } from '../ui/field.tsx';
import { Actions, ErrorSummary, type Errors } from '../ui/form.tsx';
import { register } from './messages.ts';
import type { Practice } from './queries.ts';

export type AskProps = { practices: readonly Practice[]; practice?: string; email?: string; errors?: Errors };

export function AskPage({ practices, practice, email, errors = {} }: AskProps) {
  const t = useWords(register);
  const [only] = practices;
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
        <p class="quiet">{t.intro}</p>
      </header>
      {only ? (
        <form class="card form" method="post" action="/register" novalidate>
          <ErrorSummary errors={errors} />
          {practices.length > 1 ? (
            <Select
              name="practice"
              label={t.practice}
              value={practice}
              error={errors.practice}
              choices={[
                { value: '', label: t.choose },
                ...practices.map(({ id, name }) => ({ value: id, label: name })),
              ]}
              required
            />
          ) : (
            <p>
              {t.practice}: <b>{only.name}</b>
              <input type="hidden" name="practice" value={only.id} />
            </p>
          )}
          <Field
            name="email"
            type="email"
            label={t.email}
            hint={t.emailHint}
            value={email}
            error={errors.email}
            autocomplete="email"
            inputMode="email"
            spellcheck={false}
            maxLength={254}
            required
          />
          <Actions submit={t.send}>
            <a href="/sign-in">{t.haveAccount}</a>
          </Actions>
        </form>
      ) : (
        <Closed />
      )}
    </>
  );
}

function Closed() {
  const t = useWords(register);
  return (
    <Empty
      action={
        <a class="button" href="/sign-in">
          {t.back}
        </a>
      }
    >
      <b>{t.closed}.</b> {t.closedHelp}
    </Empty>
  );
}

/** A link that leads nowhere any more, because the practice closed its registration. */
export function ClosedPage() {
  const t = useWords(register);
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
      </header>
      <Closed />
    </>
  );
}

/** The same words whoever has the address. */
export function SentPage() {
  const t = useWords(register);
  return (
    <>
      <header class="page-head">
        <h1>{t.sentTitle}</h1>
      </header>
      <div class="card form">
        <p>{t.sent}</p>
        <p class="quiet">{t.sentHelp}</p>
        <div class="form-actions">
          <a href="/register">{t.again}</a>
          <a href="/sign-in">{t.back}</a>
        </div>
      </div>
    </>
  );
}
