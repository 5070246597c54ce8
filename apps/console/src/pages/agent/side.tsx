// What the agent is allowed and has used, and where it works.
import type { AgentResource } from '#protocol';
import { Fact, Facts, Meter } from '../../parts/facts.js';
import { useNow } from '../../parts/now.js';
import { bytes, clock, counted, lasting, money, shortly } from '../../words/figures.js';

export function Side({ agent }: { readonly agent: AgentResource }) {
  return (
    <aside class="agent-side stack" aria-label="Figures and facts">
      <Used agent={agent} />
      <About agent={agent} />
    </aside>
  );
}

function Used({ agent: { usage, limits, startedAt, endedAt, outputBytes } }: { readonly agent: AgentResource }) {
  const now = useNow();
  const tokens = usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
  const ranMs =
    startedAt === undefined ? 0 : Date.parse(endedAt ?? new Date(now).toISOString()) - Date.parse(startedAt);
  return (
    <section class="card stack">
      <h2>Used, of what it may</h2>
      <Meter name="Money" value={usage.moneyMicroUsd} max={limits.moneyMicroUsdMax} say={money} />
      <Meter name="Turns" value={usage.turns} max={limits.turnsMax} say={counted} />
      <Meter name="Tokens" value={tokens} max={limits.tokensMax} say={shortly} />
      <Meter name="Time" value={Math.max(0, ranMs)} max={limits.wallMs} say={lasting} />
      <Meter name="Output" value={outputBytes} max={limits.outputBytesMax} say={bytes} />
    </section>
  );
}

function About({ agent }: { readonly agent: AgentResource }) {
  const { context, options, sandbox, spoke, actor, spawnedAt, sessionEndsAt, limits, asOf } = agent;
  return (
    <section class="card stack">
      <h2>About</h2>
      <Facts>
        {spoke && <Fact name="Spoke">{spoke.name}</Fact>}
        <Fact name="Repository">{context.repository}</Fact>
        <Fact name="Branch">{context.branch}</Fact>
        <Fact name="Runtime">{options.runtime ?? 'claude'}</Fact>
        {options.model !== undefined && <Fact name="Model">{options.model}</Fact>}
        {sandbox && <Fact name="Sandbox">{`${sandbox.level} (${sandbox.enforced.join(', ')})`}</Fact>}
        {limits.memoryBytesMax !== undefined && <Fact name="Memory">at most {bytes(limits.memoryBytesMax)}</Fact>}
        {options.egress && <Fact name="May reach">{options.egress.join(', ')}</Fact>}
        {actor && <Fact name="By">{`${actor.kind} ${actor.id}`}</Fact>}
        <Fact name="Spawned">{clock(spawnedAt)}</Fact>
        {sessionEndsAt !== undefined && <Fact name="Session ends">{clock(sessionEndsAt)}</Fact>}
        {asOf !== undefined && <Fact name="As of">{clock(asOf)}</Fact>}
      </Facts>
    </section>
  );
}
