import { formatNumber, useLang, useWords } from '../i18n.ts';
import { Missing } from '../ui/empty.tsx';
import { Moment } from '../ui/time.tsx';
import { audit } from './messages.ts';

/** The row of audit.last_checkpoint(); bigint arrives as text. */
export type CheckpointRow = { origin: string; size: string; root: string; sealed_at: Date };

/** What was signed last, for an auditor to compare with what is kept outside. */
export function Checkpoint({ checkpoint }: { checkpoint: CheckpointRow | undefined }) {
  const t = useWords(audit);
  const lang = useLang();
  if (!checkpoint) return <Missing>{t.notSealed}</Missing>;
  return (
    <dl class="figures">
      <div>
        <dt>{t.sealedAt}</dt>
        <dd>
          <Moment at={checkpoint.sealed_at} />
        </dd>
      </div>
      <div>
        <dt>{t.sealedEvents}</dt>
        <dd>{formatNumber(lang, checkpoint.size)}</dd>
      </div>
      <div>
        <dt>{t.sealedRoot}</dt>
        <dd>
          <code class="digest">{checkpoint.root}</code>
        </dd>
      </div>
      <div>
        <dt>{t.sealedOrigin}</dt>
        <dd>
          <code class="digest">{checkpoint.origin}</code>
        </dd>
      </div>
    </dl>
  );
}
