// A process of its own with a session of two turns that is taken back to before the second, and dies by SIGKILL at a step of that:
// `node rewind-child.js <folder> <repository> <count of files> <step>`. A step is `before`, `amid` or `after` one of `steps`. Everything beside the dying is real.
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createAgents, GitWorktrees, openSandboxes, type Worktrees } from '#agents';
import { openSqliteStore, type Commit, type Store } from '#store';
import { SlowWorktrees, StallingStore } from './faults.js';
import { SessionRuntime } from './session-runtime.js';
import { Lines, ShellResolver } from './shell-runtime.js';
import { until } from './until.js';

const [folder = '', repository = '', count = '1', fatal = ''] = process.argv.slice(2);
const script = `for i in $(seq ${count}); do echo one > $i; done`;
const actor = { kind: 'key', id: 'admin' } as const;
/** That of the second turn, made ahead. */
const nextOne = 'the next checkpoint';
let agentId = '';

/** With what it has started: as when the machine goes down. */
function die(): never {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean);
  for (const pid of children) process.kill(Number(pid), 'SIGKILL');
  process.kill(process.pid, 'SIGKILL');
  throw new Error('it lives');
}

async function at<T>(step: string | undefined, act: () => Promise<T>): Promise<T> {
  if (fatal === `before ${step}`) die();
  const acting = act();
  if (fatal === `amid ${step}`) await dieOnce(step === 'the files' ? 'tree/1' : 'checkpoints/refs/writ/ahead');
  const done = await acting;
  if (fatal === `after ${step}`) die();
  return done;
}

/** When that is there: some of the files are back and others are not, or a checkpoint that nothing is noted of. */
async function dieOnce(path: string): Promise<never> {
  while (!existsSync(join(folder, 'worktrees', 'agents', agentId, path))) await setImmediate();
  return die();
}

function stepOf({ puts = [], appends = [] }: Commit): string | undefined {
  if (appends.some(({ value }) => (value as { type?: string }).type === 'agent.restored')) return 'the end';
  const record = puts.find(({ key }) => key[1] === 'record')?.value as { restoring?: object } | undefined;
  return record?.restoring && 'the intent';
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
  override get checkpoints(): Worktrees['checkpoints'] {
    const inner = super.checkpoints;
    const mortal: Partial<Worktrees['checkpoints']> = {
      take: (id, wish) => at(wish.before === 'restore' ? 'the checkpoint' : undefined, () => inner.take(id, wish)),
      prepare: (...given) => at(nextOne, () => inner.prepare(...given)),
      count: (...given) => at('its count', () => inner.count(...given)),
      restore: (...given) => at('the files', () => inner.restore(...given)),
      memory: (...given) => at('the conversation', () => inner.memory(...given)),
      list: (id) => inner.list(id),
    };
    return Object.assign(Object.create(inner) as Worktrees['checkpoints'], mortal);
  }
}

const sandboxes = await openSandboxes({ stateDir: join(folder, 'sandboxes'), allowNone: true });
const agents = await createAgents({
  store: new MortalStore(await openSqliteStore({ path: join(folder, 'store.sqlite') })),
  sandboxes: sandboxes.all,
  worktrees: new MortalWorktrees(new GitWorktrees({ root: join(folder, 'worktrees'), allowFile: true })),
  resolver: new ShellResolver(new SessionRuntime()),
  options: { stateDir: join(folder, 'agents'), graceMs: 500 },
  sourceId: 'spoke',
  log: new Lines(),
});
const ended = (turn: number) =>
  until(`turn ${turn} has ended`, async () => (await agents.get(agentId)).turns?.last?.turn === turn, 20_000);
const context = { repository, branch: 'main', workItems: [script] };
const args = { taskId: 'task-1', agentType: 'worker', context, options: { session: 'mine' } } as const;
({ agentId } = await agents.spawn({ owner: 'local', actor, args }));
await ended(1);
if (fatal.endsWith(nextOne)) await new Promise((resolve) => setTimeout(resolve, 20_000));
await agents.send({ agentId, actor, turnId: randomUUID(), input: 'rm [0-9]*; rm hello.txt; echo two > new' });
await ended(2);
await agents.restore({ agentId, actor, turnId: randomUUID(), to: 2, reason: 'the wrong way' });
