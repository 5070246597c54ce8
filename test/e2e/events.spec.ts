// The event stream over what is kept: whoever comes back within the tail misses nothing, whoever comes back too late is told.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Federation, type Player } from '../support/federation.js';
import { HookReceiver, isSigned } from '../support/hook-receiver.js';
import { until } from '../support/until.js';

const eventsKeptMax = 10;

const secret = `whsec_${randomBytes(32).toString('base64')}`;

let receiver: HookReceiver;
let spokes: HookReceiver;
let stage: Federation;
let spoke: Player;
let hub: Player;

beforeAll(async () => {
  [stage, receiver, spokes] = await Promise.all([Federation.open(), HookReceiver.open(), HookReceiver.open()]);
  stage.afterwards(() => Promise.all([receiver.close(), spokes.close()]));
  const hook = { name: 'ops', secretEnv: 'HOOK', types: ['agent.completed'], networks: ['loopback'] };
  const told = ({ url }: HookReceiver) => ({ eventsKeptMax, webhooks: [{ ...hook, url }] });
  [hub, spoke] = await Promise.all([
    stage.hub('hub', { ...told(receiver), fleetEndedMax: 2 }, { HOOK: secret }),
    stage.spoke('acme', told(spokes), { HOOK: secret }),
  ]);
  await stage.pair(hub, spoke);
}, 120_000);
afterAll(() => stage.close(), 60_000);

interface Heard {
  readonly cursor: string;
  readonly id: string;
  readonly type: string;
}

/** Listens from the beginning on, before anything can be trimmed. */
function listening(at: Player): { readonly heard: Heard[]; readonly stop: () => Promise<void> } {
  const over = new AbortController();
  const heard: Heard[] = [];
  const reading = (async () => {
    for await (const { cursor, event } of at.client.agents.events(undefined, over.signal))
      heard.push({ cursor, id: event.id, type: event.type });
  })();
  return { heard, stop: () => (over.abort(), reading) };
}

/** What comes after the cursor up to the event `last`, and how many are told to be missing. */
async function resumed(at: Player, cursor: string, last: string): Promise<{ ids: string[]; missing: number }> {
  const over = new AbortController();
  const ids: string[] = [];
  let missing = 0;
  const missed = (gap: { readonly missing: number }) => void (missing += gap.missing);
  for await (const { event } of at.client.agents.events(cursor, over.signal, missed)) {
    ids.push(event.id);
    if (event.id === last) break;
  }
  over.abort();
  return { ids, missing };
}

async function stories(at: Player, on: string | undefined, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const { agentId } = await stage.spawn(at, on, 'echo done');
    await stage.ended(at, agentId);
  }
}

async function comesBack(at: Player, on: string | undefined): Promise<void> {
  const { heard, stop } = listening(at);
  stage.afterwards(stop);
  await stories(at, on, 1);
  const told = (count: number) => () => heard.filter(({ type }) => type === 'agent.cleanup').length === count;
  await until('the first story is heard', told(1), 20_000);
  const early = heard[1]!;
  await stories(at, on, 5);
  await until('all stories are heard', told(6), 20_000);
  const ids = heard.map(({ id }) => id);
  const last = ids.at(-1)!;
  const late = await until('the early ones are trimmed', async () => {
    const found = await resumed(at, early.cursor, last);
    return found.missing > 0 ? found : undefined;
  });
  expect(late.ids).toEqual(ids.slice(2 + late.missing, 2 + late.missing + late.ids.length));
  expect(late.ids.at(-1)).toBe(last);
  expect(late.ids.length).toBeGreaterThanOrEqual(eventsKeptMax);
  const within = ids.indexOf(last) - 5;
  expect(await resumed(at, heard[within]!.cursor, last)).toEqual({
    ids: ids.slice(within + 1, within + 6),
    missing: 0,
  });
}

test('[O-2] on a spoke, within what is kept nothing is missed; before it the number of missing events is told', async () => {
  await comesBack(spoke, undefined);
}, 120_000);

test('[O-2] [S-5] on a hub too; and what it forgot of the journal and of its memory is still answered, also after a crash', async () => {
  await comesBack(hub, 'acme');
  const idsOf = async (limit: number) => {
    const ids: string[] = [];
    for await (const { agentId, state } of hub.client.agents.all({ limit })) {
      expect(state).toBe('completed');
      ids.push(agentId);
    }
    return ids;
  };
  const before = await idsOf(2);
  expect(before).toHaveLength(6);
  await hub.restart('SIGKILL');
  expect(await idsOf(4)).toEqual(before);
  expect(await hub.client.agents.get(before.at(-1)!)).toMatchObject({ state: 'completed', spoke: { name: 'acme' } });
}, 180_000);

test('a webhook of the hub is told of each end that it wants, signed, and goes on after the crash', async () => {
  const ended = () => new Set(receiver.got.map(({ event }) => event.subject));
  await until('six ends have come', () => ended().size === 6, 20_000);
  await stories(hub, 'acme', 1);
  await until('the seventh end has come', () => ended().size === 7, 20_000);
  for (const got of receiver.got) {
    expect(got.event).toMatchObject({ specversion: '1.0', type: 'agent.completed', spoke: 'acme' });
    expect(isSigned(got, secret)).toBe(true);
  }
  expect((await hub.client.instance()).checks).toContainEqual(
    expect.objectContaining({ name: 'webhooks', outcome: 'ok' }),
  );
  const { text } = await hub.call('GET', '/metrics');
  expect(text).toMatch(/^writ_webhook_tries_total\{webhook="ops",outcome="delivered"\} [1-9]/m);
}, 120_000);

test('a webhook of a spoke is told of its own agents and of those that a hub spawned, also after a crash', async () => {
  const ended = () => new Set(spokes.got.map(({ event }) => event.subject));
  await spoke.restart('SIGKILL');
  await stage.connected(hub, spoke);
  await stories(hub, 'acme', 1);
  await until('six of its own and eight of the hub', () => ended().size === 14);
  for (const got of spokes.got) {
    expect(got.event).toMatchObject({ specversion: '1.0', type: 'agent.completed' });
    expect(got.event).not.toHaveProperty('spoke');
    expect(isSigned(got, secret)).toBe(true);
  }
});

test('a client that does not ask for gaps is not left in the belief that it has everything', async () => {
  const all = spoke.client.agents.events(undefined)[Symbol.asyncIterator]();
  await expect(all.next()).rejects.toMatchObject({ code: 'not_found' });
});

test('who hears of an agent from a hub and asks for it at once gets no older answer', async () => {
  const [over, older] = [new AbortController(), [] as string[]];
  const ended = new Set<string>();
  const asking = (async () => {
    for await (const { event } of hub.client.agents.events({ from: 'now' }, over.signal)) {
      const { state } = await hub.client.agents.get(event.subject);
      if (event.type === 'agent.running' && state === 'spawning') older.push(event.id);
      if (event.type !== 'agent.completed') continue;
      ended.add(event.subject);
      if (state !== 'completed') older.push(event.id);
    }
  })();
  await Promise.all([1, 2, 3, 4, 5].map(() => stories(hub, 'acme', 2)));
  await until('all ends are heard', () => ended.size === 10);
  over.abort();
  await asking;
  expect(older).toEqual([]);
});
