// What an agent tries to get at, from inside. For the levels that have walls.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { SandboxLevel } from '#protocol';
import { identify } from './process.js';
import { heard, machineHas, never, Trial } from './trial.contract.js';

export function escapeContract(level: SandboxLevel): void {
  let trial: Trial;
  const secret = `secret-${randomUUID()}`;

  beforeEach(async () => {
    trial = await Trial.open(level);
    writeFileSync(join(trial.folder, 'host-file'), secret, { mode: 0o666 });
  });
  afterEach(() => trial.close());

  test('[S-9] the environment of the spoke is nowhere: not in its own, not in that of any process it sees', async () => {
    const { out } = await trial.run('env; cat /proc/*/environ /proc/*/cmdline | tr "\\0" "\\n"');
    const ours = readFileSync('/proc/self/environ', 'utf8').split('\0').filter(Boolean);
    const common = /^(PWD|OLDPWD|SHLVL|LANG|LC_ALL|TERM|_|PATH)=/;
    expect(ours.length).toBeGreaterThan(0);
    expect(out.split('\n').filter((line) => ours.includes(line) && !common.test(line))).toEqual([]);
    expect(out).toContain('HOME=/home/agent');
  });

  test('[S-9] arguments and environment of an agent do not show in the host’s process table', async () => {
    const running = await trial.sandbox.launch(
      trial.spec(['sh', '-c', 'echo ready; read x'], { env: { KEY: secret } }),
      never,
    );
    await heard(running, 'ready');
    expect(machineHas(secret)).toBe(false);
    running.stdin.end('\n');
    await running.end;
  });

  test('[K-13] it sees its own processes and none of the host', async () => {
    const { out } = await trial.run(
      `ls /proc | grep -E '^[0-9]+$' | wc -l; kill -0 ${process.pid} && echo alive; kill -9 -1; echo still`,
    );
    expect(Number(out.split('\n')[0])).toBeLessThan(10);
    expect(out).not.toContain('alive');
    expect(identify(process.pid)).not.toBeNull();
  });

  test('files, homes and other worktrees of the host are not there, and links lead nowhere', async () => {
    const target = join(trial.folder, 'host-file');
    const { out, err } = await trial.run(
      `ln -s ${target} link; cat link ${target} ${join(trial.folder, 'state')}/* ${homedir()}/.[a-z]* /etc/shadow /etc/hostname; ls /root /home /var/run /run /sys /mnt /srv /work/..`,
    );
    expect(out).not.toContain(secret);
    expect(err).toContain(`${target}: No such file`);
    expect(err).toContain('/etc/shadow: No such file');
    const { out: etc } = await trial.run('cat /etc/passwd; ls /etc');
    expect(etc).toMatch(/^agent:x:/);
    expect(etc).not.toContain('ssh');
  });

  test('only its worktree and its own scratch folders can be written', async () => {
    const { out } = await trial.run(`cat /proc/self/mountinfo`);
    const writable = out
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' '))
      .filter(([, , , , , options = '']) => !options.split(',').includes('ro'))
      .map(([, , , , point = '']) => point);
    const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'pts', 'console'].map(
      (name) => `/dev/${name}`,
    );
    const allowed = new Set(['/work', '/tmp', '/var/tmp', '/home/agent', '/dev/shm', ...devices]);
    expect(writable.filter((point) => !allowed.has(point))).toEqual([]);
    const { err } = await trial.run(
      'for f in /x /etc/x /usr/x /opt/x /proc/sys/kernel/core_pattern /dev/x /proc/1/oom_score_adj; do echo x > $f; done; exit 0',
    );
    expect(err.split('\n').filter((line) => /Read-only|denied|nonexistent/.test(line))).toHaveLength(7);
  });

  test('a read-only mount stays read-only', async () => {
    const mounts = [{ from: trial.work, to: '/work' }];
    const script = 'echo x > x; mount -o remount,rw /work; umount /work; echo y > y';
    const running = await trial.sandbox.launch(trial.spec(['sh', '-c', script], { mounts }), never);
    await Promise.all([text(running.stdout), text(running.stderr), running.end]);
    expect(readdirSync(trial.work)).toEqual([]);
  });

  test('there is no network: neither the host’s loopback, nor its abstract sockets, nor a way out', async () => {
    const server = createServer((socket) => socket.end(secret));
    const abstract = createServer((socket) => socket.end(secret));
    await Promise.all([
      once(server.listen(0, '127.0.0.1'), 'listening'),
      once(abstract.listen(`\0${secret}`), 'listening'),
    ]);
    const { port } = server.address() as { port: number };
    writeFileSync(
      join(trial.work, 'connect.mjs'),
      `import { connect } from 'node:net';
       for (const at of [{ port: ${port}, host: '127.0.0.1' }, { path: '\\0${secret}' }, { port: 53, host: '1.1.1.1' }])
         await new Promise((done) => connect(at).on('error', (e) => (console.log(e.code), done())).on('data', (d) => (console.log('GOT', String(d)), done())));`,
    );
    const { out } = await trial.run('node connect.mjs; cat /proc/net/route');
    server.close();
    abstract.close();
    expect(out.split('\n').slice(0, 3)).toEqual([expect.stringMatching(/^E/), 'ECONNREFUSED', 'ENETUNREACH']);
    expect(out).not.toContain(secret);
  });

  test('it has no capability, can gain none, and makes no further namespace or device', async () => {
    const { out, err } = await trial.run(
      `grep -E '^(Cap|NoNewPrivs)' /proc/self/status
       unshare --user --map-root-user echo nested; unshare --net echo net; mount -t tmpfs none /tmp && echo mounted
       mknod device c 1 3 && echo device; chroot / echo chrooted; setpriv --reuid 0 --clear-groups echo root`,
    );
    const status = out.split('\n').filter((line) => /^(Cap|NoNew)/.test(line));
    expect(status.filter((line) => line.startsWith('Cap')).every((line) => /\t0+$/.test(line))).toBe(true);
    expect(status).toContain('NoNewPrivs:\t1');
    expect(out.split('\n').filter((line) => /^(nested|net|mounted|device|chrooted)$/.test(line))).toEqual([]);
    expect(err).not.toBe('');
  });

  test('the host’s name is not told', async () => {
    expect((await trial.run('cat /proc/sys/kernel/hostname')).out).toBe('writ\n');
  });

  test('git works in a worktree as an agent expects it', async () => {
    const { out, err } = await trial.run(
      'git init -q . && git config user.name a && git config user.email a@b && echo x > f && git add f && git commit -qm first && git log --format=%s && git status --porcelain',
    );
    expect({ out, err }).toEqual({ out: 'first\n', err: '' });
  });

  test('its scratch is private to each launch', async () => {
    await trial.run(`echo ${secret} > /tmp/left; echo ${secret} > /dev/shm/left`);
    expect((await trial.run('cat /tmp/left /dev/shm/left')).out).toBe('');
    expect(existsSync('/tmp/left')).toBe(false);
  });
}
