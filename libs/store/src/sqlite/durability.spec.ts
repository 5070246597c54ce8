// What the store has acknowledged survives the death of its process, and what it has not is there whole or not at all.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Store, StreamRecord } from '../store.js';
import { openSqliteStore } from './sqlite.store.js';

const child = fileURLToPath(new URL('./durability.child.mjs', import.meta.url));

/** Runs the child until it has acknowledged so many commits, kills it in the midst of the next, and tells all that it acknowledged. */
async function killAfter(count: number, path: string, from: number, inFlight: number): Promise<number[]> {
  const writer = spawn(process.execPath, [child, path, `${from}`, `${inFlight}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(writer, 'close');
  let output = '';
  for await (const chunk of writer.stdout.setEncoding('utf8')) {
    output += chunk as string;
    if (output.split('\n').length > count) writer.kill('SIGKILL');
  }
  expect((await closed)[1]).toBe('SIGKILL');
  return output.split('\n').slice(0, -1).map(Number);
}

async function wholeStream(store: Store): Promise<StreamRecord<number>[]> {
  const all: StreamRecord<number>[] = [];
  for (;;) {
    const page = await store.read<number>(['events'], { after: all.length });
    if (page.length === 0) return all;
    all.push(...page);
  }
}

describe('durability on SQLite', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-durable-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('[L-3] [L-4] [S-5] after each of three SIGKILLs every acknowledged commit is there, and every commit is whole', async () => {
    const path = join(folder, 'store.db');
    const acknowledged: number[] = [];
    for (const [from, inFlight] of [
      [1, 1],
      [100_000, 16],
      [200_000, 64],
    ] as const)
      acknowledged.push(...(await killAfter(40 * inFlight, path, from, inFlight)));

    const store = await openSqliteStore({ path });
    const events = await wholeStream(store);
    expect(events.map(({ cursor }) => cursor)).toEqual(events.map((_, i) => i + 1));
    const committed = events.map(({ value }) => value).filter((n) => n > 0);
    expect(events.map(({ value }) => value)).toEqual(committed.flatMap((n) => [n, -n]));
    for (const n of committed) expect((await store.get(['state', `${n}`]))?.value).toBe(n);
    const known = new Set(committed);
    expect(acknowledged.filter((n) => !known.has(n))).toEqual([]);
    await store.close();
  });

  test('four processes that open a new store at the same moment all get in, and share one incarnation and one stream', async () => {
    const path = join(folder, 'new', 'store.db');
    const runs = await Promise.all([1, 2, 3, 4].map((n) => killAfter(10, path, n * 100_000, 2)));
    const store = await openSqliteStore({ path });
    const events = await wholeStream(store);
    expect(events.map(({ cursor }) => cursor)).toEqual(events.map((_, i) => i + 1));
    const known = new Set(events.map(({ value }) => value));
    expect(runs.flat().filter((n) => !known.has(n))).toEqual([]);
    await store.close();
  });
});
