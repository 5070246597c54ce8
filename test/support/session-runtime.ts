// A runtime that keeps a session: one shell in the sandbox, each turn a script for it. What it says is output; the file
// `answer` in the worktree is its summary. Its memory is the list of the scripts it has run.
import { createInterface } from 'node:readline';
import { Backend, Runtime, type AgentTask, type RuntimeHost, type RuntimeOutcome, type Turn } from '#agents';

interface Shell {
  readonly say: (text: string) => void;
  readonly lines: AsyncIterator<string>;
  readonly ended: Promise<unknown>;
}

export class SessionBackend extends Backend {
  /** Starts of a shell, over all backends of this process: a warm turn needs none. */
  static starts = 0;
  private shell?: Shell;
  private busy = false;

  constructor(
    private readonly task: AgentTask,
    private readonly host: RuntimeHost,
    private readonly past: string[],
  ) {
    super();
  }

  /** `WRIT_PAST` says how many turns it remembers. A line `ENDED <turn id> <code>` ends the turn of that id and no other. */
  override async turn({ turnId, input }: Turn): Promise<RuntimeOutcome> {
    const script = input ?? this.task.workItems[0] ?? 'true';
    this.busy = true;
    this.shell ??= await this.start();
    this.shell.say(`WRIT_PAST=${this.past.length}\n( ${script}\n)\necho "ENDED ${turnId} $?"\n`);
    const said: string[] = [];
    for (;;) {
      const line = await this.shell.lines.next();
      const value = line.done ? '' : line.value;
      const code = new RegExp(`^ENDED ${turnId} (\\d+)$`).exec(value)?.[1];
      if (line.done || code !== undefined) return this.outcome(script, code, said);
      said.push(value);
      await this.host.output(`${value}\n`);
    }
  }

  override memory(): string {
    return JSON.stringify(this.past);
  }

  override idle(): Promise<boolean> {
    return Promise.resolve(!this.busy);
  }

  override async close(): Promise<void> {
    const { shell } = this;
    this.shell = undefined;
    shell?.say('exit\n');
    await shell?.ended;
  }

  private async start(): Promise<Shell> {
    const child = await this.host.launch(['/bin/sh']);
    SessionBackend.starts += 1;
    child.stderr.resume();
    child.stdin.on('error', () => undefined);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { lines, ended: child.end, say: (text) => void child.stdin.write(text) };
  }

  private outcome(script: string, code: string | undefined, said: readonly string[]): RuntimeOutcome {
    this.busy = false;
    if (code === undefined) this.shell = undefined;
    this.past.push(script);
    const result = { summary: said.join('\n'), items: [] };
    if (code === '0') return { exitReason: 'finished', result };
    return { exitReason: 'runtime_error', result, failure: `The script ended with ${code ?? 'its shell'}.` };
  }
}

export class SessionRuntime extends Runtime {
  override readonly kind = 'session-shell';
  override readonly mounts = [];
  override readonly takesTurns = true;

  override admit(): void {
    // A shell needs no key.
  }

  override run(task: AgentTask, host: RuntimeHost): Promise<RuntimeOutcome> {
    return this.open(task, host).turn({ turnId: task.agentId, turn: 1 });
  }

  override open(task: AgentTask, host: RuntimeHost, memory?: string): Backend {
    return new SessionBackend(task, host, memory === undefined ? [] : (JSON.parse(memory) as string[]));
  }
}
