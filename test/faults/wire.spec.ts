// An attacker who owns the network between a hub and its spokes, and a network that fails: what they can do comes to nothing.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { signJws, SigningKey } from '#protocol';
import { Federation, refusal, type Player } from '../support/federation.js';
import { listeners } from '../support/listeners.js';
import { Tap } from '../support/tap.js';
import { until } from '../support/until.js';

let stage: Federation;
let hub: Player;
let north: Player;
let south: Player;
let toNorth: string;
let toSouth: string;
const tap = new Tap();

beforeAll(async () => {
  stage = await Federation.open();
  const publicUrl = await tap.open();
  stage.afterwards(() => tap.close());
  [hub, north, south] = await Promise.all([
    stage.hub('hub', { publicUrl }),
    stage.spoke('north'),
    stage.spoke('south'),
  ]);
  tap.aim(hub.instance.url);
  toNorth = await stage.pair(hub, north);
  toSouth = await stage.pair(hub, south);
}, 120_000);
afterAll(() => stage.close(), 60_000);
beforeEach(async () => {
  await Promise.all([north, south].map(connectedUnlessClosed));
});

/** The last tests close their connections for good. */
async function connectedUnlessClosed(spoke: Player): Promise<void> {
  if ((await spoke.client.hubs.get('hub')).state !== 'closed') await stage.connected(hub, spoke);
}

type Claims = Record<string, unknown>;
const part = (token: string, n: number) =>
  JSON.parse(Buffer.from(token.split('.')[n] ?? '', 'base64url').toString()) as Claims;

/** The last message of that type and content that went by on that connection. */
function recorded(connection: string, typ: string, holds = ''): string {
  const fits = (text: string) =>
    part(text, 0).typ === typ && part(text, 1).con === connection && JSON.stringify(part(text, 1)).includes(holds);
  const frame = tap.frames.findLast(({ direction, text }) => direction === 'to-spoke' && fits(text));
  if (!frame) throw new Error(`no ${typ} went over the wire`);
  return frame.text;
}

/** A spawn that really was made on that connection, as an eavesdropper has it. */
async function overheardSpawn(spoke: string, connection: string): Promise<string> {
  const { agentId } = await stage.spawn(hub, spoke, 'echo heard');
  await stage.ended(hub, agentId);
  return recorded(connection, 'writ-cmd+jws', '"agent.spawn"');
}

/** What state there is on a spoke; an attack moves none of it. */
async function stateOf(spoke: Player) {
  const agents = (await spoke.client.agents.list({ limit: 200 })).agents.map(
    ({ agentId, state }) => `${agentId} ${state}`,
  );
  const hubs = (await spoke.client.hubs.list()).map(({ name, ours, theirs, grant }) => ({ name, ours, theirs, grant }));
  return { agents, hubs, latches: await spoke.client.kill.latches() };
}

/** Says it to the spoke and waits until that link is closed by it, with the code. */
async function refusedUniformly(connection: string, text: string): Promise<void> {
  const from = tap.closings.length;
  tap.injectOn(connection, 'to-spoke', text);
  const closing = await until('the link is closed', () =>
    tap.closings.slice(from).find((one) => one.connection === connection),
  );
  expect(closing.code).toBe(1008);
}

async function signedRefusal(connection: string, text: string): Promise<unknown> {
  const from = tap.frames.length;
  tap.injectOn(connection, 'to-spoke', text);
  const { jti } = part(text, 1);
  const answer = await until('an answer', () =>
    tap.frames
      .slice(from)
      .filter((frame) => frame.direction === 'to-hub' && part(frame.text, 0).typ === 'writ-res+jws')
      .map((frame) => part(frame.text, 1))
      .find(({ req }) => (req as { jti?: unknown }).jti === jti),
  );
  return answer.err ?? answer.results;
}

function flipped(token: string, segment: number): string {
  const parts = token.split('.');
  const bytes = Buffer.from(parts[segment] ?? '', 'base64url');
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  parts[segment] = bytes.toString('base64url');
  return parts.join('.');
}

test('[F-1] [F-9] a forged command, one with a flipped bit, and noise get the one uniform refusal and leave no trace', async () => {
  const spawn = await overheardSpawn('north', toNorth);
  const before = await stateOf(north);
  const header = part(spawn, 0) as { kid: string };
  const forgeries = [
    signJws('writ-cmd+jws', part(spawn, 1), SigningKey.generate()),
    ...[0, 1, 2].map((segment) => flipped(spawn, segment)),
    `${Buffer.from(JSON.stringify({ alg: 'none', kid: header.kid, typ: 'writ-cmd+jws' })).toString('base64url')}.${spawn.split('.')[1]}.`,
    'noise',
    '{"op":"agent.spawn"}',
    `${spawn}\n`,
  ];
  for (const forgery of forgeries) {
    await stage.connected(hub, north);
    await until('the link goes through the tap', () => tap.carries(toNorth));
    await refusedUniformly(toNorth, forgery);
  }
  await stage.connected(hub, north);
  expect(await stateOf(north)).toEqual(before);
}, 120_000);

test('[F-1] what was signed for one spoke is worth nothing at another', async () => {
  const spawn = await overheardSpawn('north', toNorth);
  const before = await stateOf(south);
  await refusedUniformly(toSouth, spawn);
  await stage.connected(hub, south);
  expect(await stateOf(south)).toEqual(before);
}, 120_000);

test('[F-1] a replay gets the stored answer or a signed no, on this session and on the next, and does nothing again', async () => {
  const spawn = await overheardSpawn('north', toNorth);
  const before = await stateOf(north);
  const again = await signedRefusal(toNorth, spawn);
  expect(['replay', 'session', 'unknown_outcome']).toContain(Array.isArray(again) ? 'replay' : again);
  expect(await stateOf(north)).toEqual(before);
  tap.cut();
  await until(
    'a new link',
    async () => tap.carries(toNorth) && (await hub.client.spokes.get('north')).connected,
    60_000,
  );
  await stage.connected(hub, north);
  expect(await signedRefusal(toNorth, spawn)).toBe('session');
  expect(await stateOf(north)).toEqual(before);
}, 120_000);

test('[O-2] [F-13] a link that is cut again and again during output: a follower of the hub reads every line once', async () => {
  const lines = 200;
  const script = `n=0; while [ $n -lt ${lines} ]; do n=$((n+1)); echo "line $n"; sleep 0.02; done`;
  const { agentId } = await stage.spawn(hub, 'north', script);
  const cuts = process.env.WRIT_SOAK === '1' ? 50 : 5;
  let text = '';
  let cut = 0;
  for await (const piece of hub.client.agents.output(agentId)) {
    text += piece.text;
    expect(piece.dropped).toBe(0);
    if (cut < cuts && text.split('\n').length > ((cut + 1) * lines) / (cuts + 2)) {
      cut += 1;
      tap.cut();
    }
  }
  expect(cut).toBeGreaterThan(0);
  expect(text.trimEnd().split('\n')).toEqual(Array.from({ length: lines }, (_none, n) => `line ${n + 1}`));
  expect((await stage.ended(hub, agentId)).state).toBe('completed');
}, 120_000);

test('[F-3] a suspension by the spoke while the hub is away is known to the hub when it is back, and only the spoke takes it back', async () => {
  const live = await stage.spawn(hub, 'north', 'echo ready; exec sleep 86409');
  await stage.running(hub, live.agentId);
  await hub.restart('SIGKILL', async () => {
    expect((await north.client.hubs.suspend('hub', { reason: 'holidays' })).state).toBe('suspended');
  });
  await until('the hub knows', async () => (await hub.client.spokes.get('north')).state === 'suspended', 30_000);
  expect(await refusal(hub.client.agents.spawn(stage.job('north', 'echo no')))).toMatchObject({
    code: 'connection_inactive',
  });
  await hub.client.spokes.resume('north').catch(() => undefined);
  expect((await hub.client.spokes.get('north')).state).toBe('suspended');
  const { report } = await hub.client.agents.kill(live.agentId, 'kill passes all the same', 30);
  expect(report).toMatchObject({ killed: [live.agentId], survivors: 0 });
  await north.client.hubs.resume('hub');
  await stage.connected(hub, north);
  expect((await stage.ended(hub, (await stage.spawn(hub, 'north', 'echo yes')).agentId)).state).toBe('completed');
}, 120_000);

test('[F-3] a suspension by the hub while the spoke is away is known to the spoke when it is back', async () => {
  await north.restart('SIGTERM', async () => {
    expect((await hub.client.spokes.suspend('north')).state).toBe('suspended');
  });
  await until('the spoke knows', async () => (await north.client.hubs.get('hub')).state === 'suspended', 30_000);
  expect((await north.client.hubs.get('hub')).ours.state).toBe('active');
  await hub.client.spokes.resume('north');
  await stage.connected(hub, north);
}, 120_000);

test('a spoke that dials out listens nowhere but on loopback for its own admin', () => {
  for (const { instance } of [north, south]) {
    expect(listeners(instance.pid)).toEqual([{ address: '127.0.0.1', port: Number(new URL(instance.url).port) }]);
  }
});

test('[F-3] a close by the spoke while the hub is away kills its agents at once, and the hub hears of it when it is back', async () => {
  const live = await stage.spawn(hub, 'south', 'echo ready; exec sleep 86410');
  await stage.running(hub, live.agentId);
  stage.watch(south, '86410');
  await hub.restart('SIGKILL', async () => {
    expect((await south.client.hubs.close('hub', { reason: 'enough' })).state).toBe('closed');
    expect((await stage.ended(south, live.agentId)).state).toBe('killed');
    expect(stage.survivors()).toEqual([]);
  });
  await until('the hub knows', async () => (await hub.client.spokes.get('south')).state === 'closed', 30_000);
  expect(await refusal(hub.client.agents.spawn(stage.job('south', 'echo no')))).toMatchObject({
    code: 'connection_closed',
  });
}, 120_000);

test('[F-3] a close by the hub while the spoke is away kills its agents when it is back', async () => {
  await north.away('SIGKILL');
  expect((await hub.client.spokes.close('north')).state).toBe('closed');
  await north.back();
  await until('the spoke knows', async () => (await north.client.hubs.get('hub')).state === 'closed', 30_000);
  expect((await north.client.agents.list({ state: ['spawning', 'running'] })).agents).toEqual([]);
}, 120_000);
