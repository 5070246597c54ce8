// Key statements that run out, our own and those of peers, as alarms: raised while it is so, withdrawn when a new one is there.
import type { AlarmResource, Check, SigningKeys } from '#protocol';
import { checkKeys, isEnding, type PeerStatement } from './check.js';

type Kind = 'keys_ending' | 'keys_ended';

interface Report {
  readonly kind: Kind;
  /** Absent for our own. */
  readonly connection?: string;
  readonly detail: string;
}

/** Where alarms are kept. */
export interface AlarmDesk {
  raise(report: Report): Promise<void>;
  list(): Promise<readonly AlarmResource[]>;
  clear(id: string): Promise<void>;
}

export interface Statements {
  readonly own: SigningKeys;
  readonly peers: readonly PeerStatement[];
}

/** Brings the alarms up to date. Returns what there is to warn of. */
export async function watchStatements(alarms: AlarmDesk, of: Statements, nowMs: number): Promise<Check[]> {
  const own = checkKeys(of.own, nowMs);
  const ours = own.outcome === 'ok' ? [] : [alarmOf(own)];
  const theirs = of.peers.filter(({ endsAtMs }) => isEnding(endsAtMs, nowMs)).map((peer) => reportOf(peer, nowMs));
  const reports = [...ours, ...theirs];
  for (const { id } of (await alarms.list()).filter((one) => isOver(one, reports))) await alarms.clear(id);
  for (const report of reports) await alarms.raise(report);
  const warnings = theirs.map(({ detail }): Check => ({ name: 'keys of peers', outcome: 'warning', detail, cure }));
  return [...(own.outcome === 'ok' ? [] : [own]), ...warnings];
}

function alarmOf({ outcome, detail }: Check): Report {
  return { kind: outcome === 'failed' ? 'keys_ended' : 'keys_ending', detail };
}

const cure = 'It is renewed when the other side is connected: see `writ doctor` there.';

/** A statement that has run out is stale for a day: status and kills. After that nothing is believed. */
function reportOf({ connection, name, endsAtMs }: PeerStatement, nowMs: number): Report {
  const at = new Date(endsAtMs).toISOString();
  if (endsAtMs > nowMs)
    return { kind: 'keys_ending', connection, detail: `The key statement of ${name} runs out at ${at}.` };
  const detail = `The key statement of ${name} ran out at ${at}: status and kills for a day, then nothing.`;
  return { kind: 'keys_ended', connection, detail };
}

/** Raised for a statement that has been replaced, or that has gone on from ending to ended. */
function isOver({ kind, connection, detail }: AlarmResource, reports: readonly Report[]): boolean {
  if (kind !== 'keys_ending' && kind !== 'keys_ended') return false;
  return !reports.some((one) => one.kind === kind && one.connection === connection && one.detail === detail);
}
