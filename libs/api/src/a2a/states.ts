// The states of A2A as the states of an agent make them. docs/a2a.md has the same table for readers.
//
//   spawning ─────────────── SUBMITTED          completed ── COMPLETED
//   running ──────────────── WORKING            failed ───── FAILED, or REJECTED when it was not approved
//   a question is open ───── INPUT_REQUIRED     killed ───── CANCELED
//   a session that is idle ─ INPUT_REQUIRED
import type { AgentEvent, AgentResource, Question } from '#protocol';
import type { TaskState } from './wire.js';

/** `at` is when it came about; `words` say why, or what is waited for. */
export interface Standing {
  readonly state: TaskState;
  readonly at: string;
  readonly words?: string | undefined;
}

const notApproved: readonly unknown[] = ['approval_denied', 'approval_expired'];
const turnWords = 'The turn is over; the session waits for the next message.';

export function standingOf(agent: AgentResource): Standing {
  const { state, question, spawnedAt, startedAt = spawnedAt, turns, reason } = agent;
  const ended = { at: agent.endedAt ?? startedAt, words: reason };
  if (state === 'completed') return { state: 'TASK_STATE_COMPLETED', ...ended };
  if (state === 'killed') return { state: 'TASK_STATE_CANCELED', ...ended };
  if (state === 'failed') return { state: failed(agent.exitReason), ...ended };
  if (question) return asked(question);
  if (agent.activity === 'idle') return idle(turns?.last?.endedAt ?? startedAt);
  if (state === 'running') return { state: 'TASK_STATE_WORKING', at: turns?.current?.startedAt ?? startedAt };
  return { state: 'TASK_STATE_SUBMITTED', at: spawnedAt };
}

/** What an event that is no end makes of its task; undefined when that stays as it was. */
export function standingAfter(event: AgentEvent): Standing | undefined {
  const { type, time: at, data } = event;
  if (type === 'agent.spawned') return { state: 'TASK_STATE_SUBMITTED', at };
  if (type === 'agent.running') return { state: 'TASK_STATE_WORKING', at };
  if (type === 'agent.question') return asked(data.question);
  if (type === 'agent.turn') return data.activity === 'idle' ? idle(at) : { state: 'TASK_STATE_WORKING', at };
  if (type !== 'agent.answer' || (data.answer.kind === 'spawn' && !data.answer.allows)) return undefined;
  return { state: data.answer.kind === 'spawn' ? 'TASK_STATE_SUBMITTED' : 'TASK_STATE_WORKING', at };
}

export function isEnd({ type }: AgentEvent): boolean {
  return type === 'agent.completed' || type === 'agent.failed' || type === 'agent.killed';
}

function failed(exitReason: AgentResource['exitReason']): TaskState {
  return notApproved.includes(exitReason) ? 'TASK_STATE_REJECTED' : 'TASK_STATE_FAILED';
}

function idle(at: string): Standing {
  return { state: 'TASK_STATE_INPUT_REQUIRED', at, words: turnWords };
}

/** Only people of the spoke may answer: that is what they granted approval for. */
function asked({ title, askedAt, until }: Question): Standing {
  const words = `${title} A person of the spoke has to answer until ${until} (\`writ questions\` there); no message can.`;
  return { state: 'TASK_STATE_INPUT_REQUIRED', at: askedAt, words };
}
