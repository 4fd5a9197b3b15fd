/**
 * On every page of somebody who is signed in: the end of the session, said five minutes before it comes, with one click
 * to stay. js/idle.js counts and opens the dialog; without script the foot of the page names the hour.
 * When the session ends is decided in SQL (0050_sessions): here it is only told.
 */
import type { ComponentChildren } from 'preact';
import { useWords } from '../i18n.ts';
import { Clock } from '../ui/time.tsx';
import { session } from './messages.ts';

export type Ending = {
  account_id?: string;
  /** Seconds until the session ends without activity, and until it ends in any case. */
  idle_left?: number;
  session_left?: number;
  idle_expires_at?: Date;
};

export function SessionEnd({ me }: { me?: Ending }) {
  const t = useWords(session);
  if (me?.idle_left === undefined) return null;
  return (
    <>
      <dialog
        id="session-end"
        class="dialog"
        aria-labelledby="session-end-soon"
        data-account={me.account_id}
        data-idle={me.idle_left}
        data-rest={me.session_left}
        data-minute={t.minutes(1)}
        data-minutes={t.minutes(2)}
      >
        <State name="soon" title={t.soon} clock={t.soonHelp} help={t.soonKept}>
          <form method="post" action="/session/stay" data-stay="">
            <button class="button" data-primary="" type="submit">
              {t.stay}
            </button>
          </form>
          <form method="post" action="/sign-out">
            <button class="button" type="submit">
              {t.signOut}
            </button>
          </form>
        </State>
        <State name="last" title={t.last} clock={t.lastHelp}>
          <form method="dialog">
            <button class="button" data-primary="" type="submit">
              {t.later}
            </button>
          </form>
        </State>
        <State name="over" title={t.over} help={t.overHelp}>
          <a class="button" data-primary="" href="/sign-in" target="_blank" rel="noopener">
            {t.signInNewTab}
          </a>
        </State>
        {/* The page’s one status is inert behind a modal dialog. */}
        <p class="visually-hidden" aria-live="polite" />
      </dialog>
      <Notice until={me.idle_expires_at} />
    </>
  );
}

type StateProps = { name: string; title: string; clock?: string; help?: string; children: ComponentChildren };

function State({ name, title, clock, help, children }: StateProps) {
  return (
    <div class="session-state" data-state={name} hidden>
      <h2 id={`session-end-${name}`}>{title}</h2>
      {clock ? (
        <p>
          {clock} <b class="session-clock" data-clock="" />
        </p>
      ) : null}
      {help ? <p>{help}</p> : null}
      <div class="form-actions">{children}</div>
    </div>
  );
}

/** Without script: the hour, and a button that answers in another tab, so that this page keeps what was typed. */
function Notice({ until }: { until?: Date }) {
  const t = useWords(session);
  if (!until) return null;
  return (
    <noscript>
      <form class="session-notice" method="post" action="/session/stay" target="_blank" rel="noopener">
        <p>
          {t.notice} <Clock at={until} />.
        </p>
        <button class="button" type="submit">
          {t.stay}
        </button>
      </form>
    </noscript>
  );
}
