// How a connection with a peer stands: what both sides make of it, and whether the peer is heard.
import type { Hub } from '#protocol';
import { ago, lasting } from '../words/figures.js';
import { useNow } from './now.js';
import { Tag, type Tone } from './tag.js';

const tones: Readonly<Record<Hub['state'], Tone>> = {
  pending: 'wait',
  active: 'good',
  suspended: 'stopped',
  closed: 'quiet',
};

type Connection = Pick<Hub, 'state' | 'ours' | 'theirs' | 'connected' | 'heardAt' | 'circuit' | 'clockDifferenceS'>;

export function ConnectionTag({ of: { state, ours } }: { readonly of: Connection }) {
  const by = state === 'suspended' ? (ours.state === 'suspended' ? ' by us' : ' by them') : '';
  return (
    <Tag tone={tones[state]}>
      {state}
      {by}
    </Tag>
  );
}

/** Nothing of a connection that is closed. */
export function LinkHealth({ of }: { readonly of: Connection }) {
  const now = useNow();
  const { state, connected, heardAt, circuit, clockDifferenceS } = of;
  if (state === 'closed') return null;
  return (
    <p class="row">
      <Tag tone={connected ? 'good' : 'wait'}>{connected ? 'connected' : 'not connected'}</Tag>
      {heardAt !== undefined && <span class="faint small">heard {ago(heardAt, now)}</span>}
      {circuit !== undefined && circuit !== 'closed' && (
        <Tag tone="bad">{circuit === 'open' ? 'does not answer' : 'is tried again'}</Tag>
      )}
      {clockDifferenceS !== undefined && (
        <Tag tone="bad">its clock is {lasting(Math.abs(clockDifferenceS) * 1_000)} off</Tag>
      )}
    </p>
  );
}
