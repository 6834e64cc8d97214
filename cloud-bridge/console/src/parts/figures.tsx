import type { ComponentChildren } from "preact";

export interface Column<T> {
  readonly name: string;
  readonly show: (row: T) => ComponentChildren;
}

export interface FiguresProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
}

/** Names left, figures right, so that they are compared down a column. */
export function Figures<T>({ label, columns, rows, keyOf }: FiguresProps<T>) {
  const [first, ...others] = columns;
  if (first === undefined) return null;
  return (
    <div class="table-scroll">
      <table class="table figures" aria-label={label}>
        <thead>
          <tr>
            {columns.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              <th scope="row">{first.show(row)}</th>
              {others.map(({ name, show }) => (
                <td key={name}>{show(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export interface SegmentsProps<T extends string> {
  readonly label: string;
  readonly options: readonly { readonly value: T; readonly text: string }[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}

export function Segments<T extends string>({ label, options, value, onChange }: SegmentsProps<T>) {
  return (
    <span class="segments is-small" role="tablist" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          role="tab"
          class="segment"
          aria-selected={option.value === value}
          onClick={() => onChange(option.value)}
          data-segment={option.value}
        >
          {option.text}
        </button>
      ))}
    </span>
  );
}
