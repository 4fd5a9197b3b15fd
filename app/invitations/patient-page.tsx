/** Does this patient have an account, and if not, where does the invitation go? A secretary doesn't choose that. */
import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { DefinitionList } from '../ui/definitions.tsx';
import { Missing } from '../ui/empty.tsx';
import { Field, Select } from '../ui/field.tsx';
import { ErrorSummary, type Errors } from '../ui/form.tsx';
import { Moment } from '../ui/time.tsx';
import { invitations } from './messages.ts';
import type { PatientAccount } from './queries.ts';

export type PatientInvitationProps = {
  patient: string;
  account?: PatientAccount;
  /** What was typed, or the address of the record. */
  email: string;
  /** A secretary's page: the address of the record, or nothing. */
  fixed: boolean;
  lang: string;
  errors?: Errors;
  /** Why the database didn't take it. */
  refusal?: string;
  /** What was just done. */
  done?: 'invited' | 'resent' | 'withdrawn';
};

export function PatientInvitationPage(props: PatientInvitationProps) {
  const { patient, account, email, fixed, refusal, done, errors = {} } = props;
  const t = useWords(invitations);
  return (
    <div class="team-form">
      <h1>{t.access}</h1>
      {refusal ? <Alert tone="danger" title={labelOf(t, 'refusal', refusal)} /> : <ErrorSummary errors={errors} />}
      {done ? <Alert tone="ok" title={t[`done_${done}`]} /> : null}
      {account ? <Account patient={patient} account={account} /> : null}
      {!account && fixed && !email ? (
        <Alert tone="warn" title={t.none}>
          {t.noAddress}
        </Alert>
      ) : null}
      {!account && !(fixed && !email) ? <InviteForm {...props} errors={errors} /> : null}
      <p class="page-note">
        <a href={`/patients/${patient}`}>{t.back}</a>
      </p>
    </div>
  );
}

function InviteForm({ patient, email, fixed, lang, errors }: PatientInvitationProps) {
  const t = useWords(invitations);
  return (
    <form class="card form" method="post" action={`/patients/${patient}/invitation`} novalidate>
      <input type="hidden" name="key" value={crypto.randomUUID()} />
      <p>
        <b>{t.none}</b> {t.inviteHelp}
      </p>
      {fixed ? (
        <>
          <input type="hidden" name="email" value={email} />
          <DefinitionList items={[{ label: t.ofRecord, value: email }]} />
        </>
      ) : (
        <Field
          name="email"
          type="email"
          label={t.email}
          hint={t.emailHint}
          value={email}
          error={errors?.email}
          inputMode="email"
          spellcheck={false}
          maxLength={254}
          required
        />
      )}
      <Select
        name="lang"
        label={t.messageLang}
        value={lang}
        choices={[
          { value: 'fr', label: t.lang_fr },
          { value: 'en', label: t.lang_en },
        ]}
      />
      <div class="form-actions">
        <button class="button" data-primary="" type="submit">
          {t.send}
        </button>
      </div>
    </form>
  );
}

function Account({ patient, account }: { patient: string; account: PatientAccount }) {
  const t = useWords(invitations);
  const waits = account.status === 'invited' ? account.expires_at : null;
  return (
    <section class="card account-actions">
      <DefinitionList
        items={[
          { label: t.state, value: labelOf(t, 'state', account.status) },
          { label: waits ? t.sentTo : t.signsIn, value: account.email },
          waits
            ? { label: waits > new Date() ? t.waitsUntil : t.ranOut, value: <Moment at={waits} /> }
            : {
                label: t.lastSignIn,
                value: account.last_sign_in_at ? <Moment at={account.last_sign_in_at} /> : <Missing>{t.never}</Missing>,
              },
        ]}
      />
      {waits ? (
        <>
          <Action
            action={`/patients/${patient}/invitation/resend`}
            account={account}
            label={t.resend}
            help={t.resendHelp}
          />
          <Action
            action={`/patients/${patient}/invitation/withdraw`}
            account={account}
            label={t.withdraw}
            help={t.withdrawHelp}
          />
        </>
      ) : null}
    </section>
  );
}

function Action(props: { action: string; account: PatientAccount; label: string; help: string }) {
  return (
    <form method="post" action={props.action}>
      <input type="hidden" name="key" value={crypto.randomUUID()} />
      <input type="hidden" name="account" value={props.account.account_id} />
      <p class="field-hint">{props.help}</p>
      <button class="button" type="submit">
        {props.label}
      </button>
    </form>
  );
}
