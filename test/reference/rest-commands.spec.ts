// Whoever has only `writ` can do what REST can: each route of the reference has a command, and that command asks it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { problemOf, WritError } from '#protocol';
import { root } from '../support/instance.js';
import { writHere } from '../support/writ-here.js';
import { restCommands } from './rest-commands.js';

const words = ['able', 'acid', 'aunt', 'away', 'axis', 'baby'];
const grant = { version: 1, grant: { operations: ['agent.status'] } };
/** What a command has to be told before it asks what its row is about; everything else is refused. */
const told: Readonly<Record<string, object>> = {
  'GET /v1/spokes/berlin': { name: 'berlin', state: 'active', words, connected: true, labels: {} },
  'GET /v1/hubs/hub/grant': grant,
  'POST /v1/hubs/inspect': { name: 'hub', url: 'https://hub.example.org', words, operations: [], expiresAt: '' },
  'POST /v1/drain': { draining: true, live: 1 },
  'GET /v1/questions': { questions: [{ questionId: 'aaaa', agentId: 'aaaa', kind: 'approval' }] },
  'GET /v1/kill': { latches: [] },
  'GET /v1/instance': { role: 'hub' },
};

const asked: string[] = [];
let server: Server;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'writ-routes-'));
  server = createServer((request, response) => {
    const call = `${request.method ?? ''} ${request.url?.split('?')[0] ?? ''}`;
    asked.push(call);
    const answer = told[call];
    const problem = problemOf(new WritError('forbidden', 'Nobody may.'));
    response.writeHead(answer ? 200 : problem.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? problem));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const reference = readFileSync(join(root, 'docs/reference/rest.md'), 'utf8');
const routes = [...reference.matchAll(/^\| `([A-Z]+ \/[^`]*)` \|/gm)].map(([, route = '']) => route);
const typed = Object.entries(restCommands).flatMap(([route, argv]) =>
  'nobody' in argv ? [] : [[route, argv] as const],
);

test('every route has its row, and every row its route', () => {
  expect(Object.keys(restCommands).sort()).toEqual([...new Set(routes)].sort());
});

test.each(typed)('%s', async (route, argv) => {
  asked.length = 0;
  const statement = join(folder, 'statement');
  writeFileSync(statement, 'a.b.c');
  const place = (word: string) =>
    word === 'STATEMENT' ? statement : /\.(writ|key|jsonl|bundle)$/.test(word) ? join(folder, word) : word;
  const { port } = server.address() as AddressInfo;
  const ran = await writHere([...argv.map(place), '--url', `http://127.0.0.1:${port}`, '--key', 'x']);
  const pattern = new RegExp(`^${route.replace('{id}', '[^/]+')}$`);
  expect([asked.some((call) => pattern.test(call)), asked, ran.err]).toEqual([true, asked, ran.err]);
});
