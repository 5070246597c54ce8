// The audit logs of this instance's connections, handed out whole; and the alarms that its peers gave cause for.
import { WritError, type Actor, type AlarmProof, type AlarmResource, type Check } from '#protocol';
import type { Acts } from '../acts.js';

/** The export of one connection, line by line, read while it is taken. */
interface OpenedAudit {
  readonly connectionId: string;
  readonly lines: AsyncIterable<string>;
}

interface AlarmBook {
  list(): Promise<readonly AlarmResource[]>;
  evidence(id: string): Promise<readonly string[]>;
  clear(id: string): Promise<void>;
}

export interface AuditParts {
  /** By a peer's name or id, or the connection's. @throws WritError `not_found`, `spoke_unknown` */
  readonly open: (peer: string) => Promise<OpenedAudit>;
  readonly alarms: AlarmBook;
  readonly acts: Acts;
}

export class AuditService {
  constructor(private readonly parts: AuditParts) {}

  /** That it was taken is an administrative act. */
  async export(peer: string, actor: Actor): Promise<AsyncIterable<string>> {
    const { connectionId, lines } = await this.parts.open(peer);
    await this.parts.acts.record({ act: 'audit.export', subject: connectionId, actor, detail: {} });
    return lines;
  }

  async alarms(): Promise<{ alarms: AlarmResource[] }> {
    return { alarms: [...(await this.parts.alarms.list())] };
  }

  /** @throws WritError `not_found` */
  async proof(id: string): Promise<AlarmProof> {
    const alarm = (await this.parts.alarms.list()).find((one) => one.id === id);
    if (!alarm) throw new WritError('not_found', 'There is no alarm of that id.');
    return { alarm, evidence: [...(await this.parts.alarms.evidence(id))] };
  }

  /** Somebody has seen to it; it comes back when it is raised again. @throws WritError `not_found` */
  async clear(id: string, actor: Actor): Promise<void> {
    const { alarm } = await this.proof(id);
    await this.parts.acts.record({ act: 'alarm.clear', subject: id, actor, detail: alarm });
    await this.parts.alarms.clear(id);
  }

  /** For `writ doctor`: nothing while there is no alarm. A store that does not answer has a check of its own. */
  async check(): Promise<Check[]> {
    const [last, ...more] = await this.parts.alarms.list().catch(() => []);
    if (!last) return [];
    const others = more.length > 0 ? ` There are ${more.length} more.` : '';
    const detail = `${last.detail} (${last.kind}, ${last.lastAt})${others}`;
    return [{ name: 'alarms', outcome: 'warning', detail, cure: 'writ alarms' }];
  }
}
