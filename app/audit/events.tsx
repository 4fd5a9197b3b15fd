import type { ComponentChildren } from 'preact';
import type { ClinicAuditEvents } from '../../db/types.ts';
import { ExportButton } from '../audit-export/page.tsx';
import { useWords } from '../i18n.ts';
import { frame } from '../messages.ts';
import { Badge } from '../ui/badge.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Empty, Missing } from '../ui/empty.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { Moment } from '../ui/time.tsx';
import { Details } from './event-details.tsx';
import { EventName } from './event-name.tsx';
import { audit } from './messages.ts';
import { pageSize, type SearchValues, searchFields } from './search.ts';

/** A row of clinic.audit_events; `at_text` is its time to the microsecond, for the next page. */
export type EventRow = ClinicAuditEvents & { at_text: string };

/** `rows` holds one more than a page when there is more to see. */
export type EventsProps = { title: string; values: SearchValues; rows: readonly EventRow[] };

export function Events({ title, values, rows }: EventsProps) {
  const t = useWords(audit);
  const shown = rows.slice(0, pageSize);
  const last = rows.length > pageSize ? shown.at(-1) : undefined;
  return (
    <section class="events" aria-labelledby="events-title">
      <h2 id="events-title" tabIndex={-1}>
        {title}
      </h2>
      {shown.length > 0 ? (
        <>
          <div class="events-bar">
            <p class="quiet">{t.shown(shown.length, last !== undefined)}</p>
            <ExportButton values={values} />
          </div>
          <Table caption={title} compact rows={shown} columns={columns(t, useWords(frame))} />
        </>
      ) : (
        <Empty>{t.none}</Empty>
      )}
      {last ? <Older values={values} last={last} /> : null}
      {/* The buttons in the table send it with one criterion of their own. */}
      <form id="audit-one" method="post" action="/audit/search" {...swap} />
    </section>
  );
}

type Words = ReturnType<typeof useWords<typeof audit.fr>>;
type FrameWords = ReturnType<typeof useWords<typeof frame.fr>>;

function columns(t: Words, roles: FrameWords): Column<EventRow>[] {
  return [
    { label: t.at, evident: true, cell: (row) => <Moment at={row.at} /> },
    { label: t.event, header: true, cell: (row) => <EventName row={row} /> },
    { label: t.actor, evident: true, cell: (row) => <Actor row={row} roles={roles} /> },
    { label: t.resource, cell: (row) => <Resource row={row} /> },
    { label: t.outcome, evident: true, cell: (row) => <Outcome outcome={row.outcome} /> },
    { label: t.details, evident: true, cell: (row) => <Details row={row} /> },
  ];
}

function Actor({ row, roles }: { row: EventRow; roles: FrameWords }) {
  const t = useWords(audit);
  const role = row.actor_role === 'owner' ? t.system : labelOf(roles, 'role', row.actor_role);
  if (!row.actor_id) return <>{role}</>;
  return (
    <>
      <OnlyThese name="actor" value={row.actor_id}>
        {row.actor_name ?? <Missing>{t.nameUnknown}</Missing>}
      </OnlyThese>{' '}
      <span class="quiet">{role}</span>
    </>
  );
}

/** Whose record it is about, by the end of the identifier: an auditor sees no patient's name. */
function Resource({ row }: { row: EventRow }) {
  const t = useWords(audit);
  if (!row.patient_id) return <>{row.resource_type}</>;
  return (
    <>
      {row.resource_type}{' '}
      <OnlyThese name="patient" value={row.patient_id}>
        {t.patient} …{row.patient_id.slice(-4)}
      </OnlyThese>
    </>
  );
}

/** Sends the form below the table with this one criterion. */
function OnlyThese(props: { name: 'actor' | 'patient'; value: string; children: ComponentChildren }) {
  const t = useWords(audit);
  return (
    <button type="submit" class="link" form="audit-one" name={props.name} value={props.value}>
      {props.children}
      <span class="visually-hidden"> ({t.onlyThese})</span>
    </button>
  );
}

function Outcome({ outcome }: { outcome: string }) {
  const t = useWords(audit);
  const word = labelOf(t, 'outcome', outcome);
  if (outcome === 'success') return <>{word}</>;
  return <Badge tone={outcome === 'failure' ? 'danger' : 'warn'}>{word}</Badge>;
}

const swap = {
  'hx-post': '/audit/search',
  'hx-target': '#audit-search',
  'hx-swap': 'outerHTML show:top showTarget:#events-title',
};

function Older({ values, last }: { values: SearchValues; last: EventRow }) {
  const t = useWords(audit);
  return (
    <form
      method="post"
      action="/audit/search"
      hx-post="/audit/search"
      hx-target="#audit-search"
      hx-swap="outerHTML show:top"
    >
      {searchFields.map((name) =>
        values[name] ? <input key={name} type="hidden" name={name} value={values[name]} /> : null,
      )}
      <input type="hidden" name="after_at" value={last.at_text} />
      <input type="hidden" name="after_id" value={last.id} />
      <button type="submit" class="button">
        {t.next}
      </button>
    </form>
  );
}
