// A hub or spoke as its users run it: a real process of the built app with a state folder of its own, on a free port of loopback.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './until.js';

export type Role = 'hub' | 'spoke';

export interface InstanceOptions {
  readonly role: Role;
  readonly name: string;
  /** Its state folder; made when absent. Starting again on the same one is a restart. */
  readonly stateDir: string;
  /** The configuration file's content. */
  readonly config?: object;
  readonly env?: Readonly<Record<string, string>>;
  /** Stands before the command line of the process and becomes it: changes the machine that it sees. */
  readonly within?: readonly string[];
}

/** The repository's root, from sources and from `dist` alike. */
export const root = fileURLToPath(
  new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url),
);

/** A machine with much else to do takes its time; nobody waits longer than it needs. */
const startMs = 60_000;

export class Instance {
  private constructor(
    readonly options: InstanceOptions,
    readonly process: ChildProcess,
    /** Standard output and error so far. */
    readonly log: readonly string[],
    readonly url: string,
    readonly key: string,
  ) {}

  /** Resolves when it listens. @throws Error with its log when it ends before, or is too slow: then nothing is left of it. */
  static async start(options: InstanceOptions): Promise<Instance> {
    const { role, name, stateDir, config = {}, env = {}, within = [] } = options;
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const file = join(stateDir, 'config.json');
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    const own = { WRIT_STATE_DIR: stateDir, WRIT_NAME: name, WRIT_PORT: '0', WRIT_CONFIG: file, ...env };
    const main = join(root, 'dist', 'apps', role, 'src', 'main.js');
    const argv = [...within, process.execPath, '--disable-warning=ExperimentalWarning', main];
    const child = spawn(argv[0] ?? '', argv.slice(1), {
      env: { ...inherited(), ...own },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => log.push(chunk.toString()));
    try {
      const { url, key } = await listening(child, stateDir, log);
      return new Instance(options, child, log, url, key);
    } catch (error) {
      await end(child, 'SIGKILL');
      throw error;
    }
  }

  get pid(): number {
    return this.process.pid ?? -1;
  }

  /** As its admin would: SIGTERM, and the exit code. */
  async stop(): Promise<number | null> {
    return end(this.process, 'SIGTERM');
  }

  /** As a power cut would. */
  async kill9(): Promise<void> {
    await end(this.process, 'SIGKILL');
  }

  /** Stops it in that way and starts it again on the same state. */
  async restart(how: 'SIGTERM' | 'SIGKILL' = 'SIGTERM', change: Partial<InstanceOptions> = {}): Promise<Instance> {
    await end(this.process, how);
    return Instance.start({ ...this.options, ...change });
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, 'exit');
  child.kill(signal);
  const [code] = (await exit) as [number | null];
  return code;
}

/** What any program needs; nothing of ours leaks in. */
function inherited(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG'];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

async function listening(
  child: ChildProcess,
  stateDir: string,
  log: readonly string[],
): Promise<{ url: string; key: string }> {
  const file = join(stateDir, 'instance.json');
  const look = () => {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it ended at start:\n${log.join('')}`);
    if (!existsSync(file)) return undefined;
    const { url, pid } = JSON.parse(readFileSync(file, 'utf8')) as { url: string; pid: number };
    return pid === child.pid ? { url, key: readFileSync(join(stateDir, 'cli.key'), 'utf8').trim() } : undefined;
  };
  return until(`${stateDir} listens`, look, startMs);
}
