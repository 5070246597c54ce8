// `writ orders`: what a hub has ordered over a connection and what came of it, read from the audit log: on the hub what it
// signed, on the spoke what arrived there, each with the key that signed it.
import type { Command } from 'commander';
import { agentIdOf, auditRow, receiptText } from '#protocol';
import { Desk } from '../desk.js';
import type { Column } from '../printer.js';
import { amount } from '../progress/words.js';
import type { World } from '../world.js';
import { told } from './waiting.js';

/** One command of a signed message. */
interface Order {
  readonly at: string;
  readonly op: string;
  readonly agentId?: string;
  readonly taskId?: string;
  /** The thumbprint of the key that signed it. */
  readonly key: string;
  /** The id of the message, by which both sides find it. */
  readonly message: string;
  outcome: string;
}

interface Flags {
  readonly signedWith?: string;
  readonly since?: string;
}

const shownMax = 200;

const columns: Column<Order>[] = [
  { title: 'AT', value: ({ at }) => at },
  { title: 'OPERATION', value: ({ op }) => op },
  { title: 'AGENT', value: ({ agentId }) => agentId ?? '-', short: ({ agentId }) => agentId?.slice(0, 8) ?? '-' },
  { title: 'TASK', value: ({ taskId }) => taskId ?? '-' },
  { title: 'OUTCOME', value: ({ outcome }) => outcome },
  { title: 'SIGNED WITH', value: ({ key }) => key, whole: true },
  { title: 'MESSAGE', value: ({ message }) => message, whole: true },
];

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
}

/** A part of a message that the instance verified before it wrote it down. */
function part(token: string, index: number): unknown {
  return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString());
}

interface Said {
  readonly con: string;
  readonly jti: string;
  readonly req?: { readonly jti: string };
  readonly err?: string;
  readonly cmds?: readonly {
    readonly id: string;
    readonly op: string;
    readonly idk?: string;
    readonly args: { readonly agentId?: string; readonly taskId?: string };
  }[];
  readonly results?: readonly { readonly id: string; readonly st: string; readonly code?: string }[];
}

/** Orders in the order of the log; what was answered later is filled in. */
class Orders {
  readonly all: Order[] = [];
  private readonly known = new Map<string, readonly Order[]>();

  take(line: string): void {
    const row = auditRow.safeParse(JSON.parse(line)).data;
    const text = row && receiptText.safeParse(JSON.parse(row.text)).data;
    if (!text || !['command', 'result', 'refusal'].includes(text.kind)) return;
    const said = part(text.raw, 1) as Said;
    if (said.cmds) this.ordered(said, (part(text.raw, 0) as { kid: string }).kid, text.at);
    else this.answered(said);
  }

  private ordered({ con, jti, cmds = [] }: Said, key: string, at: string): void {
    if (this.known.has(jti)) return;
    const orders = cmds.map(({ op, idk, args: { agentId, taskId } }): Order => {
      const named = agentId ?? (op === 'agent.spawn' && idk !== undefined ? agentIdOf(con, idk) : undefined);
      const about = { ...(named === undefined ? {} : { agentId: named }), ...(taskId === undefined ? {} : { taskId }) };
      return { at, op, ...about, key, message: jti, outcome: 'no answer' };
    });
    this.known.set(jti, orders);
    cmds.forEach(({ id }, index) => this.known.set(`${jti} ${id}`, orders.slice(index, index + 1)));
    this.all.push(...orders);
  }

  private answered({ req, err, results = [] }: Said): void {
    const end = (name: string, outcome: string) =>
      this.known.get(name)?.forEach((order) => {
        order.outcome = outcome;
      });
    if (err !== undefined) end(req?.jti ?? '', err);
    for (const { id, st, code } of results) end(`${req?.jti} ${id}`, code === undefined ? st : `${st}: ${code}`);
  }
}

async function show(desk: Desk, peer: string, { signedWith: key, since = '' }: Flags): Promise<void> {
  const orders = new Orders();
  await desk.with('either', async ({ audit }) => {
    const show = (bytes: number) => desk.wait(`Reading the audit log with ${peer}: ${amount(bytes)}`);
    for await (const line of linesOf(told(await audit.export(peer, desk.world.signal), show))) orders.take(line);
  });
  const meant = orders.all.filter((one) => (key === undefined || one.key === key) && one.at >= since).reverse();
  desk.print.list(meant.slice(0, shownMax), columns, 'No orders.');
  if (meant.length > shownMax) desk.world.err(`Only the newest ${shownMax} are shown; filter for more.\n`);
}

const examples = `
Questions (status, lists, output) leave no trace and are not here.

Examples:
  writ orders hub-1                       # on a spoke: what that hub ordered
  writ orders spoke-1 --since 2026-11-21  # on a hub: what was ordered there
  writ orders hub-1 --signed-with KEY     # what one key signed, after it was stolen`;

export function addOrders(program: Command, world: World): void {
  program
    .command('orders <peer>')
    .description('What was ordered over a connection, newest first, with the key that signed it (admin)')
    .option('--signed-with <thumbprint>', 'with this key only')
    .option('--since <time>', 'from that time on, as 2026-11-21T03:00:00Z')
    .addHelpText('after', examples)
    .action((peer: string, flags: Flags, command: Command) => show(new Desk(world, command), peer, flags));
}
