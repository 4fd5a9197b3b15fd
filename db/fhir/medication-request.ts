import { z } from 'zod';
import { type Code, codeOf, filled } from './codeable.ts';
import { codeableConcept, decimal, moment, quantity, read, reference, required, resource } from './elements.ts';
import { left, type Mapped, NotFhir } from './refusal.ts';

export type Dosage = {
  text: string;
  asNeeded?: boolean;
  timing?: { frequency?: string; period?: string; periodUnit?: string };
};
export type MedicationRow = {
  status: string;
  intent: string;
  authored_at: string;
  medication: Code;
  dosage: Dosage | null;
};

/** Once a unit, and every few of them. */
const UNITS = {
  s: ['par seconde', 'toutes les', 'secondes'],
  min: ['par minute', 'toutes les', 'minutes'],
  h: ['par heure', 'toutes les', 'heures'],
  d: ['par jour', 'tous les', 'jours'],
  wk: ['par semaine', 'toutes les', 'semaines'],
  mo: ['par mois', 'tous les', 'mois'],
  a: ['par an', 'tous les', 'ans'],
} as const;

const dosageInstruction = z.object({
  text: z.string().optional(),
  patientInstruction: z.string().optional(),
  asNeededBoolean: z.boolean().optional(),
  asNeededCodeableConcept: codeableConcept.optional(),
  timing: z
    .object({
      repeat: z
        .object({
          frequency: decimal.optional(),
          period: decimal.optional(),
          periodUnit: z.enum(['s', 'min', 'h', 'd', 'wk', 'mo', 'a']).optional(),
        })
        .optional(),
      code: codeableConcept.optional(),
    })
    .optional(),
  doseAndRate: z.array(z.object({ doseQuantity: quantity.optional() })).optional(),
});

const schema = z.object({
  ...resource,
  status: z
    .enum(['active', 'on-hold', 'cancelled', 'completed', 'entered-in-error', 'stopped', 'draft', 'unknown'])
    .optional(),
  intent: z
    .enum(['proposal', 'plan', 'order', 'original-order', 'reflex-order', 'filler-order', 'instance-order', 'option'])
    .optional(),
  doNotPerform: z.boolean().optional(),
  medicationCodeableConcept: codeableConcept.optional(),
  medicationReference: reference.optional(),
  authoredOn: moment.optional(),
  dosageInstruction: z.array(dosageInstruction).optional(),
  contained: z
    .array(z.object({ id: z.string().optional(), resourceType: z.string(), code: z.unknown().optional() }))
    .optional(),
});

/** http://hl7.org/fhir/R4/medicationrequest.html. @param medicationOf finds a Medication in the bundle */
export function medicationRequest(
  value: unknown,
  at: string,
  medicationOf: (ref: string) => Code | undefined,
): Mapped<MedicationRow> {
  const it = read(schema, value, at);
  const status = required(it.status, value, 'status', at);
  const intent = required(it.intent, value, 'intent', at);
  if (status === undefined || intent === undefined) return left('no status');
  if (!it.medicationCodeableConcept && !it.medicationReference) throw new NotFhir(`${at}.medication[x]`, 'is required');
  if (status === 'entered-in-error') return left('entered in error');
  // "Don't give this": in a list of treatments it would read as its opposite.
  if (it.doNotPerform) return left('an order not to give (doNotPerform)');
  const medication = codeOf(it.medicationCodeableConcept) ?? referred(it, at, medicationOf);
  if (!medication) return left('its medication is not in the bundle');
  if (it.authoredOn === undefined) return left('no date');
  return {
    at: it.authoredOn,
    row: { status, intent, authored_at: it.authoredOn, medication, dosage: dosageOf(it.dosageInstruction ?? []) },
  };
}

function referred(
  it: z.infer<typeof schema>,
  at: string,
  medicationOf: (ref: string) => Code | undefined,
): Code | null {
  const ref = it.medicationReference?.reference ?? '';
  const inside = it.contained?.findIndex((c) => `#${c.id}` === ref && c.resourceType === 'Medication') ?? -1;
  const concept =
    inside >= 0
      ? codeOf(read(codeableConcept.optional(), it.contained?.[inside]?.code, `${at}.contained[${inside}].code`))
      : medicationOf(ref);
  return concept ?? codeOf({ text: it.medicationReference?.display });
}

function dosageOf(instructions: z.infer<typeof dosageInstruction>[]): Dosage | null {
  const first = instructions[0];
  if (!first) return null;
  const said = instructions.map((i) => i.text ?? i.patientInstruction ?? composed(i)).filter(filled);
  const asNeeded = first.asNeededBoolean === true || first.asNeededCodeableConcept !== undefined;
  const { frequency, period, periodUnit } = first.timing?.repeat ?? {};
  if (!said.length && !asNeeded) return null;
  return {
    text: said.join(' ; ') || 'si besoin',
    ...(asNeeded && { asNeeded }),
    ...(frequency !== undefined &&
      period !== undefined &&
      periodUnit !== undefined && { timing: { frequency, period, periodUnit } }),
  };
}

/** Words for a dosage that is only given as numbers: "1 cp, 2 fois par jour". */
function composed(i: z.infer<typeof dosageInstruction>): string {
  const dose = i.doseAndRate?.[0]?.doseQuantity;
  const { frequency, period, periodUnit } = i.timing?.repeat ?? {};
  const [once, all, units] = periodUnit ? UNITS[periodUnit] : [];
  const every = period === undefined || period === '1' ? once : `${all} ${period} ${units}`;
  const times = every ? `${frequency ?? '1'} fois ${every}` : codeOf(i.timing?.code)?.text;
  const amount = dose?.value !== undefined ? [dose.value, dose.unit ?? dose.code ?? 'dose(s)'].join(' ') : undefined;
  return [amount, times].filter(filled).join(', ');
}
