// Kills that people rely on: acknowledged only when a look has found nothing, whatever the agent does against it.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Federation, refusal, type Player } from '../support/federation.js';
import { until } from '../support/until.js';

const soak = process.env.WRIT_SOAK === '1';
const killCount = soak ? 200 : 10;
const graceMs = 1_000;

let stage: Federation;
let hub: Player;
let spoke: Player;

beforeAll(async () => {
  stage = await Federation.open();
  [hub, spoke] = await Promise.all([stage.hub(), stage.spoke('acme')]);
  await stage.pair(hub, spoke);
}, 120_000);
afterAll(() => stage.close(), 60_000);

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

describe('kill of one agent', () => {
  test(
    `[K-8] a cooperative one is acknowledged at once, ${killCount} times over, and nothing is left`,
    async () => {
      const took: number[] = [];
      for (let n = 0; n < killCount; n++) {
        const { agentId } = await stage.spawn(hub, 'acme', 'echo ready; exec sleep 86401');
        await stage.running(hub, agentId);
        expect(stage.watch(spoke, 'sleep 86401').length).toBeGreaterThan(0);
        const started = performance.now();
        const { report, pending } = await hub.client.agents.kill(agentId, 'enough', 30);
        took.push(performance.now() - started);
        expect({ report, pending }).toMatchObject({ report: { killed: [agentId], survivors: 0 }, pending: [] });
        expect(stage.survivors()).toEqual([]);
      }
      took.sort((a, b) => a - b);
      const [p50, p99] = [percentile(took, 0.5), percentile(took, 0.99)];
      process.stdout.write(
        `kill of a cooperative agent: p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms of ${killCount}\n`,
      );
      if (soak) expect(p99).toBeLessThan(500);
    },
    soak ? 600_000 : 60_000,
  );

  test('[K-8] [K-10] one that ignores SIGTERM, with children that left its session, is gone within the grace and a second', async () => {
    const stubborn = `trap "" TERM HUP INT; for n in 1 2; do setsid sh -c 'trap "" TERM HUP; while :; do sleep 86402; done' & done; nohup sleep 86402 >/dev/null 2>&1 & (sh -c 'sleep 86402 &' &) ; echo ready; while :; do sleep 86402; done`;
    const { agentId } = await stage.spawn(hub, 'acme', stubborn);
    await stage.running(hub, agentId);
    await until('its children run', () => stage.watch(spoke, '86402').length >= 5);
    const started = performance.now();
    const { report } = await hub.client.agents.kill(agentId, 'enough', 30);
    const took = performance.now() - started;
    process.stdout.write(`kill of a stubborn agent: ${took.toFixed(0)} ms with a grace of ${graceMs} ms\n`);
    expect(report).toMatchObject({ killed: [agentId], survivors: 0 });
    expect(stage.survivors()).toEqual([]);
    if (soak) expect(took).toBeLessThan(graceMs + 1_000);
  });

  test('[K-1] [L-6] status, output and history still answer after a kill, with who did it and why', async () => {
    const { agentId } = await stage.spawn(hub, 'acme', 'echo ready; exec sleep 86401');
    await stage.running(hub, agentId);
    await hub.client.agents.kill(agentId, 'the story is over', 30);
    const seen = await stage.ended(hub, agentId);
    expect(seen).toMatchObject({
      state: 'killed',
      exitReason: 'killed',
      cleanup: { sandbox: { outcome: 'done' }, worktree: { outcome: 'done' } },
    });
    expect(seen.reason).toContain('the story is over');
    const own = await stage.ended(spoke, agentId);
    expect(own.actor).toEqual({ kind: 'peer', id: (await hub.client.instance()).id });
    expect((await hub.client.agents.readOutput(agentId)).text).toContain('ready');
    expect((await hub.client.agents.list({ state: ['killed'] })).agents.map((one) => one.agentId)).toContain(agentId);
    expect(stage.worktrees(spoke, agentId)).toEqual([]);
  });

  test('[K-4] a kill of an ended agent, and two at once, are no errors', async () => {
    const { agentId: done } = await stage.spawn(hub, 'acme', 'echo done');
    await stage.ended(hub, done);
    const late = await hub.client.agents.kill(done, 'too late', 30);
    expect(late.report).toMatchObject({ killed: [], alreadyEnded: [done], survivors: 0 });
    expect((await hub.client.agents.get(done)).state).toBe('completed');
    const { agentId } = await stage.spawn(hub, 'acme', 'echo ready; exec sleep 86401');
    await stage.running(hub, agentId);
    const [one, two] = await Promise.all([
      hub.client.agents.kill(agentId, 'first', 30),
      spoke.client.agents.kill(agentId, 'second', 30),
    ]);
    expect([...one.report.killed, ...one.report.alreadyEnded]).toEqual([agentId]);
    expect([...two.report.killed, ...two.report.alreadyEnded]).toEqual([agentId]);
    expect((await stage.ended(hub, agentId)).state).toBe('killed');
  });

  test('[K-15] a kill that comes while it spawns leaves nothing running', async () => {
    for (let n = 0; n < 5; n++) {
      const { agentId } = await stage.spawn(hub, 'acme', 'echo ready; exec sleep 86403');
      const { report } = await hub.client.agents.kill(agentId, 'not at all', 30);
      expect(report.survivors).toBe(0);
      expect((await stage.ended(hub, agentId)).state).toBe('killed');
      expect(stage.watch(spoke, 'sleep 86403')).toEqual([]);
      expect(stage.worktrees(spoke, agentId)).toEqual([]);
    }
  });

  test('[K-9] a kill is never rate limited, not after a thousand requests with the same key', async () => {
    const { key } = await hub.client.keys.create({ name: 'busy', role: 'operator' });
    const { caller } = await import('../support/call.js');
    const call = caller(hub.instance.url, key);
    const { agentId } = await stage.spawn(hub, 'acme', 'echo ready; exec sleep 86401');
    await stage.running(hub, agentId);
    await until(
      'the key is rate limited',
      async () => {
        const real = await Promise.all(Array.from({ length: 200 }, () => call('GET', '/v1/agents?limit=1')));
        return real.some(({ status }) => status === 429);
      },
      60_000,
    );
    const killed = await call('POST', `/v1/agents/${agentId}/kill`, { reason: 'still' });
    expect(killed.status).toBe(200);
    const all = await call('POST', '/v1/kill', { reason: 'all of it' });
    expect(all.status).toBe(200);
    expect((await call('POST', '/v1/kill/reset', { reason: 'again' })).status).toBe(200);
  });
});

describe('kill of all', () => {
  test('[K-3] the hub’s latch kills what lives, refuses what comes, on both sides, until the reset', async () => {
    const ids = await Promise.all(
      [1, 2, 3].map(async () => (await stage.spawn(hub, 'acme', 'echo ready; exec sleep 86401')).agentId),
    );
    const own = (await stage.spawn(spoke, undefined, 'echo ready; exec sleep 86404')).agentId;
    await Promise.all([...ids.map((id) => stage.running(hub, id)), stage.running(spoke, own)]);
    stage.watch(spoke, 'sleep 86401');
    const racing = Array.from({ length: 5 }, () => refusal(stage.spawn(hub, 'acme', 'echo ready; exec sleep 86401')));
    const { report, pending } = await hub.client.kill.all({ scope: 'all', reason: 'stop the world' }, 30);
    expect(pending).toEqual([]);
    expect(report).toMatchObject({ failed: [], survivors: 0 });
    expect(report.killed).toEqual(expect.arrayContaining(ids));
    await Promise.all(racing);
    expect(stage.survivors()).toEqual([]);
    expect(await refusal(stage.spawn(hub, 'acme', 'echo no'))).toMatchObject({ code: 'latched' });
    const live = { state: ['spawning', 'running'] } as const;
    await until('nothing lives in the hub’s view', async () => {
      return (await hub.client.agents.list({ ...live, state: [...live.state] })).agents.length === 0;
    });
    expect((await spoke.client.agents.get(own)).state).toBe('running');
    expect((await hub.client.kill.latches()).map(({ scope }) => scope)).toEqual(['all']);
    expect(await hub.client.kill.reset({ scope: 'all', reason: 'go on' })).toEqual([]);
    const { agentId } = await stage.spawn(hub, 'acme', 'echo again');
    expect((await stage.ended(hub, agentId)).state).toBe('completed');
    await spoke.client.agents.kill(own, 'done');
  });

  test('[K-3] the spoke’s latch holds against its hub, and only the spoke’s admin clears it', async () => {
    const { agentId } = await stage.spawn(hub, 'acme', 'echo ready; exec sleep 86401');
    await stage.running(hub, agentId);
    const { report } = await spoke.client.kill.all({ scope: 'all', reason: 'the admin says so' });
    expect(report).toMatchObject({ killed: [agentId], survivors: 0 });
    expect(await refusal(stage.spawn(hub, 'acme', 'echo no'))).toMatchObject({ code: 'latched' });
    expect(await refusal(stage.spawn(spoke, undefined, 'echo no'))).toMatchObject({ code: 'latched' });
    await hub.client.kill.reset({ scope: 'all', reason: 'the hub would like to' });
    expect(await refusal(stage.spawn(hub, 'acme', 'echo no'))).toMatchObject({ code: 'latched' });
    expect(await spoke.client.kill.reset({ scope: 'all', reason: 'again' })).toEqual([]);
    expect((await stage.ended(hub, (await stage.spawn(hub, 'acme', 'echo yes')).agentId)).state).toBe('completed');
  });

  test('[K-3] a latch outlives a restart, and the scope of one hub stops that hub alone', async () => {
    await spoke.client.kill.all({ scope: 'hub:hub', reason: 'this hub only' });
    await spoke.restart('SIGKILL');
    await stage.connected(hub, spoke);
    expect(await refusal(stage.spawn(hub, 'acme', 'echo no'))).toMatchObject({ code: 'latched' });
    expect((await stage.ended(spoke, (await stage.spawn(spoke, undefined, 'echo own')).agentId)).state).toBe(
      'completed',
    );
    expect(await spoke.client.kill.reset({ scope: 'hub:hub', reason: 'again' })).toEqual([]);
    expect((await stage.ended(hub, (await stage.spawn(hub, 'acme', 'echo yes')).agentId)).state).toBe('completed');
  });
});
