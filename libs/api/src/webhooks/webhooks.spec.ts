// Webhooks over real HTTP, with a real store: signed, in order, until they are taken.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../requests/logging.js';
import { AddressPolicy } from '#federation';
import { openSqliteStore, type Store } from '#store';
import { HookReceiver, isSigned } from '../../../../test/support/hook-receiver.js';
import { TinyGateway } from '../../../../test/support/tiny-gateway.js';
import { until } from '../../../../test/support/until.js';
import { checkWebhooks } from './check.js';
import type { Webhook } from './options.js';
import { signedHeaders } from './signature.js';
import { secretsOf } from './secrets.js';
import { Webhooks, type WebhooksParts } from './webhooks.js';

const secret = `whsec_${randomBytes(32).toString('base64')}`;
const next = `whsec_${randomBytes(24).toString('base64')}`;

let folder: string;
let store: Store;
let gateway: TinyGateway;
let receiver: HookReceiver;
let lines: string[];
let running: Webhooks[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'writ-webhooks-'));
  store = await openSqliteStore({ path: join(folder, 'store.sqlite') });
  gateway = new TinyGateway();
  receiver = await HookReceiver.open();
  [lines, running] = [[], []];
});
afterEach(async () => {
  await Promise.all(running.map((one) => one.close()));
  await receiver.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

const hookTo = (url: string, more: Partial<Webhook> = {}): Webhook => {
  return { name: 'ops', url, secretEnv: 'HOOK_SECRET', networks: ['loopback'], ...more };
};

async function start(hook = hookTo(receiver.url), more: Partial<WebhooksParts> = {}): Promise<Webhooks> {
  const log = createLogger('debug', {}, { write: (line) => void lines.push(line) });
  const lookup: WebhooksParts['lookup'] = ({ url, networks }) => new AddressPolicy(networks).lookupFor(new URL(url));
  const parts = { gateway, store, source: 'us', owner: 'alone', variable: () => `${secret}\n${next}`, lookup, log };
  const tempo = { firstMs: 20, longestMs: 40, restMs: 20, closeMs: 200 };
  const webhooks = new Webhooks({ hooks: [hook], ...parts, tempo, ...more });
  running.push(webhooks);
  webhooks.start();
  const { reading } = gateway;
  if (!more.owner) await until('the events are read', () => gateway.reading > reading);
  return webhooks;
}

const happen = (count: number, type: 'agent.usage' | 'grant.changed' = 'agent.usage') => {
  for (let n = 0; n < count; n += 1) gateway.emit(type, 'somebody');
};
const eventIds = () => gateway.happened.map(({ id }) => id);
const arrived = (count: number) => until(`${count} have come`, () => receiver.got.length >= count);
const taken = async (webhooks: Webhooks, count: number) =>
  until(`${count} were taken`, () => webhooks.tallies()[0]?.[1].delivered === count);

describe('a webhook', () => {
  test('gets what happens from now on, in order, as a CloudEvent signed with each secret', async () => {
    happen(3);
    await start();
    happen(5);
    await arrived(5);
    expect(receiver.ids()).toEqual(eventIds().slice(3));
    for (const [n, got] of receiver.got.entries()) {
      expect(got.headers['content-type']).toBe('application/cloudevents+json');
      expect(got.event).toEqual(gateway.happened[3 + n]);
      expect([isSigned(got, secret), isSigned(got, next)]).toEqual([true, true]);
      expect(isSigned({ ...got, body: `${got.body} ` }, secret)).toBe(false);
      expect(isSigned(got, `whsec_${randomBytes(32).toString('base64')}`)).toBe(false);
    }
    expect(new Set(receiver.got.map(({ id }) => id)).size).toBe(5);
  });

  test('signs as the vector of the specification’s own libraries has it', () => {
    const keys = secretsOf({ secretEnv: 'S' }, () => 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    if (typeof keys === 'string') throw new Error(keys);
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' };
    expect(signedHeaders(message, 1_614_265_330_999, keys)).toEqual({
      'webhook-id': message.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  test('[O-2] after failures tries the same event again under the same id, and those after it wait', async () => {
    receiver.answer = (nth) => ({ status: [500, 302, 429][nth] ?? 200, headers: { location: receiver.url } });
    const webhooks = await start();
    happen(3);
    await taken(webhooks, 3);
    const [first, ...others] = eventIds();
    expect(receiver.ids()).toEqual([first, first, first, first, ...others]);
    expect(new Set(receiver.got.slice(0, 4).map(({ id }) => id)).size).toBe(1);
    expect(webhooks.tallies()).toEqual([['ops', { delivered: 3, failed: 3, missing: 0 }]]);
    expect(await webhooks.failingSeconds()).toEqual([['ops', 0]]);
  });

  test('[L-12] outlasts a dead receiver and restarts of the instance: nothing is lost, nor sent twice once it was taken', async () => {
    const first = await start();
    happen(2);
    await taken(first, 2);
    await receiver.close();
    happen(2);
    const checks = () => checkWebhooks(store, [hookTo(receiver.url)]);
    const check = await until('the doctor says so', async () => {
      const found = await checks();
      return found[0]?.outcome === 'warning' ? found[0] : undefined;
    });
    expect(check).toMatchObject({ name: 'webhook ops', detail: expect.stringContaining('ECONNREFUSED') });
    expect((await first.failingSeconds())[0]?.[1]).toBeGreaterThan(0);
    await first.close();
    happen(2);
    const before = receiver.ids();
    receiver = await HookReceiver.open(receiver.port);
    const second = await start();
    await taken(second, 4);
    expect([...before, ...receiver.ids()]).toEqual(eventIds());
    expect(await checks()).toMatchObject([{ name: 'webhooks', outcome: 'ok' }]);
  });

  test('stops at 410 and says so, until the next start', async () => {
    receiver.answer = () => ({ status: 410 });
    const first = await start();
    happen(2);
    await until('it has stopped', () => lines.some((line) => line.includes('gone (410)')));
    await until('the events are left alone', () => gateway.reading === 0);
    expect(receiver.got).toHaveLength(1);
    expect((await checkWebhooks(store, [hookTo(receiver.url)]))[0]?.detail).toContain('410');
    await first.close();
    receiver.answer = () => ({ status: 200 });
    await taken(await start(), 2);
    expect(receiver.ids()).toEqual([eventIds()[0], ...eventIds()]);
  });

  test('[O-2] far behind is told how many events are no longer kept', async () => {
    const first = await start();
    happen(1);
    await taken(first, 1);
    await first.close();
    happen(5);
    gateway.forgotten = 4;
    await taken(await start(hookTo(receiver.url, { types: ['grant.*'] })), 1);
    expect(receiver.got[1]?.event).toMatchObject({ type: 'events.missing', source: 'us', data: { missing: 3 } });
    expect(isSigned(receiver.got[1]!, secret)).toBe(true);
  });

  test('gets the types that it wants, and passes the others', async () => {
    const webhooks = await start(hookTo(receiver.url, { types: ['grant.*'] }));
    happen(250);
    happen(1, 'grant.changed');
    await taken(webhooks, 1);
    expect(receiver.got.map(({ event }) => event.type)).toEqual(['grant.changed']);
  });

  test('[L-9] no secret of it stands in the log or in what the doctor says, nor what its address may hold', async () => {
    receiver.answer = () => ({ status: 500, headers: {} });
    const hook = hookTo(`${receiver.url}/T0KEN-IN-PATH`);
    await start(hook);
    happen(1);
    await arrived(2);
    const said = `${lines.join('')}${JSON.stringify(await checkWebhooks(store, [hook]))}`;
    expect(said).toContain('it answered 500');
    for (const hidden of [secret.slice(6), next.slice(6), 'T0KEN-IN-PATH']) expect(said).not.toContain(hidden);
  });
});

test('a name that resolves to an address of no allowed network is not dialled', async () => {
  const hook = hookTo(`http://localhost:${receiver.port}/`, { networks: ['public'] });
  await start(hook);
  happen(1);
  await until('it has failed', () => lines.some((line) => line.includes('resolves to no allowed address')));
  expect(receiver.got).toEqual([]);
});

test('a receiver that hangs holds up no other, and neither a close', async () => {
  const slow = await HookReceiver.open();
  slow.answer = () => new Promise(() => undefined);
  const webhooks = await start(hookTo(slow.url), { hooks: [hookTo(slow.url, { name: 'slow' }), hookTo(receiver.url)] });
  await until('both read', () => gateway.reading === 2);
  happen(3);
  await arrived(3);
  expect(slow.got).toHaveLength(1);
  await webhooks.close();
  await slow.close();
});

test('[L-1] of two processes on one store one sends; when it goes the other goes on from there', async () => {
  const [one, other] = [await start(undefined, { owner: 'one' }), await start(undefined, { owner: 'other' })];
  const sum = () => one.tallies()[0]![1].delivered + other.tallies()[0]![1].delivered;
  await until('one of them reads', () => gateway.reading === 1);
  happen(3);
  await until('three were taken', () => sum() === 3);
  const [sender, waiting] = one.tallies()[0]![1].delivered > 0 ? [one, other] : [other, one];
  expect(waiting.tallies()[0]![1].delivered).toBe(0);
  await sender.close();
  happen(2);
  await taken(waiting, 2);
  expect(receiver.ids()).toEqual(eventIds());
});
