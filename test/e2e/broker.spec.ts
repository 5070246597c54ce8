// A hub and a spoke as processes with nothing between them but a broker, which knows both by secrets and lets each speak and
// hear only what docs/protocol.md says it has to.
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { Identity } from '#federation';
import { Federation, type Player } from '../support/federation.js';
import { natsRequirement, startNats, type NatsServer } from '../support/nats.js';
import { requirement } from '../support/require.js';
import { selfSigned } from '../support/tls-door.js';
import { until } from '../support/until.js';

const here = requirement(...natsRequirement);
const password = `pw-${'q7'.repeat(12)}`;
const seed = nkeys.createUser();
const seedText = Buffer.from(seed.getSeed()).toString();
let stage: Federation;
let broker: NatsServer;
let hub: Player;
let spoke: Player;

/** The keys of an instance that has not started yet: the broker's permissions name its id. */
function idOf(name: string): string {
  const stateDir = join(stage.folder, name);
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  return Identity.open(join(stateDir, 'keys')).id;
}

function permissions(hubId: string, spokeId: string): string {
  const may = (publish: string, subscribe: string) =>
    `permissions: { publish: ["${publish}"], subscribe: ["${subscribe}"] }`;
  const hubMay = may('writ.v1.spoke.>', `writ.v1.hub.${hubId}.>`);
  const spokeMay = may(`writ.v1.hub.${hubId}.>`, `writ.v1.spoke.${spokeId}.>`);
  return `authorization: { users: [
    { user: hub, password: "${password}", ${hubMay} },
    { nkey: ${seed.getPublicKey()}, ${spokeMay} } ] }`;
}

beforeAll(async () => {
  if (!natsRequirement[1]) return;
  stage = await Federation.open();
  const { key, cert } = selfSigned();
  const tls = (folder: string) => `tls: { cert_file: "${folder}/cert.pem", key_file: "${folder}/key.pem" }`;
  const allowed = permissions(idOf('hub'), idOf('spoke'));
  broker = await startNats((folder) => `${tls(folder)}\n${allowed}`, { 'cert.pem': cert, 'key.pem': key });
  stage.afterwards(() => broker.dispose());
  const [ca, secretFile] = [join(stage.folder, 'authority.pem'), join(stage.folder, 'broker.password')];
  writeFileSync(ca, cert);
  writeFileSync(secretFile, `${password}\n`, { mode: 0o600 });
  const url = broker.url.replace('nats:', 'tls:');
  const atHub = { url, auth: 'password', user: 'hub', secretFile };
  const atSpoke = { url, auth: 'nkey', secretEnv: 'NATS_SEED' };
  [hub, spoke] = await Promise.all([
    stage.hub('hub', { publicUrl: 'https://hub.invalid', broker: atHub, ca }),
    stage.spoke('spoke', { broker: atSpoke, ca }, { NATS_SEED: seedText }),
  ]);
}, 120_000);
afterAll(async () => {
  if (natsRequirement[1]) await stage.close();
}, 120_000);

const checked = async (player: Player) => (await player.client.instance()).checks.find(({ name }) => name === 'broker');
const isConnected = async () =>
  (await hub.client.spokes.get('spoke')).connected && (await spoke.client.hubs.get('hub')).connected;

describe('a hub and a spoke that meet at a broker', () => {
  here(
    'pair over it, and both show the link',
    async () => {
      const { invite } = await hub.client.invites.create({ broker: true });
      const looked = await spoke.client.hubs.inspect(invite);
      expect(looked).toMatchObject({ url: 'https://hub.invalid', broker: broker.url.replace('nats:', 'tls:') });
      await spoke.client.hubs.join({ invite, grant: stage.grant() });
      await hub.client.spokes.accept('spoke');
      await stage.connected(hub, spoke);
      expect((await hub.client.spokes.get('spoke')).link).toEqual({ kind: 'broker' });
      expect((await spoke.client.hubs.get('hub')).link).toEqual({ kind: 'broker' });
      expect([await checked(hub), await checked(spoke)]).toMatchObject([{ outcome: 'ok' }, { outcome: 'ok' }]);
    },
    120_000,
  );

  here(
    'carry a spawn, its output, and a kill that leaves nothing alive',
    async () => {
      const done = await stage.spawn(hub, 'spoke', 'for n in 1 2 3; do echo "line $n"; done');
      expect((await stage.ended(hub, done.agentId)).state).toBe('completed');
      expect((await hub.client.agents.readOutput(done.agentId)).text).toBe('line 1\nline 2\nline 3\n');
      const { agentId } = await stage.spawn(hub, 'spoke', 'echo ready; exec sleep 86412');
      await stage.running(hub, agentId);
      await until('it runs', () => stage.watch(spoke, '86412').length > 0);
      const { report, pending } = await hub.client.agents.kill(agentId, 'enough', 30);
      expect({ report, pending }).toMatchObject({ report: { killed: [agentId], survivors: 0 }, pending: [] });
      expect(stage.survivors()).toEqual([]);
    },
    120_000,
  );

  here(
    '[F-13] say both that the broker is away, and lose nothing of what goes on meanwhile',
    async () => {
      const script = 'echo ready; for n in $(seq 1 50); do echo "line $n"; sleep 0.02; done; exec sleep 86413';
      const { agentId } = await stage.spawn(hub, 'spoke', script);
      await stage.running(hub, agentId);
      await broker.kill();
      await until(
        'both have noticed',
        async () => !(await isConnected()) && (await checked(spoke))?.outcome === 'warning',
      );
      expect(await checked(hub)).toMatchObject({
        outcome: 'warning',
        detail: expect.stringContaining('is away since'),
      });
      expect((await hub.client.spokes.get('spoke')).connected).toBe(false);
      expect((await spoke.client.hubs.get('hub')).connected).toBe(false);
      const said = async (at: Player) => (await at.client.agents.readOutput(agentId)).text;
      await until('the agent goes on', async () => (await said(spoke)).includes('line 50\n'));
      const local = await spoke.client.agents.kill(agentId, 'while nobody hears', 30);
      expect(local.report.survivors).toBe(0);
      const late = await hub.client.agents.spawn(stage.job('spoke', 'echo late', { taskId: 'late' }), { waitS: 0 });
      if (!('pending' in late)) throw new Error('nobody can have answered');
      await broker.start();
      await stage.connected(hub, spoke);
      expect((await stage.ended(hub, agentId)).state).toBe('killed');
      const lines = Array.from({ length: 50 }, (_, n) => `line ${n + 1}\n`).join('');
      expect(await said(hub)).toBe(`ready\n${lines}`);
      const { agentId: lateId = '' } = late.pending;
      await until('the hub hears of it', () => hub.client.agents.get(lateId).catch(() => undefined), 60_000);
      expect((await stage.ended(hub, lateId)).state).toBe('completed');
      expect((await spoke.client.agents.list({ taskId: 'late' })).agents.length).toBe(1);
      const seqs = async () => [
        (await hub.client.spokes.get('spoke')).journal,
        (await spoke.client.hubs.get('hub')).journal,
      ];
      await until('both journals end alike', async () => {
        const [atHub, atSpoke] = await seqs();
        return atHub !== undefined && atHub.seq === atSpoke?.seq && atHub.epoch === atSpoke.epoch;
      });
    },
    120_000,
  );

  here(
    '[F-14] find each other again when the hub was killed, and end as one when it closes',
    async () => {
      await hub.restart('SIGKILL');
      await stage.connected(hub, spoke);
      const next = await stage.spawn(hub, 'spoke', 'echo again');
      expect((await stage.ended(hub, next.agentId)).state).toBe('completed');
      await hub.client.spokes.close('spoke', { reason: 'the story is over' });
      await until('the spoke knows', async () => (await spoke.client.hubs.get('hub')).state === 'closed', 20_000);
    },
    120_000,
  );

  here('[L-9] and no secret of theirs stands in a log', () => {
    for (const { instance } of [hub, spoke]) {
      const log = instance.log.join('');
      expect(log.includes(password) || log.includes(seedText)).toBe(false);
    }
  });
});
