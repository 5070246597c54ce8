// What a direct link has of its own: only the hub can begin to speak, so an acceptance and a restart have to come through its POSTs.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { jointState } from '../connections/connection.js';
import { Federation, until } from './federation.fixture.js';

let both: Federation;
beforeEach(async () => {
  both = await Federation.paired('https', {}, 'pending', 'pending');
  await both.hub.peers.start();
  await both.spoke.peers.start();
  await until('a session', () => both.atHub.isConnected && both.atSpoke.isConnected);
});
afterEach(() => both.end());

const active = () => jointState(both.atHub.connection) === 'active' && jointState(both.atSpoke.connection) === 'active';
const hellos = () => both.posted.filter((typ) => typ === 'writ-hello+jws').length;

/** Nothing more is said of the handshake. */
async function quiet(): Promise<void> {
  let before = -1;
  await until('the handshake to be over', async () => {
    const same = before === hellos();
    before = hellos();
    await new Promise((resolve) => setTimeout(resolve, 200));
    return same;
  });
}

describe('an acceptance on a direct link', () => {
  test('is said once, and the answer to it says that the spoke is active', async () => {
    await quiet();
    const before = hellos();
    await both.hub.connections.accept(both.con);
    await until('both to be active', active);
    expect(hellos() - before).toBe(1);
    await until('both to be ready', () => both.atHub.state === 'ready' && both.atSpoke.state === 'ready');
  });
});

describe('a restart while a direct link waits for the acceptance', () => {
  test.each(['spoke', 'hub'] as const)('[F-13] of the %s neither loses nor blocks it', async (side) => {
    await quiet();
    await both.restart(side);
    await both.hub.connections.accept(both.con);
    await until('both to be active', active);
    await until('both to be ready', () => both.atHub.state === 'ready' && both.atSpoke.state === 'ready');
  });

  test('[F-13] of both at once neither', async () => {
    await both.restart('spoke');
    await both.hub.connections.accept(both.con);
    await both.restart('hub');
    await until('both to be active', active);
  });
});
