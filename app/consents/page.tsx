import type { ClinicConsentHistory, ClinicConsents } from '../../db/types.ts';
import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { Badge } from '../ui/badge.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Empty } from '../ui/empty.tsx';
import { Table } from '../ui/table.tsx';
import { Moment } from '../ui/time.tsx';
import { consents } from './messages.ts';
import { proofWords } from './proof-words.ts';

/** Rows of clinic.consents and clinic.consent_history. */
export type ConsentRow = ClinicConsents;
export type DecisionRow = ClinicConsentHistory;

/** What somebody has agreed to, in the words they read, and the way to change their mind. */
export function ConsentsPage({
  rows,
  history,
  changed,
  patient,
  done,
}: {
  rows: readonly ConsentRow[];
  history: readonly DecisionRow[];
  changed?: boolean;
  /** The number of one's record. */
  patient?: string | null;
  /** The one that was decided a moment ago. */
  done?: string;
}) {
  const t = useWords(consents);
  return (
    <>
      <h1>{t.title}</h1>
      <p class="lead">{t.intro}</p>
      {changed ? <Alert tone="warn" title={t.changed} /> : null}
      {rows.map((row) => (
        <Consent key={row.type} row={row} done={row.type === done} />
      ))}
      <section class="consent-history" aria-labelledby="history">
        <h2 id="history">{t.history}</h2>
        {history.length > 0 ? <History rows={history} /> : <Empty>{t.historyEmpty}</Empty>}
        {patient ? (
          <p class="quiet">
            {t.recordNumber} <code>{patient}</code>
          </p>
        ) : null}
      </section>
      <p class="page-note">
        <a href="/account">{t.back}</a>
      </p>
    </>
  );
}

function Consent({ row, done }: { row: ConsentRow; done: boolean }) {
  const t = useWords(consents);
  const isNew = row.given && row.agreed_version !== row.version;
  return (
    <section class="card consent" id={row.type} aria-labelledby={`${row.type}-title`}>
      <h2 id={`${row.type}-title`}>{row.title}</h2>
      {done ? <Alert tone="ok" title={row.given ? t.doneGiven : t.doneWithdrawn} /> : null}
      <p class="consent-state">
        <State row={row} />
      </p>
      {isNew ? <Alert tone="warn" title={t.newText} /> : null}
      <p class="prose">{row.body}</p>
      <p class="quiet">
        {t.version(row.version)}. {row.needed ? t.needed : null}{' '}
        {row.needed && row.given ? labelOf(t, 'withdraw', row.type) : null}
        {row.needed && !row.given && row.at ? t.told : null}
      </p>
      <form class="form-actions" method="post" action={`/account/consents/${row.type}`}>
        <input type="hidden" name="key" value={crypto.randomUUID()} />
        <input type="hidden" name="hash" value={row.hash} />
        {isNew ? <Decide row={row} given="yes" label={t.giveNew} /> : null}
        <Decide row={row} given={row.given ? 'no' : 'yes'} label={row.given ? t.withdraw : t.give} />
      </form>
    </section>
  );
}

function Decide({ row, given, label }: { row: ConsentRow; given: 'yes' | 'no'; label: string }) {
  return (
    <button class="button" type="submit" name="given" value={given}>
      {label}
      <span class="visually-hidden"> : {row.title}</span>
    </button>
  );
}

function State({ row }: { row: ConsentRow }) {
  const t = useWords(consents);
  if (!row.at) return <Badge shape="empty">{t.notGiven}</Badge>;
  return (
    <>
      <Badge tone={row.given ? 'ok' : undefined} shape={row.given ? undefined : 'empty'}>
        {row.given ? t.given : t.withdrawn}
      </Badge>{' '}
      {t.since} <Moment at={row.at} />
    </>
  );
}

function History({ rows }: { rows: readonly DecisionRow[] }) {
  const t = useWords(consents);
  const proof = useWords(proofWords);
  return (
    <>
      <Table
        caption={t.history}
        rows={rows}
        rowId={(row) => `decision-${row.id}`}
        columns={[
          { label: t.when, header: true, cell: (row) => <Moment at={row.at} /> },
          { label: t.what, cell: (row) => labelOf(t, 'type', row.type) },
          { label: t.decision, cell: (row) => (row.given ? t.given : t.withdrawn) },
          {
            label: t.proof,
            code: true,
            cell: (row) => (
              <a href={`/account/consents/${row.id}`}>
                <span class="visually-hidden">{proof.link} : </span>
                {row.text_hash.slice(0, 16)}
              </a>
            ),
          },
        ]}
      />
      <p class="quiet">{t.proofHint}</p>
    </>
  );
}
