// Audit logs and alarms.
import type { AlarmProof, AlarmResource, AuditReport, AuditRowsPage, AuditRowsQuery } from '#protocol';
import type { Http } from './http.js';

export class AuditResource {
  constructor(private readonly http: Http) {}

  /** The export of a connection as it comes: JSON lines, ended by a signed one. */
  export(peer: string, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.http.stream({ method: 'GET', path: '/v1/audit', query: { peer }, signal });
  }

  /** A page of rows, the newest first. */
  async rows({ kind, ...query }: AuditRowsQuery): Promise<AuditRowsPage> {
    const kinds = Array.isArray(kind) ? kind.join(',') : undefined;
    const call = { method: 'GET', path: '/v1/audit/rows', query: { ...query, kind: kinds } } as const;
    return (await this.http.call<AuditRowsPage>(call)).body;
  }

  /** What the instance finds when it verifies its own log. */
  async verification(peer: string): Promise<AuditReport> {
    return (await this.http.call<AuditReport>({ method: 'GET', path: '/v1/audit/verification', query: { peer } })).body;
  }

  async alarms(): Promise<AlarmResource[]> {
    return (await this.http.call<{ alarms: AlarmResource[] }>({ method: 'GET', path: '/v1/alarms' })).body.alarms;
  }

  async proof(id: string): Promise<AlarmProof> {
    return (await this.http.call<AlarmProof>({ method: 'GET', path: `/v1/alarms/${encodeURIComponent(id)}` })).body;
  }

  async clear(id: string): Promise<void> {
    await this.http.call({ method: 'DELETE', path: `/v1/alarms/${encodeURIComponent(id)}` });
  }
}
