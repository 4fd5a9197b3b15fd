/** One's factors, a section each: what it is, how it stands, what can be done. */
import type { ClinicOwnFactors } from '../../db/types.ts';
import { FEW } from '../account/page.tsx';
import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { DefinitionList } from '../ui/definitions.tsx';
import { Day } from '../ui/time.tsx';
import { EndOthers } from './end-others.tsx';
import { factors } from './messages.ts';
import { Section } from './section.tsx';

export type FactorsPageProps = {
  own: ClinicOwnFactors;
  /** What has just been done, or not: words of messages.ts, `done_…` and `refusal_…`. */
  done?: string;
  refusal?: string;
};

export function FactorsPage({ own, done, refusal }: FactorsPageProps) {
  const t = useWords(factors);
  return (
    <>
      <h1>{t.title}</h1>
      <p class="lead">{t.intro}</p>
      {done ? (
        <Alert tone="ok" title={labelOf(t, 'done', done)}>
          <EndOthers />
        </Alert>
      ) : null}
      {refusal ? <Alert tone="danger" title={labelOf(t, 'refusal', refusal)} /> : null}
      <App own={own} />
      <Passkeys own={own} />
      <RecoveryCodes own={own} />
      <Sent own={own} />
      <p class="page-note">
        <a href="/account">{t.back}</a>
      </p>
    </>
  );
}

function App({ own }: { own: ClinicOwnFactors }) {
  const t = useWords(factors);
  return (
    <Section id="app" title={t.app} what={t.appWhat}>
      <p>
        {own.totp_since ? (
          <>
            {t.appSince} <Day value={own.totp_since} />
          </>
        ) : (
          t.appMissing
        )}
      </p>
      <div class="form-actions">
        <a class="button" href="/account/factors/app">
          {own.totp_since ? t.appReplace : t.appAdd}
        </a>
        {own.totp_since && own.passkeys > 0 ? (
          <form method="post" action="/account/factors/app/remove">
            <button class="button" data-quiet type="submit">
              {t.appRemove}
            </button>
          </form>
        ) : null}
      </div>
      {own.totp_since && own.passkeys === 0 ? <p class="quiet">{t.appLast}</p> : null}
    </Section>
  );
}

function Passkeys({ own }: { own: ClinicOwnFactors }) {
  const t = useWords(factors);
  return (
    <Section id="passkeys" title={t.passkeys} what={t.passkeysWhat}>
      <p>{own.passkeys > 0 ? t.passkeysHave(own.passkeys) : t.passkeysNone}</p>
      {own.passkeys_elsewhere > 0 ? <p>{t.passkeysElsewhere(own.passkeys_elsewhere)}</p> : null}
      <div class="form-actions">
        <a class="button" href="/account/passkeys">
          {own.passkeys + own.passkeys_elsewhere > 0 ? t.passkeysManage : t.passkeysAdd}
        </a>
      </div>
    </Section>
  );
}

function RecoveryCodes({ own }: { own: ClinicOwnFactors }) {
  const t = useWords(factors);
  const left = own.recovery_codes;
  return (
    <Section id="codes" title={t.codes} what={t.codesWhat}>
      {own.recovery_codes_made_at && left <= FEW ? (
        <Alert tone="warn" title={t.codesFew(left)}>
          <p>{t.codesFewHelp}</p>
        </Alert>
      ) : null}
      <p>
        {own.recovery_codes_made_at ? (
          <>
            {t.codesLeft(left)} {t.codesMadeOn} <Day value={own.recovery_codes_made_at} />
          </>
        ) : (
          t.codesNone
        )}
      </p>
      <div class="form-actions">
        <a class="button" href="/account/recovery-codes">
          {t.codesMake}
        </a>
      </div>
    </Section>
  );
}

/** What may be sent is the organisation's decision, and its administrators' page. */
function Sent({ own }: { own: ClinicOwnFactors }) {
  const t = useWords(factors);
  const word = (allowed: boolean) => (allowed ? t.allowed : t.notAllowed);
  return (
    <Section id="sent" title={t.sent} what={t.sentWhat}>
      <DefinitionList
        items={[
          { label: t.sentEmail, value: word(own.email_codes) },
          { label: t.sentSms, value: word(own.sms_codes) },
        ]}
      />
      <div class="form-actions">
        <a class="button" href="/account/phone">
          {t.sentPhone}
        </a>
      </div>
    </Section>
  );
}
