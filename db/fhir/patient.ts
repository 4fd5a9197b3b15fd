import { z } from 'zod';
import { filled } from './codeable.ts';
import { coding, date, day, identifier, read, resource, text } from './elements.ts';
import { left, type Mapped } from './refusal.ts';

export type PatientRow = {
  birth_name: string;
  used_name: string | null;
  first_given_name: string;
  birth_given_names: string | null;
  used_given_name: string | null;
  sex: 'male' | 'female' | 'other' | 'unknown';
  birth_date: string;
  birth_place: string | null;
  ins_matricule: string | null;
  ins_oid: string | null;
  identity_status: 'provisoire';
  phone: string | null;
  email: string | null;
  address: string | null;
  deceased_date: string | null;
};

/** French identity (INS) in FR Core: NIR, NIA, and the numbers for tests and demonstrations. */
const INS = ['1.2.250.1.213.1.4.8', '1.2.250.1.213.1.4.9', '1.2.250.1.213.1.4.10', '1.2.250.1.213.1.4.11'];
const BIRTH_PLACE = 'http://hl7.org/fhir/StructureDefinition/patient-birthPlace';
const INSEE_CODE = /fr-core-address-insee-code$/;
const BIRTH_GIVEN_NAMES = /fr-core-patient-birth-list-given-name$/;

const name = z.object({
  use: z.enum(['usual', 'official', 'temp', 'nickname', 'anonymous', 'old', 'maiden']).optional(),
  text: z.string().optional(),
  family: z.string().optional(),
  given: z.array(z.string().nullable()).optional(),
  extension: z.array(z.object({ url: z.string(), valueString: z.string().optional() })).optional(),
});
const address = z.object({
  use: z.enum(['home', 'work', 'temp', 'old', 'billing']).optional(),
  text: z.string().optional(),
  line: z.array(z.string().nullable()).optional(),
  city: z.string().optional(),
  state: z.string().optional(),
  postalCode: z.string().optional(),
  country: z.string().optional(),
  extension: z.array(z.object({ url: z.string(), valueCoding: coding.optional() })).optional(),
});
const schema = z.object({
  ...resource,
  identifier: z.array(identifier).optional(),
  name: z.array(name).optional(),
  telecom: z
    .array(
      z.object({
        system: z.enum(['phone', 'fax', 'email', 'pager', 'url', 'sms', 'other']).optional(),
        value: z.string().optional(),
        use: z.string().optional(),
        rank: z.unknown().optional(),
      }),
    )
    .optional(),
  gender: z.enum(['male', 'female', 'other', 'unknown']).optional(),
  birthDate: date.optional(),
  deceasedBoolean: z.boolean().optional(),
  deceasedDateTime: day.optional(),
  address: z.array(address).optional(),
  extension: z.array(z.object({ url: text, valueAddress: z.unknown().optional() })).optional(),
});
type Patient = z.infer<typeof schema>;

/** http://hl7.org/fhir/R4/patient.html, with the French names and INS of FR Core. */
export function patient(value: unknown, at: string): Mapped<PatientRow> {
  const it = read(schema, value, at);
  const names = namesOf(it.name ?? []);
  if (!names) return left('no family and given name');
  if (it.birthDate === undefined) return left('no birth date');
  return {
    at: null,
    row: {
      ...names,
      sex: it.gender ?? 'unknown',
      birth_date: it.birthDate,
      birth_place: birthPlaceOf(it, at),
      ...insOf(it),
      // Whatever the source says: we haven't seen this person's papers, nor asked INSi (RNIV).
      identity_status: 'provisoire',
      phone: telecomOf(it, ['phone', 'sms']),
      email: telecomOf(it, ['email']),
      address: addressOf((it.address ?? []).find((a) => a.use !== 'old' && a.use !== 'billing') ?? it.address?.[0]),
      deceased_date: it.deceasedDateTime ?? null,
    },
  };
}

type Name = z.infer<typeof name>;
type Names = Pick<
  PatientRow,
  'birth_name' | 'used_name' | 'first_given_name' | 'birth_given_names' | 'used_given_name'
>;

/** The official name first; a maiden name is the birth name, and then the official one is the used one. */
function namesOf(names: readonly Name[]): Names | null {
  const whole = names.filter((n) => filled(n.family) && n.given?.some(filled));
  const of = (use: Name['use']) => whole.find((n) => n.use === use);
  const main =
    of('official') ?? whole.find((n) => n.use === undefined) ?? of('usual') ?? of('temp') ?? of('maiden') ?? whole[0];
  if (!main) return null;
  const maiden = names.find((n) => n.use === 'maiden' && filled(n.family))?.family;
  const usual = of('usual');
  const given = (main.given ?? []).filter(filled).map((g) => g.trim());
  const birthName = (maiden ?? main.family ?? '').trim();
  const usedName = (maiden !== undefined ? main.family : usual?.family)?.trim();
  const usedGiven = usual?.given?.find(filled)?.trim();
  const listed = main.extension?.find((e) => BIRTH_GIVEN_NAMES.test(e.url))?.valueString;
  return {
    birth_name: birthName,
    used_name: usedName && usedName !== birthName ? usedName : null,
    first_given_name: given[0] as string,
    birth_given_names: filled(listed) ? listed.trim() : given.join(' '),
    used_given_name: usedGiven && usedGiven !== given[0] ? usedGiven : null,
  };
}

function insOf(it: Patient): Pick<PatientRow, 'ins_matricule' | 'ins_oid'> {
  for (const { system, value, use } of it.identifier ?? []) {
    const oid = system?.replace(/^urn:oid:/, '');
    if (use !== 'old' && oid !== undefined && INS.includes(oid) && filled(value))
      return { ins_matricule: value.replaceAll(/\s/g, ''), ins_oid: oid };
  }
  return { ins_matricule: null, ins_oid: null };
}

/** The INSEE code of the place where it is given, else the place in words. */
function birthPlaceOf(it: Patient, at: string): string | null {
  const index = it.extension?.findIndex((e) => e.url === BIRTH_PLACE && e.valueAddress !== undefined) ?? -1;
  if (index < 0) return null;
  const place = read(address, it.extension?.[index]?.valueAddress, `${at}.extension[${index}].valueAddress`);
  const insee = place.extension?.find((e) => INSEE_CODE.test(e.url))?.valueCoding?.code;
  return filled(insee) ? insee : addressOf(place);
}

function telecomOf(it: Patient, systems: readonly string[]): string | null {
  const found = (it.telecom ?? []).filter(
    (t) => t.system !== undefined && systems.includes(t.system) && t.use !== 'old' && filled(t.value),
  );
  return (found.find((t) => t.use === 'mobile') ?? found[0])?.value?.trim() ?? null;
}

function addressOf(a: z.infer<typeof address> | undefined): string | null {
  if (!a) return null;
  const parts = [...(a.line ?? []), [a.postalCode, a.city].filter(filled).join(' '), a.state, a.country];
  return parts.filter(filled).join(', ') || (filled(a.text) ? a.text : null);
}
