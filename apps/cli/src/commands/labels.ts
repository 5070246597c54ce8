// `writ label`: what the people of a hub say of a spoke, for selecting. Also how labels are written on every command line.
import type { Command } from 'commander';
import { WritError, type Labels } from '#protocol';
import { Desk } from '../desk.js';
import type { World } from '../world.js';

/** `key=value` pairs. @throws WritError `invalid_request` for one that is none */
export function pairsOf(pairs: readonly string[] | undefined): Labels | undefined {
  return pairs && Object.fromEntries(pairs.map(pairOf));
}

function pairOf(pair: string): [string, string] {
  const [, key, value] = /^([^=]+)=([^=]+)$/.exec(pair) ?? [];
  if (key !== undefined && value !== undefined) return [key, value];
  throw new WritError('invalid_request', `${pair} is not KEY=VALUE, like region=eu.`, { field: 'label' });
}

interface LabelFlags {
  readonly reason?: string;
}

/** `key-` takes a label away, as a bare list of pairs adds to what there is. */
async function label(spoke: string, changes: readonly string[], { reason }: LabelFlags, desk: Desk): Promise<void> {
  const labelled = await desk.with('hub', async (client) => {
    const before = await client.spokes.get(spoke);
    if (changes.length === 0) return before;
    return client.spokes.label(spoke, { labels: changed(before.labels, changes), reason });
  });
  desk.print.one(labelled.labels, Object.entries(labelled.labels));
}

function changed(before: Labels, changes: readonly string[]): Labels {
  const gone = changes.filter((change) => change.endsWith('-') && !change.includes('=')).map((key) => key.slice(0, -1));
  const added = pairsOf(changes.filter((change) => !gone.includes(change.slice(0, -1))));
  return { ...Object.fromEntries(Object.entries(before).filter(([key]) => !gone.includes(key))), ...added };
}

export function addLabels(program: Command, world: World): void {
  program
    .command('label <spoke> [changes...]')
    .description(
      'Labels of a spoke, for selecting: KEY=VALUE sets one, KEY- takes one away; without any they are shown',
    )
    .option('--reason <text>', 'why; it goes into the records')
    .addHelpText(
      'after',
      '\nExamples:\n  writ label berlin region=eu tier=gold\n  writ label berlin tier-\n  writ label berlin',
    )
    .action((spoke: string, changes: string[], flags: LabelFlags, command: Command) =>
      label(spoke, changes, flags, new Desk(world, command)),
    );
}
