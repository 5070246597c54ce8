// Sandbox room: the level `unshare`, made by util-linux where there is no bubblewrap. A shell, first process of the new namespaces,
// lays the same view out of mounts, drops every capability and starts the agent's program. What it lacks against `namespace`:
// the agent is shown as root (of nothing), no system call is filtered (AF_VSOCK leads out of a virtual machine), there are no
// pseudo-terminals, and the first process is a shell that keeps its capabilities.
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Cgroups } from './cgroups.js';
import type { Command } from './gate.js';
import { argumentsFd, blockFd, statusFd } from './gate.js';
import type { Launch, Ledger } from './ledger.js';
import { livingInNamespace } from './namespaces.js';
import { tryOut } from './probe.js';
import type { Obstacle } from './process-sandbox.js';
import { ProcessSandbox } from './process-sandbox.js';
import type { ProcessId } from './process.js';
import { childrenOf } from './process.js';
import type { Living } from './reaper.js';
import { agentHome, defaultEnvironment, layRoot, scratchBytesMax } from './root.js';
import type { SandboxRoot } from './root.js';
import type { LaunchSpec, Mount } from './sandbox.js';

const unshare = [
  ...['/usr/bin/setpriv', '--pdeathsig', 'KILL', '/usr/bin/unshare', '--user', '--map-root-user', '--pid', '--fork'],
  ...['--kill-child=SIGKILL', '--mount', '--propagation', 'private', '--net', '--ipc', '--uts', '--cgroup'],
  // The script comes through a pipe: neither the environment nor the mounts show in the process table.
  ...['--', '/bin/sh', '-c', `eval "$(cat <&${argumentsFd})"`],
] as const;

const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
const deviceLinks = [
  ['/proc/self/fd', '/dev/fd'],
  ['/proc/self/fd/0', '/dev/stdin'],
  ['/proc/self/fd/1', '/dev/stdout'],
  ['/proc/self/fd/2', '/dev/stderr'],
] as const;

export class UnshareSandbox extends ProcessSandbox {
  override readonly level = 'unshare';
  protected override readonly walls = ['pid-namespace', 'mount-namespace', 'network', 'user-namespace', 'capabilities'];
  #root?: Promise<SandboxRoot>;

  constructor(
    ledger: Ledger,
    cgroups: Cgroups,
    private readonly folder: string,
  ) {
    super(ledger, cgroups);
  }

  protected override async obstacle(): Promise<Obstacle | null> {
    const failure = await tryOut(await this.#around({ mounts: [], env: {}, cwd: '/' }, ['node', '--version']));
    const cure =
      'Install util-linux 2.32 or newer and allow user namespaces (`sysctl user.max_user_namespaces=10000`).';
    return failure === null ? null : { reason: `unshare cannot make a namespace here: ${failure}.`, cure };
  }

  protected override command(spec: LaunchSpec): Promise<Command> {
    return this.#around(spec, spec.argv);
  }

  /** The one child of `unshare --fork`; it waits at the gate, so that it is still there. */
  protected override init(outer: ProcessId): ProcessId | null {
    return childrenOf(outer.pid)[0] ?? null;
  }

  protected override living(launch: Launch): Living {
    return livingInNamespace(launch);
  }

  async #around(spec: Pick<LaunchSpec, 'mounts' | 'env' | 'cwd'>, argv: readonly string[]): Promise<Command> {
    const root = await (this.#root ??= layRoot(this.folder));
    const at = join(this.folder, 'root');
    await mkdir(at, { recursive: true });
    const script = [...prologue, ...view(at, root, spec.mounts), ...enter(at), ...run(spec, argv)];
    return {
      argv: unshare,
      env: {},
      cwd: '/',
      announces: true,
      inputs: [{ fd: argumentsFd, data: script.join('\n') }],
    };
  }
}

const prologue = [
  'set -e',
  'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
  `echo up >&${statusFd}`,
  `read -r go <&${blockFd}`,
  // An agent's own servers on loopback; without the tool it has none.
  'ip link set lo up 2>/dev/null || :',
  `exec ${argumentsFd}<&- ${statusFd}>&- ${blockFd}<&-`,
];

function view(at: string, root: SandboxRoot, mounts: readonly Mount[]): string[] {
  return [
    `mount -t tmpfs -o mode=755,nosuid,nodev writ ${quote(at)}`,
    ...root.mounts.flatMap((mount) => bind(at, mount)),
    ...root.links.map(({ target, at: link }) => `ln -s ${quote(target)} ${quote(at + link)}`),
    `mkdir -p ${quote(`${at}/proc`)} ${quote(`${at}/dev`)}`,
    ...devices.flatMap((name) => device(at, name)),
    ...deviceLinks.map(([target, link]) => `ln -s ${target} ${quote(at + link)}`),
    ...['/dev/shm', '/tmp', '/var/tmp', agentHome].flatMap((folder) => scratch(at, folder)),
    ...mounts.flatMap((mount) => bind(at, mount)),
  ];
}

/** The host's tree is gone for good: moved below the new root and unmounted. No further namespaces can be made inside. */
function enter(at: string): string[] {
  return [
    `cd ${quote(at)}`,
    'mkdir .host',
    'mount -t proc -o nosuid,nodev,noexec proc proc',
    'pivot_root . .host',
    'cd /',
    // Only root may write the file; the program is not everywhere.
    '{ hostname writ || echo writ > /proc/sys/kernel/hostname; } 2>/dev/null || :',
    'echo 0 > /proc/sys/user/max_user_namespaces',
    'mount -o remount,bind,ro,nosuid,nodev,noexec /proc',
    'umount -l /.host',
    'rmdir /.host',
    'mount -o remount,bind,ro,nosuid,nodev /',
  ];
}

/** The shell stays as the first process and reaps; its end is the end of everything inside. */
function run({ env, cwd }: Pick<LaunchSpec, 'env' | 'cwd'>, argv: readonly string[]): string[] {
  const variables = Object.entries({ ...defaultEnvironment, ...env }).map(([name, value]) => `${name}=${value}`);
  const drop = ['setpriv', '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', '--', 'env', '-i'];
  return [`cd ${quote(cwd)}`, 'set +e', [...drop, ...[...variables, ...argv].map(quote)].join(' '), 'exit $?'];
}

function bind(at: string, { from, to, writable }: Mount): string[] {
  const [source, target] = [quote(from), quote(at + to)];
  const place = `mkdir -p ${quote(at + dirname(to))}; if [ -d ${source} ]; then mkdir -p ${target}; else [ -e ${target} ] || : > ${target}; fi`;
  const flags = ['remount', 'bind', 'nosuid', 'nodev', ...(writable ? [] : ['ro'])].join(',');
  return [place, `mount --rbind ${source} ${target}`, `mount -o ${flags} ${target}`];
}

function device(at: string, name: string): string[] {
  const target = quote(`${at}/dev/${name}`);
  return [`: > ${target}`, `mount --bind /dev/${name} ${target}`];
}

function scratch(at: string, folder: string): string[] {
  const target = quote(at + folder);
  return [`mkdir -p ${target}`, `mount -t tmpfs -o size=${scratchBytesMax},mode=700,nosuid,nodev writ ${target}`];
}

/** POSIX shell: between single quotes everything stands for itself. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
