import { useWords } from '../i18n.ts';
import type { EventRow } from './events.tsx';
import { audit } from './messages.ts';

/** Everything else that the event says, with the way to what concerns the same patient or the same person. */
export function Details({ row }: { row: EventRow }) {
  const t = useWords(audit);
  return (
    <details class="event-details" data-event={row.id}>
      <summary>
        {t.lane} {row.lane}, {t.number} {row.seq}
      </summary>
      <dl>
        <Fact label={t.patient} value={row.patient_id} filter="patient" />
        <Fact label={t.actorId} value={row.actor_id} filter="actor" />
        <Fact label={`${t.resource} (${row.resource_type})`} value={row.resource_id} />
        <Fact label={t.address} value={row.ip} />
        <Fact label={t.agent} value={row.user_agent} />
        <Fact label={t.details} value={row.details} />
        <Fact label={t.eventId} value={row.id} />
      </dl>
    </details>
  );
}

function Fact({ label, value, filter }: { label: string; value: string | null; filter?: 'patient' | 'actor' }) {
  const t = useWords(audit);
  if (!value) return null;
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <code class="code">{value}</code>
        {filter ? (
          <button type="submit" class="link" form="audit-one" name={filter} value={value}>
            {t.onlyThese}
          </button>
        ) : null}
      </dd>
    </div>
  );
}
