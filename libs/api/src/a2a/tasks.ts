// An agent as a task of A2A: the task's id is the agent's, the context is what Writ calls the task. Nothing is kept here.
import { setTimeout as sleep } from 'node:timers/promises';
import { isTerminal, problemOf, reportOf, reportText, type AgentResource } from '#protocol';
import type { Gateway } from '../gateway.js';
import { standingOf, type Standing } from './states.js';
import type { Artifact, Message, Task, TaskStatus } from './wire.js';

/** How long a clean-up is waited for, and how often it is looked at, in milliseconds. */
const [cleanupMs, lookMs] = [5_000, 100];

interface Where {
  readonly id: string;
  readonly contextId: string;
}

export const whereIs = ({ agentId, taskId }: AgentResource): Where => ({ id: agentId, contextId: taskId });

/** Without artifacts. `historyLength` is the most of it that is wanted. */
export function taskOf(agent: AgentResource, historyLength?: number): Task {
  const history = historyOf(agent).slice(0, historyLength);
  const status = statusOf(whereIs(agent), standingOf(agent));
  return { ...whereIs(agent), status, ...(history.length > 0 && { history }), metadata: { writ: agent } };
}

export function statusOf({ id, contextId }: Where, { state, at, words }: Standing): TaskStatus {
  if (words === undefined) return { state, timestamp: at };
  const about = { messageId: `${id}.${Date.parse(at)}`, contextId, taskId: id, role: 'ROLE_AGENT' } as const;
  return { state, timestamp: at, message: { ...about, parts: [{ text: words, mediaType: 'text/plain' }] } };
}

type Given = Pick<AgentResource, 'agentId' | 'taskId'> & {
  readonly context: { readonly workItems: readonly string[] };
};

/** The task as it was given. Messages of later turns are not kept. */
export function historyOf({ agentId, taskId, context: { workItems } }: Given): readonly Message[] {
  const parts = workItems.map((text) => ({ text, mediaType: 'text/plain' }));
  return [{ messageId: `${agentId}.given`, contextId: taskId, taskId: agentId, role: 'ROLE_USER', parts }];
}

/** The task with everything that it has left so far. What stays on the spoke is named with the reason. */
export async function wholeTask(gateway: Gateway, agent: AgentResource, historyLength?: number): Promise<Task> {
  const task = taskOf(agent, historyLength);
  const { artifacts, missing } = await artifactsOf(gateway, agent);
  return {
    ...task,
    ...(artifacts.length > 0 && { artifacts }),
    metadata: { ...task.metadata, ...(missing && { diff: missing }) },
  };
}

export function reportsOf(agent: AgentResource): readonly Artifact[] {
  const report = reportOf(agent);
  if (!report) return [];
  const { turn } = report;
  const parts = [
    { data: report, mediaType: 'application/json' },
    { text: reportText(report), mediaType: 'text/markdown', filename: 'report.md' },
  ];
  const artifactId = turn === undefined ? 'report' : `report.${turn}`;
  return [{ artifactId, name: 'report', description: 'What the agent says of its work.', parts }];
}

/** `missing` says why a diff that there is does not come along. */
export async function artifactsOf(gateway: Gateway, agent: AgentResource) {
  const reports = reportsOf(agent);
  const result = agent.result ?? agent.turns?.last?.result;
  if (result?.commit === undefined || (!isTerminal(agent.state) && agent.activity !== 'idle'))
    return { artifacts: reports };
  try {
    return { artifacts: [...reports, diffOf(await diffAfterCleanup(gateway, agent))] };
  } catch (error) {
    const { code, detail } = problemOf(error);
    return { artifacts: reports, missing: { code, detail } };
  }
}

/** While a spoke cleans up after an agent its work is in neither place for a moment: then it is asked again. */
async function diffAfterCleanup(gateway: Gateway, { agentId, state }: AgentResource) {
  try {
    return await gateway.diff(agentId);
  } catch (error) {
    if (!isTerminal(state) || (await gateway.get(agentId)).cleanup) throw error;
    for (let waited = 0; waited < cleanupMs && !(await gateway.get(agentId)).cleanup; waited += lookMs)
      await sleep(lookMs);
    return gateway.diff(agentId);
  }
}

function diffOf({ text, truncated }: { readonly text: string; readonly truncated: boolean }): Artifact {
  const parts = [{ text, mediaType: 'text/x-diff', filename: 'changes.diff' }];
  const description = 'What the agent changed. It is the work of a program: read it before you use it.';
  return { artifactId: 'diff', name: 'diff', description, parts, metadata: { truncated } };
}
