import { z } from 'zod';
import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { Field } from '../ui/field.tsx';
import { ErrorSummary } from '../ui/form.tsx';
import { Day } from '../ui/time.tsx';
import type { NameErrors, NameValues } from './form.ts';
import { names } from './messages.ts';

export type NamePageProps = {
  values: NameValues;
  /** JSON, as the database gives it. */
  former: string;
  /** Whose it is: the reader's own, as staff or as a patient, or that of this account, which an administrator looks at. */
  whose: 'own' | 'patient' | { account: string };
  saved?: boolean;
  errors?: NameErrors;
  limited?: boolean;
};

export function NamePage({ values, former, whose, saved, errors = {}, limited }: NamePageProps) {
  const t = useWords(names);
  const member = typeof whose === 'object' ? whose.account : undefined;
  const said = Object.fromEntries(Object.entries(errors).map(([name, problem]) => [name, t[problem]]));
  const path = member ? `/admin/accounts/${member}/name` : '/account/name';
  return (
    <>
      <header class="page-head">
        <h1>{member ? t.member : t.own}</h1>
        <p class="quiet">{member ? t.memberIntro : whose === 'patient' ? t.ownIntroPatient : t.ownIntro}</p>
      </header>
      <div class="attention">
        {saved ? <Alert tone="ok" title={t.saved} /> : null}
        {limited ? <Alert tone="warn" title={t.limited} /> : null}
      </div>
      <form class="card form" method="post" action={path} novalidate>
        <ErrorSummary errors={said} />
        <input type="hidden" name="key" value={values.key} />
        {member ? (
          <Field
            name="quality"
            label={t.quality}
            hint={t.qualityHint}
            value={values.quality}
            error={said.quality}
            maxLength={40}
            width="medium"
            optional
          />
        ) : null}
        <Part name="given_name" label={t.givenName} own={!member} value={values.given_name} error={said.given_name} />
        <Part
          name="family_name"
          label={t.familyName}
          own={!member}
          value={values.family_name}
          error={said.family_name}
        />
        {!member && values.quality ? <p class="quiet">{t.titleIs(values.quality)}</p> : null}
        <div class="form-actions">
          <button class="button" data-primary="" type="submit">
            {t.save}
          </button>
          <a href={member ? `/admin/accounts/${member}` : '/account'}>{member ? t.backToMember : t.back}</a>
        </div>
      </form>
      <Former former={former} byOwn={member ? t.byOwn : t.byYou} />
    </>
  );
}

type PartProps = { name: 'given_name' | 'family_name'; label: string; own: boolean; value: string; error?: string };

function Part({ own, name, ...props }: PartProps) {
  const autocomplete = !own ? 'off' : name === 'given_name' ? 'given-name' : 'family-name';
  return <Field {...{ name, autocomplete, ...props }} maxLength={100} spellcheck={false} required />;
}

const FormerNames = z.array(z.object({ name: z.string(), until: z.coerce.date(), own: z.boolean() }));

function Former({ former, byOwn }: { former: string; byOwn: string }) {
  const t = useWords(names);
  const rows = FormerNames.parse(JSON.parse(former));
  if (rows.length === 0) return null;
  return (
    <section class="card">
      <h2>{t.former}</h2>
      <ul>
        {rows.map(({ name, until, own }) => (
          <li key={until.toISOString()}>
            <b>{name}</b>, {t.until} <Day value={until} />{' '}
            <span class="quiet">({own ? byOwn : t.byAdministrator})</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
