// The keys of hub and spoke in real processes: exchanged under traffic, revoked at once, kept where nobody else reads.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyAlgorithm, SigningKeys } from '#protocol';
import { Instance } from '../support/instance.js';
import { Federation, refusal, type Player } from '../support/federation.js';
import { soak } from '../support/soak.js';
import { until } from '../support/until.js';
import { writ } from '../support/writ.js';

let stage: Federation;
let hub: Player;
let spoke: Player;
/** The one that is robbed of its keys: nobody has rotated them again and again before. */
let lost: Player;

beforeAll(async () => {
  stage = await Federation.open();
  [hub, spoke] = await Promise.all([stage.hub(), stage.spoke('near')]);
  await stage.pair(hub, spoke);
}, 120_000);
afterAll(() => stage.close(), 60_000);

const reason = 'the year is over';
const cli = (player: Player, ...args: string[]) =>
  writ(['--on', player.instance.options.role, '--state', player.instance.options.stateDir, ...args]);
const signing = async (player: Player) => (await player.client.signing.show()).keys.find((key) => key.signing)!;
/** Four pairs of algorithms each; a statement has room for fifteen rotations in ten minutes. */
const rounds = soak ? 12 : 1;

test('each side rotates again and again while statuses and spawns go on, and not one command fails', async () => {
  const { agentId } = await stage.spawn(hub, 'near', 'echo ready; exec sleep 86421');
  await stage.running(hub, agentId);
  let on = true;
  const failures: unknown[] = [];
  const done = { status: 0, spawn: 0 };
  const repeat = async (what: keyof typeof done, work: () => Promise<unknown>) => {
    while (on) {
      await work().then(
        () => (done[what] += 1),
        (error: unknown) => failures.push(what, error),
      );
    }
  };
  const status = () => hub.client.agents.readOutput(agentId);
  const all = [
    repeat('status', status),
    repeat('status', status),
    repeat('spawn', () => stage.spawn(hub, 'near', 'true')),
  ];
  const pairs: [KeyAlgorithm, KeyAlgorithm][] = [
    ['ES256', 'ES256'],
    ['ES256', 'Ed25519'],
    ['Ed25519', 'ES256'],
    ['Ed25519', 'Ed25519'],
  ];
  const kids = new Set<string>();
  for (let round = 0; round < rounds; round += 1) {
    for (const [atHub, atSpoke] of pairs) {
      const before = { ...done };
      for (const [player, alg] of [
        [hub, atHub],
        [spoke, atSpoke],
      ] as const) {
        const { code } = await refusal(player.client.signing.rotate({ alg, reason }));
        expect(['ok', 'rate_limited']).toContain(code);
        kids.add((await signing(player)).kid);
      }
      await until(
        'traffic to go on under the new keys',
        () => done.status > before.status + 3 && done.spawn > before.spawn,
        60_000,
      );
    }
  }
  on = false;
  await Promise.all(all);
  expect(failures).toEqual([]);
  expect(kids.size).toBeGreaterThanOrEqual(8);
  await hub.client.agents.kill(agentId, 'enough');
  const refused = [...hub.instance.log, ...spoke.instance.log].filter((line) => line.includes('was refused'));
  expect(refused).toEqual([]);
}, 300_000);

test('a key that signs is revoked on either side: commands go on under another, and both remember it after a restart', async () => {
  for (const player of [hub, spoke]) {
    const { kid, alg } = await signing(player);
    const ran = await cli(player, 'keys', 'revoke', kid, '--reason', 'seen elsewhere', '-o', 'json');
    expect(ran).toMatchObject({ code: 0 });
    const shown = JSON.parse(ran.out) as SigningKeys;
    expect(shown.revoked.map((one) => one.kid)).toContain(kid);
    expect(shown.keys.find((key) => key.signing)).toMatchObject({ alg });
    expect(shown.keys.map((key) => key.kid)).not.toContain(kid);
    const { agentId } = await stage.spawn(hub, 'near', 'true');
    expect((await stage.ended(hub, agentId)).state).toBe('completed');
    await player.restart('SIGKILL');
    await stage.connected(hub, spoke);
    expect((await player.client.signing.show()).revoked.map((one) => one.kid)).toContain(kid);
    expect(await refusal(player.client.signing.revoke({ kid, reason }))).toMatchObject({ code: 'not_found' });
  }
}, 120_000);

test('a viewer sees the keys and changes none', async () => {
  const { key } = await hub.client.keys.create({ name: 'looks', role: 'viewer' });
  const as = (method: string, path: string, body?: object) =>
    fetch(`${hub.instance.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
  const seen = await as('GET', '/v1/identity');
  expect(seen.status).toBe(200);
  expect(await seen.text()).not.toMatch(/"d":/);
  for (const what of ['rotate', 'park'])
    expect((await as('POST', `/v1/identity/${what}`, { reason })).status).toBe(403);
});

test('a root key that is taken away signs elsewhere, and comes back as a statement', async () => {
  lost = await stage.spoke('lost');
  await stage.pair(hub, lost);
  const room = stage.room('offline');
  const [rootFile, ask] = [join(room, 'root.json'), join(room, 'ask.json')];
  expect(await cli(lost, 'keys', 'export', '--root', rootFile)).toMatchObject({ code: 0 });
  const identity = readFileSync(join(lost.instance.options.stateDir, 'keys', 'identity.json'), 'utf8');
  expect(identity).not.toContain((JSON.parse(readFileSync(rootFile, 'utf8')) as { d: string }).d);
  const before = await signing(lost);
  expect((await cli(lost, 'keys', 'rotate', '--alg', 'ES256')).out).toContain(before.kid);
  expect(await cli(lost, 'keys', 'export', ask)).toMatchObject({ code: 0 });
  const signed = await writ(['keys', 'sign', ask, '--root', rootFile]);
  const statement = join(room, 'statement.txt');
  writeFileSync(statement, signed.out);
  expect(await cli(lost, 'keys', 'import', statement)).toMatchObject({ code: 0 });
  expect(await signing(lost)).toMatchObject({ alg: 'ES256' });
  expect((await stage.spawn(hub, 'lost', 'true')).state).toBeDefined();
  chmodSync(rootFile, 0o644);
  expect(await writ(['keys', 'sign', ask, '--root', rootFile])).toMatchObject({
    code: 2,
    err: expect.stringContaining('chmod 600'),
  });
}, 120_000);

test('[F-14] an instance whose keys are lost is another one, and is paired with again under the same name', async () => {
  const old = (await hub.client.spokes.get('lost')).id;
  await lost.away('SIGTERM');
  rmSync(lost.instance.options.stateDir, { recursive: true });
  await lost.back();
  await hub.client.spokes.close('lost', { reason: 'its keys are lost' });
  await stage.pair(hub, lost);
  const { id, state } = await hub.client.spokes.get('lost');
  expect([id === old, state]).toEqual([false, 'active']);
}, 120_000);

describe.each(['hub', 'spoke'] as const)('a %s', (role) => {
  test.each([0o755, 0o644, 0o750])(
    'whose folder of keys has the mode %o does not start, and says what to do',
    async (mode) => {
      const stateDir = stage.room(`${role}-${mode.toString(8)}`);
      const keys = join(stateDir, 'keys');
      mkdirSync(keys, { mode: 0o700 });
      chmodSync(keys, mode);
      const start = Instance.start({ role, name: 'open', stateDir });
      await expect(start).rejects.toThrow(
        `config_invalid: Keys are kept there and others could read them: run \`chmod 700 ${keys}\`.`,
      );
    },
    120_000,
  );
});
