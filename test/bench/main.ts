// `npm run bench [-- --json] [-- --quick]`: our figures beside those of peers, measured in one run on one machine.
import { consoleInBrowser } from './console.js';
import type { Row } from './row.js';
import { spawnAccepted } from './spawn-accepted.js';
import { spawnStall } from './spawn-stall.js';
import { statusRoundtrip } from './status-roundtrip.js';
import { turnStart } from './turn-start.js';
import { worktreeHandover } from './worktree-handover.js';

const flags = new Set(process.argv.slice(2));
const plans = {
  quick: {
    status: { rounds: 2, cellMs: 500, warmMs: 200 },
    spawn: { rounds: 1, cells: [{ inflight: 64, count: 64 }] },
    stall: { gigabytes: 1, rounds: 5 },
    turn: { rounds: 5 },
    handover: { files: 10_000, rounds: 2 },
    console: { agents: 2_000, few: 100, eventsPerSecond: 1_000, watchMs: 3_000, rounds: 1 },
  },
  whole: {
    status: { rounds: 5, cellMs: 1_500, warmMs: 500 },
    spawn: {
      rounds: 3,
      cells: [
        { inflight: 1, count: 8 },
        { inflight: 16, count: 32 },
        { inflight: 64, count: 128 },
      ],
    },
    stall: { gigabytes: 2, rounds: 20 },
    turn: { rounds: 20 },
    handover: { files: 50_000, rounds: 5 },
    console: { agents: 10_000, few: 100, eventsPerSecond: 1_000, watchMs: 10_000, rounds: 3 },
  },
};
const plan = flags.has('--quick') ? plans.quick : plans.whole;

function line({ name, unit, inflight, ours, peers }: Row): string {
  const others = Object.entries(peers).map(([peer, value]) => `${peer} ${value}`);
  return [`${name} @${inflight} ${unit}: writ ${ours}`, ...others].join(' | ');
}

function shown(rows: readonly Row[]): readonly Row[] {
  for (const row of rows) console.error(line(row));
  return rows;
}

const benchmarks = [
  ...shown(await statusRoundtrip(plan.status)),
  ...shown(await spawnAccepted(plan.spawn)),
  ...shown(await spawnStall(plan.stall)),
  ...shown(await turnStart(plan.turn)),
  ...shown(await worktreeHandover(plan.handover)),
  ...shown(await consoleInBrowser(plan.console)),
];
if (flags.has('--json')) console.log(JSON.stringify({ benchmarks }));
