import { z } from 'zod';
import { formatNumber, useLang, useWords } from '../i18n.ts';
import { labelOf } from '../ui/codeable.tsx';
import type { EventRow } from './events.tsx';
import { audit } from './messages.ts';

/** What happened; of refused requests, how many more this event stands for (0087_refusals). */
export function EventName({ row }: { row: EventRow }) {
  const t = useWords(audit);
  const lang = useLang();
  const more = row.event.startsWith('request.') ? countMore(row.details) : 0;
  return (
    <>
      {labelOf(t, 'event', row.event)}
      {more > 0 ? <span class="quiet"> {t.more(more, formatNumber(lang, more))}</span> : null}
    </>
  );
}

const counts = z.object({ times: z.number().int().positive(), more: z.number().int().positive().optional() });

function countMore(details: string | null): number {
  const read = counts.safeParse(JSON.parse(details ?? 'null'));
  return read.success ? read.data.times - 1 + (read.data.more ?? 0) : 0;
}
