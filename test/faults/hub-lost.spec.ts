// Two hubs of one spoke are gone: the agents of the one go on, those of the other are stopped after the time that its grant names.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Federation, type Player } from '../support/federation.js';
import { soak } from '../support/soak.js';
import { until } from '../support/until.js';

/** The least that a grant may name; without it the hubs are back before. */
const stopAfterS = 45;
const awayMs = soak ? stopAfterS * 1_000 : 3_000;

let stage: Federation;
let patient: Player;
let strict: Player;
let spoke: Player;

beforeAll(async () => {
  stage = await Federation.open();
  [patient, strict, spoke] = await Promise.all([stage.hub('patient'), stage.hub('strict'), stage.spoke('acme')]);
  await stage.pair(patient, spoke, stage.grant({ hubLost: 'continue' }));
  await stage.pair(strict, spoke, stage.grant({ hubLost: { stopAfterS } }));
}, 120_000);
afterAll(() => stage.close(), 60_000);

async function begun(hub: Player, marker: number): Promise<string> {
  const { agentId } = await stage.spawn(hub, 'acme', `echo ready; exec sleep ${marker}`);
  await stage.running(hub, agentId);
  expect(stage.watch(spoke, String(marker)).length).toBeGreaterThan(0);
  return agentId;
}

const stateOf = async (at: Player, agentId: string) => (await at.client.agents.get(agentId)).state;

test(`[F-13] [O-6] of hubs that are gone for ${awayMs / 1_000} s each agent gets what its grant says`, async () => {
  const [lasting, leased] = [await begun(patient, 86428), await begun(strict, 86429)];
  const gone = performance.now();
  await Promise.all([patient, strict].map((hub) => hub.away('SIGKILL')));
  await until(
    'the time to pass',
    async () => {
      const ended = (await stateOf(spoke, leased)) !== 'running';
      return ended || performance.now() - gone > awayMs + 10_000 * Number(soak);
    },
    awayMs + 60_000,
  );
  const awayFor = performance.now() - gone;
  expect([await stateOf(spoke, lasting), await stateOf(spoke, leased)]).toEqual([
    'running',
    soak ? 'failed' : 'running',
  ]);
  if (soak) expect(awayFor).toBeGreaterThan(awayMs - 2_000);

  await Promise.all([patient, strict].map((hub) => hub.back()));
  // The longer nobody was there, the longer the spoke waits before it dials again: up to a minute.
  for (const { client } of [patient, strict])
    await until('it is dialled again', async () => (await client.spokes.get('acme')).connected, 90_000);
  for (const hub of [patient, strict]) await stage.connected(hub, spoke);
  expect(await stateOf(patient, lasting)).toBe('running');
  if (soak) {
    expect(await stage.ended(strict, leased)).toMatchObject({
      state: 'failed',
      exitReason: 'connection_lost',
      reason: `The hub was not heard for ${stopAfterS} s.`,
    });
    expect(
      stage
        .survivors()
        .map(({ command }) => command)
        .filter((command) => command.includes('86429')),
    ).toEqual([]);
  } else expect(await stateOf(strict, leased)).toBe('running');
  expect(await strict.client.kill.latches()).toEqual([]);
  expect((await stage.ended(strict, (await stage.spawn(strict, 'acme', 'echo again')).agentId)).state).toBe(
    'completed',
  );
}, 180_000);
