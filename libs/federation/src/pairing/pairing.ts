// The spoke's side of pairing: look at an invite without sending anything, then join. The hub's key is pinned by the invite.
import {
  decodeInvite,
  fingerprintWords,
  lifetimeMaxS,
  newNonce,
  pairingMac,
  RefusedError,
  signingInputHashOf,
  signJws,
  WritError,
  type InviteContent,
} from '#protocol';
import type { Entry, Key, Store } from '#store';
import type { Alarms } from '../connections/alarms.js';
import type { Connection, LinkSetting } from '../connections/connection.js';
import type { Connections } from '../connections/connections.js';
import type { PeerKeys } from '../connections/peer-keys.js';
import type { Receipts } from '../receipts/receipts.js';
import { readPairResponse, type PairResponse, type SentRequest } from './pair-response.js';
import type { PairingIdentity } from './pairing-identity.js';
import type { PairingPost } from './pairing-post.js';

export interface PairingDeps {
  readonly store: Store;
  readonly identity: PairingIdentity;
  readonly connections: Connections;
  readonly peerKeys: PeerKeys;
  readonly receipts: Receipts;
  readonly alarms: Alarms;
  readonly post: PairingPost;
  /** For invites to meet at a broker; absent where there is none. */
  readonly overBroker?: PairingPost;
  readonly now?: () => number;
}

/** What the admin looks at before anything is sent. */
export interface InviteInspection {
  readonly hub: { readonly id: string; readonly name: string; readonly url: string; readonly broker?: string };
  /** Six words of the hub's fingerprint, to compare with its operator. */
  readonly words: string;
  readonly operations: InviteContent['ops'];
  readonly expiresAt: string;
}

export interface JoinRequest {
  /** How this spoke calls itself towards the hub. */
  readonly name: string;
  /** How this spoke calls the hub: the hub's own name by default, numbered when there is one already. */
  readonly hubName?: string;
  /** Outbound by default: this spoke dials. `direct` gives the hub a public URL to dial. An invite to a broker wins over both. */
  readonly link?: { readonly kind: 'outbound' } | { readonly kind: 'direct'; readonly url: string };
}

/** The new connection, and the six words of our own fingerprint that the hub's operator will compare. */
export interface Joined {
  readonly connection: Connection;
  readonly words: string;
}

interface Attempt extends SentRequest {
  readonly expS: number;
  /** Set when the answer was saved. */
  readonly connection?: string;
}

const keptMs = 24 * 3_600_000;
const triesMax = 100;
const attemptOf = (invite: string): Key => ['federation', 'pairing', invite];

export class Pairing {
  readonly #now: () => number;

  constructor(private readonly deps: PairingDeps) {
    this.#now = deps.now ?? Date.now;
  }

  /** Sends nothing. @throws WritError `invite_invalid`, also when it has run out. */
  inspect(inviteLine: string): InviteInspection {
    const { name, url, broker, hub, ops, exp } = this.read(inviteLine);
    const expiresAt = new Date(exp * 1_000).toISOString();
    const where = broker === undefined ? { url } : { url, broker };
    return { hub: { id: hub, name, ...where }, words: fingerprintWords(hub), operations: ops, expiresAt };
  }

  /**
   * Sends the request and keeps the connection, pending on both sides. Calling it again with the same invite, also after a
   * crash, sends the same bytes and gets the same answer; once joined it sends nothing.
   * @throws WritError `invite_invalid`, `pairing_refused`, `peer_unavailable`.
   */
  async join(inviteLine: string, request: JoinRequest, signal?: AbortSignal): Promise<Joined> {
    const invite = decodeInvite(inviteLine);
    const post = this.postTo(invite);
    const attempt = await this.attempt(inviteLine, invite, request);
    const known = attempt.value.connection;
    if (known !== undefined) return this.joined(await this.deps.connections.get(known));
    const answer = await post(attempt.value.raw, signal);
    if (answer === null) throw new WritError('pairing_refused', 'The hub refused: the invite may be used or revoked.');
    return this.joined(await this.keep(invite, request, attempt, await this.verified(invite, attempt.value, answer)));
  }

  /** @throws WritError `invite_invalid` for a broker when this spoke has none */
  private postTo({ url, hub, broker }: InviteContent): (raw: string, signal?: AbortSignal) => Promise<string | null> {
    const { post, overBroker } = this.deps;
    if (broker === undefined) return (raw, signal) => post(url, raw, signal);
    if (overBroker) return (raw, signal) => overBroker(hub, raw, signal);
    const detail = `The hub is to be met at the broker ${broker}, and this spoke has none: set `;
    throw new WritError('invite_invalid', `${detail}\`broker\` and start it again.`);
  }

  /** The request as it was sent before, or a new one, saved before it is sent. */
  private async attempt(line: string, invite: InviteContent, request: JoinRequest): Promise<Entry<Attempt>> {
    const key = attemptOf(invite.id);
    const known = await this.deps.store.get<Attempt>(key);
    if (known && (known.value.connection !== undefined || known.value.expS * 1_000 > this.#now())) return known;
    this.read(line);
    const value = this.sign(invite, request);
    const checks = [{ key, version: known?.version ?? null }];
    const result = await this.deps.store.commit({ checks, puts: [{ key, value, ttlMs: keptMs }] });
    return result.ok ? { key, value, version: result.version } : this.attempt(line, invite, request);
  }

  private sign(invite: InviteContent, request: JoinRequest): Attempt {
    const { name } = request;
    const link = linkOf(invite, request);
    const { root } = this.deps.identity;
    const [jti, nonce, iat] = [newNonce(), newNonce(), Math.floor(this.#now() / 1_000)];
    const expS = iat + lifetimeMaxS.pairing;
    const parts = { secret: invite.secret, invite: invite.id, hub: invite.hub, spoke: root.kid, nonce };
    const about = { v: 1, iss: root.kid, aud: invite.hub, jti, iat, exp: expS, invite: invite.id, nonce };
    const keys = this.deps.identity.statement.token;
    const claims = { ...about, mac: pairingMac('spoke', parts), root: root.publicJwk, keys, name, link };
    const raw = signJws('writ-pair-req+jws', claims, root);
    return { raw, jti, h: signingInputHashOf(raw), nonce, expS };
  }

  private async verified(invite: InviteContent, sent: SentRequest, answer: string): Promise<PairResponse> {
    try {
      return readPairResponse(answer, { invite, sent, spoke: this.deps.identity.id, now: this.#now() });
    } catch (error) {
      if (!(error instanceof RefusedError || error instanceof WritError)) throw error;
      const detail = `What answered at ${invite.url} did not prove to be the hub of the invite.`;
      await this.deps.alarms.raise({ kind: 'pairing_response_invalid', detail, evidence: [sent.raw, answer] });
      throw new WritError('pairing_refused', detail, { cause: error });
    }
  }

  /** One commit: the connection, the hub's keys, the receipts, and the attempt's end. */
  private async keep(
    invite: InviteContent,
    request: JoinRequest,
    attempt: Entry<Attempt>,
    { raw, con, root, statement }: PairResponse,
  ): Promise<Connection> {
    const { hubName = invite.name } = request;
    const link = linkOf(invite, request);
    const setting: LinkSetting = link.kind === 'outbound' ? { ...link, url: invite.url } : link;
    const { connections, peerKeys, receipts } = this.deps;
    for (let number = 1; number <= triesMax; number += 1) {
      const name = number === 1 ? hubName : `${hubName.slice(0, 56)}-${number}`;
      const peer = { id: invite.hub, name, rootJwk: root.jwk };
      const { connection, commit } = connections.draft({ id: con, we: 'spoke', peer, link: setting });
      const done: Attempt = { ...attempt.value, connection: con };
      const result = await receipts.record(con, receiptsOf(attempt.value.raw, raw, statement.token), {
        ...commit,
        checks: [...(commit.checks ?? []), { key: attempt.key, version: attempt.version }],
        puts: [
          ...(commit.puts ?? []),
          peerKeys.first(con, statement),
          { key: attempt.key, value: done, ttlMs: keptMs },
        ],
      });
      if (result.ok) return connection;
      if (result.conflict[1] !== 'connection-name') return this.alreadyKept(attempt.key);
    }
    throw new WritError('pairing_refused', 'Too many hubs of that name.');
  }

  /** Another process of this spoke joined at the same time; anything else is a hub that gives out a used id. */
  private async alreadyKept(key: Key): Promise<Connection> {
    const known = await this.deps.store.get<Attempt>(key);
    if (known?.value.connection !== undefined) return this.deps.connections.get(known.value.connection);
    throw new WritError('pairing_refused', 'The hub gave the id of another connection.');
  }

  private joined(connection: Connection): Joined {
    return { connection, words: fingerprintWords(this.deps.identity.id) };
  }

  private read(inviteLine: string): InviteContent {
    const invite = decodeInvite(inviteLine);
    if (invite.exp * 1_000 <= this.#now()) throw new WritError('invite_invalid', 'The invite has run out.');
    return invite;
  }
}

function linkOf({ broker }: InviteContent, { link }: JoinRequest) {
  if (broker !== undefined) return { kind: 'broker' } as const;
  return link ?? ({ kind: 'outbound' } as const);
}

function receiptsOf(request: string, answer: string, keys: string) {
  return [
    { kind: 'pairing', raw: request },
    { kind: 'pairing', raw: answer },
    { kind: 'keys', raw: keys },
  ] as const;
}
