// A hub and its partners as processes for the stories in test/e2e and test/faults: started once per file, paired as people pair
// them, and gone with all they started, also when a story breaks off.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openSandboxes } from '#agents';
import { RestClient } from '#client';
import { isTerminal, operationNames } from '#protocol';
import type { AgentResource, GrantInput, SandboxLevel, SpawnRequestBody } from '#protocol';
import { caller } from './call.js';
import { Instance, type InstanceOptions, type Role } from './instance.js';
import { descendants, stillAlive, type Seen } from './processes.js';
import { until } from './until.js';

/** Becomes a shell that runs the first work item, in base64: what an agent does stands in its story. */
const firstItem = String.raw`printf %s "$WRIT_TASK" | sed -n 's/.*"workItems":\["\([^"]*\)".*/\1/p' | base64 -d`;
const shell = { kind: 'command', argv: ['sh', '-c', `exec sh -c "$(${firstItem})"`] };

/** An instance, a client with its first key, and raw HTTP for what the client would not send. */
export class Player {
  constructor(
    public instance: Instance,
    public client: RestClient,
  ) {}

  static async enter(options: InstanceOptions): Promise<Player> {
    const instance = await Instance.start(options);
    return new Player(instance, new RestClient({ url: instance.url, key: instance.key }));
  }

  get call() {
    return caller(this.instance.url, this.instance.key);
  }

  get name(): string {
    return this.instance.options.name;
  }

  /** Ends the process in that way and starts it again on the same state, at the same address. */
  async restart(how: 'SIGTERM' | 'SIGKILL', whileAway: () => Promise<void> | void = () => undefined): Promise<void> {
    await this.away(how);
    await whileAway();
    await this.back();
  }

  async away(how: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await (how === 'SIGTERM' ? this.instance.stop() : this.instance.kill9());
    await this.client.close();
  }

  async back(more: Readonly<Record<string, string>> = {}): Promise<void> {
    const { options, url } = this.instance;
    const env = { ...options.env, ...more, WRIT_PORT: new URL(url).port };
    this.instance = await Instance.start({ ...options, env });
    this.client = new RestClient({ url: this.instance.url, key: this.instance.key });
  }

  async leave(): Promise<void> {
    await this.client.close().finally(() => this.instance.stop());
  }
}

export class Federation {
  readonly folder = mkdtempSync(join(tmpdir(), 'writ-e2e-'));
  readonly repository = makeRepository(join(this.folder, 'repository'));
  private readonly leaving: (() => unknown)[] = [];
  private readonly seen = new Map<string, Seen>();

  private constructor(readonly sandbox: SandboxLevel) {}

  static async open(): Promise<Federation> {
    const probe = mkdtempSync(join(tmpdir(), 'writ-probe-'));
    try {
      const { reports } = await openSandboxes({ stateDir: probe, allowNone: true });
      return new Federation(reports.findLast(({ ok }) => ok)?.level ?? 'none');
    } finally {
      rmSync(probe, { recursive: true, force: true });
    }
  }

  /** Done when the story ends, last in first out. */
  afterwards(leave: () => unknown): void {
    this.leaving.push(leave);
  }

  hub(name = 'hub', config: object = {}, env: Readonly<Record<string, string>> = {}): Promise<Player> {
    return this.enter('hub', name, { logLevel: 'warn', ...config }, { env });
  }

  spoke(name: string, config: object = {}, env: Readonly<Record<string, string>> = {}, within?: readonly string[]) {
    const agents = { graceMs: 1_000, agentsMax: 50 };
    const own = {
      ...{ logLevel: 'warn', agents, repositories: { allowFile: true }, heartbeatMs: 1_000 },
      ...{ sandbox: { allowNone: this.sandbox === 'none' }, runtimes: { shell, claude: { kind: 'claude' } } },
    };
    return this.enter('spoke', name, { ...own, ...config }, { env, ...(within && { within }) });
  }

  /** Also one that is still on its way in when the story breaks off leaves. */
  private enter(role: Role, name: string, config: object, more: Pick<InstanceOptions, 'env' | 'within'> = {}) {
    const stateDir = join(this.folder, name);
    const entering = Player.enter({ role, name, stateDir, config, ...more });
    this.afterwards(() => entering.then((player) => player.leave()));
    return entering;
  }

  /** All that the stories need, on the repository of this federation; what is given replaces its part. */
  grant(change: Partial<GrantInput> = {}): GrantInput {
    const all = { operations: [...operationNames], agentTypes: ['worker', 'reviewer', 'tester'] } as const;
    const own = { repositories: [this.repository], runtimes: ['shell', 'claude'], sandbox: this.sandbox };
    return {
      ...all,
      operations: [...all.operations],
      agentTypes: [...all.agentTypes],
      ...own,
      concurrentMax: 50,
      ...change,
    };
  }

  /** Invite, join, accept, and both see each other. */
  async pair(hub: Player, spoke: Player, grant = this.grant()): Promise<string> {
    const { invite } = await hub.client.invites.create({});
    await spoke.client.hubs.join({ invite, grant });
    await hub.client.spokes.accept(spoke.name);
    await this.connected(hub, spoke);
    return (await hub.client.spokes.get(spoke.name)).connectionId;
  }

  connected(hub: Player, spoke: Player): Promise<boolean> {
    return until(
      `${hub.name} and ${spoke.name} are connected`,
      async () => {
        const [seen, sees] = [await hub.client.spokes.get(spoke.name), await spoke.client.hubs.get(hub.name)];
        return seen.state === 'active' && seen.connected && sees.connected && sees.state === 'active';
      },
      20_000,
    );
  }

  /** A spawn that runs this shell script. */
  job(spoke: string | undefined, script: string, change: Partial<SpawnRequestBody> = {}): SpawnRequestBody {
    const context = {
      repository: this.repository,
      branch: 'main',
      workItems: [Buffer.from(script).toString('base64')],
    };
    const task = { taskId: 'story', agentType: 'worker', context, options: { runtime: 'shell' } } as const;
    return { ...(spoke !== undefined && { spoke }), ...task, ...change };
  }

  /** Spawns it and gives the agent back as first seen. */
  async spawn(at: Player, spoke: string | undefined, script: string, change: Partial<SpawnRequestBody> = {}) {
    const answer = await at.client.agents.spawn(this.job(spoke, script, change), { waitS: 30 });
    if (!('agent' in answer)) throw new Error('the spoke did not answer in time');
    return answer.agent;
  }

  /** Runs, and has printed `ready`. */
  async running(at: Player, agentId: string, word = 'ready'): Promise<AgentResource> {
    return until(
      `agent ${agentId} says ${word}`,
      async () => {
        const agent = await at.client.agents.get(agentId);
        if (isTerminal(agent.state)) throw new Error(`it ${agent.state}: ${agent.reason ?? ''}`);
        if (agent.state !== 'running') return undefined;
        return (await at.client.agents.readOutput(agentId)).text.includes(word) ? agent : undefined;
      },
      20_000,
    );
  }

  /** Terminal and cleaned up. */
  ended(at: Player, agentId: string, deadlineMs = 20_000): Promise<AgentResource> {
    return until(
      `agent ${agentId} has ended`,
      async () => {
        const agent = await at.client.agents.get(agentId);
        return isTerminal(agent.state) && agent.cleanup ? agent : undefined;
      },
      deadlineMs,
    );
  }

  /** What runs under the spoke now beyond its own helpers; remembered for `survivors`. */
  watch(spoke: Player, word: string): Seen[] {
    const found = descendants(spoke.instance.pid).filter(({ command }) => command.includes(word));
    for (const one of found) this.seen.set(`${one.pid}.${one.start}`, one);
    return found;
  }

  /** Of all that was watched, what lives still. */
  survivors(): Seen[] {
    return stillAlive([...this.seen.values()]);
  }

  /** Worktrees of an agent that are still there. */
  worktrees(spoke: Player, agentId: string): string[] {
    const folder = join(spoke.instance.options.stateDir, 'worktrees');
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(agentId));
  }

  /** Folder of something else of the story. */
  room(name: string): string {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  async close(): Promise<void> {
    for (const leave of this.leaving.splice(0).reverse()) await Promise.resolve(leave()).catch(() => undefined);
    for (const { pid } of this.survivors()) process.kill(pid, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function git(folder: string, ...args: string[]): string {
  const author = ['-c', 'user.name=Story', '-c', 'user.email=story@example.org'];
  return execFileSync('git', [...author, ...args], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
}

/** A small repository on branch main; returns its `file://` URL. */
function makeRepository(folder: string, files: Readonly<Record<string, string>> = { 'README.md': 'A story.\n' }) {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  git(folder, 'init', '--quiet', '--initial-branch=main');
  git(folder, 'add', '--all');
  git(folder, 'commit', '--quiet', '--message', 'A beginning');
  return pathToFileURL(folder).href;
}

/** The code of the problem that a promise ends in, with its field; `ok` when it does not. */
export async function refusal(doing: Promise<unknown>): Promise<{ code: string; field?: string; detail?: string }> {
  try {
    await doing;
    return { code: 'ok' };
  } catch (error) {
    const { code = 'no problem of ours', field, detail } = error as { code?: string; field?: string; detail?: string };
    return { code, ...(field !== undefined && { field }), ...(detail !== undefined && { detail }) };
  }
}
