// A real sshd for git alone: own configuration, port, host key and user key in a folder of ours; whoever gets in gets `git-shell`.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from './redis.js';
import { until } from './until.js';

const binary = '/usr/sbin/sshd';
/** Where Debian's sshd wants an empty folder when root starts it. */
const separation = '/run/sshd';

/** For `requirement(...)`. */
export const gitSshRequirement = ['sshd', existsSync(binary), 'apt-get install openssh-server'] as const;

export class GitSsh {
  private server?: ChildProcess;

  private constructor(
    private readonly folder: string,
    readonly port: number,
  ) {}

  /** `folder` is made; keys and configuration go there. */
  static async start(folder: string): Promise<GitSsh> {
    mkdirSync(folder, { mode: 0o700 });
    if (process.getuid?.() === 0) mkdirSync(separation, { recursive: true, mode: 0o755 });
    const made = new GitSsh(folder, await freePort());
    for (const name of ['host', 'user', 'stranger']) makeKey(made.path(name));
    copyFileSync(made.path('user.pub'), made.path('authorized'));
    made.pin('host');
    await made.serve('host');
    return made;
  }

  /** What a client uses. */
  get keyFile(): string {
    return this.path('user');
  }

  /** A key that the server does not know. */
  get strangerFile(): string {
    return this.path('stranger');
  }

  get knownHostsFile(): string {
    return this.path('known_hosts');
  }

  /** The URL of a repository by its path on this machine. */
  urlOf(path: string): string {
    return `ssh://${userInfo().username}@127.0.0.1:${this.port}${path}`;
  }

  /** From now on it shows another host key, as after a reinstallation or under attack. */
  async changeHostKey(): Promise<void> {
    await this.close();
    makeKey(this.path('other'));
    await this.serve('other');
  }

  /** Whatever a client asks for, this runs. */
  async force(command: string): Promise<void> {
    await this.close();
    await this.serve('host', command);
  }

  async close(): Promise<void> {
    const { server } = this;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    server.kill('SIGTERM');
    await once(server, 'exit');
  }

  private path(name: string): string {
    return join(this.folder, name);
  }

  private pin(name: string): void {
    const [type, key] = readFileSync(this.path(`${name}.pub`), 'utf8').split(' ');
    appendFileSync(this.path('known_hosts'), `[127.0.0.1]:${this.port} ${type} ${key}\n`);
  }

  private async serve(hostKey: string, command = 'git-shell -c "$SSH_ORIGINAL_COMMAND"'): Promise<void> {
    const lines = [
      ...[`ListenAddress 127.0.0.1:${this.port}`, `HostKey ${this.path(hostKey)}`, 'PidFile none', 'UsePAM no'],
      ...[`AuthorizedKeysFile ${this.path('authorized')}`, 'StrictModes no', 'PasswordAuthentication no'],
      ...['PermitRootLogin prohibit-password', 'AcceptEnv GIT_PROTOCOL', `ForceCommand ${command}`, 'LogLevel QUIET'],
    ];
    writeFileSync(this.path('config'), `${lines.join('\n')}\n`);
    this.server = spawn(binary, ['-D', '-e', '-f', this.path('config')], { stdio: 'ignore' });
    await until(`sshd on port ${this.port}`, () => answers(this.port));
  }
}

function makeKey(path: string): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', path]);
}

/** Whether it says `SSH-…`. */
function answers(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(1_000, () => socket.destroy());
  socket.on('error', () => undefined);
  socket.on('close', () => resolve(false));
  socket.once('data', (data) => {
    resolve(data.toString().startsWith('SSH-'));
    socket.destroy();
  });
  return promise;
}
