// An agent that talks more than memory can hold, through a real spoke: what it says is on disk, up to its limit, and the spoke stays small.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTerminal } from '#protocol';
import { Federation, type Player } from '../support/federation.js';
import { soak } from '../support/soak.js';

const mebibyte = 2 ** 20;
const bytes = soak ? 10e9 : 512 * mebibyte;
const timeMs = soak ? 3_600_000 : 240_000;
const lookEveryMs = 200;
/** Garbage that nobody has collected yet; it is as much after ten gigabytes as after one. */
const breathBytes = 384 * mebibyte;

let stage: Federation;
let spoke: Player;
beforeAll(async () => {
  stage = await Federation.open();
  spoke = await stage.spoke('talk');
}, 120_000);
afterAll(() => stage.close(), 60_000);

function memory(): number {
  const status = readFileSync(`/proc/${spoke.instance.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1_024;
}

/** An agent that says so much under that limit, and the most memory that the spoke had meanwhile. */
async function talk(bytes: number, outputBytesMax: number) {
  const options = { runtime: 'shell', limits: { outputBytesMax } };
  const { agentId } = await stage.spawn(spoke, undefined, `yes some more words | head -c ${bytes}`, { options });
  let peakBytes = 0;
  while (!isTerminal((await spoke.client.agents.get(agentId)).state)) {
    await sleep(lookEveryMs);
    peakBytes = Math.max(peakBytes, memory());
  }
  const agent = await stage.ended(spoke, agentId);
  const spool = statSync(join(spoke.instance.options.stateDir, 'agents', 'output', agentId)).size;
  return { agent, spool, peakBytes };
}

test(
  `[O-1] ${bytes / 1e6} MB of output are all on disk, and the spoke is no larger for it`,
  async () => {
    const before = memory();
    const { agent, spool, peakBytes } = await talk(bytes, 10 * 2 ** 30);
    expect(agent).toMatchObject({ state: 'completed', outputBytes: bytes });
    expect(spool).toBe(bytes);
    expect(peakBytes - before).toBeLessThan(breathBytes);
    process.stdout.write(`${bytes / 1e6} MB of output: ${Math.round((peakBytes - before) / mebibyte)} MiB of memory\n`);
  },
  timeMs,
);

test(
  '[O-4] what an agent says beyond its limit is not on disk, but for its end; a line says how much is missing, and its work counts',
  async () => {
    const before = memory();
    const { agent, spool, peakBytes } = await talk(64 * mebibyte, 8 * mebibyte);
    expect(agent).toMatchObject({ state: 'completed', outputBytes: spool });
    expect(spool).toBeLessThanOrEqual(8 * mebibyte);
    expect(spool).toBeGreaterThan(8 * mebibyte - 64);
    const { dropped } = await spoke.client.agents.readOutput(agent.agentId);
    const line = `\n[${dropped} bytes were dropped here]\n`;
    expect(spool - line.length + dropped).toBe(64 * mebibyte);
    expect((await spoke.client.agents.readOutput(agent.agentId, String(spool - 65_536))).text).toContain(line);
    expect(peakBytes - before).toBeLessThan(breathBytes);
  },
  timeMs,
);
