import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect } from '@nats-io/transport-node';
import { newNonce } from '#protocol';
import { openSqliteStore } from '#store';
import { lyingBroker, type Published } from '../../../../test/support/lying-broker.js';
import { natsRequirement, startNats, type NatsServer } from '../../../../test/support/nats.js';
import { requirement } from '../../../../test/support/require.js';
import { until } from '../../../../test/support/until.js';
import { AddressPolicy } from './address-policy.js';
import { Broker } from './broker/broker.js';
import { listenForLinks } from './broker/door.js';
import { openBrokerLink } from './broker/open.js';
import { envelope, linkContract, listen, type Wire } from './link.contract.js';
import type { Link } from './link.js';

const policy = new AddressPolicy(['loopback']);
const here = requirement(...natsRequirement);
let server: NatsServer;
beforeAll(async () => {
  if (natsRequirement[1]) server = await startNats();
});
afterAll(async () => {
  if (natsRequirement[1]) await server.dispose();
});

/** With a back-off of its own, that knows of no earlier dial. */
async function brokerAt(url: string, stop: AbortSignal) {
  const store = await openSqliteStore({ path: ':memory:' });
  const broker = new Broker({ options: { url, auth: 'none' }, id: 'test', policy, tallyMs: 50 });
  broker.keep({ store, now: Date.now, log: () => undefined }, stop);
  return { broker, ended: () => broker.ended().then(() => store.close()) };
}

/** A spoke's broker connection behind a proxy that lies when it is told to, a hub's in front of it. */
async function wireOver(): Promise<
  Wire & { readonly proxy: Awaited<ReturnType<typeof lyingBroker>>; next(): Promise<Link> }
> {
  const proxy = await lyingBroker(server.url);
  const stop = new AbortController();
  const [far, near] = [await brokerAt(server.url, stop.signal), await brokerAt(proxy.url, stop.signal)];
  const route = { hub: 'H'.repeat(43), spoke: 'S'.repeat(43), con: newNonce() };
  const came: Link[] = [];
  listenForLinks(far.broker, route, (link) => came.push(link));
  await far.broker.connected(stop.signal);
  // As for every dialler, a hub that has not come yet is one to try again.
  const next = () => openBrokerLink(near.broker, route, stop.signal);
  const dialled = await until('the hub to listen', () => next().catch(() => undefined));
  const end = async (): Promise<void> => {
    dialled.close();
    stop.abort();
    await Promise.all([far.ended(), near.ended()]);
    await proxy[Symbol.asyncDispose]();
  };
  const accepted = until('the link to be taken', () => came.at(-1));
  return { dialled, accepted, cut: () => proxy.cut(), end, proxy, next };
}

if (natsRequirement[1]) linkContract('a broker', wireOver, 'silence');

describe('a broker link', () => {
  here('is given up by both ends when a message was lost on the way, and when one came twice', async () => {
    for (const times of [0, 2]) {
      const wire = await wireOver();
      const [near, far] = [listen(wire.dialled), listen(await wire.accepted)];
      wire.dialled.send(envelope('ack', 'first'));
      await far.next(1);
      wire.proxy.lie = (one: Published) =>
        Array.from({ length: one.payload.startsWith('sent') ? 1 : times }, () => one);
      wire.dialled.send(envelope('cmd', 'lost'));
      expect([(await wire.dialled.closed).code, (await (await wire.accepted).closed).code]).toEqual([1006, 1006]);
      expect(near.got).toEqual([]);
      await wire.end();
    }
  });

  here('hears at once that the other end is gone without a farewell', async () => {
    const wire = await wireOver();
    const accepted = await wire.accepted;
    listen(wire.dialled);
    listen(accepted);
    wire.cut();
    expect(await accepted.closed).toEqual({ code: 1006, reason: 'nobody listens at the other end' });
    await wire.end();
  });

  here('is not opened where nobody takes links of that connection', async () => {
    const wire = await wireOver();
    wire.proxy.lie = (one) => [{ ...one, subject: one.subject.replace(/[^.]+\.open$/, `${newNonce()}.open`) }];
    await expect(wire.next()).rejects.toMatchObject({ code: 'peer_unavailable' });
    await wire.end();
  });

  here('[F-1] has no ear for what others say on its subjects, nor for a reply that is not one of its own', async () => {
    const wire = await wireOver();
    const [near, far] = [listen(wire.dialled), listen(await wire.accepted)];
    const stranger = await connect({ servers: server.url });
    const subjects: Published[] = [];
    wire.proxy.lie = (one) => [subjects[subjects.push(one) - 1]!];
    wire.dialled.send(envelope('cmd', 'true'));
    await far.next(1);
    const { subject, reply } = subjects.find(({ payload }) => payload.endsWith('s'))!;
    for (const from of [undefined, reply.replace(/.$/, 'x'), 'elsewhere'])
      for (const text of [envelope('cmd', 'forged'), 'end 1000', 'sent 7', 'open', 'x'.repeat(2_000)])
        stranger.publish(subject, text, from === undefined ? {} : { reply: from });
    stranger.publish(subject.replace(/[^.]+$/, 'open'), '', { reply: 'elsewhere' });
    await stranger.flush();
    wire.dialled.send(envelope('cmd', 'true too'));
    expect(await far.next(2)).toEqual([envelope('cmd', 'true'), envelope('cmd', 'true too')]);
    expect(near.got).toEqual([]);
    await stranger.close();
    await wire.end();
  });
});

test('a broker beyond loopback is dialled with TLS only, and only where the policy allows', async () => {
  const stop = new AbortController();
  for (const url of ['nats://broker.example:4222', 'tls://10.0.0.1:4222', 'nats://0x0a.1']) {
    const said: string[] = [];
    const broker = new Broker({ options: { url, auth: 'none' }, id: 'test', policy });
    const fresh = await openSqliteStore({ path: ':memory:' });
    broker.keep({ store: fresh, now: Date.now, log: (message) => void said.push(message) }, stop.signal);
    await until('the refusal', () => said[0]?.includes('may not be dialled'));
    expect(broker.standing).toMatchObject({ connected: false });
    stop.signal.addEventListener('abort', () => void broker.ended().then(() => fresh.close()));
  }
  stop.abort();
});
