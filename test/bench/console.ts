// Rows `console-*`: the web console in a real Chromium before a real hub, which a mock spoke tells of 10,000 agents and then of
// 1,000 events a second. What is measured is the page's: frames, long tasks, the first paint, what was transferred.
import { getChromium, hasChromium } from '../support/chromium.js';
import { percentile, type Frames } from '../support/frames.js';
import { Audience, type ConsolePlan, type FirstPaint } from './instances/audience.js';
import { hundredths, median, type Row } from './row.js';

export interface ConsoleRounds extends ConsolePlan {
  readonly rounds: number;
}

/** What one round saw: tables with many agents and with few, and the picture of the fleet; each without events and under them. */
interface Round {
  readonly paint: FirstPaint;
  readonly few: Frames;
  readonly many: Frames;
  readonly manyBusy: Frames;
  readonly picture: Frames;
  readonly pictureBusy: Frames;
}

/** A frame of a screen with 60 a second, in milliseconds: where there was no longer task, none was longer than that. */
const frameMs = 1_000 / 60;
const longest = ({ tasks }: Frames) => Math.max(frameMs, ...tasks);
const p95 = ({ frames }: Frames) => percentile(frames, 0.95);
const p99 = ({ frames }: Frames) => percentile(frames, 0.99);

async function round(audience: Audience): Promise<Round> {
  return {
    paint: await audience.firstPaint(),
    few: await audience.fewAgents(),
    many: await audience.manyAgents(),
    manyBusy: await audience.underEvents(() => audience.manyAgents()),
    picture: await audience.picture(),
    pictureBusy: await audience.underEvents(() => audience.picture()),
  };
}

type Pick = (round: Round) => Frames;

/** One figure of the page beside the same of another, and their ratio within a round. */
function compared(name: string, what: string, of: (frames: Frames) => number, ours: Pick, other: [string, Pick]) {
  return (rounds: readonly Round[]): Row[] => {
    const [word, peer] = other;
    const middle = (value: (round: Round) => number) => hundredths(median(rounds.map(value)));
    const ratio = middle((one) => of(ours(one)) / of(peer(one)));
    const row = { name, inflight: 1 };
    return [
      {
        ...row,
        unit: `${what} ms`,
        ours: middle((one) => of(ours(one))),
        peers: { [word]: middle((o) => of(peer(o))) },
      },
      { ...row, unit: `${what}, writ : ${word}`, ours: ratio, peers: {} },
    ];
  };
}

const calm: Record<'table' | 'picture', [string, Pick]> = {
  table: ['no-events', ({ many }) => many],
  picture: ['no-events', ({ picture }) => picture],
};
const few: [string, Pick] = ['few-agents', (one) => one.few];

const rows = [
  compared('console-scroll', 'frame p95', p95, ({ many }) => many, few),
  compared('console-scroll', 'frame p99', p99, ({ many }) => many, few),
  compared('console-events', 'table, frame p99', p99, ({ manyBusy }) => manyBusy, calm.table),
  compared('console-events', 'table, longest task', longest, ({ manyBusy }) => manyBusy, calm.table),
  compared('console-events', 'picture, frame p99', p99, ({ pictureBusy }) => pictureBusy, calm.picture),
  compared('console-events', 'picture, longest task', longest, ({ pictureBusy }) => pictureBusy, calm.picture),
];

function painted(rounds: readonly Round[]): Row[] {
  const row = (unit: string, of: (paint: FirstPaint) => number): Row => {
    return {
      name: 'console-paint',
      unit,
      inflight: 1,
      ours: hundredths(median(rounds.map((one) => of(one.paint)))),
      peers: {},
    };
  };
  return [
    row('first paint ms', ({ paintMs }) => paintMs),
    row('live ms', ({ liveMs }) => liveMs),
    row('transferred KiB', ({ bytes }) => bytes / 1_024),
  ];
}

export async function consoleInBrowser({ rounds, ...plan }: ConsoleRounds): Promise<Row[]> {
  if (!hasChromium) {
    console.error(`console: left out, chromium is missing: ${getChromium}`);
    return [];
  }
  const audience = await Audience.open(plan);
  try {
    const seen: Round[] = [];
    while (seen.length < rounds) seen.push(await round(audience));
    return [...painted(seen), ...rows.flatMap((row) => row(seen))];
  } finally {
    await audience.close();
  }
}
