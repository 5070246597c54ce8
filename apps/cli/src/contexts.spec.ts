// `writ context` as child processes: instances by name, with their keys, for their owner alone.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTinyApi, type TinyApi } from '../../../test/support/tiny-api.js';
import { writ } from '../../../test/support/writ.js';

let lab: TinyApi;
let home: string;
let file: string;
beforeAll(async () => {
  lab = await startTinyApi();
});
afterAll(async () => lab[Symbol.asyncDispose]());
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'writ-home-'));
  file = join(home, '.writ', 'contexts.json');
});

const run = (args: string[], env: Record<string, string> = {}) => writ(args, { env: { HOME: home, ...env } });
const add = (name: string, ...more: string[]) =>
  run(['context', 'add', name, '--url', lab.url, ...more], { WRIT_API_KEY: lab.adminKey });

test('an instance is named once, and then meant: by --context, by the environment, or as the current one', async () => {
  expect(await add('lab')).toMatchObject({ code: 0, out: 'Kept. Use it with --context lab.\n' });
  const ps = ['ps', '-o', 'json'];
  expect(await run(ps)).toMatchObject({ code: 5, err: expect.stringContaining('runs here') });
  expect(await run([...ps, '--context', 'lab'])).toMatchObject({ code: 0, out: '[]\n' });
  expect(await run(ps, { WRIT_CONTEXT: 'lab' })).toMatchObject({ code: 0, out: '[]\n' });
  await run(['context', 'use', 'lab']);
  expect(await run(ps)).toMatchObject({ code: 0, out: '[]\n' });
  expect(await run(ps, { WRIT_URL: 'http://127.0.0.1:9' })).toMatchObject({
    err: expect.stringContaining('127.0.0.1:9'),
  });
  expect(await run(['context', 'use', '--none'])).toMatchObject({ code: 0 });
  expect((await run(ps)).code).toBe(5);
  rmSync(home, { recursive: true });
}, 120_000);

test('the key is kept for its owner alone and never shown; a file that others can read is refused', async () => {
  await add('lab', '--use');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const listed = await run(['context', '-o', 'json']);
  expect(JSON.parse(listed.out)).toEqual([{ name: 'lab', where: lab.url, hasKey: true, current: true }]);
  expect(listed.out + (await run(['context'])).out).not.toContain(lab.adminKey);
  chmodSync(file, 0o644);
  expect(await run(['ps'])).toMatchObject({ code: 2, err: expect.stringContaining(`chmod 600 ${file}`) });
  chmodSync(file, 0o600);
  await run(['context', 'remove', 'lab']);
  expect(readFileSync(file, 'utf8')).not.toContain(lab.adminKey);
  rmSync(home, { recursive: true });
}, 120_000);

test('an address that was typed, or stands in the environment, never gets the key of a context', async () => {
  const heard: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    heard.push(request.headers.authorization);
    response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const elsewhere = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await add('lab', '--use');
  await run(['ps', '--url', elsewhere]);
  await run(['ps', '--url', elsewhere], { WRIT_CONTEXT: 'lab' });
  await run(['ps'], { WRIT_URL: elsewhere });
  expect(heard).toEqual([undefined, undefined, undefined]);
  expect(await run(['ps', '--context', 'lab', '--url', elsewhere])).toMatchObject({ code: 2 });
  await run(['context', 'add', 'folder', '--state', join(home, 'none'), '--key', lab.adminKey]);
  await run(['ps', '--context', 'folder'], { WRIT_URL: elsewhere });
  expect(heard).toHaveLength(3);
  server.close();
  rmSync(home, { recursive: true });
}, 120_000);

test('what cannot be meant is refused, and nothing is kept of it', async () => {
  expect(await run(['ps', '--context', 'nowhere'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('There is no context nowhere; there are: none yet.'),
  });
  expect(await add('../evil')).toMatchObject({ code: 2 });
  expect(await run(['context', 'add', 'x'])).toMatchObject({ code: 2, err: expect.stringContaining('--url') });
  expect(await run(['context', 'add', 'x', '--url', 'ftp://host'])).toMatchObject({ code: 2 });
  expect(await run(['context', 'use'])).toMatchObject({ code: 2 });
  expect(() => statSync(file)).toThrow('ENOENT');
  rmSync(home, { recursive: true });
}, 120_000);
