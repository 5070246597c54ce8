// How the live line stands: a quiet dot while all is well, a sentence when it is not.
import { useEffect, useState } from 'preact/hooks';
import { line } from '../live/feed.js';
import { useCell } from '../state/cell.js';

/** Seconds since then, counted while it is shown. */
function useSeconds(since: number | undefined): number {
  const [now, tick] = useState(Date.now());
  useEffect(() => {
    if (since === undefined) return undefined;
    const timer = setInterval(() => tick(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [since]);
  return since === undefined ? 0 : Math.max(0, Math.round((now - since) / 1_000));
}

export function LineState() {
  const now = useCell(line);
  const seconds = useSeconds(now.state === 'reconnecting' ? now.since : undefined);
  const words = {
    connecting: 'connecting',
    live: 'live',
    ended: 'ended',
    refused: 'not live',
    reconnecting: `reconnecting for ${seconds} s`,
  };
  return (
    <span class={`line line-${now.state}`} title={'trouble' in now ? now.trouble.detail : undefined}>
      <span class="line-dot" aria-hidden="true" />
      <span role="status">{now.state === 'reconnecting' ? 'reconnecting' : words[now.state]}</span>
      {now.state === 'reconnecting' && <span aria-hidden="true"> for {seconds} s</span>}
    </span>
  );
}
