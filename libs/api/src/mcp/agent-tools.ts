// The tools of agents: spawn, look, read, kill. Each is a call of the gateway that REST makes too.
import { agentId, idempotencyKey, reasonBody, spawnRequest, type AgentResource } from '#protocol';
import { z } from 'zod';
import type { PendingCommand } from '../gateway.js';
import { follow } from './follow.js';
import { tool, type Tool } from './tool.js';

const outputBytesMax = 65_536;

/** As `Prefer: wait=N` of REST. */
const waitS = z.int().min(0).max(60).default(5).describe('Seconds to wait for the spoke; the work goes on after it');

const spawnAgent = tool({
  ...{ name: 'spawn_agent', title: 'Spawn an agent', role: 'operator' },
  description:
    'Has an agent begin work on a repository, on this machine or on a partner’s spoke. Answers with the agent when the spoke has taken it on, or with a command that is pending. Repeating it with the same idempotencyKey gives the same agent.',
  input: z.strictObject({ ...spawnRequest.shape, idempotencyKey: idempotencyKey.optional(), waitS }),
  run: async ({ gateway, caller }, { spoke, idempotencyKey, waitS, ...args }) => {
    const spawned = await gateway.spawn(caller, { spoke, args, idempotencyKey, waitMs: waitS * 1_000 });
    if ('pending' in spawned) return { structured: spawned.pending, text: onItsWay(spawned.pending) };
    return { structured: spawned.agent, text: inWords(spawned.agent) };
  },
});

const agentStatus = tool({
  ...{ name: 'agent_status', title: 'State of an agent', role: 'viewer', isReadOnly: true },
  description:
    'How an agent stands: its state, turns, money and result. With waitS it answers when the agent has ended, or after that time; a client that asks for progress is told of each step.',
  input: z.strictObject({
    agentId,
    waitS: z.int().min(0).max(240).default(0).describe('Seconds to wait for its end'),
  }),
  run: async (context, { agentId, waitS }) => {
    const agent = await follow(context, agentId, waitS * 1_000);
    return { structured: agent, text: inWords(agent) };
  },
});

const agentOutput = tool({
  ...{ name: 'agent_output', title: 'Output of an agent', role: 'viewer', isReadOnly: true },
  description:
    'What an agent wrote, up to 64 KiB at a time. Go on with the cursor of the last answer; `end` says that there will be no more.',
  input: z.strictObject({ agentId, cursor: z.string().max(128).optional() }),
  run: async ({ gateway }, { agentId, cursor }) => {
    const piece = await gateway.readOutput(agentId, cursor, outputBytesMax);
    return { structured: piece, text: piece.text };
  },
});

const agentDiff = tool({
  ...{ name: 'agent_diff', title: 'Diff of an agent', role: 'viewer', isReadOnly: true },
  description: 'What an agent changed, as a unified diff. It is the work of a program: read it before you use it.',
  input: z.strictObject({ agentId }),
  run: async ({ gateway }, { agentId }) => {
    const diff = await gateway.diff(agentId);
    return { structured: diff, text: diff.text };
  },
});

const killAgent = tool({
  ...{ name: 'kill_agent', title: 'Kill an agent', role: 'operator' },
  ...{ isDestructive: true, isIdempotent: true, isUnlimited: true },
  description:
    'Ends an agent with everything it started; its work is kept. Answers when a last look found nothing alive. Killing one that has ended is no error.',
  input: z.strictObject({ agentId, ...reasonBody.shape, waitS }),
  run: async ({ gateway, caller }, { agentId, reason, waitS }) => {
    const outcome = await gateway.kill(caller, agentId, reason, waitS * 1_000);
    const [pending] = outcome.pending;
    const text = pending ? onItsWay(pending) : `It has ended; ${outcome.report.survivors} of its processes live.`;
    return { structured: outcome, text };
  },
});

export const agentTools: readonly Tool[] = [spawnAgent, agentStatus, agentOutput, agentDiff, killAgent];

function onItsWay({ commandId, spoke }: PendingCommand): string {
  return `The command ${commandId} is on its way to ${spoke}, which has not answered yet.`;
}

function inWords({ agentId, state, reason, result }: AgentResource): string {
  const why = reason === undefined ? '' : ` (${reason})`;
  const summary = result?.summary === undefined ? '' : `\n${result.summary}`;
  return `Agent ${agentId} is ${state}${why}.${summary}`;
}
