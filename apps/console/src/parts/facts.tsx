// Names and values, side by side; and a value against its limit.
import type { ComponentChildren } from 'preact';

export function Facts({ children }: { readonly children: ComponentChildren }) {
  return <dl class="facts">{children}</dl>;
}

interface FactProps {
  readonly name: string;
  readonly children: ComponentChildren;
}

export function Fact({ name, children }: FactProps) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

interface MeterProps {
  readonly name: string;
  readonly value: number;
  readonly max: number | undefined;
  readonly say: (value: number) => string;
}

/** Without a limit only the value. */
export function Meter({ name, value, max, say }: MeterProps) {
  const share = max === undefined ? 0 : Math.min(1, value / max);
  const level = share >= 0.95 ? 'full' : share >= 0.75 ? 'near' : 'fine';
  return (
    <div class="meter">
      <div class="meter-words">
        <span>{name}</span>
        <span>
          {say(value)}
          {max !== undefined && <span class="faint"> of {say(max)}</span>}
        </span>
      </div>
      {max !== undefined && (
        <div {...{ class: `meter-bar ${level}`, role: 'meter', 'aria-label': name }} {...ariaOf(value, max, say)}>
          <span style={{ width: `${share * 100}%` }} />
        </div>
      )}
    </div>
  );
}

const ariaOf = (value: number, max: number, say: (value: number) => string) => ({
  ...{ 'aria-valuemin': 0, 'aria-valuemax': max, 'aria-valuenow': Math.min(value, max) },
  'aria-valuetext': `${say(value)} of ${say(max)}`,
});
