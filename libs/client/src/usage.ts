// What a spoke has spent.
import type { UsageQuery, UsageReport } from '#protocol';
import type { Http } from './http.js';

export class UsageResource {
  constructor(private readonly http: Http) {}

  /** Days in UTC, both included; today by default. */
  async report(query: UsageQuery = {}): Promise<UsageReport> {
    return (await this.http.call<UsageReport>({ method: 'GET', path: '/v1/usage', query: { ...query } })).body;
  }
}
