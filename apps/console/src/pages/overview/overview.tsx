// The instance at a glance: how many agents in which state, and what it finds wrong with itself.
import type { AgentCountsResource, AgentState, InstanceResource } from '#protocol';
import { useAsked } from '../../parts/asked.js';
import { useCounts } from '../../parts/counts.js';
import { StateBadge } from '../../parts/state.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { counted } from '../../words/figures.js';

const states: readonly AgentState[] = ['spawning', 'running', 'completed', 'failed', 'killed'];
export default function Overview() {
  const counts = useCounts();
  const instance = useAsked('instance', (signal) => get<InstanceResource>('/v1/instance', {}, signal));
  const trouble = counts.trouble ?? instance.trouble;
  return (
    <div class="stack">
      <div class="page-head">
        <div>
          <h1>Overview</h1>
          <p>{instance.value ? `${instance.value.name}, version ${instance.value.version}` : ' '}</p>
        </div>
      </div>
      {trouble && <TroubleBox trouble={trouble} />}
      {counts.value && <Counts of={counts.value} />}
      {instance.value && <Checks of={instance.value} />}
    </div>
  );
}

function Counts({ of: { total } }: { readonly of: AgentCountsResource }) {
  return (
    <section class="cards" aria-label="Agents by state">
      {states.map((state) => (
        <div class="card" key={state}>
          <div class="figure">{counted(total[state])}</div>
          <StateBadge state={state} />
        </div>
      ))}
    </section>
  );
}

const signs = { ok: '✓', warning: '!', failed: '✕' } as const;

function Checks({ of: { checks } }: { readonly of: InstanceResource }) {
  return (
    <section class="card stack">
      <h2>What this instance finds of itself</h2>
      <ul class="checks">
        {checks.map(({ name, outcome, detail, cure }) => (
          <li key={name}>
            <span class={outcome} aria-hidden="true">
              {signs[outcome]}
            </span>
            <span>
              <b>{name}</b> <span class="sr">{outcome}.</span> {detail}
              {cure !== undefined && <span class="faint"> {cure}</span>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
