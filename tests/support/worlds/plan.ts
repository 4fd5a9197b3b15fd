// A random world, as data: who works where, in which teams, with which exceptions, and whose session is alive. Times are
// minutes from now, so that a world is the same whenever it is played again, and none is within a minute of a boundary.
import fc from 'fast-check';

/** Practices and people there are to draw from; patients stay with their practice, which their keys are bound to. */
export const cast = { practices: 3, accounts: 7, patientsOf: [3, 2, 1] } as const;
export const patientCount = cast.patientsOf.reduce((sum, n) => sum + n, 0);
export const practiceOf = (patient: number): number => (patient < 3 ? 0 : patient < 5 ? 1 : 2);

export type Period = { from: number; until: number };
export type Job = Period & { account: number; practice: number; role: string; patient: number };
export type Team = {
  practice: number;
  members: (Period & { account: number })[];
  patients: (Period & { patient: number })[];
};
export type Exception = Period & { account: number; practice: number; patient: number };
export type Session = { job: number; state: 'live' | 'revoked' | 'expired' | 'idle' | 'one factor' };
export type Plan = {
  suspended: boolean[];
  jobs: Job[];
  teams: Team[];
  referrals: Exception[];
  glasses: Exception[];
  sessions: Session[];
  /** Do the pages say which patient they show? */
  focused: boolean;
};

const day = 24 * 60;
const moment = fc.constantFrom(-400 * day, -2 * day, -60, -2, 2, 60, 2 * day, 400 * day);
const period: fc.Arbitrary<Period> = fc
  .tuple(moment, moment)
  .map(([a, b]) => ({ from: Math.min(a, b), until: Math.max(a, b) }));
// most are going on, or nobody would see anything
const usually: fc.Arbitrary<Period> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ from: -2 * day, until: 400 * day }) },
  { weight: 2, arbitrary: period },
);
const account = fc.nat(cast.accounts - 1);
const practice = fc.nat(cast.practices - 1);
const patientIn = (place: number) =>
  fc.constantFrom(...Array.from({ length: patientCount }, (_, n) => n).filter((n) => practiceOf(n) === place));

const role = fc.oneof(
  { weight: 5, arbitrary: fc.constant('clinician') },
  { weight: 3, arbitrary: fc.constantFrom('secretary', 'patient', 'org_admin', 'auditor', 'dpo', 'researcher') },
);
const job: fc.Arbitrary<Job> = practice.chain((place) =>
  fc
    .record({ account, role, patient: patientIn(place), period: usually })
    .map(({ period: when, ...rest }) => ({ ...rest, ...when, practice: place })),
);
const team: fc.Arbitrary<Team> = practice.chain((place) =>
  fc.record({
    practice: fc.constant(place),
    // also people who don't work there, or no longer: membership of a team isn't enough
    members: fc.uniqueArray(
      fc.record({ account, period: usually }).map(({ period: when, ...rest }) => ({ ...rest, ...when })),
      { minLength: 1, maxLength: 4, selector: (m) => `${m.account} ${m.from}` },
    ),
    patients: fc.uniqueArray(
      fc
        .record({ patient: patientIn(place), period: usually })
        .map(({ period: when, ...rest }) => ({ ...rest, ...when })),
      { minLength: 1, maxLength: 4, selector: (p) => `${p.patient} ${p.from}` },
    ),
  }),
);
const exception = (when: fc.Arbitrary<Period>): fc.Arbitrary<Exception> =>
  practice.chain((place) =>
    fc
      .record({ account, patient: patientIn(place), period: when })
      .map(({ period: p, ...rest }) => ({ ...rest, ...p, practice: place })),
  );
// at most 180 days, and 30 minutes
const referral = exception(
  fc.tuple(fc.constantFrom(-200, -20, -1, 1), fc.constantFrom(0, 10, 180)).map(([from, days]) => ({
    from: from * day,
    until: (from + days) * day,
  })),
);
const glass = exception(
  fc.tuple(fc.constantFrom(-300, -40, -20, -3, 3, 50), fc.constantFrom(0, 1, 10, 30)).map(([from, minutes]) => ({
    from,
    until: from + minutes,
  })),
);

export const plans: fc.Arbitrary<Plan> = fc
  .record({
    suspended: fc.array(
      fc.nat(5).map((n) => n === 0),
      { minLength: cast.accounts, maxLength: cast.accounts },
    ),
    jobs: fc.uniqueArray(job, {
      minLength: 2,
      maxLength: 9,
      selector: (j) => `${j.account} ${j.practice} ${j.role}`,
    }),
    teams: fc.array(team, { maxLength: 4 }),
    referrals: fc.array(referral, { maxLength: 3 }),
    glasses: fc.array(glass, { maxLength: 4 }),
    states: fc.array(
      fc.oneof(
        { weight: 4, arbitrary: fc.constant('live' as const) },
        { weight: 1, arbitrary: fc.constantFrom('revoked', 'expired', 'idle', 'one factor') },
      ),
      { minLength: 9, maxLength: 9 },
    ),
    focused: fc.boolean(),
  })
  .map(({ states, ...rest }) => ({
    ...rest,
    sessions: rest.jobs.map((_, index) => ({ job: index, state: states[index]! })),
  }));
