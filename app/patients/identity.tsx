/** What a secretary sees of a patient: who this is and how to reach them, nothing clinical. */
import { agreementWords } from '../chart/agreement-words.ts';
import { type AgreementRow, Agreements } from '../chart/agreements.tsx';
import { useWords } from '../i18n.ts';
import { invitations } from '../invitations/messages.ts';
import { groupMatricule, IdentityBadge, type PatientIdentity, Sex } from '../ui/banner.tsx';
import { DefinitionList } from '../ui/definitions.tsx';
import { Missing } from '../ui/empty.tsx';
import { Day } from '../ui/time.tsx';
import { patients } from './messages.ts';

/** A row of clinic.patients. */
export type PatientRecord = PatientIdentity & {
  id: string;
  birth_given_names: string | null;
  birth_place: string | null;
  phone: string | null;
  email: string | null;
  address: string | null;
};

/** Goes below `<Banner patient={patient} phone={patient.phone} />`. */
export function IdentityPage({ patient, agreements }: { patient: PatientRecord; agreements: readonly AgreementRow[] }) {
  const t = useWords(patients);
  const invited = useWords(invitations);
  const agreed = useWords(agreementWords);
  return (
    <>
      <header class="page-head">
        <h1>{t.identityTitle}</h1>
      </header>
      <div class="columns">
        <section class="card">
          <h2>{t.traits}</h2>
          <Traits patient={patient} />
        </section>
        <aside>
          <section class="card">
            <h2>{t.contact}</h2>
            <Contact patient={patient} />
          </section>
          <section class="card">
            <h2>{agreed.title}</h2>
            <Agreements rows={agreements} />
          </section>
          <p class="page-note">
            <a href={`/patients/${patient.id}/invitation`}>{invited.access}</a>
          </p>
        </aside>
      </div>
      <p class="quiet page-note">{t.clinicalHidden}</p>
    </>
  );
}

function Traits({ patient }: { patient: PatientRecord }) {
  const t = useWords(patients);
  return (
    <DefinitionList
      items={[
        { label: t.birthName, value: patient.birth_name.toUpperCase() },
        { label: t.usedName, value: patient.used_name ?? <Missing>{t.usedNameSame}</Missing> },
        { label: t.firstGivenName, value: patient.first_given_name },
        { label: t.birthGivenNames, value: patient.birth_given_names },
        { label: t.usedGivenName, value: patient.used_given_name ?? <Missing>{t.usedGivenNameSame}</Missing> },
        { label: t.birthDate, value: <Day value={patient.birth_date} /> },
        { label: t.sex, value: <Sex value={patient.sex} /> },
        { label: isInseeCode(patient.birth_place) ? t.birthPlaceCode : t.birthPlace, value: patient.birth_place },
        { label: t.matricule, value: <Matricule patient={patient} />, code: patient.identity_status === 'qualifiee' },
        { label: t.recordNumber, value: patient.id, code: true },
        { label: t.status, value: <IdentityBadge status={patient.identity_status} /> },
      ]}
    />
  );
}

/** A municipality or, abroad, a country (99…); 2A and 2B are Corsica's. Else the place is in words. */
function isInseeCode(place: string | null): boolean {
  return /^\d[\dAB]\d{3}$/.test(place ?? '');
}

/** No matricule leaves unless the identity is qualified (RNIV). */
function Matricule({ patient }: { patient: PatientRecord }) {
  const t = useWords(patients);
  if (patient.identity_status !== 'qualifiee') return <Missing>{t.matriculeHidden}</Missing>;
  return patient.ins_matricule ? <>{groupMatricule(patient.ins_matricule)}</> : <Missing />;
}

function Contact({ patient }: { patient: PatientRecord }) {
  const t = useWords(patients);
  return (
    <DefinitionList
      items={[
        {
          label: t.phone,
          value: patient.phone ? <a href={`tel:${patient.phone.replace(/[^+\d]/g, '')}`}>{patient.phone}</a> : null,
        },
        { label: t.email, value: patient.email },
        { label: t.address, value: patient.address },
      ]}
    />
  );
}
