// The broker is the attacker: it reads everything, and says, repeats, moves, reorders and keeps back what it likes.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { agentIdOf, newNonce, signJws, SigningKey } from '#protocol';
import type { Store } from '#store';
import { lyingBroker, type LyingBroker, type Published } from '../../../../test/support/lying-broker.js';
import { natsRequirement, startNats, type NatsServer } from '../../../../test/support/nats.js';
import { requirement } from '../../../../test/support/require.js';
import { Federation, until } from './federation.fixture.js';
import { spawnArgs, Spoke } from './session.contract.js';

const here = requirement(...natsRequirement);
let server: NatsServer;
let broker: LyingBroker;
let operator: NatsConnection;
/** Everything that ever was published, in order. */
const recorded: Published[] = [];

beforeAll(async () => {
  if (!natsRequirement[1]) return;
  server = await startNats();
  broker = await lyingBroker(server.url);
  operator = await connect({ servers: server.url });
  operator.subscribe('writ.>', {
    callback: (_, { subject, reply = '', data }) =>
      void recorded.push({ subject, reply, payload: Buffer.from(data).toString('latin1') }),
  });
  await operator.flush();
});
afterAll(async () => {
  if (!natsRequirement[1]) return;
  await operator.close();
  await broker[Symbol.asyncDispose]();
  await server.dispose();
});

const isMessage = ({ payload }: Published): boolean => payload.includes('.');

/** What stands in a store, but for when to dial. */
async function contents(store: Store): Promise<string[]> {
  const entries = await store.list(['federation']);
  return entries.filter(({ key }) => key[1] !== 'dial').map(({ key, version }) => `${key.join(' ')} ${version}`);
}

(natsRequirement[1] ? describe : describe.skip)('two instances whose broker lies', () => {
  let both: Federation;
  let spoke: Spoke;
  beforeEach(async () => {
    recorded.length = 0;
    broker.lie = (one) => [one];
    both = await Federation.connected('broker', { place: broker });
    spoke = new Spoke(both.con);
    both.atSpoke.serve(spoke.handle);
  });
  afterEach(() => both.end());

  const spawn = (idk: string) => both.atHub.request('agent.spawn', spawnArgs, { idk });
  const append = (n: number) => both.spoke.journal.append(both.con, [JSON.stringify({ n })]);
  const stands = async () => [await contents(both.hub.store), await contents(both.spoke.store)];
  /** The newest message to each end, which names both ends of the open link. */
  const ends = () => [
    recorded.findLast((one) => isMessage(one) && one.subject.startsWith('writ.v1.hub.'))!,
    recorded.findLast((one) => isMessage(one) && one.subject.startsWith('writ.v1.spoke.'))!,
  ];

  /** Some work both ways that has come to rest. */
  async function worked(): Promise<void> {
    expect(await spawn('before')).toMatchObject({ st: 'ok', body: { agentId: agentIdOf(both.con, 'before') } });
    for (let n = 0; n < 3; n += 1) await append(n);
    await until('three events', async () => (await both.hub.inbox.accepted(both.con))?.seq === 3);
    await until('an ack of them', async () => {
      const before = await stands();
      await new Promise((resolve) => setTimeout(resolve, 150));
      return JSON.stringify(before) === JSON.stringify(await stands());
    });
  }

  test('[F-1] what it forges gets silence, changes nothing, and does not disturb the link', async () => {
    await worked();
    const changes: string[] = [];
    both.hub.peers.changes.subscribe(({ what }) => what === 'state' && changes.push(what));
    const before = await stands();
    const key = SigningKey.generate();
    const nowS = Math.floor(Date.now() / 1_000);
    const forged = [
      signJws('writ-keys+jws', { v: 1, iss: key.kid, ver: 1, iat: nowS, exp: nowS + 60, keys: [], revoked: [] }, key),
      signJws('writ-cmd+jws', { v: 1, iss: both.hub.identity.id, aud: both.spoke.identity.id, con: both.con }, key),
      ...[
        'nonsense',
        'a.b.c',
        '',
        'x'.repeat(1_048_576),
        'open',
        'sent',
        'end 9',
        'sent 1e3',
        `sent ${'9'.repeat(20)}`,
      ],
    ];
    const heard = recorded.length;
    for (const { subject, reply } of ends()) for (const text of forged) operator.publish(subject, text, { reply });
    await operator.flush();
    expect(await both.atHub.request('instance.info', {})).toMatchObject({ st: 'ok' });
    const said = recorded.slice(heard).filter((one) => isMessage(one) && !forged.includes(one.payload));
    expect(new Set(said.map(({ subject }) => subject)).size).toBeLessThanOrEqual(2);
    expect(spoke.asked.map(({ op }) => op)).toEqual(['agent.spawn', 'instance.info']);
    expect([await stands(), changes]).toEqual([before, []]);
  });

  test('[F-1] what it repeats, on every subject there is, has no second effect and changes nothing', async () => {
    await worked();
    const before = await stands();
    const copies = recorded.filter(isMessage).map(({ payload }) => payload);
    for (const { subject, reply } of ends()) for (const text of copies) operator.publish(subject, text, { reply });
    operator.publish(`writ.v1.hub.${both.hub.identity.id}.${both.con}.open`, '', { reply: ends()[0]!.reply });
    await operator.flush();
    expect(await spawn('before')).toMatchObject({ st: 'ok' });
    expect(new Set(spoke.asked.map(({ jti }) => jti)).size).toBe(spoke.asked.length);
    expect(spoke.effects).toBe(1);
    expect((await both.hub.inbox.accepted(both.con))?.seq).toBe(3);
    const kept = (side: readonly string[]) =>
      side.filter((line) => /^federation (connection|statement|alarm)/.test(line));
    expect((await stands()).map(kept)).toEqual(before.map(kept));
  });

  const random = mulberry(7);
  const kept: Published[] = [];
  test.each<[string, LyingBroker['lie']]>([
    ['keeps back', (one) => (random() < 0.2 ? [] : [one])],
    ['doubles', (one) => (random() < 0.3 ? [one, one] : [one])],
    ['reorders', (one) => (random() < 0.3 ? (kept.push(one), []) : [one, ...kept.splice(0)])],
  ])('[F-13] what it %s comes through once and in order when it lets go', async (_, lie) => {
    let lies = 0;
    broker.lie = (one) => {
      const told = isMessage(one) ? lie(one) : [one];
      lies += told.length === 1 ? 0 : 1;
      return told;
    };
    const spawns = Array.from({ length: 12 }, (_n, n) => spawn(`s${n}`));
    for (let n = 0; n < 24; n += 1) await append(n);
    await until('a few lies', () => lies >= 5);
    broker.lie = (one) => [one];
    for (const [n, answer] of (await Promise.all(spawns)).entries())
      expect(answer).toMatchObject({ st: 'ok', body: { agentId: agentIdOf(both.con, `s${n}`) } });
    expect(spoke.effects).toBe(12);
    await until('all events', async () => (await both.hub.inbox.accepted(both.con))?.seq === 24);
    expect(await both.hub.alarms.list()).toEqual([]);
  });

  test('[F-1] what it delivers to others, or back to where it came from, is refused there', async () => {
    const others = await Federation.connected('broker', { place: broker });
    const other = new Spoke(others.con);
    others.atSpoke.serve(other.handle);
    try {
      const newest = new Map<string, Published>();
      broker.lie = (one) => {
        const [, , side, , con] = one.subject.split('.');
        newest.set(`${side} ${con}`, one);
        const elsewhere = [...newest.values()].map(({ subject, reply }) => ({ ...one, subject, reply }));
        return isMessage(one) ? [one, ...elsewhere.filter(({ subject }) => subject !== one.subject)] : [one];
      };
      const ask = (at: Federation) => at.atHub.request('instance.info', {});
      for (let n = 0; n < 5; n += 1)
        expect((await Promise.all([ask(both), ask(others)])).map(({ st }) => st)).toEqual(['ok', 'ok']);
      await Promise.all([spawn('mine'), others.atHub.request('agent.spawn', spawnArgs, { idk: 'theirs' })]);
      const foreign = (at: Federation, by: Spoke) => by.asked.filter(({ connectionId }) => connectionId !== at.con);
      expect([spoke.effects, other.effects, foreign(both, spoke), foreign(others, other)]).toEqual([1, 1, [], []]);
      expect([...(await both.spoke.alarms.list()), ...(await others.spoke.alarms.list())]).toEqual([]);
    } finally {
      broker.lie = (one) => [one];
      await others.end();
    }
  });

  test('a flood of requests for links leaves the link that there is alone', async () => {
    const changes: string[] = [];
    both.hub.peers.changes.subscribe(({ what, peer }) => what === 'state' && changes.push(peer.state));
    const subject = `writ.v1.hub.${both.hub.identity.id}.${both.con}.open`;
    const reply = () => `writ.v1.spoke.${both.spoke.identity.id}.${both.con}.${newNonce()}`;
    const heard = recorded.length;
    for (let n = 0; n < 2_000; n += 1) operator.publish(subject, '', { reply: reply() });
    operator.publish(subject, '', { reply: subject });
    await operator.flush();
    expect(await both.atHub.request('instance.info', {})).toMatchObject({ st: 'ok' });
    const welcomed = recorded.slice(heard).filter(({ payload }) => payload === 'open');
    expect(welcomed.length).toBeLessThan(40);
    expect(changes).toEqual([]);
  });
});

if (!natsRequirement[1]) here('two instances whose broker lies', () => undefined);

/** The same numbers on every run. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
