import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { problemOf, WritError } from '#protocol';
import { openSqliteStore, type Store } from '#store';
import { until } from '../../../../test/support/until.js';
import { agentNo, told } from '../fleet/fleet.fixture.js';
import type { CommandRecord } from './command.js';
import { CommandCarrier, type Answer } from './carrier.js';
import { CommandsService, type Order } from './commands.service.js';
import { CommandsView } from './commands.view.js';
import { Outbox } from './outbox.js';
import type { Sharing } from './sharing.js';

const actor = { kind: 'key', id: 'admin' } as const;
const order = (more: Partial<Order> = {}): Order => ({
  op: 'agent.spawn',
  connectionId: 'con',
  spoke: 'north',
  args: { taskId: 'one' },
  actor,
  ttlMs: 60_000,
  ...more,
});
const yes: Answer = { st: 'ok', body: { done: true } };
const no: Answer = { st: 'denied', code: 'capacity', body: problemOf(new WritError('capacity', 'Full.')) };

/** A way to a spoke whose answers a test gives, one a try; without one it waits as for a spoke that does not answer. */
class ByHand extends CommandCarrier {
  readonly carried: CommandRecord[] = [];
  /** What comes after everybody has gone. */
  readonly late: ((answer: Answer) => void)[] = [];
  private there = true;
  private readonly arriving: (() => void)[] = [];
  private answers: (Answer | null)[] = [];
  private wake = Promise.withResolvers<undefined>();

  answer(...answers: (Answer | null)[]): void {
    this.answers.push(...answers);
    this.wake.resolve(undefined);
  }

  away(): void {
    this.there = false;
  }

  back(): void {
    this.there = true;
    for (const arrived of this.arriving.splice(0)) arrived();
  }

  override isReady(): boolean {
    return this.there;
  }

  override async ready(_connectionId: string, signal: AbortSignal): Promise<void> {
    if (this.there) return;
    await new Promise<void>((resolve) => {
      this.arriving.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  override async carry(
    command: CommandRecord,
    signal: AbortSignal,
    late: (answer: Answer) => void,
  ): Promise<Answer | null> {
    this.carried.push(command);
    this.late.push(late);
    const cut = Promise.withResolvers<undefined>();
    signal.addEventListener('abort', () => cut.resolve(undefined), { once: true });
    while (this.answers.length === 0 && !signal.aborted) {
      this.wake = Promise.withResolvers();
      await Promise.race([this.wake.promise, cut.promise]);
    }
    return this.answers.shift() ?? null;
  }
}

describe('commands', () => {
  let store: Store;
  let outbox: Outbox;
  let carrier: ByHand;
  let commands: CommandsService;
  beforeEach(async () => {
    store = await openSqliteStore({ path: ':memory:' });
    outbox = new Outbox(store);
    carrier = new ByHand();
    commands = new CommandsService(outbox, carrier);
  });
  afterEach(async () => {
    await commands.stop();
    await store.close();
  });

  test('an answer in time is the answer', async () => {
    carrier.answer(yes);
    expect(await commands.execute(order(), 5_000)).toMatchObject({ state: 'delivered', body: { done: true } });
  });

  test('a spoke that is away leaves it pending, and it is told later how it ended', async () => {
    const { commandId, state } = await commands.execute(order(), 1);
    expect(state).toBe('pending');
    carrier.answer(yes);
    await until('the end', async () => (await commands.get(commandId)).state === 'delivered');
  });

  test('what may not have arrived is sent again under the same idempotency key', async () => {
    carrier.answer(null, null, yes);
    expect((await commands.execute(order(), 10_000)).state).toBe('delivered');
    expect(new Set(carrier.carried.map(({ idk }) => idk)).size).toBe(1);
    expect(carrier.carried).toHaveLength(3);
  });

  test('a spoke that cannot be asked at all does not stop everything else', async () => {
    carrier.answer(...Array.from({ length: 10_000 }, () => null));
    const began = performance.now();
    expect((await commands.execute(order(), 50)).state).toBe('pending');
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(carrier.carried.length).toBeLessThan(10);
  });

  test('past its deadline what was never sent is told so, and is not sent when the spoke comes back', async () => {
    carrier.away();
    const command = await commands.execute(order({ ttlMs: 20, idk: 'k' }), 5_000);
    expect(command).toMatchObject({ state: 'failed', problem: { code: 'peer_unavailable' } });
    expect(command.problem?.detail).toContain('never sent');
    carrier.back();
    carrier.answer(yes);
    expect(await commands.execute(order({ idk: 'k' }), 5_000)).toMatchObject({ state: 'delivered' });
    expect(carrier.carried).toHaveLength(1);
    expect((await new CommandsView(commands).get(command.commandId)).answeredAt).toBeUndefined();
  });

  test('what was never sent is known as such after a restart, and what may have been is not', async () => {
    const sent = await commands.execute(order({ idk: 'sent', ttlMs: 300 }), 1);
    carrier.away();
    const held = await commands.execute(order({ idk: 'held', ttlMs: 300 }), 1);
    await commands.stop();
    const next = new ByHand();
    next.away();
    const again = new CommandsService(new Outbox(store), next);
    await again.resume();
    const ends = async () => Promise.all([sent, held].map(async ({ commandId }) => (await again.get(commandId)).state));
    await until('both to end', async () => !(await ends()).includes('pending'));
    expect(await ends()).toEqual(['timed_out', 'failed']);
    await again.stop();
  });

  test('[K-15] a kill ends the spawn of its agent that was not sent, and goes out alone', async () => {
    carrier.away();
    const spawning = commands.execute(order({ agentId: agentNo(1) }), 5_000);
    const other = await commands.execute(order({ agentId: agentNo(2) }), 1);
    await until('both to wait', async () => (await commands.underWay('agent.spawn', 'con')).length === 2);
    const kill = await commands.execute(order({ op: 'agent.kill', agentId: agentNo(1) }), 1);
    expect(await spawning).toMatchObject({ state: 'failed', problem: { code: 'killed' } });
    expect(kill.state).toBe('pending');
    carrier.back();
    await until('all to leave', () => carrier.carried.length === 2);
    expect(carrier.carried.map(({ commandId }) => commandId)).toEqual([kill.commandId, other.commandId]);
  });

  test('[K-3] a kill of all ends every spawn that was not sent, of that spoke alone', async () => {
    carrier.away();
    const spawns = await Promise.all(
      ['con', 'con', 'other'].map((connectionId, n) =>
        commands.execute(order({ connectionId, agentId: agentNo(n), idk: `k${n}` }), 1),
      ),
    );
    await commands.execute(order({ op: 'agents.kill' }), 1);
    const states = await Promise.all(spawns.map(async ({ commandId }) => (await commands.get(commandId)).state));
    expect(states).toEqual(['failed', 'failed', 'pending']);
  });

  test('what waits for its spoke leaves when it is back, kills first, however late they came', async () => {
    carrier.away();
    for (const op of ['agent.spawn', 'agent.send', 'agent.kill', 'agents.resume', 'agent.close'] as const)
      await commands.execute(order({ op, idk: op, agentId: agentNo(op.length) }), 1);
    carrier.back();
    await until('all to leave', () => carrier.carried.length === 5);
    expect(carrier.carried.map(({ op }) => op).slice(0, 2)).toEqual(['agent.kill', 'agents.resume']);
  });

  test('a spawn that was sent is not taken back by a kill', async () => {
    const { commandId } = await commands.execute(order({ agentId: agentNo(1) }), 1);
    await commands.execute(order({ op: 'agent.kill', agentId: agentNo(1) }), 1);
    expect((await commands.get(commandId)).state).toBe('pending');
  });

  test.each([
    ['delivered', yes],
    ['failed', no],
  ] as const)('a late answer settles what timed out: %s', async (state, answer) => {
    const { commandId } = await commands.execute(order({ op: 'agent.kill', ttlMs: 20 }), 5_000);
    expect((await commands.get(commandId)).state).toBe('timed_out');
    carrier.late[0]?.(answer);
    await until('it to be settled', async () => (await commands.get(commandId)).state === state);
    expect((await commands.get(commandId)).problem?.code).toBe(state === 'failed' ? 'capacity' : undefined);
  });

  test('[S-8] ordered again under its key, what timed out is tried until the new deadline, as the same command', async () => {
    const first = await commands.execute(order({ idk: 'k', ttlMs: 20 }), 5_000);
    carrier.answer(yes);
    const second = await commands.execute(order({ idk: 'k' }), 5_000);
    expect(second).toMatchObject({ commandId: first.commandId, state: 'delivered' });
    expect(second.problem).toBeUndefined();
    expect(await outbox.open()).toEqual([]);
  });

  test('past its deadline nobody knows, and nobody says that it was not carried out', async () => {
    const command = await commands.execute(order({ ttlMs: 20 }), 5_000);
    expect(command).toMatchObject({ state: 'timed_out', problem: { code: 'timed_out' } });
    expect(command.problem?.detail).toContain('may have been carried out');
  });

  test('the journal settles what timed out', async () => {
    const idk = 'key-1';
    const { commandId } = await commands.execute(order({ ttlMs: 20, idk, agentId: agentNo(1) }), 5_000);
    commands.heard('con', { ...told('agent.spawned', agentNo(1), { idk }), time: new Date().toISOString() });
    await until('it to be settled', async () => (await commands.get(commandId)).state === 'delivered');
    expect((await commands.get(commandId)).problem).toBeUndefined();
  });

  test('the journal counts also when it spoke while the answer was still awaited', async () => {
    const idk = 'key-2';
    const ended = commands.execute(order({ ttlMs: 300, idk }), 5_000);
    await until('it to be on its way', () => carrier.carried.length > 0);
    commands.heard('con', { ...told('agent.spawned', agentNo(1), { idk }), time: new Date().toISOString() });
    expect((await ended).state).toBe('delivered');
  });

  test('[S-8] the same key and arguments join the command that stands there', async () => {
    const first = commands.execute(order({ idk: 'same' }), 5_000);
    await until('it to be on its way', () => carrier.carried.length > 0);
    const second = commands.execute(order({ idk: 'same' }), 5_000);
    carrier.answer(yes);
    expect((await second).commandId).toBe((await first).commandId);
    expect(carrier.carried).toHaveLength(1);
  });

  test('the same key with other arguments is a conflict', async () => {
    await commands.execute(order({ idk: 'same' }), 1);
    const other = commands.execute(order({ idk: 'same', args: { taskId: 'two' } }), 1);
    await expect(other).rejects.toMatchObject({ code: 'idk_conflict' });
  });

  test('a refusal frees its key: asked again it is judged anew', async () => {
    carrier.answer(no);
    expect(await commands.execute(order({ idk: 'again' }), 5_000)).toMatchObject({ state: 'failed' });
    carrier.answer(yes);
    expect(await commands.execute(order({ idk: 'again' }), 5_000)).toMatchObject({ state: 'delivered' });
  });

  test('[L-12] what a restart found open is carried to its end', async () => {
    const { commandId } = await commands.execute(order(), 1);
    await commands.stop();
    expect((await commands.get(commandId)).state).toBe('pending');
    const next = new ByHand();
    const again = new CommandsService(new Outbox(store), next);
    await again.resume();
    next.answer(yes);
    await until('the end', async () => (await again.get(commandId)).state === 'delivered');
    await again.stop();
  });

  test('more open commands than one page of the store are all taken up', async () => {
    const record = await commands.execute(order(), 1);
    for (let n = 0; n < 1_100; n += 1) {
      const commandId = Buffer.from(n.toString(16).padStart(32, '0'), 'hex').toString('base64url');
      await outbox.add({ ...record, commandId, idk: commandId }, { by: null, appends: [] });
    }
    expect(await outbox.open()).toHaveLength(1_101);
  });

  test('the first word on how it ended counts', async () => {
    const { commandId } = await commands.execute(order(), 1);
    const ends = [{ state: 'delivered', settledAtMs: 1 } as const, { state: 'failed', settledAtMs: 2 } as const];
    const settled = await Promise.all(
      ends.map((end) => outbox.settle(commandId, { body: null, problem: undefined, ...end })),
    );
    expect(new Set(settled.map(({ state }) => state)).size).toBe(1);
  });

  test('[K-3] an order is not committed while a latch stands', async () => {
    await store.commit({ puts: [{ key: ['latch'], value: true }] });
    await expect(commands.execute(order({ unless: [['latch']] }), 1)).rejects.toMatchObject({ code: 'latched' });
    expect(await outbox.open()).toEqual([]);
  });

  test('a spawn on its way can be found, with its destination', async () => {
    await commands.execute(order({ agentId: agentNo(7) }), 1);
    const underWay = await commands.underWay('agent.spawn', 'con');
    expect(underWay.map(({ agentId }) => agentId)).toEqual([agentNo(7)]);
    expect(await commands.underWay('agent.spawn', 'other')).toEqual([]);
    expect(await commands.destination(agentNo(7))).toBe('con');
  });

  describe('of two processes on one store', () => {
    /** Where the link is, and who lives: the test decides. */
    let linked: string | undefined;
    let dead: string | undefined;
    const here = (id: string): Sharing => ({
      id,
      isShared: true,
      carries: () => linked === id || linked === undefined,
      isAlive: (other) => other !== dead,
      tell: (what, commandId) => [{ stream: ['told', what], value: commandId }],
    });
    let one: CommandsService;
    let two: CommandsService;
    let second: ByHand;
    beforeEach(() => {
      [linked, dead] = ['two', undefined];
      second = new ByHand();
      one = new CommandsService(outbox, carrier, here('one'));
      two = new CommandsService(outbox, second, here('two'));
    });
    afterEach(() => Promise.all([one.stop(), two.stop()]));
    const told = async (what: string) =>
      (await store.read<string>(['told', what], { after: 0 })).map(({ value }) => value);

    test('what reaches the one without a link is told of, carried by the other, and answered to who asked', async () => {
      second.answer(yes);
      const asked = one.execute(order(), 20_000);
      const id = await until('it is told of', async () => (await told('wanted'))[0]);
      await two.wanted(id);
      await until('it is settled', async () => (await told('settled')).includes(id));
      one.settledElsewhere(id);
      expect(await asked).toMatchObject({ state: 'delivered', body: { done: true } });
      expect([carrier.carried.length, second.carried.length]).toEqual([0, 1]);
    });

    test('nobody takes what another that lives carries; what a dead one carried is taken up', async () => {
      const { commandId } = await two.execute(order(), 1);
      linked = 'one';
      await one.resume();
      expect(carrier.carried).toEqual([]);
      dead = 'two';
      carrier.answer(yes);
      await one.resume();
      await until('the end', async () => (await one.get(commandId)).state === 'delivered');
    });

    test('[L-12] a link that moves takes its commands along, and one that stops leaves them to the other', async () => {
      const asked = two.execute(order(), 20_000);
      await until('it is carried', () => second.carried.length === 1);
      linked = 'one';
      await two.moved('con');
      const [id = ''] = await told('wanted');
      await one.wanted(id);
      await until('it is carried by the other', () => carrier.carried.length === 1);
      linked = 'two';
      await one.stop();
      second.answer(yes);
      await two.wanted(id);
      expect((await asked).state).toBe('delivered');
    });
  });

  test('are listed newest first, filtered, page by page', async () => {
    for (const spoke of ['north', 'south', 'north', 'south', 'north']) {
      await commands.execute(order({ spoke }), 1);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const view = new CommandsView(commands);
    const first = await view.page({ limit: 2, spoke: 'north' });
    const rest = await view.page({ limit: 2, spoke: 'north', cursor: first.nextCursor });
    const times = [...first.commands, ...rest.commands].map(({ createdAt }) => createdAt);
    expect(times).toHaveLength(3);
    expect(times).toEqual(times.toSorted().reverse());
  });
});
