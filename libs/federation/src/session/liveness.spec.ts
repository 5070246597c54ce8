import { describe, expect, test } from '@jest/globals';
import { linkedPair } from '../links/pair.js';
import { Federation, until } from './federation.fixture.js';

type End = ReturnType<typeof linkedPair>[0];

/** A pair whose ends the test can pause. */
async function pausable(more: { readonly heardMs?: number } = {}) {
  const ends: End[] = [];
  const both: Federation = await Federation.paired('pair', {
    ...more,
    linkTo: async () => {
      const [near, far] = linkedPair();
      ends.push(near, far);
      both.hub.peers.accept(far);
      return near;
    },
  });
  await both.start();
  return { both, ends };
}

describe('[F-13] a link over which nothing comes any more', () => {
  test('counts as lost on both sides after 45 s, is given up, and a new one is dialled', async () => {
    const { both, ends } = await pausable();
    const changes: string[] = [];
    both.spoke.peers.changes.subscribe(({ peer, what }) => what === 'state' && changes.push(peer.state));
    for (const end of ends) end.pause(true);
    both.skewMs.hub = both.skewMs.spoke = 46_000;
    await until('both to have lost the other', () => both.atHub.state === 'lost' || changes.includes('lost'));
    await until('a new link', () => ends.length > 2);
    await until('both to be ready again', () => both.atHub.state === 'ready' && both.atSpoke.state === 'ready');
    expect(changes).toContain('lost');
    await both.end();
  });

  test.each(['to the hub', 'to the spoke', 'both ways'] as const)(
    'whichever way is dead (%s), three heartbeats later neither calls the other connected, and both do when it lives',
    async (way) => {
      const { both, ends } = await pausable({ heardMs: 2_000 });
      const [near, far] = ends as [End, End];
      const [atHub, atSpoke] = [new Set<string>(), new Set<string>()];
      both.hub.peers.changes.subscribe(({ peer, what }) => what === 'state' && atHub.add(peer.state));
      both.spoke.peers.changes.subscribe(({ peer, what }) => what === 'state' && atSpoke.add(peer.state));
      if (way !== 'to the hub') near.pause(true);
      if (way !== 'to the spoke') far.pause(true);
      await until('the spoke to have lost it', () => atSpoke.has('lost'));
      await until('the hub not to hear it either', () => atHub.has('connecting') || atHub.has('lost'));
      await until('a new link', () => ends.length > 2);
      await until('both to agree again', () => both.atHub.state === 'ready' && both.atSpoke.state === 'ready');
      await both.end();
    },
  );

  test('counts as heard as long as heartbeats are acknowledged, whatever else is silent', async () => {
    const { both } = await pausable();
    for (const skew of [30_000, 60_000, 90_000]) {
      both.skewMs.hub = both.skewMs.spoke = skew;
      const since = Date.now() + skew;
      await until('both to be heard', () => both.atHub.lastHeardAt! >= since && both.atSpoke.lastHeardAt! >= since);
      expect([both.atHub.state, both.atSpoke.state]).toEqual(['ready', 'ready']);
    }
    await both.end();
  });
});

describe('a key statement', () => {
  test('is issued anew at half its life, pushed on the open link, and kept by the other side', async () => {
    const { both } = await pausable();
    const kept = async (): Promise<string> => (await both.spoke.peerKeys.latest(both.con)).token;
    const before = await kept();
    both.skewMs.hub = both.skewMs.spoke = 4 * 86_400_000;
    await until('the new statement to arrive', async () => (await kept()) !== before);
    expect(await kept()).toBe(both.hub.identity.statement.token);
    await until('both to be ready', () => both.atHub.state === 'ready' && both.atSpoke.state === 'ready');
    await both.end();
  });
});

describe('[F-3] the two halves of a connection', () => {
  test.each(['pair', 'https'] as const)(
    'meet over %s: while the hub has not accepted only keys and hello pass',
    async (wiring) => {
      const both = await Federation.paired(wiring, {}, 'pending');
      await both.start();
      await expect(both.atHub.request('instance.info', {})).rejects.toMatchObject({ code: 'connection_inactive' });
      expect(both.hub.log).toEqual([]);
      await both.hub.connections.accept(both.con);
      await until('the spoke to know', () => both.atSpoke.connection.theirs.state === 'active');
      await until('events to flow', async () => (await both.hub.inbox.accepted(both.con)) !== null);
      await both.end();
    },
  );
});
