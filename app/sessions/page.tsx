import type { ClinicOwnSessions } from '../../db/types.ts';
import { useWords } from '../i18n.ts';
import { Where } from '../sign-ins/remarks.tsx';
import { Badge } from '../ui/badge.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { Moment } from '../ui/time.tsx';
import { DeviceText } from './device.tsx';
import { sessions } from './messages.ts';

/** A row of clinic.own_sessions. */
export type SessionRow = ClinicOwnSessions;

export function SessionsPage({ rows }: { rows: readonly SessionRow[] }) {
  const t = useWords(sessions);
  const open = rows.filter((row) => !row.ended_at);
  const ended = rows.filter((row) => row.ended_at);
  const others = open.filter((row) => !row.current);
  // the one that is looked from comes first
  const inOrder = [...open.filter((row) => row.current), ...others];
  return (
    <>
      <h1>{t.title}</h1>
      <p class="lead">
        {t.intro} <a href="/account/password">{t.password}</a>
      </p>
      <OpenSessions rows={inOrder} />
      {others.length > 0 ? <EndOthers count={others.length} /> : <p class="page-note">{t.alone}</p>}
      {ended.length > 0 ? <EndedSessions rows={ended} /> : null}
      <p class="page-note">
        <a href="/account">{t.back}</a>
      </p>
    </>
  );
}

function OpenSessions({ rows }: { rows: readonly SessionRow[] }) {
  const t = useWords(sessions);
  return (
    <Table
      caption={t.open}
      showCaption
      rows={rows}
      rowId={(row) => `session-${row.id}`}
      columns={[
        ...useWhere(),
        { label: t.lastSeen, cell: (row) => <Moment at={row.last_seen_at} /> },
        { label: t.action, cell: (row) => (row.current ? <Badge tone="ok">{t.current}</Badge> : <EndOne row={row} />) },
      ]}
    />
  );
}

function EndedSessions({ rows }: { rows: readonly SessionRow[] }) {
  const t = useWords(sessions);
  return (
    <Table
      caption={t.ended}
      showCaption
      rows={rows}
      rowId={(row) => `session-${row.id}`}
      columns={[
        ...useWhere(),
        { label: t.endedAt, cell: (row) => (row.ended_at ? <Moment at={row.ended_at} /> : null) },
        { label: t.because, cell: (row) => row.ended_because && labelOf(t, 'because', row.ended_because) },
      ]}
    />
  );
}

function useWhere(): Column<SessionRow>[] {
  const t = useWords(sessions);
  return [
    { label: t.device, header: true, cell: (row) => <DeviceText userAgent={row.user_agent} /> },
    { label: t.where, cell: (row) => <Where place={row.place} ip={row.ip} /> },
    { label: t.since, cell: (row) => <Moment at={row.created_at} /> },
  ];
}

function EndOne({ row }: { row: SessionRow }) {
  const t = useWords(sessions);
  return (
    <form method="post" action={`/account/sessions/${row.id}/end`}>
      <input type="hidden" name="key" value={crypto.randomUUID()} />
      <button class="button" data-quiet="" type="submit">
        {t.endOne}
        <span class="visually-hidden">
          {' '}
          <DeviceText userAgent={row.user_agent} /> <Moment at={row.created_at} />
        </span>
      </button>
    </form>
  );
}

function EndOthers({ count }: { count: number }) {
  const t = useWords(sessions);
  return (
    <form class="card form" method="post" action="/account/sessions/end-others">
      <input type="hidden" name="key" value={crypto.randomUUID()} />
      <p>{t.endOthersHelp(count)}</p>
      <div class="form-actions">
        <button class="button" data-danger="" type="submit">
          {t.endOthers}
        </button>
      </div>
    </form>
  );
}
