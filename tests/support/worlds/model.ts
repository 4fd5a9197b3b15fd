// Who may see what, said once more and as simply as it can be: no keys, no policies, no transactions.
import { type Period, type Plan, practiceOf, type Session } from './plan.ts';

export type Level = 'nothing' | 'identity' | 'everything';

const isNow = ({ from, until }: Period): boolean => from <= 0 && 0 < until;

/** What iam.enter answers. */
export function entry(plan: Plan, { job, state }: Session): 'ok' | 'signed_out' | 'second_factor' {
  const work = plan.jobs[job]!;
  if (state === 'revoked' || state === 'expired' || state === 'idle') return 'signed_out';
  if (!isNow(work) || plan.suspended[work.account]) return 'signed_out';
  return state === 'one factor' ? 'second_factor' : 'ok';
}

export function level(plan: Plan, session: Session, patient: number): Level {
  if (entry(plan, session) !== 'ok') return 'nothing';
  const { role, account, practice, patient: own } = plan.jobs[session.job]!;
  if (role === 'patient') return patient === own ? 'everything' : 'nothing';
  if (role === 'secretary') return practiceOf(patient) === practice ? 'identity' : 'nothing';
  if (role !== 'clinician') return 'nothing';
  const here = { account, practice, patient };
  return isInCare(plan, here) || isExcepted(plan, here) ? 'everything' : 'nothing';
}

type Look = { account: number; practice: number; patient: number };

/** One team of the practice that the session is in has both of them now. */
function isInCare({ teams }: Plan, { account, practice, patient }: Look): boolean {
  return teams.some(
    (team) =>
      team.practice === practice &&
      team.members.some((member) => member.account === account && isNow(member)) &&
      team.patients.some((place) => place.patient === patient && isNow(place)),
  );
}

/** Referred, or the glass is broken. */
function isExcepted({ referrals, glasses }: Plan, { account, practice, patient }: Look): boolean {
  return [...referrals, ...glasses].some(
    (one) => one.account === account && one.practice === practice && one.patient === patient && isNow(one),
  );
}
