// What an agent leaves, at the hub: its branch as a bundle and its output, over a link that is cut in the middle; and the branch in the
// clone of whoever asked for it.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AgentResource } from '#protocol';
import { Federation, refusal, type Player } from '../support/federation.js';
import { Tap, type Frame } from '../support/tap.js';
import { until } from '../support/until.js';
import { writ } from '../support/writ.js';

let stage: Federation;
let hub: Player;
let spoke: Player;
let agent: AgentResource;
let tap: Tap;

const as = 'git -c user.name=A -c user.email=a@example.org';
/** Text that does not pack well, so that the branch has several pieces; and output that the journal does not carry. */
const script = `
seq 1 130000 | awk '{ printf "%d\\n", ($1 * 7919 + $1 * $1 * 104729) % 2147483647 }' > numbers
git add numbers; ${as} commit -qm 'Numbers'; echo left > left
seq 1 60000`;
const said = Array.from({ length: 60_000 }, (_, n) => `${n + 1}\n`).join('');

const payload = ({ text }: Frame) => Buffer.from(text.split('.')[1] ?? '', 'base64url').toString();
const answers = (word: string, offset: number) => (frame: Frame) =>
  frame.direction === 'to-hub' && payload(frame).includes(word) && payload(frame).includes(`"offset":${offset}`);
const asked = (word: string) => tap.frames.filter((one) => one.direction === 'to-spoke' && payload(one).includes(word));

async function downloaded(player: Player, agentId = agent.agentId) {
  const { content, ...facts } = await player.client.agents.bundle(agentId);
  const hash = createHash('sha256');
  for await (const chunk of content) hash.update(chunk);
  return { ...facts, hashed: hash.digest('base64url') };
}

beforeAll(async () => {
  stage = await Federation.open();
  tap = new Tap();
  stage.afterwards(() => tap.close());
  hub = await stage.hub('hub', { publicUrl: await tap.open() });
  tap.aim(hub.instance.url);
  spoke = await stage.spoke('spoke', { agents: { graceMs: 1_000, outputInlineBytesMax: 1_000 } });
  await stage.pair(hub, spoke);
  const { agentId } = await stage.spawn(hub, spoke.name, script);
  agent = await stage.ended(hub, agentId, 40_000);
}, 120_000);
afterAll(() => stage.close(), 60_000);

describe('the branch of an agent', () => {
  test('[O-1] comes to the hub whole over a link that is cut in the middle, and nothing of it twice', async () => {
    expect(agent).toMatchObject({ state: 'completed', result: { commit: expect.any(String) } });
    tap.cutAt(answers('"kind":"bundle"', 262_144));
    const at = await downloaded(hub);
    expect(at).toMatchObject({ commit: agent.result?.commit, hashed: at.sha256 });
    expect(at.bytes).toBeGreaterThan(2 * 262_144);
    const offsets = asked('"kind":"bundle"').map((one) => /"offset":(\d+)/.exec(payload(one))?.[1]);
    expect(offsets.filter((offset) => offset === '262144')).toHaveLength(2);
    expect(offsets).toHaveLength(Math.ceil(at.bytes / 262_144) + 1);
  }, 120_000);

  test('is the same on the spoke, and on the hub also while the spoke is away and after a restart of the hub', async () => {
    const { sha256, hashed } = await downloaded(spoke);
    expect(hashed).toBe(sha256);
    await spoke.away('SIGTERM');
    await hub.restart('SIGTERM');
    const kept = await downloaded(hub);
    expect(kept).toMatchObject({ commit: agent.result?.commit, hashed: kept.sha256 });
    await spoke.back();
    tap.aim(hub.instance.url);
    await stage.connected(hub, spoke);
  }, 120_000);

  test('[F-12] of an agent that nobody knows, or that left none, there is none', async () => {
    const unknown = '00000000-0000-8000-8000-000000000000';
    expect((await refusal(hub.client.agents.bundle(unknown))).code).toBe('not_found');
    const { agentId } = await stage.spawn(hub, spoke.name, 'true');
    await stage.ended(hub, agentId);
    expect((await refusal(hub.client.agents.bundle(agentId))).code).toBe('not_found');
    expect(readdirSync(join(hub.instance.options.stateDir, 'bundles')).filter((one) => one.includes(agentId))).toEqual(
      [],
    );
  }, 120_000);

  test('`writ fetch` makes it a branch of the clone it is called in: no hook runs, and nothing else changes', async () => {
    const clone = join(stage.folder, 'clone');
    const git = (...args: string[]) => execFileSync('git', ['-C', clone, ...args], { encoding: 'utf8' }).trim();
    execFileSync('git', ['clone', '--quiet', fileURLToPath(stage.repository), clone]);
    const touched = join(stage.folder, 'touched');
    for (const hook of ['reference-transaction', 'post-checkout', 'post-merge', 'pre-auto-gc'])
      writeFileSync(join(clone, '.git', 'hooks', hook), `#!/bin/sh\ntouch ${touched}\n`, { mode: 0o755 });
    const env = { WRIT_URL: hub.instance.url, WRIT_API_KEY: hub.instance.key };
    const fetch = (...args: string[]) => writ(['fetch', agent.agentId, ...args], { env, cwd: clone });
    expect(await fetch('-o', 'json')).toMatchObject({ code: 0, err: '' });
    expect(git('rev-parse', `writ/${agent.agentId}`)).toBe(agent.result?.commit);
    expect(git('log', '--format=%s', `main..writ/${agent.agentId}`).split('\n').at(-1)).toBe('Numbers');
    expect(git('status', '--porcelain', '--branch')).toBe('## main...origin/main');
    expect(existsSync(touched)).toBe(false);
    expect(await fetch('--branch', 'main')).toMatchObject({ code: 2, err: expect.stringContaining('--branch') });
    expect(git('rev-parse', 'main')).not.toBe(agent.result?.commit);
    expect(await fetch('--bundle', 'work.bundle')).toMatchObject({ code: 0 });
    expect(git('bundle', 'verify', '--quiet', join(clone, 'work.bundle'))).toBe('');
    const bare = join(stage.folder, 'empty');
    execFileSync('git', ['init', '--quiet', bare]);
    const lacks = await writ(['fetch', agent.agentId], { env, cwd: bare });
    expect(lacks).toMatchObject({ code: 2, err: expect.stringContaining('lacks') });
  }, 120_000);
});

test('a report is the same on hub and spoke, as JSON and as text', async () => {
  const [at, there] = [await hub.client.agents.report(agent.agentId), await spoke.client.agents.report(agent.agentId)];
  // The hub knows the moment of the event, the spoke that of its record.
  const own = { spoke: undefined, endedAt: undefined };
  expect({ ...at, ...own }).toEqual({ ...there, ...own });
  expect(at).toMatchObject({ state: 'completed', commit: agent.result?.commit, spoke: { name: 'spoke' } });
  const text = await hub.call('GET', `/v1/agents/${agent.agentId}/report`, undefined, { accept: 'text/markdown' });
  expect(text.text).toContain(`# worker ${agent.agentId}: completed (finished)`);
  expect((await refusal(hub.client.agents.report('00000000-0000-8000-8000-000000000000'))).code).toBe('not_found');
});

test('[O-2] output that only the spoke has comes over a cut link from where it was: no byte lost, none twice', async () => {
  const texts: string[] = [];
  const before = tap.closings.length;
  for await (const { text } of hub.client.agents.output(agent.agentId, undefined, AbortSignal.timeout(40_000))) {
    texts.push(text);
    if (texts.length === 2) tap.cutAt((frame) => frame.direction === 'to-hub' && payload(frame).includes('"text":"'));
  }
  expect(texts.join('') === said).toBe(true);
  await until('the link was cut', () => tap.closings.length > before || undefined);
}, 120_000);
