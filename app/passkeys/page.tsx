/** One's own passkeys: which there are, one more, one less. */
import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { Empty, Missing } from '../ui/empty.tsx';
import { Field } from '../ui/field.tsx';
import { ErrorSummary } from '../ui/form.tsx';
import type { Tone } from '../ui/icon.tsx';
import { Table } from '../ui/table.tsx';
import { Moment } from '../ui/time.tsx';
import { PasskeyButton } from './button.tsx';
import { passkeys } from './messages.ts';
import type { OwnPasskey } from './queries.ts';

const TONES = { added: 'ok', removed: 'ok', confirmed: 'ok', refused: 'danger', last: 'warn' } satisfies Record<
  string,
  Tone
>;
/** What came of the form that was sent. */
export type Outcome = keyof typeof TONES;
export const outcomes = Object.keys(TONES) as Outcome[]; // its own keys

type Props = { rows: readonly OwnPasskey[]; name: string; outcome?: Outcome; error?: string };

export function PasskeysPage({ rows, name, outcome, error }: Props) {
  const t = useWords(passkeys);
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
        <p class="lead">{t.intro}</p>
      </header>
      {outcome ? (
        <Alert tone={TONES[outcome]} title={t[outcome]} id="outcome">
          <p>{t[`${outcome}Help`]}</p>
        </Alert>
      ) : null}
      {rows.length > 0 ? <PasskeyTable rows={rows} /> : <Empty>{t.none}</Empty>}
      <AddForm name={name} error={error} confirmed={outcome === 'confirmed'} />
      <p class="page-note">
        <a href="/account">{t.back}</a>
      </p>
    </>
  );
}

function PasskeyTable({ rows }: Pick<Props, 'rows'>) {
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
        { label: t.alone, cell: (row) => (row.user_verified ? t.aloneYes : t.aloneNo) },
        { label: t.remove, evident: true, cell: (row) => <RemoveForm row={row} /> },
      ]}
    />
  );
}

function RemoveForm({ row }: { row: OwnPasskey }) {
  const t = useWords(passkeys);
  return (
    <form method="post" action={`/account/passkeys/${row.id}/remove`}>
      <button class="button" data-danger="" type="submit" aria-label={t.removeNamed(row.name)}>
        {t.remove}
      </button>
    </form>
  );
}

function AddForm({ name, error, confirmed }: Pick<Props, 'name' | 'error'> & { confirmed: boolean }) {
  const t = useWords(passkeys);
  return (
    <form class="card form" method="post" action="/account/passkeys">
      <h2>{t.addTitle}</h2>
      <ErrorSummary errors={error ? { name: error } : {}} />
      <Field name="name" label={t.name} hint={t.nameHint} value={name} error={error} maxLength={60} required />
      <PasskeyButton purpose="register" label={t.add} primary autofocus={confirmed} />
    </form>
  );
}
