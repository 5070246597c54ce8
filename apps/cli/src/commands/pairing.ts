// `writ invite`, `writ join`, `writ accept`: how a hub and a spoke get to know each other. Both sides opt in, and a person
// on each side compares six words.
import type { Command } from 'commander';
import type { RestClient } from '#client';
import { WritError } from '#protocol';
import type { Hub, InviteCreate, InviteDetails, Spoke } from '#protocol';
import { Desk, several } from '../desk.js';
import { runningIn, stateDir, urlOf } from '../instances.js';
import type { World } from '../world.js';
import { grantFrom, takesGrant } from './grants/flags.js';
import type { GrantFlags } from './grants/flags.js';
import { grantLines } from './grants/lines.js';
import { startInBackground } from './start.js';
import { pause } from './waiting.js';

const settleMs = 5_000;

interface InviteFlags {
  readonly operation?: InviteCreate['operations'];
  readonly minutes?: string;
  readonly unattended?: boolean;
  readonly broker?: boolean;
}

async function invite({ operation, minutes = '15', unattended, broker }: InviteFlags, desk: Desk): Promise<void> {
  const body = { operations: operation, expiresInS: Math.round(Number(minutes) * 60), unattended, broker };
  const made = await desk.with('hub', (client) => client.invites.create(body));
  if (desk.print.form === 'json') {
    desk.print.json(made);
    return;
  }
  desk.world.out(`${made.invite}\n`);
  desk.world.err(`Single use, until ${made.expiresAt}. On the spoke: writ join INVITE. Then here: writ accept NAME.\n`);
}

interface JoinFlags extends GrantFlags {
  readonly yes?: boolean;
  readonly as?: string;
}

/** A spoke named by URL is taken as it is; one of this machine is started when it does not run. */
async function ensureSpoke(desk: Desk): Promise<void> {
  if (urlOf(desk.world, desk.flags) !== undefined) return;
  const dir = stateDir(desk.world, desk.flags, 'spoke');
  if (runningIn(dir)) return;
  desk.wait('Starting a spoke');
  const { pid, url } = await startInBackground('spoke', dir);
  desk.world.err(`Started a spoke: ${url}, process ${pid} (kill ${pid} stops it), state and log in ${dir}.\n`);
}

function showInvite(desk: Desk, details: InviteDetails, lines: [string, string][]): void {
  const about: [string, string][] = [
    ['hub', details.name],
    details.broker === undefined ? ['url', details.url] : ['broker', details.broker],
    ['six words', details.words.join(' ')],
    ['asks for', details.operations.join(', ')],
    ['valid until', details.expiresAt],
  ];
  const rows = [...about, ...lines.map(([name, value]): [string, string] => [`grant: ${name}`, value])];
  for (const [name, value] of rows) desk.world.err(`${name.padEnd(20)}${value}\n`);
}

async function join(line: string, options: JoinFlags, desk: Desk): Promise<void> {
  const grant = grantFrom(options);
  await ensureSpoke(desk);
  await desk.with('spoke', async (client) => {
    showInvite(desk, await client.hubs.inspect(line), grantLines(grant));
    await desk.confirm('Are these the hub’s six words, and is this the grant you want to give?', options.yes);
    desk.wait('Asking the hub');
    showJoined(desk, await client.hubs.join({ invite: line, grant, name: options.as }), await client.instance());
  });
}

function showJoined(desk: Desk, hub: Hub, own: { name: string; words: string[] }): void {
  const words = own.words.join(' ');
  desk.print.one({ hub, spoke: own }, [
    ['hub', hub.name],
    ['state', hub.state],
    ['this spoke', own.name],
    ['six words', words],
  ]);
  if (hub.state === 'pending')
    desk.print.say(`Tell the hub's operator these six words. There: writ accept ${own.name}`);
}

async function accept(name: string, { yes, words }: { yes?: boolean; words?: string }, desk: Desk): Promise<void> {
  await desk.with('hub', async (client) => {
    const { words: seen } = await client.spokes.get(name);
    if (words === undefined) await desk.confirm(`Does the spoke show these six words: ${seen.join(' ')}?`, yes);
    else await refuseOthers(client, name, words, seen);
    await client.spokes.accept(name);
    const spoke = await settled(client, name, desk);
    desk.print.one(spoke, [
      ['spoke', spoke.name],
      ['state', spoke.state],
      ['six words', spoke.words.join(' ')],
    ]);
  });
}

/** The other side learns of it in a moment, when it is connected: then the connection is active. */
async function settled(client: RestClient, name: string, desk: Desk): Promise<Spoke> {
  const deadline = Date.now() + settleMs;
  for (;;) {
    const spoke = await client.spokes.get(name);
    if (spoke.state !== 'pending' || !spoke.connected || Date.now() > deadline) return spoke;
    desk.wait(`Waiting for ${name} to learn of it`);
    await pause(desk, 100);
  }
}

/** Words that differ mean that somebody is in between: the spoke is refused, for good. */
async function refuseOthers(client: RestClient, name: string, words: string, seen: string[]): Promise<void> {
  if (
    words
      .trim()
      .toLowerCase()
      .split(/[\s-]+/)
      .join(' ') === seen.join(' ')
  )
    return;
  await client.spokes.refuse(name, { reason: 'the six words differ' });
  throw new WritError('pairing_refused', `The six words differ; ${name} was refused.`);
}

export function addPairing(program: Command, world: World): void {
  program
    .command('invite')
    .description('Make an invite for one spoke: one line, single use (on a hub)')
    .option('--operation <name>', 'operation to ask for, all by default (repeatable)', several)
    .option('--minutes <n>', 'how long it is valid', '15')
    .option('--broker', 'the spoke pairs and connects over the broker of this hub (its setting `broker`)')
    .option('--unattended', 'accept whoever uses it, without a look at the six words')
    .addHelpText(
      'after',
      '\nExamples:\n  writ invite\n  writ invite --operation agent.status --minutes 60\n  writ invite --broker',
    )
    .action((options: InviteFlags, command: Command) => invite(options, new Desk(world, command)));
  takesGrant(program.command('join <invite>'))
    .description('Join a hub by its invite and say what it may do here; starts the spoke if none runs (on a spoke)')
    .option('--as <name>', 'how this spoke calls the hub')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      '\nExamples:\n  writ join writ1.eyJ…  --allow worker --repo "https://github.com/acme/*"\n  writ join writ1.eyJ…  --grant grant.json --yes',
    )
    .action((line: string, options: JoinFlags, command: Command) => join(line, options, new Desk(world, command)));
  program
    .command('accept <spoke>')
    .description('Accept a spoke that has joined, after comparing its six words (on a hub)')
    .option('--words <words>', 'the six words as the spoke shows them: compared instead of asked')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      '\nExamples:\n  writ accept spoke-1\n  writ accept spoke-1 --words "able acid aunt away axis baby"',
    )
    .action((name: string, options: { yes?: boolean }, command: Command) =>
      accept(name, options, new Desk(world, command)),
    );
}
