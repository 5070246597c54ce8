// Every kind of message that two instances really exchanged, brought to everyone it was not meant for: another receiver, another
// door, another connection, another session, another time. It is refused, and nothing changes.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newNonce } from '#protocol';
import type { Key } from '#store';
import type { Link } from '../links/link.js';
import { linkedPair } from '../links/pair.js';
import { AddressPolicy } from '../links/address-policy.js';
import { hubRecords, spokeRecords } from '../records.js';
import { Federation, until, type Instance } from './federation.fixture.js';
import { Puppet } from './puppet.fixture.js';
import { Spoke, spawnArgs } from './session.contract.js';

type Side = 'hub' | 'spoke';

interface Recorded {
  readonly from: Side;
  readonly typ: string;
  readonly raw: string;
  readonly payload: Record<string, unknown>;
}

const types = ['keys', 'hello', 'cmd', 'res', 'evt', 'ack', 'ckpt', 'pair-req', 'pair-res'] as const;
const part = (raw: string, n: number) =>
  JSON.parse(Buffer.from(raw.split('.')[n] ?? '', 'base64url').toString()) as Record<string, unknown>;
const event = { agentId: '00000000-0000-8000-8000-000000000001' };

const recorded: Recorded[] = [];
const record = (from: Side, raw: string): void => {
  const typ = String(part(raw, 0)['typ']).replace(/^writ-|\+jws$/g, '');
  recorded.push({ from, typ, raw, payload: part(raw, 1) });
};

let pair: Federation;
let strangers: Federation;
let second: string;
let desks: Record<'pair' | 'strangers', ReturnType<typeof hubRecords>['desk']>;
const handlers = new Map<Instance, Spoke>();
let isOver = false;

/** The spoke dials through somebody who writes down all that passes. */
const tapped = async () => {
  if (isOver) throw new Error('nobody is there any more');
  const [[near, one], [other, far]] = [linkedPair(), linkedPair()];
  const pass = (from: Side, to: { send(raw: string): void }) => (raw: string) => {
    record(from, raw);
    to.send(raw);
    return true;
  };
  one.onMessage(pass('spoke', other));
  other.onMessage(pass('hub', one));
  void one.closed.then(() => other.close());
  void other.closed.then(() => one.close());
  pair.hub.peers.accept(far);
  return near;
};

const policy = new AddressPolicy(['loopback']);
const deskOf = ({ store, identity }: Instance) =>
  hubRecords({ store, identity, policy, log: { info: () => undefined, warn: () => undefined } });

/** A second connection between the same two, paired as people pair. */
async function pairAgain(): Promise<string> {
  const hub = deskOf(pair.hub);
  const post = async (_url: string, raw: string) => {
    record('spoke', raw);
    const answer = await hub.desk.answer(raw);
    if (answer !== null) record('hub', answer);
    return answer;
  };
  const { pairing } = spokeRecords({ store: pair.spoke.store, identity: pair.spoke.identity, policy, post });
  const actor = { kind: 'key', id: 'operator' } as const;
  const { line } = await hub.invites.create({ name: 'again', url: pair.url, operations: ['agent.status'], actor });
  const { connection } = await pairing.join(line, { name: 'again', hubName: 'again' });
  await hub.connections.accept(connection.id);
  return connection.id;
}

interface Standing {
  readonly acked: { readonly seq: number };
}
const standingOf = (con: string): Key => ['federation', 'journal-standing', con];

/** All kinds at least once, each because something really happened. */
async function exchange(): Promise<void> {
  pair.atSpoke.serve(handlers.get(pair.spoke)?.handle);
  await pair.atHub.request('instance.info', {});
  await pair.atHub.request('agent.spawn', spawnArgs, { idk: 'one' });
  await pair.atHub.request('agents.kill', { reason: 'stop' }, { idk: 'two' });
  await pair.spoke.journal.append(pair.con, [JSON.stringify(event)]);
  await until('the event to be taken', async () => ((await pair.hub.inbox.accepted(pair.con))?.seq ?? 0) > 0);
  const acked = async () => (await pair.spoke.store.get<Standing>(standingOf(pair.con)))?.value.acked.seq;
  await until('it to be acknowledged', async () => (await acked()) === 1);
  await Promise.all([pair.atHub, pair.atSpoke].map((peer) => peer.signAudit('now')));
  const has = (typ: string, from?: Side) => recorded.some((one) => one.typ === typ && (from ?? one.from) === from);
  await until('all kinds to have passed', () => types.every((typ) => has(typ, 'hub') || has(typ, 'spoke')));
}

beforeAll(async () => {
  pair = await Federation.paired('pair', { linkTo: tapped, heardMs: 86_400_000 });
  strangers = await Federation.paired('pair', { heardMs: 86_400_000 });
  handlers.set(pair.spoke, new Spoke(pair.con)).set(strangers.spoke, new Spoke(strangers.con));
  await Promise.all([pair.start(), strangers.start()]);
  strangers.atSpoke.serve(handlers.get(strangers.spoke)?.handle);
  second = await pairAgain();
  await exchange();
  const both = () => [pair.hub, pair.spoke].map(({ peers }) => peers.peer(second)?.connection);
  await until('the second one to be active', () =>
    both().every((one) => one?.ours.state === 'active' && one.theirs.state === 'active'),
  );
  desks = { pair: deskOf(pair.hub).desk, strangers: deskOf(strangers.hub).desk };
  isOver = true;
  for (const peer of pair.spoke.peers.list()) peer.drop(1000, 'over');
  await until('both to be alone', () => !pair.atHub.isConnected && !pair.atSpoke.isConnected);
  await Promise.all([pair.atHub.settled(), pair.atSpoke.settled()]);
}, 120_000);
afterAll(() => Promise.all([pair.end(), strangers.end()]), 30_000);

/** What an instance would act on; logs, alarms and receipts tell what happened and are no state. */
async function stateOf(instance: Instance): Promise<unknown> {
  const told = ['dial', 'receipts', 'alarms', 'alarm', 'audit', 'audit-standing'];
  const entries = await instance.store.list<unknown>(['federation'], { limit: 1_000 });
  const state = entries.filter(({ key }) => !told.includes(String(key[1])));
  const values = state.map(({ key, value }) => `${key.join(' ')} ${JSON.stringify(value)}`);
  return { values, asked: handlers.get(instance)?.asked.length };
}

/** Both connections went by; what is brought anywhere is of the first, of the instance itself, or of a pairing. */
const isOfTheFirst = ({ typ, payload: { con } }: Recorded): boolean =>
  typ.startsWith('pair') || con === undefined || con === pair.con;

type Stage = 'first on a link' | 'after keys' | 'in a session' | 'in a session of the other connection';
const stages: Stage[] = ['first on a link', 'after keys', 'in a session', 'in a session of the other connection'];

/** Of each message that came over the link of a puppet: whether it was taken. */
const verdicts = new WeakMap<Puppet, Map<string, boolean>>();

/** The receiver's end of a link, watched. */
function watched(link: Link): Map<string, boolean> {
  const taken = new Map<string, boolean>();
  const listen = link.onMessage.bind(link);
  link.onMessage = (listener) =>
    listen((raw, reply) => {
      const verdict = listener(raw, reply);
      taken.set(raw, verdict);
      return verdict;
    });
  return taken;
}

/** Somebody with the true keys of the other side, who stands at that point of a link. */
async function standing(receiver: Instance, of: Federation, stage: Stage, side: Side): Promise<Puppet> {
  const [near, far] = linkedPair();
  const taken = watched(far);
  receiver.peers.accept(far);
  const sender = side === 'hub' ? of.spoke : of.hub;
  const con = stage === 'in a session of the other connection' ? second : of.con;
  const puppet = new Puppet(near, sender.identity, receiver.identity.id, con);
  verdicts.set(puppet, taken);
  if (stage === 'after keys') puppet.link.send(sender.identity.statement.token);
  if (stage.startsWith('in a session')) {
    const known = receiver.peers.peer(con)?.connection.theirs;
    const journal = await (side === 'hub' ? sender.journal.position(con) : sender.inbox.accepted(con));
    await puppet.dial({ replica: newNonce(), half: known, ...(journal && { journal }) });
  }
  return puppet;
}

/** `refused`: the uniform refusal. A word: the signed one. `nothing`: it was taken, and may change nothing. */
async function outcomeOf(puppet: Puppet, raw: string): Promise<string> {
  puppet.link.send(raw);
  puppet.link.send('noise');
  await puppet.link.closed;
  const { jti } = part(raw, 1);
  const answer = puppet.heard.find(
    ({ typ, payload }) => typ === 'writ-res+jws' && (payload['req'] as { jti?: unknown }).jti === jti,
  );
  if (answer) return typeof answer.payload['err'] === 'string' ? answer.payload['err'] : 'results';
  return verdicts.get(puppet)?.get(raw) === true ? 'nothing' : 'refused';
}

/** What the protocol says of it there. */
function expected({ typ, payload }: Recorded, isFor: boolean, stage: Stage): string {
  if (!isFor || typ.startsWith('pair')) return 'refused';
  if (typ === 'keys') return 'nothing';
  const isFirstHello = typ === 'hello' && payload['re'] === undefined;
  if (stage === 'first on a link' || stage === 'in a session of the other connection') return 'refused';
  if (isFirstHello) return 'nothing';
  if (typ === 'hello') return 'refused';
  if (typ === 'cmd') return 'session';
  return stage === 'in a session' ? 'nothing' : 'refused';
}

describe('[F-1] a recorded message of every kind', () => {
  const receivers = [
    ['the other side', 'pair', false],
    ['the one who said it', 'pair', true],
    ['somebody else of the same role', 'strangers', false],
    ['somebody else of the other role', 'strangers', true],
  ] as const;

  const matrix = types.flatMap((typ) => receivers.map(([whom, where, isBack]) => [typ, whom, where, isBack] as const));

  test.each(matrix)(
    '%s to %s, wherever on a link: as the protocol says, and nothing changes',
    async (typ, _whom, where, isBack) => {
      const of = where === 'pair' ? pair : strangers;
      const all = recorded.filter((one) => one.typ === typ && isOfTheFirst(one));
      expect(all.length).toBeGreaterThan(0);
      for (const one of all) {
        const side = isBack ? one.from : one.from === 'hub' ? 'spoke' : 'hub';
        const receiver = of[side];
        const before = await stateOf(receiver);
        for (const stage of stages) {
          if (stage === 'in a session of the other connection' && of === strangers) continue;
          const puppet = await standing(receiver, of, stage, side);
          const isFor = of === pair && !isBack;
          const seen = await outcomeOf(puppet, one.raw);
          expect([one.from, stage, seen]).toEqual([one.from, stage, expected(one, isFor, stage)]);
        }
        for (const peer of receiver.peers.list()) await peer.settled();
        expect(await stateOf(receiver)).toEqual(before);
      }
    },
  );

  test('at the door of pairing: only the request counts, at its own hub, and gets its own answer', async () => {
    const before = await Promise.all([stateOf(pair.hub), stateOf(strangers.hub)]);
    const response = recorded.find(({ typ }) => typ === 'pair-res')?.raw;
    for (const { typ, raw } of recorded) {
      expect([typ, await desks.pair.answer(raw)]).toEqual([typ, typ === 'pair-req' ? response : null]);
      expect([typ, await desks.strangers.answer(raw)]).toEqual([typ, null]);
    }
    expect(await Promise.all([stateOf(pair.hub), stateOf(strangers.hub)])).toEqual(before);
  });

  test('as the answer to a pairing: none but its own is believed, and no connection comes of it', async () => {
    const { store, identity } = strangers.spoke;
    const actor = { kind: 'key', id: 'operator' } as const;
    const hub = deskOf(pair.hub);
    const known = async () => (await strangers.spoke.connections.list()).length;
    const before = await known();
    for (const { raw } of types.map((typ) => recorded.find((one) => one.typ === typ)!)) {
      const { line } = await hub.invites.create({ name: 'x', url: pair.url, operations: ['agent.status'], actor });
      const { pairing } = spokeRecords({ store, identity, policy, post: () => Promise.resolve(raw) });
      await expect(pairing.join(line, { name: 'x' })).rejects.toMatchObject({ code: 'pairing_refused' });
    }
    expect(await known()).toBe(before);
  });

  /** Before its statement a key does not speak at all. */
  test.each([
    [400_000, 'clock'],
    [-400_000, 'refused'],
  ])('at another time (%i ms) a command and a hello are no good: %s', async (skewMs, word) => {
    const ours = recorded.filter(({ from, payload }) => from === 'hub' && payload['con'] === pair.con);
    for (const { typ, raw } of ours.filter(({ typ }) => typ === 'cmd' || typ === 'hello')) {
      const puppet = await standing(pair.spoke, pair, 'in a session', 'spoke');
      await puppet.ask(puppet.command([{ id: '0', op: 'instance.info', args: {}, gv: 0 }]));
      const before = await stateOf(pair.spoke);
      pair.skewMs.spoke = skewMs;
      const seen = await outcomeOf(puppet, raw);
      pair.skewMs.spoke = 0;
      expect([typ, seen]).toEqual([typ, word]);
      expect(await stateOf(pair.spoke)).toEqual(before);
    }
  });
});
