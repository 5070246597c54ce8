// What a spoke's admin asks of the spoke itself.
import type { DrainBody, DrainState, GcBody, GcReport } from '#protocol';
import type { Http } from './http.js';

/** A collection measures the whole disk of the spoke before it answers. */
const gcWaitS = 600;

export class HousekeepingResources {
  constructor(private readonly http: Http) {}

  async gc(body: GcBody = {}): Promise<GcReport> {
    const call = { method: 'POST', path: '/v1/gc', body, waitS: gcWaitS, repeatable: true } as const;
    return (await this.http.call<GcReport>(call)).body;
  }

  /** Safe to repeat: a drain that stands stays as it is. */
  async drain(body: DrainBody = {}): Promise<DrainState> {
    const call = { method: 'POST', path: '/v1/drain', body, repeatable: true } as const;
    return (await this.http.call<DrainState>(call)).body;
  }

  async drainState(): Promise<DrainState> {
    return (await this.http.call<DrainState>({ method: 'GET', path: '/v1/drain' })).body;
  }

  async lift(): Promise<DrainState> {
    return (await this.http.call<DrainState>({ method: 'DELETE', path: '/v1/drain' })).body;
  }
}
