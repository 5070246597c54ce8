// `writ send`, `writ checkpoints`, `writ rewind` and `writ close`: another turn of a session, the way back, and its end.
import type { Command } from 'commander';
import type { Pending } from '#client';
import {
  isTerminal,
  WritError,
  type AgentResource,
  type CheckpointResource,
  type Restored,
  type TurnTaken,
} from '#protocol';
import { Desk } from '../desk.js';
import type { Column } from '../printer.js';
import type { World } from '../world.js';
import { showAgent } from './agents.js';
import { mayBeId, wholeId } from './ids.js';
import { awaitAgent } from './waiting.js';

interface SendFlags {
  readonly wait?: boolean;
  readonly idempotencyKey?: string;
}

interface CloseFlags {
  readonly force?: boolean;
  readonly reason?: string;
}

interface RewindFlags {
  readonly to: string;
  readonly reason?: string;
  readonly idempotencyKey?: string;
}

const checkpointColumns: readonly Column<CheckpointResource>[] = [
  { title: 'turn', value: ({ turn }) => turn },
  { title: 'before', value: ({ before }) => (before === 'turn' ? 'a turn' : 'a rewind') },
  { title: 'at', value: ({ at }) => at },
  { title: 'to be had back', value: ({ missing }) => (missing === undefined ? 'yes' : `no: ${missing}`), whole: true },
];
/** Files of a whole repository may have to be written. */
const rewindWaitS = 60;

function showPending(desk: Desk, pending: Pending): void {
  desk.print.one(pending, [
    ['command', pending.commandId],
    ['spoke', pending.spoke],
    ['state', 'on its way; see `writ commands`'],
  ]);
  desk.pending();
}

async function send(given: string, text: string, { wait, idempotencyKey }: SendFlags, desk: Desk): Promise<void> {
  await desk.with('either', async (client) => {
    const agentId = await wholeId(client, given);
    const sent = await client.agents.send(agentId, text, idempotencyKey === undefined ? {} : { idempotencyKey });
    if ('pending' in sent) showPending(desk, sent.pending);
    else if (wait) showTurn(desk, await awaitAgent(client, agentId, desk, hasTaken(sent.turn)));
    else showTaken(desk, sent.turn);
  });
}

function showTaken(desk: Desk, taken: TurnTaken): void {
  desk.print.one(taken, [
    ['agent', taken.agentId],
    ['turn', taken.turn],
    ['turn id', taken.turnId],
  ]);
}

/** That turn, or the agent itself, has ended. */
function hasTaken({ turn }: TurnTaken): (agent: AgentResource) => boolean {
  return ({ state, turns }) => isTerminal(state) || (turns?.last?.turn ?? 0) >= turn;
}

function showTurn(desk: Desk, agent: AgentResource): void {
  showAgent(desk, agent);
  if (agent.turns?.last?.state !== 'completed' || agent.state === 'failed' || agent.state === 'killed') desk.failed();
}

/** Who names a peer here wants its connection to end, which is another matter. */
function notASession(given: string): WritError {
  const detail = `${given}: is no agent id. A session is closed by its agent's; a connection ends with \`writ unpair\`.`;
  return new WritError('invalid_request', detail, { field: 'id' });
}

async function close(given: string, flags: CloseFlags, desk: Desk): Promise<void> {
  if (!mayBeId(given)) throw notASession(given);
  await desk.with('either', async (client) => {
    const closed = await client.agents.close(await wholeId(client, given), flags);
    if ('pending' in closed) showPending(desk, closed.pending);
    else showAgent(desk, closed.agent);
  });
}

async function checkpoints(given: string, desk: Desk): Promise<void> {
  await desk.with('either', async (client) => {
    const found = await client.agents.checkpoints(await wholeId(client, given));
    desk.print.list(found, checkpointColumns, 'No checkpoints: it has no session, or its session is over.');
  });
}

async function rewind(given: string, { to, reason, idempotencyKey }: RewindFlags, desk: Desk): Promise<void> {
  await desk.with('either', async (client) => {
    const body = { turn: Number(to), ...(reason === undefined ? {} : { reason }) };
    const options = idempotencyKey === undefined ? {} : { idempotencyKey };
    const back = await client.agents.restore(await wholeId(client, given), body, { waitS: rewindWaitS, ...options });
    if ('pending' in back) showPending(desk, back.pending);
    else showRestored(desk, back.restored);
  });
}

function showRestored(desk: Desk, restored: Restored): void {
  const { agentId, to, turn, left } = restored;
  desk.print.one(restored, [
    ['agent', agentId],
    ['as it was', `before turn ${to}`],
    ['undone with', `writ rewind ${agentId} --to ${turn}`],
    ...(left > 0 ? [['left in place', `${left} files that could not be kept`] as const] : []),
  ]);
}

function addCheckpoints(program: Command, world: World): void {
  program
    .command('checkpoints <agent>')
    .description('What a session can go back to: its files and its conversation before each turn')
    .action((id: string, _options: object, command: Command) => checkpoints(id, new Desk(world, command)));
  program
    .command('rewind <agent>')
    .description('Take an idle session back to what it was before a turn: files, HEAD and conversation')
    .requiredOption('--to <turn>', 'the number of the turn (`writ checkpoints`)')
    .option('--reason <text>', 'why; it goes into the records')
    .option('--idempotency-key <key>', 'the same key and turn are done once')
    .addHelpText(
      'after',
      '\nWhat is there now becomes a checkpoint itself, so that a rewind can be undone.\n\nExample:\n  writ rewind 0b1c2d3e --to 4',
    )
    .action((id: string, options: RewindFlags, command: Command) => rewind(id, options, new Desk(world, command)));
}

export function addSessions(program: Command, world: World): void {
  program
    .command('send <agent> <text>')
    .description('Another turn of an agent that keeps a session (`writ spawn --session NAME`)')
    .option('--wait', 'wait for the end of the turn and show it')
    .option('--idempotency-key <key>', 'the same key and text give the same turn')
    .addHelpText('after', '\nExample:\n  writ send 0b1c2d3e "now the tests, please" --wait')
    .action((id: string, text: string, options: SendFlags, command: Command) =>
      send(id, text, options, new Desk(world, command)),
    );
  addCheckpoints(program, world);
  program
    .command('close <agent>')
    .description(
      'End a session; refused with what is at risk, unless forced. The work is kept under a ref all the same',
    )
    .option('--force', 'also while a turn is on, and with work that is nowhere else')
    .option('--reason <text>', 'why; it goes into the records')
    .action((id: string, options: CloseFlags, command: Command) => close(id, options, new Desk(world, command)));
}
