import type { ComponentChildren } from 'preact';
import { Missing } from './empty.tsx';

export type Definition = { label: string; value: ComponentChildren; code?: boolean };

/** Labelled facts. A value that isn't known is said, never left out. */
export function DefinitionList({ items }: { items: readonly Definition[] }) {
  return (
    <dl class="definitions">
      {items.map(({ label, value, code }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd data-code={code}>{value === null || value === undefined || value === '' ? <Missing /> : value}</dd>
        </div>
      ))}
    </dl>
  );
}
