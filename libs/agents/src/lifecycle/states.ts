// The state machine of an agent. Pure: what a record becomes; the register commits it.
import { WritError } from '#protocol';
import { redacted } from './redact.js';
import { hasSession, isLive, type AgentRecord, type Ending, type Phase } from './record.js';

//                       ┌────────────┐  something runs   ┌─────────┐  finished   ┌───────────┐
//   spawn ─────────────▶│  spawning  │──────────────────▶│ running │────────────▶│ completed │
//                       └────────────┘                   └─────────┘             └───────────┘
//     phase: (approval →) queued → worktree → sandbox      │     │
//                         │      │                         │     │   error, limit,   ┌────────┐
//                         │      └─────────────────────────┼─────┴──────────────────▶│ failed │
//                         │                                │   restart, shutdown     └────────┘
//                         │                                │  kill, and a look       ┌────────┐
//                         │                                │   (a session stays running between its turns: see sessions/turns.ts)
//                         └────────────────────────────────┴────────────────────────▶│ killed │
//                                                             found nothing alive    └────────┘
// The last three are final. Every terminal state is recorded only after nothing of the agent lives any more.

export type { Ending };

function refuse(record: AgentRecord, wish: string): never {
  throw new WritError('invalid_transition', `The agent is ${record.state} and cannot become ${wish}.`);
}

export function toPhase(record: AgentRecord, phase: Phase): AgentRecord {
  if (record.state !== 'spawning') refuse(record, `spawning (${phase})`);
  return { ...record, phase };
}

export function toRunning(record: AgentRecord, enforced: readonly string[], at: string): AgentRecord {
  if (record.state !== 'spawning') refuse(record, 'running');
  const sandbox = { level: record.sandbox.level, enforced: [...enforced] };
  const running = { ...record, state: 'running', phase: undefined, startedAt: at, sandbox } as const;
  if (!hasSession(record)) return running;
  const current = { turnId: record.agentId, turn: 1, startedAt: at };
  return { ...running, activity: 'busy', turns: { taken: 1, current } };
}

export function toEnded(record: AgentRecord, ending: Ending, at: string): AgentRecord {
  if (!isLive(record.state) || (ending.state === 'completed' && record.state !== 'running'))
    refuse(record, ending.state);
  const reason = ending.state === 'killed' ? ending.reason : redacted(ending.reason);
  const over = { ...record, ...ending, ...withoutTurn(record), judged: undefined, restoring: undefined };
  return { ...over, phase: undefined, question: undefined, reason, endedAt: at };
}

/** A turn that was on ends with its agent, without an end of its own. */
function withoutTurn({ turns }: AgentRecord): Partial<AgentRecord> {
  return turns ? { activity: undefined, turns: { ...turns, current: undefined } } : {};
}
