import type { ComponentChildren } from 'preact';
import { Missing } from './empty.tsx';

export type Column<Row> = {
  label: string;
  cell: (row: Row) => ComponentChildren;
  /** Numbers are aligned right with tabular figures. */
  number?: boolean;
  /** The cell that names the row (`<th scope="row">`); one per table. */
  header?: boolean;
  /** On phones, where labels stand beside values, this one needs none: a date of birth, a sex, a state. */
  evident?: boolean;
  /** Codes, hashes and identifiers, in the monospace face. */
  code?: boolean;
};

/**
 * A real table, in the order the server chose; on phones each row becomes a block with its labels. A cell
 * without a value says « non renseigné ». `caption` is always there for screen readers; `showCaption` shows it.
 */
export function Table<Row>(props: {
  caption: string;
  showCaption?: boolean;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowId?: (row: Row) => string;
  compact?: boolean;
}) {
  return (
    <div class="table-frame">
      <table class="table" data-compact={props.compact}>
        <caption class={props.showCaption ? undefined : 'visually-hidden'}>{props.caption}</caption>
        <thead>
          <tr>
            {props.columns.map((column) => (
              <th key={column.label} scope="col" data-number={column.number}>
                {column.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row, i) => (
            <tr key={props.rowId?.(row) ?? i} id={props.rowId?.(row)}>
              {props.columns.map((column) => (
                <Cell key={column.label} column={column} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  const value = column.cell(row);
  const content = value === null || value === undefined || value === '' ? <Missing /> : value;
  if (column.header) {
    return (
      <th scope="row" data-label={column.label}>
        {content}
      </th>
    );
  }
  return (
    <td data-label={column.label} data-number={column.number} data-code={column.code} data-evident={column.evident}>
      {content}
    </td>
  );
}
