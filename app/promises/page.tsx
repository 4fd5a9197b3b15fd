/** The nine promises; below each one, once it was attacked, what was tried and what refused it. */
import type { AttackResult, Promises } from '../../db/promises/types.ts';
import { type inLang, typeset, useLang, useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { AttackReport } from './attack.tsx';
import { promised } from './messages.ts';

type Promised = Promises['all'][number];
type Words = ReturnType<typeof inLang<(typeof promised)['fr']>>;

export function PromisesPage({ all, results }: { all: Promises['all']; results: readonly AttackResult[] }) {
  const t = useWords(promised);
  return (
    <>
      <h1>{t.title}</h1>
      <p class="lead">{t.intro}</p>
      <form class="promises-all" method="post" action="/promises">
        <button type="submit" class="button" data-primary="">
          {t.attackAll}
        </button>
        <a href="/sign-in">{t.signIn}</a>
        <p class="field-hint">
          {t.terminal} <span class="code">npx vitalsync promises</span>
        </p>
      </form>
      {results.length > 0 ? <Verdict results={results} /> : null}
      {all.map((promise) => (
        <OnePromise promise={promise} results={results.filter((result) => result.promise === promise.number)} />
      ))}
    </>
  );
}

/** What htmx replaces when its attacks have run. */
export function OnePromise({ promise, results }: { promise: Promised; results: readonly AttackResult[] }) {
  const t = useWords(promised);
  const { number, sentence } = promise;
  const lang = useLang();
  const id = `promise-${number}`;
  return (
    <section class="card promise" id={id} aria-labelledby={`${id}-title`}>
      <header>
        <h2 id={`${id}-title`}>
          <span class="promise-number">{number}</span> {lang === 'fr' ? typeset(sentence.fr) : sentence.en}
        </h2>
        <form
          method="post"
          action={`/promises#${id}`}
          hx-post="/promises"
          hx-target={`#${id}`}
          hx-swap="outerHTML"
          hx-disable="find button"
          hx-config='{"timeout": 60000}'
        >
          <input type="hidden" name="promise" value={number} />
          <button type="submit" class="button">
            {results.length > 0 ? t.again : t.attack}
            <span class="visually-hidden"> {t.number(String(number))}</span>
          </button>
        </form>
      </header>
      {results.length > 0 ? <Verdict results={results} /> : null}
      {results.map((result) => (
        <AttackReport result={result} />
      ))}
    </section>
  );
}

function Verdict({ results }: { results: readonly AttackResult[] }) {
  const t = useWords(promised);
  const held = results.every(({ outcome }) => outcome === 'refused');
  return (
    <Alert tone={held ? 'ok' : 'danger'} title={verdictOf(t, results)}>
      {held ? null : <p>{t.brokenHelp}</p>}
    </Alert>
  );
}

export function verdictOf(t: Words, results: readonly AttackResult[]): string {
  const broken = results.filter(({ outcome }) => outcome !== 'refused').length;
  if (broken > 0) return t.broken(String(broken));
  return results.length === 1 ? t.heldOne : t.held(String(results.length));
}
