// The audit logs of this instance's connections, handed out whole; and the alarms that its peers gave cause for.
import { surveyAudit, verifyAudit, WritError } from '#protocol';
import type { Actor, AlarmProof, AlarmResource, AuditReport, AuditRowsPage, Check, ReceiptKind } from '#protocol';
import type { Acts } from '../acts.js';

/** The export of one connection, line by line, read while it is taken. */
interface OpenedAudit {
  readonly connectionId: string;
  readonly by: 'hub' | 'spoke';
  /** The thumbprints of both roots. */
  readonly parties: { readonly hub: string; readonly spoke: string };
  readonly lines: AsyncIterable<string>;
  /** The same lines again each time. */
  readonly fixed: () => Promise<() => AsyncIterable<string>>;
  readonly browse: (how: Browse) => Promise<Pick<AuditRowsPage, 'rows'> & { readonly next?: number | undefined }>;
}

interface Browse {
  readonly before?: number | undefined;
  readonly kinds?: readonly ReceiptKind[] | undefined;
  readonly limit: number;
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
  /** By connection: a long log takes a while, and never twice at once. */
  readonly #verifying = new Map<string, Promise<AuditReport>>();

  constructor(private readonly parts: AuditParts) {}

  /** That it was taken is an administrative act. */
  async export(peer: string, actor: Actor): Promise<AsyncIterable<string>> {
    const { connectionId, lines } = await this.parts.open(peer);
    await this.parts.acts.record({ act: 'audit.export', subject: connectionId, actor, detail: {} });
    return lines;
  }

  /** Rows of it, the newest first. Whoever reads them is on record. */
  async rows(peer: string, how: Browse, actor: Actor): Promise<AuditRowsPage> {
    const { connectionId, by, parties, browse } = await this.parts.open(peer);
    const { rows, next } = await browse(how);
    await this.parts.acts.record({ act: 'audit.read', subject: connectionId, actor, detail: how });
    return { connectionId, by, ...parties, rows, ...(next !== undefined && { next }) };
  }

  /** As `writ audit verify` does it, over the log as it stands; who asks meanwhile gets the same answer. */
  async verify(peer: string): Promise<AuditReport> {
    const opened = await this.parts.open(peer);
    const { connectionId } = opened;
    const running = this.#verifying.get(connectionId) ?? verification(opened);
    this.#verifying.set(connectionId, running);
    return running.finally(() => this.#verifying.delete(connectionId));
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

async function verification({ fixed, parties }: OpenedAudit): Promise<AuditReport> {
  const lines = await fixed();
  const source = async function* () {
    for await (const line of lines()) yield line.trimEnd();
  };
  return verifyAudit(source, await surveyAudit(source), parties);
}
