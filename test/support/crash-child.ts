// A process of its own that runs one agent and dies by SIGKILL at a step: `node crash-child.js <folder> <repository> <script> <step>`.
// A step is `before` or `after` one of `steps`. Everything beside the dying is the real thing.
import { join } from 'node:path';
import { createAgents, GitWorktrees, openSandboxes, type LaunchSpec, type Sandbox, type Worktrees } from '#agents';
import { openSqliteStore, type Commit, type Store } from '#store';
import { SlowWorktrees, StallingStore, StubbornSandbox } from './faults.js';
import { Lines, ShellResolver } from './shell-runtime.js';

const [folder = '', repository = '', script = '', fatal = ''] = process.argv.slice(2);

async function at<T>(step: string | undefined, act: () => Promise<T>): Promise<T> {
  if (fatal === `before ${step}`) process.kill(process.pid, 'SIGKILL');
  const done = await act();
  if (fatal === `after ${step}`) process.kill(process.pid, 'SIGKILL');
  return done;
}

/** What a commit of the room is about: its event, or the phase that it writes. */
function stepOf({ puts = [], appends = [] }: Commit): string | undefined {
  const [event] = appends.map(({ value }) => (value as { type?: string }).type);
  if (event?.startsWith('agent.')) return `the commit of ${event}`;
  const record = puts.find(({ key }) => key[1] === 'record')?.value as { phase?: string } | undefined;
  return record?.phase && `the commit of the phase ${record.phase}`;
}

class MortalStore extends StallingStore {
  constructor(inner: Store) {
    super(inner, () => false);
  }
  override commit(commit: Commit) {
    return at(stepOf(commit), () => super.commit(commit));
  }
}

class MortalWorktrees extends SlowWorktrees {
  override create(...given: Parameters<Worktrees['create']>) {
    return at('the making of the worktree', () => super.create(...given));
  }
  override harvest(agentId: string, message: string) {
    return at('the harvest', () => super.harvest(agentId, message));
  }
  override remove(agentId: string) {
    return at('the removal of the worktree', () => super.remove(agentId));
  }
}

class MortalSandbox extends StubbornSandbox {
  constructor(inner: Sandbox) {
    super(inner, new Set());
  }
  override launch(spec: LaunchSpec) {
    return at('the launch', () => super.launch(spec));
  }
  override stop(agentId: string, graceMs: number) {
    return at('the stop of the sandbox', () => super.stop(agentId, graceMs));
  }
  override remove(agentId: string) {
    return at('the removal of the sandbox', () => super.remove(agentId));
  }
}

const sandboxes = await openSandboxes({ stateDir: join(folder, 'sandboxes'), allowNone: true });
const agents = await createAgents({
  store: new MortalStore(await openSqliteStore({ path: join(folder, 'store.sqlite') })),
  sandboxes: sandboxes.all.map((sandbox) => new MortalSandbox(sandbox)),
  worktrees: new MortalWorktrees(new GitWorktrees({ root: join(folder, 'worktrees'), allowFile: true })),
  resolver: new ShellResolver(),
  options: { stateDir: join(folder, 'agents'), graceMs: 500 },
  sourceId: 'spoke',
  log: new Lines(),
});
const context = { repository, branch: 'main', workItems: [script] };
const args = { taskId: 'task-1', agentType: 'worker', context, options: {} } as const;
await agents.spawn({ owner: 'local', actor: { kind: 'key', id: 'admin' }, args });
setInterval(() => undefined, 60_000);
