// The understudy is played against by the real SDK: what the SDK assembles is what the script says.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import Anthropic from '@anthropic-ai/sdk';
import { afterEach, describe, expect, test } from '@jest/globals';
import { parseScript, readScript } from './script.js';
import { Understudy } from './server.js';

const scripts = new URL('../scripts/', import.meta.url);

function script(turns: unknown[], more: Record<string, unknown> = {}) {
  return parseScript({ conversations: [{ name: 'only', turns, ...more }] });
}

const request = { model: 'claude-test', max_tokens: 100, messages: [{ role: 'user' as const, content: 'Hello' }] };

describe('the understudy', () => {
  let understudy: Understudy | undefined;
  let client: Anthropic;
  let url: string;

  async function open(turns: unknown[], more?: Record<string, unknown>): Promise<void> {
    understudy = new Understudy(script(turns, more));
    url = await understudy.listen();
    client = new Anthropic({ apiKey: 'secret-key', baseURL: url, maxRetries: 0 });
  }

  afterEach(() => understudy?.close());

  test('a streamed turn arrives whole: thinking, text over many deltas, tool calls, usage, stop reason', async () => {
    const text = 'Ein längerer Satz, der über mehrere Stücke geht 🙂 und nichts verliert.';
    const input = { command: 'echo "hello"', nested: { list: [1, 2] } };
    const usage = { input: 7, output: 9, cacheRead: 3, cacheWrite: 4 };
    await open([{ thinking: 'Hm.', text, calls: [{ tool: 'bash', input }], usage }]);
    const stream = client.beta.messages.stream(request);
    const deltas: string[] = [];
    stream.on('text', (delta) => deltas.push(delta));
    const message = await stream.finalMessage();
    expect(deltas.length).toBeGreaterThan(1);
    expect(deltas.join('')).toBe(text);
    expect(message.content).toMatchObject([
      { type: 'thinking', thinking: 'Hm.' },
      { type: 'text', text },
      { type: 'tool_use', name: 'bash', input },
    ]);
    expect(message.stop_reason).toBe('tool_use');
    expect(message.usage).toMatchObject({
      input_tokens: 7,
      output_tokens: 9,
      cache_read_input_tokens: 3,
      cache_creation_input_tokens: 4,
    });
  });

  test('the same turn without a stream is one message', async () => {
    await open([{ text: 'Hi', calls: [{ tool: 'bash', input: { command: 'ls' } }] }]);
    const message = await client.messages.create(request);
    expect(message.content).toMatchObject([
      { type: 'text', text: 'Hi' },
      { type: 'tool_use', name: 'bash' },
    ]);
  });

  test('the SDK tool runner plays a conversation through, and conditions follow its tool results', async () => {
    await open([
      { calls: [{ tool: 'ask', input: { n: 1 } }] },
      [
        { when: { lastToolResult: 'no' }, text: 'It was no.' },
        { when: { lastToolResult: '^yes' }, text: 'It was yes.' },
      ],
    ]);
    const ask = {
      name: 'ask',
      input_schema: { type: 'object' as const },
      run: () => 'yes indeed',
      parse: (input: unknown) => input,
    };
    const last = await client.beta.messages.toolRunner({ ...request, tools: [ask], stream: true, thread: false });
    expect(last.content).toMatchObject([{ type: 'text', text: 'It was yes.' }]);
    expect(understudy?.requests.map(({ turn, outcome }) => [turn, outcome])).toEqual([
      [0, 'told'],
      [1, 'told'],
    ]);
  });

  test.each([400, 401, 429, 500, 529])(
    'status %i comes as the API sends it, as often as asked, then the turn',
    async (status) => {
      await open([{ text: 'At last.', faults: [{ kind: 'status', status, retryAfterSeconds: 3, times: 2 }] }]);
      for (let i = 0; i < 2; i += 1) {
        const error: unknown = await client.messages.create(request).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(Anthropic.APIError);
        const known = error as InstanceType<typeof Anthropic.APIError>;
        expect(known.status).toBe(status);
        expect((known.headers as Headers).get('retry-after')).toBe('3');
      }
      expect((await client.messages.create(request)).content).toMatchObject([{ text: 'At last.' }]);
    },
  );

  test.each(['drop', 'error_event'])(
    'a %s in the middle of a stream reaches the SDK as an error, after the first deltas',
    async (kind) => {
      await open([{ text: 'x'.repeat(200), faults: [{ kind, afterDeltas: 2 }] }]);
      const stream = client.beta.messages.stream(request);
      let deltas = 0;
      stream.on('text', () => (deltas += 1));
      await expect(stream.finalMessage()).rejects.toThrow();
      expect(deltas).toBe(2);
      expect((await client.beta.messages.stream(request).finalText()).length).toBe(200);
      expect(understudy?.requests.map(({ outcome }) => outcome)).toEqual([kind, 'told']);
    },
  );

  test('a stalled stream stays open until the client leaves', async () => {
    await open([{ text: 'x'.repeat(200), faults: [{ kind: 'stall', afterDeltas: 1 }] }]);
    const stream = client.beta.messages.stream(request);
    stream.on('text', () => stream.abort());
    await expect(stream.finalMessage()).rejects.toThrow(Anthropic.APIUserAbortError);
  });

  test('delays are kept', async () => {
    await open([{ text: 'Slow', delayMs: 150 }]);
    const before = performance.now();
    await client.messages.create(request);
    expect(performance.now() - before).toBeGreaterThanOrEqual(145);
  });

  test('a request that matches no conversation is told which was looked for, and is not retried', async () => {
    await open([{ text: 'Hi' }], { match: { model: '^claude-other$', firstUser: 'Hello' } });
    const retrying = new Anthropic({ apiKey: 'k', baseURL: url, maxRetries: 3 });
    await expect(retrying.messages.create(request)).rejects.toThrow(
      /No conversation .*only.* matches model .*claude-test/,
    );
    expect(understudy?.requests).toHaveLength(1);
  });

  test('a turn beyond the script is named, unless the last one repeats', async () => {
    const later = [...request.messages, { role: 'assistant' as const, content: 'Hi' }, ...request.messages];
    await open([{ text: 'Hi' }]);
    await expect(client.messages.create({ ...request, messages: later })).rejects.toThrow(/only.* has no turn 1/);
    await understudy?.close();
    await open([{ text: 'Hi' }], { repeatLast: true });
    expect((await client.messages.create({ ...request, messages: later })).content).toMatchObject([{ text: 'Hi' }]);
  });

  test('requests are kept for tests to read, without the key, until they are deleted', async () => {
    await open([{ text: 'Hi' }]);
    await client.messages.create(request);
    const text = await (await fetch(`${url}/requests`)).text();
    expect(JSON.parse(text)).toMatchObject([{ hasKey: true, body: request, conversation: 'only', turn: 0 }]);
    expect(text).not.toContain('secret-key');
    await fetch(`${url}/requests`, { method: 'DELETE' });
    expect(await (await fetch(`${url}/requests`)).json()).toEqual([]);
  });

  test('what it does not serve, and what is no request, is refused by name', async () => {
    await open([{ text: 'Hi' }]);
    expect(await (await fetch(`${url}/v1/threads`)).text()).toContain('does not serve GET /v1/threads');
    const bad = await fetch(`${url}/v1/messages`, { method: 'POST', body: '{"model":"x","messages":[]}' });
    expect(bad.status).toBe(400);
    expect(await bad.text()).toContain('max_tokens');
  });
});

describe('a script', () => {
  test('names every fault with its path', () => {
    const bad = { conversations: [{ name: 'a', turns: [{ txt: 'x' }], match: { model: '(' } }] };
    expect(() => parseScript(bad)).toThrow(
      /turns[\s\S]*is not a regular expression|is not a regular expression[\s\S]*turns/,
    );
  });

  test('each one that is kept here is valid', async () => {
    const files = (await readdir(scripts)).filter((file) => file.endsWith('.json'));
    expect(files.length).toBeGreaterThanOrEqual(2);
    for (const file of files) await readScript(new URL(file, scripts).pathname);
  });
});

describe('the program', () => {
  const main = new URL('../../../dist/apps/understudy/src/main.js', import.meta.url).pathname;

  test('says that it is a stand-in, where it listens, and ends on SIGTERM', async () => {
    const child = spawn(process.execPath, [main, '--script', new URL('repair.json', scripts).pathname]);
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const started = JSON.parse(line) as { understudy: boolean; url: string };
    expect(started.understudy).toBe(true);
    expect((await fetch(`${started.url}/requests`)).status).toBe(200);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('a missing or broken script ends it with code 2 and a reason', async () => {
    const child = spawn(process.execPath, [main, '--port', '0']);
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(child, 'close')).toEqual([2, null]);
    expect(said).toContain('usage: understudy --script FILE');
  });
});
