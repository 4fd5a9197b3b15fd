import type { ClinicRecoveries } from '../../db/types.ts';
import { LockedOut } from '../accounts/locked.tsx';
import { useWords } from '../i18n.ts';
import { frame } from '../messages.ts';
import { recover } from '../recover/messages.ts';
import { Alert } from '../ui/alert.tsx';
import { Badge } from '../ui/badge.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { DefinitionList } from '../ui/definitions.tsx';
import { Empty, Missing } from '../ui/empty.tsx';
import { Field } from '../ui/field.tsx';
import { Moment } from '../ui/time.tsx';

/** A row of clinic.recoveries. */
export type RecoveryRow = ClinicRecoveries;

export type RecoveriesProps = {
  rows: readonly RecoveryRow[];
  done?: 'confirm' | 'reject';
  /** What the database answered, and to which request. */
  refusal?: { id: string; reason: string };
  /** What was typed for which request, and isn't six digits. */
  missing?: { id: string; code: string };
};

/** Who waits for somebody to confirm that it is them: one request, one card, one decision. */
export function RecoveriesPage({ rows, done, refusal, missing }: RecoveriesProps) {
  const t = useWords(recover);
  const lost = refusal && !rows.some((row) => row.id === refusal.id);
  return (
    <>
      <h1>{t.listTitle}</h1>
      <p class="lead">{t.listIntro}</p>
      {done ? <Alert tone="ok" title={t[`done_${done}`]} /> : null}
      {lost ? <Alert tone="warn" title={labelOf(t, 'refusal', refusal.reason)} /> : null}
      {rows.length > 0 ? (
        rows.map((row) => (
          <Recovery
            key={row.id}
            row={row}
            refusal={refusal?.id === row.id ? refusal.reason : undefined}
            typed={missing?.id === row.id ? missing.code : undefined}
          />
        ))
      ) : (
        <Empty>{t.listEmpty}</Empty>
      )}
      {rows.length === 0 ? <LockedOut here /> : null}
    </>
  );
}

function Recovery({ row, refusal, typed }: { row: RecoveryRow; refusal?: string; typed?: string }) {
  const t = useWords(recover);
  const roles = useWords(frame);
  const name = row.display_name ?? t.nameUnknown;
  return (
    <section class="card recovery" id={`recovery-${row.id}`} aria-labelledby={`name-${row.id}`}>
      <h2 id={`name-${row.id}`}>{name}</h2>
      {refusal ? <Alert tone="danger" title={labelOf(t, 'refusal', refusal)} id="setback" /> : null}
      <DefinitionList
        items={[
          { label: t.role, value: labelOf(roles, 'role', row.role) },
          { label: t.missing, value: labelOf(t, 'missing', row.lost) },
          { label: t.askedAt, value: <Moment at={row.asked_at} /> },
          { label: t.alone, value: <Alone at={row.ready_at} /> },
        ]}
      />
      {row.confirmed_at ? (
        <p>
          <Badge tone="ok">{t.confirmedBy(row.confirmed_by_name ?? t.nameUnknown)}</Badge>{' '}
          <Moment at={row.confirmed_at} />
        </p>
      ) : (
        <Confirm id={row.id} name={name} typed={typed} again={Boolean(refusal)} />
      )}
      <form method="post" action={`/admin/recoveries/${row.id}/reject`}>
        <button class="button" data-danger="" type="submit">
          {t.reject}
          <span class="visually-hidden"> ({name})</span>
        </button>
      </form>
    </section>
  );
}

function Alone({ at }: { at: Date | null }) {
  const t = useWords(recover);
  if (!at) return <Missing>{t.never}</Missing>;
  return (
    <>
      {t.aloneFrom} <Moment at={at} />
    </>
  );
}

function Confirm({ id, name, typed, again }: { id: string; name: string; typed?: string; again: boolean }) {
  const t = useWords(recover);
  return (
    <form class="form" method="post" action={`/admin/recoveries/${id}/confirm`}>
      <Field
        name={`code_${id}`}
        label={t.codeOf(name)}
        value={typed}
        error={typed === undefined ? undefined : t.codeMissing}
        inputMode="numeric"
        // as it is pasted or heard: with spaces
        maxLength={20}
        width="medium"
        autofocus={again || typed !== undefined}
        spellcheck={false}
        required
      />
      <div class="form-actions">
        <button class="button" data-primary="" type="submit">
          {t.confirm}
        </button>
      </div>
    </form>
  );
}
