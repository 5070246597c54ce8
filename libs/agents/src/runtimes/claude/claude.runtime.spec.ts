// The runtime `claude` against the understudy: the real SDK over HTTP, the real tool host as a process, plain or in bubblewrap.
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnArgs, WritError } from '#protocol';
import { parseScript, readScript } from '../../../../../apps/understudy/src/script.js';
import { Understudy } from '../../../../../apps/understudy/src/server.js';
import { AgentMachine, works, type MachineOptions } from '../../../../../test/support/agent-machine.js';
import { requirement } from '../../../../../test/support/require.js';
import { ConfiguredResolver } from '../../profiles/configured.resolver.js';
import { profileOptions, runtimeOptions, skillOptions } from '../../profiles/options.js';
import { runtimeContract } from '../runtime.contract.js';
import { LimitReached, type AgentTask, type RuntimeOutcome } from '../runtime.js';

const inBubblewrap = requirement('bubblewrap', works('namespace'), 'apt-get install bubblewrap');
const samples = new URL('../../../../../apps/understudy/scripts/', import.meta.url);
const key = 'sk-secret-of-the-spoke';
const price = { input: 1_000_000, output: 2_000_000, cacheRead: 100_000, cacheWrite: 1_250_000 };

type AgentKind = 'worker' | 'reviewer' | 'tester';

interface Play extends Pick<MachineOptions, 'level' | 'refuse' | 'refuseLaunch' | 'refuseOutput'> {
  readonly agentType?: AgentKind;
  readonly workItems?: string[];
  readonly skills?: string[];
  readonly model?: string;
  readonly runtime?: Record<string, unknown>;
  readonly profiles?: unknown;
}

const done = {
  tool: 'submit_result',
  input: { summary: 'Done.', items: [{ item: 0, status: 'done', note: 'ok' }] },
};

function bash(command: string) {
  return { calls: [{ tool: 'bash', input: { command } }] };
}

describe('the claude runtime', () => {
  let folder: string;
  let work: string;
  let understudy: Understudy;
  let machine: AgentMachine;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-claude-'));
    work = join(folder, 'work');
    await cp(new URL('sample', samples), work, { recursive: true });
    await mkdir(join(folder, 'skill'));
    await writeFile(
      join(folder, 'skill', 'SKILL.md'),
      '---\nname: careful\ndescription: How to be careful.\n---\n\nLook twice.\n',
    );
  });
  afterEach(async () => {
    await machine.close();
    await understudy.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Everything but the run itself: the script is on stage, the machine is set up, all names are resolved. */
  async function prepare(turns: unknown[] | 'repair' | 'long-run', play: Play = {}) {
    const script =
      typeof turns === 'string'
        ? await readScript(new URL(`${turns}.json`, samples).pathname)
        : parseScript({ conversations: [{ name: 'only', turns }] });
    understudy = new Understudy(script);
    const baseUrl = await understudy.listen();
    const { agentType = 'worker', workItems = ['Make the tests pass.'], skills, model } = play;
    const claude = { kind: 'claude', baseUrl, backoffMs: 1, defaultPrice: price, ...play.runtime };
    const resolver = new ConfiguredResolver(
      {
        profiles: profileOptions.parse(play.profiles),
        runtimes: runtimeOptions.parse({ claude }),
        skills: skillOptions.parse({ careful: join(folder, 'skill') }),
      },
      () => key,
    );
    const context = { repository: 'https://example.org/sum.git', branch: 'main', workItems, skills };
    const resolved = await resolver.resolve(
      spawnArgs.parse({ taskId: 'T-17', agentType, context, options: { model } }),
    );
    const task: AgentTask = {
      agentId: '6f0bd2a8-0000-4000-8000-000000000001',
      taskId: 'T-17',
      agentType,
      repository: context.repository,
      branch: context.branch,
      workItems,
      limits: {},
      profile: resolved.profile,
      skills: resolved.skills,
      ...(resolved.model === undefined ? {} : { model: resolved.model }),
    };
    const { level, refuse, refuseLaunch, refuseOutput } = play;
    const writable = resolved.profile.writes;
    machine = new AgentMachine({ work, mounts: resolved.mounts, writable, level, refuse, refuseLaunch, refuseOutput });
    return { runtime: resolved.runtime, task, machine, run: () => resolved.runtime.run(task, machine) };
  }

  async function run(turns: unknown[] | 'repair', play?: Play): Promise<RuntimeOutcome> {
    return (await prepare(turns, play)).run();
  }

  /** The text of the tool results that the model was given with its n-th request. */
  function resultsOf(request: number): string {
    return JSON.stringify(understudy.requests[request]?.body.messages.at(-1)?.content);
  }

  runtimeContract((part, options) => {
    const quick = [{ text: 'one' }, { text: 'two', calls: [done] }];
    return prepare(part === 'quick' ? quick : [{ text: 'one', ...bash('sleep 600') }], options);
  });

  test('[S-11] a worker repairs a failing test: it runs, reads, edits, runs again and hands in its result', async () => {
    const outcome = await run('repair');
    expect(outcome).toMatchObject({ exitReason: 'finished', result: { items: [{ item: 0, status: 'done' }] } });
    expect(outcome.failure).toBeUndefined();
    expect(await readFile(join(work, 'sum.mjs'), 'utf8')).toContain('let i = 0;');
    expect(machine.said).toContain('I run the tests first.\n[bash] node --test\n');
    expect(machine.said).toContain('[edit] sum.mjs\n');
  });

  test('a session goes on with its conversation, in the same backend and in one that is made anew', async () => {
    const answer = (summary: string) => ({ calls: [{ tool: 'submit_result', input: { ...done.input, summary } }] });
    const script = [
      bash('echo $$ > pid; echo kept > kept'),
      answer('one'),
      bash('cat kept'),
      answer('two'),
      answer('three'),
    ];
    const { runtime, task, machine } = await prepare(script);
    const backend = runtime.open({ ...task, session: 'mine' }, machine);
    expect(await backend.turn({ turnId: task.agentId, turn: 1 })).toMatchObject({ result: { summary: 'one' } });
    expect(await backend.idle()).toBe(true);
    const second = await backend.turn({ turnId: 'b', turn: 2, input: 'And then?' });
    expect(second).toMatchObject({ exitReason: 'finished', result: { summary: 'two' } });
    expect(machine.launches).toHaveLength(1);
    const memory = backend.memory();
    await backend.close();
    const again = runtime.open({ ...task, session: 'mine' }, machine, memory);
    const third = await again.turn({ turnId: 'c', turn: 3, input: 'And at last?' });
    expect(third).toMatchObject({ exitReason: 'finished', result: { summary: 'three' } });
    const roles = understudy.requests.at(-1)?.body.messages.map(({ role }) => role);
    expect(roles).toEqual(['user', 'assistant', 'user', 'assistant', 'user', 'assistant', 'user', 'assistant', 'user']);
    expect(resultsOf(4)).toContain('Item 0: And at last?');
    expect(understudy.requests[0]?.body.system).toContain('you may be asked for another');
    await again.close();
  });

  test('every field of the spawn reaches the request to the model', async () => {
    const play: Play = { workItems: ['First thing.', 'Second thing.'], skills: ['careful'], model: 'model-of-choice' };
    await run([{ calls: [done] }, { calls: [done] }, { calls: [done] }, { calls: [done] }], play);
    const { body, hasKey, path } = understudy.requests[0]!;
    const first = body.messages[0]?.content as string;
    const system = body.system as string;
    expect(path).toBe('/v1/messages');
    expect(hasKey).toBe(true);
    expect(body.model).toBe('model-of-choice');
    for (const text of ['T-17', 'worker', 'https://example.org/sum.git', 'main']) expect(first).toContain(text);
    expect(first).toMatch(/Item 0: First thing\.\nItem 1: Second thing\./);
    expect(system).toContain('You are a software engineer');
    expect(system).toContain('careful: How to be careful. (/opt/writ/skills/careful/SKILL.md)');
    expect(body.metadata).toEqual({ user_id: '6f0bd2a8-0000-4000-8000-000000000001' });
    expect(body).not.toHaveProperty('thread');
  });

  test.each<[AgentKind, string[], string]>([
    ['worker', ['bash', 'read', 'write', 'edit', 'glob', 'grep'], 'You may change it'],
    ['reviewer', ['bash', 'read', 'glob', 'grep'], 'It is read-only'],
    ['tester', ['bash', 'read', 'glob', 'grep'], 'You may change it'],
  ])('a %s is offered the tools of its profile and no others', async (agentType, tools, place) => {
    await run('repair', { agentType });
    const { body } = understudy.requests[0]!;
    expect((body.tools as { name: string }[]).map(({ name }) => name)).toEqual([...tools, 'submit_result']);
    expect(body.system as string).toContain(place);
  });

  test('a reviewer hands in findings with file and line; a tester hands in a verdict', async () => {
    expect(await run('repair', { agentType: 'reviewer' })).toMatchObject({
      exitReason: 'finished',
      result: { findings: [{ file: 'sum.mjs', line: 4, severity: 'error' }] },
    });
    await machine.close();
    await understudy.close();
    expect(await run('repair', { agentType: 'tester' })).toMatchObject({
      exitReason: 'finished',
      result: { verdict: { passed: false, command: 'node --test' } },
    });
  });

  test('a tool outside the profile is not run, though the model calls it', async () => {
    const edit = { tool: 'edit', input: { file_path: 'sum.mjs', old_string: 'let i = 1;', new_string: 'let i = 9;' } };
    const review = { ...done, input: { ...done.input, findings: [] } };
    await run([{ calls: [edit] }, { calls: [review] }], { agentType: 'reviewer' });
    expect(resultsOf(1)).toContain("Tool 'edit' not found");
    expect(await readFile(join(work, 'sum.mjs'), 'utf8')).toContain('let i = 1;');
  });

  inBubblewrap('a reviewer cannot write, not even with bash, and reads what it may', async () => {
    const command =
      'echo x > new.txt; rm sum.mjs; sed -i s/1/9/ sum.mjs; chmod -R a+w . ; mount -o remount,rw /work; cat sum.mjs; touch /tmp/ok && echo scratch';
    const review = { ...done, input: { ...done.input, findings: [] } };
    const outcome = await run([bash(command), { calls: [review] }], { agentType: 'reviewer', level: 'namespace' });
    expect(outcome.exitReason).toBe('finished');
    expect(resultsOf(1)).toMatch(/Read-only file system.*let i = 1;.*scratch/s);
    expect(await readFile(join(work, 'sum.mjs'), 'utf8')).toContain('let i = 1;');
    await expect(readFile(join(work, 'new.txt'))).rejects.toThrow('ENOENT');
  });

  inBubblewrap(
    '[S-9] the key is nowhere inside the sandbox: no variable, no process, no file of the tools',
    async () => {
      process.env.ANTHROPIC_API_KEY = key;
      try {
        const look =
          'env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr "\\0" "\\n"; grep -rl secret-of-the /opt/writ /tmp /work /etc; echo looked';
        await run([bash(look), { calls: [done] }], { level: 'namespace' });
      } finally {
        delete process.env.ANTHROPIC_API_KEY;
      }
      expect(resultsOf(1)).toContain('looked');
      expect(resultsOf(1)).toContain('PATH=/opt/writ/bin');
      expect(resultsOf(1)).not.toMatch(/secret-of-the-spoke|ANTHROPIC/);
      expect(machine.launches.map(({ env }) => JSON.stringify(env)).join()).not.toContain(key);
    },
  );

  for (const level of ['none', 'unshare', 'namespace'] as const) {
    const onLevel = requirement(`the sandbox level ${level}`, works(level), 'run `writ doctor`: it names the cure');
    onLevel(`the whole repair works on the level ${level}`, async () => {
      const outcome = await run('repair', { level });
      expect(outcome).toMatchObject({ exitReason: 'finished', result: { items: [{ status: 'done' }] } });
    });
  }

  inBubblewrap('[K-10] children with sessions of their own are gone with the agent', async () => {
    const { run: start } = await prepare('long-run', { level: 'namespace' });
    const running = start();
    await machine.until('[bash] sleep 2');
    machine.abort();
    expect(await running).toMatchObject({ exitReason: 'killed' });
    expect(await machine.close()).toBe(0);
  });

  inBubblewrap('there is no network inside: a port of the spoke cannot be reached', async () => {
    const reached = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
    await once(reached, 'listening');
    const { port } = reached.address() as AddressInfo;
    await run([bash(`cat < /dev/tcp/127.0.0.1/${port} || grep : /proc/net/dev`), { calls: [done] }], {
      level: 'namespace',
    });
    reached.close();
    expect(resultsOf(1)).toMatch(/Connection refused/);
    expect(resultsOf(1).match(/\w+(?=: +\d)/g)).toEqual(['lo']);
  });

  inBubblewrap('a skill can be read where the prompt says, and not be written', async () => {
    const read = { calls: [{ tool: 'read', input: { file_path: '/opt/writ/skills/careful/SKILL.md' } }] };
    const write = { calls: [{ tool: 'write', input: { file_path: '/opt/writ/skills/careful/x', content: 'x' } }] };
    await run([read, write, { calls: [done] }], { level: 'namespace', skills: ['careful'] });
    expect(resultsOf(1)).toContain('Look twice.');
    expect(resultsOf(2)).toMatch(/is_error":true/);
  });

  test.each([
    ['429 with retry-after', { kind: 'status', status: 429, retryAfterSeconds: 0.01, times: 2 }],
    ['529', { kind: 'status', status: 529, times: 3 }],
    ['500', { kind: 'status', status: 500, times: 2 }],
    ['a drop before the first delta', { kind: 'drop', afterDeltas: 0, times: 2 }],
    ['a drop after the first deltas', { kind: 'drop', afterDeltas: 2, times: 2 }],
    ['an overload within the stream', { kind: 'error_event', afterDeltas: 1, times: 2 }],
    ['a stream that stalls', { kind: 'stall', afterDeltas: 1, times: 1 }],
  ])('%s is survived: the turn is asked for again, whole, and its tools run once', async (_, fault) => {
    const count = { ...bash('echo once >> count.txt'), text: 'x'.repeat(200), faults: [fault] };
    const outcome = await run([count, { calls: [done] }], { runtime: { stallMs: 200 } });
    expect(outcome.exitReason).toBe('finished');
    expect(await readFile(join(work, 'count.txt'), 'utf8')).toBe('once\n');
    const turns = understudy.requests.map(({ turn }) => turn);
    expect(turns).toEqual([...Array<number>(fault.times).fill(0), 0, 1]);
    expect(machine.admitted).toBe(turns.length);
  });

  test('a fault in a later turn goes on from that turn, with the same messages', async () => {
    await run([
      bash('echo one'),
      { ...bash('echo two'), faults: [{ kind: 'drop', afterDeltas: 1 }] },
      { calls: [done] },
    ]);
    const [, dropped, again] = understudy.requests;
    expect(again?.body.messages).toEqual(dropped?.body.messages);
    expect(understudy.requests.map(({ outcome }) => outcome)).toEqual(['told', 'drop', 'told', 'told']);
  });

  test('retries are bounded, and then the run fails by the model', async () => {
    const down = { text: 'x', faults: [{ kind: 'status', status: 529, times: 100 }] };
    const outcome = await run([down], { runtime: { turnRetriesMax: 2 } });
    expect(outcome).toMatchObject({
      exitReason: 'model_error',
      failure: 'The model API answered 529 (overloaded_error).',
    });
    expect(understudy.requests).toHaveLength(3);
  });

  test.each([
    [400, 'The model API answered 400 (invalid_request_error).'],
    [401, 'The model API refused the key of the spoke.'],
  ])('[L-9] a refusal with %i is not retried, and its text goes to nobody', async (status, failure) => {
    const outcome = await run([{ text: 'x', faults: [{ kind: 'status', status, times: 9 }] }]);
    expect(outcome).toMatchObject({ exitReason: 'model_error', failure });
    expect(outcome.failure).not.toContain('As the script asks');
    expect(understudy.requests).toHaveLength(1);
  });

  test('what a turn costs is recorded with its price; a dropped turn costs too, but is no turn', async () => {
    const usage = { input: 1_000, output: 500, cacheRead: 2_000, cacheWrite: 100 };
    await run([{ text: 'x'.repeat(100), calls: [done], usage, faults: [{ kind: 'drop', afterDeltas: 1 }] }], {
      model: 'priced-by-default',
    });
    expect(machine.usage).toEqual([
      {
        turns: 0,
        inputTokens: 1_000,
        outputTokens: 10,
        cacheReadTokens: 2_000,
        cacheWriteTokens: 100,
        moneyMicroUsd: 1_345,
      },
      {
        turns: 1,
        inputTokens: 1_000,
        outputTokens: 500,
        cacheReadTokens: 2_000,
        cacheWriteTokens: 100,
        moneyMicroUsd: 2_325,
      },
    ]);
  });

  test('[O-3] a spent limit ends the run before the next request', async () => {
    const refuse = { turn: 3, because: new LimitReached('money') };
    const outcome = await run([bash('true'), bash('true'), bash('true')], { refuse });
    expect(outcome).toMatchObject({ exitReason: 'money' });
    expect(understudy.requests).toHaveLength(2);
  });

  test('an invalid result is handed back with what is wrong, and the next one is taken', async () => {
    const wrong = { ...done, input: { summary: 'x', items: [{ item: 7, status: 'done', note: '' }], extra: 1 } };
    const half = { ...done, input: { ...done.input, items: [] } };
    const outcome = await run([{ calls: [wrong] }, { calls: [half] }, { calls: [done] }]);
    expect(outcome.exitReason).toBe('finished');
    expect(resultsOf(1)).toMatch(/not accepted.*extra/s);
    expect(resultsOf(2)).toMatch(/exactly once: 0/);
  });

  test('an agent that stops without a result is asked for it; the fourth time the run has failed', async () => {
    const outcome = await run([{ text: 'Done!' }, { text: 'I said: done!' }, { text: 'Done.' }, { text: 'Done.' }]);
    expect(outcome).toMatchObject({ exitReason: 'result_invalid', failure: 'The agent handed in no valid result.' });
    expect(understudy.requests).toHaveLength(4);
    expect(resultsOf(1)).toContain('You stopped without a result.');
  });

  test('a reply cut off at its limit runs no half call, and the model is told', async () => {
    const cut = { text: 'I start.', ...bash('touch half'), stopReason: 'max_tokens' };
    const outcome = await run([cut, { calls: [done] }]);
    expect(outcome.exitReason).toBe('finished');
    expect(resultsOf(1)).toContain('cut off');
    await expect(readFile(join(work, 'half'))).rejects.toThrow('ENOENT');
  });

  test('a refusal of the model ends the run', async () => {
    expect(await run([{ text: 'No.', stopReason: 'refusal' }])).toMatchObject({
      exitReason: 'model_error',
      failure: 'The model refused the task.',
    });
  });

  test('the signal ends a request in the middle of the stream, at once', async () => {
    const { run: start } = await prepare([{ text: 'slowly '.repeat(1_000), deltaDelayMs: 20 }]);
    const running = start();
    await machine.until('slowly');
    machine.abort();
    expect(await running).toMatchObject({ exitReason: 'killed' });
    await until(() => understudy.requests[0]?.outcome === 'client gone');
  });

  test('the signal ends a running tool and a wait between retries, at once', async () => {
    const { run: start } = await prepare('long-run');
    const running = start();
    await machine.until('[bash] sleep 2');
    machine.abort();
    expect(await running).toMatchObject({ exitReason: 'killed' });
    await machine.close();
    await understudy.close();
    const faults = [{ kind: 'status', status: 429, retryAfterSeconds: 600, times: 9 }];
    const waiting = (await prepare([{ text: 'x', faults }])).run();
    await machine.until('trying again');
    machine.abort();
    expect(await waiting).toMatchObject({ exitReason: 'killed' });
  });

  test('an agent that kills its own tools gets new ones and is told so; too often is the end', async () => {
    const suicide = bash('kill -9 $PPID; sleep 5');
    const again = await run([suicide, bash('echo alive'), { calls: [done] }]);
    expect(again.exitReason).toBe('finished');
    expect(resultsOf(1)).toContain('The tool host ended in the middle of the call.');
    expect(resultsOf(2)).toMatch(/started again.*alive/);
    await machine.close();
    await understudy.close();
    const outcome = await run(Array<unknown>(8).fill(suicide));
    expect(outcome).toMatchObject({ exitReason: 'sandbox_error', failure: 'The tool host ended too often.' });
  });

  test('[S-10] without a key, and with a model that has no price, a spawn is refused before anything starts', async () => {
    await prepare([{ calls: [done] }]);
    const options = { profiles: profileOptions.parse({}), runtimes: runtimeOptions.parse(undefined), skills: {} };
    const context = { repository: 'https://example.org/sum.git', branch: 'main', workItems: ['x'] };
    const ask = (model?: string) => spawnArgs.parse({ taskId: 'T', agentType: 'worker', context, options: { model } });
    const keyless = new ConfiguredResolver(options, () => undefined);
    await expect(keyless.resolve(ask())).rejects.toMatchObject({ code: 'no_model_key' });
    const keyed = new ConfiguredResolver(options, () => key);
    expect((await keyed.resolve(ask())).runtime.kind).toBe('claude');
    const refused = keyed.resolve(ask('constructor'));
    await expect(refused).rejects.toBeInstanceOf(WritError);
    await expect(refused).rejects.toMatchObject({ code: 'invalid_request', field: 'options.model' });
  });
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('It did not come to pass within 5 s.');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
