// Invites of a hub: one line each, single use, 15 minutes. The secret is forgotten as soon as the invite is used, revoked or too old.
import {
  encodeInvite,
  inviteLifetimeS,
  newNonce,
  WritError,
  type Actor,
  type Invite,
  type InviteContent,
  type OperationName,
} from '#protocol';
import type { Entry, Key, Store } from '#store';

export interface InviteRequest {
  /** How the hub calls itself. */
  readonly name: string;
  /** Where the spoke reaches the hub: https, or http on loopback. */
  readonly url: string;
  /** The hub's broker, when the spoke is to pair and connect over that. */
  readonly broker?: string;
  /** What the hub asks for; the spoke's grant decides. */
  readonly operations: readonly OperationName[];
  /** 15 minutes by default. */
  readonly expiresInS?: number;
  /** Accept whoever uses it without a look at the six words. Off by default, and logged when it acts. */
  readonly unattended?: boolean;
  readonly actor: Actor;
}

/** How an invite is kept. `used.answer` repeats itself to the same request bytes, told by their hash. */
export interface StoredInvite extends Required<Omit<InviteRequest, 'expiresInS' | 'broker'>> {
  readonly id: string;
  readonly state: 'open' | 'used' | 'revoked';
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly secret?: string;
  readonly used?: { readonly name: string; readonly requestHash: string; readonly answer: string };
}

const openMax = 1_000;
/** Until then the list shows what became of it. */
const keptMs = 24 * 3_600_000;
const prefix: Key = ['federation', 'invite'];

export function inviteOf(id: string): Key {
  return ['federation', 'invite', id];
}

/** How long a record of an invite lives from now on: the secret goes with it. */
export function remainsMs(now: number, { expiresAtMs }: Pick<StoredInvite, 'expiresAtMs'>): number {
  return Math.max(1, expiresAtMs + keptMs - now);
}

export class Invites {
  constructor(
    private readonly store: Store,
    private readonly hub: string,
    private readonly now: () => number = Date.now,
  ) {}

  /** The one line to hand over, shown this once. @throws WritError `invalid_request`, `rate_limited` beyond 1,000 open ones. */
  async create(request: InviteRequest): Promise<{ readonly invite: Invite; readonly line: string }> {
    await this.refuseTooMany();
    const { name, url, broker, operations, expiresInS = inviteLifetimeS, unattended = false, actor } = request;
    const createdAtMs = this.now();
    const exp = Math.floor(createdAtMs / 1_000) + expiresInS;
    const [id, secret] = [newNonce(), newNonce()];
    const line = lineOf({
      name,
      url,
      ...(broker !== undefined && { broker }),
      hub: this.hub,
      id,
      secret,
      ops: [...operations],
      exp,
    });
    const times = { createdAtMs, expiresAtMs: exp * 1_000 };
    const stored: StoredInvite = { id, name, url, operations, unattended, actor, state: 'open', ...times, secret };
    await this.store.commit({ puts: [{ key: inviteOf(id), value: stored, ttlMs: remainsMs(createdAtMs, stored) }] });
    return { invite: this.shown(stored), line };
  }

  /** Newest first; those of the last day. Secrets of invites that ran out are forgotten on the way. */
  async list(): Promise<readonly Invite[]> {
    const entries = await this.store.list<StoredInvite>(prefix);
    for (const entry of entries) await this.forgetExpired(entry);
    const sorted = entries.map(({ value }) => value).sort((a, b) => b.createdAtMs - a.createdAtMs);
    return sorted.map((stored) => this.shown(stored));
  }

  /** Idempotent for one that is not used. @throws WritError `not_found`, `invite_invalid` when it was used already. */
  async revoke(id: string): Promise<Invite> {
    const entry = await this.store.get<StoredInvite>(inviteOf(id));
    if (!entry) throw new WritError('not_found', 'No invite of that id.');
    if (entry.value.state === 'used')
      throw new WritError('invite_invalid', 'The invite was used: close the connection that came of it.');
    const revoked: StoredInvite = { ...entry.value, state: 'revoked', secret: undefined };
    const done = await this.replace(entry, revoked);
    return done ? this.shown(revoked) : this.revoke(id);
  }

  private async forgetExpired(entry: Entry<StoredInvite>): Promise<void> {
    const { secret, ...rest } = entry.value;
    if (secret !== undefined && rest.expiresAtMs <= this.now()) await this.replace(entry, rest);
  }

  private async replace({ key, version }: Entry, value: StoredInvite): Promise<boolean> {
    const put = { key, value, ttlMs: remainsMs(this.now(), value) };
    return (await this.store.commit({ checks: [{ key, version }], puts: [put] })).ok;
  }

  private async refuseTooMany(): Promise<void> {
    const open = (await this.list()).filter(({ state }) => state === 'open');
    if (open.length >= openMax) throw new WritError('rate_limited', `There are ${openMax} open invites.`);
  }

  private shown({ id, operations, unattended, actor, state, createdAtMs, expiresAtMs, used }: StoredInvite): Invite {
    return {
      id,
      state: state === 'open' && expiresAtMs <= this.now() ? 'expired' : state,
      operations: [...operations],
      unattended,
      createdAt: new Date(createdAtMs).toISOString(),
      expiresAt: new Date(expiresAtMs).toISOString(),
      actor,
      ...(used ? { usedBy: used.name } : {}),
    };
  }
}

function lineOf(content: InviteContent): string {
  try {
    return encodeInvite(content);
  } catch (cause) {
    throw new WritError('invalid_request', 'An invite needs a name, an https URL and known operations.', { cause });
  }
}
