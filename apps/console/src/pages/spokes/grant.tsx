// What a spoke lets this hub do, as the spoke itself states it.
import type { Grant } from '#protocol';
import { Fact, Facts } from '../../parts/facts.js';

interface GrantFactsProps {
  readonly version: number;
  readonly grant: Grant;
}

export function GrantFacts({ version, grant }: GrantFactsProps) {
  const { operations, ...rest } = grant;
  return (
    <section class="card stack">
      <h2>Grant, version {version}</h2>
      <p class="small faint">The spoke’s own: only its admin changes it. What it does not list is refused there.</p>
      <Facts>
        <Fact name="operations">{operations.join(', ')}</Fact>
        {Object.entries(rest).map(([name, value]) => (
          <Fact key={name} name={name}>
            {inWords(value)}
          </Fact>
        ))}
      </Facts>
    </section>
  );
}

function inWords(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(inWords).join(', ');
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([name, part]) => `${name} ${inWords(part)}`)
      .join(', ');
  return String(value);
}
