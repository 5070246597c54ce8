// The figures over real HTTP: who may read them, and that they move.
import { describe, expect, test } from '@jest/globals';
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Agent, request } from 'undici';
import { caller } from '../../../../test/support/call.js';
import { startTinyApi } from '../../../../test/support/tiny-api.js';
import type { ApiKeyCreated } from '#protocol';
import { Metrics } from './metrics.js';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('/metrics', () => {
  test('wants a key, and a viewer’s is enough', async () => {
    await using api = await startTinyApi();
    expect(await caller(api.url)('GET', '/metrics')).toMatchObject({ status: 401 });
    const made = await caller(api.url, api.adminKey)('POST', '/v1/keys', { name: 'scraper', role: 'viewer' });
    const { key } = made.json() as ApiKeyCreated;
    const answer = await caller(api.url, key)('GET', '/metrics');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.text).toContain('# TYPE writ_requests_total counter\n');
    expect(answer.text).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(answer.text).toMatch(/^nodejs_eventloop_lag_seconds /m);
  });

  test('requests and refusals are counted, and a path that nobody knows makes no new series', async () => {
    await using api = await startTinyApi();
    const call = caller(api.url, api.adminKey);
    await call('GET', '/v1/agents');
    for (const path of ['/v1/agents/11111111-1111-4111-8111-111111111111', '/nowhere/1', '/nowhere/2'])
      await call('GET', path);
    await caller(api.url)('GET', '/v1/agents');
    const { text } = await call('GET', '/metrics');
    const series = text.split('\n').filter((line) => /^writ_(requests|refusals)_total\{/.test(line));
    expect(series.sort()).toEqual([
      'writ_refusals_total{door="rest",code="not_found"} 3',
      'writ_refusals_total{door="rest",code="unauthenticated"} 1',
      'writ_requests_total{method="GET",status="200"} 1',
      'writ_requests_total{method="GET",status="401"} 1',
      'writ_requests_total{method="GET",status="404"} 3',
    ]);
  });

  test('nothing listens without a key unless the admin says so; then on loopback alone, for these figures alone', async () => {
    const metricsPort = await freePort();
    const open = `http://127.0.0.1:${metricsPort}`;
    {
      await using closed = await startTinyApi();
      expect(closed.url).not.toBe(open);
      await expect(request(`${open}/metrics`)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }
    await using api = await startTinyApi({ metricsPort });
    const asked = async (path: string, more: object = {}) => {
      const { statusCode, body } = await request(open + path, more);
      return { status: statusCode, text: await body.text() };
    };
    expect(await asked('/metrics')).toMatchObject({
      status: 200,
      text: expect.stringContaining('writ_requests_total'),
    });
    expect(await asked('/v1/agents')).toMatchObject({ status: 404 });
    expect(await asked('/metrics', { method: 'POST' })).toMatchObject({ status: 404 });
    expect(await asked('/metrics', { headers: { host: 'attacker.example' } })).toMatchObject({ status: 404 });
    await expect(startTinyApi({ metricsPort })).rejects.toMatchObject({ code: 'bind_refused', field: 'metricsPort' });
    await api.close();
    // Over a new connection: one that was kept from before ends in its own way.
    const afterwards = request(`${open}/metrics`, { dispatcher: new Agent() });
    await expect(afterwards).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

test('a figure that cannot be read now is left out, the others are there, and no figure has more than a thousand rows', async () => {
  const metrics = new Metrics();
  const gauge = (name: string) => ({ name, kind: 'gauge' as const, help: name, labels: ['of'] });
  metrics.read(gauge('broken'), () => Promise.reject(new Error('the store is away')));
  metrics.read({ ...gauge('alone'), labels: [] }, () => Promise.reject(new Error('the store is away')));
  metrics.read(gauge('many'), () => Array.from({ length: 1_500 }, (_none, n) => [{ of: String(n) }, n] as const));
  const text = await metrics.text();
  expect(text).not.toMatch(/^(broken|alone)[ {]/m);
  expect(text.match(/^many\{/gm)).toHaveLength(1_000);
  expect(text).toContain('many{of="7"} 7');
});

test('what is not there any more at the next look is not shown any more', async () => {
  const metrics = new Metrics();
  let peers = ['one', 'two'];
  const gauge = { name: 'peers', kind: 'gauge' as const, help: '-', labels: ['peer'] };
  metrics.read(gauge, () => peers.map((peer) => [{ peer }, 1] as const));
  expect(await metrics.text()).toContain('peers{peer="two"} 1');
  peers = ['one'];
  expect(await metrics.text()).not.toContain('two');
});
