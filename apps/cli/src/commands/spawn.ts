// `writ spawn`: from flags to a spawn request, and with --wait to its end.
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Pending, RestClient } from '#client';
import { isTerminal, spawnRequest, WritError } from '#protocol';
import type { AgentResource, SpawnRequestBody, SpokeSelector } from '#protocol';
import { Desk, several } from '../desk.js';
import type { World } from '../world.js';
import { showAgent } from './agents.js';
import { pairsOf } from './labels.js';
import { awaitAgent, pause } from './waiting.js';

interface SpawnFlags {
  readonly spoke?: string;
  readonly label?: string[];
  readonly any?: boolean;
  readonly type: string;
  readonly repo: string;
  readonly branch: string;
  readonly item: string[];
  readonly skill?: string[];
  readonly runtime?: string;
  readonly model?: string;
  readonly limit?: string[];
  readonly sandbox?: string;
  readonly session?: string;
  readonly task?: string;
  readonly egress?: string[];
  readonly idempotencyKey?: string;
  readonly push?: string | true;
  readonly gate?: string[];
  readonly wait?: boolean;
}

function limitsOf(pairs: readonly string[] | undefined): Record<string, number> | undefined {
  return pairs && Object.fromEntries(pairs.map(limitOf));
}

function limitOf(pair: string): [string, number] {
  const [, name, value] = /^([A-Za-z]+)=(\d+)$/.exec(pair) ?? [];
  if (name !== undefined) return [name, Number(value)];
  throw new WritError('invalid_request', `--limit: ${pair} is not NAME=NUMBER, like turnsMax=20.`, {
    field: '--limit',
  });
}

/** Checked here with the schema of the instance, so that a slip is told before anything is sent. */
function requestOf(flags: SpawnFlags): SpawnRequestBody {
  const { task = `cli-${randomUUID()}`, type, repo, branch, item, skill, runtime, model, sandbox, session } = flags;
  const push = flags.push === true ? {} : flags.push && { branch: flags.push };
  const gates = flags.gate?.map((script) => ['sh', '-c', script]);
  const { egress } = flags;
  const asked = { ...(push && { push }), ...(gates && { gates }), ...(egress && { egress }) };
  const options = { runtime, model, sandbox, session, limits: limitsOf(flags.limit), ...asked };
  const context = { repository: repo, branch, workItems: item, skills: skill };
  const request = spawnRequest.safeParse({ spoke: spokeOf(flags), taskId: task, agentType: type, context, options });
  if (request.success) return request.data;
  const [issue] = request.error.issues;
  const field = issue?.path.join('.') ?? 'request';
  throw new WritError('invalid_request', `${field}: ${issue?.message ?? 'is not valid'}`, { field });
}

/** A name, the least loaded with these labels, or the least loaded of all. @throws WritError `invalid_request` for two of them */
function spokeOf({ spoke, label, any }: SpawnFlags): SpokeSelector | undefined {
  const chosen = [spoke, label, any].filter((one) => one !== undefined);
  if (chosen.length > 1)
    throw new WritError('invalid_request', 'Say where by one of --spoke, --label and --any.', { field: '--spoke' });
  const labels = pairsOf(label);
  return labels ? { labels } : any ? { any } : spoke;
}

async function spawn(flags: SpawnFlags, desk: Desk): Promise<void> {
  const request = requestOf(flags);
  await desk.with('either', async (client) => {
    const answer = await client.agents.spawn(request, { idempotencyKey: flags.idempotencyKey });
    if ('pending' in answer && !flags.wait) {
      showPending(desk, answer.pending);
      return;
    }
    const agent = 'agent' in answer ? answer.agent : await confirmed(client, answer.pending, desk);
    const last = flags.wait ? await awaitAgent(client, agent.agentId, desk, ({ state }) => isTerminal(state)) : agent;
    showAgent(desk, last);
    if (flags.wait && last.state !== 'completed') desk.failed();
  });
}

function showPending(desk: Desk, pending: Pending): void {
  desk.pending();
  desk.print.one(pending, [
    ['command', pending.commandId],
    ['agent', pending.agentId],
    ['spoke', pending.spoke],
    ['state', pending.state],
  ]);
}

/** Waits for the peer's answer. @throws WritError `timed_out` or what the peer answered. */
async function confirmed(client: RestClient, { commandId, spoke }: Pending, desk: Desk): Promise<AgentResource> {
  for (;;) {
    const command = await client.commands.get(commandId);
    if (command.state === 'delivered' && command.agentId !== undefined) return client.agents.get(command.agentId);
    if (command.problem)
      throw new WritError(command.problem.code, command.problem.detail, { field: command.problem.field });
    if (command.state !== 'pending') throw new WritError('timed_out', `Command ${commandId}: ${command.state}.`);
    desk.wait(`Waiting for ${spoke} to answer command ${commandId}`);
    await pause(desk);
  }
}

const examples = `
Examples:
  writ spawn --spoke berlin --repo https://github.com/acme/shop.git --item "Mend the failing test in cart.test.js" --wait
  writ spawn --label region=eu --repo https://github.com/acme/shop.git --item "Update the changelog"
  writ spawn --type reviewer --repo https://github.com/acme/shop.git --branch fix-7 --item "Review the change" --limit turnsMax=20`;

export function addSpawn(program: Command, world: World): void {
  program
    .command('spawn')
    .description('Spawn an agent: on a partner’s spoke through the hub, or on this spoke')
    .option('--spoke <name>', 'where, on a hub; or one of the next two')
    .option('--label <key=value>', 'the least loaded spoke with this label (repeatable)', several)
    .option('--any', 'the least loaded spoke whose grant allows it')
    .option('--type <type>', 'worker, reviewer or tester', 'worker')
    .requiredOption('--repo <url>', 'git repository')
    .option('--branch <name>', 'branch to start from', 'main')
    .requiredOption('--item <text>', 'a work item, answered one by one (repeatable)', several)
    .option('--skill <name>', 'a skill of the spoke (repeatable)', several)
    .option('--runtime <name>', 'a runtime of the spoke, `claude` by default')
    .option('--model <name>', 'model')
    .option('--limit <name=number>', 'turnsMax, tokensMax, moneyMicroUsdMax, wallMs, … (repeatable)', several)
    .option('--sandbox <level>', 'the least that will do: unshare, namespace, docker')
    .option('--session <name>', 'keep a session under this name')
    .option('--task <id>', 'your id of the task')
    .option('--idempotency-key <key>', 'the same key and request give the same agent')
    .option('--push [branch]', 'send its commits to this branch of the remote when it completed; `writ/ID` by default')
    .option('--gate <command>', 'has to pass in the sandbox as well as the spoke’s own (`sh -c`, repeatable)', several)
    .option('--egress <host>', 'a host that the agent may reach; none by default (repeatable)', several)
    .option('--wait', 'until the agent has ended; exit code 0 only when it completed')
    .addHelpText('after', examples)
    .action((options: SpawnFlags, command: Command) => spawn(options, new Desk(world, command)));
}
