// A key over ssh: a real sshd that gives nothing but git, and host keys that change.
import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { GitSsh, gitSshRequirement } from '../../../../../test/support/git-ssh.js';
import { requirement } from '../../../../../test/support/require.js';
import { filesWith, processesOf } from '../../../../../test/support/secrets.js';
import { until } from '../../../../../test/support/until.js';
import type { WorktreeOptions } from '../git-worktrees.js';
import { refusalOf, Remoted } from '../../../../../test/support/remoted.js';

const withServer = requirement(...gitSshRequirement);
let place: Remoted;
let server: GitSsh;
let repository: string;

beforeEach(async () => {
  if (!gitSshRequirement[1]) return;
  place = new Remoted();
  server = await GitSsh.start(join(place.folder, 'sshd'));
  repository = server.urlOf(place.bare);
});
afterEach(async () => {
  if (!gitSshRequirement[1]) return;
  await server.close();
  place.close();
});

/** An agent of the user of this process that has a key which the host would take. */
class Agent {
  private constructor(private readonly pid: number) {}

  static withKey(socket: string, keyFile: string): Agent {
    const said = execFileSync('ssh-agent', ['-a', socket], { encoding: 'utf8' });
    process.env.SSH_AUTH_SOCK = socket;
    execFileSync('ssh-add', ['-q', keyFile], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'pipe' });
    return new Agent(Number(/SSH_AGENT_PID=(\d+)/.exec(said)?.[1]));
  }

  close(): void {
    delete process.env.SSH_AUTH_SOCK;
    process.kill(this.pid);
  }
}

interface Ssh {
  readonly keyFile?: string;
  readonly knownHostsFile?: string;
}

const worktrees = (ssh: Ssh = {}, more: Partial<WorktreeOptions> = {}) => {
  const { keyFile, knownHostsFile } = server;
  const repositories = [repository.replace(place.bare, '/**')];
  return place.worktrees([{ repositories, ssh: { keyFile, knownHostsFile, ...ssh } }], more);
};

describe('a repository over ssh', () => {
  withServer('is fetched with the key, which no process, file or error shows', async () => {
    const secret = readFileSync(server.keyFile, 'utf8').split('\n')[2] ?? '';
    expect(secret).toHaveLength(70);
    const { path } = await place.create(worktrees(), repository);
    expect(readFileSync(join(path, 'sum.js'), 'utf8')).toBe('one\n');
    await server.force('cat');
    const slow = refusalOf(place.create(worktrees({}, { fetchTimeMsMax: 3_000 }), repository));
    const [ssh] = await until('ssh at work', () => {
      const found = processesOf(/^(git|sh|ssh)$/).filter(
        ({ name, argv }) => name === 'ssh' && argv.includes(place.folder),
      );
      return found.length > 0 ? found : undefined;
    });
    expect(ssh?.argv).toContain('StrictHostKeyChecking=yes');
    expect(`${ssh?.argv}${ssh?.environ}`).not.toContain(secret);
    expect(ssh?.environ).not.toContain('SSH_AUTH_SOCK');
    const error = await slow;
    expect(error.message).toMatch(/longer than 3000 ms/);
    expect(inspect(error, { depth: 9 })).not.toContain(secret);
    expect(filesWith(place.root, secret)).toEqual([]);
    await until('ssh is gone', () => processesOf(/^ssh$/).every(({ argv }) => !argv.includes(place.folder)));
  });

  withServer('a host key that changed, or was never pinned, ends it before anything is asked', async () => {
    const empty = place.secret('empty', '');
    expect((await refusalOf(place.create(worktrees({ knownHostsFile: empty }), repository))).message).toMatch(/pinned/);
    expect(readFileSync(empty, 'utf8')).toBe('');
    await server.changeHostKey();
    const changed = await refusalOf(place.create(worktrees(), repository));
    expect(changed).toMatchObject({ code: 'repository_unavailable', field: 'context.repository' });
    expect(changed.message).toMatch(/does not show the key that is pinned/);
  });

  withServer(
    'a key that the host does not know is not let in, and no other key is tried, though an agent has one',
    async () => {
      const agent = Agent.withKey(join(place.folder, 'agent.sock'), server.keyFile);
      try {
        const error = await refusalOf(place.create(worktrees({ keyFile: server.strangerFile }), repository));
        expect(error.message).toMatch(/does not let this spoke in/);
        const without = await refusalOf(place.create(place.worktrees([]), repository));
        expect(without.message).toMatch(/no SSH key for this repository/);
      } finally {
        agent.close();
      }
    },
  );

  withServer('a key file that others can read is refused', async () => {
    const lax = place.secret('lax', readFileSync(server.keyFile, 'utf8'));
    chmodSync(lax, 0o604);
    const error = await refusalOf(place.create(worktrees({ keyFile: lax }), repository));
    expect(error.message).toMatch(/chmod 600/);
    expect(error.message).not.toContain(place.folder);
  });

  withServer('what is not there or too large is named as such', async () => {
    const absent = await refusalOf(place.create(worktrees(), server.urlOf(join(place.served, 'none.git'))));
    expect(absent.message).toMatch(/no such repository/);
    const large = await refusalOf(place.create(worktrees({}, { fetchBytesMax: 1 }), repository));
    expect(large.message).toMatch(/too large/);
  });
});
