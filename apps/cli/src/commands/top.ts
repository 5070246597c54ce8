// `writ top`: the fleet, live in the terminal.
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError, type Command } from 'commander';
import type { RestClient } from '#client';
import { problemOf } from '#protocol';
import { Desk } from '../desk.js';
import { frame } from '../top/frame.js';
import { Screen } from '../top/screen.js';
import { takeSnapshot, type Snapshot } from '../top/snapshot.js';
import type { World } from '../world.js';

const plainSize = { columns: 200, rows: 10_000 };

export function addTop(program: Command, world: World): void {
  program
    .command('top')
    .description('The fleet, live: peers, agents, turns and money; once where there is no terminal')
    .option('--every <seconds>', 'how often to look, 1 to 3600', everySeconds, 1)
    .action(async ({ every }: { every: number }, command: Command) => {
      const desk = new Desk(world, command);
      await desk.with('either', async (client) => {
        if (desk.print.form === 'table' && world.interactive) await live(desk, client, every * 1_000);
        else once(desk, await takeSnapshot(client));
      });
    });
}

function everySeconds(text: string): number {
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 1 && seconds <= 3_600) return seconds;
  throw new InvalidArgumentError('1 to 3600 seconds.');
}

function once(desk: Desk, snapshot: Snapshot): void {
  if (desk.print.form === 'json') desk.print.json(snapshot);
  else for (const line of frame(snapshot, plainSize).slice(0, -1)) desk.print.say(line);
}

/** An instance that is away for a while is said so, with the last that was seen below. */
async function live(desk: Desk, client: RestClient, everyMs: number): Promise<void> {
  using screen = new Screen(desk.world, process.stdin);
  let last = await takeSnapshot(client);
  for (let trouble = ''; !screen.over.aborted;) {
    const lines = frame(last, screen.size());
    screen.draw(trouble === '' ? lines : [trouble, ...lines.slice(0, -1)]);
    await sleep(everyMs, undefined, { signal: screen.over }).catch(() => undefined);
    trouble = await takeSnapshot(client).then(
      (seen) => ((last = seen), ''),
      (error: unknown) => problemOf(error).detail,
    );
  }
}
