/** What was unusual about a sign-in, in words; where it came from. */
import { formatNumber, useLang, useWords } from '../i18n.ts';
import { Badge } from '../ui/badge.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Missing } from '../ui/empty.tsx';
import type { Tone } from '../ui/icon.tsx';
import { signIns } from './messages.ts';
import { placeName } from './place.ts';

/** The columns that both lists have (0099_sign_ins). */
export type Remarked = {
  signals: readonly string[];
  outcome: string;
  released_at: Date | null;
  disowned_at: Date | null;
  km: number | null;
  minutes: number | null;
  failures: number | null;
};

export type SignInState = 'usual' | 'told' | 'stopped' | 'released' | 'disowned';

export function stateOf({ outcome, released_at, disowned_at }: Remarked): SignInState {
  if (disowned_at) return 'disowned';
  if (released_at) return 'released';
  return outcome === 'told' || outcome === 'stopped' ? outcome : 'usual';
}

const TONES: Record<SignInState, Tone | undefined> = {
  usual: undefined,
  told: 'warn',
  stopped: 'danger',
  released: 'ok',
  disowned: 'danger',
};

export function StateBadge({ state, word }: { state: SignInState; word?: string }) {
  const t = useWords(signIns);
  if (state === 'usual') return <>{t.usual}</>;
  return <Badge tone={TONES[state]}>{word ?? t[state]}</Badge>;
}

/** Signals with the figures behind them; nothing for a sign-in that has none. */
export function Signals({ row }: { row: Remarked }) {
  const t = useWords(signIns);
  if (row.signals.length === 0) return null;
  return (
    <ul class="signals">
      {row.signals.map((signal) => (
        <li key={signal}>
          {labelOf(t, 'signal', signal)}
          <Figures signal={signal} row={row} />
        </li>
      ))}
    </ul>
  );
}

function Figures({ signal, row }: { signal: string; row: Remarked }) {
  const t = useWords(signIns);
  const lang = useLang();
  const said = (value: number) => formatNumber(lang, value);
  if (signal === 'impossible_speed' && row.km !== null && row.minutes !== null)
    return (
      <span class="quiet">
        {' '}
        ({row.minutes > 0 ? t.why_impossible_speed(said(row.km), said(row.minutes)) : t.why_at_once(said(row.km))})
      </span>
    );
  if (signal === 'many_failures' && row.failures !== null)
    return <span class="quiet"> ({t.why_many_failures(said(row.failures))})</span>;
  return null;
}

/** What "that wasn't me" has ended: words of iam.sign_ins.undone. */
export function Undone({ words }: { words: readonly string[] }) {
  const t = useWords(signIns);
  if (words.length === 0) return null;
  return (
    <>
      <p>{t.undone}</p>
      <ul class="undone">
        {words.map((word) => (
          <li key={word}>{labelOf(t, 'undone', word)}</li>
        ))}
      </ul>
    </>
  );
}

export function Where({ place, ip }: { place: string | null; ip?: string | null }) {
  const t = useWords(signIns);
  return (
    <>
      {place ? placeName(place) : <Missing>{t.placeUnknown}</Missing>}
      {ip ? <span class="code quiet sign-in-address">{ip}</span> : null}
    </>
  );
}
