// The description of the API, and health.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { caller } from '../../../../test/support/call.js';
import { startTinyApi } from '../../../../test/support/tiny-api.js';
import type { TinyApi } from '../../../../test/support/tiny-api.js';

let api: TinyApi;
beforeAll(async () => {
  api = await startTinyApi();
});
afterAll(async () => api[Symbol.asyncDispose]());

interface Document {
  openapi: string;
  paths: Record<
    string,
    Record<string, { requestBody?: unknown; parameters?: { name: string }[]; responses: Record<string, unknown> }>
  >;
}

test('the description is OpenAPI 3.1 made from the schemas that check requests', async () => {
  const document = (await caller(api.url)('GET', '/openapi.json')).json() as Document;
  expect(document.openapi).toBe('3.1.0');
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining([
      '/v1/agents',
      '/v1/agents/{id}/output',
      '/v1/kill',
      '/v1/kill/reset',
      '/v1/keys',
      '/healthz',
    ]),
  );
  const spawn = document.paths['/v1/agents']!.post!;
  expect(JSON.stringify(spawn.requestBody)).toContain('workItems');
  expect(Object.keys(spawn.responses)).toEqual(expect.arrayContaining(['201', '202', 'default']));
  expect(JSON.stringify(spawn.responses.default)).toContain('application/problem+json');
  const names = document.paths['/v1/agents']!.get!.parameters!.map((parameter) => parameter.name);
  expect(names).toEqual(expect.arrayContaining(['state', 'taskId', 'agentType', 'spoke', 'cursor', 'limit']));
});

test('the page for people needs nothing from anywhere and runs no script', async () => {
  const page = await caller(api.url)('GET', '/docs');
  expect(page.headers['content-type']).toContain('text/html');
  expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/);
  expect(page.text).toContain('/v1/agents/{id}/kill');
  expect(page.text).not.toMatch(/<script|(src|href)="(https?:)?\/\//);
});

test('health and readiness answer without a key, and readiness says why not', async () => {
  const call = caller(api.url);
  expect((await call('GET', '/healthz')).json()).toEqual({ alive: true });
  expect((await call('GET', '/readyz')).status).toBe(200);
  api.gateway.failure = new Error('gone');
  const answer = await call('GET', '/readyz');
  api.gateway.failure = undefined;
  expect(answer.status).toBe(503);
  expect(answer.json()).toMatchObject({ ready: false, reasons: ['the store does not answer'] });
  expect((await call('GET', '/v1/instance')).status).toBe(401);
});

test('every answer carries the headers that keep a browser from doing more with it', async () => {
  const { headers } = await caller(api.url, api.adminKey)('GET', '/v1/agents');
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
});
