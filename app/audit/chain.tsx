import { formatNumber, useLang, useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { Missing } from '../ui/empty.tsx';
import { Table } from '../ui/table.tsx';
import { formatMoment, Moment } from '../ui/time.tsx';
import { audit } from './messages.ts';

/** Rows of audit.heads() and audit.verify(); bigint arrives as text. */
export type HeadRow = { lane: number; events: string; head: string; last_at: Date | null };
export type BreakRow = { lane: number; seq: string; problem: string };

function total(heads: readonly HeadRow[]): string {
  return heads.reduce((sum, { events }) => sum + BigInt(events), 0n).toString();
}

/** How long the chain is and when it last grew. */
export function ChainState({ heads }: { heads: readonly HeadRow[] }) {
  const t = useWords(audit);
  const lang = useLang();
  const last = heads
    .map((head) => head.last_at)
    .filter((at) => at !== null)
    .sort((a, b) => b.getTime() - a.getTime())[0];
  return (
    <dl class="figures">
      <div>
        <dt>{t.events}</dt>
        <dd>{formatNumber(lang, total(heads))}</dd>
      </div>
      <div>
        <dt>{t.lanes}</dt>
        <dd>{heads.length}</dd>
      </div>
      <div>
        <dt>{t.lastEvent}</dt>
        <dd>{last ? <Moment at={last} /> : <Missing>{t.noEvent}</Missing>}</dd>
      </div>
    </dl>
  );
}

export function Heads({ heads }: { heads: readonly HeadRow[] }) {
  const t = useWords(audit);
  const lang = useLang();
  return (
    <Table
      caption={t.heads}
      compact
      rows={heads}
      columns={[
        { label: t.lane, cell: (row) => row.lane, header: true },
        { label: t.events, cell: (row) => formatNumber(lang, row.events), number: true },
        {
          label: t.lastEvent,
          cell: (row) => (row.last_at ? <Moment at={row.last_at} /> : <Missing>{t.noEvent}</Missing>),
        },
        { label: t.head, cell: (row) => <span class="digest">{row.head}</span>, code: true },
      ]}
    />
  );
}

/** What a verification found. Intact says what was checked, broken says where and what to do now. */
export function Verdict({ heads, breaks, at }: { heads: readonly HeadRow[]; breaks: readonly BreakRow[]; at: Date }) {
  const t = useWords(audit);
  const lang = useLang();
  if (breaks.length === 0) {
    const lanes = heads.filter((head) => head.events !== '0').length;
    return (
      <Alert tone="ok" title={t.intact}>
        <p>{t.intactDetail(formatNumber(lang, total(heads)), String(lanes), formatMoment(lang, at))}</p>
      </Alert>
    );
  }
  return (
    <Alert tone="danger" title={t.broken(breaks.length)}>
      <p>{t.brokenDetail}</p>
      <Table
        caption={t.broken(breaks.length)}
        compact
        rows={breaks}
        columns={[
          { label: t.lane, cell: (row) => row.lane, header: true },
          { label: t.sequence, cell: (row) => formatNumber(lang, row.seq), number: true },
          { label: t.problem, cell: (row) => row.problem },
        ]}
      />
    </Alert>
  );
}
