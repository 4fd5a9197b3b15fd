import type { ClinicColleagues, ClinicReferrals } from '../../db/types.ts';
import { agreementWords } from '../chart/agreement-words.ts';
import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { Badge } from '../ui/badge.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Empty, Missing } from '../ui/empty.tsx';
import { Select, TextArea } from '../ui/field.tsx';
import { ErrorSummary } from '../ui/form.tsx';
import { Table } from '../ui/table.tsx';
import { Day } from '../ui/time.tsx';
import { durations, priorities, type ReferralErrors, type ReferralValues } from './form.ts';
import { referrals } from './messages.ts';

/** Rows of clinic.referrals and clinic.colleagues. */
export type ReferralRow = Omit<ClinicReferrals, 'patient_id' | 'ended_by'>;
export type ReferralsProps = {
  patientId: string;
  /** Who is signed in: who referred, and who was referred to, may end a referral. */
  accountId: string;
  rows: readonly ReferralRow[];
  colleagues: readonly ClinicColleagues[];
  values: ReferralValues;
  errors?: ReferralErrors;
  /** Why the database didn't take it. */
  refusal?: string;
  /** The patient has withdrawn what sharing needs. */
  closed: boolean;
};

export function ReferralsPage(props: ReferralsProps) {
  const t = useWords(referrals);
  const { patientId, rows } = props;
  return (
    <div class="referrals">
      <div>
        <h1>{t.title}</h1>
        <p class="lead">
          {t.intro} <a href={`/patients/${patientId}`}>{t.back}</a>
        </p>
      </div>
      {rows.length > 0 ? <ReferralTable {...props} /> : <Empty>{t.none}</Empty>}
      {props.closed ? <Closed /> : <ReferralForm {...props} />}
    </div>
  );
}

function Closed() {
  const t = useWords(agreementWords);
  return (
    <Alert tone="warn" title={t.noReferral}>
      <p>{t.noReferralHelp}</p>
    </Alert>
  );
}

function ReferralTable({ patientId, accountId, rows }: ReferralsProps) {
  const t = useWords(referrals);
  return (
    <Table
      caption={t.current}
      rows={rows}
      rowId={(row) => `referral-${row.id}`}
      columns={[
        { label: t.to, header: true, cell: (row) => row.performer_name ?? <Missing>{t.nameUnknown}</Missing> },
        { label: t.from, cell: (row) => row.requester_name ?? <Missing>{t.nameUnknown}</Missing> },
        { label: t.priority, cell: (row) => labelOf(t, 'priority', row.priority) },
        { label: t.reason, cell: (row) => <span class="written">{row.reason}</span> },
        { label: t.period, cell: (row) => <PeriodText row={row} /> },
        {
          label: t.state,
          cell: (row) =>
            row.status === 'active' && [row.requester_id, row.performer_id].includes(accountId) ? (
              <form method="post" action={`/patients/${patientId}/referrals/${row.id}/end`}>
                <input type="hidden" name="key" value={crypto.randomUUID()} />
                <button class="button" data-quiet="" type="submit">
                  {t.end}
                </button>
              </form>
            ) : (
              <Badge>{labelOf(t, 'status', row.status)}</Badge>
            ),
        },
      ]}
    />
  );
}

function PeriodText({ row }: { row: ReferralRow }) {
  const t = useWords(referrals);
  return (
    <>
      <Day value={row.valid_from} /> {t.until} <Day value={row.valid_until} />
    </>
  );
}

function ReferralForm({ patientId, colleagues, values, errors = {}, refusal }: ReferralsProps) {
  const t = useWords(referrals);
  const said = Object.fromEntries(Object.keys(errors).map((name) => [name, labelOf(t, 'problem', name)]));
  if (colleagues.length === 0) return <Empty>{t.noColleague}</Empty>;
  const names = colleagues.map(({ account_id, display_name }) => ({
    value: account_id,
    label: display_name ?? t.nameUnknown,
  }));
  // nobody is chosen by not choosing
  const choices = [{ value: '', label: t.choose }, ...names];
  return (
    <form class="card form" method="post" action={`/patients/${patientId}/referrals`}>
      <h2>{t.make}</h2>
      {refusal ? <Alert tone="danger" title={labelOf(t, 'refusal', refusal)} /> : <ErrorSummary errors={said} />}
      <input type="hidden" name="key" value={values.key} />
      <Select name="performer" label={t.performer} value={values.performer} choices={choices} error={said.performer} />
      <Select
        name="priority"
        label={t.priority}
        value={values.priority}
        choices={priorities.map((value) => ({ value, label: labelOf(t, 'priority', value) }))}
      />
      <TextArea name="reason" label={t.reason} hint={t.reasonHint} value={values.reason} error={said.reason} />
      <Select
        name="days"
        label={t.days}
        value={values.days}
        choices={durations.map((value) => ({ value, label: labelOf(t, 'days', value) }))}
      />
      <div class="form-actions">
        <button class="button" data-primary="" type="submit">
          {t.save}
        </button>
      </div>
    </form>
  );
}
