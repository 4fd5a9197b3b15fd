/** What a patient agrees to now, for who treats or books: which rows there are, the database decides. */
import { sql } from 'kysely';
import { k } from '../../db/query.ts';
import { useWords } from '../i18n.ts';
import { Badge } from '../ui/badge.tsx';
import { DefinitionList } from '../ui/definitions.tsx';
import { Missing } from '../ui/empty.tsx';
import { Day } from '../ui/time.tsx';
import { agreementWords } from './agreement-words.ts';

type Type = 'data_processing' | 'medical_record_storage' | 'telemedicine_usage' | 'mes_sharing';
/** `decided_at` is null for what they never were asked. */
export type AgreementRow = { type: Type; agreed: boolean; decided_at: Date | null };

export function readAgreements(patient: string) {
  return sql<AgreementRow>`
    select type, agreed, decided_at from clinic.read_patient_consents(${patient}::uuid)`.compile(k);
}

/** Do they refuse that somebody else sees the record? The database refuses the referral itself. */
export const sharesNoMore = (rows: readonly AgreementRow[]): boolean =>
  rows.some((row) => row.type === 'data_processing' && isWithdrawn(row));

const isWithdrawn = ({ agreed, decided_at }: AgreementRow) => !agreed && decided_at !== null;
const isNeeded = ({ type }: AgreementRow) => type !== 'mes_sharing';

export function Agreements({ rows }: { rows: readonly AgreementRow[] }) {
  const t = useWords(agreementWords);
  const kept = rows.some((row) => row.type !== 'telemedicine_usage' && isNeeded(row) && isWithdrawn(row));
  return (
    <>
      <DefinitionList items={rows.map((row) => ({ label: t[row.type], value: <State row={row} /> }))} />
      {kept ? <p class="quiet">{t.keep}</p> : null}
    </>
  );
}

function State({ row }: { row: AgreementRow }) {
  const t = useWords(agreementWords);
  if (row.agreed) return <Badge tone="ok">{t.yes}</Badge>;
  if (!row.decided_at) return <Missing>{t.never}</Missing>;
  return (
    <>
      <Badge tone={isNeeded(row) ? 'warn' : undefined} shape={isNeeded(row) ? undefined : 'empty'}>
        {t.no}
      </Badge>{' '}
      {t.withdrawn} <Day value={row.decided_at} />
    </>
  );
}
