import { z } from 'zod';
import { type Code, codeOf, filled, wordsOf } from './codeable.ts';
import { codeableConcept, coding, period, read, reference, required, resource } from './elements.ts';
import { left, type Mapped, NotFhir } from './refusal.ts';

export type EncounterRow = {
  started_at: string;
  ended_at: string | null;
  status: string;
  class: string | null;
  type: Code | null;
  reason: string | null;
  participant: string | null;
};

const schema = z.object({
  ...resource,
  status: z
    .enum([
      'planned',
      'arrived',
      'triaged',
      'in-progress',
      'onleave',
      'finished',
      'cancelled',
      'entered-in-error',
      'unknown',
    ])
    .optional(),
  class: coding.optional(),
  type: z.array(codeableConcept).optional(),
  period: period.optional(),
  reasonCode: z.array(codeableConcept).optional(),
  participant: z.array(z.object({ individual: reference.optional() })).optional(),
});

/** http://hl7.org/fhir/R4/encounter.html. @param nameOf finds the name of a practitioner in the bundle */
export function encounter(
  value: unknown,
  at: string,
  nameOf: (ref: string) => string | undefined,
): Mapped<EncounterRow> {
  const it = read(schema, value, at);
  const status = required(it.status, value, 'status', at);
  const kind = required(it.class, value, 'class', at);
  if (status === undefined) return left('no status');
  if (status === 'entered-in-error') return left('entered in error');
  if (it.period?.start === undefined) return left('no date');
  const { start, end } = it.period;
  if (end !== undefined && Date.parse(end) < Date.parse(start))
    throw new NotFhir(`${at}.period`, 'ends before it starts');
  const people = (it.participant ?? []).map((p) => p.individual?.display ?? nameOf(p.individual?.reference ?? ''));
  return {
    at: start,
    row: {
      started_at: start,
      ended_at: end ?? null,
      status,
      class: kind?.code ?? null,
      type: codeOf(it.type?.[0]),
      reason: wordsOf(it.reasonCode),
      participant: people.filter(filled).join(', ') || null,
    },
  };
}
