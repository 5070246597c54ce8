// A direct link over real processes: the hub dials a spoke that has a public URL, in plain on loopback and with TLS before it.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Federation, refusal, type Player } from '../support/federation.js';
import { selfSigned, tlsDoor, type TlsDoor } from '../support/tls-door.js';
import { until } from '../support/until.js';

let stage: Federation;
let hub: Player;
let spoke: Player;
let publicUrl: string;

/** A port of loopback that nobody had a moment ago: a spoke has to know its URL before it listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

beforeAll(async () => {
  stage = await Federation.open();
  const port = await freePort();
  publicUrl = `http://127.0.0.1:${port}`;
  [hub, spoke] = await Promise.all([
    stage.hub('hub', { commands: { spawnMs: 60_000 } }),
    stage.spoke('open', { publicUrl }, { WRIT_PORT: String(port) }),
  ]);
}, 120_000);
afterAll(() => stage.close(), 60_000);

const forEver = 'echo ready; exec sleep 86411';

/** All output of an agent as somebody who follows it gets it. */
async function followed(at: Player, agentId: string): Promise<string> {
  const pieces: string[] = [];
  for await (const { text } of at.client.agents.output(agentId, undefined, AbortSignal.timeout(60_000)))
    pieces.push(text);
  return pieces.join('');
}

async function disconnected(): Promise<void> {
  await until('the hub has noticed', async () => !(await hub.client.spokes.get('open')).connected, 60_000);
}

describe('a direct link on loopback', () => {
  test('comes about by invite, join and accept, and both sides show it', async () => {
    await stage.pair(hub, spoke);
    const [seen, sees] = [await hub.client.spokes.get('open'), await spoke.client.hubs.get('hub')];
    expect(seen).toMatchObject({ state: 'active', connected: true, link: { kind: 'direct', url: publicUrl } });
    expect(sees).toMatchObject({ state: 'active', connected: true, link: { kind: 'direct', url: publicUrl } });
    expect(seen.grant?.version).toBe(1);
  }, 120_000);

  test('carries a spawn, its output as it comes, its end, and a status that both sides tell alike', async () => {
    const { agentId } = await stage.spawn(hub, 'open', 'echo ready; while [ ! -e go ]; do sleep 0.1; done');
    await stage.running(hub, agentId);
    const all = followed(hub, agentId);
    await hub.client.agents.kill(agentId, 'not this one', 30);
    expect(await all).toBe('ready\n');
    const done = await stage.spawn(hub, 'open', 'for n in 1 2 3 4 5; do echo "line $n"; sleep 0.1; done');
    expect(await followed(hub, done.agentId)).toBe('line 1\nline 2\nline 3\nline 4\nline 5\n');
    const [atHub, atSpoke] = [await stage.ended(hub, done.agentId), await stage.ended(spoke, done.agentId)];
    expect(atHub.state).toBe('completed');
    expect([atHub.exitReason, atHub.usage]).toEqual([atSpoke.exitReason, atSpoke.usage]);
    expect(atHub.cleanup).toEqual(atSpoke.cleanup);
  }, 120_000);

  test('carries output beyond what events carry, byte for byte', async () => {
    const { agentId } = await stage.spawn(hub, 'open', 'seq 1 300000');
    const whole = Array.from({ length: 300_000 }, (_, n) => `${n + 1}\n`).join('');
    expect((await followed(hub, agentId)) === whole).toBe(true);
    expect((await stage.ended(hub, agentId)).state).toBe('completed');
  }, 120_000);

  test('[K-8] a kill is acknowledged over it when nothing lives, children in sessions of their own included', async () => {
    const script = `setsid sh -c 'trap "" TERM; while :; do sleep 86411; done' & ${forEver}`;
    const { agentId } = await stage.spawn(hub, 'open', script);
    await stage.running(hub, agentId);
    await until('its children run', () => stage.watch(spoke, '86411').length >= 2);
    const { report, pending } = await hub.client.agents.kill(agentId, 'enough', 30);
    expect({ report, pending }).toMatchObject({ report: { killed: [agentId], survivors: 0 }, pending: [] });
    expect(stage.survivors()).toEqual([]);
  }, 120_000);

  test('[K-3] the killswitch works over it, and holds until it is reset', async () => {
    const ids = [await stage.spawn(hub, 'open', forEver), await stage.spawn(hub, 'open', forEver)].map(
      (a) => a.agentId,
    );
    for (const id of ids) await stage.running(hub, id);
    const { report } = await hub.client.kill.all({ scope: 'spoke:open', reason: 'stop it all' }, 30);
    expect([...report.killed].sort()).toEqual([...ids].sort());
    expect(await refusal(hub.client.agents.spawn(stage.job('open', 'echo no')))).toMatchObject({ code: 'latched' });
    await hub.client.kill.reset({ scope: 'spoke:open', reason: 'go on' });
    expect((await stage.ended(hub, (await stage.spawn(hub, 'open', 'echo again')).agentId)).state).toBe('completed');
  }, 120_000);

  test('an edit of the grant reaches the hub by itself, and so does a suspension by the spoke', async () => {
    await spoke.client.hubs.setGrant('hub', { grant: stage.grant({ agentTypes: ['reviewer'] }) });
    await until(
      'the hub has the grant',
      async () => (await hub.client.spokes.get('open')).grant?.version === 2,
      60_000,
    );
    expect(await refusal(hub.client.agents.spawn(stage.job('open', 'echo no'), { waitS: 30 }))).toMatchObject({
      code: 'grant_denied',
    });
    await spoke.client.hubs.setGrant('hub', { grant: stage.grant() });
    await spoke.client.hubs.suspend('hub');
    await until('the hub knows', async () => (await hub.client.spokes.get('open')).state === 'suspended', 20_000);
    await spoke.client.hubs.resume('hub');
    await stage.connected(hub, spoke);
  }, 120_000);
});

describe('restarts on a direct link', () => {
  test.each(['SIGTERM', 'SIGKILL'] as const)(
    '[F-13] [F-14] the spoke ends by %s in the middle of a run: the hub notices, dials it anew, and hears what became of it',
    async (how) => {
      const { agentId } = await stage.spawn(hub, 'open', forEver);
      await stage.running(hub, agentId);
      stage.watch(spoke, '86411');
      const { id } = await hub.client.spokes.get('open');
      await spoke.restart(how, disconnected);
      await stage.connected(hub, spoke);
      expect((await hub.client.spokes.get('open')).id).toBe(id);
      const [atHub, atSpoke] = [await stage.ended(hub, agentId, 60_000), await stage.ended(spoke, agentId)];
      expect(['failed', 'killed']).toContain(atHub.state);
      expect([atHub.state, atHub.reason]).toEqual([atSpoke.state, atSpoke.reason]);
      await until('nothing of it lives', () => stage.survivors().length === 0);
      const next = await stage.spawn(hub, 'open', 'echo after');
      expect((await stage.ended(hub, next.agentId)).state).toBe('completed');
    },
    120_000,
  );

  test('[O-2] the hub ends by SIGKILL in the middle of a run: the agent goes on, and its output is all there afterwards', async () => {
    const script = 'echo ready; for n in $(seq 1 60); do echo "line $n"; sleep 0.1; done';
    const { agentId } = await stage.spawn(hub, 'open', script);
    await stage.running(hub, agentId);
    await hub.restart('SIGKILL', async () => {
      await until(
        'the agent goes on',
        async () => (await spoke.client.agents.readOutput(agentId)).text.includes('line 40'),
        60_000,
      );
    });
    await stage.connected(hub, spoke);
    const expected = ['ready', ...Array.from({ length: 60 }, (_, n) => `line ${n + 1}`), ''].join('\n');
    expect(await followed(hub, agentId)).toBe(expected);
    expect((await stage.ended(hub, agentId)).state).toBe('completed');
    const { agentId: next } = await stage.spawn(hub, 'open', forEver);
    await stage.running(hub, next);
    expect((await hub.client.agents.kill(next, 'enough', 30)).report.survivors).toBe(0);
  }, 120_000);

  test('[S-8] a spawn while the spoke is away is delivered once when it is back', async () => {
    await spoke.away('SIGTERM');
    await disconnected();
    const answer = await hub.client.agents.spawn(stage.job('open', 'echo late', { taskId: 'late' }), { waitS: 0 });
    if (!('pending' in answer)) throw new Error('nobody can have answered');
    await spoke.back();
    const { agentId = '' } = answer.pending;
    await until(
      'the hub hears of it',
      async () => (await refusal(hub.client.agents.get(agentId))).code === 'ok',
      120_000,
    );
    expect((await stage.ended(hub, agentId)).state).toBe('completed');
    expect((await spoke.client.agents.list({ taskId: 'late' })).agents.length).toBe(1);
  }, 120_000);
});

describe('the door of a direct link', () => {
  test('answers a stranger with 400 and nothing else, and a spoke without a public URL has none', async () => {
    const closed = await stage.spoke('closed');
    const { call } = spoke;
    for (const body of ['nonsense', 'a.b.c', '']) {
      const answer = await call('POST', '/writ/v1/messages', body, { 'content-type': 'application/jose' });
      expect([answer.status, answer.text]).toEqual([400, '']);
    }
    expect((await closed.call('POST', '/writ/v1/messages', 'x', { 'content-type': 'application/jose' })).status).toBe(
      404,
    );
  }, 120_000);

  test('[F-6] a hub that may not dial loopback refuses such a spoke when it joins', async () => {
    const strict = await stage.hub('strict', { networks: ['public'] });
    const { invite } = await strict.client.invites.create({});
    expect(await refusal(spoke.client.hubs.join({ invite, grant: stage.grant() }))).toMatchObject({
      code: 'pairing_refused',
    });
    expect(await strict.client.spokes.list()).toEqual([]);
  }, 120_000);

  test('the connection ends for both when the hub closes it, and its agents are killed', async () => {
    const { agentId } = await stage.spawn(hub, 'open', forEver);
    await stage.running(hub, agentId);
    await hub.client.spokes.close('open', { reason: 'the story is over' });
    await until('the spoke knows', async () => (await spoke.client.hubs.get('hub')).state === 'closed', 20_000);
    expect((await stage.ended(spoke, agentId)).state).toBe('killed');
  }, 120_000);
});

describe('a direct link with TLS before the spoke', () => {
  let door: TlsDoor;
  let secure: Player;
  let caller: Player;
  const { key, cert } = selfSigned();

  beforeAll(async () => {
    door = await tlsDoor({ key, cert });
    stage.afterwards(() => door.close());
    [caller, secure] = await Promise.all([stage.hub('caller'), stage.spoke('secure', { publicUrl: door.url })]);
    door.aim(secure.instance.url);
  }, 120_000);

  test('a certificate that nobody vouches for is not taken, and the log says why', async () => {
    const { invite } = await caller.client.invites.create({});
    await secure.client.hubs.join({ invite, grant: stage.grant() });
    await caller.client.spokes.accept('secure');
    await until('the log says why', () => /self.signed certificate/i.test(caller.instance.log.join('')), 20_000);
    expect((await caller.client.spokes.get('secure')).connected).toBe(false);
  }, 120_000);

  test('with its authority among those that the hub trusts the same connection comes up and carries a run and a kill', async () => {
    const file = join(stage.folder, 'authority.pem');
    writeFileSync(file, cert);
    await caller.away('SIGTERM');
    await caller.back({ WRIT_CA: file });
    await stage.connected(caller, secure);
    expect(door.taken()).toBeGreaterThan(0);
    const done = await stage.spawn(caller, 'secure', 'echo over TLS');
    expect(await followed(caller, done.agentId)).toBe('over TLS\n');
    const { agentId } = await stage.spawn(caller, 'secure', forEver);
    await stage.running(caller, agentId);
    expect((await caller.client.agents.kill(agentId, 'enough', 30)).report).toMatchObject({ survivors: 0 });
  }, 120_000);
});
