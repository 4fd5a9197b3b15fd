/** Where the link of an invitation leads. It names the practice, and nobody: a link is one factor. */
import type { ComponentChildren } from 'preact';
import { useWords } from '../i18n.ts';
import { frame } from '../messages.ts';
import { NewPasswordFields } from '../passwords/fields.tsx';
import { passwords } from '../passwords/messages.ts';
import { labelOf } from '../ui/codeable.tsx';
import { ErrorSummary, type Errors } from '../ui/form.tsx';
import { invitations } from './messages.ts';

export type AcceptProps = {
  token: string;
  organisation: string;
  role: string;
  errors?: Errors;
  /** What a patient is asked besides. */
  children?: ComponentChildren;
};

export function AcceptPage({ token, organisation, role, errors = {}, children }: AcceptProps) {
  const t = useWords(invitations);
  const roles = useWords(frame);
  const chosen = useWords(passwords);
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
        <p class="quiet">{t.step}</p>
      </header>
      <form class="card form" method="post" action={`/invitations/${token}`} novalidate>
        <ErrorSummary errors={errors} />
        <p>
          <b>{t.from(organisation)}</b> {role === 'patient' ? t.toYourRecord : t.as(labelOf(roles, 'role', role))}
        </p>
        <p>{t.address}</p>
        <NewPasswordFields errors={errors} label={chosen.choose} />
        {children}
        <p class="field-hint">{t.nextHelp}</p>
        <div class="form-actions">
          <button class="button" data-primary="" type="submit">
            {t.next}
          </button>
        </div>
      </form>
      <p class="page-note quiet">{t.once}</p>
    </>
  );
}
