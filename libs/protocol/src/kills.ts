// Several reports of kills as one.
import type { KillReport } from './operations.js';

/** Who was killed by one of them has not "already ended" by another. */
export function mergedKills(reports: readonly KillReport[]): KillReport {
  const killed = new Set(reports.flatMap((report) => report.killed));
  const ended = new Set(reports.flatMap(({ alreadyEnded }) => alreadyEnded));
  return {
    killed: [...killed],
    alreadyEnded: [...ended].filter((agentId) => !killed.has(agentId)),
    failed: reports.flatMap(({ failed }) => failed),
    survivors: reports.reduce((sum, { survivors }) => sum + survivors, 0),
  };
}
