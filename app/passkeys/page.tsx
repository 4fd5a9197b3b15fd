/** One's own passkeys: which there are, where they are, and one less. */
import { EndOthers } from '../factors/end-others.tsx';
import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { Empty, Missing } from '../ui/empty.tsx';
import type { Tone } from '../ui/icon.tsx';
import { Table } from '../ui/table.tsx';
import { Moment } from '../ui/time.tsx';
import { passkeys } from './messages.ts';
import type { OwnPasskey } from './queries.ts';

const TONES = { added: 'ok', renamed: 'ok', removed: 'ok', last: 'warn' } satisfies Record<string, Tone>;
/** What came of the form that was sent. */
export type Outcome = keyof typeof TONES;
export const outcomes = Object.keys(TONES) as Outcome[]; // its own keys

/** `host`: what the browser has in its address bar now. */
type Rows = { rows: readonly OwnPasskey[]; host: string };

export function PasskeysPage({ rows, host, outcome }: Rows & { outcome?: Outcome }) {
  const t = useWords(passkeys);
  return (
    <>
      <h1>{t.title}</h1>
      <p class="lead">{t.intro}</p>
      {outcome ? (
        <Alert tone={TONES[outcome]} title={t[outcome]} id="outcome">
          <p>{outcome === 'renamed' ? null : t[`${outcome}Help`]}</p>
          {outcome === 'added' || outcome === 'removed' ? <EndOthers /> : null}
        </Alert>
      ) : null}
      {rows.length > 0 ? <PasskeyTable rows={rows} host={host} /> : <Empty>{t.none}</Empty>}
      <p class="form-actions page-note">
        <a class="button" data-primary="" href="/account/passkeys/new">
          {t.add}
        </a>
        <a href="/account/factors">{t.backToFactors}</a>
      </p>
    </>
  );
}

function PasskeyTable({ rows, host }: Rows) {
  const t = useWords(passkeys);
  return (
    <Table
      caption={t.caption}
      rows={rows}
      rowId={(row) => `passkey-${row.id}`}
      columns={[
        { label: t.name, header: true, cell: (row) => row.name },
        { label: t.created, cell: (row) => <Moment at={row.created_at} /> },
        {
          label: t.lastUse,
          cell: (row) => (row.last_used_at ? <Moment at={row.last_used_at} /> : <Missing>{t.never}</Missing>),
        },
        { label: t.kind, cell: (row) => (row.backed_up ? t.synced : t.device) },
        {
          label: t.alone,
          cell: (row) =>
            row.rp_id !== host || !row.works_here ? t.elsewhere(row.rp_id) : row.user_verified ? t.aloneYes : t.aloneNo,
        },
        { label: t.action, evident: true, cell: (row) => <Actions row={row} /> },
      ]}
    />
  );
}

function Actions({ row }: { row: OwnPasskey }) {
  const t = useWords(passkeys);
  return (
    <div class="form-actions">
      <a href={`/account/passkeys/${row.id}/name`} aria-label={t.renameNamed(row.name)}>
        {t.rename}
      </a>
      <RemoveForm row={row} />
    </div>
  );
}

function RemoveForm({ row }: { row: OwnPasskey }) {
  const t = useWords(passkeys);
  return (
    <form method="post" action={`/account/passkeys/${row.id}/remove`}>
      <button class="button" data-quiet="" type="submit" aria-label={t.removeNamed(row.name)}>
        {t.remove}
      </button>
    </form>
  );
}
