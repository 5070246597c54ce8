// The client against a real instance over real sockets, some of them cut.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cuttingProxy } from '../../../test/support/cutting-proxy.js';
import type { CuttingProxy } from '../../../test/support/cutting-proxy.js';
import { startTinyApi } from '../../../test/support/tiny-api.js';
import type { TinyApi } from '../../../test/support/tiny-api.js';
import { until } from '../../../test/support/until.js';
import type { AgentResource } from '#protocol';
import { RestClient } from './client.js';
import { WritProblem } from './problem.js';
import { messagesOf } from './sse.js';

const spawn = {
  taskId: 'task-1',
  agentType: 'worker' as const,
  context: { repository: 'https://example.org/repo.git', branch: 'main', workItems: ['mend the sum'] },
};

let api: TinyApi;
let proxy: CuttingProxy;
let client: RestClient;
beforeEach(async () => {
  api = await startTinyApi();
  proxy = await cuttingProxy(api.url);
  client = new RestClient({ url: proxy.url, key: api.adminKey });
});
afterEach(async () => {
  await client.close();
  await proxy[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

async function spawned(): Promise<AgentResource> {
  const answer = await client.agents.spawn(spawn);
  if (!('agent' in answer)) throw new Error('still pending');
  return answer.agent;
}

describe('requests', () => {
  test('spawn, read, list, kill, diff, keys', async () => {
    const agent = await spawned();
    expect(await client.agents.get(agent.agentId)).toEqual(agent);
    expect((await client.agents.list({ limit: 10 })).agents).toEqual([agent]);
    expect((await client.agents.kill(agent.agentId, 'enough')).report.killed).toEqual([agent.agentId]);
    expect(api.gateway.killPatienceMs).toBe(15_000);
    expect((await client.agents.diff(agent.agentId)).text).toContain('a/sum.js');
    const made = await client.keys.create({ name: 'ci', role: 'viewer' });
    expect((await client.keys.list()).map((key) => key.id)).toContain(made.id);
    await client.keys.revoke(made.id);
    expect(await client.keys.list()).toHaveLength(1);
    expect((await client.instance()).name).toBe('tiny');
    expect(await client.alive()).toBe(true);
  });

  test('all pages come as one list', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) ids.unshift((await spawned()).agentId);
    const seen: string[] = [];
    for await (const agent of client.agents.all({ limit: 2 })) seen.push(agent.agentId);
    expect(seen).toEqual(ids);
  });

  test('a command that waits for its peer comes back as pending', async () => {
    api.gateway.pendingId = 'AAAAAAAAAAAAAAAAAAAAAA';
    expect(await client.agents.spawn(spawn, { waitS: 0 })).toMatchObject({ pending: { spoke: 'far' } });
  });

  test('a refusal is a WritProblem with its code, field and next step', async () => {
    const refused = await client.agents.spawn({ ...spawn, taskId: '' }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(WritProblem);
    expect(refused).toMatchObject({ code: 'invalid_request', field: 'taskId', problem: { status: 400 } });
    const stranger = new RestClient({ url: api.url, key: 'writ_wrong' });
    await expect(stranger.agents.list()).rejects.toMatchObject({ code: 'unauthenticated' });
    await stranger.close();
  });

  test('where nothing answers the error says where, and not with which key', async () => {
    proxy.refuse(true);
    const error = (await client.agents.list().catch((caught: unknown) => caught)) as Error;
    expect(error).toMatchObject({ code: 'peer_unavailable', detail: `Nothing answers at ${proxy.url}.` });
    expect(`${error.message}${error.stack ?? ''}`).not.toContain(api.adminKey);
  });
});

/** Answers what it is told to, in order, and counts. */
async function scripted(answers: ((request: IncomingMessage, response: ServerResponse) => void)[], timeoutMs?: number) {
  const seen: { method: string; key: unknown }[] = [];
  const server = createServer((request, response) => {
    const answer = answers[Math.min(seen.length, answers.length - 1)];
    seen.push({ method: request.method ?? '', key: request.headers['idempotency-key'] });
    request.resume().on('end', () => answer?.(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const other = new RestClient({ url, key: 'k', timeoutMs });
  const dispose = async () => {
    await other.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { other, seen, [Symbol.asyncDispose]: dispose };
}

const cut = (request: IncomingMessage) => void request.socket.destroy();
const json =
  (status: number, body: unknown, headers = {}) =>
  (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };

describe('retries', () => {
  test('a read is tried again after a cut', async () => {
    await using far = await scripted([cut, cut, json(200, { agents: [] })]);
    expect(await far.other.agents.list()).toEqual({ agents: [] });
    expect(far.seen).toHaveLength(3);
  });

  test('a spawn is tried again under the same idempotency key', async () => {
    await using far = await scripted([cut, json(201, { agentId: 'x' })]);
    await far.other.agents.spawn(spawn);
    expect(far.seen).toHaveLength(2);
    expect(far.seen[0]?.key).toBeDefined();
    expect(far.seen[1]?.key).toBe(far.seen[0]?.key);
  });

  test('what is not safe to repeat is sent once', async () => {
    await using far = await scripted([cut]);
    await expect(far.other.keys.create({ name: 'a', role: 'viewer' })).rejects.toMatchObject({
      code: 'peer_unavailable',
    });
    await expect(far.other.invites.create()).rejects.toMatchObject({ code: 'peer_unavailable' });
    expect(far.seen).toHaveLength(2);
  });

  test('an answer that does not come in time may still have been carried out, and is told as such', async () => {
    await using far = await scripted([() => undefined], 50);
    await expect(far.other.agents.spawn(spawn, { waitS: 0 })).rejects.toMatchObject({ code: 'timed_out' });
    expect(far.seen).toHaveLength(1);
  });

  test('a refusal is not tried again, and a redirect is not followed', async () => {
    await using far = await scripted([json(302, {}, { location: 'http://127.0.0.1:1/' })]);
    await expect(far.other.agents.get('x')).rejects.toMatchObject({ problem: { status: 302 } });
    expect(far.seen).toHaveLength(1);
    await using proxyError = await scripted([
      (_request, response) => response.writeHead(502).end('<html>secret</html>'),
    ]);
    const error = await proxyError.other.agents.list().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'internal', problem: { status: 502 } });
    expect(String(error)).not.toContain('secret');
    expect(proxyError.seen).toHaveLength(1);
  });
});

describe('streams', () => {
  test('[O-2] output survives cuts without loss or double and stops at the explicit end', async () => {
    const { agentId } = await spawned();
    let expected = '';
    let text = '';
    const reading = (async () => {
      for await (const piece of client.agents.output(agentId)) text += piece.text;
    })();
    for (let round = 0; round < 6; round++) {
      api.gateway.say(agentId, `line ${round}\n`);
      expected += `line ${round}\n`;
      await until(`line ${round}`, () => text === expected);
      proxy.cut();
      api.gateway.say(agentId, `during the cut ${round}\n`);
      expected += `during the cut ${round}\n`;
      await until('the rest', () => text === expected);
    }
    api.gateway.end(agentId);
    await reading;
    expect(text).toBe(expected);
    expect(proxy.taken()).toBeGreaterThan(6);
  });

  test('[O-2] a restart of the instance ends no stream', async () => {
    const { agentId } = await spawned();
    let text = '';
    const reading = (async () => {
      for await (const piece of client.agents.output(agentId)) text += piece.text;
    })();
    api.gateway.say(agentId, 'before ');
    await until('the first piece', () => text === 'before ');
    await api.close();
    const { gateway, stateDir, adminKey } = api;
    api = await startTinyApi({ stateDir, port: Number(new URL(api.url).port) });
    for (const [id, entry] of gateway.entries) api.gateway.entries.set(id, entry);
    expect(adminKey).not.toBe('');
    api.gateway.say(agentId, 'after');
    api.gateway.end(agentId);
    await reading;
    expect(text).toBe('before after');
  });

  test('a refusal ends the stream as a problem', async () => {
    const unknown = client.agents.output('00000000-0000-4000-8000-000000000000');
    await expect(unknown[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'not_found' });
    const { agentId } = await spawned();
    const elsewhere = client.agents.output(agentId, 'elsewhere');
    await expect(elsewhere[Symbol.asyncIterator]().next()).rejects.toMatchObject({ field: 'cursor' });
  });

  test('events go on after a cursor, and the signal ends them without an error', async () => {
    const [first, second] = [await spawned(), await spawned()];
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const { event, cursor } of client.agents.events(undefined, stop.signal)) {
      seen.push(event.subject);
      if (cursor === '2') stop.abort();
    }
    expect(seen).toEqual([first.agentId, second.agentId]);
    await until('the source is free', () => api.gateway.reading === 0);
  });

  test('the signal of a client ends all that is asked by it: what waits, what follows, what comes later', async () => {
    const { agentId } = await spawned();
    const stop = new AbortController();
    await using mine = new RestClient({ url: api.url, key: api.adminKey, signal: stop.signal });
    const { promise: never, resolve } = Promise.withResolvers<undefined>();
    Object.assign(api.gateway, { held: never });
    const [kill, seen] = [mine.agents.kill(agentId, 'enough'), [] as string[]];
    const following = (async () => {
      for await (const { event } of mine.agents.events()) seen.push(event.subject);
    })();
    await until('both are on their way', () => seen.length > 0 && api.gateway.killPatienceMs !== undefined);
    stop.abort(new Error('enough'));
    await expect(kill).rejects.toThrow('enough');
    await following;
    await expect(mine.instance()).rejects.toThrow('enough');
    resolve(undefined);
  });

  test('events from now on leave out what was before, and each says where to go on', async () => {
    await spawned();
    const stop = new AbortController();
    const events = client.agents.events({ from: 'now' }, stop.signal)[Symbol.asyncIterator]();
    const next = events.next();
    await until('it listens', () => api.gateway.reading === 1);
    const { agentId } = await spawned();
    expect(await next).toMatchObject({ value: { cursor: '2', event: { subject: agentId } } });
    stop.abort();
    expect(await events.next()).toMatchObject({ done: true });
  });

  test('messages are whole whatever the chunks are, in every line ending', async () => {
    const text =
      'id: 1\nevent: a\ndata: {"x":"ä"}\n\n: alive\n\nid: 2\r\ndata: [1,\r\ndata: 2]\r\n\r\nid: 3\ndata: {"cut":';
    const raw = new TextEncoder().encode(text);
    for (const size of [1, 2, 3, 7, raw.length]) {
      const chunks = (async function* () {
        for (let at = 0; at < raw.length; at += size) yield raw.subarray(at, at + size);
      })();
      const messages: unknown[] = [];
      for await (const message of messagesOf(chunks)) messages.push(message);
      expect(messages).toEqual([
        { id: '1', event: 'a', data: { x: 'ä' } },
        { id: '2', event: 'message', data: [1, 2] },
      ]);
    }
  });
});
