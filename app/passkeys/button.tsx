/**
 * A button that asks the browser for a passkey, puts its answer into a field of the form around it and sends that form.
 * It needs script, and a page that isn't at a bare address: js/passkey.js shows it, or says why not.
 */
import { assetUrl } from '../assets.ts';
import { useWords } from '../i18n.ts';
import { passkeys } from './messages.ts';
import type { Purpose } from './queries.ts';

export function PasskeyButton(props: {
  purpose: Purpose;
  /** The field that gets the answer, as JSON. */
  name?: string;
  label: string;
  primary?: boolean;
  autofocus?: boolean;
}) {
  const { purpose, name = 'credential', label, primary, autofocus } = props;
  const t = useWords(passkeys);
  return (
    <div class="passkey" id={name} data-passkey={purpose}>
      <input type="hidden" name={name} />
      <button
        class="button"
        type="button"
        data-primary={primary ? '' : undefined}
        aria-describedby={`${name}-status`}
        autofocus={autofocus}
        hidden
      >
        {label}
      </button>
      {/* Read out with the button, which has the focus again when something went wrong: no second live region. */}
      <p
        class="passkey-status"
        id={`${name}-status`}
        data-waiting={t.waiting}
        data-cancelled={t.cancelled}
        data-known={t.known}
        data-place={t.place}
        data-unsupported={t.unsupported}
        data-failed={t.failed}
        data-later={t.later}
        data-over={t.over}
        data-network={t.network}
      />
      {purpose === 'passwordless' ? null : (
        <noscript>
          <p class="field-hint">{t.noScript}</p>
        </noscript>
      )}
      <script src={assetUrl('passkey.js')} defer type="module" />
    </div>
  );
}
