/**
 * The six agreements, for somebody who registers or takes up an invitation to their record: three that are needed, three
 * that are off. What is sent is the hash of the words that were shown, so that the answer stands for those and no others.
 */
import { z } from 'zod';
import { inLang, type Lang, useWords } from '../i18n.ts';
import type { Errors } from '../ui/form.tsx';
import { Icon } from '../ui/icon.tsx';
import { consents } from './messages.ts';
import type { ConsentText } from './queries.ts';

const nameOf = (type: string) => `consent_${type}`;
const Hash = z.string().regex(/^[0-9a-f]{64}$/);

/** `choices` is what privacy.agrees takes: {type: hash}. A text that is no longer shown counts as not agreed to. */
export function readConsentChoices(
  fields: Record<string, unknown>,
  texts: readonly ConsentText[],
  lang: Lang,
): { choices: Record<string, string>; errors: Errors } {
  const given = texts.filter((text) => Hash.safeParse(fields[nameOf(text.type)]).data === text.hash);
  const lacking = texts.filter((text) => text.needed && !given.includes(text));
  const { problem } = inLang(consents, lang);
  return {
    choices: Object.fromEntries(given.map((text) => [text.type, text.hash])),
    errors: Object.fromEntries(lacking.map((text) => [nameOf(text.type), problem(text.title)])),
  };
}

export function ConsentFields({
  texts,
  choices = {},
  errors = {},
}: {
  texts: readonly ConsentText[];
  choices?: Record<string, string>;
  errors?: Errors;
}) {
  const t = useWords(consents);
  return (
    <fieldset class="consents">
      <legend>{t.legend}</legend>
      <p class="field-hint">{t.legendNeeded}</p>
      {texts.map((text) => (
        <ConsentField key={text.type} text={text} chosen={text.type in choices} error={errors[nameOf(text.type)]} />
      ))}
    </fieldset>
  );
}

function ConsentField({ text, chosen, error }: { text: ConsentText; chosen: boolean; error?: string }) {
  const t = useWords(consents);
  const name = nameOf(text.type);
  return (
    <div class="field" data-error={error ? '' : undefined}>
      <label class="check">
        <input
          type="checkbox"
          id={name}
          name={name}
          value={text.hash}
          checked={chosen}
          required={text.needed}
          aria-describedby={`${name}-text${error ? ` ${name}-error` : ''}`}
          aria-invalid={error ? 'true' : undefined}
        />
        <span>
          {text.title}
          {text.needed ? null : <span class="field-optional"> ({t.free.toLowerCase()})</span>}
        </span>
      </label>
      <p class="consent-text" id={`${name}-text`}>
        {text.body} <span class="quiet">{t.version(text.version)}.</span>
      </p>
      {error ? (
        <p class="field-error" id={`${name}-error`}>
          <Icon shape="danger" />
          {error}
        </p>
      ) : null}
    </div>
  );
}
