// A real room of agents for tests: SQLite, git repositories and sandboxes on a temporary folder, and a runtime that runs
// the first work item as a shell script.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { inspect, promisify } from 'node:util';
import {
  type Agents,
  agentEvents,
  createAgents,
  GitWorktrees,
  openSandboxes,
  Resolver,
  Runtime,
  type AgentsLog,
  type AgentsOptionsInput,
  type AgentTask,
  type LocalAgents,
  type Resolved,
  type RuntimeHost,
  type RuntimeOutcome,
  type Sandbox,
  type SpawnRequest,
  type Worktrees,
} from '#agents';
import { agentEvent, type Actor, type AgentEvent, type AgentResource, type SpawnArgs, type Usage } from '#protocol';
import { openSqliteStore, type Store } from '#store';

const run = promisify(execFile);

export const admin: Actor = { kind: 'key', id: 'admin' };
export const peer: Actor = { kind: 'peer', id: 'hub' };

const noTokens = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, moneyMicroUsd: 0 };

/**
 * Runs the first work item with `sh` in the sandbox. A line `turn` of its output asks for a turn and spends one; a line
 * `usage {…}` spends what it says; every other line is output.
 */
export class ShellRuntime extends Runtime {
  override readonly kind = 'shell';
  override readonly mounts = [];

  override admit(): void {
    // A shell needs no key.
  }

  override async run(task: AgentTask, host: RuntimeHost): Promise<RuntimeOutcome> {
    const child = await host.launch(['/bin/sh', '-c', task.workItems[0] ?? 'true']);
    child.stdin.end();
    child.stderr.resume();
    for await (const line of createInterface({ input: child.stdout })) await heard(line, host);
    const { code } = await child.end;
    const summary = task.workItems.join('; ').slice(0, 200);
    const items = task.workItems.map((_, item) => ({ item, status: 'done' as const, note: '' }));
    if (code === 0) return { exitReason: 'finished', result: { summary, items, exitCode: 0 } };
    return {
      exitReason: 'exit_code',
      result: { summary, items: [], exitCode: code ?? -1 },
      failure: `It ended with ${code ?? 'a signal'}.`,
    };
  }
}

async function heard(line: string, host: RuntimeHost): Promise<void> {
  if (line === 'turn') {
    await host.admitTurn();
    await host.record({ ...noTokens, turns: 1 });
  } else if (line.startsWith('usage '))
    await host.record({ ...noTokens, turns: 0, ...(JSON.parse(line.slice(6)) as Partial<Usage>) });
  else await host.output(`${line}\n`);
}

export class ShellResolver extends Resolver {
  constructor(private readonly runtime: Runtime = new ShellRuntime()) {
    super();
  }

  override resolve(args: SpawnArgs): Promise<Resolved> {
    const writes = args.agentType === 'worker';
    const result = writes ? ('changes' as const) : ('findings' as const);
    const profile = { systemPrompt: '', tools: [], writes, result };
    return Promise.resolve({ runtime: this.runtime, profile, skills: [], mounts: [] });
  }
}

export interface RoomOptions {
  readonly options?: Partial<AgentsOptionsInput>;
  readonly store?: (store: Store) => Store;
  readonly worktrees?: (worktrees: Worktrees) => Worktrees;
  readonly sandboxes?: (sandboxes: readonly Sandbox[]) => readonly Sandbox[];
  readonly resolver?: Resolver;
}

/** What a log got, for tests that look for what must not be lost. */
export class Lines implements AgentsLog {
  readonly lines: string[] = [];
  info = (context: object, message: string) => void this.lines.push(`${message} ${inspect(context)}`);
  warn = this.info;
  error = this.info;
}

/** One state folder, one store, one repository; agents on it can be opened more than once, one after the other. */
export class Room {
  readonly log = new Lines();
  private readonly opened: LocalAgents[] = [];

  private constructor(
    readonly folder: string,
    readonly store: Store,
    readonly repository: string,
  ) {}

  static async make(): Promise<Room> {
    const folder = await mkdtemp(join(tmpdir(), 'writ-agents-'));
    const store = await openSqliteStore({ path: join(folder, 'store.sqlite') });
    return new Room(folder, store, await sampleRepository(join(folder, 'sample')));
  }

  async open(given: RoomOptions = {}): Promise<LocalAgents> {
    const sandboxes = (await openSandboxes({ stateDir: join(this.folder, 'sandboxes'), allowNone: true })).all;
    const worktrees = new GitWorktrees({ root: join(this.folder, 'worktrees'), allowFile: true });
    const agents = await createAgents({
      store: given.store?.(this.store) ?? this.store,
      sandboxes: given.sandboxes?.(sandboxes) ?? sandboxes,
      worktrees: given.worktrees?.(worktrees) ?? worktrees,
      resolver: given.resolver ?? new ShellResolver(),
      options: { stateDir: join(this.folder, 'agents'), graceMs: 500, ...given.options },
      sourceId: 'spoke',
      log: this.log,
    });
    this.opened.push(agents);
    return agents;
  }

  /** A spawn of a worker that runs this script. */
  request(
    script: string,
    more: Partial<SpawnRequest> & { readonly limits?: SpawnArgs['options']['limits'] } = {},
  ): SpawnRequest {
    const { limits, ...rest } = more;
    const context = { repository: this.repository, branch: 'main', workItems: [script] };
    const args: SpawnArgs = { taskId: 'task-1', agentType: 'worker', context, options: limits ? { limits } : {} };
    return { owner: 'local', actor: admin, args, ...rest };
  }

  async events(owner = 'local'): Promise<AgentEvent[]> {
    const records = await this.store.read(agentEvents(owner), { after: 0 });
    return records.map(({ value }) => agentEvent.parse(value));
  }

  async close(): Promise<void> {
    await Promise.all(this.opened.map((agents) => agents.close()));
    await this.store.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function sampleRepository(folder: string): Promise<string> {
  const git = (...args: string[]) =>
    run('git', ['-C', folder, '-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args]);
  await run('git', ['init', '-q', '-b', 'main', folder]);
  await writeFile(join(folder, 'hello.txt'), 'hello\n');
  await git('add', '-A');
  await git('commit', '-qm', 'first');
  return `file://${folder}`;
}

/** Asks again until it holds. @throws Error with what was seen last when the time is up. */
export async function eventually<T>(ask: () => Promise<T>, holds: (seen: T) => boolean, limitMs = 10_000): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const seen = await ask();
    if (holds(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms; last seen: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The agent once it has ended and everything is cleaned up (or could not be). */
export function cleaned(agents: Agents, agentId: string): Promise<AgentResource> {
  return eventually(
    () => agents.get(agentId),
    ({ cleanup }) => cleanup !== undefined,
  );
}

export function inState(agents: Agents, agentId: string, state: AgentResource['state']): Promise<AgentResource> {
  return eventually(
    () => agents.get(agentId),
    (agent) => agent.state === state,
  );
}
