/** What proves one agreement, for the patient whose it is and for the DPO; the file holds the same and the leaves besides. */
import { useLang, useWords } from '../i18n.ts';
import { labelOf } from '../ui/codeable.tsx';
import { DefinitionList } from '../ui/definitions.tsx';
import { Empty, Missing } from '../ui/empty.tsx';
import { Table } from '../ui/table.tsx';
import { Moment } from '../ui/time.tsx';
import type { Proof } from './proof-queries.ts';
import { proofWords } from './proof-words.ts';

/** `list` is the page that it was opened from; the file is saved from below it. */
export function ProofPage({ proof, list }: { proof: Proof; list: string }) {
  const t = useWords(proofWords);
  return (
    <div class="desk">
      <h1>{t.title}</h1>
      <p class="lead">
        {t.intro} <a href={list}>{t.back}</a>
      </p>
      <Facts proof={proof} />
      <Text text={proof.text} />
      <Places log={proof.log} />
      <p class="form-actions">
        <a class="button" href={`${list}/${proof.consent}/file`} download>
          {t.save}
        </a>
      </p>
    </div>
  );
}

function Facts({ proof }: { proof: Proof }) {
  const t = useWords(proofWords);
  return (
    <section class="card">
      <h2>{proof.text.title}</h2>
      <DefinitionList
        items={[
          { label: t.decision, value: proof.given ? t.given : t.withdrawn },
          { label: t.at, value: <Moment at={proof.at} /> },
          { label: t.organisation, value: proof.organisation_name },
          { label: t.patient, value: proof.patient, code: true },
          { label: t.account, value: proof.account, code: true },
          { label: t.ip, value: proof.ip ?? <Missing>{t.ipGone}</Missing>, code: proof.ip !== null },
          { label: t.row, value: <code class="digest">{proof.row_digest}</code> },
        ]}
      />
    </section>
  );
}

function Text({ text }: { text: Proof['text'] }) {
  const t = useWords(proofWords);
  const lang = useLang();
  return (
    <section class="card" aria-labelledby="text">
      <h2 id="text">{t.text}</h2>
      <blockquote class="prose" lang={text.lang === lang ? undefined : text.lang}>
        {text.body}
      </blockquote>
      <DefinitionList
        items={[
          { label: t.version, value: text.version },
          { label: t.lang, value: labelOf(t, 'lang', text.lang) },
          { label: t.hash, value: <code class="digest">{text.hash}</code> },
        ]}
      />
    </section>
  );
}

function Places({ log }: { log: Proof['log'] }) {
  const t = useWords(proofWords);
  return (
    <section aria-labelledby="log">
      <h2 id="log">{t.log}</h2>
      {log.length === 0 ? (
        <Empty>{t.logGone}</Empty>
      ) : (
        <>
          <p class="quiet">{t.logIntro}</p>
          <Table
            caption={t.log}
            rows={log}
            columns={[
              { label: t.event, header: true, cell: (row) => labelOf(t, 'event', row.event) },
              { label: t.lane, number: true, cell: (row) => row.lane },
              { label: t.seq, number: true, cell: (row) => row.seq },
              { label: t.leafHash, cell: (row) => <code class="digest">{row.leaf_hash}</code> },
            ]}
          />
        </>
      )}
    </section>
  );
}
