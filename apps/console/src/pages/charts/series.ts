// Figures over time, out of what the instance remembers of its agents and commands: nothing is sampled, so a chart is whole from the
// first look.
import type { AgentResource, Command } from '#protocol';
import { isOver } from '../../words/agents.js';

/** Times are epoch seconds, as uPlot takes them. */
export type Series = [times: number[], values: number[]];

const seconds = (time: string) => Date.parse(time) / 1_000;

/**
 * How many agents lived at each moment at which one began or ended. `aliveNow` is of all agents: who lives and is not among
 * `agents`, the newest, has lived all the time that they tell of.
 */
export function alive(agents: readonly AgentResource[], aliveNow: number, now: number): Series {
  const older = Math.max(0, aliveNow - agents.filter((agent) => !isOver(agent)).length);
  const changes = agents.flatMap(({ spawnedAt, endedAt }): [number, number][] => [
    [seconds(spawnedAt), 1],
    ...(endedAt === undefined ? [] : [[seconds(endedAt), -1] as [number, number]]),
  ]);
  return summed(changes, now, older);
}

/** The money of all that ended, added up as they did, and at last of those alive. */
export function spent(agents: readonly AgentResource[], now: number): Series {
  const changes = agents.map(({ endedAt, usage }): [number, number] => [
    endedAt === undefined ? now : seconds(endedAt),
    usage.moneyMicroUsd / 1e6,
  ]);
  return summed(changes, now);
}

function summed(changes: readonly [time: number, by: number][], now: number, first = 0): Series {
  const times: number[] = [];
  const values: number[] = [];
  let sum = first;
  for (const [time, by] of changes.toSorted(([one], [other]) => one - other)) {
    sum += by;
    times.push(time);
    values.push(sum);
  }
  if (times.length > 0) {
    times.push(Math.max(now, times.at(-1) ?? now));
    values.push(sum);
  }
  return [times, values];
}

/** Milliseconds from each order to the spoke's signed answer. */
export function roundTrips(commands: readonly Command[]): Series {
  const answered = commands
    .filter(({ answeredAt }) => answeredAt !== undefined)
    .toSorted((one, other) => one.createdAt.localeCompare(other.createdAt));
  return [
    answered.map(({ createdAt }) => seconds(createdAt)),
    answered.map(({ createdAt, answeredAt = createdAt }) => Date.parse(answeredAt) - Date.parse(createdAt)),
  ];
}
