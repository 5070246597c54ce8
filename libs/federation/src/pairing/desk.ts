// The hub's desk: takes a pairing request, and the invite and its answer become one commit. A person accepts later.
import {
  checkTimes,
  fingerprintWords,
  lifetimeMaxS,
  newNonce,
  openKeyStatement,
  pairingMac,
  pairingMacMatches,
  RefusedError,
  WritError,
} from '#protocol';
import type { Entry, Store } from '#store';
import type { Alarms } from '../connections/alarms.js';
import type { Connection, LinkSetting } from '../connections/connection.js';
import type { Connections } from '../connections/connections.js';
import type { KnownStatement, PeerKeys } from '../connections/peer-keys.js';
import type { AddressPolicy } from '../links/address-policy.js';
import type { Receipts } from '../receipts/receipts.js';
import { inviteOf, remainsMs, type StoredInvite } from './invites.js';
import { readPairRequest, type PairRequest } from './pair-request.js';
import type { PairingIdentity, PairingLog } from './pairing-identity.js';
import { signPairResponse } from './pair-response.js';
import { Rate } from '../rate.js';

export interface PairingDeskDeps {
  readonly store: Store;
  readonly identity: PairingIdentity;
  readonly connections: Connections;
  readonly peerKeys: PeerKeys;
  readonly receipts: Receipts;
  readonly alarms: Alarms;
  /** Judges the URL of a spoke that wants to be dialled. */
  readonly policy: Pick<AddressPolicy, 'check'>;
  /** Whether spokes may be met at a broker: where there is one. */
  readonly hasBroker?: boolean;
  readonly log: PairingLog;
  readonly now?: () => number;
}

export interface PairingDeskOptions {
  /** Requests that name a known invite, at once and a second; as many alarms are written. 20 and 5 by default. */
  readonly burst?: number;
  readonly perSecond?: number;
  /** In ms, for these rates: a clock that does not jump back, of this process by default. */
  readonly elapsedMs?: () => number;
}

/** A connection that waits for a person, with the six words that the spoke's admin reads out. */
export interface PendingSpoke {
  readonly connection: Connection;
  readonly words: string;
}

const requestCharsMax = 128 * 1024;
const triesMax = 8;

export class PairingDesk {
  readonly #attempts: Rate;
  readonly #alarms: Rate;
  readonly #now: () => number;

  constructor(
    private readonly deps: PairingDeskDeps,
    { burst = 20, perSecond = 5, elapsedMs }: PairingDeskOptions = {},
  ) {
    this.#now = deps.now ?? Date.now;
    this.#attempts = new Rate(burst, perSecond, elapsedMs);
    this.#alarms = new Rate(burst, perSecond, elapsedMs);
  }

  /**
   * The signed answer to a request, the same one to the same bytes. Null is the uniform refusal (HTTP 400 without body),
   * whatever was wrong: the reason goes to the log and, unless it was mere noise, to the alarms.
   */
  async answer(raw: string): Promise<string | null> {
    if (raw.length > requestCharsMax) return null;
    let opened = false;
    try {
      const request = readPairRequest(raw);
      opened = true;
      return await this.take(request);
    } catch (error) {
      if (!(error instanceof RefusedError || error instanceof WritError)) throw error;
      const reason = error instanceof RefusedError ? error.reason : error.detail;
      if (this.#alarms.take()) await this.refused(reason, opened ? reason : 'it is malformed or forged');
      return null;
    }
  }

  /** Connections that wait for the operator. */
  async pending(): Promise<readonly PendingSpoke[]> {
    const all = await this.deps.connections.list();
    return all.filter(isPending).map((connection) => ({ connection, words: fingerprintWords(connection.peer.id) }));
  }

  /** The operator has compared the words. @throws WritError `not_found`, `connection_closed`. */
  accept(connectionId: string): Promise<Connection> {
    return this.deps.connections.accept(connectionId);
  }

  /** The words differ: the connection is closed before it was ever active. */
  refuse(connectionId: string): Promise<Connection> {
    return this.deps.connections.close(connectionId, { agents: 'kill' });
  }

  private async take(request: PairRequest): Promise<string> {
    if (request.claims.aud !== this.deps.identity.id) throw new RefusedError('a pairing request for another hub');
    for (let tries = 0; tries < triesMax; tries += 1) {
      const entry = await this.deps.store.get<StoredInvite>(inviteOf(request.claims.invite));
      if (!entry) throw new RefusedError('no invite of that id');
      if (tries === 0 && !this.#attempts.take()) throw new RefusedError('too many requests for open invites');
      if (entry.value.used?.requestHash === request.hash) return entry.value.used.answer;
      const answer = await this.seat(request, entry, tries);
      if (answer !== null) return answer;
    }
    throw new RefusedError('the invite changes too fast');
  }

  /** Null when the commit met a conflict: another request was faster, or the name is taken. */
  private async seat(request: PairRequest, entry: Entry<StoredInvite>, tries: number): Promise<string | null> {
    const { claims } = request;
    const secret = this.secretOf(entry.value);
    const parts = { secret, invite: claims.invite, hub: claims.aud, spoke: claims.iss, nonce: claims.nonce };
    if (!pairingMacMatches(claims.mac, 'spoke', parts)) throw new RefusedError('the proof of the invite is wrong');
    const statement = this.checked(request);
    const con = newNonce();
    const bound = { con, name: entry.value.name, mac: pairingMac('hub', parts), nowS: this.nowS() };
    const answer = signPairResponse(request, this.deps.identity, bound);
    const name = await this.freeName(claims.name, tries);
    const done = await this.commit({ request, entry, con, answer, name, statement });
    if (done) this.tell({ connection: con, name, spoke: claims.iss }, entry.value.unattended);
    return done ? answer : null;
  }

  private secretOf({ state, secret, expiresAtMs }: StoredInvite): string {
    if (state !== 'open' || secret === undefined) throw new RefusedError(`the invite is ${state}`);
    if (expiresAtMs <= this.#now()) throw new RefusedError('the invite has run out');
    return secret;
  }

  private checked({ claims, root }: PairRequest): KnownStatement {
    const nowS = this.nowS();
    const fault = checkTimes(claims, nowS, lifetimeMaxS.pairing);
    if (fault) throw new RefusedError(`the times of the request: ${fault}`);
    if (claims.link.kind === 'direct') this.deps.policy.check(claims.link.url);
    if (claims.link.kind === 'broker' && !this.deps.hasBroker) throw new RefusedError('there is no broker here');
    const { ver, token } = openKeyStatement(claims.keys, root, { nowS });
    return { ver, token };
  }

  /** A spoke names itself; a second one of that name gets a number. */
  private async freeName(wanted: string, tries: number): Promise<string> {
    for (let number = 1 + tries; ; number += 1) {
      const name = number === 1 ? wanted : `${wanted.slice(0, 56)}-${number}`;
      if (!(await this.deps.connections.named(name))) return name;
    }
  }

  private async commit(seat: {
    readonly request: PairRequest;
    readonly entry: Entry<StoredInvite>;
    readonly con: string;
    readonly answer: string;
    readonly name: string;
    readonly statement: KnownStatement;
  }): Promise<boolean> {
    const { request, entry, con, answer, name, statement } = seat;
    const { connections, peerKeys, receipts } = this.deps;
    const { hash: requestHash, claims, root } = request;
    const { url, unattended } = entry.value;
    const used: StoredInvite = {
      ...entry.value,
      state: 'used',
      secret: undefined,
      used: { name, requestHash, answer },
    };
    const link: LinkSetting = claims.link.kind === 'outbound' ? { kind: 'outbound', url } : claims.link;
    const peer = { id: claims.iss, name, rootJwk: root.jwk };
    const ours = unattended ? 'active' : 'pending';
    const { commit } = connections.draft({ id: con, we: 'hub', peer, link, ours });
    const result = await receipts.record(
      con,
      [
        { kind: 'pairing', raw: request.raw },
        { kind: 'pairing', raw: answer },
        { kind: 'keys', raw: statement.token },
      ],
      {
        ...commit,
        checks: [...(commit.checks ?? []), { key: entry.key, version: entry.version }],
        puts: [
          ...(commit.puts ?? []),
          peerKeys.first(con, statement),
          { key: entry.key, value: used, ttlMs: remainsMs(this.#now(), used) },
        ],
      },
    );
    return result.ok;
  }

  private tell(fields: Readonly<Record<string, unknown>>, unattended: boolean): void {
    if (unattended) this.deps.log.warn(fields, 'A spoke was accepted unattended.');
    else this.deps.log.info(fields, 'A spoke waits to be accepted.');
  }

  /** What the alarm says does not vary with what a stranger sends, so that a flood is one alarm with a count. */
  private async refused(reason: string, said: string): Promise<void> {
    this.deps.log.warn({ reason }, 'A pairing request was refused.');
    await this.deps.alarms.raise({ kind: 'pairing_refused', detail: `A pairing request was refused: ${said}.` });
  }

  private nowS(): number {
    return Math.floor(this.#now() / 1_000);
  }
}

function isPending({ ours, theirs }: Connection): boolean {
  return ours.state === 'pending' && theirs.state !== 'closed';
}
