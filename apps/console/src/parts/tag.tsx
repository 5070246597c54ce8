// How something stands: a colour, a shape and a word, so that none of them has to be seen.
import type { ComponentChildren } from 'preact';

const shapes = {
  good: <path d="M3 8.5l3.5 3.5L13 4.5" />,
  busy: <circle class="fill" cx="8" cy="8" r="5" />,
  wait: <circle cx="8" cy="8" r="5.5" stroke-dasharray="2.5 3.2" />,
  bad: <path d="M4 4l8 8M12 4l-8 8" />,
  stopped: <rect class="fill" x="3.5" y="3.5" width="9" height="9" />,
  quiet: <path d="M3 8h10" />,
} as const;

export type Tone = keyof typeof shapes;

export function Tag({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return (
    <span class={`state tag-${tone}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        {shapes[tone]}
      </svg>
      {children}
    </span>
  );
}
