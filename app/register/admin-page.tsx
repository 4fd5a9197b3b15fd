import { useWords } from '../i18n.ts';
import { Badge } from '../ui/badge.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { register } from './messages.ts';

/** The administrator's switch, and what it means for patients. */
export function SwitchPage({ state }: { state: string }) {
  const t = useWords(register);
  const open = state === 'open';
  return (
    <div class="team-form">
      <h1>{t.adminTitle}</h1>
      <p class="lead">{t.adminIntro}</p>
      <form class="card form" method="post" action="/admin/registration">
        <input type="hidden" name="key" value={crypto.randomUUID()} />
        <p>
          {t.state} <Badge tone={open ? 'ok' : undefined}>{labelOf(t, 'state', state)}</Badge>.
        </p>
        <p class="field-hint">{open ? t.closeHelp : null}</p>
        <div class="form-actions">
          <button class="button" type="submit" name="registration" value={open ? 'closed' : 'open'}>
            {open ? t.closeIt : t.openIt}
          </button>
        </div>
      </form>
    </div>
  );
}
