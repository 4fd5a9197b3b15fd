import type { ComponentChildren } from 'preact';
import { LongDay } from './time.tsx';

/** What happened, newest day first: a list of days, each a list of entries. `children` draws one entry. */
export function Timeline<T>(props: {
  days: readonly { day: string; entries: readonly T[] }[];
  entryId: (entry: T) => string;
  children: (entry: T) => ComponentChildren;
}) {
  return (
    <ol class="timeline">
      {props.days.map(({ day, entries }) => (
        <li key={day} class="timeline-day">
          <h3>
            <LongDay value={day} />
          </h3>
          <ol class="timeline-entries">
            {entries.map((entry) => (
              <li key={props.entryId(entry)} id={props.entryId(entry)} class="timeline-entry">
                {props.children(entry)}
              </li>
            ))}
          </ol>
        </li>
      ))}
    </ol>
  );
}
