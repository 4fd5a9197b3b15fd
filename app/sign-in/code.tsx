/** The second step of signing in: one field for the means that is asked for, and a button for each of the others. */
import { useWords } from '../i18n.ts';
import { PasskeyButton } from '../passkeys/button.tsx';
import { Alert } from '../ui/alert.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { ErrorSummary, type Errors } from '../ui/form.tsx';
import { AskForCode, CodeField, isSent } from './code-field.tsx';
import { secondStep } from './code-words.ts';
import type { Method } from './queries.ts';

/** Why the step came back, or what has been done about a code that is sent. */
export type CodeNotice = { kind: 'sent' | 'refused' | 'not_sent' } | { kind: 'wait' | 'wait_to_send'; seconds: number };
export type CodeStepProps = {
  /** By which this account may, and the one that is asked for. */
  methods: readonly Method[];
  method: Method;
  errors?: Errors;
  notice?: CodeNotice;
  /** A code is on its way, or was: nobody is asked for one before. */
  sent?: boolean;
};

export function CodeStep({ methods, method, errors = {}, notice, sent }: CodeStepProps) {
  const t = useWords(secondStep);
  const asks = isSent(method) && !sent;
  return (
    <>
      <header class="page-head">
        <h1>{method === 'passkey' ? t.titlePasskey : t.title}</h1>
        <p class="quiet">{t.step}</p>
      </header>
      <form class="card form" method="post" action="/sign-in/code" novalidate>
        {notice ? <Notice notice={notice} method={method} /> : null}
        <ErrorSummary errors={errors} />
        <input type="hidden" name="method" value={method} />
        {method === 'passkey' ? (
          <>
            <p>{t.hint_passkey}</p>
            <PasskeyButton purpose="factor" label={t.usePasskey} primary autofocus />
          </>
        ) : null}
        {asks ? (
          <AskForCode method={method}>
            <a href={`/sign-in/code?by=${method}&sent=1`}>{t.haveCode}</a>
          </AskForCode>
        ) : null}
        {method === 'passkey' || asks ? null : (
          <>
            <CodeField method={method} error={errors.code} />
            <div class="form-actions">
              <button class="button" data-primary type="submit">
                {t.enter}
              </button>
              {isSent(method) ? (
                <button class="button" data-quiet type="submit" name="by" value={method}>
                  {t.sendAgain}
                </button>
              ) : null}
            </div>
          </>
        )}
        <OtherMeans methods={methods} method={method} open={isSetback(notice)} />
      </form>
      <p class="page-note">
        <a href="/sign-in">{t.restart}</a>
      </p>
    </>
  );
}

const isSetback = (notice?: CodeNotice) => notice !== undefined && notice.kind !== 'sent';

/** A `<details>`: most people have the one means that is asked for. Open where there was a setback. */
export function OtherMeans(props: { methods: readonly Method[]; method?: Method; name?: string; open?: boolean }) {
  const { methods, method, name = 'by', open } = props;
  const t = useWords(secondStep);
  const others = methods.filter((other) => other !== method);
  if (others.length === 0) return null;
  return (
    <details class="other-means" open={open}>
      <summary>{t.otherMeans}</summary>
      <div>
        {others.map((other) => (
          <button key={other} class="button" type="submit" name={name} value={other}>
            {labelOf(t, 'by', other)}
          </button>
        ))}
      </div>
    </details>
  );
}

export function Notice({ notice, method }: { notice: CodeNotice; method: Method }) {
  const t = useWords(secondStep);
  switch (notice.kind) {
    case 'sent':
      return <Alert tone="ok" title={labelOf(t, 'sent', method)} id="setback" />;
    case 'refused':
      return (
        <Alert tone="danger" title={method === 'passkey' ? t.refusedPasskey : t.refused} id="setback">
          <p>{labelOf(t, 'refusedHelp', method)}</p>
        </Alert>
      );
    case 'not_sent':
      return (
        <Alert tone="warn" title={t.notSent} id="setback">
          <p>{t.notSentHelp}</p>
        </Alert>
      );
    default:
      return (
        <Alert tone="warn" title={notice.kind === 'wait' ? t.wait : t.waitToSend} id="setback">
          <p>{notice.kind === 'wait' ? t.waitHelp(notice.seconds) : t.waitToSendHelp(notice.seconds)}</p>
        </Alert>
      );
  }
}
