import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  decodeInvite,
  encodeInvite,
  fingerprintWords,
  newNonce,
  openPairing,
  pairingMac,
  SigningKey,
  signJws,
  thumbprintOf,
  type PairRequestClaims,
  type PairResponseClaims,
  type PublicJwk,
} from '#protocol';
import { jointState } from '../connections/connection.js';
import { PairingDesk } from './desk.js';
import { inviteOf, type StoredInvite } from './invites.js';
import { Clock, freshIdentity, partsOf, startSpoke, TestHub, type TestSpoke } from './pairing.fixture.js';
import { pairingPath, type PairingPost } from './pairing-post.js';

describe('pairing', () => {
  let clock: Clock;
  let hub: TestHub;
  let spoke: TestSpoke;
  const spokes: TestSpoke[] = [];
  beforeEach(async () => {
    clock = new Clock();
    hub = await TestHub.start(clock);
    spokes.push((spoke = await startSpoke(clock)));
  });
  afterEach(async () => {
    await hub.stop();
    for (const one of spokes.splice(0)) await one.store.close();
  });

  const another = async (through?: (post: PairingPost) => PairingPost): Promise<TestSpoke> => {
    const one = await startSpoke(clock, through);
    spokes.push(one);
    return one;
  };
  const alarms = async () => (await hub.records.alarms.list()).map(({ kind, detail }) => `${kind}: ${detail}`);

  /** A request as anyone could make it who has the line, signed by the given root. */
  const request = (line: string, root: SigningKey, change: Partial<PairRequestClaims> = {}): string => {
    const invite = decodeInvite(line);
    const nonce = newNonce();
    const iat = Math.floor(clock.ms / 1_000);
    const mac = pairingMac('spoke', partsOf(invite, root.kid, nonce));
    const about = { v: 1, iss: root.kid, aud: invite.hub, jti: newNonce(), iat, exp: iat + 600, invite: invite.id };
    const keys = freshIdentity(clock.now, root).statement.token;
    const who = { root: root.publicJwk, keys, name: 'acme', link: { kind: 'outbound' } };
    return signJws('writ-pair-req+jws', { ...about, nonce, mac, ...who, ...change }, root);
  };

  test('an invite is looked at without sending anything', async () => {
    const line = await hub.invite();
    expect(spoke.pairing.inspect(line)).toEqual({
      hub: { id: hub.identity.root.kid, name: 'central', url: hub.url },
      words: fingerprintWords(hub.identity.root.kid),
      operations: ['agent.status', 'agent.kill'],
      expiresAt: '2026-01-01T00:15:00.000Z',
    });
    expect(hub.requests).toEqual([]);
  });

  test('joining makes a connection that is pending on both sides until the operator has compared the six words', async () => {
    const { connection, words } = await spoke.pairing.join(await hub.invite(), { name: 'acme' });
    const [waiting] = await hub.records.desk.pending();
    expect(waiting).toMatchObject({ words, connection: { id: connection.id, peer: { name: 'acme' } } });
    expect(words).toBe(fingerprintWords(spoke.identity.root.kid));
    expect(jointState(connection)).toBe('pending');
    const accepted = await hub.records.desk.accept(connection.id);
    expect(jointState(accepted)).toBe('pending');
    expect(jointState(await spoke.connections.heard(connection.id, accepted.ours))).toBe('active');
    const { ours } = await spoke.connections.get(connection.id);
    expect(jointState(await hub.records.connections.heard(connection.id, ours))).toBe('active');
    expect(await hub.records.desk.pending()).toEqual([]);
  });

  test('each side pins the root and keeps the first key statement of the other', async () => {
    const { connection } = await spoke.pairing.join(await hub.invite(), { name: 'acme' });
    expect(connection.peer).toMatchObject({ id: hub.identity.root.kid, rootJwk: hub.identity.root.publicJwk });
    expect((await spoke.peerKeys.latest(connection.id)).token).toBe(hub.identity.statement.token);
    expect((await hub.records.peerKeys.latest(connection.id)).token).toBe(spoke.identity.statement.token);
  });

  test('both sides keep the pairing messages as the first receipts of the connection', async () => {
    const { connection } = await spoke.pairing.join(await hub.invite(), { name: 'acme' });
    const ours = (await spoke.receipts.list(connection.id)).map(({ receipt }) => receipt);
    const theirs = (await hub.records.receipts.list(connection.id)).map(({ receipt }) => receipt);
    expect(ours.map(({ kind }) => kind)).toEqual(['pairing', 'pairing', 'keys']);
    expect(ours.slice(0, 2).map(({ raw }) => raw)).toEqual(theirs.slice(0, 2).map(({ raw }) => raw));
  });

  test('a refused spoke is closed before it was ever active', async () => {
    const { connection } = await spoke.pairing.join(await hub.invite(), { name: 'acme' });
    await hub.records.desk.refuse(connection.id);
    expect((await hub.records.connections.get(connection.id)).ours.state).toBe('closed');
  });

  test('[F-11] a crash after sending and before saving is mended by joining again: same bytes, same answer', async () => {
    let crash = true;
    const shaky = await another((post) => async (...args) => {
      const answer = await post(...args);
      if (crash) throw new Error('power cut');
      return answer;
    });
    const line = await hub.invite();
    await expect(shaky.pairing.join(line, { name: 'acme' })).rejects.toThrow('power cut');
    crash = false;
    const { connection } = await shaky.pairing.join(line, { name: 'acme' });
    expect(hub.requests[0]).toBe(hub.requests[1]);
    expect(await hub.records.desk.pending()).toMatchObject([{ connection: { id: connection.id } }]);
    expect(await alarms()).toEqual([]);
  });

  test('joining again after it worked sends nothing and gives the same connection', async () => {
    const line = await hub.invite();
    const first = await spoke.pairing.join(line, { name: 'acme' });
    const second = await spoke.pairing.join(line, { name: 'acme' });
    expect(second.connection).toEqual(first.connection);
    expect(hub.requests).toHaveLength(1);
  });

  test('[F-11] an invite works once: a second spoke is refused and alarms', async () => {
    const line = await hub.invite();
    await spoke.pairing.join(line, { name: 'acme' });
    const late = await another();
    await expect(late.pairing.join(line, { name: 'late' })).rejects.toThrow('pairing_refused');
    expect(await alarms()).toEqual(['pairing_refused: A pairing request was refused: the invite is used.']);
  });

  test('[F-11] of requests that race for one invite exactly one wins', async () => {
    const line = await hub.invite();
    const racers = await Promise.all(Array.from({ length: 5 }, () => another()));
    const outcomes = await Promise.allSettled(
      racers.map(({ pairing }, n) => pairing.join(line, { name: `racer-${n}` })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await hub.records.connections.list()).toHaveLength(1);
  });

  test('[F-11] a wrong proof of the secret does not use the invite up', async () => {
    const line = await hub.invite();
    const guessed = encodeInvite({ ...decodeInvite(line), secret: newNonce() });
    const guesser = await another();
    await expect(guesser.pairing.join(guessed, { name: 'guesser' })).rejects.toThrow('pairing_refused');
    expect(await alarms()).toEqual([
      'pairing_refused: A pairing request was refused: the proof of the invite is wrong.',
    ]);
    await spoke.pairing.join(line, { name: 'acme' });
  });

  test('[F-11] the secret leaves the store when the invite is used, revoked or has run out, and is in no log line', async () => {
    const lines = [await hub.invite(), await hub.invite(), await hub.invite()] as const;
    const [used, revoked, expired] = [decodeInvite(lines[0]), decodeInvite(lines[1]), decodeInvite(lines[2])];
    await spoke.pairing.join(lines[0], { name: 'acme' });
    await hub.records.invites.revoke(revoked.id);
    clock.ms += 16 * 60_000;
    await hub.records.invites.list();
    for (const { id } of [used, revoked, expired]) {
      const record = (await hub.store.get<StoredInvite>(inviteOf(id)))!.value;
      expect(record.secret).toBeUndefined();
    }
    expect(hub.logged.join()).not.toContain(decodeInvite(lines[0]).secret);
    expect(hub.logged).toHaveLength(1);
  });

  test('an invite that has run out is refused on both sides', async () => {
    const line = await hub.invite();
    clock.ms += 15 * 60_000;
    expect(() => spoke.pairing.inspect(line)).toThrow('invite_invalid');
    expect(await hub.records.desk.answer(request(line, SigningKey.generate()))).toBeNull();
    expect(await hub.records.invites.list()).toMatchObject([{ state: 'expired' }]);
  });

  test('a revoked invite is refused, and a used one cannot be revoked', async () => {
    const line = await hub.invite();
    await hub.records.invites.revoke(decodeInvite(line).id);
    await expect(spoke.pairing.join(line, { name: 'acme' })).rejects.toThrow('pairing_refused');
    const other = await hub.invite();
    await (await another()).pairing.join(other, { name: 'acme' });
    await expect(hub.records.invites.revoke(decodeInvite(other).id)).rejects.toThrow('invite_invalid');
    expect((await hub.records.invites.list()).map(({ state }) => state).sort()).toEqual(['revoked', 'used']);
    expect((await hub.records.invites.list()).find(({ state }) => state === 'used')).toMatchObject({ usedBy: 'acme' });
  });

  test('an unattended invite makes the hub’s half active at once, and the log says so', async () => {
    const line = await hub.invite({ unattended: true });
    const { connection } = await spoke.pairing.join(line, { name: 'acme' });
    expect((await hub.records.connections.get(connection.id)).ours.state).toBe('active');
    expect(hub.logged.at(-1)).toContain('accepted unattended');
  });

  test('a spoke whose name is taken gets a number, and so does a hub', async () => {
    await spoke.pairing.join(await hub.invite(), { name: 'acme' });
    const { connection } = await spoke.pairing.join(await hub.invite(), { name: 'acme' });
    expect(connection.peer.name).toBe('central-2');
    expect((await hub.records.connections.get(connection.id)).peer.name).toBe('acme-2');
  });

  test('a spoke that wants to be dialled gives a URL that the hub’s policy allows', async () => {
    const root = SigningKey.generate();
    const inside = { kind: 'direct', url: 'https://10.0.0.1' } as const;
    expect(await hub.records.desk.answer(request(await hub.invite(), root, { link: inside }))).toBeNull();
    const link = { kind: 'direct', url: 'https://127.0.0.1:8443' } as const;
    const { connection } = await spoke.pairing.join(await hub.invite(), { name: 'acme', link });
    expect((await hub.records.connections.get(connection.id)).link).toEqual(link);
  });

  test('a hub that cannot be reached leaves the invite good for another try', async () => {
    const { url } = hub;
    const line = await hub.invite();
    const unreachable = await another(
      (post) =>
        (_url, ...rest) =>
          post('http://127.0.0.1:9', ...rest),
    );
    await expect(unreachable.pairing.join(line, { name: 'acme' })).rejects.toThrow('peer_unavailable');
    expect(url).toBe(hub.url);
    expect(await hub.records.invites.list()).toMatchObject([{ state: 'open' }]);
  });

  test('a hub that redirects is not followed', async () => {
    const elsewhere = await TestHub.start(clock);
    const redirecting = createServer((_, response) =>
      response.writeHead(307, { location: `${elsewhere.url}${pairingPath}` }).end(),
    );
    await new Promise<void>((listening) => redirecting.listen(0, '127.0.0.1', listening));
    const url = `http://127.0.0.1:${(redirecting.address() as AddressInfo).port}`;
    await expect(spoke.pairing.join(await elsewhere.invite({ url }), { name: 'acme' })).rejects.toThrow('HTTP 307');
    expect(elsewhere.requests).toEqual([]);
    redirecting.close();
    await elsewhere.stop();
  });

  test('[F-6] a hub at an address that the policy forbids is not asked', async () => {
    const line = await hub.invite({ url: 'https://169.254.169.254' });
    await expect(spoke.pairing.join(line, { name: 'acme' })).rejects.toThrow('invalid_request');
  });

  test('what is swept 30 days after a close is gone, the receipts stay', async () => {
    const { connection } = await spoke.pairing.join(await hub.invite(), { name: 'acme' });
    await spoke.journal.append(connection.id, ['"event"']);
    await spoke.connections.close(connection.id);
    clock.ms += 31 * 86_400_000;
    await spoke.sweep();
    await expect(spoke.connections.get(connection.id)).rejects.toThrow('not_found');
    expect(await spoke.journal.position(connection.id)).toMatchObject({ seq: 0 });
    expect(await spoke.receipts.list(connection.id)).toHaveLength(3);
  });

  describe('against an attacker', () => {
    test('[F-2] an answer by any other root than the invite’s is refused: there is no trust on first use', async () => {
      const attacker = SigningKey.generate();
      const forged = await another((post) => async (...args) => {
        const answer = openPairing(await post(...args), 'writ-pair-res+jws').payload as PairResponseClaims;
        const keys = freshIdentity(clock.now, attacker).statement.token;
        const own = { ...answer, iss: attacker.kid, root: attacker.publicJwk, keys };
        return signJws('writ-pair-res+jws', own, attacker);
      });
      await expect(forged.pairing.join(await hub.invite(), { name: 'acme' })).rejects.toThrow('pairing_refused');
      expect(await forged.connections.list()).toEqual([]);
      expect(await forged.alarms.list()).toMatchObject([{ kind: 'pairing_response_invalid' }]);
    });

    test('[F-2] who has read the invite and joins first shows other words than the honest spoke', async () => {
      const line = await hub.invite();
      const thief = SigningKey.generate();
      expect(await hub.records.desk.answer(request(line, thief))).not.toBeNull();
      await expect(spoke.pairing.join(line, { name: 'acme' })).rejects.toThrow('pairing_refused');
      const [waiting] = await hub.records.desk.pending();
      expect(waiting!.words).toBe(fingerprintWords(thief.kid));
      expect(waiting!.words).not.toBe(fingerprintWords(spoke.identity.root.kid));
    });

    test('[F-2] a root swapped on the way breaks the proof', async () => {
      const line = await hub.invite();
      const [honest, attacker] = [SigningKey.generate(), SigningKey.generate()];
      const { nonce, mac } = openPairing(request(line, honest), 'writ-pair-req+jws').payload as PairRequestClaims;
      expect(await hub.records.desk.answer(request(line, attacker, { nonce, mac }))).toBeNull();
      expect(await hub.records.invites.list()).toMatchObject([{ state: 'open' }]);
    });

    test('an answer to another request is refused, also when the true hub signed it', async () => {
      const seen: string[] = [];
      const replaying = await another((post) => async (...args) => {
        const answer = (await post(...args))!;
        seen.push(answer);
        return seen[0]!;
      });
      await replaying.pairing.join(await hub.invite(), { name: 'acme' });
      await expect(replaying.pairing.join(await hub.invite(), { name: 'acme' })).rejects.toThrow('pairing_refused');
      expect(await replaying.connections.list()).toHaveLength(1);
    });

    test('[F-10] a low-order root is refused, and so is a low-order key in the statement of a sound root', async () => {
      const line = await hub.invite();
      const identityPoint = Buffer.concat([Buffer.of(1), Buffer.alloc(31)]);
      const weak = { kty: 'OKP', crv: 'Ed25519', x: identityPoint.toString('base64url') } as const;
      const root = SigningKey.generate();
      expect(await hub.records.desk.answer(request(line, root, { root: weak, iss: thumbprintOf(weak) }))).toBeNull();
      const iat = Math.floor(clock.ms / 1_000);
      const claims = { v: 1, iss: root.kid, ver: 1, iat, exp: iat + 60, revoked: [] };
      const keys = (jwk: PublicJwk) =>
        signJws('writ-keys+jws', { ...claims, keys: [{ ...jwk, nbf: iat, exp: iat + 60 }] }, root);
      expect(await hub.records.desk.answer(request(line, root, { keys: keys(weak) }))).toBeNull();
      const sound = request(line, root, { keys: keys(SigningKey.generate().publicJwk) });
      expect(await hub.records.desk.answer(sound)).not.toBeNull();
    });

    const faults: readonly [string, (line: string) => string][] = [
      ['noise', () => 'hello'],
      ['a request for another hub', (line) => request(line, SigningKey.generate(), { aud: SigningKey.generate().kid })],
      ['an unknown invite', (line) => request(line, SigningKey.generate(), { invite: newNonce() })],
      [
        'a life that is too long',
        (line) => request(line, SigningKey.generate(), { exp: Math.floor(clock.ms / 1_000) + 601 }),
      ],
      ['a request from the future', (line) => futureRequest(line)],
      [
        'the statement of another root',
        (line) => request(line, SigningKey.generate(), { keys: spoke.identity.statement.token }),
      ],
      [
        'a link over a broker that this hub does not have',
        (line) => request(line, SigningKey.generate(), { link: { kind: 'broker' } }),
      ],
      ['an unknown member', (line) => request(line, SigningKey.generate(), { admin: true } as object)],
    ];
    const futureRequest = (line: string): string => {
      const iat = Math.floor(clock.ms / 1_000) + 100;
      return request(line, SigningKey.generate(), { iat, exp: iat + 60 });
    };
    for (const [what, make] of faults) {
      test(`${what} gets the uniform refusal, an alarm, and leaves the invite open`, async () => {
        const line = await hub.invite();
        expect(await hub.records.desk.answer(make(line))).toBeNull();
        expect(await alarms()).toHaveLength(1);
        expect(await hub.records.invites.list()).toMatchObject([{ state: 'open' }]);
        await spoke.pairing.join(line, { name: 'acme' });
      });
    }

    test('a flood of strangers makes one alarm, few writes, and keeps nobody with an invite out', async () => {
      for (let n = 0; n < 60; n += 1) expect(await hub.records.desk.answer(`noise ${n}`)).toBeNull();
      const [alarm, ...others] = await hub.records.alarms.list();
      expect(others).toEqual([]);
      expect(alarm!.count).toBeLessThan(40);
      await spoke.pairing.join(await hub.invite(), { name: 'acme' });
    });

    test('guesses at a known invite are bounded in rate, and served again when they stop', async () => {
      const deps = { ...hub.records, store: hub.store, identity: hub.identity, now: clock.now };
      const quiet = { info: () => undefined, warn: () => undefined };
      const policy = { check: (url: string) => new URL(url) };
      let elapsedMs = 0;
      const rate = { burst: 1, perSecond: 10, elapsedMs: () => elapsedMs };
      const desk = new PairingDesk({ ...deps, policy, log: quiet }, rate);
      const line = await hub.invite();
      const wrong = { mac: pairingMac('spoke', partsOf(decodeInvite(line), hub.identity.root.kid, newNonce())) };
      expect(await desk.answer(request(line, SigningKey.generate(), wrong))).toBeNull();
      const message = request(line, SigningKey.generate());
      expect(await desk.answer(message)).toBeNull();
      elapsedMs = 100;
      expect(await desk.answer(message)).not.toBeNull();
    });
  });
});
