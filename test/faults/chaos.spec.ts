// A network that does its worst between a hub and a spoke that run agents, again and again: in the end the hub's log is the
// spoke's journal, and what agents said is there once.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Chaos, ways } from '../support/chaos.js';
import { Federation, type Player } from '../support/federation.js';
import { soak } from '../support/soak.js';
import { Tap } from '../support/tap.js';
import { until } from '../support/until.js';

const disconnects = soak ? 100 : ways.length;
const seed = Date.now() % 1_000_000;

let stage: Federation;
let hub: Player;
let spoke: Player;
let connection: string;
const tap = new Tap();
const chaos = new Chaos(seed);

beforeAll(async () => {
  stage = await Federation.open();
  const publicUrl = await tap.open();
  stage.afterwards(() => tap.close());
  [hub, spoke] = await Promise.all([stage.hub('hub', { publicUrl }), stage.spoke('acme', { heartbeatMs: 250 })]);
  tap.aim(hub.instance.url);
  connection = await stage.pair(hub, spoke);
  tap.weather = chaos.weather;
}, 120_000);
afterAll(() => stage.close(), 60_000);

/** Where the journal of that side ends. */
const journals = async () => {
  const [atHub, atSpoke] = await Promise.all([hub.client.spokes.get('acme'), spoke.client.hubs.get('hub')]);
  return [atHub.journal, atSpoke.journal].map((journal) => journal && { epo: journal.epoch, seq: journal.seq });
};

async function eventsOf(at: Player, agents: ReadonlySet<string>): Promise<string[]> {
  const over = AbortSignal.timeout(20_000);
  const seen: string[] = [];
  const open = new Set(agents);
  for await (const { event } of at.client.agents.events(undefined, over)) {
    if (!agents.has(event.subject)) continue;
    seen.push(`${event.subject} ${event.id} ${event.type}`);
    if (event.type === 'agent.cleanup') open.delete(event.subject);
    if (open.size === 0) break;
  }
  return seen;
}

test(
  `[O-2] [F-14] ${disconnects} disconnects in every kind of bad weather: the hub’s log is the spoke’s journal, nothing lost or doubled`,
  async () => {
    const rounds = disconnects / ways.length;
    const lines = (soak ? 40 : 15) * Math.ceil(rounds);
    const script = `n=0; while [ $n -lt ${lines} ]; do n=$((n+1)); echo "line $n"; sleep 0.2; done`;
    const agents = new Set<string>();
    for (let n = 0; n < 2; n += 1) agents.add((await stage.spawn(hub, 'acme', script)).agentId);
    for (let done = 0; done < disconnects; done += 1) {
      const way = ways[done % ways.length] ?? 'cut';
      await until(`a link before ${way}, seed ${seed}`, () => tap.carries(connection), 90_000);
      const before = tap.closings.length;
      chaos.turn(way);
      await until(
        `${way} to be felt`,
        () => way === 'cut' || chaos.touched > 2 || tap.closings.length > before,
        60_000,
      );
      chaos.turn('none');
      if (tap.closings.length === before) tap.cut();
      await until(`the link to end after ${way}`, () => tap.closings.length > before);
    }
    await until('both to be connected', () => stage.connected(hub, spoke), 90_000);
    for (const agentId of agents) expect((await stage.ended(hub, agentId, 60_000)).state).toBe('completed');
    await until('the hub to have all', async () => {
      const [atHub, atSpoke] = await journals();
      return atHub !== undefined && JSON.stringify(atHub) === JSON.stringify(atSpoke);
    });
    const [atHub, atSpoke] = await Promise.all([hub, spoke].map((one) => eventsOf(one, agents)));
    expect(atHub).toEqual(atSpoke);
    expect(new Set(atHub).size).toBe(atHub?.length);
    for (const agentId of agents) {
      const { text } = await hub.client.agents.readOutput(agentId);
      expect(text.trimEnd().split('\n')).toEqual(Array.from({ length: lines }, (_none, n) => `line ${n + 1}`));
    }
    expect(tap.closings.length).toBeGreaterThanOrEqual(disconnects);
  },
  soak ? 900_000 : 120_000,
);
