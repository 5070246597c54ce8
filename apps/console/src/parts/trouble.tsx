// A problem as a person meets it: what happened, what to do next, and the code to look for.
import type { ComponentChildren } from 'preact';
import type { Trouble } from '../rest/problem.js';

interface TroubleBoxProps {
  readonly trouble: Trouble;
  /** Further ways out, buttons above all. */
  readonly children?: ComponentChildren;
}

export function TroubleBox({ trouble, children }: TroubleBoxProps) {
  const { title, detail, next, code, instance } = trouble;
  return (
    <div class="trouble" role="alert">
      <p class="trouble-title">{title}</p>
      <p>{detail}</p>
      <p>
        <b>What to do:</b> {next}
      </p>
      {children}
      <p class="faint">
        <code>{code}</code> {instance !== undefined && <code>{instance}</code>}
      </p>
    </div>
  );
}
