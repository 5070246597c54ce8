// What a person at a terminal sees while a command takes its time, and that nobody else does.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inTerminal } from '../../../../test/support/terminal.js';
import type { TinyGateway } from '../../../../test/support/tiny-gateway.js';
import { TinyHome } from '../../../../test/support/tiny-home.js';
import { tinyCommand, tinyPeers } from '../../../../test/support/tiny-peers.js';
import { until } from '../../../../test/support/until.js';
import { startWrit } from '../../../../test/support/writ.js';
import { agentWords, amount } from './words.js';

const spawning = 'spawn --repo https://example.org/a.git --item x --wait';
/** Longer than a status line keeps itself back. */
const aWhileMs = 1_200;
let home: TinyHome;
let gateway: TinyGateway;
beforeAll(async () => {
  home = await TinyHome.open('hub');
  ({ gateway } = home.api);
});
afterAll(() => home.close());
beforeEach(() => {
  gateway.entries.clear();
  gateway.latched.length = 0;
  gateway.held = undefined;
  gateway.pendingId = undefined;
});

const typed: TinyHome['type'] = (...words) => home.type(...words);
const newest = () => until('the agent', () => [...gateway.entries.values()].at(-1)?.agent);
const takenBack = '\r\x1b[K';
/** What stands in the terminal once each line that was taken back is gone. */
const left = (seen: string) => [seen.split(takenBack)[0], seen.split(takenBack).slice(1).at(-1)].join('');
/** Each state of the status line. */
const told = (seen: string) => seen.split(takenBack).slice(1, -1);

/** Until `answer` is called, kills and bundles are not answered. */
function held(): () => void {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  gateway.held = promise;
  return () => resolve(undefined);
}

describe('at a terminal', () => {
  inTerminal('an agent that is waited for is told of in one line, which is gone when it has ended', async () => {
    const { seen, ended } = typed(spawning);
    const { agentId } = await newest();
    const short = agentId.slice(0, 8);
    await until('its state', () => seen().includes(`${short}: running · `));
    const entry = gateway.entries.get(agentId)!;
    const usage = { ...entry.agent.usage, turns: 3, moneyMicroUsd: 12_300 };
    entry.agent = { ...entry.agent, usage, limits: { turnsMax: 20 } };
    await until('how far it is', () => seen().includes(`${short}: running · 3 of 20 turns · $0.0123 · `));
    gateway.end(agentId);
    expect(await ended).toBe(0);
    expect(left(seen())).toMatch(new RegExp(`^agent +${agentId}\r\n`));
    expect(left(seen())).not.toMatch(/· \d+ s/);
  });

  inTerminal('what is written to a file holds nothing of it', async () => {
    const file = join(home.folder, 'agent.json');
    const { seen, ended } = typed(`${spawning} -o json > ${file}`);
    const { agentId } = await newest();
    await until('its state', () => seen().includes('running · '));
    gateway.end(agentId);
    expect(await ended).toBe(0);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ agentId, state: 'completed' });
    expect(left(seen())).toBe('');
  });

  inTerminal('a line is never as wide as the terminal', async () => {
    const { seen, ended } = typed(spawning, {}, { columns: 24, rows: 10 });
    const { agentId } = await newest();
    await until('a line', () => told(seen()).length > 2);
    gateway.end(agentId);
    await ended;
    for (const line of told(seen())) expect(line.length).toBeLessThan(24);
  });

  inTerminal('who stops waiting is told that the agent goes on, and how to end it', async () => {
    const { seen, type, ended } = typed(spawning);
    const { agentId } = await newest();
    await until('its state', () => seen().includes('running · '));
    type('\x03');
    expect(await ended).toBe(130);
    expect(left(seen()).replace('^C', '')).toBe(
      `${agentId} goes on: see \`writ logs -f ${agentId}\`; \`writ kill ${agentId}\` ends it.\r\n`,
    );
    expect(gateway.entries.get(agentId)?.ended).toBe(false);
  });

  inTerminal('Ctrl-C also ends a wait for an answer that does not come', async () => {
    const answer = held();
    const { agentId } = await home.spawned();
    const { seen, type, ended } = typed(`kill ${agentId}`);
    await until('what it waits for', () => seen().includes(`Waiting until nothing of ${agentId} lives · `));
    type('\x03');
    expect(await ended).toBe(130);
    answer();
  });

  inTerminal('a kill of all tells how many live still', async () => {
    await home.spawned();
    const answer = held();
    const { seen, ended } = typed('kill --all');
    await until('how many', () => seen().includes('Waiting until nothing of them lives; 1 live here still · '));
    answer();
    expect(await ended).toBe(0);
    expect(left(seen())).toMatch(/^killed .*\r\n(already ended .*\r\n)?survivors +0\r\n$/);
  });

  inTerminal('a download tells how much has come of how much', async () => {
    const { agentId } = await home.spawned();
    const answer = held();
    const { seen, ended } = typed(`fetch ${agentId} --bundle ${join(home.folder, 'a.bundle')}`);
    await until('how much', () => seen().includes('Fetching 8 B of 16 B · '));
    answer();
    // What came is no bundle of a branch; that it is looked at is not what this is about.
    expect(await ended).toBe(1);
  });

  inTerminal('a command on its way names the spoke that has not answered', async () => {
    gateway.pendingId = 'c'.repeat(22);
    tinyPeers.commands.push(tinyCommand('pending', gateway.pendingId));
    const { seen, type, ended } = typed(spawning);
    await until('whom', () => seen().includes(`Waiting for far to answer command ${gateway.pendingId} · `));
    type('\x03');
    expect(await ended).toBe(130);
  });

  inTerminal('one that cannot take a line back is left alone', async () => {
    const { seen, ended } = typed(spawning, { TERM: 'dumb' });
    const { agentId } = await newest();
    await sleep(aWhileMs);
    gateway.end(agentId);
    expect(await ended).toBe(0);
    expect(seen()).not.toContain('\x1b');
  });
});

test('where there is no terminal nothing is told', async () => {
  const child = startWrit(spawning.split(' '), { env: { HOME: home.folder } });
  let err = '';
  child.stderr?.on('data', (piece: Buffer) => (err += piece.toString()));
  const { agentId } = await newest();
  await sleep(aWhileMs);
  gateway.end(agentId);
  await until('its end', () => child.exitCode !== null);
  expect([child.exitCode, err]).toEqual([0, '']);
});

test('words of an agent: where, what it waits for, what it has used', async () => {
  const agent = { ...(await home.spawned()), agentId: '0b1c2d3e-0000', spoke: { id: 'a', name: 'berlin' } };
  expect(agentWords({ ...agent, state: 'spawning', phase: 'worktree' })).toBe(
    '0b1c2d3e on berlin: spawning (worktree)',
  );
  expect(agentWords({ ...agent, activity: 'busy', outputBytes: 4_096 })).toBe(
    '0b1c2d3e on berlin: running (busy) · 4.0 KiB written',
  );
  expect([980, 12_900_000].map(amount)).toEqual(['980 B', '12.3 MiB']);
});
