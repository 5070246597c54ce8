// One side of a pair in a process of its own: `side.js serve NAME` or `side.js call NAME ADDRESS`, told over IPC what to do.
import { pairs } from './peers/index.js';
import type { Call } from './peers/peer.js';
import type { Cell, CellResult, SideMessage } from './cell.js';

/** How long a side may take to put itself away. */
const closeMsMax = 10_000;

const [role, name, address] = process.argv.slice(2);
const pair = pairs.find((candidate) => candidate.name === name);
if (!pair || !process.send) throw new Error('this file is started by the benchmark');
let close: (() => Promise<void>) | undefined;
const say = (message: SideMessage) => process.send?.(message);

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Keeps `inflight` calls on their way for `ms`; latencies in milliseconds. */
async function measure(call: Call, { inflight, ms }: Cell): Promise<Omit<CellResult, 'cpuMs'>> {
  const latencies: number[] = [];
  const start = performance.now();
  const lane = async () => {
    for (let now = performance.now(); now - start < ms;) {
      await call();
      const then = performance.now();
      latencies.push(then - now);
      now = then;
    }
  };
  await Promise.all(Array.from({ length: inflight }, lane));
  const seconds = (performance.now() - start) / 1_000;
  const sorted = Float64Array.from(latencies).sort();
  return {
    count: latencies.length,
    perSecond: latencies.length / seconds,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
  };
}

async function measured(call: Call, cell: Cell): Promise<CellResult> {
  const before = process.cpuUsage();
  const result = await measure(call, cell);
  const { user, system } = process.cpuUsage(before);
  return { ...result, cpuMs: (user + system) / 1_000 };
}

function answerCpu(): void {
  const { user, system } = process.cpuUsage();
  say({ cpuMs: (user + system) / 1_000 });
}

if (role === 'serve') {
  const serving = await pair.serve();
  close = serving.close;
  process.on('message', answerCpu);
  say({ address: serving.address });
} else {
  const call = await pair.connect(JSON.parse(address ?? 'null'));
  process.on('message', (cell: Cell) => void measured(call, cell).then((result) => say({ result })));
  say({ address: null });
}
process.on('disconnect', () => {
  setTimeout(() => process.exit(1), closeMsMax).unref();
  void (close?.() ?? Promise.resolve()).finally(() => process.exit());
});
