// Scene three: an agent that would run for ever, with children that hide from signals, is seen, killed, and gone.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentResource } from '#protocol';
import { descendants, stillAlive, type Seen } from '../../support/processes.js';
import { until } from '../../support/until.js';
import type { Narrator } from '../narrator.js';
import type { Stage } from '../stage.js';

export interface Killed {
  readonly agent: AgentResource;
  readonly survivors: number;
}

/** A worktree has a file system path with the agent's id in it; what is left after the kill counts as a survivor too. */
function leftovers(stage: Stage, agentId: string): string[] {
  const folder = join(stage.south.instance.options.stateDir, 'worktrees');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(agentId));
}

export async function kill(stage: Stage, tell: Narrator, repository: string, branch: string): Promise<Killed> {
  const agentId = await spawnEndless(stage, tell, repository, branch);
  const before = await until('its children run', () => backgroundOf(stage), 20_000);
  tell.step(
    `On south's machine it is ${before.length} processes; ${before.filter(isHidden).length} of them called setsid and ignore SIGTERM.`,
  );
  await showFleet(stage, tell);
  const started = performance.now();
  const { report } = await stage.hub.client.agents.kill(agentId, 'the demo is over', 30);
  tell.step(
    `Killed, acknowledged after ${Math.round(performance.now() - started)} ms; the spoke looked and found ${report.survivors} processes.`,
  );
  const agent = await until(
    'it is cleaned up',
    async () => cleaned(await stage.hub.client.agents.get(agentId)),
    20_000,
  );
  const survivors = stillAlive(before).length + leftovers(stage, agentId).length;
  tell.step(
    `A look of our own at the machine: ${survivors} of those processes and no worktree left. Its status still answers: ${agent.state}.`,
  );
  return { agent, survivors: survivors + report.survivors };
}

async function spawnEndless(stage: Stage, tell: Narrator, repository: string, branch: string): Promise<string> {
  const workItems = [
    'Start two servers in the background with setsid that ignore SIGTERM, then wait for them for ever.',
  ];
  const body = {
    spoke: 'south',
    taskId: 'endless-1',
    agentType: 'worker',
    context: { repository, branch, workItems },
  } as const;
  const answer = await stage.hub.client.agents.spawn(body);
  if (!('agent' in answer)) throw new Error('south did not answer in time');
  tell.step(`south's signed answer: agent ${answer.agent.agentId.slice(0, 8)} is ${answer.agent.state}.`);
  return answer.agent.agentId;
}

const isHidden = ({ command }: Seen) => command.includes('trap') || command.includes('sleep 86400');

function backgroundOf(stage: Stage): Seen[] | undefined {
  // The spoke's own fork server is none of the agent's.
  const all = descendants(stage.south.instance.pid).filter(({ command }) => !command.includes('fork-server'));
  return all.filter(isHidden).length >= 3 ? all : undefined;
}

async function showFleet(stage: Stage, tell: Narrator): Promise<void> {
  tell.step('One status question over both partners:');
  const { agents } = await stage.hub.client.agents.list();
  const lines = agents.map(({ agentId, state, agentType, taskId, spoke }) =>
    [agentId.slice(0, 8), spoke?.name.padEnd(6), agentType, state.padEnd(9), taskId].join('  '),
  );
  tell.quote(lines.join('\n'));
}

function cleaned(agent: AgentResource): AgentResource | undefined {
  return agent.cleanup ? agent : undefined;
}
