// What a spoke counts and measures of its agents: how many live and wait, how fast they end, and what they leave on disk.
import type { MetricDefinition, Metrics } from '#api';
import type { AgentsObserver, LocalAgents } from '#agents';

const killBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60];

export const agentMetrics = {
  live: { name: 'writ_agents_live', kind: 'gauge', help: 'Agents that have not ended, by state.', labels: ['state'] },
  places: { name: 'writ_agent_places', kind: 'gauge', help: 'Agents that may live at once.', labels: [] },
  draining: {
    name: 'writ_draining',
    kind: 'gauge',
    help: 'Whether the spoke drains and takes no new agents: 1 or 0.',
    labels: [],
  },
  questions: {
    name: 'writ_questions_open',
    kind: 'gauge',
    help: 'Questions that wait for a person, by kind.',
    labels: ['kind'],
  },
  oldestQuestion: {
    name: 'writ_question_oldest_seconds',
    kind: 'gauge',
    help: 'How long the oldest of them waits; 0 when none does.',
    labels: [],
  },
  kills: {
    name: 'writ_kill_seconds',
    kind: 'histogram',
    help: 'From a kill of one agent (`agent`), of a scope (`all`) or of a lost hub’s agents (`lost`) to its report, which comes after a look has found nothing alive.',
    labels: ['scope'],
    buckets: killBuckets,
  },
  cleanups: {
    name: 'writ_cleanup_steps_total',
    kind: 'counter',
    help: 'Steps of clean-ups that were tried, by what came of them; what failed is tried again.',
    labels: ['step', 'outcome'],
  },
  disk: {
    name: 'writ_disk_bytes',
    kind: 'gauge',
    help: 'What worktrees and output take of the disk, as the last garbage collection found it (`gc.everyMs`).',
    labels: [],
  },
  diskMax: {
    name: 'writ_disk_budget_bytes',
    kind: 'gauge',
    help: 'What they may take (`gc.diskBytesMax`).',
    labels: [],
  },
} as const satisfies Record<string, MetricDefinition>;

const live = ['spawning', 'running'] as const;
const scopes = ['agent', 'all', 'lost'].map((scope) => ({ scope }));
const steps = ['sandbox', 'worktree'].flatMap((step) =>
  ['done', 'skipped', 'failed'].map((outcome) => ({ step, outcome })),
);

/** What happens among agents, counted. */
export function countAgents(metrics: Metrics): AgentsObserver {
  const killed = metrics.histogram(agentMetrics.kills, scopes);
  const cleaned = metrics.counter(agentMetrics.cleanups, steps);
  return {
    killed: (scope, seconds) => killed({ scope }, seconds),
    cleaned: (step, outcome) => cleaned({ step, outcome }),
  };
}

/** `places`: how many may live at once. */
export function measureAgents(metrics: Metrics, agents: LocalAgents, places: number): void {
  metrics.read(agentMetrics.live, async () => {
    const counts = await agents.counts();
    return live.map((state) => [{ state }, counts[state]]);
  });
  metrics.read(agentMetrics.places, () => [[{}, places]]);
  metrics.read(agentMetrics.draining, async () => [[{}, Number((await agents.draining()) !== undefined)]]);
  metrics.read(agentMetrics.disk, () => {
    const { bytes } = agents.disk();
    return bytes === undefined ? [] : [[{}, bytes]];
  });
  metrics.read(agentMetrics.diskMax, () => [[{}, agents.disk().bytesMax]]);
  measureQuestions(metrics, agents);
}

function measureQuestions(metrics: Metrics, agents: Pick<LocalAgents, 'questions'>): void {
  metrics.read(agentMetrics.questions, async () =>
    [...Map.groupBy(await agents.questions(), ({ kind }) => kind)].map(([kind, of]) => [{ kind }, of.length]),
  );
  metrics.read(agentMetrics.oldestQuestion, async () => {
    const now = Date.now();
    const asked = (await agents.questions()).map(({ askedAt }) => Date.parse(askedAt));
    return [[{}, Math.max(0, now - Math.min(now, ...asked)) / 1_000]];
  });
}
