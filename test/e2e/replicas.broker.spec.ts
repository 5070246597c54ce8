// Two processes of one hub behind one broker, and a spoke that meets whichever answers there: what the one with the link can do,
// the other can do as well, and either may go.
import { afterAll, beforeAll, expect } from '@jest/globals';
import { createHash } from 'node:crypto';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { Federation, type Player } from '../support/federation.js';
import { natsRequirement, startNats, type NatsServer } from '../support/nats.js';
import { redisRequirement, startRedis } from '../support/redis.js';
import { twoProcesses } from '../support/replicated.js';
import { requirement } from '../support/require.js';
import { until } from '../support/until.js';
import { writ } from '../support/writ.js';

const isHere = redisRequirement[1] && natsRequirement[1];
const test = requirement('valkey-server and nats-server', isHere, `${redisRequirement[2]}; ${natsRequirement[2]}`);
let stage: Federation;
let broker: NatsServer;
let hubs: readonly [Player, Player];
let spoke: Player;

beforeAll(async () => {
  if (!isHere) return;
  stage = await Federation.open();
  const redis = await startRedis({ synced: false });
  stage.afterwards(() => redis.dispose());
  broker = await startNats();
  stage.afterwards(() => broker.dispose());
  const at = { broker: { url: broker.url }, logLevel: 'warn' };
  hubs = await twoProcesses(stage, 'hub', 'hub', { ...at, store: redis.url, publicUrl: 'https://hub.invalid' });
  spoke = await stage.spoke('solo', at);
  const { invite } = await hubs[0].client.invites.create({ broker: true });
  await spoke.client.hubs.join({ invite, grant: stage.grant() });
  await hubs[1].client.spokes.accept('solo');
  for (const hub of hubs) await stage.connected(hub, spoke);
}, 120_000);
afterAll(async () => {
  if (isHere) await stage.close();
}, 120_000);

const as = 'git -c user.name=A -c user.email=a@example.org';

async function fetched(hub: Player, agentId: string) {
  const { content, sha256, commit } = await hub.client.agents.bundle(agentId);
  const hash = createHash('sha256');
  for await (const chunk of content) hash.update(chunk);
  return { sha256, commit, hashed: hash.digest('base64url') };
}

test('[O-1] whichever is asked fetches the branch of an agent, its diff and its output, over the link that one of them has', async () => {
  const script = `echo said; seq 1 1000 > numbers; git add numbers; ${as} commit -qm 'Numbers'`;
  const { agentId } = await stage.spawn(hubs[0], 'solo', script);
  for (const hub of hubs) {
    const { state, result } = await stage.ended(hub, agentId, 40_000);
    expect(state).toBe('completed');
    const bundle = await fetched(hub, agentId);
    expect(bundle).toMatchObject({ commit: result?.commit, hashed: bundle.sha256 });
    expect((await hub.client.agents.diff(agentId)).text).toContain('+1000');
    expect((await hub.client.agents.readOutput(agentId)).text).toBe('said\n');
  }
}, 120_000);

test('[F-14] either may be killed: the spoke meets the other one, which goes on with what was begun', async () => {
  for (const [gone, left] of [hubs, [...hubs].reverse()] as const) {
    const { agentId } = await stage.spawn(gone, 'solo', 'echo ready; exec sleep 86426');
    await stage.running(gone, agentId);
    await gone.away('SIGKILL');
    const { report } = await left.client.agents.kill(agentId, 'the other one is gone', 60);
    expect(report).toMatchObject({ killed: [agentId], survivors: 0 });
    await stage.connected(left, spoke);
    await gone.back();
    expect((await stage.ended(gone, agentId)).state).toBe('killed');
  }
}, 180_000);

test('what a spoke has lost with its disk is lost for both', async () => {
  const { stateDir } = spoke.instance.options;
  const file = join(stage.folder, 'solo.writ');
  expect(await writ(['backup', file, '--state', stateDir, '--on', 'spoke'])).toMatchObject({ code: 0 });
  const { agentId } = await stage.spawn(hubs[1], 'solo', 'echo ready; exec sleep 86427');
  await stage.running(hubs[0], agentId);
  await spoke.away('SIGKILL');
  renameSync(stateDir, `${stateDir}.lost`);
  expect(await writ(['restore', file, '--state', stateDir])).toMatchObject({ code: 0 });
  await spoke.back();
  for (const hub of hubs) {
    await until('it to be lost here', async () => (await hub.client.agents.get(agentId)).state === 'failed', 60_000);
    expect(await hub.client.agents.get(agentId)).toMatchObject({ exitReason: 'lost' });
    expect(await hub.client.spokes.get('solo')).toMatchObject({ liveAgents: 0, journal: { break: {} } });
  }
}, 180_000);
