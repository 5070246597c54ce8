// Scene two: an agent on the first partner's machine repairs a failing test, and its change is shown.
import { isTerminal, type AgentResource } from '#protocol';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../support/until.js';
import type { Narrator } from '../narrator.js';
import { fetchInto, passesWith } from '../sample-repository.js';
import type { Stage } from '../stage.js';

export interface Job {
  readonly repository: string;
  readonly branch: string;
  readonly workItem: string;
  /** Of the user's own repository: the work is brought there. Without it, it is the sample, whose tests are known and tell whether the repair is one. */
  readonly folder?: string;
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
  if (job.folder !== undefined) bringHome(stage, tell, job.folder, agent);
  return agent;
}

async function showDiff(stage: Stage, tell: Narrator, { folder, repository }: Job, agentId: string): Promise<void> {
  const { text } = await stage.hub.client.agents.diff(agentId);
  tell.quote(text);
  if (folder !== undefined) return;
  if (!passesWith(text, repository, join(stage.room('check'), 'clone')))
    throw new Error('the tests do not pass with the repair');
  tell.step('Applied to a fresh clone, the tests pass.');
}

/** The stage is removed at the end, and the spoke's mirror with it: the branch goes to the user's repository, where nothing else changes. */
function bringHome(stage: Stage, tell: Narrator, folder: string, { agentId, result }: AgentResource): void {
  if (!result?.branch || !result.commit) {
    tell.step('It changed nothing, so there is no branch to look at.');
    return;
  }
  const mirrors = join(stage.north.instance.options.stateDir, 'worktrees', 'mirrors');
  const [mirror = ''] = readdirSync(mirrors);
  fetchInto(folder, join(mirrors, mirror), `refs/writ/harvested/${agentId}:refs/heads/${result.branch}`);
  tell.step(`The branch is in your repository now: git -C ${folder} show ${result.branch}`);
}

function ended(agent: AgentResource): AgentResource | undefined {
  return isTerminal(agent.state) && agent.cleanup ? agent : undefined;
}
