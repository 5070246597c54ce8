// Audit logs and alarms.
import type { AlarmProof, AlarmResource } from '#protocol';
import type { Http } from './http.js';

export class AuditResource {
  constructor(private readonly http: Http) {}

  /** The export of a connection as it comes: JSON lines, ended by a signed one. */
  export(peer: string, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.http.stream({ method: 'GET', path: '/v1/audit', query: { peer }, signal });
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
