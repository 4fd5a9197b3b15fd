import type { Kept } from '../../edge/mailbox.ts';
import { useWords } from '../i18n.ts';
import { Badge } from '../ui/badge.tsx';
import { Empty } from '../ui/empty.tsx';
import { Clock } from '../ui/time.tsx';
import { demoMail } from './messages.ts';

export function DemoMailPage({ messages }: { messages: readonly Kept[] }) {
  const t = useWords(demoMail);
  return (
    <>
      <h1>{t.title}</h1>
      <p class="lead">{t.intro}</p>
      <div class="form-actions message-actions">
        <a class="button" href="/demo/mail">
          {t.refresh}
        </a>
      </div>
      {messages.length === 0 ? <Empty>{t.none}</Empty> : messages.map((message) => <Message message={message} />)}
    </>
  );
}

function Message({ message }: { message: Kept }) {
  const t = useWords(demoMail);
  const { id, channel, template, address, subject, text, lang, at } = message;
  return (
    <article class="card message" data-template={template} data-to={address} aria-labelledby={id}>
      <header>
        <h2 id={id} lang={lang}>
          {subject ?? t.sms}
        </h2>
        <p class="quiet">
          <Badge>{t[channel]}</Badge> {t.to(address)} · <Clock at={at} />
        </p>
      </header>
      <pre class="message-text" lang={lang}>
        <Linked text={text} />
      </pre>
    </article>
  );
}

/** Links as a mail program makes them; only those of an http origin, which compose.ts wrote. */
function Linked({ text }: { text: string }) {
  return <>{text.split(/(https?:\/\/\S+)/).map((part, i) => (i % 2 === 1 ? <a href={part}>{part}</a> : part))}</>;
}
