/** Everything about oneself behind one door: a card each, and what deserves attention above them. */
import type { ComponentChildren } from 'preact';
import type { ClinicOwnFactors } from '../../db/types.ts';
import { factors } from '../factors/messages.ts';
import { useWords } from '../i18n.ts';
import type { Me } from '../layout.tsx';
import { names } from '../names/messages.ts';
import { ownAddress } from '../own-address/messages.ts';
import { Alert } from '../ui/alert.tsx';
import { Day } from '../ui/time.tsx';
import { account } from './messages.ts';

export function AccountPage({ me, own }: { me?: Me; own: ClinicOwnFactors }) {
  const t = useWords(account);
  const n = useWords(names);
  const a = useWords(ownAddress);
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
        <p class="quiet">{t.signsInWith(own.email)}</p>
      </header>
      <Attention own={own} />
      <ul class="account-cards">
        <Card href="/account/name" title={n.own}>
          {me?.display_name ?? n.ownWhat}
        </Card>
        <Card href="/account/address" title={a.title}>
          {own.email}
        </Card>
        <Card href="/account/factors" title={t.factors}>
          {t.factorsHave(useList(own))}
        </Card>
        <Card href="/account/password" title={t.password}>
          {t.passwordSince} <Day value={own.password_changed_at} />
        </Card>
        <Card href="/account/sessions" title={t.sessions}>
          {t.sessionsWhat}
        </Card>
        <Card href="/account/sign-ins" title={t.signIns}>
          {t.signInsWhat}
        </Card>
        {me?.role === 'patient' ? (
          <Card href="/account/consents" title={t.consents}>
            {t.consentsWhat}
          </Card>
        ) : null}
      </ul>
    </>
  );
}

/** Few codes are left, one factor is the only one, a password is old: suggested, and nothing is in the way. */
function Attention({ own }: { own: ClinicOwnFactors }) {
  const t = useWords(account);
  const f = useWords(factors);
  const strong = own.passkeys + (own.totp_since ? 1 : 0);
  return (
    <div class="attention">
      {strong < 2 && own.recovery_codes === 0 ? (
        <Alert tone="warn" title={t.oneOnly}>
          <p>
            {t.oneOnlyHelp} <a href="/account/recovery-codes">{f.codesMake}</a>
          </p>
        </Alert>
      ) : own.recovery_codes_made_at && own.recovery_codes <= FEW ? (
        <Alert tone="warn" title={f.codesFew(own.recovery_codes)}>
          <p>
            <a href="/account/recovery-codes">{f.codesMake}</a>
          </p>
        </Alert>
      ) : null}
      {own.password_is_old ? (
        <Alert tone="info" title={t.passwordOld}>
          <p>
            {t.passwordOldHelp} <a href="/account/password">{t.passwordChange}</a>
          </p>
        </Alert>
      ) : null}
    </div>
  );
}

/** From how many recovery codes down somebody is warned (requirement A4). */
export const FEW = 3;

function useList(own: ClinicOwnFactors): string {
  const t = useWords(account);
  return [
    own.totp_since ? t.app : '',
    own.passkeys > 0 ? t.passkeys(own.passkeys) : '',
    own.recovery_codes > 0 ? t.codes(own.recovery_codes) : '',
  ]
    .filter(Boolean)
    .join(', ');
}

function Card({ href, title, children }: { href: string; title: string; children: ComponentChildren }) {
  return (
    <li class="card">
      <h2>
        <a href={href}>{title}</a>
      </h2>
      <p class="quiet">{children}</p>
    </li>
  );
}
