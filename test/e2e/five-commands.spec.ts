// The five commands of the README, as two people type them on two machines, and what each of them does afterwards.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSandboxes } from '#agents';
import type { AgentResource, Spoke } from '#protocol';
import { makeSampleRepository, passesWith } from '../demo/sample-repository.js';
import { descendants, stillAlive } from '../support/processes.js';
import { scriptFile, UnderstudyProcess } from '../support/understudy.js';
import { until } from '../support/until.js';
import { startWrit, writ, type Ran } from '../support/writ.js';

const hostNode = '/usr/bin/node';
const folder = mkdtempSync(join(tmpdir(), 'writ-five-'));

/** Somebody with a home of their own. */
class Person {
  readonly home: string;
  /** The Node of their machine, if it has one: `writ` starts itself again with its own. */
  node = existsSync(hostNode) ? hostNode : process.execPath;

  constructor(
    name: string,
    private readonly env: Record<string, string> = {},
  ) {
    this.home = join(folder, name);
    mkdirSync(this.home);
  }

  types(...args: string[]): Promise<Ran> {
    return writ(args, { node: this.node, cwd: this.home, env: { HOME: this.home, ...this.env } });
  }

  starts(...args: string[]): ChildProcess {
    return startWrit(args, { node: this.node, cwd: this.home, env: { HOME: this.home, ...this.env } });
  }

  async asks<T>(...args: string[]): Promise<T> {
    const { code, out, err } = await this.types(...args, '-o', 'json');
    if (code !== 0) throw new Error(`writ ${args.join(' ')} ended with ${code}: ${err}`);
    return JSON.parse(out) as T;
  }

  /** The process behind what runs in this home. */
  pid(role: 'hub' | 'spoke'): number | undefined {
    const file = join(this.home, '.writ', role, 'instance.json');
    if (!existsSync(file)) return undefined;
    return (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid;
  }
}

let understudy: UnderstudyProcess;
let operator: Person;
let partner: Person;
let hub: ChildProcess;
let repository: string;

beforeAll(async () => {
  repository = makeSampleRepository(join(folder, 'sample'));
  understudy = await UnderstudyProcess.start(scriptFile('repair'));
  operator = new Person('operator');
  const config = join(folder, 'spoke.json');
  writeFileSync(config, JSON.stringify(await partnersConfig()));
  partner = new Person('partner', { WRIT_CONFIG: config, ANTHROPIC_API_KEY: 'understudy' });
}, 30_000);

async function partnersConfig(): Promise<object> {
  const { reports } = await openSandboxes({ stateDir: join(folder, 'probe') });
  const endless = ['sh', '-c', 'echo begun; setsid sleep 900 & exec sleep 900'];
  return {
    name: 'partner',
    port: 0,
    agents: { graceMs: 500 },
    repositories: { allowFile: true },
    sandbox: { allowNone: !reports.some(({ ok }) => ok) },
    runtimes: {
      claude: { kind: 'claude', baseUrl: understudy.url },
      endless: { kind: 'command', argv: endless },
    },
  };
}

afterAll(async () => {
  const spoke = partner.pid('spoke');
  if (spoke !== undefined) process.kill(spoke, 'SIGTERM');
  if (hub.exitCode === null && hub.signalCode === null) {
    const exit = once(hub, 'exit');
    hub.kill('SIGTERM');
    await exit;
  }
  await until('the spoke has ended', () => partner.pid('spoke') === undefined, 20_000);
  await understudy.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}, 40_000);

const spawned = (...more: string[]) => [
  'spawn',
  '--spoke',
  'partner',
  '--repo',
  repository,
  '--item',
  'Repair.',
  ...more,
];
let repaired: AgentResource;

describe('from nothing to an agent on a partner’s machine', () => {
  test('1: `writ hub` starts a hub and says where', async () => {
    hub = operator.starts('hub', '--port', '0');
    await until('the hub runs', () => operator.pid('hub'), 20_000);
    expect((await operator.types('status')).out).toContain('live agents\tnone');
    const again = await operator.types('hub');
    expect(again).toMatchObject({ code: 2 });
    expect(again.err).toMatch(/runs on .* already: http:\/\/127\.0\.0\.1:\d+, process \d+/);
  }, 30_000);

  let invite: string;
  test('the hub runs on a Node that it can run on, whatever the machine has', () => {
    const [program = ''] = readFileSync(`/proc/${operator.pid('hub')}/cmdline`, 'utf8').split('\0');
    const major = execFileSync(program, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' });
    expect(Number(major)).toBeGreaterThanOrEqual(24);
  });

  test('2: `writ invite` prints one line and nothing else', async () => {
    const { code, out } = await operator.types('invite');
    expect(code).toBe(0);
    expect(out).toMatch(/^writ1\.[\w-]+\.[\w-]{4}\n$/);
    invite = out.trim();
  });

  test('3: `writ join` starts the spoke, shows the hub’s words, and joins', async () => {
    const wishes = [
      'join',
      invite,
      '--allow',
      'worker',
      '--repo',
      repository,
      '--runtime',
      'claude',
      '--runtime',
      'endless',
    ];
    const unasked = await partner.types(...wishes);
    expect(unasked).toMatchObject({ code: 2, out: '' });
    expect(unasked.err).toContain('add --yes');
    const { words } = (await operator.asks<{ instance: { words: string[] } }>('status')).instance;
    expect(unasked.err).toContain(`six words           ${words.join(' ')}`);
    const joined = await partner.types(...wishes, '--yes');
    expect(joined.code).toBe(0);
    expect(joined.out).toContain('writ accept partner');
  }, 30_000);

  test('4: `writ accept` with the partner’s six words makes the connection active', async () => {
    const { words } = (await partner.asks<{ instance: { words: string[] } }>('status')).instance;
    const spoke = await operator.asks<Spoke>('accept', 'partner', '--words', words.join(' '));
    expect(spoke).toMatchObject({ name: 'partner', state: 'active', connected: true, words });
  });

  test('5: `writ spawn --wait` comes back when the agent has repaired the repository', async () => {
    repaired = await operator.asks<AgentResource>(...spawned('--wait'));
    expect(repaired).toMatchObject({ state: 'completed', result: { items: [{ item: 0, status: 'done' }] } });
  }, 30_000);
});

describe('looking', () => {
  // From here on without the detour over the machine's Node, which costs every command a start.
  beforeAll(() => {
    operator.node = partner.node = process.execPath;
  });

  test('both see the agent, the operator with where it ran', async () => {
    const id = repaired.agentId;
    const [live, all, own, unknown] = await Promise.all([
      operator.types('ps'),
      operator.types('ps', '--all'),
      partner.types('status', id.slice(0, 8)),
      operator.types('status', 'ffffffff'),
    ]);
    expect(live.out).toBe('');
    expect(all.out).toMatch(new RegExp(`^${id}\tpartner\tworker\tcompleted\t`));
    expect(own.out).toContain('state\tcompleted');
    expect(unknown.code).toBe(4);
  });

  test('`writ logs -f` ends with the agent, and `writ diff` is a repair by a look of our own', async () => {
    expect((await operator.types('logs', '-f', repaired.agentId)).out).toContain('[bash] node --test');
    const { code, out } = await operator.types('diff', repaired.agentId);
    expect(code).toBe(0);
    expect(passesWith(out, repository, join(folder, 'clone'))).toBe(true);
  });

  test('`writ doctor` finds both machines well', async () => {
    for (const { code, out } of await Promise.all([operator.types('doctor'), partner.types('doctor')])) {
      expect(out).not.toContain('failed\t');
      expect(code).toBe(0);
    }
  });
});

describe('stopping', () => {
  async function endlessAgent(): Promise<AgentResource> {
    const { agentId } = await operator.asks<AgentResource>(...spawned('--runtime', 'endless'));
    const begun = async () => (await operator.types('logs', agentId)).out.includes('begun');
    await until('it has begun', begun, 20_000);
    return operator.asks<AgentResource>('status', agentId);
  }

  const processes = () => descendants(partner.pid('spoke') ?? -1).filter(({ command }) => command === 'sleep 900');

  test('`writ kill` is done when nothing of the agent lives', async () => {
    const { agentId } = await endlessAgent();
    const both = () => (processes().length >= 2 ? processes() : undefined);
    const seen = await until('its two processes run', both, 10_000);
    const killed = await operator.types('kill', agentId, '--reason', 'enough');
    expect(killed.out).toContain('survivors\t0');
    expect(killed.code).toBe(0);
    expect(stillAlive(seen)).toEqual([]);
    expect(await operator.asks('status', agentId)).toMatchObject({ state: 'killed', reason: 'enough' });
  }, 40_000);

  test('`writ kill --all` by the partner stops everything and refuses more until --reset', async () => {
    await endlessAgent();
    expect((await partner.types('kill', '--all', '--reason', 'incident 42')).out).toContain('survivors\t0');
    expect(processes()).toEqual([]);
    expect(await operator.types(...spawned())).toMatchObject({ code: 3 });
    expect((await partner.types('status')).out).toContain('killswitch\tall: incident 42');
    expect(await partner.types('kill', '--reset')).toMatchObject({ code: 0 });
    expect(await operator.types(...spawned())).toMatchObject({ code: 0 });
  }, 60_000);
});

describe('the partner decides', () => {
  test('`writ grants set` narrows what the hub may do, at once', async () => {
    expect((await partner.types('grants', 'show', 'hub')).out).toContain('agent types\tworker');
    expect(await partner.types('grants', 'set', 'hub', '--yes')).toMatchObject({ code: 0 });
    const refused = await operator.types(...spawned(), '-o', 'json');
    expect(refused.code).toBe(3);
    expect(JSON.parse(refused.err)).toMatchObject({ code: 'grant_denied', status: 403 });
    const widened = await partner.asks<{ version: number }>(
      'grants',
      'set',
      'hub',
      '--allow',
      'worker',
      '--repo',
      repository,
      '--yes',
    );
    expect(widened.version).toBe(3);
  });

  test('a suspended connection takes no spawn until the same side resumes it; a closed one is over', async () => {
    expect((await partner.types('suspend', 'hub', '--reason', 'a pause')).out).toContain('state\tsuspended');
    await until('the hub knows', async () => (await operator.types(...spawned())).code === 3);
    expect((await operator.types('resume', 'partner')).out).toContain('state\tsuspended');
    expect((await partner.types('resume', 'hub')).out).toContain('ours\tactive');
    await until('the hub knows again', async () => (await operator.types('spokes')).out.startsWith('partner\tactive'));
    expect(await operator.types('close', 'partner')).toMatchObject({ code: 2 });
    expect((await operator.types('close', 'partner', '--yes')).out).toContain('state\tclosed');
    expect(await operator.types(...spawned())).toMatchObject({ code: 3 });
    await until('the spoke knows', async () => (await partner.types('hubs')).out.startsWith('hub\tclosed'));
  }, 40_000);
});
