// The end of an instance, as a process sees it.
import { describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { request } from 'undici';
import { firstKeyLine } from './first-key.js';

const main = join(import.meta.dirname, '../../../dist/test/support/tiny-main.js');

async function start() {
  const dir = await mkdtemp(join(tmpdir(), 'writ-end-'));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string];
  const key = (await readFile(join(dir, 'cli.key'), 'utf8')).trim();
  return { dir, child, url, headers: { authorization: `Bearer ${key}` } };
}

describe('the end of an instance', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '[S-6] %s ends streams with their marker, takes the announcement away, exits with 0',
    async (signal) => {
      const { dir, child, url, headers } = await start();
      const stream = await request(`${url}/v1/events`, { headers });
      const whole = stream.body.text();
      child.kill(signal);
      expect(await once(child, 'exit')).toEqual([0, null]);
      expect(await whole).toContain('event: end\ndata: {"reason":"shutdown"}');
      expect(await readdir(dir)).not.toContain('instance.json');
      await rm(dir, { recursive: true });
    },
  );
});

test('the first admin key is shown to a terminal only, and not at all to who brought it', () => {
  const first = { firstKey: 'writ_key', stateDir: '/state' };
  expect(firstKeyLine(first, true)).toContain('writ_key');
  expect(firstKeyLine(first, false)).toBe('The first admin key is in /state/cli.key\n');
  expect(firstKeyLine({ ...first, adminKey: 'writ_key' }, true)).toBe('');
  expect(firstKeyLine({ stateDir: '/state' }, true)).toBe('');
});
