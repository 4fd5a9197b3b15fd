import type { ClinicOwnSignIns } from '../../db/types.ts';
import { useWords } from '../i18n.ts';
import { DeviceText } from '../sessions/device.tsx';
import { Badge } from '../ui/badge.tsx';
import { Empty } from '../ui/empty.tsx';
import { Table } from '../ui/table.tsx';
import { Moment } from '../ui/time.tsx';
import { signIns } from './messages.ts';
import { Signals, StateBadge, stateOf, Undone, Where } from './remarks.tsx';

const FACTORS = ['passkey', 'totp', 'sms_code', 'recovery_code'];

/** A row of clinic.own_sign_ins. */
export type OwnSignIn = ClinicOwnSignIns;

export function OwnSignInsPage({ rows }: { rows: readonly OwnSignIn[] }) {
  const t = useWords(signIns);
  return (
    <>
      <h1>{t.ownTitle}</h1>
      <p class="lead">{t.ownIntro}</p>
      {rows.length > 0 ? <OwnSignIns rows={rows} /> : <Empty>{t.ownNone}</Empty>}
      <p class="page-note">
        <a href="/account">{t.toAccount}</a>
      </p>
    </>
  );
}

function OwnSignIns({ rows }: { rows: readonly OwnSignIn[] }) {
  const t = useWords(signIns);
  return (
    <Table
      caption={t.ownTitle}
      rows={rows}
      rowId={(row) => `sign-in-${row.id}`}
      columns={[
        { label: t.when, header: true, cell: (row) => <Moment at={row.at} /> },
        { label: t.device, cell: (row) => <DeviceText userAgent={row.user_agent} /> },
        { label: t.where, cell: (row) => <Where place={row.place} ip={row.ip} /> },
        {
          label: t.remarks,
          cell: (row) => (
            <>
              <StateBadge state={stateOf(row)} />
              <Signals row={row} />
            </>
          ),
        },
        { label: t.notMe, evident: true, cell: (row) => <Action row={row} /> },
      ]}
    />
  );
}

function Action({ row }: { row: OwnSignIn }) {
  const t = useWords(signIns);
  if (row.current) return <Badge tone="ok">{t.current}</Badge>;
  if (row.disowned_at) return <Moment at={row.disowned_at} />;
  return (
    <form method="post" action={`/account/sign-ins/${row.id}/disown`}>
      <input type="hidden" name="key" value={crypto.randomUUID()} />
      <button class="button" data-quiet="" type="submit">
        {t.notMe}
        <span class="visually-hidden">
          {' '}
          <Moment at={row.at} />
        </span>
      </button>
    </form>
  );
}

/** After "that wasn't me": what was done, and what to do now. */
export function EndedPage({ undone }: { undone: readonly string[] }) {
  const t = useWords(signIns);
  return (
    <>
      <header class="page-head">
        <h1>{t.endedTitle}</h1>
      </header>
      <div class="card form">
        <Undone words={undone} />
        {undone.some((word) => FACTORS.includes(word)) ? (
          <p>
            {t.undoneElse} <a href="/account/factors">{t.factors}</a>
          </p>
        ) : null}
        <p>{t.endedHelp}</p>
        <div class="form-actions">
          <a class="button" data-primary="" href="/account/password">
            {t.changePassword}
          </a>
          <a href="/account/sign-ins">{t.back}</a>
        </div>
      </div>
    </>
  );
}
