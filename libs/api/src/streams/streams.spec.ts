// Event streams over real sockets: cut, slow, stopped, resumed.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import type { ApiKeyCreated, SessionResource } from '#protocol';
import { caller } from '../../../../test/support/call.js';
import { startTinyApi } from '../../../../test/support/tiny-api.js';
import type { TinyApi } from '../../../../test/support/tiny-api.js';
import { until } from '../../../../test/support/until.js';

const spawn = {
  taskId: 'task-1',
  agentType: 'worker',
  context: { repository: 'https://example.org/repo.git', branch: 'main', workItems: ['mend the sum'] },
};

let api: TinyApi;
beforeEach(async () => {
  api = await startTinyApi();
});
afterEach(async () => api[Symbol.asyncDispose]());

async function agent(): Promise<string> {
  return ((await caller(api.url, api.adminKey)('POST', '/v1/agents', spawn)).json() as { agentId: string }).agentId;
}

/** A reader on a bare socket, which a test can pause and cut. */
function read(path: string, headers: Record<string, string> = {}, url = api.url) {
  const { port } = new URL(url);
  const socket: Socket = connect(Number(port), '127.0.0.1');
  const seen = { text: '', closed: false };
  const all = Object.entries({ host: 'x', authorization: `Bearer ${api.adminKey}`, ...headers });
  const lines = all.filter(([, value]) => value !== '').map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  socket
    .on('data', (chunk) => (seen.text += chunk.toString()))
    .on('close', () => (seen.closed = true))
    .on('error', () => undefined);
  const output = () => [...seen.text.matchAll(/"text":"([^"]*)"/g)].map((match) => match[1]).join('');
  const lastId = () => [...seen.text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1];
  return { socket, seen, output, lastId };
}

describe('output as an event stream', () => {
  test('[O-2] it comes as it is written and ends with an explicit end', async () => {
    const id = await agent();
    const reader = read(`/v1/agents/${id}/output`);
    await until('the stream is open', () => reader.seen.text.includes(': open'));
    expect(reader.seen.text).toMatch(/^HTTP\/1.1 200/);
    expect(reader.seen.text.toLowerCase()).toContain('content-type: text/event-stream');
    expect(reader.seen.text.toLowerCase()).toContain('x-content-type-options: nosniff');
    api.gateway.say(id, 'hello ');
    await until('the first piece', () => reader.output() === 'hello ');
    api.gateway.say(id, 'world');
    api.gateway.end(id);
    await until('the end', () => reader.seen.text.includes('event: end\ndata: {"reason":"finished"}'));
    expect(reader.output()).toBe('hello world');
    reader.socket.destroy();
  });

  test('[O-2] a cut reader that comes back with its last id loses nothing and sees nothing twice', async () => {
    const id = await agent();
    let whole = '';
    let last: string | undefined;
    for (let round = 0; round < 5; round++) {
      const reader = read(`/v1/agents/${id}/output`, last === undefined ? {} : { 'last-event-id': last });
      api.gateway.say(id, `round ${round}; `);
      await until('a piece', () => reader.output().includes(`round ${round}`));
      reader.socket.destroy();
      whole += reader.output();
      last = reader.lastId();
      api.gateway.say(id, `while away ${round}; `);
    }
    api.gateway.end(id);
    const final = read(`/v1/agents/${id}/output`, { 'last-event-id': last ?? '' });
    await until('the end', () => final.seen.text.includes('event: end'));
    const expected = [0, 1, 2, 3, 4].map((round) => `round ${round}; while away ${round}; `).join('');
    expect(whole + final.output()).toBe(expected);
    final.socket.destroy();
  });

  test('a reader that leaves frees its source', async () => {
    const id = await agent();
    const reader = read(`/v1/agents/${id}/output`);
    await until('reading', () => api.gateway.reading === 1);
    reader.socket.destroy();
    await until('the source is free', () => api.gateway.reading === 0);
  });

  test('a reader that does not read stops the source rather than filling memory', async () => {
    const id = await agent();
    const reader = read(`/v1/agents/${id}/output`);
    await until('the stream is open', () => reader.seen.text.includes(': open'));
    reader.socket.pause();
    const pieces = 64_000;
    api.gateway.say(id, 'x'.repeat(pieces * 1_000));
    const stalled = async () => {
      const before = api.gateway.pulled;
      await sleep(200);
      return before > 0 && api.gateway.pulled === before;
    };
    await until('the source has stopped', stalled);
    expect(api.gateway.pulled).toBeLessThan(pieces / 2);
    expect(api.gateway.reading).toBe(1);
    reader.socket.destroy();
    await until('the source is free', () => api.gateway.reading === 0);
  });

  test('an unknown agent is a 404 problem, not a stream', async () => {
    const answer = await caller(api.url, api.adminKey)('GET', '/v1/agents/00000000-0000-4000-8000-000000000000/output');
    expect(answer.json()).toMatchObject({ status: 404 });
  });

  test('a cursor of another stream ends with its problem', async () => {
    const id = await agent();
    const answer = await caller(api.url, api.adminKey)('GET', `/v1/agents/${id}/output?cursor=elsewhere`);
    expect(answer.text).toContain('event: end\ndata: {"reason":"error"');
    expect(answer.text).toContain('"field":"cursor"');
  });
});

describe('events as a stream', () => {
  test('they come from the beginning, or after the last id', async () => {
    const ids = [await agent(), await agent(), await agent()];
    const all = read('/v1/events');
    await until('three events', () => all.lastId() === '3');
    for (const id of ids) expect(all.seen.text).toContain(id);
    const rest = read('/v1/events', { 'last-event-id': '2' });
    await until('the third', () => rest.lastId() === '3');
    expect(rest.seen.text).not.toContain(ids[1]!);
    all.socket.destroy();
    rest.socket.destroy();
  });

  test('an idle stream says that it is alive', async () => {
    await using quick = await startTinyApi({ heartbeatMs: 20 });
    const answer = await request(`${quick.url}/v1/events`, { headers: { authorization: `Bearer ${quick.adminKey}` } });
    let text = '';
    for await (const chunk of answer.body) if ((text += String(chunk)).split(': alive\n\n').length > 3) break;
    expect(text).toMatch(/^: open\n\n(: alive\n\n){3}/);
  });

  test('whoever may not read any more is told so with the next sign of life, and reads no further', async () => {
    await using quick = await startTinyApi({ heartbeatMs: 30 });
    const admin = caller(quick.url, quick.adminKey);
    const { id, key } = (await admin('POST', '/v1/keys', { name: 'viewer', role: 'viewer' })).json() as ApiKeyCreated;
    const ours = { 'sec-fetch-site': 'same-origin' };
    const signedIn = await caller(quick.url)('POST', '/v1/session', { key: quick.adminKey }, ours);
    const cookie = String(signedIn.headers['set-cookie']).split(';')[0]!;
    const { csrf } = (signedIn.json() as SessionResource).session!;
    const [byKey, byCookie, other] = [
      read('/v1/events', { authorization: `Bearer ${key}` }, quick.url),
      read('/v1/events', { authorization: '', cookie, ...ours }, quick.url),
      read('/v1/events', { authorization: `Bearer ${quick.adminKey}` }, quick.url),
    ];
    const open = [byKey, byCookie, other].map(({ seen }) => seen);
    await until('all read', () => open.every(({ text }) => text.includes(': alive')));
    await admin('DELETE', `/v1/keys/${id}`);
    await until('the key reads no more', () => /event: end\ndata: .*"unauthenticated"/.test(byKey.seen.text));
    await caller(quick.url)('DELETE', '/v1/session', undefined, { ...ours, cookie, 'writ-csrf': csrf });
    await until('nor the session', () => /event: end\ndata: .*"session_ended"/.test(byCookie.seen.text));
    expect(other.seen.text).not.toContain('event: end');
    for (const { socket } of [byKey, byCookie, other]) socket.destroy();
  });

  test('at shutdown every open stream gets its end marker and the instance stops in time', async () => {
    const readers = Array.from({ length: 20 }, () => read('/v1/events'));
    await until('all are open', () => readers.every(({ seen }) => seen.text.includes(': open')));
    const start = performance.now();
    await api.close();
    expect(performance.now() - start).toBeLessThan(5_000);
    await until('all are closed', () => readers.every(({ seen }) => seen.closed));
    for (const { seen } of readers) expect(seen.text).toContain('event: end\ndata: {"reason":"shutdown"}');
  });
});
