// Row `status-roundtrip`: every pair at 1, 16 and 64 in flight; rounds interleaved in both orders, each cell pre-warmed, medians reported.
import { PairProcess, type PairResult } from './pair.process.js';
import { pairs } from './peers/index.js';
import { hundredths, median, type Row } from './row.js';

const inflights = [1, 16, 64] as const;

export interface Plan {
  readonly rounds: number;
  readonly cellMs: number;
  readonly warmMs: number;
}

type Results = Map<string, PairResult[]>;

async function round(processes: readonly PairProcess[], inflight: number, plan: Plan, results: Results): Promise<void> {
  for (const pair of processes) {
    await pair.run({ inflight, ms: plan.warmMs });
    const result = await pair.run({ inflight, ms: plan.cellMs });
    results.get(pair.name)?.push(result);
  }
}

async function cells(processes: readonly PairProcess[], inflight: number, plan: Plan): Promise<Results> {
  const results: Results = new Map(processes.map(({ name }) => [name, []]));
  for (let index = 0; index < plan.rounds; index += 1) {
    await round(index % 2 === 0 ? processes : processes.toReversed(), inflight, plan, results);
  }
  return results;
}

const figures = {
  'requests/s': (result: PairResult) => result.perSecond,
  'p50 ms': (result: PairResult) => result.p50,
  'p99 ms': (result: PairResult) => result.p99,
  'client µs/request': (result: PairResult) => result.clientUs,
  'server µs/request': (result: PairResult) => result.serverUs,
} as const;

function rows(results: Results, inflight: number): Row[] {
  return Object.entries(figures).map(([unit, figure]) => {
    const medians = Object.fromEntries(
      [...results].map(([name, list]) => [name, hundredths(median(list.map(figure)))]),
    );
    const { writ = 0, ...peers } = medians;
    return { name: 'status-roundtrip', unit, inflight, ours: writ, peers };
  });
}

/** Writ against each peer within the same round, the median of the rounds: a machine that slows down slows both. */
function ratios(results: Results, inflight: number): Row[] {
  const ours = results.get('writ') ?? [];
  return (['requests/s', 'p50 ms'] as const).map((unit) => {
    const figure = figures[unit];
    const against = (list: readonly PairResult[]) =>
      hundredths(median(list.map((result, round) => figure(ours[round] ?? result) / figure(result))));
    const peers = Object.fromEntries([...results].map(([name, list]) => [name, against(list)]));
    delete peers.writ;
    return { name: 'status-roundtrip', unit: `${unit}, writ : peer`, inflight, ours: 1, peers };
  });
}

/** Each pair's two processes live through the whole row, so that none is measured cold. */
export async function statusRoundtrip(plan: Plan): Promise<Row[]> {
  const processes = await Promise.all(pairs.map(({ name }) => PairProcess.start(name)));
  try {
    const all: Row[] = [];
    for (const inflight of inflights) {
      const results = await cells(processes, inflight, plan);
      all.push(...rows(results, inflight), ...ratios(results, inflight));
    }
    return all;
  } finally {
    for (const pair of processes) pair.stop();
  }
}
