// The state of an agent: a colour, a shape and a word, so that none of them has to be seen.
import type { AgentState } from '#protocol';

const shapes: Readonly<Record<AgentState, preact.JSX.Element>> = {
  spawning: <circle cx="8" cy="8" r="5.5" stroke-dasharray="2.5 3.2" />,
  running: <circle class="fill" cx="8" cy="8" r="5" />,
  completed: <path d="M3 8.5l3.5 3.5L13 4.5" />,
  failed: <path d="M4 4l8 8M12 4l-8 8" />,
  killed: <rect class="fill" x="3.5" y="3.5" width="9" height="9" />,
};

export function StateShape({ state }: { readonly state: AgentState }) {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {shapes[state]}
    </svg>
  );
}

/** `word` in place of the state's own: what a spawning agent waits for, whether a session is idle. */
export function StateBadge({ state, word }: { readonly state: AgentState; readonly word?: string | undefined }) {
  return (
    <span class={`state state-${state}`}>
      <StateShape state={state} />
      {word ?? state}
    </span>
  );
}
