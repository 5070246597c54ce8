// Events as a spoke would journal them, and the stream in which a hub keeps them, for tests of the fleet view.
import { agentEvent, agentIdOf, type AgentEvent, type EventData, type EventType, type Question } from '#protocol';
import { fleetEventsOf, type JournalEntry } from '#federation';
import type { Store } from '#store';

const usage = {
  turns: 1,
  inputTokens: 2,
  outputTokens: 3,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  moneyMicroUsd: 4,
};
const actor = { kind: 'peer', id: 'hub' } as const;
const step = { outcome: 'done' } as const;
const context = { repository: 'https://example.org/a', branch: 'main', workItems: ['do it'] };

const question: Question = {
  questionId: 'AAAAAAAAAAAAAAAAAAAAAA',
  kind: 'spawn',
  title: 'May it begin?',
  options: [{ id: 'approve', label: 'Approve', allows: true }],
  askedAt: '2026-01-01T00:00:00.000Z',
  until: '2026-01-01T01:00:00.000Z',
};

/** The data of an event of each kind, as small as it may be. */
const samples: { readonly [T in EventType]: EventData<T> } = {
  'agent.spawned': { taskId: 'task', agentType: 'worker', context, options: {}, limits: {}, actor },
  'agent.running': { sandbox: { level: 'namespace', enforced: ['network'] } },
  'agent.turn': { turnId: '6f0bd2a8-0000-4000-8000-000000000001', turn: 1, activity: 'busy', actor },
  'agent.restored': {
    turnId: '6f0bd2a8-0000-4000-8000-000000000002',
    turn: 3,
    to: 1,
    left: 0,
    actor,
    reason: 'wrong way',
  },
  'agent.completed': { result: { summary: 'done', items: [] }, usage, outputBytes: 9, exitReason: 'finished' },
  'agent.failed': { reason: 'it broke', exitReason: 'exit_code', usage, outputBytes: 9, actor },
  'agent.killed': { reason: 'enough', exitReason: 'killed', usage, outputBytes: 9, actor },
  'agent.cleanup': { cleanup: { sandbox: step, worktree: step, lease: step } },
  'agent.output': { offset: 0, bytes: 5, text: 'hello' },
  'agent.usage': { usage },
  'agent.question': { question },
  'agent.answer': {
    answer: {
      questionId: question.questionId,
      kind: 'spawn',
      option: 'approve',
      allows: true,
      actor,
      at: question.askedAt,
    },
  },
  'grant.changed': { version: 2 },
};

export const agentNo = (n: number) => agentIdOf('AAAAAAAAAAAAAAAAAAAAAA', `agent-${n}`);

/** One event; its time is `second` after a fixed moment. */
export function told<T extends EventType>(
  type: T,
  agentId: string,
  data: Partial<EventData<T>> = {},
  second = 0,
): AgentEvent {
  const time = new Date(Date.parse('2026-01-01T00:00:00.000Z') + second * 1_000).toISOString();
  const head = { specversion: '1.0', id: `${type}-${second}`, source: 'spoke', type, subject: agentId, time };
  return agentEvent.parse({ ...head, data: { ...samples[type], ...data } });
}

/** Appends to the accepted journal of a connection. */
export async function journal(store: Store, connectionId: string, ...events: (AgentEvent | string)[]): Promise<void> {
  const stream = fleetEventsOf(connectionId);
  const texts = events.map((event) => (typeof event === 'string' ? event : JSON.stringify(event)));
  const entry = (event: string): JournalEntry => ({ kind: 'event', epo: 'e', seq: 1, h: 'h', event, at: 'now' });
  await store.commit({ appends: texts.map((text) => ({ stream, value: entry(text) })) });
}
