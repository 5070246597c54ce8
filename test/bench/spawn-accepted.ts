// Row `spawn-accepted`: journaled, synced, signed spawns of a command that does nothing. They are accepted as fast as the link
// and the store take them, run from the durable backlog a few at a time, and a cell ends when the last has been cleaned up.
import { until } from '../support/until.js';
import { BenchHub } from './instances/hub.js';
import type { SpokeAddress } from './instances/spoke.js';
import { startSide } from './pair.process.js';
import { hundredths, median, type Row } from './row.js';

/** `count` spawns, `inflight` of them unanswered at once. */
interface SpawnCell {
  readonly inflight: number;
  readonly count: number;
}

export interface SpawnPlan {
  readonly rounds: number;
  readonly cells: readonly SpawnCell[];
}

interface SpawnResult {
  readonly acceptedPerSecond: number;
  readonly finishedPerSecond: number;
}

const overMsMax = 600_000;

async function accepted(hub: BenchHub, { inflight, count }: SpawnCell): Promise<string[]> {
  const agents: string[] = [];
  let sent = 0;
  const lane = async () => {
    while (sent < count) {
      sent += 1;
      agents.push(await hub.spawn());
    }
  };
  await Promise.all(Array.from({ length: inflight }, lane));
  return agents;
}

async function run(hub: BenchHub, cell: SpawnCell): Promise<SpawnResult> {
  const start = performance.now();
  const agents = await accepted(hub, cell);
  const acceptedMs = performance.now() - start;
  await until('all agents are over', () => agents.every((agentId) => hub.isOver(agentId)), overMsMax);
  const finishedMs = performance.now() - start;
  const rate = (ms: number) => (cell.count * 1_000) / ms;
  return { acceptedPerSecond: rate(acceptedMs), finishedPerSecond: rate(finishedMs) };
}

function rows({ inflight }: SpawnCell, results: readonly SpawnResult[]): Row[] {
  const row = (unit: string, of: (result: SpawnResult) => number): Row => {
    return { name: 'spawn-accepted', unit, inflight, ours: hundredths(median(results.map(of))), peers: {} };
  };
  return [
    row('accepted/s', ({ acceptedPerSecond }) => acceptedPerSecond),
    row('finished/s', ({ finishedPerSecond }) => finishedPerSecond),
  ];
}

/** The spoke is a process of its own; the hub is this one. */
export async function spawnAccepted({ rounds, cells }: SpawnPlan): Promise<Row[]> {
  const { child, address } = await startSide(['serve', 'writ']);
  const hub = await BenchHub.pairedWith(address as SpokeAddress);
  try {
    await hub.finishedAgent();
    const all: Row[] = [];
    for (const cell of cells) {
      const results: SpawnResult[] = [];
      for (let round = 0; round < rounds; round += 1) results.push(await run(hub, cell));
      all.push(...rows(cell, results));
    }
    return all;
  } finally {
    await hub.close();
    child.disconnect();
  }
}
