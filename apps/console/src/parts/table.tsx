// A table that scrolls in itself where the screen is narrow, also by keyboard.
import type { ComponentChildren } from 'preact';

interface TableProps {
  readonly label: string;
  /** Of the columns; one that begins with `#` holds figures. */
  readonly heads: readonly string[];
  readonly children: ComponentChildren;
}

export function Table({ label, heads, children }: TableProps) {
  return (
    <div class="table-box" role="region" aria-label={label} tabIndex={0}>
      <table class="table">
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col" class={head.startsWith('#') ? 'figures' : undefined}>
                {head.replace(/^#/, '')}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
