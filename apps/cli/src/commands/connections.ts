// `writ spokes`, `writ hubs`, `writ suspend`, `writ resume`, `writ unpair`: the connections of an instance.
import type { Command } from 'commander';
import type { RestClient } from '#client';
import type { Hub, Spoke } from '#protocol';
import { Desk } from '../desk.js';
import type { Column } from '../printer.js';
import { takesWatch } from '../watch.js';
import type { World } from '../world.js';

const shared: Column<Hub>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'CONNECTED', value: connectedWords },
  { title: 'LINK', value: ({ link }) => link.kind },
  { title: 'HEARD', value: ({ heardAt }) => heardAt ?? 'never' },
  { title: 'GRANT', value: ({ grant }) => (grant ? `v${grant.version}` : '-') },
  { title: 'JOURNAL', value: ({ journal }) => journalText(journal) },
  { title: 'SIX WORDS', value: ({ words }) => words.join(' ') },
];
/** With what is in the way. */
function connectedWords({ connected, circuit, clockDifferenceS }: Hub): string {
  if (clockDifferenceS !== undefined) return `no: clocks differ by ${Math.abs(clockDifferenceS)} s`;
  if (!connected) return 'no';
  return circuit === undefined || circuit === 'closed' ? 'yes' : 'yes, does not answer';
}

/** A break is shown until the next one: after a restore each side may know events that the other has lost. */
function journalText(journal: Hub['journal']): string {
  if (!journal) return '-';
  return journal.break ? `${journal.seq}, anew since ${journal.break.at}` : String(journal.seq);
}

const live: Column<Spoke> = { title: 'AGENTS', value: ({ liveAgents }) => liveAgents };

type Peers = RestClient['spokes'] | RestClient['hubs'];

/** On a hub a name is a spoke's, on a spoke it is a hub's. */
async function onPeer(desk: Desk, act: (peers: Peers) => Promise<Hub | Spoke>): Promise<void> {
  const peer = await desk.with('either', async (client, { role }) => {
    const side = role ?? desk.flags.on ?? (await client.instance()).role;
    return act(side === 'hub' ? client.spokes : client.hubs);
  });
  desk.print.one(peer, [
    ['name', peer.name],
    ['state', peer.state],
    ['ours', peer.ours.state],
    ['theirs', peer.theirs.state],
  ]);
}

interface ActFlags {
  readonly reason?: string;
  readonly agents?: 'keep' | 'kill';
}

const one = async <T>(peer: Promise<T>): Promise<T[]> => [await peer];

export function addConnections(program: Command, world: World): void {
  takesWatch(program.command('spokes [spoke]'), world)
    .description('The spokes of this hub, or one of them')
    .action(async (name: string | undefined, _options, command: Command) => {
      const desk = new Desk(world, command);
      const spokes = await desk.with('hub', ({ spokes }) =>
        name === undefined ? spokes.list() : one(spokes.get(name)),
      );
      desk.print.list(spokes, [...shared, live], 'No spokes yet: writ invite');
    });
  takesWatch(program.command('hubs [hub]'), world)
    .description('The hubs of this spoke, or one of them')
    .action(async (name: string | undefined, _options, command: Command) => {
      const desk = new Desk(world, command);
      const hubs = await desk.with('spoke', ({ hubs }) => (name === undefined ? hubs.list() : one(hubs.get(name))));
      desk.print.list(hubs, shared, 'No hubs yet: writ join INVITE');
    });
  for (const [act, what] of [
    ['suspend', 'Suspend a connection: nothing is spawned over it until it is resumed'],
    ['resume', 'Resume a connection that this side suspended'],
  ] as const)
    program
      .command(`${act} <peer>`)
      .description(what)
      .option('--reason <text>', 'why; it goes into the records')
      .action(async (peer: string, { reason }: ActFlags, command: Command) => {
        await onPeer(new Desk(world, command), (peers) => peers[act](peer, { reason }));
      });
  program
    .command('unpair <peer>')
    .description('End a connection for good; its agents are killed unless told otherwise')
    .option('--agents <fate>', 'keep or kill', 'kill')
    .option('--reason <text>', 'why; it goes into the records')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      '\nExamples:\n  writ unpair spoke-1 --reason "contract ended"\n  writ unpair hub-1 --on spoke --agents keep --yes',
    )
    .action(async (peer: string, { agents, reason, yes }: ActFlags & { yes?: boolean }, command: Command) => {
      const desk = new Desk(world, command);
      await desk.confirm(`End the connection to ${peer} for good?`, yes);
      await onPeer(desk, (peers) => peers.close(peer, { agents, reason }));
    });
}
