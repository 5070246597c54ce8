// A real room of agents for tests: SQLite, git repositories and sandboxes on a temporary folder and a runtime
// that runs shell scripts.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type Agents,
  agentEvents,
  createAgents,
  GitWorktrees,
  openSandboxes,
  type CreateAgents,
  type Resolver,
  type AgentsOptionsInput,
  type LocalAgents,
  type Sandbox,
  type SpawnRequest,
  type WorktreeOptions,
  type Worktrees,
} from '#agents';
import { agentEvent, type Actor, type AgentEvent, type AgentResource, type SpawnArgs } from '#protocol';
import { openSqliteStore, type Store } from '#store';
import { Lines, ShellResolver } from './shell-runtime.js';

const run = promisify(execFile);

export const admin: Actor = { kind: 'key', id: 'admin' };
export const peer: Actor = { kind: 'peer', id: 'hub' };

export interface RoomOptions {
  readonly options?: Partial<AgentsOptionsInput>;
  readonly store?: (store: Store) => Store;
  readonly worktrees?: (worktrees: Worktrees) => Worktrees;
  readonly sandboxes?: (sandboxes: readonly Sandbox[]) => readonly Sandbox[];
  readonly resolver?: Resolver;
  /** Gates and the secret scan, and the scanner itself. */
  readonly review?: Pick<CreateAgents, 'review' | 'scanner'>;
  readonly checkpoints?: WorktreeOptions['checkpoints'];
  /** The budget, what owners may spend, and the clock. */
  readonly spending?: Pick<CreateAgents, 'budget' | 'allowance' | 'dial' | 'now'>;
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
    const worktrees = new GitWorktrees({
      root: join(this.folder, 'worktrees'),
      allowFile: true,
      checkpoints: given.checkpoints,
    });
    const agents = await createAgents({
      store: given.store?.(this.store) ?? this.store,
      sandboxes: given.sandboxes?.(sandboxes) ?? sandboxes,
      worktrees: given.worktrees?.(worktrees) ?? worktrees,
      resolver: given.resolver ?? new ShellResolver(),
      options: { stateDir: join(this.folder, 'agents'), graceMs: 500, ...given.options },
      sourceId: 'spoke',
      log: this.log,
      ...given.spending,
      ...given.review,
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
    // Whom a test has killed may have left a git that writes for a moment longer.
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
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
export async function eventually<T>(ask: () => Promise<T>, holds: (seen: T) => boolean, limitMs = 30_000): Promise<T> {
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
