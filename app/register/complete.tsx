/** Behind the link: who one is, a password and agreements. */
import { ConsentFields } from '../consents/fields.tsx';
import type { ConsentText } from '../consents/queries.ts';
import { useWords } from '../i18n.ts';
import { NewPasswordFields } from '../passwords/fields.tsx';
import { passwords } from '../passwords/messages.ts';
import { Alert } from '../ui/alert.tsx';
import { Field, Select } from '../ui/field.tsx';
import { Actions, ErrorSummary, type Errors } from '../ui/form.tsx';
import { type Identity, sexes } from './identity.ts';
import { register } from './messages.ts';

export type CompleteProps = {
  token: string;
  organisation: string;
  identity: Identity;
  texts: readonly ConsentText[];
  choices: Record<string, string>;
  errors?: Errors;
  refusal?: string;
};

export function CompletePage({ token, organisation, identity, texts, choices, errors = {}, refusal }: CompleteProps) {
  const t = useWords(register);
  const chosen = useWords(passwords);
  return (
    <>
      <header class="page-head">
        <h1>{t.stepTitle}</h1>
        <p class="quiet">{t.step(organisation)}</p>
      </header>
      <form class="card form" method="post" action={`/register/${token}`} novalidate>
        {refusal ? <Alert tone="danger" title={refusal} id="setback" /> : null}
        <ErrorSummary errors={errors} />
        <IdentityFields identity={identity} errors={errors} />
        <NewPasswordFields errors={errors} label={chosen.choose} />
        <ConsentFields {...{ texts, choices, errors }} />
        <p class="field-hint">{t.nextHelp}</p>
        <Actions submit={t.next} />
      </form>
    </>
  );
}

function IdentityFields({ identity, errors }: { identity: Identity; errors: Errors }) {
  const t = useWords(register);
  const field = (name: keyof Identity) => ({ name, value: identity[name], error: errors[name] });
  return (
    <fieldset class="identity-fields">
      <legend>{t.identity}</legend>
      <p class="field-hint">{t.identityHint}</p>
      <Field {...field('birth_name')} label={t.birthName} maxLength={100} spellcheck={false} required />
      <Field
        {...field('used_name')}
        label={t.usedName}
        hint={t.usedNameHint}
        autocomplete="family-name"
        maxLength={100}
        spellcheck={false}
        optional
      />
      <Field
        {...field('first_given_name')}
        label={t.firstName}
        autocomplete="given-name"
        maxLength={100}
        spellcheck={false}
        required
      />
      <Select
        {...field('sex')}
        label={t.sex}
        choices={[{ value: '', label: t.choose }, ...sexes.map((sex) => ({ value: sex, label: t[`sex_${sex}`] }))]}
        required
      />
      <Field {...field('birth_date')} type="date" label={t.birthDate} autocomplete="bday" width="medium" required />
      <Field
        {...field('phone')}
        type="tel"
        label={t.phone}
        hint={t.phoneHint}
        autocomplete="tel"
        inputMode="tel"
        maxLength={40}
        optional
      />
    </fieldset>
  );
}
