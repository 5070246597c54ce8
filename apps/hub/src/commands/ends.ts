// How commands end: by an answer, by what the journal tells, by their time, by a kill that came first.
import { problemOf, WritError, type AgentEvent, type OperationName } from '#protocol';
import type { CommandRecord, End } from './command.js';
import type { Answer } from './carrier.js';

export interface Effect {
  readonly op: OperationName;
  readonly idk: string;
  readonly body: unknown;
}

/** What the journal says was carried out under which key, and what its answer says. A session's first turn is its spawn. */
export function effectOf({ type, subject: agentId, time, data }: AgentEvent): Effect | undefined {
  if (type === 'agent.spawned' && data.idk !== undefined)
    return { op: 'agent.spawn', idk: data.idk, body: { agentId, state: 'spawning', spawnedAt: time } };
  if (type === 'agent.turn' && data.idk !== undefined)
    return { op: 'agent.send', idk: data.idk, body: { agentId, turnId: data.turnId, turn: data.turn } };
  if (type === 'agent.restored' && data.idk !== undefined) {
    const { turnId, turn, to, left } = data;
    return { op: 'agent.restore', idk: data.idk, body: { agentId, turnId, turn, to, left } };
  }
  return undefined;
}

export function endOf({ st, body }: Answer): End {
  return st === 'ok' ? { state: 'delivered', body } : { state: 'failed', problem: body as CommandRecord['problem'] };
}

/** Its time is over: what was never sent has surely not been carried out, of anything else nobody knows. */
export function overdue({ op, spoke, held }: CommandRecord): End {
  if (held) {
    const detail = `${spoke} was not connected until the time of this ${op} was over: it was never sent.`;
    return { state: 'failed', problem: problemOf(new WritError('peer_unavailable', detail)) };
  }
  const detail = `${spoke} did not answer ${op} in time; it may have been carried out all the same.`;
  return { state: 'timed_out', problem: problemOf(new WritError('timed_out', detail)) };
}

export function killedFirst(): End {
  const detail = 'A kill came before it was sent: the spoke never had it.';
  return { state: 'failed', problem: problemOf(new WritError('killed', detail)) };
}
