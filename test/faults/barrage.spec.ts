// A thousand bad messages a second, from strangers and from a hub that lies: a spoke refuses each of them, nothing comes of it,
// and the hub that it works with kills as if nothing were.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { badMessages } from '../support/bad-messages.js';
import { Barrage } from '../support/barrage.js';
import { Federation, type Player } from '../support/federation.js';
import { DirectHub } from '../support/mock/direct.js';
import { nonce, type Json } from '../support/mock/wire.js';
import { freePort } from '../support/redis.js';
import { soak } from '../support/soak.js';

const perSecond = 1_000;
const seconds = soak ? 10 : 1;
const liveMax = soak ? 20 : 2;
/** Between two kills. */
const restMs = 25;
/** Whoever kept what it refuses would not live long with it. */
const bounded = { NODE_OPTIONS: '--max-old-space-size=192' };
/** What a process may grow while it lasts. */
const growthMax = soak ? 48e6 : 128e6;
const killMsMax = 250;

let stage: Federation;
let hub: Player;
let spoke: Player;
const liar = new DirectHub();

beforeAll(async () => {
  stage = await Federation.open();
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  [hub, spoke] = await Promise.all([
    stage.hub('hub', {}, bounded),
    stage.spoke('spoke', { publicUrl }, { ...bounded, WRIT_PORT: String(port) }),
    liar.open(),
  ]);
  stage.afterwards(() => liar.close());
  await spoke.client.hubs.join({ invite: liar.inviteLine(), grant: stage.grant() });
  await liar.dial(publicUrl);
  await stage.pair(hub, spoke);
}, 120_000);
afterAll(() => stage.close(), 60_000);

function residentBytes({ instance }: Player): number {
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${instance.pid}/status`, 'utf8'))?.[1];
  return Number(kb) * 1_024;
}

/** What the spoke would act on. */
async function state() {
  const [{ agents }, hubs, latches] = await Promise.all([
    spoke.client.agents.list({ limit: 200 }),
    spoke.client.hubs.list(),
    spoke.client.kill.latches(),
  ]);
  const halves = hubs.map(({ name, ours, theirs, grant, connected }) => ({ name, ours, theirs, grant, connected }));
  return { agents: agents.map(({ agentId }) => agentId).sort(), halves, latches };
}

async function victim() {
  const { keys } = await hub.client.signing.show();
  const { connectionId: con } = await hub.client.spokes.get('spoke');
  return { con, hub: (await hub.client.instance()).id, kid: keys.find((key) => key.signing)?.kid ?? '' };
}

const spawn = (): Json => {
  const { taskId, agentType, context, options } = stage.job(undefined, 'touch lie');
  return { op: 'agent.spawn', idk: nonce(), args: { taskId, agentType, context, options } };
};

/** Kills one after the other, live ones first and then again and again what has ended, until told; milliseconds of each. */
async function kills(live: readonly string[], over: () => boolean): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < live.length || !over(); n += 1) {
    const agentId = live[n % live.length] ?? '';
    const begin = performance.now();
    const { report, pending } = await hub.client.agents.kill(agentId, 'in the barrage', 30);
    took.push(performance.now() - begin);
    expect({ pending, failed: report.failed, survivors: report.survivors }).toEqual({
      pending: [],
      failed: [],
      survivors: 0,
    });
    expect(n < live.length ? report.killed : report.alreadyEnded).toEqual([agentId]);
    await pause(restMs);
  }
  return took;
}

async function running(): Promise<string> {
  const { agentId } = await stage.spawn(hub, 'spoke', 'echo ready; exec sleep 86420');
  return (await stage.running(hub, agentId)).agentId;
}

/** Until the barrage is over: how long kills take, and how much hub and spoke grow. */
async function under(barrage: Barrage, live: readonly string[]) {
  let isOver = false;
  const fired = barrage.run().finally(() => (isOver = true));
  if (soak) await pause(2_000);
  const before = [hub, spoke].map(residentBytes);
  const took = await kills(live, () => isOver);
  await fired;
  const grown = [hub, spoke].map((one, n) => residentBytes(one) - (before[n] ?? 0));
  return { took: took.sort((a, b) => a - b), grown };
}

test(`[F-1] ${perSecond} bad messages a second for ${seconds} s: each is refused, nothing comes of them, and kills get through`, async () => {
  const live = await Promise.all(Array.from({ length: liveMax }, running));
  const doors = { spoke: spoke.instance.url, hub: hub.instance.url };
  const messages = await badMessages(perSecond * seconds, liar, await victim(), doors, spawn);
  const before = await state();
  const barrage = new Barrage(messages, perSecond);
  const { took, grown } = await under(barrage, live);

  expect([...new Set(barrage.unexpected)]).toEqual([]);
  expect(barrage.answered).toBe(messages.length);
  expect(await state()).toEqual(before);
  for (const bytes of grown) expect(bytes).toBeLessThan(growthMax);
  expect(spoke.instance.log.join('').split('\n').length).toBeLessThan(100);
  await stage.connected(hub, spoke);
  if (!soak) return;
  const [p50 = 0, p99 = 0] = [0.5, 0.99].map((share) => took[Math.ceil(took.length * share) - 1]);
  process.stderr.write(`${took.length} kills, p50 ${p50} ms, p99 ${p99} ms, grown by ${grown.join(' and ')} bytes\n`);
  expect(p99).toBeLessThan(killMsMax);
}, 120_000);
