import type { ComponentChildren } from 'preact';
import type { LatestMeasure, Measure } from '../chart/observations.ts';
import { Missing } from './empty.tsx';
import { Day } from './time.tsx';

export type MeasureWords = {
  measure: string;
  latest: string;
  date: string;
  noValue: string;
  provisional: string;
  previous: string;
};

/** The latest value of each code with its day, and below it the one before: enough to see where it is going. */
export function Measures(props: { caption: string; items: readonly LatestMeasure[]; words: MeasureWords }) {
  const t = props.words;
  return (
    <table class="measures">
      <caption class="visually-hidden">{props.caption}</caption>
      <thead class="visually-hidden">
        <tr>
          <th scope="col">{t.measure}</th>
          <th scope="col">{t.latest}</th>
          <th scope="col">{t.date}</th>
        </tr>
      </thead>
      <tbody>
        {props.items.map((item) => (
          <tr key={item.id}>
            <th scope="row">{item.name}</th>
            <td>
              <Value measure={item} words={t} />
              <Before item={item} words={t} show={(before) => before.value} />
            </td>
            <td>
              <Day value={item.at} />
              <Before item={item} words={t} show={(before) => <Day value={before.at} />} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Value({ measure, words }: { measure: Measure; words: MeasureWords }) {
  return (
    <>
      {measure.value ? <b>{measure.value}</b> : <Missing>{words.noValue}</Missing>}
      {measure.provisional ? <span class="quiet"> {words.provisional}</span> : null}
    </>
  );
}

type BeforeProps = { item: LatestMeasure; words: MeasureWords; show: (before: Measure) => ComponentChildren };

function Before({ item, words, show }: BeforeProps) {
  if (!item.previous?.value) return null;
  return (
    <span class="measure-before">
      <span class="visually-hidden">{words.previous} </span>
      {show(item.previous)}
    </span>
  );
}
