import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { newNonce, SigningKey } from '#protocol';
import { openSqliteStore, type Store } from '#store';
import { Alarms } from './alarms.js';
import { Connections } from './connections.js';
import { Directory } from './directory.js';

describe('the directory of connections', () => {
  let store: Store;
  let connections: Connections;
  let directory: Directory;
  let heardAtMs: number | undefined;
  beforeEach(async () => {
    store = await openSqliteStore({ path: ':memory:' });
    connections = new Connections(store, new Alarms(store));
    heardAtMs = undefined;
    directory = new Directory(connections, () => ({ connected: heardAtMs !== undefined, heardAtMs }));
  });
  afterEach(() => store.close());

  async function pair(name: string, key = SigningKey.generate()) {
    const peer = { id: key.kid, name, rootJwk: key.publicJwk };
    const link = { kind: 'outbound', url: 'https://hub.example' } as const;
    const { connection, commit } = connections.draft({ id: newNonce(), we: 'hub', peer, link, ours: 'active' });
    await store.commit(commit);
    return connection;
  }

  test('finds by name, by instance id and by connection id', async () => {
    const { id, peer } = await pair('acme');
    for (const ref of ['acme', 'ACME', peer.id, id]) expect((await directory.find(ref)).id).toBe(id);
  });

  test('an open connection wins over a closed one of the same name or peer', async () => {
    const key = SigningKey.generate();
    const old = await pair('acme', key);
    await connections.close(old.id);
    expect((await directory.find('acme')).id).toBe(old.id);
    const fresh = await pair('acme', key);
    expect((await directory.find('acme')).id).toBe(fresh.id);
    expect((await directory.find(key.kid)).id).toBe(fresh.id);
    expect((await directory.find(old.id)).id).toBe(old.id);
  });

  test.each(['nobody', '', '__proto__', '../x'])('nobody goes by %j', async (ref) => {
    await pair('acme');
    await expect(directory.find(ref)).rejects.toMatchObject({ code: 'not_found' });
    await expect(directory.find(ref, 'spoke_unknown')).rejects.toMatchObject({ code: 'spoke_unknown' });
  });

  test('lists what is open first, each group by name', async () => {
    const [b, a, gone] = [await pair('b'), await pair('a'), await pair('0gone')];
    await connections.close(gone.id);
    expect((await directory.all()).map(({ id }) => id)).toEqual([a.id, b.id, gone.id]);
  });

  test('[F-14] shows the same id and six words of a peer, whatever happens to its link', async () => {
    const connection = await pair('acme');
    const before = directory.describe(connection);
    heardAtMs = Date.parse('2026-01-01T00:00:00.000Z');
    const after = directory.describe(connection);
    expect(after).toEqual({ ...before, connected: true, heardAt: '2026-01-01T00:00:00.000Z' });
    expect(before).toMatchObject({ id: connection.peer.id, state: 'pending', connected: false });
    expect(before.words).toHaveLength(6);
  });
});
