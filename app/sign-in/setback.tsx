/** Why a password wasn't taken: at sign-in, and where it is asked for again. */
import type { Context } from 'hono';
import type { Env } from '../../edge/session.ts';
import { between } from '../../edge/turns.ts';
import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { signIn } from './messages.ts';

/** A wrong answer, a pause in seconds, too many at the moment. */
export type PasswordSetback =
  | { kind: 'refused' }
  | { kind: 'wait'; seconds: number }
  | { kind: 'crowded'; seconds: number };

/** Undefined: there was no turn. Told apart, so that those who were sent away don't come back all at once. */
export function setbackOf(
  c: Context<Env>,
  result: { answer: string; retry_after: number | null } | undefined,
): PasswordSetback {
  if (result && result.answer !== 'wait') return { kind: 'refused' };
  const seconds = result ? (result.retry_after ?? 60) : Math.floor(between(5, 15));
  c.header('Retry-After', String(seconds));
  return { kind: result ? 'wait' : 'crowded', seconds };
}

export const statusOf = ({ kind }: PasswordSetback) =>
  kind === 'wait' ? (429 as const) : kind === 'crowded' ? (503 as const) : (422 as const);

/** `title`, `help`: for a wrong one. */
export function SetbackAlert(props: { setback: PasswordSetback; title: string; help: string }) {
  const { setback, title, help } = props;
  const t = useWords(signIn);
  switch (setback.kind) {
    case 'refused':
      return (
        <Alert tone="danger" title={title} id="setback">
          <p>{help}</p>
        </Alert>
      );
    case 'wait':
      return (
        <Alert tone="warn" title={t.wait} id="setback">
          <p>{t.waitHelp(setback.seconds)}</p>
        </Alert>
      );
    case 'crowded':
      return (
        <Alert tone="warn" title={t.crowded} id="setback">
          <p>{t.crowdedHelp(setback.seconds)}</p>
        </Alert>
      );
  }
}
