// What the level `docker` has beside the contract of all: an engine that may hang, and containers that are found by their labels.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import Docker from 'dockerode';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleaned, Room } from '../../../../test/support/agents.js';
import { requirement } from '../../../../test/support/require.js';
import { groupName } from './cgroups.js';
import { DockerSandbox } from './docker.js';
import type { DockerOptions } from './docker.options.js';
import { dockerOptions } from './docker.options.js';
import { Ledger } from './ledger.js';
import { openSandboxes } from './open.js';
import { codeOf, eventually, never, Trial } from './trial.contract.js';

const project = fileURLToPath(new URL('../../../../', import.meta.url));
const nowhere = `sha256:${'0'.repeat(64)}`;
const built = existsSync(join(project, 'dist/libs/agents/src/index.js'));
const asBuilt = requirement('the built sources', built, '`npm run build`');

/** Between spoke and engine; frozen, it accepts and does not answer. */
class Proxy {
  readonly socketPath: string;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  frozen = false;

  private constructor(folder: string, engine: string) {
    this.socketPath = join(folder, 'proxy.sock');
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#join(near, engine));
  }

  static async open(folder: string, engine: string): Promise<Proxy> {
    const proxy = new Proxy(folder, engine);
    await once(proxy.#server.listen(proxy.socketPath), 'listening');
    return proxy;
  }

  close(): void {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
  }

  #join(near: Socket, engine: string): void {
    this.#open.add(near);
    near.on('error', () => near.destroy());
    if (this.frozen) return;
    const far = connect({ path: engine, allowHalfOpen: true });
    this.#open.add(far);
    far.on('error', () => near.destroy());
    near.pipe(far).pipe(near);
    near.once('close', () => far.destroy());
  }
}

export function containerContract(options: DockerOptions & { readonly image: string }): void {
  const docker = new Docker({ socketPath: options.socketPath });
  let trial: Trial;

  const own = (): Promise<Docker.ContainerInfo[]> =>
    docker.listContainers({ all: true, filters: JSON.stringify({ label: [`org.writ.spoke=${trial.spokeId}`] }) });
  const again = (changed: Partial<DockerOptions>): DockerSandbox =>
    new DockerSandbox(new Ledger(join(trial.stateDir, 'docker')), trial.spokeId, { ...options, ...changed });

  beforeEach(async () => {
    trial = await Trial.open('docker');
  });
  afterEach(() => trial.close());

  test('a container is made with every wall, as the engine tells it', async () => {
    await trial.ready('sleep 300 &', { memoryBytesMax: 2 ** 28, pidsMax: 50, cpuPercentMax: 150 });
    const seen = await docker.getContainer((await own())[0]!.Id).inspect();
    expect(seen.Config).toMatchObject({ User: '1000:1000', Hostname: 'writ', Volumes: null });
    expect(seen.Config.Labels).toMatchObject({ 'org.writ.agent': trial.agentId });
    expect(seen.HostConfig.CgroupParent).toBe(`/${groupName(trial.spokeId, trial.agentId)}`);
    expect(seen.HostConfig).toMatchObject({
      ...{ NetworkMode: 'none', ReadonlyRootfs: true, Privileged: false, CapDrop: ['ALL'], CapAdd: null },
      ...{ SecurityOpt: ['no-new-privileges'], IpcMode: 'private', PidMode: '', AutoRemove: false },
      ...{ Memory: 2 ** 28, MemorySwap: 2 ** 28, PidsLimit: 52, CpuQuota: 150_000, CpuPeriod: 100_000 },
      ...{ LogConfig: { Type: 'none' }, RestartPolicy: { Name: 'no' } },
    });
    const mounts = seen.Mounts.map(({ Type, Source, Destination, RW }) => ({ Type, Source, Destination, RW }));
    expect(mounts).toEqual([{ Type: 'bind', Source: trial.work, Destination: '/work', RW: true }]);
    expect(Object.keys(seen.NetworkSettings.Networks)).toEqual(['none']);
  });

  test('every process inside is under the engine’s filter of system calls, and the worktree is the agent’s own', async () => {
    const { out } = await trial.run(
      'sleep 9 & grep -h ^Seccomp: /proc/[0-9]*/status | sort -u; stat -c %u:%g .; kill $!',
    );
    expect(out).toBe('Seccomp:\t2\n1000:1000\n');
  });

  test('[K-5] [K-2] an engine that does not answer holds up a stop for its time only, spares others, and is asked again', async () => {
    const other = await Trial.open('docker');
    const proxy = await Proxy.open(trial.folder, options.socketPath);
    try {
      await other.ready('sleep 300 &');
      const patient = again({ socketPath: proxy.socketPath, callMs: 8_000 });
      const running = await patient.launch(trial.spec(['sleep', '300']), never);
      proxy.frozen = true;
      const hasty = again({ socketPath: proxy.socketPath, callMs: 300 });
      const stops = [hasty.stop(trial.agentId, 0), hasty.survivors(trial.agentId), hasty.remove(trial.agentId)];
      expect(await Promise.all([...stops.map(codeOf), other.sandbox.stop(other.agentId, 0)])).toEqual([
        ...['sandbox_unavailable', 'sandbox_unavailable', 'sandbox_unavailable'],
        0,
      ]);
      expect(await hasty.known()).toEqual([trial.agentId]);
      expect(await hasty.probe()).toMatchObject({ ok: false, reason: expect.stringContaining('no answer within 300') });
      proxy.frozen = false;
      expect(await patient.stop(trial.agentId, 0)).toBe(0);
      await running.end;
    } finally {
      proxy.close();
      await other.close();
    }
  });

  test('a container whose record was lost is found by its labels, stopped and removed', async () => {
    const running = await trial.ready('sleep 300 &');
    rmSync(join(trial.stateDir, 'docker'), { recursive: true });
    const next = again({});
    expect(await next.known()).toEqual([trial.agentId]);
    expect(await next.survivors(trial.agentId)).toBeGreaterThan(0);
    expect(await next.stop(trial.agentId, 0)).toBe(0);
    await running.end;
    await next.remove(trial.agentId);
    expect(await next.known()).toEqual([]);
  });

  test('[K-12] an agent of the same id on another spoke is not ours', async () => {
    const other = await Trial.open('docker');
    const running = await other.sandbox.launch({ ...other.spec(['sleep', '300']), agentId: trial.agentId }, never);
    await trial.ready('sleep 300 &');
    expect(await trial.sandbox.stop(trial.agentId, 0)).toBe(0);
    expect(await trial.sandbox.known()).toEqual([trial.agentId]);
    expect(await other.sandbox.survivors(trial.agentId)).toBeGreaterThan(0);
    expect(await other.sandbox.stop(trial.agentId, 0)).toBe(0);
    await running.end;
    await other.sandbox.remove(trial.agentId);
    await other.close();
  });

  test('[O-1] what a program said outlives its container, though nobody has read it yet', async () => {
    const bytes = 800_000;
    const running = await trial.launch(`head -c ${bytes} /dev/zero`);
    await running.end;
    expect(await own()).toEqual([]);
    let got = 0;
    for await (const piece of running.stdout as AsyncIterable<Buffer>) got += piece.length;
    expect(got).toBe(bytes);
  });

  asBuilt(
    'where the groups of the engine are not ours, a second program beside one with limits is refused; after its end it is not',
    () => {
      const program = `
      import { openSandboxes } from '#agents';
      const sandbox = (await openSandboxes(${JSON.stringify(trial.options)})).at('docker');
      const limits = { pidsMax: 50 };
      const launch = (argv) => sandbox.launch({ ...${JSON.stringify(trial.spec(['cat']))}, argv, limits }, new AbortController().signal);
      const first = await launch(['cat']);
      const codes = [await launch(['true']).catch(({ code }) => code)];
      first.stdin.end();
      await first.end;
      codes.push((await (await launch(['true'])).end).code);
      console.log(JSON.stringify(codes));`;
      // Nobody sees cgroups in there.
      const script = 'mount -t tmpfs none /sys/fs/cgroup; exec "$@"';
      const args = ['--mount', 'sh', '-c', script, 'sh', process.execPath, '--input-type=module', '-e', program];
      const said = execFileSync('/usr/bin/unshare', args, { cwd: project, encoding: 'utf8' });
      expect(JSON.parse(said)).toEqual(['limit_unenforceable', 0]);
    },
  );

  test('an agent that names no sandbox gets it, the record says so, and its work comes out', async () => {
    const room = await Room.make();
    try {
      const { all } = await openSandboxes({ ...trial.options, allowNone: false });
      const agents = await room.open({ sandboxes: () => all });
      const { agentId } = await agents.spawn(room.request('id -u; echo work > mine'));
      const agent = await cleaned(agents, agentId);
      expect(agent).toMatchObject({ state: 'completed', sandbox: { level: 'docker' } });
      expect(agent.cleanup).toMatchObject({ sandbox: { outcome: 'done' }, worktree: { outcome: 'done' } });
      expect(JSON.stringify(await agents.diff(agentId))).toContain('+work');
      expect(await own()).toEqual([]);
    } finally {
      await room.close();
    }
  });

  test('an image with writable volumes is refused', async () => {
    const maker = await docker.createContainer({ Image: options.image, Cmd: ['true'] });
    const { Id } = (await maker.commit({ changes: 'VOLUME /data' })) as { Id: string };
    await maker.remove();
    const report = await again({ image: Id }).probe();
    await docker.getImage(Id).remove();
    expect(report).toMatchObject({ ok: false, reason: 'The image has writable volumes (/data).' });
  });

  test.each<[string, Partial<DockerOptions>, RegExp]>([
    ['no image is set', { image: undefined }, /sandbox-image\.mjs/],
    ['the image is not there', { image: nowhere }, /sandbox-image\.mjs/],
    ['there is no engine', { socketPath: '/nowhere/docker.sock' }, /apt-get install docker\.io/],
  ])('when %s, the report names the cure', async (_what, changed, cure) => {
    const report = await again(changed).probe();
    expect(report.ok).toBe(false);
    expect(report.cure).toMatch(cure);
    expect(await codeOf(again(changed).launch(trial.spec(['true']), never))).toBe('sandbox_unavailable');
    expect(await again(changed).stop(trial.agentId, 0)).toBe(0);
  });

  asBuilt('when the spoke may not use the engine, the report names the group', () => {
    const folder = mkdtempSync(join(tmpdir(), 'writ-nobody-'));
    chownSync(folder, 65534, 65534);
    const [before, after] = ['before', 'after'].map((name) => join(folder, name));
    // All is loaded by a first look: where the checkout is may be closed to that user.
    const program = `
      import { openSandboxes } from '#agents';
      await openSandboxes(${JSON.stringify({ stateDir: before, docker: { ...options, socketPath: '/nowhere/docker.sock' } })});
      process.setgroups([]);
      process.setgid(65534);
      process.setuid(65534);
      const { reports } = await openSandboxes(${JSON.stringify({ stateDir: after, docker: options })});
      console.log(JSON.stringify(reports.find(({ level }) => level === 'docker')));`;
    const bare = { cwd: project, env: {}, encoding: 'utf8' } as const;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], bare);
    rmSync(folder, { recursive: true });
    expect(JSON.parse(said)).toMatchObject({ ok: false, cure: expect.stringContaining('group `docker`') });
  });

  test('a tag is no image: it can name another tomorrow', () => {
    const accepts = (image: string): boolean => dockerOptions.safeParse({ image }).success;
    const wrong = ['writ-sandbox', 'writ-sandbox:latest', 'host:5000/a:1', '4c4cd0b1be01', `a@md5:${'0'.repeat(32)}`];
    expect(wrong.filter(accepts)).toEqual([]);
    expect([nowhere, `writ@${nowhere}`, `host:5000/a/b:1@${nowhere}`].every(accepts)).toBe(true);
  });

  test('nothing is left on the engine: no container, no volume', async () => {
    await eventually(async () => (await docker.listContainers({ all: true })).length === 0);
    expect((await docker.listVolumes()).Volumes).toEqual([]);
  });
}
