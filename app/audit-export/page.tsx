import { audit } from '../audit/messages.ts';
import { type SearchValues, searchFields } from '../audit/search.ts';
import { formatNumber, useLang, useWords } from '../i18n.ts';
import { frame } from '../messages.ts';
import { Alert } from '../ui/alert.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { type Definition, DefinitionList } from '../ui/definitions.tsx';
import { Day } from '../ui/time.tsx';
import { auditExport } from './messages.ts';

/** As audit.begin_export has it. */
export const most = 10_000;

/** What would be in the file, and the file itself by two buttons. `count`: `most` + 1 stands for all above. */
export function ExportPage({ values, count }: { values: SearchValues; count: number }) {
  const t = useWords(auditExport);
  const lang = useLang();
  const items = useCriteria(values);
  const known = count > 0 && count <= most;
  if (known) items.push({ label: t.number, value: t.count(count, formatNumber(lang, count)) });
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
      </header>
      {count > most ? (
        <Alert tone="warn" title={t.tooMany}>
          <p>{t.tooManyHelp}</p>
        </Alert>
      ) : null}
      <section class="card form" aria-labelledby="criteria-title">
        <h2 id="criteria-title">{t.criteria}</h2>
        {searchFields.every((name) => !values[name]) ? <p>{t.everything}</p> : null}
        {items.length > 0 ? <DefinitionList items={items} /> : null}
        {count === 0 ? <p>{t.none}</p> : null}
        {known ? <Download values={values} /> : null}
      </section>
      <p class="page-note">
        <a href="/audit">{t.back}</a>
      </p>
    </>
  );
}

/** A file leaves the page where it is, so the form may be sent again (js/once.js). */
function Download({ values }: { values: SearchValues }) {
  const t = useWords(auditExport);
  return (
    <form class="form" method="post" action="/audit/export/file" data-again="">
      <Criteria values={values} />
      <p>{t.recorded}</p>
      <p>{t.keep}</p>
      <div class="form-actions">
        <button type="submit" class="button" data-primary="" name="format" value="csv">
          {t.csv}
        </button>
        <button type="submit" class="button" name="format" value="jsonl">
          {t.jsonl}
        </button>
      </div>
    </form>
  );
}

/** On the log's page: leads here with what was searched for. */
export function ExportButton({ values }: { values: SearchValues }) {
  const t = useWords(auditExport);
  return (
    <form method="post" action="/audit/export">
      <Criteria values={values} />
      <button type="submit" class="button">
        {t.action}
      </button>
    </form>
  );
}

function Criteria({ values }: { values: SearchValues }) {
  return (
    <>
      {searchFields.map((name) =>
        values[name] ? <input key={name} type="hidden" name={name} value={values[name]} /> : null,
      )}
    </>
  );
}

/** In the words of the search. */
function useCriteria(values: SearchValues): Definition[] {
  const words = useWords(audit);
  const roles = useWords(frame);
  const texts = {
    event: labelOf(words, 'event', values.event),
    outcome: labelOf(words, 'outcome', values.outcome),
    role: values.role === 'owner' ? words.system : labelOf(roles, 'role', values.role),
    from: values.from ? <Day value={values.from} /> : null,
    to: values.to ? <Day value={values.to} /> : null,
    patient: values.patient,
    actor: values.actor,
  };
  return searchFields
    .filter((name) => values[name])
    .map((name) => ({
      label: labelOf(words, 'field', name),
      value: texts[name],
      code: /patient|actor/.test(name) || undefined,
    }));
}
