// The demo as a program runs it: its last line, its exit code, and that nothing stays behind.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { root } from '../support/instance.js';

const run = promisify(execFile);
const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('writ-demo-'));

test('the demo repairs, kills and refuses, says so in one line, and leaves no folder behind', async () => {
  const before = folders();
  const env = { ...process.env, ANTHROPIC_API_KEY: '' };
  const { stdout } = await run(process.execPath, [join(root, 'dist/test/demo/main.js'), '--json'], { env });
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(1);
  const outcome = JSON.parse(lines[0] ?? '') as { agents: { state: string }[]; refused: string[]; events: number };
  expect(outcome).toMatchObject({ ok: true, survivors: 0, refused: ['forged: closed 1008', 'replayed: session'] });
  expect(outcome.agents.map(({ state }) => state)).toEqual(['completed', 'killed']);
  expect(outcome.events).toBeGreaterThan(10);
  expect(folders().filter((name) => !before.includes(name))).toEqual([]);
}, 120_000);
