import { allergiesOf } from './allergies.ts';
import { ageAt, buildOf, observationsOf, vitalsOf } from './measures.ts';
import type { Person } from './people.ts';
import type { NoteText, Problem } from './problems/problem.ts';
import type { Chance } from './random.ts';
import type { Scenario } from './scenarios.ts';

export type Author = { account: string; name: string };
/** Rows for clinic.import_rows, by type. */
export type Chart = Record<
  'encounters' | 'conditions' | 'observations' | 'medication_requests' | 'allergy_intolerances' | 'notes',
  object[]
>;

const DAY = 86_400_000;
const MONTH = 30.44 * DAY;
const CIM10 = 'http://hl7.org/fhir/sid/icd-10';
const ATC = 'http://www.whocc.no/atc';
const ENCOUNTER: Readonly<Record<NonNullable<NoteText['category']>, string>> = {
  consultation: 'Consultation de médecine générale',
  teleconsultation: 'Téléconsultation',
  follow_up: 'Consultation de suivi',
  emergency: 'Consultation non programmée',
  procedure: 'Acte technique',
  administrative: 'Consultation pour certificat',
};

type Planned = { at: Date; problem: Problem; turn: number };

/** The record of one invented patient: some years of visits, and what each of them left. */
export function chartOf(
  source: string,
  person: Person,
  scenario: Scenario,
  author: Author,
  chance: Chance,
  today: Date,
): Chart {
  const chart: Chart = {
    encounters: [],
    conditions: [],
    observations: [],
    medication_requests: [],
    allergy_intolerances: [],
    notes: [],
  };
  const build = buildOf(chance, person, scenario.lasting);
  const plan = planOf(person, scenario, chance, today, (problem, onset) =>
    chart.conditions.push(conditionOf(source, problem, onset, null)),
  );
  const treatments = new Map(scenario.lasting.map((problem) => [problem, chance.pick(problem.treatments)]));
  for (const [number, { at, problem, turn }] of plan.entries()) {
    const visit = `${source}/${number}`;
    const age = ageAt(person, at);
    const vitals = vitalsOf(chance, build, age, problem, turn);
    const labs = problem.labs?.(chance, turn) ?? [];
    const note = problem.note({ person, vitals, labs, chance, turn, lasting: scenario.lasting });
    const last = !plan.slice(number + 1).some((later) => later.problem === problem);
    chart.encounters.push(encounterOf(visit, at, problem, note, author, chance));
    chart.notes.push(noteOf(visit, at, note, author, number === plan.length - 1 && chance.maybe(0.08)));
    if (note.category !== 'teleconsultation')
      chart.observations.push(...observationsOf(visit, at, vitals, labs, build, age));
    if (problem.acute) {
      const end = new Date(at.getTime() + problem.acute.days * DAY);
      if (problem.acute.days > 0) chart.conditions.push(conditionOf(visit, problem, at, end < today ? end : null));
      chart.medication_requests.push(...medicationsOf(visit, at, problem.treatments[0] ?? [], end > today));
    } else if (last || turn === 0) {
      // The first prescription and the one in force; the renewals between them are in the notes.
      chart.medication_requests.push(...medicationsOf(visit, at, treatments.get(problem) ?? [], last));
    }
  }
  const prescribed = [...chart.medication_requests, ...chart.notes].map((row) => JSON.stringify(row)).join();
  chart.allergy_intolerances.push(...allergiesOf(chance, source, plan[0]?.at ?? today, prescribed));
  return chart;
}

/** Visits for what lasts at their intervals, within three years; for what passes, once each. Oldest first. */
function planOf(
  person: Person,
  scenario: Scenario,
  chance: Chance,
  today: Date,
  began: (problem: Problem, onset: Date) => void,
): Planned[] {
  const visits: Planned[] = [];
  const oldest = Math.max(today.getTime() - 36 * MONTH, Date.parse(person.birth_date) + MONTH);
  for (const problem of scenario.lasting) {
    const [from, to] = problem.years ?? [3, 12];
    const onset = Math.max(
      today.getTime() - (from + chance.next() * (to - from)) * 12 * MONTH,
      Date.parse(person.birth_date) + 2 * 12 * MONTH,
    );
    began(problem, new Date(onset));
    let turn = 0;
    for (
      let at = Math.max(onset, oldest + chance.next() * problem.every * MONTH);
      at < today.getTime() - DAY;
      at += problem.every * MONTH * (0.9 + chance.next() * 0.2)
    )
      visits.push({ at: office(at, chance), problem, turn: turn++ });
  }
  for (const problem of scenario.passing)
    visits.push({ at: office(oldest + chance.next() * (today.getTime() - DAY - oldest), chance), problem, turn: 0 });
  return visits.sort((a, b) => a.at.getTime() - b.at.getTime());
}

/** A moment of that week at which the practice is open. */
function office(time: number, chance: Chance): Date {
  const at = new Date(time);
  const weekday = at.getUTCDay();
  if (weekday === 0) at.setTime(at.getTime() - 2 * DAY);
  if (weekday === 6) at.setTime(at.getTime() - DAY);
  at.setUTCHours(chance.int(7, 16), chance.pick([0, 15, 20, 30, 40, 45]), 0, 0);
  return at;
}

function conditionOf(source: string, problem: Problem, onset: Date, end: Date | null): object {
  return {
    source: `${source}/condition/${problem.cim10}`,
    clinical_status: end ? 'resolved' : 'active',
    verification_status: 'confirmed',
    onset_at: onset.toISOString(),
    abatement_at: end?.toISOString() ?? null,
    recorded_at: onset.toISOString(),
    code: { text: problem.label, code: problem.cim10, system: CIM10 },
  };
}

function encounterOf(
  source: string,
  at: Date,
  problem: Problem,
  note: NoteText,
  author: Author,
  chance: Chance,
): object {
  return {
    source: `${source}/encounter`,
    started_at: at.toISOString(),
    ended_at: new Date(at.getTime() + chance.int(12, 28) * 60_000).toISOString(),
    status: 'finished',
    class: note.category === 'teleconsultation' ? 'VR' : 'AMB',
    type: { text: ENCOUNTER[note.category ?? 'consultation'], code: null, system: null },
    reason: problem.label,
    participant: author.name,
  };
}

function noteOf(source: string, at: Date, note: NoteText, author: Author, draft: boolean): object {
  const { category = 'consultation', priority = 'routine', ...text } = note;
  const objective = text.objective.replace(/(^|\. )poids/g, '$1Poids');
  const written = new Date(at.getTime() + 20 * 60_000).toISOString();
  return {
    source: `${source}/note`,
    author_id: author.account,
    created_at: written,
    updated_at: written,
    category,
    priority,
    status: draft ? 'draft' : 'final',
    ...text,
    objective,
  };
}

function medicationsOf(
  source: string,
  at: Date,
  treatments: Problem['treatments'][number],
  current: boolean,
): object[] {
  return treatments.map(({ dci, atc, posology, asNeeded }, i) => ({
    source: `${source}/medication/${i}`,
    status: current ? 'active' : 'completed',
    intent: 'order',
    authored_at: at.toISOString(),
    medication: { text: dci, code: atc, system: ATC },
    dosage: { text: posology, ...(asNeeded && { asNeeded }) },
  }));
}
