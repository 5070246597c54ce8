// `writ drain`: a spoke takes no new agents, and becomes empty by itself.
import type { Command } from 'commander';
import type { RestClient } from '#client';
import { WritError, type DrainState } from '#protocol';
import { Desk } from '../desk.js';
import type { World } from '../world.js';
import { pause } from './waiting.js';

interface DrainFlags {
  readonly wait?: true;
  readonly lift?: true;
  readonly reason?: string;
}

/** Until nothing lives, or somebody lifts the drain meanwhile: then it was not drained, and the state says so. */
async function emptied({ housekeeping }: RestClient, desk: Desk): Promise<DrainState> {
  for (;;) {
    const state = await housekeeping.drainState();
    if (state.live === 0 || !state.draining) return state;
    desk.wait(`Waiting for the last agent to end: ${state.live} still live`);
    await pause(desk);
  }
}

async function drain(desk: Desk, { wait, lift, reason }: DrainFlags): Promise<void> {
  if (wait && lift) throw new WritError('invalid_request', 'Either --wait or --lift.', { field: 'lift' });
  const state = await desk.with('spoke', async (client) => {
    if (lift) return client.housekeeping.lift();
    const begun = await client.housekeeping.drain(reason === undefined ? {} : { reason });
    return wait ? emptied(client, desk) : begun;
  });
  desk.print.one(state, [
    ['draining', state.draining ? 'yes' : 'no'],
    ['live agents', state.live],
    ['since', state.since],
    ['reason', state.reason],
  ]);
  if (wait && !state.draining) desk.failed();
}

const examples = `
Examples:
  writ drain --wait --reason "kernel update"    # returns when the last agent has ended
  writ drain --lift`;

export function addDrain(program: Command, world: World): void {
  program
    .command('drain')
    .description('Let a spoke take no new agents, also after a restart, while those that are there go on (admin)')
    .option('--wait', 'until the last agent has ended; exit 1 when the drain was lifted before')
    .option('--lift', 'take new agents again')
    .option('--reason <text>', 'why; it goes into the records')
    .addHelpText('after', examples)
    .action((flags: DrainFlags, command: Command) => drain(new Desk(world, command), flags));
}
