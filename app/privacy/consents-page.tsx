import type { ClinicConsentCounts, ClinicConsentProofs, ClinicWithdrawals } from '../../db/types.ts';
import { consents } from '../consents/messages.ts';
import { proofWords } from '../consents/proof-words.ts';
import { formatNumber, useLang, useWords } from '../i18n.ts';
import { Badge } from '../ui/badge.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Empty } from '../ui/empty.tsx';
import { Field } from '../ui/field.tsx';
import { Table } from '../ui/table.tsx';
import { Moment } from '../ui/time.tsx';
import { privacy } from './messages.ts';
import { Withdrawals } from './withdrawals.tsx';

export const listLimit = 100;
export type DecisionRow = Pick<ClinicConsentProofs, 'id' | 'patient_id' | 'type' | 'given' | 'at'>;
export type AgreementsProps = {
  counts: readonly ClinicConsentCounts[];
  withdrawals: readonly ClinicWithdrawals[];
  decisions: readonly DecisionRow[];
  /** The one record that is shown. */
  patient?: string;
  typed: string;
  /** What was typed is no number of a record. */
  unknown: boolean;
};

export function AgreementsPage({ counts, withdrawals, decisions, patient, typed, unknown }: AgreementsProps) {
  const t = useWords(privacy);
  return (
    <div class="desk">
      <h1>{t.agreements}</h1>
      <p class="lead">{t.agreementsIntro}</p>
      {patient ? null : (
        <>
          <Counts rows={counts} />
          <section aria-labelledby="withdrawals">
            <h2 id="withdrawals">{t.withdrawals}</h2>
            <p class="quiet">{t.withdrawalsIntro}</p>
            {withdrawals.length > 0 ? <Withdrawals rows={withdrawals} /> : <Empty>{t.noWithdrawals}</Empty>}
          </section>
        </>
      )}
      <section aria-labelledby="decisions">
        <h2 id="decisions">{patient ? t.decisionsOf : t.decisions}</h2>
        <Find typed={typed} unknown={unknown} patient={patient} />
        {decisions.length >= listLimit ? <p class="quiet">{t.latest(listLimit)}</p> : null}
        {decisions.length > 0 ? <Decisions rows={decisions} /> : <Empty>{t.noDecisions}</Empty>}
      </section>
    </div>
  );
}

function Counts({ rows }: { rows: AgreementsProps['counts'] }) {
  const t = useWords(privacy);
  const types = useWords(consents);
  const lang = useLang();
  return (
    <Table
      caption={t.agreements}
      rows={rows}
      columns={[
        { label: t.type, header: true, cell: (row) => labelOf(types, 'type', row.type) },
        {
          label: t.version,
          cell: (row) => (
            <>
              {row.version} {row.present ? <Badge>{t.present}</Badge> : null}
            </>
          ),
        },
        { label: t.given, number: true, cell: (row) => formatNumber(lang, row.given) },
        { label: t.withdrawn, number: true, cell: (row) => formatNumber(lang, row.withdrawn) },
      ]}
    />
  );
}

function Find({ typed, unknown, patient }: Pick<AgreementsProps, 'typed' | 'unknown' | 'patient'>) {
  const t = useWords(privacy);
  return (
    <form class="form" method="get" action="/privacy/consents">
      <Field
        name="patient"
        label={t.find}
        hint={t.findHint}
        value={typed}
        maxLength={60}
        spellcheck={false}
        error={unknown ? t.problem_patient : undefined}
      />
      <div class="form-actions">
        <button class="button" type="submit">
          {t.show}
        </button>
        {patient ? <a href="/privacy/consents">{t.all}</a> : null}
      </div>
    </form>
  );
}

function Decisions({ rows }: { rows: readonly DecisionRow[] }) {
  const t = useWords(privacy);
  const proof = useWords(proofWords);
  const types = useWords(consents);
  return (
    <Table
      caption={t.decisions}
      rows={rows}
      rowId={(row) => `decision-${row.id}`}
      columns={[
        { label: t.when, header: true, cell: (row) => <Moment at={row.at} /> },
        { label: t.type, cell: (row) => labelOf(types, 'type', row.type) },
        { label: t.decision, cell: (row) => (row.given ? t.yes : t.no) },
        { label: t.patient, code: true, cell: (row) => row.patient_id },
        { label: t.proof, cell: (row) => <a href={`/privacy/consents/${row.id}`}>{proof.link}</a> },
      ]}
    />
  );
}
