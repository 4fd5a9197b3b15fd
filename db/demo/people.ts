import type { PatientRow } from '../fhir/patient.ts';
import { FAMILY_NAMES, givenNames } from './names.ts';
import { BIRTH_CODES, STREETS, type Town } from './places.ts';
import type { Chance } from './random.ts';

export type Sex = 'female' | 'male';
export type IdentityStatus = 'provisoire' | 'recuperee' | 'validee' | 'qualifiee';
export type Person = Omit<PatientRow, 'identity_status' | 'sex'> & {
  sex: Sex;
  identity_status: IdentityStatus;
  age: number;
};

/** INS numbers for tests: the form of a NIR with a right key, under an OID that says that nobody has it. */
const INS_FOR_TESTS = '1.2.250.1.213.1.4.10';
const YEAR = 365.2425 * 86_400_000;

/** An invented patient. @param birthName so that a practice has no two of a name; range: youngest and oldest age, in years */
export function invent(
  chance: Chance,
  birthName: string,
  sex: Sex,
  range: readonly [number, number],
  towns: readonly Town[],
  today: Date,
): Person {
  const birth = new Date(today.getTime() - (range[0] + 0.05 + chance.next() * (range[1] - range[0] + 0.9)) * YEAR);
  const age = Math.floor((today.getTime() - birth.getTime()) / YEAR);
  const given = [
    ...new Set([
      chance.pick(givenNames(sex, birth.getFullYear())),
      ...(chance.maybe(0.5) ? [chance.pick(givenNames(sex, birth.getFullYear() - 25))] : []),
    ]),
  ];
  const usedName =
    sex === 'female' && age > 28 && chance.maybe(0.55)
      ? chance.pick(FAMILY_NAMES.filter((n) => n !== birthName))
      : null;
  const place = chance.pick(BIRTH_CODES);
  const town = chance.pick(towns);
  const status = chance.pick<IdentityStatus>([
    'qualifiee',
    'qualifiee',
    'qualifiee',
    'validee',
    'recuperee',
    'provisoire',
  ]);
  const known = status === 'qualifiee' || status === 'recuperee';
  return {
    birth_name: birthName,
    used_name: usedName,
    first_given_name: given[0] as string,
    birth_given_names: given.join(' '),
    used_given_name: null,
    sex,
    birth_date: birth.toISOString().slice(0, 10),
    birth_place: place,
    ins_matricule: known ? nir(chance, sex, birth, place) : null,
    ins_oid: known ? INS_FOR_TESTS : null,
    identity_status: status,
    phone: age < 14 ? null : fictionPhone(chance, '06 39 98'),
    email:
      age > 17 && chance.maybe(0.6)
        ? `${ascii(given[0] as string)}.${ascii(usedName ?? birthName)}@courriel.example`
        : null,
    address: `${chance.int(1, 148)} ${chance.pick(STREETS)}, ${town.postalCode} ${town.city}`,
    deceased_date: null,
    age,
  };
}

/** A number in a range that ARCEP keeps for fiction. */
export function fictionPhone(chance: Chance, range: string): string {
  return `${range} ${two(chance.int(0, 99))} ${two(chance.int(0, 99))}`;
}

function nir(chance: Chance, sex: Sex, birth: Date, place: string): string {
  const month = two(birth.getUTCMonth() + 1);
  const body = `${sex === 'male' ? 1 : 2}${two(birth.getUTCFullYear() % 100)}${month}${place}${String(chance.int(1, 990)).padStart(3, '0')}`;
  return body + two(Number(97n - (BigInt(body) % 97n)));
}

const two = (number: number): string => String(number).padStart(2, '0');
const ascii = (name: string): string =>
  name
    .normalize('NFD')
    .replace(/[^A-Za-z]/g, '')
    .toLowerCase();
