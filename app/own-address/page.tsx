import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { Field } from '../ui/field.tsx';
import { ErrorSummary } from '../ui/form.tsx';
import { ownAddress } from './messages.ts';
import type { OwnAddress } from './queries.ts';

export type Said = {
  /** As it was typed. */
  typed?: string;
  problem?: 'address' | 'same';
  /** Seconds. */
  wait?: number;
  /** The link was good, and the address is somebody else's by now. */
  taken?: boolean;
  done?: 'changed' | 'cancelled';
};

export function OwnAddressPage({ own, said }: { own: OwnAddress; said: Said }) {
  const t = useWords(ownAddress);
  const { email, waiting } = own;
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
        <p class="quiet">{t.now(email ?? '')}</p>
      </header>
      <div class="attention">
        {said.done === 'changed' ? (
          <Alert tone="ok" title={t.changed}>
            <p>{t.changedHelp}</p>
          </Alert>
        ) : null}
        {said.done === 'cancelled' ? <Alert tone="ok" title={t.cancelled} /> : null}
        {said.wait ? (
          <Alert tone="warn" title={t.wait} id="setback">
            <p>{t.waitHelp(said.wait)}</p>
          </Alert>
        ) : null}
        {said.taken ? (
          <Alert tone="warn" title={t.taken} id="setback">
            <p>{t.takenHelp}</p>
          </Alert>
        ) : null}
      </div>
      {waiting ? <Waiting email={waiting} /> : null}
      <AddressForm said={said} primary={!waiting} />
      <p class="page-note">
        <a href="/account">{t.back}</a>
      </p>
    </>
  );
}

function Waiting({ email }: { email: string }) {
  const t = useWords(ownAddress);
  return (
    <section class="card factor">
      <h2>{t.waits}</h2>
      <p>{t.waitsAt(email)}</p>
      <p class="quiet">{t.waitsElse}</p>
      <form method="post" action="/account/address/cancel">
        <button class="button" type="submit">
          {t.cancel}
        </button>
      </form>
    </section>
  );
}

function AddressForm({ said, primary }: { said: Said; primary: boolean }) {
  const t = useWords(ownAddress);
  const error = said.problem ? t[`problem_${said.problem}`] : undefined;
  return (
    <form class="card form" method="post" action="/account/address" novalidate aria-labelledby="change-title">
      <h2 id="change-title">{t.changeTitle}</h2>
      <ErrorSummary errors={error ? { email: error } : {}} />
      <Field
        name="email"
        type="email"
        label={t.email}
        hint={t.emailHint}
        value={said.typed}
        error={error}
        autocomplete="email"
        inputMode="email"
        spellcheck={false}
        maxLength={254}
        required
      />
      <p class="quiet">{t.notes}</p>
      <div class="form-actions">
        <button class="button" data-primary={primary ? '' : undefined} type="submit">
          {t.send}
        </button>
      </div>
    </form>
  );
}
