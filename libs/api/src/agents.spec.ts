// The agents' resources over real HTTP.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { caller } from '../../../test/support/call.js';
import { startTinyApi } from '../../../test/support/tiny-api.js';
import type { TinyApi } from '../../../test/support/tiny-api.js';

let api: TinyApi;
let call: ReturnType<typeof caller>;
beforeAll(async () => {
  api = await startTinyApi();
  call = caller(api.url, api.adminKey);
});
afterAll(async () => api[Symbol.asyncDispose]());

const spawn = {
  taskId: 'task-1',
  agentType: 'worker',
  context: { repository: 'https://example.org/repo.git', branch: 'main', workItems: ['mend the sum'] },
};

async function spawned(): Promise<string> {
  return ((await call('POST', '/v1/agents', spawn)).json() as { agentId: string }).agentId;
}

describe('agents over REST', () => {
  test('a spawn answers 201 with the agent and where it is', async () => {
    const answer = await call('POST', '/v1/agents', spawn);
    expect(answer.status).toBe(201);
    const agent = answer.json() as { agentId: string; options: unknown };
    expect(answer.headers.location).toBe(`/v1/agents/${agent.agentId}`);
    expect(agent.options).toEqual({});
    expect((await call('GET', `/v1/agents/${agent.agentId}`)).json()).toEqual(agent);
  });

  test('[S-8] the same idempotency key gives the same agent', async () => {
    const headers = { 'idempotency-key': 'once' };
    const [first, second] = [
      await call('POST', '/v1/agents', spawn, headers),
      await call('POST', '/v1/agents', spawn, headers),
    ];
    expect(second.json()).toEqual(first.json());
  });

  test('a spawn that the peer has not answered is 202 and says where its end can be read', async () => {
    api.gateway.pendingId = 'AAAAAAAAAAAAAAAAAAAAAA';
    const answer = await call('POST', '/v1/agents', spawn, { prefer: 'wait=0' });
    api.gateway.pendingId = undefined;
    expect(answer.status).toBe(202);
    expect(answer.headers.location).toBe('/v1/commands/AAAAAAAAAAAAAAAAAAAAAA');
    expect(answer.json()).toMatchObject({ state: 'pending', spoke: 'far' });
  });

  test('pages follow one another without gap or double, and filters hold', async () => {
    const ids = [await spawned(), await spawned(), await spawned()];
    const first = (await call('GET', '/v1/agents?limit=2&state=running&taskId=task-1')).json() as Page;
    const second = (await call('GET', `/v1/agents?limit=200&cursor=${first.nextCursor ?? ''}`)).json() as Page;
    const seen = [...first.agents, ...second.agents].map((agent) => agent.agentId);
    expect(seen.slice(0, 3)).toEqual(ids.reverse());
    expect(new Set(seen).size).toBe(seen.length);
    expect((await call('GET', '/v1/agents?state=killed,failed')).json()).toEqual({ agents: [] });
    expect((await call('GET', '/v1/agents?state=killed&state=failed')).json()).toEqual({ agents: [] });
  });

  test('[K-6] a kill carries who and why, and [K-4] killing again is no error', async () => {
    const id = await spawned();
    const killed = await call('POST', `/v1/agents/${id}/kill`, { reason: 'enough' });
    expect(killed.status).toBe(200);
    expect(killed.json()).toMatchObject({ report: { killed: [id], survivors: 0 } });
    expect((await call('POST', `/v1/agents/${id}/kill`, { reason: 'again' })).json()).toMatchObject({
      report: { alreadyEnded: [id] },
    });
    const agent = (await call('GET', `/v1/agents/${id}`)).json() as {
      actor: { kind: string; id: string };
      reason: string;
    };
    expect(agent).toMatchObject({ state: 'killed', reason: 'enough', actor: { kind: 'key' } });
    expect(api.adminKey).toContain(`writ_${agent.actor.id}_`);
  });

  test('[K-3] a kill of all latches until it is reset', async () => {
    await call('POST', '/v1/kill', { reason: 'stop' });
    expect((await call('GET', '/v1/kill')).json()).toMatchObject({ latches: [{ scope: 'all', reason: 'stop' }] });
    const refused = await call('POST', '/v1/agents', spawn);
    expect(refused).toMatchObject({ status: 423 });
    expect((await call('POST', '/v1/kill/reset', { reason: 'mended' })).json()).toEqual({ latches: [] });
    expect((await call('POST', '/v1/agents', spawn)).status).toBe(201);
  });

  test('the diff is JSON, or text when Accept asks for it', async () => {
    const id = await spawned();
    expect((await call('GET', `/v1/agents/${id}/diff`)).json()).toMatchObject({ truncated: false });
    const text = await call('GET', `/v1/agents/${id}/diff`, undefined, { accept: 'text/x-diff' });
    expect(text.headers['content-type']).toContain('text/x-diff');
    expect(text.text).toMatch(/^--- a\/sum.js/);
  });

  test('output without following is what is there now, and goes on from its cursor', async () => {
    const id = await spawned();
    api.gateway.say(id, 'one ');
    const first = (await call('GET', `/v1/agents/${id}/output?follow=false`)).json() as {
      cursor: string;
      text: string;
    };
    expect(first).toMatchObject({ text: 'one ', end: false });
    api.gateway.say(id, 'two');
    api.gateway.end(id);
    const rest = await call('GET', `/v1/agents/${id}/output?follow=false&cursor=${first.cursor}`);
    expect(rest.json()).toMatchObject({ text: 'two', end: true });
  });
});

describe('[S-3] bad input is refused with a problem that names the field', () => {
  const bodies: [string, unknown, string][] = [
    ['a wrong type', { ...spawn, taskId: 7 }, 'taskId'],
    ['an unknown field', { ...spawn, extra: 1 }, 'extra'],
    ['an unknown nested field', { ...spawn, context: { ...spawn.context, gitDir: '/' } }, 'context.gitDir'],
    ['a missing context', { taskId: 't', agentType: 'worker' }, 'context'],
    [
      'an over-long item',
      { ...spawn, context: { ...spawn.context, workItems: ['x'.repeat(9_000)] } },
      'context.workItems[0]',
    ],
    [
      'a git option as branch',
      { ...spawn, context: { ...spawn.context, branch: '--upload-pack=sh' } },
      'context.branch',
    ],
    [
      'a transport that runs programs',
      { ...spawn, context: { ...spawn.context, repository: 'ext::sh -c id' } },
      'context.repository',
    ],
    ['a list', [], 'body'],
    ['no body', undefined, 'body'],
    ['a prototype', '{"__proto__":{"a":1},"taskId":"t"}', 'body'],
    ['a doubled prototype', '{"__proto__":{},"__proto__":{},"taskId":"t"}', 'body'],
    ['a nested prototype', `${JSON.stringify(spawn).slice(0, -1)},"options":{"__proto__":{"runtime":"x"}}}`, 'body'],
    ['broken JSON', '{"taskId":', 'body'],
  ];
  test.each(bodies)('%s', async (_name, body, field) => {
    const before = api.gateway.entries.size;
    const answer = await call('POST', '/v1/agents', body);
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json()).toMatchObject({ code: 'invalid_request', field });
    expect(api.gateway.entries.size).toBe(before);
  });

  test('10 MB are refused with 413', async () => {
    const answer = await call('POST', '/v1/agents', Buffer.alloc(10 * 2 ** 20, 0x20));
    expect(answer).toMatchObject({ status: 413 });
    expect(answer.json()).toMatchObject({ code: 'too_large', field: 'body' });
  });

  test('another content type is refused with 415', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
      expect(await call('POST', '/v1/kill', '{"reason":"x"}', { 'content-type': type })).toMatchObject({ status: 415 });
    expect(api.gateway.latched).toEqual([]);
  });

  test('queries, paths and headers are checked too', async () => {
    expect((await call('GET', '/v1/agents?limit=0')).json()).toMatchObject({ field: 'limit' });
    expect((await call('GET', '/v1/agents?nope=1')).json()).toMatchObject({ field: 'nope' });
    expect((await call('GET', '/v1/agents?state=lost')).json()).toMatchObject({ field: 'state[0]' });
    expect((await call('GET', '/v1/agents/..%2f..%2fetc')).json()).toMatchObject({ field: 'id' });
    const long = { 'idempotency-key': 'k'.repeat(129) };
    expect((await call('POST', '/v1/agents', spawn, long)).json()).toMatchObject({ field: 'Idempotency-Key' });
    expect((await call('POST', '/v1/agents', spawn, { prefer: 'wait=soon' })).json()).toMatchObject({
      field: 'Prefer',
    });
  });

  test('[L-9] an unknown error says nothing to the caller and all to the log', async () => {
    const id = await spawned();
    api.gateway.failure = new Error('password=hunter2 at /srv/secret');
    const answer = await call('GET', `/v1/agents/${id}`);
    api.gateway.failure = undefined;
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('hunter2');
    const { instance } = answer.json() as { instance: string };
    expect(instance).toBe(`urn:uuid:${String(answer.headers['x-request-id'])}`);
    expect(api.lines.find((line) => line.includes(instance))).toContain('hunter2');
  });

  test('what does not exist is a problem as well', async () => {
    expect(await call('GET', '/v1/agents/00000000-0000-4000-8000-000000000000')).toMatchObject({ status: 404 });
    const nowhere = await call('GET', '/v1/nowhere');
    expect(nowhere.headers['content-type']).toContain('application/problem+json');
    expect(nowhere.json()).toMatchObject({ status: 404, code: 'not_found' });
  });
});

interface Page {
  agents: { agentId: string }[];
  nextCursor?: string;
}
