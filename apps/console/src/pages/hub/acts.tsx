// Suspend, resume and close a connection, each with what it means.
import type { Hub } from '#protocol';
import { useState } from 'preact/hooks';
import { Ask } from '../../parts/dialog.js';
import { why } from '../../parts/reason.js';
import { post } from '../../rest/http.js';

export type HubAct = 'suspend' | 'resume' | 'close';

/** What can be done now: a closed connection is over, and only our own suspension is ours to take back. */
export function actsOf({ state, ours }: Hub): readonly HubAct[] {
  if (state === 'closed') return [];
  if (state === 'pending') return ['close'];
  return [ours.state === 'suspended' ? 'resume' : 'suspend', 'close'];
}

interface ActDialogProps {
  readonly act: HubAct;
  readonly hub: Hub;
  readonly done: () => void;
  readonly onClose: () => void;
}

export function ActDialog({ act, hub: { name, connectionId }, done, onClose }: ActDialogProps) {
  const [agents, keep] = useState<'kill' | 'keep'>('kill');
  const run = async (reason: string) => {
    const body = { ...(act === 'close' && { agents }), ...why(reason) };
    await post(`/v1/hubs/${connectionId}/${act}`, body);
    done();
  };
  const title = `${act === 'close' ? 'Close for good:' : act === 'suspend' ? 'Suspend' : 'Resume'} ${name}`;
  const verb = act === 'close' ? 'Close for good' : act === 'suspend' ? 'Suspend' : 'Resume';
  return (
    <Ask {...{ title, act: verb, reason: 'optional', run, close: onClose, danger: act === 'close' }}>
      {act === 'suspend' && <p>Nothing but status and kill passes until it is resumed. Agents that run go on.</p>}
      {act === 'resume' && <p>What its grant allows passes again.</p>}
      {act === 'close' && <CloseWords agents={agents} keep={keep} />}
    </Ask>
  );
}

interface CloseWordsProps {
  readonly agents: 'kill' | 'keep';
  readonly keep: (agents: 'kill' | 'keep') => void;
}

function CloseWords({ agents, keep }: CloseWordsProps) {
  return (
    <div class="stack">
      <p>The connection ends and cannot be opened again: to work with this hub later, join it anew.</p>
      <fieldset class="scopes">
        <legend>Its agents that run</legend>
        {(['kill', 'keep'] as const).map((one) => (
          <label class="choice" key={one}>
            <input type="radio" name="agents" checked={agents === one} onChange={() => keep(one)} />
            {one === 'kill' ? 'Kill them' : 'Let them go on to their end'}
          </label>
        ))}
      </fieldset>
    </div>
  );
}
