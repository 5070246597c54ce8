// What the benchmark measures against each other: two processes a pair, a server and a client, and one call that goes there and back.

/** The serving side. `address` is handed to the client, as JSON. */
export interface Serving {
  readonly address: unknown;
  /** Absent when there is nothing to put away. */
  readonly close?: () => Promise<void>;
}

/** One round trip; rejects when the answer is not the one expected. */
export type Call = () => Promise<void>;

export interface BenchPair {
  readonly name: string;
  serve(): Promise<Serving>;
  connect(address: unknown): Promise<Call>;
}

/** What every status request asks for and every server answers: about the size of an agent's status. */
export const question = { agentId: '6f1c1e1c-5a4b-8e2e-9d43-2f6f0a9b7c11' };

export const answer = {
  agentId: question.agentId,
  taskId: 'task-1',
  agentType: 'worker',
  state: 'running',
  spawnedAt: '2026-01-01T00:00:00.000Z',
  context: {
    repository: 'https://git.example.org/team/app.git',
    branch: 'main',
    workItems: ['Repair the failing test.'],
  },
  usage: {
    turns: 3,
    inputTokens: 12_000,
    outputTokens: 900,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    moneyMicroUsd: 52_000,
  },
  outputBytes: 4_096,
};

/** @throws Error when this is not the answer. */
export function expectAnswer(body: unknown): void {
  if ((body as Partial<typeof answer>).agentId !== answer.agentId)
    throw new Error(`unexpected answer: ${JSON.stringify(body).slice(0, 200)}`);
}
