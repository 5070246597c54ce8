import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { newNonce, operationNames, SigningKey, signingInputHashOf } from '#protocol';
import type { Store } from '#store';
import { linkedPair } from '../links/pair.js';
import { Federation, until } from './federation.fixture.js';
import { Puppet } from './puppet.fixture.js';
import { killed, Spoke, spawnArgs } from './session.contract.js';

const query = { id: '0', op: 'instance.info', args: {}, gv: 0 };
const kill = { id: '0', op: 'agents.kill', args: { reason: 'stop' }, idk: 'k', gv: 0 };
const spawn = { id: '0', op: 'agent.spawn', args: spawnArgs, idk: 's', gv: 0 };

/** Everything in a store, to compare before with after. */
async function contents(store: Store): Promise<string[]> {
  const entries = await store.list(['federation']);
  return entries.filter(({ key }) => key[1] !== 'dial').map(({ key, version }) => `${key.join(' ')} ${version}`);
}

describe('a spoke whose hub lies', () => {
  let both: Federation;
  let hub: Puppet;
  let spoke: Spoke;
  beforeEach(async () => {
    let hasDialled = false;
    const linkTo = async () => {
      const [near, far] = linkedPair();
      hub = new Puppet(far, both.hub.identity, both.spoke.identity.id, both.con);
      hasDialled = true;
      return near;
    };
    // One test moves the clocks by days: nobody counts as lost for it.
    both = await Federation.paired('pair', { linkTo, heardMs: 30 * 86_400_000 });
    spoke = new Spoke(both.con);
    await both.hub.peers.start();
    await both.spoke.peers.start();
    both.atSpoke.serve(spoke.handle);
    await until('the spoke to dial', () => hasDialled);
    await hub.answer();
  });
  afterEach(() => both.end());

  /** The one answer to everything that cannot be believed, and nothing left of it. */
  async function refusesUniformly(raw: string): Promise<void> {
    const before = await contents(both.spoke.store);
    hub.link.send(raw);
    expect(await hub.link.closed).toEqual({ code: 1008, reason: '' });
    expect(spoke.asked).toHaveLength(0);
    expect(await contents(both.spoke.store)).toEqual(before);
  }

  test('[F-1] refuses a command that was signed for another instance', () =>
    refusesUniformly(hub.command([query], { aud: both.hub.identity.id })));

  test('[F-1] refuses a command of another connection', () =>
    refusesUniformly(hub.command([query], { con: newNonce() })));

  test('refuses a command in the name of another instance', () =>
    refusesUniformly(hub.command([query], { iss: both.spoke.identity.id })));

  test('refuses a command under a key that no statement names', () =>
    refusesUniformly(hub.message('writ-cmd+jws', { sn: hub.theirs, cmds: [query] }, 60, SigningKey.generate())));

  test('refuses a command signed with the root key', () =>
    refusesUniformly(hub.message('writ-cmd+jws', { sn: hub.theirs, cmds: [query] }, 60, both.hub.identity.root)));

  test('[F-1] refuses what a revoked key signs, at once on the open link, and after a restart also with the statement from before', async () => {
    const { identity } = both.hub;
    const [stolen, before] = [identity.signing, identity.statement.token];
    identity.revoke(stolen.kid);
    hub.link.send(identity.statement.token);
    const known = async () => (await both.spoke.peerKeys.latest(both.con)).token === identity.statement.token;
    await until('the spoke to know', known);
    await refusesUniformly(hub.message('writ-cmd+jws', { sn: hub.theirs, cmds: [kill] }, 60, stolen));
    const met = hub;
    await both.restart('spoke');
    await until('the spoke to dial', () => hub !== met);
    hub.link.send(before);
    expect(await hub.link.closed).toEqual({ code: 1008, reason: '' });
    await until('an alarm', async () =>
      (await both.spoke.alarms.list()).some(({ kind }) => kind === 'statement_rollback'),
    );
  });

  test('refuses a command with one flipped bit, wherever it is', async () => {
    const raw = hub.command([query]);
    const at = raw.indexOf('.') + 20;
    await refusesUniformly(raw.slice(0, at) + (raw[at] === 'A' ? 'B' : 'A') + raw.slice(at + 1));
  });

  test('refuses a message cut in the middle', () => refusesUniformly(hub.command([query]).slice(0, 200)));

  test('refuses noise', () => refusesUniformly('hello'));

  test('[F-1] answers a command of another session with `session`, and does nothing', async () => {
    expect(await hub.ask(hub.command([kill], { sn: newNonce() }))).toMatchObject({ err: 'session' });
    expect(spoke.asked).toHaveLength(0);
  });

  test('answers a command that is too old with `clock` and the difference', async () => {
    const iat = Math.floor(Date.now() / 1_000) - 200;
    const answer = await hub.ask(hub.command([kill], { iat, exp: iat + 60 }));
    expect(answer).toMatchObject({ err: 'clock' });
    expect(Math.abs(Number(answer['diffS']) - 200)).toBeLessThanOrEqual(2);
  });

  test.each<[string, object[], object]>([
    ['with too long a life', [kill], { exp: Math.floor(Date.now() / 1_000) + 400 }],
    ['with an unknown member', [kill], { extra: 1 }],
    ['that mixes a kill with a spawn', [kill, { ...spawn, id: '1' }], {}],
    ['with two commands of one id', [query, query], {}],
    ['without commands', [], {}],
  ])('answers a message %s with `schema`, and does nothing', async (_, cmds, claims) => {
    expect(await hub.ask(hub.command(cmds, claims))).toMatchObject({ err: 'schema' });
    expect(spoke.asked).toHaveLength(0);
  });

  test.each<[string, object, string]>([
    ['an unknown operation', { ...query, op: 'agent.fly' }, 'operation_unknown'],
    ['an operation called constructor', { ...query, op: 'constructor' }, 'operation_unknown'],
    ['an effect without an idempotency key', { ...spawn, idk: undefined }, 'invalid_request'],
    ['a query with an idempotency key', { ...query, idk: 'x' }, 'invalid_request'],
    ['arguments that the operation does not have', { ...kill, args: { reason: 'x', force: true } }, 'invalid_request'],
  ])('denies %s with a signature, and does nothing', async (_, command, code) => {
    expect(await hub.ask(hub.command([command]))).toMatchObject({ results: [{ st: 'denied', code }] });
    expect(spoke.asked).toHaveLength(0);
  });

  test('[F-1] answers a copy of a query with `replay`', async () => {
    const raw = hub.command([query]);
    expect(await hub.ask(raw)).toMatchObject({ results: [{ st: 'ok' }] });
    expect(await hub.ask(raw)).toMatchObject({ err: 'replay' });
    expect(spoke.asked).toHaveLength(1);
  });

  test('answers a copy of an effect with the stored answer, byte for byte, and acts once', async () => {
    const raw = hub.command([spawn]);
    hub.link.send(raw);
    const first = await hub.next('res');
    hub.link.send(raw);
    expect((await hub.next('res')).raw).toBe(first.raw);
    expect(spoke.asked).toHaveLength(1);
  });

  test('a copy that comes while the effect is still running waits for the one answer', async () => {
    let release = (): void => undefined;
    spoke.hold = new Promise((resolve) => (release = resolve));
    const raw = hub.command([spawn]);
    hub.link.send(raw);
    hub.link.send(raw);
    await until('the spawn to arrive', () => spoke.asked.length === 1);
    release();
    expect((await hub.next('res')).payload).toMatchObject({ results: [{ st: 'ok' }] });
    expect(spoke.asked).toHaveLength(1);
  });

  test('another message under a used id is refused and raises an alarm', async () => {
    const jti = newNonce();
    await hub.ask(hub.command([kill], { jti }));
    expect(await hub.ask(hub.command([{ ...kill, idk: 'other' }], { jti }))).toMatchObject({ err: 'replay' });
    await until('an alarm', async () => (await both.spoke.alarms.list()).some(({ kind }) => kind === 'replay'));
    expect(spoke.asked).toHaveLength(1);
  });

  test('[F-1] a command captured in one session is worth nothing in the next', async () => {
    const raw = hub.command([kill]);
    hub.link.close();
    const before = hub;
    await until('the spoke to dial again', () => hub !== before);
    await hub.answer();
    expect(await hub.ask(raw)).toMatchObject({ err: 'session' });
    expect(spoke.asked).toHaveLength(0);
  });

  test('a statement that went back is refused and raises an alarm', async () => {
    const older = both.hub.identity.statement.token;
    both.skewMs.hub = 4 * 86_400_000;
    const newer = both.hub.identity.statement.token;
    both.skewMs.spoke = 4 * 86_400_000;
    hub.link.send(newer);
    hub.link.send(older);
    expect(await hub.link.closed).toEqual({ code: 1008, reason: '' });
    const raised = async () => (await both.spoke.alarms.list()).map(({ kind }) => kind);
    await until('an alarm', async () => (await raised()).includes('statement_rollback'));
  });

  test('a result that nobody asked for changes nothing', async () => {
    const req = { jti: newNonce(), h: 'A'.repeat(43) };
    const results = [{ id: '0', st: 'ok', gv: 0, body: {} }];
    hub.link.send(hub.message('writ-res+jws', { req, results }));
    expect(await hub.ask(hub.command([query]))).toMatchObject({ results: [{ st: 'ok' }] });
  });

  test('events from a hub are refused: a spoke takes none', async () => {
    const events = { epo: newNonce(), seq: 1, prev: 'A'.repeat(43), events: [] };
    await refusesUniformly(hub.message('writ-evt+jws', events));
  });
});

describe('a hub that strangers dial', () => {
  let both: Federation;
  beforeEach(async () => {
    both = await Federation.connected();
    both.atSpoke.serve(new Spoke(both.con).handle);
  });
  afterEach(() => both.end());

  function stranger(identity = both.spoke.identity): Puppet {
    const [near, far] = linkedPair();
    both.hub.peers.accept(far);
    return new Puppet(near, identity, both.hub.identity.id, both.con);
  }

  test('refuses whoever does not begin with keys', async () => {
    const caller = stranger();
    caller.link.send(caller.hello());
    expect(await caller.link.closed).toEqual({ code: 1008, reason: '' });
  });

  test('[F-2] refuses keys of a root that was never paired', async () => {
    const caller = stranger();
    const root = SigningKey.generate();
    caller.link.send(caller.message('writ-keys+jws', {}, 60, root));
    expect(await caller.link.closed).toEqual({ code: 1008, reason: '' });
  });

  test('a captured hello gets an answer and opens nothing: the real link stays, the copy is closed', async () => {
    const caller = stranger();
    caller.link.send(both.spoke.identity.statement.token);
    caller.link.send(caller.hello({ replica: both.atHub.hello?.replica }));
    await caller.next('hello');
    expect(await both.atHub.request('instance.info', {})).toMatchObject({ st: 'ok' });
    expect((await caller.link.closed).code).toBe(1008);
    expect(both.atHub.state).toBe('ready');
  });

  test('the newest link of a replica displaces the older one once its own nonce came back', async () => {
    const first = stranger();
    await first.dial();
    const second = stranger();
    await second.dial();
    expect((await first.link.closed).reason).toBe('displaced by a newer link');
  });

  /** A spoke that says what it likes, on the only link there is. */
  async function liar(): Promise<Puppet> {
    await both.spoke.peers.close();
    const caller = stranger();
    const ops = [...operationNames, 'audit.checkpoint'];
    await caller.dial({ ops });
    await until('the hub to take it', () => both.atHub.hello?.replica === 'puppet');
    return caller;
  }
  const alarm = async (kind: string) => {
    let found = '';
    await until(`the alarm ${kind}`, async () => {
      found = (await both.hub.alarms.list()).find((one) => one.kind === kind)?.id ?? '';
      return found !== '';
    });
    return both.hub.alarms.evidence(found);
  };

  test('two results that the spoke signs for one command are an alarm with both tokens, and both are in the log', async () => {
    const caller = await liar();
    const asked = both.atHub.request('agents.kill', { reason: 'stop' }, { idk: 'k' });
    const { raw, payload } = await caller.next('cmd');
    const [{ id }] = payload['cmds'] as [{ id: string }];
    const req = { jti: payload['jti'], h: signingInputHashOf(raw) };
    const result = (count: number) => {
      const body = { ...killed, survivors: count };
      return caller.message('writ-res+jws', { req, results: [{ id, st: 'ok', gv: 1, body }] });
    };
    const [first, second] = [result(0), result(1)];
    caller.link.send(first);
    expect(await asked).toMatchObject({ st: 'ok' });
    caller.link.send(second);
    expect(await alarm('result_equivocation')).toEqual([first, second]);
    const kept = async () => (await both.hub.receipts.list(both.con)).map(({ receipt }) => receipt.raw);
    await until('both to be kept', async () => (await kept()).includes(second));
    expect(await kept()).toContain(first);
  });

  test('two audit logs that the spoke signs for one number of rows, or a shorter one later, are alarms with both tokens', async () => {
    both.hub.audit.heardEveryMs = 0;
    const caller = await liar();
    const log = (n: number, letter: string, more: object = {}) =>
      caller.message('writ-ckpt+jws', { n, h: letter.repeat(43), ...more });
    const [one, other] = [log(50, 'A'), log(50, 'E')];
    caller.link.send(one);
    const { payload } = await caller.next('ckpt');
    expect(payload).toMatchObject({ of: { h: signingInputHashOf(one) } });
    caller.link.send(one);
    expect((await caller.next('ckpt')).payload).toEqual(payload);
    caller.link.send(other);
    expect(await alarm('audit_equivocation')).toEqual([one, other]);
    const short = log(40, 'A', { iat: Math.floor(Date.now() / 1_000) + 5 });
    caller.link.send(short);
    expect(await alarm('audit_rewound')).toEqual([one, short]);
    expect(caller.heard.filter(({ typ }) => typ === 'writ-ckpt+jws')).toEqual([]);
  });

  test('checkpoints that come faster than they may are not written down, and neither are countersignatures nobody asked for', async () => {
    const caller = await liar();
    const kept = async () =>
      (await both.hub.receipts.list(both.con)).filter(({ receipt: { kind } }) => kind === 'checkpoint').length;
    await both.atHub.settled();
    const before = await kept();
    for (let n = 100; n < 120; n += 1) caller.link.send(caller.message('writ-ckpt+jws', { n, h: 'A'.repeat(43) }));
    const of = { jti: newNonce(), h: 'A'.repeat(43) };
    caller.link.send(caller.message('writ-ckpt+jws', { n: 130, h: 'A'.repeat(43), of }));
    const asked = both.atHub.request('agents.kill', { reason: 'stop' }, { idk: 'k', timeoutMs: 500 });
    await caller.next('cmd');
    await both.atHub.settled();
    expect([before > 0, await kept()]).toEqual([true, before]);
    await expect(asked).rejects.toMatchObject({ code: 'timed_out' });
  });

  test('a hello that answers none of ours is refused', async () => {
    const caller = stranger();
    caller.link.send(both.spoke.identity.statement.token);
    caller.link.send(caller.hello({ re: newNonce() }));
    expect((await caller.link.closed).code).toBe(1008);
  });

  test('[F-4] a peer that shares no version of the protocol is told so and gets no session', async () => {
    const caller = stranger();
    caller.link.send(both.spoke.identity.statement.token);
    caller.link.send(caller.hello({ versions: [2, 3] }));
    expect((await caller.link.closed).reason).toBe('no protocol version in common');
  });
});

describe('clocks that are too far apart', () => {
  test('refuse the session on both sides and say by how much', async () => {
    const both = await Federation.paired();
    both.skewMs.spoke = 90_000;
    await both.hub.peers.start();
    await both.spoke.peers.start();
    await until(
      'both to know',
      () => both.atHub.clockDifferenceS !== undefined && both.atSpoke.clockDifferenceS !== undefined,
    );
    expect(Math.abs(both.atHub.clockDifferenceS! + 90)).toBeLessThanOrEqual(2);
    expect(Math.abs(both.atSpoke.clockDifferenceS! - 90)).toBeLessThanOrEqual(2);
    expect(both.atHub.state).toBe('connecting');
    await both.end();
  });
});

describe('a reader that has fallen behind', () => {
  test('holds up answers, not memory: a spoke keeps little unsent, and every answer comes in the end', async () => {
    const [near, far] = linkedPair();
    const both = await Federation.paired('pair', { linkTo: async () => near });
    await both.hub.peers.start();
    both.hub.peers.accept(far);
    await both.spoke.peers.start();
    await until('both to be ready', () => both.atHub.state === 'ready' && both.atSpoke.state === 'ready');
    const text = 'x'.repeat(60_000);
    let handled = 0;
    both.atSpoke.serve(({ args }) => {
      handled += 1;
      return { st: 'ok', body: { offset: args['offset'], text, next: 60_000, end: false, dropped: 0 } };
    });
    far.pause(true);
    const args = { agentId: '00000000-0000-4000-8000-000000000000', offset: 0 };
    const asked = Array.from({ length: 200 }, () => both.atHub.request('agent.output', args));
    await until('all to be handled', () => handled === 200);
    await until('answers to wait in the socket', () => near.bufferedBytes > 262_144);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((next) => setImmediate(next));
    expect(near.bufferedBytes).toBeLessThan(2 * 1_048_576);
    far.pause(false);
    expect((await Promise.all(asked)).filter(({ st }) => st === 'ok')).toHaveLength(200);
    await both.end();
  });
});
