// Authorities of an admin's own: a hub behind TLS whose certificate only they vouch for, its spoke, and its command line.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Federation, refusal, type Player } from '../support/federation.js';
import { selfSigned, tlsDoor, type TlsDoor } from '../support/tls-door.js';
import { writ } from '../support/writ.js';

let stage: Federation;
let door: TlsDoor;
let hub: Player;
let authority: string;

beforeAll(async () => {
  stage = await Federation.open();
  const pair = selfSigned();
  door = await tlsDoor(pair);
  stage.afterwards(() => door.close());
  authority = join(stage.folder, 'authority.pem');
  writeFileSync(authority, pair.cert);
  hub = await stage.hub('hub', { publicUrl: door.url });
  door.aim(hub.instance.url);
}, 120_000);
afterAll(() => stage.close(), 60_000);

test('a spoke without the setting neither joins nor sends anything; with it, it joins, stays on the line and runs agents', async () => {
  const { invite } = await hub.client.invites.create({});
  const trusting = await stage.spoke('trusting', { ca: authority });
  const wary = await stage.spoke('wary');
  expect(await refusal(wary.client.hubs.join({ invite, grant: stage.grant() }))).toMatchObject({
    code: 'peer_unavailable',
  });
  expect(door.taken()).toBe(0);
  await trusting.client.hubs.join({ invite, grant: stage.grant() });
  await hub.client.spokes.accept('trusting');
  await stage.connected(hub, trusting);
  expect((await trusting.client.hubs.get('hub')).link.url).toContain(door.url);
  const { agentId } = await stage.spawn(hub, 'trusting', 'echo over TLS');
  expect((await stage.ended(hub, agentId)).state).toBe('completed');
}, 120_000);

test('the command line says that it does not trust the certificate, and with --ca or WRIT_CA it does', async () => {
  const asked = (env: Record<string, string>, ...more: string[]) =>
    writ(['spokes', '--url', door.url, ...more], { env: { WRIT_API_KEY: hub.instance.key, ...env } });
  const wary = await asked({});
  expect([wary.code, wary.err]).toEqual([
    5,
    expect.stringMatching(/is not trusted \(.*SELF_SIGNED.*\)\.\n.*--ca FILE/),
  ]);
  expect(await asked({}, '--ca', authority)).toMatchObject({ code: 0, out: expect.stringContaining('trusting') });
  expect(await asked({ WRIT_CA: authority })).toMatchObject({ code: 0 });
  expect(await asked({}, '--ca', '/nowhere.pem')).toMatchObject({ code: 2 });
}, 120_000);
