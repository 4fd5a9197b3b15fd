import { useWords } from '../i18n.ts';
import { type BreakRow, ChainState, type HeadRow, Heads, Verdict } from './chain.tsx';
import { Checkpoint, type CheckpointRow } from './checkpoint.tsx';
import { Events, type EventsProps } from './events.tsx';
import { audit } from './messages.ts';
import type { SearchErrors, SearchValues } from './search.ts';
import { SearchForm } from './search-form.tsx';

/** The auditor's home: how the chain stands, then what happened. */
export function AuditPage(props: {
  heads: readonly HeadRow[];
  values: SearchValues;
  errors?: SearchErrors;
  found: EventsProps | null;
}) {
  const t = useWords(audit);
  return (
    <>
      <h1>{t.title}</h1>
      <section class="chain-bar" aria-labelledby="chain-title">
        <h2 id="chain-title">{t.chain}</h2>
        <ChainState heads={props.heads} />
        <VerifyButton />
      </section>
      <AuditSearch values={props.values} errors={props.errors} found={props.found} />
    </>
  );
}

/** Criteria and what they found: htmx replaces both, so that the form always says what is shown. */
export function AuditSearch(props: { values: SearchValues; errors?: SearchErrors; found: EventsProps | null }) {
  return (
    <div id="audit-search">
      <SearchForm values={props.values} errors={props.errors} />
      {props.found ? <Events {...props.found} /> : null}
    </div>
  );
}

type VerificationProps = {
  heads: readonly HeadRow[];
  checkpoint: CheckpointRow | undefined;
  result?: { breaks: readonly BreakRow[]; at: Date };
};

/** GET shows the chain, POST verifies it: reading everything again isn't something a prefetch should start. */
export function VerificationPage(props: VerificationProps) {
  const t = useWords(audit);
  return (
    <>
      <h1>{t.verification}</h1>
      <p class="lead">{t.chainExplained}</p>
      <Verification {...props} />
    </>
  );
}

/** What htmx replaces when a verification has run. */
export function Verification({ heads, checkpoint, result }: VerificationProps) {
  const t = useWords(audit);
  return (
    <section id="verification" aria-labelledby="verdict-title">
      <h2 id="verdict-title" class="visually-hidden">
        {t.chain}
      </h2>
      {result ? <Verdict heads={heads} {...result} /> : null}
      <div class="chain-bar">
        <ChainState heads={heads} />
        <VerifyButton inPlace />
      </div>
      <h3>{t.checkpoint}</h3>
      <Checkpoint checkpoint={checkpoint} />
      <details class="more">
        <summary>{t.heads}</summary>
        <Heads heads={heads} />
      </details>
    </section>
  );
}

/** On the log's page it leads to the verification's; there, htmx swaps the result in. */
function VerifyButton({ inPlace }: { inPlace?: boolean }) {
  const t = useWords(audit);
  const swap = inPlace
    ? {
        'hx-post': '/audit/verification',
        'hx-target': '#verification',
        'hx-swap': 'outerHTML',
        'hx-disable': 'find button',
      }
    : {};
  return (
    <form class="verify" method="post" action="/audit/verification" {...swap}>
      <button type="submit" class="button" data-primary="">
        {t.verify}
      </button>
      <p class="field-hint">{t.verifyHint}</p>
    </form>
  );
}
