// A hub that listens on loopback for pairing requests, and spokes that send them over real HTTP.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { issueKeyStatement, SigningKey, type InviteContent } from '#protocol';
import { openSqliteStore, type Store } from '#store';
import { AddressPolicy } from '../links/address-policy.js';
import { hubRecords, spokeRecords, type HubRecords, type SpokeRecords } from '../records.js';
import type { InviteRequest } from './invites.js';
import type { PairingIdentity } from './pairing-identity.js';
import { pairingPath, pairingPost, type PairingPost } from './pairing-post.js';

export class Clock {
  ms = Date.parse('2026-01-01T00:00:00Z');
  readonly now = (): number => this.ms;
}

/** A root with a statement; keys live in memory only. */
export function freshIdentity(now: () => number, root = SigningKey.generate()): PairingIdentity {
  const signing = SigningKey.generate();
  const nowS = Math.floor(now() / 1_000);
  const keys = [{ jwk: signing.publicJwk, nbf: nowS, exp: nowS + 8 * 86_400 }];
  const token = issueKeyStatement(root, { ver: 1, nowS, keys });
  return { id: root.kid, root, statement: { token } };
}

const policy = new AddressPolicy(['loopback']);

export class TestHub {
  requests: string[] = [];
  readonly logged: string[] = [];
  readonly records: HubRecords;
  readonly #server = createServer((request, response) => {
    void (async () => {
      const body = Buffer.concat(await request.toArray()).toString();
      this.requests.push(body);
      const answer = request.url === pairingPath ? await this.records.desk.answer(body) : null;
      response.writeHead(answer === null ? 400 : 200).end(answer ?? undefined);
    })();
  });

  private constructor(
    readonly store: Store,
    readonly identity: PairingIdentity,
    clock: Clock,
  ) {
    const write = (fields: object, message: string) => void this.logged.push(JSON.stringify({ ...fields, message }));
    this.records = hubRecords({ store, identity, policy, now: clock.now, log: { info: write, warn: write } });
  }

  static async start(clock: Clock): Promise<TestHub> {
    const store = await openSqliteStore({ path: ':memory:', clock: clock.now });
    const hub = new TestHub(store, freshIdentity(clock.now), clock);
    await new Promise<void>((listening) => hub.#server.listen(0, '127.0.0.1', listening));
    return hub;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async invite(more: Partial<InviteRequest> = {}): Promise<string> {
    const actor = { kind: 'key', id: 'operator' } as const;
    const operations = ['agent.status', 'agent.kill'] as const;
    const { line } = await this.records.invites.create({ name: 'central', url: this.url, operations, actor, ...more });
    return line;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
    await this.store.close();
  }
}

export interface TestSpoke extends SpokeRecords {
  readonly store: Store;
  readonly identity: PairingIdentity;
}

/** `through` stands between the spoke and the network: a crash or an attacker. */
export async function startSpoke(clock: Clock, through = (post: PairingPost): PairingPost => post): Promise<TestSpoke> {
  const store = await openSqliteStore({ path: ':memory:', clock: clock.now });
  const identity = freshIdentity(clock.now);
  const post = through(pairingPost(policy));
  return { ...spokeRecords({ store, identity, policy, now: clock.now, post }), store, identity };
}

/** The pairing's parts as an attacker who has read the invite can make them. */
export function partsOf(invite: InviteContent, spoke: string, nonce: string) {
  return { secret: invite.secret, invite: invite.id, hub: invite.hub, spoke, nonce };
}
