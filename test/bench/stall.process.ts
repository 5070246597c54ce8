// A process as large as a spoke can get, for the row `spawn-stall`: `stall.process.js GIGABYTES ROUNDS`, told over IPC when it is done.
import { DirectStarter } from '../../libs/agents/src/processes/direct.js';
import { ForkServer } from '../../libs/agents/src/processes/fork-server/fork-server.js';
import type { ProcessStarter } from '../../libs/agents/src/processes/starter.js';
import { median } from './row.js';

const [gigabytes = 2, rounds = 20] = process.argv.slice(2).map(Number);
const pieceBytes = 256 * 2 ** 20;
const pageBytes = 4_096;

/** Milliseconds of the longest time in which the event loop did nothing else, while a program that does nothing was started and ended. */
async function stall(starter: ProcessStarter): Promise<number> {
  let [worst, last, isOver] = [0, performance.now(), false];
  const look = () => {
    const now = performance.now();
    [worst, last] = [Math.max(worst, now - last), now];
    if (!isOver) setImmediate(look);
  };
  look();
  const { pipes, closed } = await starter.start({ argv: ['/bin/true'], env: {}, cwd: '/', pipes: 3 });
  for (const pipe of pipes.slice(1)) pipe.resume();
  await closed;
  isOver = true;
  return worst;
}

/** Resident, page by page. */
function grown(): readonly Buffer[] {
  return Array.from({ length: gigabytes * 4 }, () => {
    const piece = Buffer.allocUnsafeSlow(pieceBytes);
    for (let at = 0; at < pieceBytes; at += pageBytes) piece[at] = 1;
    return piece;
  });
}

const server = await ForkServer.open({ warn: console.error });
const held = grown();
const starters = { direct: new DirectStarter(), server };
const stalls: Record<keyof typeof starters, number[]> = { direct: [], server: [] };
for (let round = 0; round <= rounds; round += 1) {
  const order = (['direct', 'server'] as const).toSorted(() => (round % 2 === 0 ? 1 : -1));
  for (const name of order) {
    const ms = await stall(starters[name]);
    // The first of each is not counted.
    if (round > 0) stalls[name].push(ms);
  }
}
await server.close();
const ratio = median(stalls.direct.map((ms, round) => ms / (stalls.server[round] ?? ms)));
process.send?.({ direct: median(stalls.direct), server: median(stalls.server), ratio, held: held.length });
