// A process of its own that runs agents until it is killed: `node agents-child.js <folder> <repository> <count> <script> [graceMs]`.
// Says `{"agents":[…]}` on a line when all of them were accepted; they start one after the other. A line on its input kills
// that agent, `all` all of them.
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createAgents, GitWorktrees, openSandboxes } from '#agents';
import { openSqliteStore } from '#store';
import { Lines, ShellResolver } from './shell-runtime.js';

const [folder = '', repository = '', count = '1', script = 'sleep 60', graceMs = '500'] = process.argv.slice(2);

const agents = await createAgents({
  store: await openSqliteStore({ path: join(folder, 'store.sqlite') }),
  sandboxes: (await openSandboxes({ stateDir: join(folder, 'sandboxes'), allowNone: true })).all,
  worktrees: new GitWorktrees({ root: join(folder, 'worktrees'), allowFile: true }),
  resolver: new ShellResolver(),
  options: { stateDir: join(folder, 'agents'), graceMs: Number(graceMs), startsMax: 1 },
  sourceId: 'spoke',
  log: new Lines(),
});
const context = { repository, branch: 'main', workItems: [script] };
const request = {
  owner: 'local',
  actor: { kind: 'key', id: 'admin' },
  args: { taskId: 'task-1', agentType: 'worker', context, options: {} },
} as const;
const spawned = await Promise.all(Array.from({ length: Number(count) }, () => agents.spawn(request)));
process.stdout.write(`${JSON.stringify({ agents: spawned.map(({ agentId }) => agentId) })}\n`);
const actor = { kind: 'key', id: 'operator' } as const;
createInterface({ input: process.stdin }).on('line', (name) => {
  void (name === 'all' ? agents.killAll(name, actor, 'it went wrong') : agents.kill(name, actor, 'it went wrong'));
});
process.once('SIGTERM', () => void agents.close().then(() => process.exit(0)));
setInterval(() => undefined, 60_000);
