// What a kill found and left, gathered over many agents.
import type { KillReport } from '#protocol';

/** Ids that a report names at most; a larger kill is complete all the same. */
const NAMED_MAX = 1_000;

export const emptyReport: KillReport = { killed: [], alreadyEnded: [], failed: [], survivors: 0 };

export function joined(reports: Iterable<KillReport>): KillReport {
  const killed = new Set<string>();
  const alreadyEnded = new Set<string>();
  const failed = new Map<string, KillReport['failed'][number]>();
  let survivors = 0;
  for (const report of reports) {
    for (const agentId of report.killed) killed.add(agentId);
    for (const agentId of report.alreadyEnded) alreadyEnded.add(agentId);
    for (const failure of report.failed) failed.set(failure.agentId, failure);
    survivors += report.survivors;
  }
  const named = (ids: Set<string>) => [...ids].slice(0, NAMED_MAX);
  return {
    killed: named(killed),
    alreadyEnded: named(alreadyEnded),
    failed: [...failed.values()].slice(0, NAMED_MAX),
    survivors,
  };
}
