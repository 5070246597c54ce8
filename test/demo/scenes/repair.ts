// Scene two: an agent on the first partner's machine repairs a failing test, and its change is shown.
import { isTerminal, type AgentResource } from '#protocol';
import { join } from 'node:path';
import { until } from '../../support/until.js';
import type { Narrator } from '../narrator.js';
import { passesWith } from '../sample-repository.js';
import type { Stage } from '../stage.js';

export interface Job {
  readonly repository: string;
  readonly branch: string;
  readonly workItem: string;
  /** Whether its tests are known: then the repair is checked by running them on a clone of our own. */
  readonly sample: boolean;
}

const jobMs = 600_000;

/** @throws Error when the agent does not do its work */
export async function repair(stage: Stage, tell: Narrator, job: Job): Promise<AgentResource> {
  const { client } = stage.hub;
  const context = { repository: job.repository, branch: job.branch, workItems: [job.workItem] };
  const answer = await client.agents.spawn({ spoke: 'north', taskId: 'repair-1', agentType: 'worker', context });
  if (!('agent' in answer)) throw new Error('north did not answer in time');
  const { agentId } = answer.agent;
  tell.step(`north's signed answer: agent ${agentId.slice(0, 8)} is ${answer.agent.state}.`);
  for await (const { text } of client.agents.output(agentId)) tell.quote(text);
  const agent = await until('the agent has ended', async () => ended(await client.agents.get(agentId)), jobMs);
  if (agent.state !== 'completed') throw new Error(`the agent ${agent.state}: ${agent.reason ?? 'no reason given'}`);
  tell.step(`It ended: ${agent.result?.summary ?? ''}`);
  tell.step(
    `Its commit ${agent.result?.commit?.slice(0, 10) ?? '(none)'} on ${agent.result?.branch ?? '(no branch)'}, ran in a ${agent.sandbox?.level ?? '?'} sandbox:`,
  );
  await showDiff(stage, tell, job, agentId);
  return agent;
}

async function showDiff(stage: Stage, tell: Narrator, { sample, repository }: Job, agentId: string): Promise<void> {
  const { text } = await stage.hub.client.agents.diff(agentId);
  tell.quote(text);
  if (!sample) return;
  if (!passesWith(text, repository, join(stage.room('check'), 'clone')))
    throw new Error('the tests do not pass with the repair');
  tell.step('Applied to a fresh clone, the tests pass.');
}

function ended(agent: AgentResource): AgentResource | undefined {
  return isTerminal(agent.state) && agent.cleanup ? agent : undefined;
}
