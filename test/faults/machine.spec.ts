// What a machine can lack or lose under a spoke that runs: disk, git, the container engine, the model API. Each gives a clear reason in
// the state, nothing hangs or crashes, and the spoke goes on when it is back.
import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseScript } from '../../apps/understudy/src/script.js';
import { Understudy } from '../../apps/understudy/src/server.js';
import { cleaned, Room } from '../support/agents.js';
import { openEngine, type TestEngine } from '../support/docker.js';
import { Federation, refusal, type Player } from '../support/federation.js';
import { requirement } from '../support/require.js';
import { until } from '../support/until.js';

const asRoot = requirement('root', process.getuid?.() === 0, 'run the tests as root: they mount file systems');
const timeMs = 120_000;
const mebibyte = 2 ** 20;

let stage: Federation;
beforeAll(async () => {
  stage = await Federation.open();
}, timeMs);
afterAll(() => stage.close(), timeMs);

const completes = async (spoke: Player) => {
  const { agentId } = await stage.spawn(spoke, undefined, 'echo again');
  expect(await stage.ended(spoke, agentId)).toMatchObject({ state: 'completed' });
};

describe('a full disk', () => {
  asRoot(
    '[O-4] [L-2] refuses spawns with a reason, and neither ends an agent, nor keeps a kill from ending one; with room again all goes on',
    async () => {
      const stateDir = stage.room('full');
      execFileSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', `size=${64 * mebibyte},mode=700`, 'writ-test', stateDir]);
      stage.afterwards(() => execFileSync('/usr/bin/umount', ['--lazy', stateDir]));
      const spoke = await stage.spoke('full');
      await completes(spoke);
      const talker = 'echo ready; while :; do head -c 3000 /dev/zero | tr "\\0" x; echo; sleep 0.02; done';
      const [doomed, going] = [
        await stage.spawn(spoke, undefined, talker),
        await stage.spawn(spoke, undefined, talker),
      ];
      for (const { agentId } of [doomed, going]) await stage.running(spoke, agentId);
      const ballast = join(stateDir, 'ballast');
      fill(ballast);
      const refused = await until('a spawn is refused', async () => {
        const answer = await refusal(stage.spawn(spoke, undefined, 'echo too late'));
        return answer.code === 'ok' ? undefined : answer;
      });
      expect(refused.code).toBe('store_unavailable');
      expect((await spoke.call('GET', '/v1/health')).status).toBeLessThan(600);
      expect(stage.watch(spoke, 'tr').length).toBeGreaterThan(0);
      await refusal(spoke.client.agents.kill(doomed.agentId, 'the disk is full', 20));
      const { agentId } = going;
      rmSync(ballast);
      await completes(spoke);
      expect((await spoke.client.agents.get(agentId)).state).toBe('running');
      await spoke.client.agents.kill(doomed.agentId, 'the disk was full', 20);
      expect(await stage.ended(spoke, doomed.agentId)).toMatchObject({ state: 'killed' });
      await spoke.client.agents.kill(agentId, 'enough', 20);
      expect(await stage.ended(spoke, agentId)).toMatchObject({ state: 'killed' });
      expect(await spoke.instance.stop()).toBe(0);
    },
    timeMs,
  );

  asRoot(
    '[O-4] [W-1] under the worktrees alone is the reason in the state of who needs room there; with room again the next completes',
    async () => {
      const room = await Room.make();
      const trees = join(room.folder, 'worktrees');
      mkdirSync(trees);
      execFileSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', `size=${8 * mebibyte},mode=700`, 'writ-test', trees]);
      try {
        const agents = await room.open({ options: { sweepMs: 100 } });
        const end = async (script: string) => cleaned(agents, (await agents.spawn(room.request(script))).agentId);
        expect(await end('echo first')).toMatchObject({ state: 'completed' });
        const atWork = 'echo work > work; touch wait; echo ready; while [ -e wait ]; do sleep 0.05; done';
        const { agentId } = await agents.spawn(room.request(atWork));
        await until('it has worked', async () => (await agents.output(agentId, 0, 100)).text.includes('ready'));
        const ballast = join(trees, 'ballast');
        fill(ballast);
        const full = {
          state: 'failed',
          exitReason: 'disk',
          reason: expect.stringContaining('no room left on a disk') as unknown,
        };
        expect(await end('echo never')).toMatchObject(full);
        rmSync(join(trees, 'agents', agentId, 'tree', 'wait'));
        expect(await cleaned(agents, agentId)).toMatchObject({ ...full, cleanup: { worktree: { outcome: 'failed' } } });
        rmSync(ballast);
        expect(await end('echo again')).toMatchObject({ state: 'completed' });
        await until('its work is kept', async () => (await agents.get(agentId)).cleanup?.worktree.outcome === 'done');
        const [mirror = ''] = readdirSync(join(trees, 'mirrors'));
        const shown = ['--git-dir', join(trees, 'mirrors', mirror), 'show', `refs/writ/kept/${agentId}:work`];
        expect(execFileSync('git', shown, { encoding: 'utf8' })).toBe('work\n');
      } finally {
        execFileSync('/usr/bin/umount', ['--lazy', trees]);
        await room.close();
      }
    },
    timeMs,
  );
});

/** To the last byte, while others take and give back some. */
function fill(file: string): void {
  const piece = randomBytes(mebibyte);
  for (const size of [mebibyte, 4_096]) {
    try {
      for (;;) writeFileSync(file, piece.subarray(0, size), { flag: 'a' });
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
  }
}

describe('a machine without git', () => {
  asRoot(
    '[O-4] fails a spawn with what to install, and the spoke answers all the same',
    async () => {
      const layers = stage.room('layers');
      const hidden = `mount -t tmpfs writ-test ${layers} && mkdir ${layers}/up ${layers}/work &&
        mount -t overlay -o lowerdir=/usr/bin,upperdir=${layers}/up,workdir=${layers}/work overlay /usr/bin &&
        rm /usr/bin/git && exec "$@"`;
      const spoke = await stage.spoke('gitless', {}, {}, ['unshare', '--mount', 'sh', '-c', hidden, 'sh']);
      const { agentId } = await stage.spawn(spoke, undefined, 'echo never');
      const agent = await stage.ended(spoke, agentId);
      expect(agent).toMatchObject({ state: 'failed', exitReason: 'repository_error' });
      expect(agent.reason).toMatch(/git .*install/i);
    },
    timeMs,
  );
});

describe('the model API', () => {
  const played = async (name: string, baseUrl: string) => {
    const runtimes = { claude: { kind: 'claude', baseUrl, turnRetriesMax: 2, backoffMs: 50 } };
    const spoke = await stage.spoke(name, { runtimes }, { ANTHROPIC_API_KEY: 'sk-ant-api03-revoked-by-now' });
    const options = { runtime: 'claude' };
    const { agentId } = await stage.spawn(spoke, undefined, 'anything', { options });
    return { spoke, agent: await stage.ended(spoke, agentId, 60_000) };
  };

  asRoot(
    '[O-4] [L-9] that is dead is the reason in the state, and the spoke goes on',
    async () => {
      const understudy = new Understudy(parseScript({ conversations: [{ name: 'none', turns: [{}] }] }));
      const baseUrl = await understudy.listen();
      await understudy.close();
      const { spoke, agent } = await played('modelless', baseUrl);
      expect(agent).toMatchObject({
        state: 'failed',
        exitReason: 'model_error',
        cleanup: { worktree: { outcome: 'done' } },
      });
      expect(agent.reason).toContain('could not be reached');
      expect((await spoke.client.agents.list({})).agents).toHaveLength(1);
    },
    timeMs,
  );

  asRoot(
    '[O-4] [L-9] that has revoked the key is the reason in the state, and the key is in neither state nor log',
    async () => {
      const faults = [
        { kind: 'status', status: 401, times: 9, message: 'invalid x-api-key: sk-ant-api03-revoked-by-now' },
      ];
      const script = parseScript({
        conversations: [{ name: 'any', turns: [{ text: 'Never said.', faults }], repeatLast: true }],
      });
      const understudy = new Understudy(script);
      stage.afterwards(() => understudy.close());
      const { spoke, agent } = await played('revoked', await understudy.listen());
      expect(agent).toMatchObject({ state: 'failed', exitReason: 'model_error' });
      expect(agent.reason).toContain('The model API refused the key of the spoke.');
      expect(`${JSON.stringify(agent)}${spoke.instance.log.join('')}`).not.toContain('revoked-by-now');
    },
    timeMs,
  );
});

describe('a container engine', () => {
  let engine: TestEngine | undefined;
  let spoke: Player;
  afterEach(() => engine?.close(), timeMs);

  asRoot(
    '[O-4] [O-6] [K-5] that goes away under a running agent: reasons instead of hanging, and the next agent runs when it is back',
    async () => {
      engine = (await openEngine()).engine;
      if (!engine) throw new Error('no engine could be started: `apt-get install docker.io`');
      const docker = { image: engine.image, socketPath: engine.socketPath, callMs: 5_000 };
      spoke = await stage.spoke('engine', { sandbox: { docker } });
      await completes(spoke);
      for (const how of ['SIGTERM', 'SIGKILL'] as const) {
        const { agentId } = await stage.spawn(spoke, undefined, 'echo ready; exec sleep 86411');
        expect(await stage.running(spoke, agentId)).toMatchObject({ sandbox: { level: 'docker' } });
        await engine.away(how);
        const late = await stage.spawn(spoke, undefined, 'echo never');
        const failed = await until('it has failed', async () => {
          const seen = await spoke.client.agents.get(late.agentId);
          return seen.state === 'failed' ? seen : undefined;
        });
        expect(failed).toMatchObject({ exitReason: 'sandbox_error' });
        expect(failed.reason).toContain('container engine');
        const early = await spoke.client.agents.kill(agentId, 'nobody can tell', 30);
        expect(early.report.killed).toEqual([]);
        await engine.back();
        await completes(spoke);
        const { report } = await spoke.client.agents.kill(agentId, 'enough', 30);
        expect(report.failed).toEqual([]);
        for (const one of [agentId, late.agentId])
          expect(await stage.ended(spoke, one, 60_000)).toMatchObject({ cleanup: { sandbox: { outcome: 'done' } } });
      }
    },
    timeMs * 2,
  );
});
