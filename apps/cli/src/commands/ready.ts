// `writ ready`: the one question of service managers, containers and scripts: does it answer, can it do its work.
import { InvalidArgumentError, type Command } from 'commander';
import { WritError, type Readiness } from '#protocol';
import { Desk } from '../desk.js';
import type { World } from '../world.js';
import { pause } from './waiting.js';

const lookMs = 250;
const waitSMax = 3_600;

interface ReadyFlags {
  readonly alive?: boolean;
  readonly wait?: number;
}

function seconds(text: string): number {
  const given = Number(text);
  if (Number.isFinite(given) && given >= 0 && given <= waitSMax) return given;
  throw new InvalidArgumentError(`0 to ${waitSMax} seconds.`);
}

/** Anew each time: where it listens may be known only later. */
async function ask(desk: Desk, alive: boolean): Promise<Readiness> {
  return desk.with('either', async (client) => {
    if (!alive) return client.ready();
    return { ready: await client.alive(), reasons: [] };
  });
}

async function untilReady(desk: Desk, { alive = false, wait = 0 }: ReadyFlags): Promise<Readiness> {
  for (const deadline = Date.now() + wait * 1_000; ;) {
    try {
      const answer = await ask(desk, alive);
      if (answer.ready || Date.now() >= deadline) return answer;
      desk.wait(`Not ready yet: ${answer.reasons.join(' ')}`);
    } catch (error) {
      const isAway = error instanceof WritError && error.code === 'peer_unavailable';
      if (!isAway || Date.now() >= deadline) throw error;
      desk.wait(`Not ready yet: ${error.detail}`);
    }
    await pause(desk, lookMs);
  }
}

async function ready(desk: Desk, flags: ReadyFlags): Promise<void> {
  const answer = await untilReady(desk, flags);
  desk.print.one(answer, [
    ['ready', answer.ready ? 'yes' : 'no'],
    ['because', answer.reasons.join(' ')],
    ['soon', answer.warnings?.join(' ')],
  ]);
  if (!answer.ready) desk.failed();
}

const examples = `
Examples:
  writ ready --wait 60              # after a start or an upgrade
  writ ready --alive                # the health check of a container`;

export function addReady(program: Command, world: World): void {
  program
    .command('ready')
    .description(
      'Whether the instance can do its work: exit 0, or 1 and why not, or 5 when nothing answers; needs no key',
    )
    .option('--alive', 'only whether it answers at all')
    .option('--wait <seconds>', 'until it does, so long at most', seconds)
    .addHelpText('after', examples)
    .action((flags: ReadyFlags, command: Command) => ready(new Desk(world, command), flags));
}
