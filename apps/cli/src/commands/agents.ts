// `writ ps`, `writ status`, `writ logs`, `writ diff`: what agents do and have done.
import type { Command } from 'commander';
import type { RestClient } from '#client';
import type { AgentListQuery, AgentResource, InstanceResource, LatchBody } from '#protocol';
import { Desk } from '../desk.js';
import type { Column } from '../printer.js';
import type { World } from '../world.js';
import { wholeId } from './ids.js';

const shownMax = 200;

const columns: Column<AgentResource>[] = [
  { title: 'AGENT', value: ({ agentId }) => agentId, short: ({ agentId }) => agentId.slice(0, 8) },
  { title: 'SPOKE', value: ({ spoke }) => spoke?.name ?? '-' },
  { title: 'TYPE', value: ({ agentType }) => agentType },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'WHY', value: ({ exitReason, phase, activity }) => exitReason ?? phase ?? activity ?? '' },
  { title: 'TASK', value: ({ taskId }) => taskId, short: ({ taskId }) => taskId.slice(0, 20) },
  { title: 'REPOSITORY', value: ({ context }) => `${context.repository}@${context.branch}` },
  { title: 'SPAWNED', value: ({ spawnedAt }) => spawnedAt },
];

const dollars = (microUsd: number) => `$${(microUsd / 1e6).toFixed(4)}`;

/** An agent with what matters of it, one value a line. */
export function showAgent(desk: Desk, agent: AgentResource): void {
  const { result, usage, sandbox, context } = agent;
  desk.print.one(agent, [
    ['agent', agent.agentId],
    ['spoke', agent.spoke?.name],
    ['state', agent.state],
    ['phase', agent.phase],
    ['session', agent.options.session && `${agent.options.session}, ${agent.activity ?? 'over'}`],
    ...turnLines(agent),
    ['why', agent.exitReason],
    ['reason', agent.reason],
    ['type', agent.agentType],
    ['task', agent.taskId],
    ['repository', `${context.repository}@${context.branch}`],
    ['sandbox', sandbox && `${sandbox.level} (${sandbox.enforced.join(', ')})`],
    ['spawned', agent.spawnedAt],
    ['ended', agent.endedAt],
    ['used', `${usage.turns} turns, ${usage.inputTokens + usage.outputTokens} tokens, ${dollars(usage.moneyMicroUsd)}`],
    ['summary', result?.summary],
    ...(result?.items ?? []).map(({ item, status, note }) => [`item ${item + 1}`, `${status}: ${note}`] as const),
    ...(result?.findings ?? []).map(({ file, line, message }) => ['finding', `${file}:${line} ${message}`] as const),
    ['verdict', result?.verdict && (result.verdict.passed ? 'passed' : 'failed')],
    ['branch', result?.branch],
    ['commit', result?.commit],
    ['as of', agent.asOf],
  ]);
}

function turnLines({ turns }: AgentResource): (readonly [string, string | undefined])[] {
  const last = turns?.last;
  if (!turns) return [];
  return [
    ['turns', `${turns.taken}`],
    ['last turn', last && `${last.turn}: ${last.state}${last.reason === undefined ? '' : ` (${last.reason})`}`],
    ['answer', last?.result?.summary],
  ];
}

interface ListFlags {
  readonly status?: string;
  readonly spoke?: string;
  readonly task?: string;
  readonly type?: string;
  readonly all?: boolean;
}

async function list({ status, spoke, task, type, all }: ListFlags, desk: Desk): Promise<void> {
  const states = status ?? (all ? undefined : 'spawning,running');
  const query = { state: states, spoke, taskId: task, agentType: type } as AgentListQuery;
  const agents: AgentResource[] = await desk.with('either', async (client) => {
    const found: AgentResource[] = [];
    for await (const agent of client.agents.all(query)) if (found.push(agent) >= shownMax) break;
    return found;
  });
  desk.print.list(agents, columns, all ? 'No agents.' : 'No live agents. (`writ ps --all` shows ended ones too.)');
  if (agents.length >= shownMax) desk.world.err(`Only the newest ${shownMax} are shown; filter for more.\n`);
}

async function status(given: string | undefined, desk: Desk): Promise<void> {
  if (given === undefined) return overview(desk);
  showAgent(desk, await desk.with('either', async (client) => client.agents.get(await wholeId(client, given))));
}

async function overview(desk: Desk): Promise<void> {
  const { instance, latches, live } = await desk.with('either', async (client) => {
    const latches = await client.kill.latches();
    return { instance: await client.instance(), latches, live: await countLive(client) };
  });
  desk.print.one({ instance, latches, live: Object.fromEntries(live) }, overviewLines(instance, latches, live));
}

async function countLive(client: RestClient): Promise<Map<string, number>> {
  const live = new Map<string, number>();
  for await (const { spoke } of client.agents.all({ state: ['spawning', 'running'] })) {
    const place = spoke?.name ?? 'here';
    live.set(place, (live.get(place) ?? 0) + 1);
  }
  return live;
}

function overviewLines(
  instance: InstanceResource,
  latches: LatchBody[],
  live: Map<string, number>,
): (readonly [string, string])[] {
  const wrong = instance.checks
    .filter(({ outcome }) => outcome !== 'ok')
    .map(({ name, detail }) => `${name}: ${detail}`);
  return [
    [instance.role, `${instance.name}, version ${instance.version}`],
    ['six words', instance.words.join(' ')],
    ['live agents', [...live].map(([place, count]) => `${place} ${count}`).join(', ') || 'none'],
    ...latches.map(({ scope, reason }) => ['killswitch', `${scope}: ${reason}`] as const),
    ...wrong.map((text) => ['check', text] as const),
  ];
}

async function logs(given: string, { follow, since }: { follow?: boolean; since?: string }, desk: Desk): Promise<void> {
  await desk.with('either', async (client) => {
    const id = await wholeId(client, given);
    const pieces = follow ? client.agents.output(id, since, desk.world.signal) : untilNow(client, id, since);
    for await (const piece of pieces) {
      if (desk.print.form === 'json') desk.print.jsonLine(piece);
      else desk.print.raw(piece.dropped > 0 ? `[${piece.dropped} bytes dropped]\n${piece.text}` : piece.text);
    }
  });
}

async function* untilNow(client: RestClient, id: string, since: string | undefined) {
  for (let cursor = since; ;) {
    const piece = await client.agents.readOutput(id, cursor);
    yield piece;
    if (piece.end || piece.text === '') return;
    cursor = piece.cursor;
  }
}

async function diff(given: string, desk: Desk): Promise<void> {
  const found = await desk.with('either', async (client) => client.agents.diff(await wholeId(client, given)));
  if (desk.print.form === 'json') {
    desk.print.json(found);
    return;
  }
  desk.print.raw(found.text);
  if (found.truncated) desk.world.err('The diff was cut at its limit.\n');
}

export function addAgents(program: Command, world: World): void {
  program
    .command('ps')
    .description('Agents, newest first: live ones, or with --all ended ones too')
    .option('--all', 'ended ones too')
    .option('--status <states>', 'spawning, running, completed, failed, killed (with commas)')
    .option('--spoke <name>', 'of one spoke (on a hub)')
    .option('--task <id>', 'of one task')
    .option('--type <type>', 'worker, reviewer or tester')
    .addHelpText('after', '\nExamples:\n  writ ps\n  writ ps --all --spoke berlin -o json')
    .action((options: ListFlags, command: Command) => list(options, new Desk(world, command)));
  program
    .command('status [agent]')
    .description('One agent in full, by its id or the beginning of it; without one the instance')
    .action((id: string | undefined, _options, command: Command) => status(id, new Desk(world, command)));
  program
    .command('logs <agent>')
    .description('What an agent wrote; with -f as it comes, over cuts and restarts, to its end')
    .option('-f, --follow', 'go on until the end')
    .option('--since <cursor>', 'go on after this piece')
    .action((id: string, options: { follow?: boolean }, command: Command) =>
      logs(id, options, new Desk(world, command)),
    );
  program
    .command('diff <agent>')
    .description('What an agent changed, as a unified diff')
    .action((id: string, _options, command: Command) => diff(id, new Desk(world, command)));
}
