// Programs in real sandboxes that use a model through their own door: the real SDK inside, the understudy over HTTP outside.
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { AgentResource, Limits } from '#protocol';
import { parseScript } from '../../../../apps/understudy/src/script.js';
import { Understudy } from '../../../../apps/understudy/src/server.js';
import { works } from '../../../../test/support/agent-machine.js';
import { cleaned, peer, Room } from '../../../../test/support/agents.js';
import { Flood } from '../../../../test/support/flood.js';
import { key, programResolver } from '../../../../test/support/model-program.js';
import { requirement } from '../../../../test/support/require.js';
import { until } from '../../../../test/support/until.js';
import type { LocalAgents } from '../local.js';
import { ConfiguredResolver } from '../profiles/configured.resolver.js';
import { profileOptions, runtimeOptions } from '../profiles/options.js';
import type { Allowance } from '../spending/options.js';

const inBubblewrap = requirement('bubblewrap', works('namespace'), 'apt-get install bubblewrap');
const inUnshare = requirement('unshare', works('unshare'), 'apt-get install util-linux iproute2');

describe('a program with a model', () => {
  let room: Room;
  let agents: LocalAgents;
  let understudy: Understudy;
  /** Whether there is no understudy to close. */
  let isOver = true;
  const allowances = new Map<string, Allowance>();
  beforeEach(async () => {
    room = await Room.make();
    allowances.clear();
    isOver = true;
  });
  afterEach(async () => {
    await room.close();
    if (!isOver) await understudy.close();
  });

  const open = async (turn: object = {}, level: 'namespace' | 'unshare' | 'any' = 'any') => {
    const turns = [{ text: 'A word from the model.', ...turn }];
    understudy = new Understudy(parseScript({ conversations: [{ name: 'only', turns, repeatLast: true }] }));
    const baseUrl = await understudy.listen();
    isOver = false;
    const resolver = programResolver(baseUrl);
    const sandboxes = (all: readonly { level: string }[]) =>
      all.filter((one) => level === 'any' || one.level === level);
    const spending = { allowance: (owner: string) => allowances.get(owner) };
    agents = await room.open({ resolver, spending, sandboxes: sandboxes as never });
  };
  const spawn = (code: string, more: { limits?: Limits; owner?: string; model?: string } = {}) => {
    const { limits, owner = 'local', model } = more;
    const request = room.request(code, { owner, ...(owner === 'local' ? {} : { actor: peer }) });
    const options = { runtime: 'program', ...(limits && { limits }), ...(model && { model }) };
    return agents.spawn({ ...request, args: { ...request.args, options } });
  };
  const play = async (code: string, more?: Parameters<typeof spawn>[1]): Promise<AgentResource & { said: string }> => {
    const agent = await cleaned(agents, (await spawn(code, more)).agentId);
    return { ...agent, said: (await agents.output(agent.agentId, 0, 200_000)).text };
  };
  const everythingTold = async () => JSON.stringify([await room.events(), room.log.lines, await agents.list({})]);
  const sockets = () => {
    const folder = join(room.folder, 'agents', 'model');
    return existsSync(folder) ? readdirSync(folder) : [];
  };

  const wholeWay = async (level: 'namespace' | 'unshare') => {
    await open({ usage: { input: 200, output: 50 } }, level);
    const agent = await play(`
      const stream = client.messages.stream(base).on('text', (text) => process.stdout.write(text));
      say(' = ' + (await stream.finalMessage()).usage.output_tokens);
      say(process.env);
      say((await ask()).content[0].text);
      say(process.env.ANTHROPIC_API_KEY.slice(0, 10));
    `);
    expect(agent.said).toContain('A word from the model. = 50\n');
    expect(agent).toMatchObject({
      state: 'completed',
      sandbox: { level },
      usage: { turns: 2, inputTokens: 400, outputTokens: 100, moneyMicroUsd: 600 },
    });
    expect(agent.said).toContain('writ-agent');
    expect(agent.said).not.toContain('sk-ant');
    expect(await everythingTold()).not.toContain(key);
    expect(understudy.requests.map(({ hasKey }) => hasKey)).toEqual([true, true]);
    expect(sockets()).toEqual([]);
  };
  const title = '[S-9] [S-11] it talks to the model, and the key is nowhere inside';
  inBubblewrap(`${title}: bubblewrap`, () => wholeWay('namespace'));
  inUnshare(`${title}: unshare`, () => wholeWay('unshare'));

  test('its socket is its owner’s alone, and gone with the agent', async () => {
    await open({ deltaDelayMs: 50, text: 'slowly '.repeat(500) });
    const { agentId } = await spawn(`await client.messages.stream(base).on('text', say).finalMessage()`);
    await until('the reply is under way', async () => (await agents.output(agentId, 0, 100)).text.includes('slowly'));
    const socket = join(room.folder, 'agents', 'model', agentId, 'api.sock');
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(statSync(join(socket, '..')).mode & 0o777).toBe(0o700);
    const report = await agents.kill(agentId, peer, 'enough');
    expect(report).toMatchObject({ killed: [agentId], survivors: 0 });
    await until('the stream has ended', () => understudy.requests[0]?.outcome === 'client gone');
    const agent = await cleaned(agents, agentId);
    expect(agent.usage).toMatchObject({ turns: 0, inputTokens: 100 });
    expect(sockets()).toEqual([]);
  });

  test('[O-3] a request that may pass the limit is not forwarded, and the reason is in the state', async () => {
    await open({ usage: { input: 10, output: 80 } });
    const agent = await play(`say(await failure(ask())); say(await failure(ask())); process.exit(1);`, {
      limits: { tokensMax: 200 },
    });
    expect(understudy.requests).toHaveLength(1);
    expect(agent.said).toMatch(/^ok\n/);
    expect(agent.said).toContain('"status":403,"type":"permission_error"');
    expect(agent.said).toMatch(/may cost \d+ tokens; the limit of the agent leaves 110/);
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'tokens', usage: { turns: 1, outputTokens: 80 } });
    expect(agent.reason).toContain('the limit of the agent leaves 110');
  });

  test('[O-3] requests at once cannot together pass the limit', async () => {
    await open({ usage: { input: 10, output: 80 }, delayMs: 300 });
    const agent = await play(`say(await Promise.all(Array.from({ length: 8 }, () => failure(ask()))));`, {
      limits: { moneyMicroUsdMax: 700 },
    });
    const ends = JSON.parse(agent.said) as unknown[];
    const passed = ends.filter((end) => end === 'ok').length;
    expect(passed).toBeGreaterThan(0);
    expect(passed).toBeLessThan(4);
    expect(understudy.requests).toHaveLength(passed);
    expect(agent.usage.moneyMicroUsd).toBeLessThanOrEqual(700);
  });

  test('[O-3] what the day of a grant leaves counts for a program too', async () => {
    await open({ usage: { input: 10, output: 80 } });
    allowances.set('con-1', { perDay: { tokens: 200 } });
    const agent = await play(`await ask(); await ask();`, { owner: 'con-1' });
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'tokens', usage: { turns: 1 } });
    expect(agent.reason).toContain("the grant's perDay.tokens today (UTC) leaves 110");
  });

  test.each([
    ['a model that the grant does not name', `ask({ model: 'm-2' })`, 403, { owner: 'con-1' }],
    ['another model than the task names', `ask({ model: 'm-2' })`, 403, { model: 'm-1' }],
    ['another path', `client.models.list()`, 404, {}],
    [
      'another host by an absolute URL',
      `fetch(client.baseURL + '/v1/../../http://elsewhere/', { method: 'POST', headers: { 'x-api-key': client.apiKey } }).then((r) => { throw { status: r.status, message: '' } })`,
      404,
      {},
    ],
    [
      'a tool that searches the network',
      `ask({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] })`,
      403,
      {},
    ],
    [
      'an image by URL',
      `ask({ messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'http://x/' } }] }] })`,
      403,
      {},
    ],
    ['a field that nobody judged', `ask({ mcp_servers: [] })`, 400, {}],
    [
      'another token',
      `new client.constructor({ apiKey: 'writ-agent-guessed', maxRetries: 0 }).messages.create(base)`,
      401,
      {},
    ],
    [
      'no token',
      `fetch(client.baseURL + '/v1/messages', { method: 'POST', body: '{}' }).then((r) => { throw { status: r.status, message: '' } })`,
      401,
      {},
    ],
  ])('[F-5] %s is refused, and nothing is forwarded', async (_what, code, status, more) => {
    await open();
    allowances.set('con-1', { models: ['m-1'] });
    const agent = await play(`say(await failure(${code}));`, more);
    expect(agent.said).toContain(`"status":${status}`);
    expect(agent).toMatchObject({ state: 'completed', usage: { turns: 0 } });
    expect(understudy.requests).toEqual([]);
  });

  test('[F-5] the token of another agent opens nothing, nor does its own once it has ended', async () => {
    await open();
    const { agentId } = await spawn(
      `say(Buffer.from(client.apiKey).toString('hex')); setInterval(() => 0, 1e6); await new Promise(() => 0);`,
    );
    const hex = await until(
      'it tells its token',
      async () => /^[0-9a-f]{40,}(?=\n)/.exec((await agents.output(agentId, 0, 500)).text)?.[0],
    );
    const token = Buffer.from(hex, 'hex').toString();
    expect(token).toMatch(/^writ-agent-/);
    const trying = `say(await failure(new client.constructor({ apiKey: ${JSON.stringify(token)}, maxRetries: 0 }).messages.create(base)));`;
    expect((await play(trying)).said).toContain('"status":401');
    await agents.kill(agentId, peer, 'enough');
    await cleaned(agents, agentId);
    expect((await play(trying)).said).toContain('"status":401');
    expect(understudy.requests).toEqual([]);
  });

  test('[S-9] of what a caller sends along two headers arrive, with the key of the spoke and nothing else', async () => {
    const headers: IncomingHttpHeaders[] = [];
    const usage = { input_tokens: 5, output_tokens: 1 };
    const api = createServer((request, response) => {
      headers.push(request.headers);
      request
        .resume()
        .once('end', () => response.setHeader('content-type', 'application/json').end(JSON.stringify({ usage })));
    });
    await once(api.listen(0, '127.0.0.1'), 'listening');
    try {
      agents = await room.open({
        resolver: programResolver(`http://127.0.0.1:${(api.address() as AddressInfo).port}`),
      });
      const agent = await play(`
        const own = { 'x-api-key': client.apiKey, 'content-type': 'application/json', 'anthropic-version': '2023-06-01', 'anthropic-beta': 'one-2025-01-01' };
        const mine = { authorization: 'Bearer sk-mine', cookie: 'a=b', 'x-forwarded-for': '203.0.113.1', 'x-mine': '1', 'anthropic-mine': '1' };
        const answer = await fetch(client.baseURL + '/v1/messages', { method: 'POST', headers: { ...own, ...mine }, body: JSON.stringify(base) });
        say(String(answer.status));
      `);
      expect(agent.said).toBe('200\n');
    } finally {
      api.close();
    }
    const carried = new Set(['host', 'connection', 'content-length', 'transfer-encoding']);
    const [seen = {}] = headers.map((all) =>
      Object.fromEntries(Object.entries(all).filter(([name]) => !carried.has(name))),
    );
    expect([headers.length, seen]).toEqual([
      1,
      {
        'content-type': 'application/json',
        'anthropic-version': '2023-06-01',
        'anthropic-beta': 'one-2025-01-01',
        'x-api-key': key,
      },
    ]);
  });

  test.each([
    ['a revoked key', [{ kind: 'status', status: 401, times: 9 }], 'The model API refused the key of the spoke.'],
    [
      'an overloaded API',
      [{ kind: 'status', status: 529, times: 9 }],
      'The model API answered 529 (overloaded_error).',
    ],
    [
      'too many requests',
      [{ kind: 'status', status: 429, times: 9 }],
      'The model API answered 429 (rate_limit_error).',
    ],
    ['a cut stream', [{ kind: 'drop', afterDeltas: 1, times: 9 }], 'The model API could not be reached, or broke off.'],
  ])('[L-9] [S-9] %s is the reason in the state, without the key', async (_what, faults, reason) => {
    await open({ faults, text: 'x'.repeat(200) });
    const agent = await play(`await client.messages.stream(base).finalMessage();`);
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'model_error', usage: { turns: 0 } });
    expect(agent.reason).toContain(reason);
    expect(`${agent.said}${await everythingTold()}`).not.toContain(key);
  });

  test('[L-9] [S-9] an error in the middle of a stream is told inside without a secret, and is the reason in the state', async () => {
    const message = `Overloaded: key ${key}, see /home/spoke/.writ/cli.key`;
    await open({ faults: [{ kind: 'error_event', afterDeltas: 2, message, times: 9 }], text: 'x'.repeat(200) });
    const agent = await play(`say(await failure(client.messages.stream(base).finalMessage())); process.exit(1);`);
    expect(agent.said).toContain('overloaded_error');
    expect(agent.said).toContain('[secret]');
    expect(agent.said).not.toMatch(/cli\.key/);
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'model_error' });
    expect(agent.reason).toContain('The model API answered 529 (overloaded_error).');
    expect(`${agent.said}${await everythingTold()}`).not.toContain(key);
  });

  test('tokens are counted before a request, and that costs nothing', async () => {
    await open();
    const counted = `client.messages.countTokens({ model: 'm-1', messages: base.messages, system: 'x'.repeat(4_000) })`;
    const agent = await play(`say(String((await ${counted}).input_tokens));`);
    expect(Number(agent.said)).toBeGreaterThan(1_000);
    expect(agent).toMatchObject({ state: 'completed', usage: { turns: 0, inputTokens: 0, moneyMicroUsd: 0 } });
  });

  test('a reader that does not read holds the model API back, and costs no memory', async () => {
    const flood = await Flood.open(100 * 2 ** 20);
    try {
      agents = await room.open({ resolver: programResolver(flood.url) });
      const { agentId } = await spawn(`
        const reply = await client.messages.create({ ...base, stream: true }).asResponse();
        const reader = reply.body.getReader();
        await reader.read();
        say('paused');
        await new Promise((resolve) => setTimeout(resolve, 1500));
        let bytes = 0;
        for (let piece = await reader.read(); !piece.done; piece = await reader.read()) bytes += piece.value.length;
        say('read ' + Math.floor(bytes / 2 ** 20));
      `);
      const before = process.memoryUsage().rss;
      await until('it pauses', async () => (await agents.output(agentId, 0, 100)).text.includes('paused'));
      await until('the API is held back', () => flood.isHeldBack);
      expect(flood.sentBytes).toBeLessThan(60 * 2 ** 20);
      expect(process.memoryUsage().rss - before).toBeLessThan(60 * 2 ** 20);
      const ended = async () => (await agents.get(agentId)).state !== 'running';
      await until('it has read it all', ended, 60_000);
      const agent = await cleaned(agents, agentId);
      expect((await agents.output(agentId, 0, 100)).text).toMatch(/read (99|100)/);
      expect(agent).toMatchObject({ state: 'completed', usage: { turns: 1, outputTokens: 7 } });
    } finally {
      await flood.close();
    }
  }, 120_000);

  test('[L-9] a dead API is the reason in the state, and nothing hangs', async () => {
    await open();
    await understudy.close();
    isOver = true;
    const agent = await play(`await ask();`);
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'model_error' });
    expect(agent.reason).toContain('The model API could not be reached');
  });

  test('[S-10] without a key the spawn is refused', async () => {
    await open();
    const settings = runtimeOptions.parse({
      p: { kind: 'command', argv: ['true'], model: true },
      claude: { kind: 'claude' },
    });
    const keyless = new ConfiguredResolver(
      { profiles: profileOptions.parse({}), runtimes: settings, skills: {} },
      () => '',
    );
    const { args } = room.request('x');
    const asking = keyless.resolve({ ...args, options: { runtime: 'p' } });
    await expect(asking).rejects.toMatchObject({ code: 'no_model_key' });
  });

  test('the forwarder ends as its program does', async () => {
    await open();
    expect(
      await play(`process.kill(process.pid, 'SIGKILL'); await new Promise(() => setInterval(() => 0, 1e6));`),
    ).toMatchObject({
      state: 'failed',
      exitReason: 'exit_code',
    });
    expect(await play(`process.exit(7)`)).toMatchObject({ exitReason: 'exit_code', result: { exitCode: 7 } });
  });
});
