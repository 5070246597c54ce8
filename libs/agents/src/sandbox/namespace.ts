// Sandbox room: the level `namespace`, made by bubblewrap. The agent has its own processes, mounts, network (none), users and hosts;
// it sees /usr read-only, its worktree, and nothing of the host's homes, environment, processes or sockets.
import { z } from 'zod';
import type { Cgroups } from './cgroups.js';
import type { Command } from './gate.js';
import { argumentsFd, blockFd, filterFd, statusFd } from './gate.js';
import type { Launch, Ledger } from './ledger.js';
import { livingInNamespace } from './namespaces.js';
import type { Obstacle } from './process-sandbox.js';
import { ProcessSandbox } from './process-sandbox.js';
import type { ProcessId } from './process.js';
import { identify } from './process.js';
import { tryOut } from './probe.js';
import type { Living } from './reaper.js';
import { agentHome, agentUid, defaultEnvironment, layRoot, scratchBytesMax } from './root.js';
import type { SandboxRoot } from './root.js';
import type { LaunchSpec, Mount } from './sandbox.js';
import { systemCallFilter } from './system-calls.js';

const isolation = [
  ...['--unshare-user', '--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts'],
  ...['--unshare-cgroup-try', '--uid', String(agentUid), '--gid', String(agentUid), '--hostname', 'writ'],
  ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL', '--clearenv'],
];

/** Since bubblewrap 0.8; before, the filter of system calls alone has to keep an agent from making further user namespaces. */
const noFurtherUsers = '--disable-userns';

const systemCalls = systemCallFilter();

/** bubblewrap's `--json-status-fd`: the first document. */
const status = z.object({ 'child-pid': z.int().min(2) });

export class NamespaceSandbox extends ProcessSandbox {
  override readonly level = 'namespace';
  protected override readonly walls = [
    ...['pid-namespace', 'mount-namespace', 'network', 'user-namespace', 'capabilities'],
    ...(systemCalls ? ['system-calls'] : []),
  ];
  #root?: Promise<SandboxRoot>;
  #options = [noFurtherUsers];

  /** `folder` is for the few files that every sandbox of this spoke shows in /etc. */
  constructor(
    ledger: Ledger,
    cgroups: Cgroups,
    private readonly folder: string,
    private readonly bwrap = '/usr/bin/bwrap',
  ) {
    super(ledger, cgroups);
  }

  protected override async obstacle(): Promise<Obstacle | null> {
    const failure = await this.#tryOut();
    if (failure === null) return null;
    const isOld = systemCalls !== null && failure.includes(noFurtherUsers);
    if (isOld) this.#options = [];
    if (isOld && (await this.#tryOut()) === null) return null;
    return { reason: `bubblewrap cannot make a namespace here: ${failure}.`, cure: cureOf(failure) };
  }

  protected override command(spec: LaunchSpec): Promise<Command> {
    return this.#around(spec, spec.argv);
  }

  protected override init(_outer: ProcessId, announcement: string): ProcessId | null {
    return identify(status.parse(JSON.parse(announcement))['child-pid']);
  }

  protected override living(launch: Launch): Living {
    return livingInNamespace(launch);
  }

  async #tryOut(): Promise<string | null> {
    return tryOut(await this.#around({ mounts: [], env: {}, cwd: '/' }, ['node', '--version']));
  }

  async #around(spec: Pick<LaunchSpec, 'mounts' | 'env' | 'cwd'>, argv: readonly string[]): Promise<Command> {
    const root = await (this.#root ??= layRoot(this.folder));
    const fds = ['--json-status-fd', String(statusFd), '--block-fd', String(blockFd)];
    const filter = systemCalls ? ['--seccomp', String(filterFd)] : [];
    const settings = [...isolation, ...fds, ...filter, ...fileSystem(root, spec.mounts), ...environment(spec.env)];
    const args = [...settings, '--chdir', spec.cwd].map((text) => `${text}\0`).join('');
    return {
      argv: [this.bwrap, ...this.#options, '--args', String(argumentsFd), '--', ...argv],
      env: {},
      cwd: '/',
      announces: true,
      inputs: [{ fd: argumentsFd, data: args }, ...(systemCalls ? [{ fd: filterFd, data: systemCalls }] : [])],
    };
  }
}

/** The order counts: later lies over earlier, and the root is sealed last. /proc too: as root's agent its files would be ours to write. */
function fileSystem(root: SandboxRoot, mounts: readonly Mount[]): string[] {
  return [
    ...root.mounts.flatMap(bind),
    ...root.links.flatMap(({ target, at }) => ['--symlink', target, at]),
    ...['--proc', '/proc', '--remount-ro', '/proc', '--dev', '/dev', ...scratch('/dev/shm'), '--remount-ro', '/dev'],
    ...[...scratch('/tmp'), ...scratch('/var/tmp'), ...scratch(agentHome)],
    ...mounts.flatMap(bind),
    ...['--remount-ro', '/'],
  ];
}

function bind({ from, to, writable }: Mount): string[] {
  return [writable ? '--bind' : '--ro-bind', from, to];
}

function scratch(at: string): string[] {
  return ['--size', String(scratchBytesMax), '--tmpfs', at];
}

function environment(env: Readonly<Record<string, string>>): string[] {
  return Object.entries({ ...defaultEnvironment, ...env }).flatMap(([name, value]) => ['--setenv', name, value]);
}

function cureOf(failure: string): string {
  if (/not found|Unknown option/.test(failure))
    return 'Install bubblewrap 0.6 or newer: `apt-get install bubblewrap` or `dnf install bubblewrap`.';
  return 'Allow user namespaces: `sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000 kernel.apparmor_restrict_unprivileged_userns=0`, and in a container leave `clone` and `mount` to it.';
}
