// What is known of one thing, where much of it may be missing.
import type { ComponentChildren } from 'preact';
import { Fact, Facts } from './facts.js';

/** A value that is undefined is left out with its name. */
export type Known = readonly [name: string, value: ComponentChildren];

export function FactList({ of }: { readonly of: readonly Known[] }) {
  const known = of.filter(([, value]) => value !== undefined);
  return (
    <Facts>
      {known.map(([name, value]) => (
        <Fact key={name} name={name}>
          {value}
        </Fact>
      ))}
    </Facts>
  );
}
