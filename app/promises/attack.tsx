/** One attack: the statement that had to be refused, the answer, and the line that refused it; the others on request. */
import type { Answer, AttackResult, SourceLine, StepResult } from '../../db/promises/types.ts';
import { typeset, useLang, useWords } from '../i18n.ts';
import { Badge } from '../ui/badge.tsx';
import { promised } from './messages.ts';

type Shown = { fr: string; en: string };

export function AttackReport({ result }: { result: AttackResult }) {
  const t = useWords(promised);
  const { title, story, outcome, steps, refusedBy } = result;
  const decisive = steps.filter((step) => step.decisive);
  const word = { refused: t.outcome_refused, succeeded: t.outcome_succeeded, unclear: t.outcome_unclear }[outcome];
  return (
    <article class="attack" data-outcome={outcome}>
      <h3>
        <Say text={title} /> <Badge tone={outcome === 'refused' ? 'ok' : 'danger'}>{word}</Badge>
      </h3>
      <p class="quiet">
        <Say text={story} />
      </p>
      <Statements steps={decisive} />
      {refusedBy ? <Source source={refusedBy} /> : null}
      {steps.length > decisive.length ? (
        <details class="more">
          <summary>{t.statements(String(steps.length))}</summary>
          <Statements steps={steps} />
        </details>
      ) : null}
    </article>
  );
}

function Statements({ steps }: { steps: readonly StepResult[] }) {
  return (
    <ol class="statements">
      {steps.map(({ as, sql, values, why, answer }) => (
        <li>
          <p class="statement-role">
            <span class="code">{as}</span>
            {why ? (
              <>
                {' · '}
                <Say text={why} />
              </>
            ) : null}
          </p>
          <pre class="sql">{[sql, ...values.map((value) => `-- ${value}`)].join('\n')}</pre>
          <Answered answer={answer} />
        </li>
      ))}
    </ol>
  );
}

const SHOWN = 6; // rows

function Answered({ answer }: { answer: Answer }) {
  const t = useWords(promised);
  if (answer.kind === 'error')
    return (
      <p class="answer">
        <b class="code">{answer.sqlstate}</b> {answer.message}
      </p>
    );
  const { rows, command, count } = answer;
  if (rows.length === 0) {
    const word = count > 0 || !/^(SELECT|UPDATE|DELETE|MEASURED|\d+ files)/.test(command) ? t.done : t.nothing;
    return <p class="answer">{command === 'UPDATE' && count === 0 ? t.changed : word}</p>;
  }
  return (
    <div class="answer">
      {rows.slice(0, SHOWN).map((row) => (
        <p>
          {Object.entries(row).map(([name, value], i) => (
            <>
              {i > 0 ? ' · ' : null}
              <span class="quiet">{name}</span> {shorten(value ?? 'null')}
            </>
          ))}
        </p>
      ))}
      {rows.length > SHOWN ? <p class="quiet">{t.more(String(rows.length - SHOWN))}</p> : null}
    </div>
  );
}

const shorten = (text: string): string => (text.length > 160 ? `${text.slice(0, 160)}…` : text);

function Source({ source }: { source: SourceLine }) {
  const t = useWords(promised);
  return (
    <figure class="source">
      <figcaption>
        {t.refusedBy}{' '}
        <span class="code">
          {source.file}:{source.line}
        </span>
      </figcaption>
      <pre class="sql">
        {source.excerpt.map(({ line, text }) => (
          <span data-line={line === source.line ? 'here' : undefined}>{`${String(line).padStart(4)}  ${text}\n`}</span>
        ))}
      </pre>
    </figure>
  );
}

function Say({ text }: { text: Shown }) {
  return <span>{useLang() === 'fr' ? typeset(text.fr) : text.en}</span>;
}
