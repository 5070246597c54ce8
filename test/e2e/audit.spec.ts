// What two instances said to each other, exported from real processes and verified with nothing but two thumbprints.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditReport } from '#protocol';
import { Federation, refusal, type Player } from '../support/federation.js';
import { until } from '../support/until.js';
import { writ } from '../support/writ.js';

let stage: Federation;
let hub: Player;
let spoke: Player;
let thumbprints: string[];
const files = { hub: '', spoke: '' };
const audit = { checkpointEveryMs: 1_000 };

beforeAll(async () => {
  stage = await Federation.open();
  [hub, spoke] = await Promise.all([stage.hub('hub', { audit }), stage.spoke('near', { audit })]);
  await stage.pair(hub, spoke);
  const [atHub, atSpoke] = [await hub.client.signing.show(), await spoke.client.signing.show()];
  thumbprints = ['--hub', atHub.id, '--spoke', atSpoke.id];
  for (const side of ['hub', 'spoke'] as const) files[side] = join(stage.room('exports'), `${side}.jsonl`);
}, 120_000);
afterAll(() => stage.close(), 60_000);

const cli = (player: Player, ...args: string[]) =>
  writ(['--on', player.instance.options.role, '--state', player.instance.options.stateDir, ...args]);
const verify = async (...more: string[]) => {
  const { code, out, err } = await writ(['audit', 'verify', ...more, ...thumbprints, '-o', 'json'], {
    env: { WRIT_URL: '' },
  });
  return { code, err, report: (code === 2 || code === 3 ? undefined : JSON.parse(out)) as AuditReport };
};
let exports = 0;
const exported = async (player: Player) => {
  const file = join(stage.room('exports'), `${player.name}-${(exports += 1)}.jsonl`);
  expect(await cli(player, 'audit', 'export', player === hub ? 'near' : 'hub', file)).toMatchObject({ code: 0 });
  return file;
};
const lines = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n');

test('both logs verify offline, with keys exchanged and both sides stopped in between, and each vouches for the other', async () => {
  for (const alg of ['ES256', 'Ed25519'] as const) {
    const { agentId } = await stage.spawn(hub, 'near', 'echo done');
    expect((await stage.ended(hub, agentId)).state).toBe('completed');
    for (const player of [hub, spoke]) await player.client.signing.rotate({ alg, reason: 'story' });
  }
  await spoke.restart('SIGTERM');
  await hub.restart('SIGKILL');
  await stage.connected(hub, spoke);
  await stage.ended(hub, (await stage.spawn(hub, 'near', 'echo again')).agentId);
  for (const player of [hub, spoke]) {
    await until(
      'a countersignature',
      async () => {
        files[player === hub ? 'hub' : 'spoke'] = await exported(player);
        const { report } = await verify(files[player === hub ? 'hub' : 'spoke']);
        expect(report.findings).toEqual([]);
        return report.countersignedThrough > 20;
      },
      60_000,
    );
  }
  expect(statSync(files.hub).mode & 0o077).toBe(0);
  expect(await verify(files.hub)).toMatchObject({ code: 0, report: { ok: true, by: 'hub', unproven: 0 } });
  // Exports of different moments are compared as far as both go.
  expect(await verify(files.hub, await exported(spoke))).toMatchObject({ code: 0 });
}, 180_000);

test('a row that is edited, dropped, added or swapped is named, and so is an end that is cut off', async () => {
  const [all, file] = [lines(files.hub), join(stage.room('exports'), 'tampered.jsonl')];
  const edit = all[6]!.replace(
    /eyJ(.{5})(.)/,
    (_, start: string, one: string) => `eyJ${start}${one === 'a' ? 'b' : 'a'}`,
  );
  const ways: [string, number, string[]][] = [
    ['edited', 6, all.with(6, edit)],
    ['dropped', 9, all.toSpliced(9, 1)],
    ['added', 4, all.toSpliced(5, 0, all[4]!)],
    ['swapped', 7, all.with(7, all[8]!).with(8, all[7]!)],
    ['cut', all.length - 4, all.toSpliced(-4, 3)],
    ['cut', 12, all.slice(0, 12)],
  ];
  for (const [fault, row, tampered] of ways) {
    writeFileSync(file, `${tampered.join('\n')}\n`);
    const { code, report } = await verify(file);
    expect([code, report.findings.map((one) => [one.fault, one.row])]).toEqual([1, [[fault, row]]]);
  }
}, 120_000);

test('a file of others, and one that is none, are told apart from one that was tampered with', async () => {
  const [option, id] = [thumbprints[0]!, thumbprints[1]!];
  const other = ['audit', 'verify', files.hub, '--hub', thumbprints[3]!, '--spoke', id];
  expect(await writ(other)).toMatchObject({ code: 3, err: expect.stringContaining('another connection') });
  const none = join(stage.room('exports'), 'none.jsonl');
  writeFileSync(none, '{}\n');
  expect(await verify(none)).toMatchObject({ code: 2 });
  expect(await writ(['audit', 'verify', files.hub, option, 'short', '--spoke', id])).toMatchObject({ code: 2 });
});

test('[F-12] the log is for admins, of known peers only, and that it was taken is an act', async () => {
  const { key } = await hub.client.keys.create({ name: 'operates', role: 'operator' });
  const answer = await fetch(`${hub.instance.url}/v1/audit?peer=near`, { headers: { authorization: `Bearer ${key}` } });
  expect(answer.status).toBe(403);
  expect(await refusal(hub.client.audit.export('nobody'))).toMatchObject({ code: 'not_found' });
  expect(await hub.client.audit.alarms()).toEqual([]);
});
