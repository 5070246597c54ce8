// Which agent it is, and what may be done to it now by whoever is signed in.
import { useState } from 'preact/hooks';
import type { AgentResource, KillOutcomeResource, SessionResource } from '#protocol';
import { Ask } from '../../parts/dialog.js';
import { Icon } from '../../parts/icon.js';
import { StateBadge } from '../../parts/state.js';
import { post, remove } from '../../rest/http.js';
import { may, signedIn } from '../../rest/proof.js';
import { useCell } from '../../state/cell.js';
import { isOver, stateWord } from '../../words/agents.js';
import { TurnForm } from './turn-form.js';

/** A kill is answered when nothing lives any more; so long the page waits for that. */
const waitHeaders = { prefer: 'wait=30' };

type Doing = 'kill' | 'close' | 'turn' | undefined;

export function AgentHead({ agent }: { readonly agent: AgentResource }) {
  const who = useCell(signedIn);
  const { agentId, taskId, agentType, state, spoke, reason } = agent;
  return (
    <header class="page-head">
      <div>
        <div class="row">
          <h1>{taskId}</h1>
          <StateBadge state={state} word={stateWord(agent)} />
        </div>
        <p>
          {agentType} <code>{agentId}</code>
          {spoke && <> on {spoke.name}</>}
        </p>
        {reason !== undefined && <p>{reason}</p>}
      </div>
      {who.state === 'in' && !isOver(agent) && <Acts agent={agent} who={who} />}
    </header>
  );
}

function Acts({ agent, who }: { readonly agent: AgentResource; readonly who: SessionResource }) {
  const [doing, setDoing] = useState<Doing>();
  const [said, say] = useState('');
  if (!may(who.key.role, 'operator')) return null;
  const path = `/v1/agents/${agent.agentId}`;
  const close = () => setDoing(undefined);
  const kill = async (reason: string) => {
    say(killWords(await post<KillOutcomeResource>(`${path}/kill`, { reason }, { headers: waitHeaders })));
  };
  const end = (reason: string) =>
    remove(path, { query: { reason: reason === '' ? undefined : reason }, headers: waitHeaders });
  const isSession = agent.turns !== undefined || agent.options.session !== undefined;
  return (
    <div class="row">
      <span role="status" class="small">
        {said}
      </span>
      {isSession && agent.activity === 'idle' && (
        <>
          <button class="button" onClick={() => setDoing('turn')}>
            Next turn
          </button>
          <button class="button" onClick={() => setDoing('close')}>
            Close the session
          </button>
        </>
      )}
      <button class="button danger" onClick={() => setDoing('kill')}>
        <Icon name="stop" /> Kill
      </button>
      {doing === 'kill' && (
        <Ask title="Kill this agent?" act="Kill" danger run={kill} close={close}>
          <p>It ends at once, with every process it started. What it committed is kept.</p>
        </Ask>
      )}
      {doing === 'close' && (
        <Ask title="Close this session?" act="Close" reason="optional" run={end} close={close}>
          <p>It is refused when work is at risk; the answer says what.</p>
        </Ask>
      )}
      {doing === 'turn' && <TurnForm path={path} close={close} />}
    </div>
  );
}

/** A kill says what a look afterwards found, never only that it was sent. */
function killWords({ report, pending }: KillOutcomeResource): string {
  if (pending.length > 0) return 'Ordered; the spoke has not answered yet.';
  if (report.survivors > 0) return `${report.survivors} processes are still alive; the spoke goes on.`;
  return report.killed.length > 0 ? 'Killed: nothing of it is alive.' : 'It had ended already.';
}
