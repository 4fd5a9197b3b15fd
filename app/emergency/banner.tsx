import { useWords } from '../i18n.ts';
import { labelOf } from '../ui/codeable.tsx';
import { Icon } from '../ui/icon.tsx';
import { clockOf } from '../ui/time.tsx';
import { emergency } from './messages.ts';

/** From clinic.me: the emergency access that shows the patient on the page. */
export type Glass = { glass_id: string; glass_kind: string; glass_reason: string | null; glass_ends_at: Date };

/** Stands on every page about this patient while the glass is broken: until when, and why. */
export function GlassBanner({ glass }: { glass: Glass }) {
  const t = useWords(emergency);
  const { glass_id: id, glass_kind: kind, glass_reason: reason, glass_ends_at: ends } = glass;
  const minutes = Math.max(0, Math.ceil((ends.getTime() - Date.now()) / 60_000));
  return (
    <section class="glass" aria-label={t.banner} data-tone="danger">
      <Icon shape="danger" />
      <p>
        <b>{t.until(clockOf(ends), minutes)}</b> {labelOf(t, 'kind', kind)}
        {reason ? <q class="glass-reason">{reason}</q> : null}
      </p>
      <form method="post" action={`/emergency/${id}/end`}>
        <input type="hidden" name="key" value={crypto.randomUUID()} />
        <button class="button" type="submit">
          {t.end}
        </button>
      </form>
    </section>
  );
}
