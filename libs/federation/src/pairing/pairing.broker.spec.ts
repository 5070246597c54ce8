// Pairing for a spoke that reaches nothing but a broker, whose operator listens and says what they like.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from '@jest/globals';
import { connect, errors, type NatsConnection } from '@nats-io/transport-node';
import { newNonce } from '#protocol';
import { openSqliteStore, type Store } from '#store';
import { natsRequirement, startNats, type NatsServer } from '../../../../test/support/nats.js';
import { requirement } from '../../../../test/support/require.js';
import { until } from '../../../../test/support/until.js';
import { AddressPolicy } from '../links/address-policy.js';
import { Broker } from '../links/broker/broker.js';
import { hubRecords, spokeRecords, type HubRecords, type SpokeRecords } from '../records.js';
import { Clock, freshIdentity } from './pairing.fixture.js';

const here = requirement(...natsRequirement);
const policy = new AddressPolicy(['loopback']);
let server: NatsServer;
let operator: NatsConnection;
beforeAll(async () => {
  if (!natsRequirement[1]) return;
  server = await startNats();
  operator = await connect({ servers: server.url });
});
afterAll(async () => {
  if (!natsRequirement[1]) return;
  await operator.close();
  await server.dispose();
});

/** Whether the broker knows of somebody who hears what is sent there; it answers nothing to a request without a message. */
function isHeard(hub: string): Promise<boolean> {
  return operator.request(`writ.v1.hub.${hub}.pair`, '', { timeout: 50 }).then(
    () => true,
    (error: unknown) => !(error instanceof errors.RequestError && error.isNoResponders()),
  );
}

type Side<T> = T & { readonly id: string; up(): Promise<void> };

describe('pairing over a broker', () => {
  const clock = new Clock();
  let stop: AbortController;
  let stores: Store[];
  let brokers: Broker[];
  let hub: Side<HubRecords>;
  let spoke: Side<SpokeRecords>;

  /** One side: `has` the broker in its settings, and `isUp` there from the beginning. */
  async function records<T>(
    make: typeof hubRecords | typeof spokeRecords,
    { has = true, isUp = true } = {},
  ): Promise<Side<T>> {
    const store = await openSqliteStore({ path: ':memory:', clock: clock.now });
    const identity = freshIdentity(clock.now);
    const broker = new Broker({ options: { url: server.url, auth: 'none' }, id: identity.id, policy });
    const log = { info: () => undefined, warn: () => undefined };
    const made = make({ store, identity, policy, now: clock.now, log, ...(has && { broker }) });
    const up = async (): Promise<void> => {
      broker.keep({ store, now: Date.now, log: () => undefined }, stop.signal);
      await broker.connected(stop.signal);
      if (has && make === hubRecords) await until('the hub hears requests', () => isHeard(identity.id));
    };
    if (isUp) await up();
    stores.push(store);
    brokers.push(broker);
    return { ...(made as T), id: identity.id, up };
  }

  beforeEach(async () => {
    if (!natsRequirement[1]) return;
    [stop, stores, brokers] = [new AbortController(), [], []];
    [hub, spoke] = [await records(hubRecords), await records(spokeRecords)];
  });
  afterEach(async () => {
    if (!natsRequirement[1]) return;
    stop.abort();
    await Promise.all(brokers.map((broker) => broker.ended()));
    await Promise.all(stores.map((store) => store.close()));
  });

  const invite = async (of = hub): Promise<string> => {
    const actor = { kind: 'key', id: 'operator' } as const;
    const where = { name: 'central', url: 'https://hub.invalid', broker: server.url };
    return (await of.invites.create({ ...where, operations: ['agent.status'], actor })).line;
  };

  here('makes a connection over it on both sides, and the same invite again gives the same one', async () => {
    const line = await invite();
    expect(spoke.pairing.inspect(line).hub).toMatchObject({ url: 'https://hub.invalid', broker: server.url });
    const { connection } = await spoke.pairing.join(line, { name: 'acme' });
    const [pending] = await hub.desk.pending();
    expect([connection.link, pending?.connection.link]).toEqual([{ kind: 'broker' }, { kind: 'broker' }]);
    expect(pending?.connection.id).toBe(connection.id);
    expect((await spoke.pairing.join(line, { name: 'acme' })).connection.id).toBe(connection.id);
  });

  here('answers what is forged with silence, and takes the true request afterwards', async () => {
    const said: string[] = [];
    operator.subscribe(`writ.v1.spoke.${spoke.id}.pair.*`, { callback: (_, { data }) => void said.push(String(data)) });
    const ask = (text: string, reply: string) => operator.publish(`writ.v1.hub.${hub.id}.pair`, text, { reply });
    const line = await invite();
    const end = `writ.v1.spoke.${spoke.id}.pair.${newNonce()}`;
    for (const text of ['', 'nonsense', 'a.b.c', 'x'.repeat(200_000)]) ask(text, end);
    ask('a.b.c', `writ.v1.hub.${hub.id}.pair`);
    await operator.flush();
    const { connection } = await spoke.pairing.join(line, { name: 'acme' });
    expect((await hub.desk.pending()).map(({ connection: { id } }) => id)).toEqual([connection.id]);
    expect(said).toHaveLength(1);
  });

  here('refuses an answer that somebody else gave, alarms, and the invite is still good', async () => {
    const late = await records<HubRecords>(hubRecords, { isUp: false });
    const line = await invite(late);
    const forger = operator.subscribe(`writ.v1.hub.${late.id}.pair`, {
      callback: (_, { reply = '' }) => operator.publish(reply, 'a.b.c'),
    });
    await operator.flush();
    const joining = spoke.pairing.join(line, { name: 'acme' });
    await expect(joining).rejects.toMatchObject({ code: 'pairing_refused' });
    expect((await spoke.alarms.list()).map(({ kind }) => kind)).toEqual(['pairing_response_invalid']);
    forger.unsubscribe();
    await late.up();
    const { connection } = await spoke.pairing.join(line, { name: 'acme' });
    expect((await late.desk.pending()).map(({ connection: { id } }) => id)).toEqual([connection.id]);
  });

  here('is refused before anything is kept where there is no broker, and by a hub that has none', async () => {
    const bare = await records<SpokeRecords>(spokeRecords, { has: false });
    const line = await invite();
    await expect(bare.pairing.join(line, { name: 'acme' })).rejects.toMatchObject({ code: 'invite_invalid' });
    expect(await stores.at(-1)?.list(['federation', 'pairing'])).toEqual([]);
    const deaf = await records<HubRecords>(hubRecords, { has: false });
    const away = await invite(deaf);
    await expect(spoke.pairing.join(away, { name: 'acme' })).rejects.toMatchObject({ code: 'peer_unavailable' });
  });
});
