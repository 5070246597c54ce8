// A field of a form with its name and its hint; marked when a refusal names it.
import type { ComponentChildren } from 'preact';
import type { Trouble } from '../rest/problem.js';

interface FieldProps {
  readonly label: string;
  readonly hint?: string | undefined;
  /** What the instance calls it in a problem: `context.repository`. */
  readonly name?: string;
  readonly trouble?: Trouble | undefined;
  /** The control itself. */
  readonly children: ComponentChildren;
}

export function Field({ label, hint, name, trouble, children }: FieldProps) {
  const isAtFault = name !== undefined && trouble?.field !== undefined && trouble.field.startsWith(name);
  return (
    <label class={`field ${isAtFault ? 'invalid' : ''}`}>
      <span>{label}</span>
      {children}
      {hint !== undefined && <span class="hint">{hint}</span>}
      {isAtFault && (
        <span class="failed small" role="alert">
          {trouble.detail}
        </span>
      )}
    </label>
  );
}
