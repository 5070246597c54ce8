// What holds between two instances whatever the link: each wiring's spec hands in its name.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { agentIdOf, namesOfHub, namesOfSpoke, operationNames } from '#protocol';
import type { Grant } from '#protocol';
import type { CommandHandler, IncomingCommand, Outcome } from './command.js';
import { Federation, until } from './federation.fixture.js';
import type { BrokerPlace, Wiring } from './federation.fixture.js';

const grant: Grant = {
  operations: [...operationNames],
  agentTypes: ['worker'],
  repositories: ['**'],
  branches: ['**'],
  runtimes: ['command'],
  sandbox: 'none',
  concurrentMax: 5,
  limits: {},
  hubLost: 'continue',
  approval: 'none',
};

export const info = { software: 'test', versions: [1], operations: ['agent.status'], free: 3 };
export const killed = { killed: [], alreadyEnded: [], failed: [], survivors: 0 };
export const spawnArgs = {
  taskId: 't-1',
  agentType: 'worker',
  context: { repository: 'https://example.com/r.git', branch: 'main', workItems: ['do it'] },
  options: {},
};

/** Answers like a spoke without agents, and remembers what it was asked. */
export class Spoke {
  readonly asked: IncomingCommand[] = [];
  readonly #effects = new Map<string, Outcome>();
  hold: Promise<void> | undefined;

  constructor(private readonly con: string) {}

  readonly handle: CommandHandler = async (command) => {
    this.asked.push(command);
    await this.hold;
    const { op, idk } = command;
    if (op === 'instance.info') return { st: 'ok', body: info };
    if (op !== 'agent.spawn' || idk === undefined) return { st: 'ok', body: killed };
    const known = this.#effects.get(idk) ?? this.spawned(idk);
    this.#effects.set(idk, known);
    return known;
  };

  get effects(): number {
    return this.#effects.size;
  }

  private spawned(idk: string): Outcome {
    return {
      st: 'ok',
      body: { agentId: agentIdOf(this.con, idk), state: 'spawning', spawnedAt: new Date().toISOString() },
    };
  }
}

/** `placeOf` where the wiring wants a broker. */
export function sessionContract(wiring: Wiring, placeOf: () => BrokerPlace | undefined = () => undefined): void {
  describe(`two instances over ${wiring}`, () => {
    let both: Federation;
    let spoke: Spoke;
    beforeEach(async () => {
      both = await Federation.connected(wiring, { place: placeOf(), grantOf: async () => ({ gv: 7, grant }) });
      spoke = new Spoke(both.con);
      both.atSpoke.serve(spoke.handle);
    });
    afterEach(() => both.end());

    const ask = () => both.atHub.request('instance.info', {});

    test('a query is answered with a signature and the version of the grant', async () => {
      expect(await ask()).toEqual({ st: 'ok', gv: 7, body: info });
      expect(spoke.asked[0]).toMatchObject({
        op: 'instance.info',
        gv: 7,
        connectionId: both.con,
        peerId: both.hub.identity.id,
      });
    });

    test('[F-4] each side learns versions, operations, half-state and grant of the other', () => {
      expect(both.atHub.hello).toMatchObject({
        versions: [1],
        ops: [...operationNames, ...namesOfSpoke, 'audit.checkpoint'],
        gv: 7,
        grant,
        half: { state: 'active' },
      });
      const ops = [...namesOfHub, 'audit.checkpoint'];
      expect(both.atSpoke.hello).toMatchObject({ versions: [1], ops, half: { state: 'active' } });
    });

    test('two hundred commands at once are each answered exactly once, under few signatures', async () => {
      const answers = await Promise.all(Array.from({ length: 200 }, ask));
      expect(answers).toHaveLength(200);
      expect(spoke.asked).toHaveLength(200);
      expect(new Set(spoke.asked.map(({ jti }) => jti)).size).toBeLessThan(20);
    });

    test('effects, queries and kills never share a message', async () => {
      const kill = (n: number) => both.atHub.request('agents.kill', { reason: 'stop' }, { idk: `k${n}` });
      const spawn = (n: number) => both.atHub.request('agent.spawn', spawnArgs, { idk: `s${n}` });
      await Promise.all([ask(), spawn(1), kill(1), ask(), spawn(2), kill(2)]);
      const kinds = new Map<string, Set<string>>();
      for (const { jti, kind } of spoke.asked) kinds.set(jti, (kinds.get(jti) ?? new Set()).add(kind));
      expect([...kinds.values()].map((set) => [...set].join()).sort()).toEqual(['effect', 'kill', 'query']);
    });

    test('a bad argument is denied with the field, signed, before any handler sees it', async () => {
      const answer = await both.atHub.request('agents.kill', { reason: '' }, { idk: 'k' });
      expect(answer).toMatchObject({ st: 'denied', code: 'invalid_request', body: { field: 'args.reason' } });
      expect(spoke.asked).toHaveLength(0);
    });

    test('what is asked while nobody is connected waits, and is timed out when it was never sent', async () => {
      both.hub.peers.list().forEach((peer) => peer.drop(1001, 'test'));
      const late = both.atHub.request('instance.info', {}, { timeoutMs: 1 });
      await expect(late).rejects.toMatchObject({ code: 'peer_unavailable' });
      expect(await ask()).toMatchObject({ st: 'ok' });
    });

    test('what was sent and is not answered is timed out, not denied', async () => {
      let release = (): void => undefined;
      spoke.hold = new Promise((resolve) => (release = resolve));
      const late = both.atHub.request('instance.info', {}, { timeoutMs: 300 });
      await expect(late).rejects.toMatchObject({ code: 'timed_out' });
      release();
    });

    test('a caller that gives up is let go at once', async () => {
      const stop = new AbortController();
      spoke.hold = new Promise(() => undefined);
      const asked = both.atHub.request('instance.info', {}, { signal: stop.signal });
      stop.abort(new Error('enough'));
      await expect(asked).rejects.toThrow('enough');
      expect(both.atHub.waiting).toBe(0);
    });

    test('a cut in the middle of a spawn: the command is signed anew, and one effect answers both', async () => {
      let release = (): void => undefined;
      spoke.hold = new Promise((resolve) => (release = resolve));
      const spawning = both.atHub.request('agent.spawn', spawnArgs, { idk: 'once' });
      await until('the spawn to arrive', () => spoke.asked.length === 1);
      both.cut();
      await until('the spawn to arrive again', () => spoke.asked.length === 2);
      release();
      expect(await spawning).toMatchObject({ st: 'ok', body: { agentId: agentIdOf(both.con, 'once') } });
      expect(spoke.effects).toBe(1);
      expect(new Set(spoke.asked.map(({ jti }) => jti)).size).toBe(2);
    });

    test('the signal of a command aborts when its session ends', async () => {
      spoke.hold = new Promise(() => undefined);
      const asked = both.atHub.request('instance.info', {}, { timeoutMs: 500 });
      await until('the query to arrive', () => spoke.asked.length > 0);
      expect(spoke.asked[0]?.signal.aborted).toBe(false);
      both.atSpoke.drop(1001, 'test');
      both.cut();
      await until('its signal to abort', () => spoke.asked[0]?.signal.aborted === true);
      await expect(asked).rejects.toMatchObject({ code: 'timed_out' });
    });

    test.each([
      ['Ed25519', 'ES256'],
      ['ES256', 'Ed25519'],
      ['Ed25519', 'Ed25519'],
      ['ES256', 'ES256'],
    ] as const)('keys are rotated under traffic, %s and %s, and every request is answered', async (first, second) => {
      const changes: string[] = [];
      const watched = both.hub.peers.changes.subscribe(
        ({ what, peer }) => what === 'state' && changes.push(peer.state),
      );
      const spawn = (idk: string) => both.atHub.request('agent.spawn', spawnArgs, { idk });
      let on = true;
      const answers: unknown[] = [];
      const traffic = async (name: string) => {
        for (let n = 0; on; n += 1) answers.push((await spawn(`${name}-${n}`)).st, (await ask()).st);
      };
      const all = [traffic('a'), traffic('b'), traffic('c')];
      for (const alg of [first, second, first]) {
        for (const side of [both.hub, both.spoke]) {
          const heard = answers.length;
          side.identity.rotate(alg);
          side.peers.stateKeys();
          await until('traffic to go on', () => answers.length > heard + 12);
        }
      }
      on = false;
      await Promise.all(all);
      watched.unsubscribe();
      expect(new Set(answers)).toEqual(new Set(['ok']));
      expect(changes).toEqual([]);
      for (const side of ['hub', 'spoke'] as const) {
        const other = both[side === 'hub' ? 'spoke' : 'hub'];
        await until('the statement to be kept', async () => {
          return (await other.peerKeys.latest(both.con)).token === both[side].identity.statement.token;
        });
        const kept = (await both[side].receipts.list(both.con)).filter(({ receipt }) => receipt.kind === 'keys');
        const raws = kept.map(({ receipt }) => receipt.raw);
        for (const { identity } of [both.hub, both.spoke]) expect(raws).toContain(identity.statement.token);
      }
    });

    test('[F-14] [F-13] a restart of the hub keeps identity and connection, and both are ready again by themselves', async () => {
      const id = both.hub.identity.id;
      await both.restart('hub');
      await until('the hub to be ready', () => both.atHub.state === 'ready' && both.atSpoke.state === 'ready');
      expect(both.hub.identity.id).toBe(id);
      expect(await ask()).toMatchObject({ st: 'ok' });
    });

    test('a restart of the spoke loses no request that waits', async () => {
      spoke.hold = new Promise(() => undefined);
      const asked = ask();
      await until('the query to arrive', () => spoke.asked.length > 0);
      await both.restart('spoke');
      both.atSpoke.serve(new Spoke(both.con).handle);
      expect(await asked).toMatchObject({ st: 'ok' });
    });

    test('events of the spoke reach the hub in order and are acknowledged, also across a cut', async () => {
      const append = (n: number) => both.spoke.journal.append(both.con, [JSON.stringify({ n })]);
      for (let n = 0; n < 20; n += 1) await append(n);
      both.cut();
      for (let n = 20; n < 40; n += 1) await append(n);
      await until('forty events', async () => (await both.hub.inbox.accepted(both.con))?.seq === 40);
    });

    test('[F-13] heartbeats keep both sides sure of each other', async () => {
      const [hub, spokeSide] = [both.atHub.lastHeardAt!, both.atSpoke.lastHeardAt!];
      await until(
        'both to be heard again',
        () => both.atHub.lastHeardAt! > hub && both.atSpoke.lastHeardAt! > spokeSide,
      );
    });

    test('[F-3] a suspension reaches the other side on the open link; status and kill still pass', async () => {
      await both.spoke.connections.suspend(both.con);
      await until('the hub to know', () => both.atHub.connection.theirs.state === 'suspended');
      const spawn = both.atHub.request('agent.spawn', spawnArgs, { idk: 'x' });
      await expect(spawn).rejects.toMatchObject({ code: 'connection_inactive' });
      expect(await both.atHub.request('agents.kill', { reason: 'stop' }, { idk: 'k' })).toMatchObject({ st: 'ok' });
      await both.spoke.connections.resume(both.con);
      await until('the hub to know', () => both.atHub.connection.theirs.state === 'active');
      expect(await both.atHub.request('agent.spawn', spawnArgs, { idk: 'x' })).toMatchObject({ st: 'ok' });
    });

    test('[F-3] a close reaches the other side, fails what waits, and no link comes back', async () => {
      spoke.hold = new Promise(() => undefined);
      const asked = ask();
      await until('the query to arrive', () => spoke.asked.length > 0);
      await both.hub.connections.close(both.con, { agents: 'keep' });
      await expect(asked).rejects.toMatchObject({ code: 'connection_closed' });
      await until('the spoke to know', () => both.atSpoke.connection.theirs.state === 'closed');
      await until('no link', () => both.atSpoke.linkKind === undefined || wiring === 'https');
      await expect(ask()).rejects.toMatchObject({ code: 'connection_closed' });
    });

    test('every effect leaves its exact command and answer on both sides, and a query leaves nothing', async () => {
      await ask();
      await both.atHub.request('agents.kill', { reason: 'stop' }, { idk: 'k' });
      const kept = async (side: 'hub' | 'spoke') =>
        (await both[side].receipts.list(both.con))
          .map(({ receipt }) => receipt)
          .filter(({ kind }) => kind !== 'ack' && kind !== 'event' && kind !== 'keys');
      await until(
        'two receipts each',
        async () => (await kept('hub')).length === 2 && (await kept('spoke')).length === 2,
      );
      const [hub, spokeSide] = [await kept('hub'), await kept('spoke')];
      expect(hub.map(({ kind, raw }) => [kind, raw])).toEqual(spokeSide.map(({ kind, raw }) => [kind, raw]));
      expect(hub.map(({ kind }) => kind)).toEqual(['command', 'result']);
    });
  });

  test(`[F-3] over ${wiring} an acceptance in the middle of the handshake is heard`, async () => {
    const gate = Promise.withResolvers<undefined>();
    let greetings = 0;
    const grantOf = async () => {
      greetings += 1;
      if (greetings > 1) await gate.promise;
      return { gv: 1, grant };
    };
    const both = await Federation.paired(wiring, { place: placeOf(), grantOf }, 'pending');
    try {
      await both.hub.peers.start();
      await both.spoke.peers.start();
      await until('the handshake to stand half way', () => (wiring === 'https' ? greetings > 0 : greetings > 1));
      await both.hub.connections.accept(both.con);
      await until('the hub to know its own half', () => both.atHub.connection.ours.state === 'active');
      gate.resolve(undefined);
      await until('the spoke to know', () => both.atSpoke.connection.theirs.state === 'active');
    } finally {
      gate.resolve(undefined);
      await both.end();
    }
  });
}
