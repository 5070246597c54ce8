// `writ kill`: one agent, all of them, or the reset of the killswitch, which is also `writ unlock`.
import { InvalidArgumentError, type Command } from 'commander';
import type { RestClient } from '#client';
import { WritError } from '#protocol';
import type { KillOutcomeResource, KillSelected } from '#protocol';
import { Desk, several } from '../desk.js';
import type { World } from '../world.js';
import { wholeId } from './ids.js';
import { showLatches, showMeant, showOutcome } from './kill-outcome.js';
import { pairsOf } from './labels.js';
import { whileTelling } from './waiting.js';

interface KillFlags {
  readonly all?: boolean;
  readonly reset?: boolean;
  readonly scope: string;
  readonly reason: string;
  readonly task?: string;
  readonly type?: string;
  readonly spoke?: string;
  readonly label?: string[];
  readonly dryRun?: boolean;
  readonly wait?: number;
}

/** The most that an instance lets anybody wait. */
const waitSMax = 60;

function waitS(given: string): number {
  if (/^\d{1,2}$/.test(given) && Number(given) <= waitSMax) return Number(given);
  throw new InvalidArgumentError(`0 to ${waitSMax} seconds.`);
}

/** Undefined when nothing selects. */
function selectionOf({ task, type, spoke, label }: KillFlags): KillSelected['select'] | undefined {
  if ([task, type, spoke, label].every((part) => part === undefined)) return undefined;
  return { taskId: task, agentType: type, spoke, labels: pairsOf(label) } as KillSelected['select'];
}

async function kill(given: string | undefined, flags: KillFlags, desk: Desk): Promise<void> {
  const { all, reset, scope, reason } = flags;
  const select = selectionOf(flags);
  const chosen = [given, all, reset, select].filter((choice) => choice !== undefined);
  if (chosen.length !== 1)
    throw new WritError('invalid_request', 'Name one agent, or a selection, or --all, or --reset.', { field: 'agent' });
  if (flags.dryRun && !select)
    throw new WritError('invalid_request', '--dry-run wants a selection: --task, --type, --spoke or --label.', {
      field: 'dryRun',
    });
  await desk.with('either', async (client) => {
    if (reset) showLatches(desk, await client.kill.reset({ scope, reason }));
    else if (select && flags.dryRun)
      showMeant(desk, await client.agents.killSelected({ select, reason, dryRun: true }));
    else showOutcome(desk, await killed(client, given, flags, desk));
  });
}

/** One agent, or many; of many it is told how many live still. */
async function killed(
  client: RestClient,
  given: string | undefined,
  flags: KillFlags,
  desk: Desk,
): Promise<KillOutcomeResource> {
  const { scope, reason, wait } = flags;
  const select = selectionOf(flags);
  if (given !== undefined) {
    const id = await wholeId(client, given);
    desk.wait(`Waiting until nothing of ${id} lives`);
    return client.agents.kill(id, reason, wait);
  }
  desk.wait('Waiting until nothing of them lives');
  const asked = select
    ? client.agents.killSelected({ select, reason }, wait)
    : client.kill.all({ scope, reason }, wait);
  return whileTelling(asked, desk, async () => {
    const { spawning, running } = (await client.agents.counts()).total;
    return `Waiting until nothing of them lives; ${spawning + running} live here still`;
  });
}

const examples = `
Examples:
  writ kill 0b1c2d3e --reason "wrong branch"
  writ kill --task nightly-7 --dry-run
  writ kill --task nightly-7 --label region=eu --reason "wrong branch"
  writ kill --all --reason "incident 42"
  writ kill --all --scope spoke:berlin
  writ kill --reset`;

export function addKill(program: Command, world: World): void {
  program
    .command('kill [agent]')
    .description(
      'Kill an agent, or all; answered only after a look has found nothing alive. --all also refuses new ones until --reset',
    )
    .option('--task <id>', 'all live agents of this task; with the next three: that fit all of them')
    .option('--type <type>', 'all live workers, reviewers or testers')
    .option('--spoke <name>', 'all that live there (on a hub)')
    .option('--label <key=value>', 'all that live on spokes with this label (on a hub; repeatable)', several)
    .option('--dry-run', 'with a selection: only say which ones')
    .option('--all', 'all agents of the scope, and no new ones until --reset')
    .option('--reset', 'allow new agents again')
    .option('--scope <scope>', 'all; spoke:<name> on a hub; hub:<name> on a spoke', 'all')
    .option('--reason <text>', 'why; it goes into the records', 'asked for on the command line')
    .option('--wait <seconds>', 'how long to wait for the word that nothing lives, 0 to 60', waitS, 15)
    .addHelpText('after', examples)
    .action((id: string | undefined, options: KillFlags, command: Command) =>
      kill(id, options, new Desk(world, command)),
    );
  program
    .command('unlock')
    .description('Reset the killswitch: the same as `kill --reset`')
    .option('--scope <scope>', 'all; spoke:<name> on a hub; hub:<name> on a spoke', 'all')
    .option('--reason <text>', 'why; it goes into the records', 'asked for on the command line')
    .action((options: KillFlags, command: Command) =>
      kill(undefined, { ...options, reset: true }, new Desk(world, command)),
    );
}
