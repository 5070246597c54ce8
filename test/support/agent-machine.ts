// A machine for one agent: what a runtime sees of the spoke, over real processes, either plain or in bubblewrap.
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import type { LimitReached, Resolved, RuntimeHost } from '#agents';
import type { Usage } from '#protocol';

type Mount = Resolved['mounts'][number];
type SandboxProcess = Awaited<ReturnType<RuntimeHost['launch']>>;

export interface MachineOptions {
  /** The worktree on this machine. */
  readonly work: string;
  readonly mounts: readonly Mount[];
  readonly writable?: boolean;
  readonly sandbox?: 'plain' | 'bubblewrap';
  /** Thrown by the admission of that turn (from 1). */
  readonly refuse?: { readonly turn: number; readonly because: LimitReached };
}

export function bubblewrapWorks(): boolean {
  const tried = spawnSync('bwrap', ['--unshare-all', '--ro-bind', '/', '/', 'true']);
  return tried.status === 0;
}

export class AgentMachine implements RuntimeHost {
  readonly usage: Usage[] = [];
  readonly launches: { argv: readonly string[]; env: Readonly<Record<string, string>> }[] = [];
  admitted = 0;
  private text = '';
  private readonly stop = new AbortController();
  private readonly children = new Set<ChildProcessWithoutNullStreams>();
  private watchers: (() => void)[] = [];

  constructor(private readonly options: MachineOptions) {}

  get signal(): AbortSignal {
    return this.stop.signal;
  }

  get said(): string {
    return this.text;
  }

  abort(): void {
    this.stop.abort(new Error('killed'));
  }

  /** Ends every process that was launched here. */
  async close(): Promise<void> {
    for (const child of this.children) child.kill('SIGKILL');
    const alive = [...this.children].filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    await Promise.all(alive.map((child) => once(child, 'exit')));
  }

  async launch(
    argv: readonly [string, ...string[]],
    env: Readonly<Record<string, string>> = {},
  ): Promise<SandboxProcess> {
    this.launches.push({ argv, env });
    const [program, ...rest] = this.options.sandbox === 'bubblewrap' ? this.wrapped(argv, env) : this.plain(argv);
    const child = spawn(program ?? '', rest, { cwd: this.options.work, env, detached: true });
    this.children.add(child);
    const end = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
      child.once('error', () => resolve({ code: null, signal: null }));
    });
    this.signal.addEventListener('abort', () => child.kill('SIGKILL'));
    return Promise.resolve({ stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, end, enforced: [] });
  }

  output(text: string): Promise<void> {
    this.text += text;
    for (const watcher of this.watchers) watcher();
    return Promise.resolve();
  }

  /** Resolves once the output has that text. */
  async until(text: string): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = () => {
        if (this.text.includes(text)) resolve();
      };
      this.watchers.push(look);
      look();
    });
  }

  admitTurn(): Promise<void> {
    this.admitted += 1;
    const { refuse } = this.options;
    return refuse?.turn === this.admitted ? Promise.reject(refuse.because) : Promise.resolve();
  }

  record(delta: Usage): Promise<void> {
    this.usage.push(delta);
    return Promise.resolve();
  }

  /** Without a sandbox the places inside are the places outside. */
  private plain(argv: readonly string[]): string[] {
    const places = [...this.options.mounts, { from: this.options.work, to: '/work' }];
    return argv.map((word) => {
      const place = places.find(({ to }) => word === to || word.startsWith(`${to}/`));
      return place ? place.from + word.slice(place.to.length) : word;
    });
  }

  private wrapped(argv: readonly string[], env: Readonly<Record<string, string>>): string[] {
    const system = ['/usr', '/bin', '/lib', '/lib64', '/etc/alternatives'].flatMap((path) => [
      '--ro-bind-try',
      path,
      path,
    ]);
    const mounts = this.options.mounts.flatMap(({ from, to }) => ['--ro-bind', from, to]);
    const work = [this.options.writable === true ? '--bind' : '--ro-bind', this.options.work, '/work'];
    const variables = Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]);
    const isolation = ['--unshare-all', '--die-with-parent', '--new-session', '--proc', '/proc', '--dev', '/dev'];
    const inside = ['--tmpfs', '/tmp', ...mounts, ...work, '--chdir', '/work', '--clearenv', ...variables];
    return ['/usr/bin/bwrap', ...isolation, ...system, ...inside, '--', ...argv];
  }
}
