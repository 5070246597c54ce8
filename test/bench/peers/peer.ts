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

/** What every status request asks for and every server answers: what our own spoke says of an agent that has ended. */
export const question = { agentId: '6f1c1e1c-5a4b-8e2e-9d43-2f6f0a9b7c11' };

const done = { outcome: 'done' };

export const answer = {
  agentId: question.agentId,
  taskId: 'bench',
  agentType: 'worker',
  state: 'completed',
  owner: 'hT2fYx0oQy6bS1u9VnKcWg',
  context: { repository: 'file:///tmp/writ-bench-Xw3kQz/sample.git', branch: 'main', workItems: ['Nothing.'] },
  options: { runtime: 'noop' },
  limits: {
    turnsMax: 50,
    tokensMax: 2_000_000,
    moneyMicroUsdMax: 5_000_000,
    wallMs: 3_600_000,
    outputBytesMax: 67_108_864,
    memoryBytesMax: 2_147_483_648,
    pidsMax: 256,
  },
  sandbox: { level: 'none', enforced: [] },
  spawnedAt: '2026-01-01T00:00:00.000Z',
  startedAt: '2026-01-01T00:00:00.400Z',
  endedAt: '2026-01-01T00:00:00.500Z',
  reason: 'The agent finished its work.',
  exitReason: 'finished',
  actor: { kind: 'system', id: 'spoke' },
  usage: { turns: 0, inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, moneyMicroUsd: 0 },
  outputBytes: 0,
  result: { summary: '', items: [{ item: 0, status: 'done', note: '' }], exitCode: 0 },
  cleanup: { sandbox: done, worktree: done, lease: done },
};

/** @throws Error when this is not the answer. */
export function expectAnswer(body: unknown): void {
  if ((body as Partial<typeof answer>).agentId !== answer.agentId)
    throw new Error(`unexpected answer: ${JSON.stringify(body).slice(0, 200)}`);
}
