// A runtime that runs the first work item of an agent as a shell script, and a log that can be looked at.
import { createInterface } from 'node:readline';
import { inspect } from 'node:util';
import {
  Resolver,
  Runtime,
  type AgentsLog,
  type AgentTask,
  type Resolved,
  type RuntimeHost,
  type RuntimeOutcome,
} from '#agents';
import type { SpawnArgs, Usage } from '#protocol';

const noTokens = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, moneyMicroUsd: 0 };

/**
 * Runs the first work item with `sh` in the sandbox. A line `turn` of its output asks for a turn and spends one; a line
 * `usage {…}` spends what it says; every other line is output.
 */
class ShellRuntime extends Runtime {
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

/** What a log got, for tests that look for what must not be lost. */
export class Lines implements AgentsLog {
  readonly lines: string[] = [];
  info = (context: object, message: string) => void this.lines.push(`${message} ${inspect(context)}`);
  warn = this.info;
  error = this.info;
}
