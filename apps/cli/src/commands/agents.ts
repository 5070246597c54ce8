// `writ ps`, `writ status`, `writ logs`, `writ report`, `writ diff`: what agents do and have done.
import type { Command } from 'commander';
import type { ListQuery, RestClient } from '#client';
import { agentStates, reportText } from '#protocol';
import type {
  AgentCounts,
  AgentCountsResource,
  AgentResource,
  GateReport,
  InstanceResource,
  LatchBody,
} from '#protocol';
import { Desk, several } from '../desk.js';
import { harmless, type Column } from '../printer.js';
import { dollars } from '../progress/words.js';
import { takesWatch } from '../watch.js';
import type { World } from '../world.js';
import { wholeId } from './ids.js';
import { pairsOf } from './labels.js';

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
    ...(result?.gates ?? []).map((gate) => ['gate', gateLine(gate)] as const),
    ...(result?.secrets ?? []).map(({ rule, file, line }) => ['secret', `${file}:${line} (${rule})`] as const),
    ['branch', result?.branch],
    ['commit', result?.commit],
    ['as of', agent.asOf],
  ]);
}

function gateLine({ command, passed, reason = '', output = '' }: GateReport): string {
  return passed ? `passed: ${command}` : `did not pass: ${command} ${reason}\n${output}`.trimEnd();
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
  readonly label?: string[];
  readonly live?: boolean;
  readonly counts?: boolean;
  readonly all?: boolean;
}

async function list(flags: ListFlags, desk: Desk): Promise<void> {
  if (flags.counts) return showCounts(desk);
  const { status, spoke, task, type, label, all } = flags;
  const states = status ?? (all ? undefined : 'spawning,running');
  const query = { state: states, spoke, taskId: task, agentType: type, label: pairsOf(label) } as ListQuery;
  const agents = await desk.with('either', (client) =>
    flags.live ? askedNow(client, query, desk) : known(client, query),
  );
  desk.print.list(agents, columns, all ? 'No agents.' : 'No live agents. (`writ ps --all` shows ended ones too.)');
  if (agents.length >= shownMax) desk.world.err(`Only the newest ${shownMax} are shown; filter for more.\n`);
}

async function known(client: RestClient, query: ListQuery): Promise<AgentResource[]> {
  const found: AgentResource[] = [];
  for await (const agent of client.agents.all(query)) if (found.push(agent) >= shownMax) break;
  return found;
}

/** Who is missing is told beside the list, and the exit code says that there is more to know. */
async function askedNow(client: RestClient, query: ListQuery, desk: Desk): Promise<AgentResource[]> {
  const { agents, unanswered = [], truncated } = await client.agents.list({ ...query, live: true, limit: shownMax });
  for (const { name, reason } of unanswered) desk.world.err(`${harmless(name)} did not answer: ${harmless(reason)}\n`);
  if (truncated) desk.world.err('Older agents are left out: filter for more.\n');
  if (unanswered.length > 0) desk.pending();
  return agents;
}

type CountLine = AgentCountsResource['spokes'][number];

const countColumns: Column<Pick<CountLine, 'name' | 'counts'> & Partial<CountLine>>[] = [
  { title: 'SPOKE', value: ({ name }) => name },
  ...agentStates.map((state) => ({
    title: state.toUpperCase(),
    value: ({ counts }: Pick<CountLine, 'counts'>) => counts[state],
  })),
  {
    title: 'AS OF',
    value: ({ asOf, connected }) => (connected === false ? `${asOf ?? 'never'} (not connected)` : asOf),
  },
];

async function showCounts(desk: Desk): Promise<void> {
  const counts = await desk.with('either', (client) => client.agents.counts());
  if (desk.print.form === 'json') desk.print.json(counts);
  else desk.print.list([...counts.spokes, { name: 'all', counts: counts.total }], countColumns, 'No agents.');
}

async function status(given: string | undefined, desk: Desk): Promise<void> {
  if (given === undefined) return overview(desk);
  showAgent(desk, await desk.with('either', async (client) => client.agents.get(await wholeId(client, given))));
}

async function overview(desk: Desk): Promise<void> {
  const { instance, latches, live } = await desk.with('either', async (client) => {
    const latches = await client.kill.latches();
    return { instance: await client.instance(), latches, live: livePlaces(await client.agents.counts()) };
  });
  desk.print.one({ instance, latches, live: Object.fromEntries(live) }, overviewLines(instance, latches, live));
}

function liveOf({ spawning, running }: AgentCounts): number {
  return spawning + running;
}

/** Where agents live now, and how many. */
function livePlaces({ total, spokes }: AgentCountsResource): [string, number][] {
  const places: [string, number][] =
    spokes.length > 0 ? spokes.map(({ name, counts }) => [name, liveOf(counts)]) : [['here', liveOf(total)]];
  return places.filter(([, count]) => count > 0);
}

function overviewLines(
  instance: InstanceResource,
  latches: LatchBody[],
  live: readonly [string, number][],
): (readonly [string, string])[] {
  const wrong = instance.checks
    .filter(({ outcome }) => outcome !== 'ok')
    .map(({ name, detail }) => `${name}: ${detail}`);
  return [
    [instance.role, `${instance.name}, version ${instance.version}`],
    ['six words', instance.words.join(' ')],
    ['live agents', live.map(([place, count]) => `${place} ${count}`).join(', ') || 'none'],
    ...latches.map(({ scope, reason }) => ['killswitch', `${scope}: ${reason}`] as const),
    ...wrong.map((text) => ['check', text] as const),
  ];
}

async function logs(given: string, { follow, since }: { follow?: boolean; since?: string }, desk: Desk): Promise<void> {
  await desk.with('either', async (client) => {
    const id = await wholeId(client, given);
    let dropped = 0;
    const pieces = follow ? client.agents.output(id, since, desk.world.signal) : untilNow(client, id, since);
    for await (const piece of pieces) {
      if (desk.print.form === 'json') desk.print.jsonLine(piece);
      else desk.print.raw(piece.text);
      dropped = piece.dropped;
    }
    if (dropped > 0) desk.world.err(`${dropped} bytes of what it said were dropped.\n`);
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

async function report(given: string, desk: Desk): Promise<void> {
  const found = await desk.with('either', async (client) => client.agents.report(await wholeId(client, given)));
  if (desk.print.form === 'json') desk.print.json(found);
  else desk.print.raw(reportText(found));
}

const psExamples = `
Examples:
  writ ps
  writ ps --all --spoke berlin -o json
  writ ps --live --label region=eu
  writ ps --counts`;

export function addAgents(program: Command, world: World): void {
  takesWatch(program.command('ps'), world)
    .description('Agents, newest first: live ones, or with --all ended ones too')
    .option('--all', 'ended ones too')
    .option('--status <states>', 'spawning, running, completed, failed, killed (with commas)')
    .option('--spoke <name>', 'of one spoke (on a hub)')
    .option('--task <id>', 'of one task')
    .option('--type <type>', 'worker, reviewer or tester')
    .option('--label <key=value>', 'of spokes with this label (on a hub; repeatable)', several)
    .option('--live', 'ask the spokes now, and say who did not answer (on a hub)')
    .option('--counts', 'only how many, by state and spoke')
    .addHelpText('after', psExamples)
    .action((options: ListFlags, command: Command) => list(options, new Desk(world, command)));
  takesWatch(program.command('status [agent]'), world)
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
    .command('report <agent>')
    .description('What an agent reports: findings, verdict and gates, as Markdown or JSON')
    .action((id: string, _options, command: Command) => report(id, new Desk(world, command)));
  program
    .command('diff <agent>')
    .description('What an agent changed, as a unified diff')
    .action((id: string, _options, command: Command) => diff(id, new Desk(world, command)));
}
