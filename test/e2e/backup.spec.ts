// A spoke is backed up, goes on, is lost, and is made anew of its backup: with real processes, and an eavesdropper on the wire.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Federation, refusal, type Player } from '../support/federation.js';
import { Tap } from '../support/tap.js';
import { until } from '../support/until.js';
import { writ } from '../support/writ.js';

let stage: Federation;
let hub: Player;
let spoke: Player;
let connection: string;
const tap = new Tap();

beforeAll(async () => {
  stage = await Federation.open();
  const publicUrl = await tap.open();
  stage.afterwards(() => tap.close());
  [hub, spoke] = await Promise.all([stage.hub('hub', { publicUrl }), stage.spoke('north')]);
  tap.aim(hub.instance.url);
  connection = await stage.pair(hub, spoke);
}, 120_000);
afterAll(() => stage.close(), 60_000);

const part = (token: string, n: number) =>
  JSON.parse(Buffer.from(token.split('.')[n] ?? '', 'base64url').toString()) as Record<string, unknown>;

const done = async (script: string) => {
  const { agentId } = await stage.spawn(hub, 'north', script);
  expect((await stage.ended(hub, agentId)).state).toBe('completed');
  return agentId;
};

/** The journal of the connection as each side shows it. */
const journals = async () => {
  const [atHub, atSpoke] = await Promise.all([hub.client.spokes.get('north'), spoke.client.hubs.get('hub')]);
  return { atHub: atHub.journal!, atSpoke: atSpoke.journal! };
};
/** Both sides know of the same epoch, and the hub has all of it. */
const agreed = () =>
  until('both sides to agree', async () => {
    const both = await journals();
    return both.atHub.epoch === both.atSpoke.epoch && both.atHub.seq === both.atSpoke.seq ? both : undefined;
  });

test('a spoke made of its backup begins a new epoch that the hub shows; commands work, and old ones are refused', async () => {
  const { stateDir } = spoke.instance.options;
  const file = join(stage.folder, 'north.writ');
  const before = await done('echo before');
  const made = await writ(['backup', file, '--state', stateDir, '--on', 'spoke']);
  expect(made).toMatchObject({ code: 0, err: '' });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(stateDir, 'backups'))).toEqual([]);
  expect((await writ(['backup', file, '--state', stateDir, '--on', 'spoke'])).err).toContain('exists already');

  const after = await done('echo after');
  const { agentId: adrift } = await stage.spawn(hub, 'north', 'echo ready; exec sleep 86424');
  await stage.running(hub, adrift);
  const overheard = tap.frames.findLast(({ text }) => JSON.stringify(part(text, 1)).includes('"agent.spawn"'));
  const { atHub: unbroken } = await agreed();
  expect(unbroken.break).toBeUndefined();

  expect((await writ(['restore', file, '--state', stateDir])).code).toBe(2);
  await spoke.away('SIGKILL');
  expect((await writ(['restore', file, '--state', stateDir])).err).toContain('not empty');
  const keys = readFileSync(join(stateDir, 'keys', 'identity.json'));
  renameSync(stateDir, `${stateDir}.lost`);
  const restored = await writ(['restore', file, '--state', stateDir]);
  expect(restored).toMatchObject({ code: 0, err: '' });
  expect(readFileSync(join(stateDir, 'keys', 'identity.json'))).toEqual(keys);
  expect([stateDir, join(stateDir, 'store.sqlite')].map((path) => statSync(path).mode & 0o077)).toEqual([0, 0]);

  await spoke.back();
  await stage.connected(hub, spoke);
  const { atHub, atSpoke } = await agreed();
  expect(atHub.epoch).not.toBe(unbroken.epoch);
  expect(atHub.break).toMatchObject({ epoch: unbroken.epoch, accepted: unbroken.seq });
  expect(atHub.break!.journaled).toBe(atSpoke.break!.journaled);
  expect(atSpoke.break).toMatchObject({ epoch: unbroken.epoch });
  expect(atSpoke.break!.journaled).toBeLessThan(unbroken.seq);
  expect((await writ(['spokes', '--state', hub.instance.options.stateDir])).out).toContain('anew since');
  expect((await spoke.client.agents.get(before)).state).toBe('completed');
  expect(await refusal(spoke.client.agents.get(after))).toMatchObject({ code: 'not_found' });
  expect((await hub.client.agents.get(after)).state).toBe('completed');
  const lost = async () => {
    const agent = await hub.client.agents.get(adrift);
    return agent.state === 'running' ? undefined : agent;
  };
  expect(await until('the hub to know that nobody knows of it', lost, 30_000)).toMatchObject({
    state: 'failed',
    exitReason: 'lost',
    reason: expect.stringContaining('does not know this agent any more'),
  });
  expect((await hub.client.spokes.get('north')).liveAgents).toBe(0);

  const answersFrom = tap.frames.length;
  tap.injectOn(connection, 'to-spoke', overheard!.text);
  const { jti } = part(overheard!.text, 1);
  const answer = await until('a signed no', () =>
    tap.frames
      .slice(answersFrom)
      .filter(({ direction, text }) => direction === 'to-hub' && part(text, 0).typ === 'writ-res+jws')
      .map(({ text }) => part(text, 1))
      .find(({ req }) => (req as { jti?: unknown }).jti === jti),
  );
  expect(answer.err).toBe('session');
  expect((await spoke.client.agents.list({})).agents.map(({ agentId }) => agentId)).toEqual([before]);
  const fresh = await done('echo fresh');
  expect((await spoke.client.agents.list({})).agents.map(({ agentId }) => agentId)).toEqual([fresh, before]);
}, 120_000);

test('what is no backup is refused, and nothing is made of it', async () => {
  const folder = join(stage.folder, 'nothing');
  const refused = await writ(['restore', join(hub.instance.options.stateDir, 'store.sqlite'), '--state', folder]);
  expect(refused).toMatchObject({ code: 2, out: '' });
  expect(refused.err).toContain('cannot be read as a backup');
  expect(() => statSync(folder)).toThrow();
});

test('a hub made of its backup is the same hub: its spoke finds it again, and commands work', async () => {
  const { stateDir } = hub.instance.options;
  const file = join(stage.folder, 'hub.writ');
  const { agentId: lasting } = await stage.spawn(hub, 'north', 'echo ready; exec sleep 86425');
  await stage.running(hub, lasting);
  expect((await writ(['backup', file, '--state', stateDir, '--on', 'hub'])).code).toBe(0);
  const after = await done('echo after the backup of the hub');
  await spoke.client.agents.kill(lasting, 'while the backup lies in its drawer');
  await stage.ended(hub, lasting);
  const lost = await agreed();
  await hub.away('SIGKILL');
  rmSync(stateDir, { recursive: true });
  expect((await writ(['restore', file, '--state', stateDir])).code).toBe(0);
  await hub.back();
  await stage.connected(hub, spoke);
  expect((await spoke.client.agents.get(after)).state).toBe('completed');
  const { atHub, atSpoke } = await agreed();
  expect(atSpoke).toMatchObject({
    epoch: atHub.epoch,
    break: { epoch: lost.atSpoke.epoch, journaled: lost.atSpoke.seq },
  });
  expect(atHub.break).toMatchObject({ epoch: lost.atHub.epoch, journaled: lost.atHub.seq });
  expect(atHub.break!.accepted).toBeLessThan(lost.atHub.seq);
  expect(await stage.ended(hub, lasting)).toMatchObject({
    state: 'killed',
    reason: 'while the backup lies in its drawer',
  });
  await done('echo works');
}, 120_000);
