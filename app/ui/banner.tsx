/**
 * The right patient, always: identity on the first line, allergies on the second. It sticks to the top of
 * the window and never truncates. Unknown isn't none, so the allergies have four states, each in words.
 */
import type { ComponentChildren } from 'preact';
import { useWords } from '../i18n.ts';
import { type Allergies, AllergyLine } from './allergies.tsx';
import { Badge } from './badge.tsx';
import { Missing } from './empty.tsx';
import type { Shape } from './icon.tsx';
import { ui } from './messages.ts';
import { AgeText, Day } from './time.tsx';

export type { Allergies, Allergy } from './allergies.tsx';

/** The columns of clinic.patients that say who this is. */
export type PatientIdentity = {
  birth_name: string;
  used_name: string | null;
  first_given_name: string;
  used_given_name: string | null;
  sex: string;
  birth_date: string;
  deceased_date?: string | null;
  ins_matricule?: string | null;
  identity_status: string;
};

/** `allergies` for roles with clinical access; `phone` instead for roles that only manage identity. */
export function Banner({
  patient,
  allergies,
  phone,
}: {
  patient: PatientIdentity;
  allergies?: Allergies;
  phone?: string | null;
}) {
  const t = useWords(ui);
  return (
    <section class="banner" aria-label={t.banner} data-deceased={patient.deceased_date ? '' : undefined}>
      <dl class="banner-identity">
        <Trait label={t.birthName} kind="name">
          <b class="birth-name">{patient.birth_name.toUpperCase()}</b>
        </Trait>
        {/* A used name is recorded only where it differs from the birth name. */}
        {patient.used_name ? <Trait label={t.usedName}>{patient.used_name}</Trait> : null}
        <Trait label={t.firstGivenName} kind="name">
          <b>{patient.first_given_name}</b>
        </Trait>
        {patient.used_given_name ? <Trait label={t.usedGivenName}>{patient.used_given_name}</Trait> : null}
        <Trait label={t.birthDate} kind="evident">
          <Day value={patient.birth_date} /> (
          <AgeText birthDate={patient.birth_date} deceasedDate={patient.deceased_date} />)
        </Trait>
        <Trait label={t.sex} kind="evident">
          <Sex value={patient.sex} />
        </Trait>
        {patient.identity_status === 'qualifiee' && patient.ins_matricule ? (
          <Trait label={t.matricule}>
            <span class="code">{groupMatricule(patient.ins_matricule)}</span>
          </Trait>
        ) : null}
        {patient.deceased_date ? (
          <Trait label={t.deceased} kind="evident">
            <b>
              {t.deceasedOn} <Day value={patient.deceased_date} />
            </b>
          </Trait>
        ) : null}
        <div class="banner-badge">
          <dt class="visually-hidden">{t.identity}</dt>
          <dd>
            <IdentityBadge status={patient.identity_status} />
          </dd>
        </div>
      </dl>
      {allergies ? <AllergyLine allergies={allergies} /> : <Phone phone={phone} />}
    </section>
  );
}

/** `evident`: on a phone the value stands without its label, which stays for screen readers. */
function Trait({ label, kind, children }: { label: string; kind?: 'name' | 'evident'; children: ComponentChildren }) {
  return (
    <div data-kind={kind}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Phone({ phone }: { phone?: string | null }) {
  const t = useWords(ui);
  return (
    <p class="banner-line">
      <span class="banner-label">{t.telephone}</span>{' '}
      {phone ? <a href={`tel:${phone.replace(/[^+\d]/g, '')}`}>{phone}</a> : <Missing />}
    </p>
  );
}

export function Sex({ value }: { value: string }) {
  const t = useWords(ui);
  const words: Record<string, string> = { male: t.sex_male, female: t.sex_female, other: t.sex_other };
  return <>{words[value] ?? t.sex_unknown}</>;
}

/** RNIV's four states: the left half is the INSi check, the right half the identity document. `short` below a heading. */
export function IdentityBadge({ status, short }: { status: string; short?: boolean }) {
  const t = useWords(ui);
  const states: Record<string, [Shape, string, string]> = {
    recuperee: ['half-left', t.identity_recuperee, t.recuperee],
    validee: ['half-right', t.identity_validee, t.validee],
    qualifiee: ['full', t.identity_qualifiee, t.qualifiee],
  };
  const [shape, words, word] = states[status] ?? ['empty', t.identity_provisoire, t.provisoire];
  return <Badge shape={shape}>{short ? word : words}</Badge>;
}

/** 258037511600123 → 2 58 03 75 116 001 23, as it stands on the carte Vitale. */
export function groupMatricule(matricule: string): string {
  return matricule.replace(/^(.)(..)(..)(..)(...)(...)(..)$/, '$1\u00a0$2\u00a0$3\u00a0$4\u00a0$5\u00a0$6\u00a0$7');
}

/** DURAND (MARTIN) Jeanne: how lists and titles name a patient. */
export function PatientName({
  patient,
}: {
  patient: Pick<PatientIdentity, 'birth_name' | 'used_name' | 'first_given_name' | 'used_given_name'>;
}) {
  return (
    <span class="patient-name">
      <b class="birth-name">{patient.birth_name.toUpperCase()}</b>
      {patient.used_name ? <> ({patient.used_name.toUpperCase()})</> : null} {patient.first_given_name}
      {patient.used_given_name && patient.used_given_name !== patient.first_given_name ? (
        <> ({patient.used_given_name})</>
      ) : null}
    </span>
  );
}
