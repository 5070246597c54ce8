// What an agent tries to get at, from inside. For the levels that have walls.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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
    const { out } = await trial.run(
      "find / -path '/proc/[0-9]*' -prune -o -writable ! -type l ! -samefile /dev/null -print 2>/dev/null; exit 0",
    );
    const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'pts', 'console', 'ptmx'];
    const own = [
      '/work',
      '/tmp',
      '/var/tmp',
      '/home/agent',
      '/dev/shm',
      '/dev/mqueue',
      '/proc/pressure',
      ...devices.map((name) => `/dev/${name}`),
    ];
    const isOwn = (path: string): boolean => own.some((place) => path === place || path.startsWith(`${place}/`));
    expect(out).toContain('/work\n');
    expect(out.split('\n').filter((path) => path !== '' && !isOwn(path))).toEqual([]);
    const places = [
      '/x',
      '/etc/x',
      '/usr/x',
      '/opt/x',
      '/proc/sys/kernel/core_pattern',
      '/dev/x',
      '/proc/sysrq-trigger',
    ];
    const { err } = await trial.run(`for f in ${places.join(' ')}; do echo x > $f; done; exit 0`);
    expect(err.split('\n').filter((line) => /Read-only|denied|nonexistent/.test(line))).toHaveLength(places.length);
  });

  // The user inside a container is nobody on the host, so that a mount that says `rw` there gives nothing away.
  const unlessContainer = level === 'docker' ? () => undefined : test;
  unlessContainer('every mount but those says read-only', async () => {
    const { out } = await trial.run('cat /proc/self/mountinfo; echo x > /proc/1/oom_score_adj || echo sealed');
    const lines = out.split('\n').map((line) => line.split(' '));
    const writable = lines.filter(([, , , , point, options = 'ro']) => point && !options.split(',').includes('ro'));
    const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'pts', 'console'].map(
      (name) => `/dev/${name}`,
    );
    const allowed = new Set(['/work', '/tmp', '/var/tmp', '/home/agent', '/dev/shm', ...devices]);
    expect(writable.map(([, , , , point = '']) => point).filter((point) => !allowed.has(point))).toEqual([]);
    expect(out).toContain('sealed');
  });

  test('its scratch has an end, and filling it up harms nobody else', async () => {
    const { out, err } = await trial.run(
      'head -c 600M /dev/zero > /tmp/fill || echo full; head -c 600M /dev/zero > "$HOME/fill" || echo full; stat -c %s /tmp/fill',
    );
    expect(out.match(/full/g)).toHaveLength(2);
    expect(err).toContain('No space left');
    expect(Number(out.trim().split('\n').at(-1))).toBeLessThanOrEqual(512 * 2 ** 20);
  });

  test('a name that turns into a link to the host while it is used leads nowhere, inside and at the next launch', async () => {
    const target = join(trial.folder, 'host-file');
    const before = statSync(target);
    const swap = `echo own > own; while :; do ln -sfn ${target} name; ln -sfn own name; mkdir -p d; mv d e; ln -s ${trial.folder} d; rm d; mv e d; done`;
    const running = await trial.ready(`(${swap}) 2>/dev/null &`);
    const reads = 'i=0; while [ $i -lt 300 ]; do cat name d/host-file 2>/dev/null; i=$((i + 1)); done; echo done';
    const { out } = await trial.run(reads);
    expect(out).toMatch(/done\n$/);
    expect(out).not.toContain(secret);
    await trial.sandbox.stop(trial.agentId, 0);
    await running.end;
    const { uid, gid, mode } = statSync(target);
    expect({ uid, gid, mode }).toEqual({ uid: before.uid, gid: before.gid, mode: before.mode });
    expect(readFileSync(target, 'utf8')).toBe(secret);
  });

  test('no socket of the host is there, no engine’s either, and the way through another’s root is the same root', async () => {
    const { out, err } = await trial.run(
      `find / -path /proc -prune -o -type s -print 2>/dev/null; cat /proc/1/root${trial.folder}/host-file /proc/self/cwd/../..${trial.folder}/host-file`,
    );
    expect(out).toBe('');
    expect(err).not.toBe('');
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
       for (const at of [{ port: ${port}, host: '127.0.0.1' }, { path: '\\0${secret}' }, { port: 53, host: '1.1.1.1' }, { port: 80, host: '169.254.169.254' }])
         await new Promise((done) => connect(at).on('error', (e) => (console.log(e.code), done())).on('data', (d) => (console.log('GOT', String(d)), done())));`,
    );
    const { out } = await trial.run('node connect.mjs; cat /proc/net/route');
    server.close();
    abstract.close();
    expect(out.split('\n').slice(0, 4)).toEqual([
      ...[expect.stringMatching(/^E/), 'ECONNREFUSED'],
      ...['ENETUNREACH', 'ENETUNREACH'],
    ]);
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
