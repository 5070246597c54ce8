// A process of its own with real agents: `node escape-child.js <folder> <repository> <level> <sandbox options as JSON>`.
// Each line of its input is a script in JSON: an agent runs it, is killed as soon as it has said `ready`, and what became of it is a
// line of output. An empty script asks for the memory that is in use after all garbage is gone (`--expose-gc`).
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createAgents, GitWorktrees, openForkServer, openSandboxes } from '#agents';
import { openSqliteStore } from '#store';
import { cleaned } from './agents.js';
import { Lines, ShellResolver } from './shell-runtime.js';
import { until } from './until.js';

const [folder = '', repository = '', level = '', options = '{}'] = process.argv.slice(2);
const waitMs = 60_000;
const actor = { kind: 'key', id: 'operator' } as const;

/** What this process says is bounded by what is asked of it; a log would grow. */
class Forgetful extends Lines {
  override info = () => undefined;
  override warn = this.info;
  override error = this.info;
}

const log = new Forgetful();
await openForkServer(log);
const sandboxes = await openSandboxes(JSON.parse(options) as Parameters<typeof openSandboxes>[0]);
const agents = await createAgents({
  store: await openSqliteStore({ path: join(folder, 'store.sqlite') }),
  sandboxes: sandboxes.all.filter((sandbox) => sandbox.level === level),
  worktrees: new GitWorktrees({ root: join(folder, 'worktrees'), allowFile: true }),
  resolver: new ShellResolver(),
  // A busy engine takes its time to end a container: that is no survivor.
  options: { stateDir: join(folder, 'agents'), graceMs: 100, killMs: 20_000 },
  sourceId: 'spoke',
  log,
});

async function round(script: string): Promise<object> {
  const context = { repository, branch: 'main', workItems: [script] };
  const args = { taskId: 'escape', agentType: 'worker', context, options: {} } as const;
  const { agentId } = await agents.spawn({ owner: 'local', actor, args });
  await until('it is ready', async () => (await agents.output(agentId, 0, 1_000)).text.includes('ready'), waitMs);
  const { killed, failed, survivors } = await agents.kill(agentId, actor, 'enough');
  const { state, cleanup } = await cleaned(agents, agentId);
  return { agentId, killed, failed, survivors, state, cleanup };
}

function memory(): object {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { usedBytes: heapUsed + external, rssBytes: rss };
}

const said = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);
createInterface({ input: process.stdin }).on('line', (line) => {
  const script = JSON.parse(line) as string;
  const answer = script === '' ? Promise.resolve(memory()) : round(script);
  void answer.then(said, (error: unknown) => said({ error: String(error) }));
});
process.once('SIGTERM', () => void agents.close().then(() => process.exit(0)));
said({ ready: true });
