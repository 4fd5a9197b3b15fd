import { z } from 'zod';

/** The closed vocabulary of audit.events (0070_audit): a new event needs a word here, or it is shown by its code. */
export const eventTypes = [
  'patient.read',
  'patients.list',
  'patients.search',
  'row.insert',
  'row.update',
  'row.delete',
  'page.refused',
  'session.password',
  'session.factor',
  'session.end',
  'session.reuse',
  'session.step_up',
  'session.revoke',
  'session.unusual',
  'session.limited',
  'request.forged',
  'request.host',
  'request.malformed',
  'request.method',
  'request.polluted',
  'request.too_large',
  'network.deny',
  'network.allow',
  'network.lift',
  'network.refused',
  'traffic.unusual',
  'factor.add',
  'factor.remove',
  'factor.counter',
  'password.change',
  'code.send',
  'message.send',
  'account.invite',
  'account.accept',
  'account.register',
  'account.confirm',
  'account.change',
  'recovery.request',
  'recovery.confirm',
  'recovery.cancel',
  'recovery.complete',
  'consent.give',
  'consent.withdraw',
  'request.answer',
  'openings.limited',
  'accounts.read',
  'log.read',
  'log.verify',
  'log.export',
  'log.prune',
  'log.restart',
  'service.clear',
  'glass.break',
  'glass.end',
  'referral.make',
  'referral.end',
  'keys.add',
  'keys.rotate',
  'keys.retire',
  'patient.erase',
  'erasure.replay',
  'existing.encrypt',
] as const;
export const outcomes = ['success', 'failure', 'partial'] as const;
export const actorRoles = [
  'clinician',
  'secretary',
  'patient',
  'org_admin',
  'auditor',
  'dpo',
  'researcher',
  'import',
  'owner',
] as const;
export const pageSize = 50;

export const searchFields = ['event', 'outcome', 'role', 'from', 'to', 'patient', 'actor'] as const;
export type SearchField = (typeof searchFields)[number];
/** What was typed, as it came. */
export type SearchValues = Record<SearchField, string>;
export type SearchProblem = 'not_a_uuid' | 'not_a_date' | 'ends_before_start' | 'unknown_choice';
export type SearchErrors = Partial<Record<SearchField, SearchProblem>>;

/** Where the next page starts: the last event shown. */
export type Cursor = { at: string; id: string };
/** Null means: not asked for. Dates are days in France, `to` included. */
export type Search = Record<SearchField, string | null> & { after: Cursor | null };

export const emptySearch: SearchValues = { event: '', outcome: '', role: '', from: '', to: '', patient: '', actor: '' };

const optional = (type: z.ZodType<string, string>) => z.union([z.literal('').transform(() => null), type]);

const search = z
  .object({
    event: optional(z.enum(eventTypes)),
    outcome: optional(z.enum(outcomes)),
    role: optional(z.enum(actorRoles)),
    from: optional(z.iso.date()),
    to: optional(z.iso.date()),
    patient: optional(z.guid()),
    actor: optional(z.guid()),
  })
  .refine(({ from, to }) => !from || !to || from <= to, { path: ['to'], error: 'ends_before_start' });

const problemOf: Record<SearchField, SearchProblem> = {
  event: 'unknown_choice',
  outcome: 'unknown_choice',
  role: 'unknown_choice',
  from: 'not_a_date',
  to: 'not_a_date',
  patient: 'not_a_uuid',
  actor: 'not_a_uuid',
};

// The time goes back to SQL in the text that came from there, so that no microsecond is lost on the way.
const cursor = z.object({ after_at: z.iso.datetime({ precision: 6 }), after_id: z.guid() });

/** In: the fields of a posted search. Out: what was typed, and either the search or a problem per field. */
export function readSearch(
  fields: Readonly<Record<string, unknown>>,
): { values: SearchValues; search: Search } | { values: SearchValues; errors: SearchErrors } {
  const values = { ...emptySearch };
  for (const name of searchFields) {
    const field = fields[name];
    if (typeof field === 'string') values[name] = field.trim();
  }
  const parsed = search.safeParse(values);
  if (!parsed.success) return { values, errors: problems(parsed.error) };
  const place = cursor.safeParse(fields);
  const after = place.success ? { at: place.data.after_at, id: place.data.after_id } : null;
  return { values, search: { ...parsed.data, after } };
}

function problems(error: z.ZodError): SearchErrors {
  const found: SearchErrors = {};
  for (const issue of error.issues) {
    const field = issue.path[0] as SearchField;
    found[field] ??= issue.message === 'ends_before_start' ? 'ends_before_start' : problemOf[field];
  }
  return found;
}
