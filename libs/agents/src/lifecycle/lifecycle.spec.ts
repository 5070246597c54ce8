import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noUsage } from '#protocol';
import { openSqliteStore, type Store } from '#store';
import { EventMint } from './events.js';
import { Ledger, type Change } from './ledger.js';
import { recordKey, type AgentRecord } from './record.js';
import { redacted } from './redact.js';
import { Register } from './register.js';
import { toEnded, toPhase, toRunning, type Ending } from './states.js';

const actor = { kind: 'key', id: 'admin' } as const;
const at = '2026-01-01T00:00:00.000Z';

const record = (n = 1, more: Partial<AgentRecord> = {}): AgentRecord => ({
  agentId: `00000000-0000-8000-8000-${String(n).padStart(12, '0')}`,
  owner: 'local',
  taskId: 'task',
  agentType: 'worker',
  context: { repository: 'https://example.org/a/b', branch: 'main', workItems: ['do it'] },
  options: {},
  limits: {},
  sandbox: { level: 'none', enforced: [] },
  state: 'spawning',
  phase: 'queued',
  spawnedAt: at,
  spawnedBy: actor,
  actor,
  usage: noUsage,
  outputBytes: 0,
  outputDropped: 0,
  ...more,
});

const ending = (state: Ending['state']): Ending => ({ state, exitReason: 'finished', actor, reason: 'because' });

describe('states of an agent', () => {
  test('go from spawning over running to an end', () => {
    const running = toRunning(toPhase(record(), 'sandbox'), ['network'], at);
    expect(running).toMatchObject({ state: 'running', startedAt: at, sandbox: { enforced: ['network'] } });
    expect(toEnded(running, ending('completed'), at)).toMatchObject({ state: 'completed', endedAt: at });
  });

  test('[L-6] an end carries who, why and when', () => {
    expect(toEnded(record(), ending('killed'), at)).toMatchObject({ actor, reason: 'because', endedAt: at });
  });

  test.each(['completed', 'failed', 'killed'] as const)('%s is final', (state) => {
    const over = record(1, { state });
    for (const change of [
      () => toPhase(over, 'sandbox'),
      () => toRunning(over, [], at),
      () => toEnded(over, ending('killed'), at),
    ])
      expect(change).toThrow('invalid_transition');
  });

  test('what never ran cannot be completed', () => {
    expect(() => toEnded(record(), ending('completed'), at)).toThrow('invalid_transition');
  });
});

describe('error text', () => {
  test.each([
    ['key sk-ant-api03-abcdefgh is bad', 'key [secret] is bad'],
    ['Authorization: Bearer abcdefgh12345', 'Authorization: Bearer [secret]'],
    ['fetch https://bob:hunter2@example.org/x failed', 'fetch https://[secret]@example.org/x failed'],
    ['ANTHROPIC_API_KEY=abcdefg123 leaked', 'ANTHROPIC_API_KEY=[secret] leaked'],
    ['{"password": "hunter22"}', '{"password": "[secret]"}'],
    ["ENOENT: open '/home/bob/.ssh/id_rsa'", "ENOENT: open '[path]'"],
    ['at Object.<anonymous> (/srv/writ/dist/a.js:3:1)', 'at Object.<anonymous> ([path]:3:1)'],
    ['the tests in /work/src/a.test.ts failed', 'the tests in /work/src/a.test.ts failed'],
    ['see https://example.org/docs/errors', 'see https://example.org/docs/errors'],
  ])('[L-9] %j becomes %j', (raw, shown) => {
    expect(redacted(raw)).toBe(shown);
  });

  test('[L-9] is bounded, and a key that spans lines is gone as a whole', () => {
    expect(redacted('x'.repeat(10_000))).toHaveLength(500);
    expect(redacted('-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY----- end')).toBe('[private key] end');
  });
});

describe('register and ledger', () => {
  let folder: string;
  let store: Store;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-ledger-'));
    store = await openSqliteStore({ path: join(folder, 'store.sqlite') });
  });
  afterAll(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  const entering = (n: number, owner: string, ownerMax = 1_000): Change => {
    const max = { spoke: 1_000, owner: ownerMax, budget: { localSharePercent: 0 }, allowance: {} };
    const entered = record(n, { owner });
    const key = recordKey(entered.agentId);
    const checks = [{ key, version: null }];
    const { agentId, context } = entered;
    const { repository } = context;
    return { agentId, owner, repository, by: 1, max, checks, puts: [{ key, value: entered }], appends: [] };
  };

  test('[L-1] two replicas count exactly, whoever is faster', async () => {
    const ledgers = [new Ledger(store), new Ledger(store)];
    const posts = Array.from({ length: 200 }, (_, n) => ledgers[n % 2]!.post(entering(1_000 + n, 'a', 150)));
    const kinds = (await Promise.all(posts)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'done')).toHaveLength(150);
    expect(kinds.filter((kind) => kind === 'full')).toHaveLength(50);
    expect(await ledgers[0]!.live('a')).toBe(150);
  });

  test('[L-5] one that is there already does not spoil those that share its commit', async () => {
    const ledger = new Ledger(store);
    await ledger.post(entering(1, 'b'));
    const posted = await Promise.all([2, 1, 3, 1].map((n) => ledger.post(entering(n, 'b'))));
    expect(posted.map(({ kind }) => kind)).toEqual(['done', 'conflict', 'done', 'conflict']);
    expect(await ledger.live('b')).toBe(3);
  });

  test('[L-5] the same one from two replicas at once is there once, and counted once', async () => {
    const ledgers = [new Ledger(store), new Ledger(store)];
    const numbers = Array.from({ length: 40 }, (_, n) => 2_000 + n);
    const posts = ledgers.map((ledger) => Promise.all(numbers.map((n) => ledger.post(entering(n, 'e')))));
    const kinds = (await Promise.all(posts)).map((posted) => posted.map(({ kind }) => kind));
    const pairs = numbers.map((_, n) => kinds.map((of) => of[n]).sort());
    expect(pairs).toEqual(numbers.map(() => ['conflict', 'done']));
    expect(await ledgers[0]!.live('e')).toBe(40);
  });

  test('[L-1] [L-3] [L-4] of many who end an agent at once one does, with one event and one place freed', async () => {
    const mint = new EventMint('spoke', Date.now);
    const replicas = [0, 1].map(() => {
      const ledger = new Ledger(store);
      return { ledger, register: new Register(store, ledger) };
    });
    await replicas[0]!.ledger.post(entering(50, 'c'));
    const { agentId } = record(50);
    const ends = Array.from({ length: 10 }, (_, n) =>
      replicas[n % 2]!.register.change(agentId, (before) => {
        const after = toEnded(before, { ...ending('killed'), exitReason: 'killed' }, mint.time());
        return { record: after, events: [mint.ended(after)] };
      }),
    );
    const settled = await Promise.allSettled(ends);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await store.read(['agents', 'events', 'c'], { after: 0 })).toHaveLength(1);
    expect(await replicas[1]!.ledger.live('c')).toBe(0);
  });

  test('changes of one record from many sides are all kept', async () => {
    const replicas = [0, 1].map(() => new Register(store, new Ledger(store)));
    await new Ledger(store).post(entering(60, 'd'));
    const { agentId } = record(60);
    const add = (register: Register) =>
      register.change(agentId, (before) => ({ record: { ...before, outputBytes: before.outputBytes + 1 } }));
    await Promise.all(Array.from({ length: 20 }, (_, n) => add(replicas[n % 2]!)));
    expect((await replicas[0]!.find(agentId)).outputBytes).toBe(20);
  });
});
