// The pages that are measured, as a browser with script asks for them, for any user and patient.
import { randomUUID } from 'node:crypto';
import { Chance } from '../demo/random.ts';
import type { Batch } from './capture.ts';
import type { Clinician, Practice } from './fill.ts';
import { inventNote } from './invent.ts';

export type PageName = 'chart' | 'list' | 'search' | 'note';
export const pageNames: readonly PageName[] = ['chart', 'list', 'search', 'note'];
export type Visit = {
  token: string;
  role?: string;
  method: 'GET' | 'POST';
  path: string;
  form?: Record<string, string>;
};

/** Visits without end, over all clinicians and their patients in an order that repeats. */
export function visitor(page: PageName, { clinicians }: Practice, seed = ''): () => Visit {
  const chance = new Chance(`visits/${page}/${seed}`);
  return (): Visit => {
    const clinician: Clinician = chance.pick(clinicians);
    const patient = chance.pick(clinician.patients);
    const { token, role = 'clinician' } = clinician;
    if (page === 'chart') return { token, role, method: 'GET', path: `/patients/${patient.id}` };
    if (page === 'list') return { token, role, method: 'GET', path: '/patients' };
    if (page === 'search')
      return { token, role, method: 'POST', path: '/patients/search', form: { q: beginningOf(patient.name) } };
    return {
      token,
      role,
      method: 'POST',
      path: `/patients/${patient.id}/notes`,
      form: { ...inventNote(chance), key: randomUUID(), author: clinician.account },
    };
  };
}

/** What somebody types who looks for « Le Goff »: four letters of the longest word. */
function beginningOf(name: string): string {
  const words = name.split(/[^\p{L}]+/u).sort((a, b) => b.length - a.length);
  return (words[0] ?? '').slice(0, 4).toLowerCase();
}

/** The request's headers besides Host and Content-Length. */
export function headersOf({ token, role, form }: Visit, origin: string): Record<string, string> {
  const common = {
    Cookie: `__Host-vs=${token}.${role}`,
    'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) vitalsync-bench',
    'Accept-Language': 'fr',
    'Sec-Fetch-Site': 'same-origin',
  };
  if (!form) return { ...common, 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
  return {
    ...common,
    Origin: origin,
    'HX-Request': 'true',
    'Sec-Fetch-Mode': 'cors',
    'Content-Type': 'application/x-www-form-urlencoded',
  };
}

/** The same batch once more: ids that may be used once (selection, idempotency key) are new. */
export function again(batch: Batch): Batch {
  if ('write' in batch) return replaced(batch, batch.write.key);
  return batch.read.focus === undefined ? replaced(batch, batch.read.open.parameters[0]) : batch;
}

function replaced(batch: Batch, old: unknown): Batch {
  const fresh = randomUUID();
  return replaceIn(batch) as Batch;

  function replaceIn(value: unknown): unknown {
    if (value === old) return fresh;
    if (Array.isArray(value)) return value.map(replaceIn);
    if (typeof value !== 'object' || value === null || value instanceof Date) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, part]) => [name, name === 'query' ? part : replaceIn(part)]),
    );
  }
}
