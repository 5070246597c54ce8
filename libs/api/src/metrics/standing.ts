// What hub and spoke both show of how they stand: who they are, what somebody has stopped, and what calls for a person.
import type { InstanceResource } from '#protocol';
import type { Gateway } from '../gateway.js';
import type { Trust } from '../trust.js';
import { version } from '../version.js';
import type { MetricDefinition, Metrics } from './metrics.js';

export const standingMetrics = {
  instance: {
    name: 'writ_instance_info',
    kind: 'gauge',
    help: 'What answers, always 1: `role` is `hub` or `spoke`.',
    labels: ['role', 'version'],
  },
  killswitch: {
    name: 'writ_killswitch_set',
    kind: 'gauge',
    help: 'Killswitches that hold new agents back, each 1: of everything (`all`), of one spoke (`spoke:NAME`), of one hub by its connection (`hub:ID`).',
    labels: ['scope'],
  },
  alarms: {
    name: 'writ_alarms_open',
    kind: 'gauge',
    help: 'Alarms that nobody has cleared, by kind.',
    labels: ['kind'],
  },
  statement: {
    name: 'writ_key_statement_left_seconds',
    kind: 'gauge',
    help: 'How long the key statement of this instance still holds; below 0 it has ended.',
    labels: [],
  },
  peerStatement: {
    name: 'writ_peer_key_statement_left_seconds',
    kind: 'gauge',
    help: 'How long the last key statement of the peer still holds; below 0 it has ended.',
    labels: ['peer', 'connection'],
  },
} as const satisfies Record<string, MetricDefinition>;

export interface Standing {
  readonly role: InstanceResource['role'];
  readonly gateway: Pick<Gateway, 'latches'>;
  readonly trust: Trust;
}

export function measureStanding(metrics: Metrics, { role, gateway, trust }: Standing, now = Date.now): void {
  const left = (endsAtMs: number) => (endsAtMs - now()) / 1_000;
  metrics.read(standingMetrics.instance, () => [[{ role, version }, 1]]);
  metrics.read(standingMetrics.killswitch, async () => (await gateway.latches()).map(({ scope }) => [{ scope }, 1]));
  metrics.read(standingMetrics.alarms, async () => {
    const { alarms } = await trust.audit.alarms();
    return [...Map.groupBy(alarms, ({ kind }) => kind)].map(([kind, of]) => [{ kind }, of.length]);
  });
  metrics.read(standingMetrics.statement, () => [[{}, left(Date.parse(trust.signing.shown().statement.expiresAt))]]);
  metrics.read(standingMetrics.peerStatement, () =>
    // Of a peer that was never met none is known.
    trust
      .statements()
      .filter(({ endsAtMs }) => endsAtMs > 0)
      .map(({ name: peer, connection, endsAtMs }) => [{ peer, connection }, left(endsAtMs)]),
  );
}
