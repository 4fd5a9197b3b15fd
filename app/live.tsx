/** What speaks up on every page: messages, a request that failed, the help on keys. js/live.js and keys.js fill it. */
import { useWords } from './i18n.ts';
import { frame } from './messages.ts';
import { Dialog } from './ui/dialog.tsx';
import { Icon } from './ui/icon.tsx';

/** The one status (toasts stay until dismissed), the alert of session and connection, the help on keys. */
export function Live() {
  const t = useWords(frame);
  return (
    <>
      <div id="status" class="toast" role="status" data-dismiss-label={t.dismiss} />
      <div id="alert" class="toast" data-tone="danger" role="alert" data-dismiss-label={t.dismiss} />
      <template id="not-answered">
        <Icon shape="danger" />
        <p>
          <b>{t.notAnswered}</b> {t.notAnsweredHelp} <span class="code" />
        </p>
      </template>
      <Shortcuts />
      <StepUpDialog />
    </>
  );
}

/** js/step-up.js opens it when htmx has put the form into it; Esc closes it, and what was typed stays. */
function StepUpDialog() {
  const t = useWords(frame);
  return (
    <dialog id="step-up-dialog" class="dialog" aria-labelledby="step-up-title">
      <h2 id="step-up-title">{t.stepUp}</h2>
      {/* its button is in the form that htmx brings, beside the one that confirms */}
      <form method="dialog" id="step-up-close" />
      <div id="step-up" />
    </dialog>
  );
}

function Shortcuts() {
  const t = useWords(frame);
  const keys: readonly [string, string][] = [
    ['/ · Ctrl K', t.shortcutSearch],
    ['↑ ↓ ⏎ Esc', t.shortcutList],
    ['Ctrl S', t.shortcutDraft],
    ['Ctrl ⏎', t.shortcutSubmit],
    ['?', t.shortcutHelp],
  ];
  return (
    <Dialog id="shortcuts" title={t.shortcuts}>
      <dl class="shortcuts">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p>
        <label class="check">
          <input type="checkbox" id="single-keys" checked /> {t.shortcutSingle}
        </label>
      </p>
    </Dialog>
  );
}
