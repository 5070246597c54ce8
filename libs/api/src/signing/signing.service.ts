// The keys with which this instance speaks to its peers, as its people see and change them; each change with who and why.
import type {
  Actor,
  Check,
  KeyAlgorithm,
  KeyRevoke,
  KeyRotate,
  PeerKeysLearned,
  PeerStatementGiven,
  RootParked,
  SigningKeys,
  StatementAdopt,
} from '#protocol';
import type { Acts } from '../acts.js';
import { checkKeys, type PeerStatement } from './check.js';
import { watchStatements, type AlarmDesk } from './watch.js';

/** What holds the keys. All changes are refused with a `WritError` before anything is changed. */
export interface KeyHolder {
  shown(): SigningKeys;
  rotate(alg?: KeyAlgorithm): void;
  revoke(kid: string): void;
  adopt(token: string): void;
  parkRoot(): string;
}

export interface SigningParts {
  readonly keys: KeyHolder;
  readonly acts: Acts;
  /** Tells the peers, before anything else is signed. */
  readonly changed: () => void;
  /** Told every hour of what runs out, our own and of peers; alarms say the same. */
  readonly warn: (check: Check) => void;
  readonly peers: () => readonly PeerStatement[];
  readonly alarms: AlarmDesk;
  readonly failed: (error: unknown) => void;
  /** Takes a peer's statement that people brought. @throws WritError `not_found`, `key_invalid` */
  readonly learn: (peer: string, token: string) => Promise<PeerKeysLearned>;
}

const lookEveryMs = 3_600_000;

export class SigningService {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: SigningParts) {}

  shown(): SigningKeys {
    return this.parts.keys.shown();
  }

  check(): Check {
    return checkKeys(this.shown(), Date.now());
  }

  /** Looks now and every hour. */
  start(): void {
    const look = () => void this.look().catch(this.parts.failed);
    this.timer = setInterval(look, lookEveryMs).unref();
    look();
  }

  private async look(): Promise<void> {
    const { peers, alarms, warn } = this.parts;
    const statements = { own: this.shown(), peers: peers() };
    for (const check of await watchStatements(alarms, statements, Date.now())) warn(check);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** @throws WritError `rate_limited` */
  rotate({ alg, reason }: KeyRotate, actor: Actor): Promise<SigningKeys> {
    return this.act('identity.rotate', actor, { reason }, (keys) => keys.rotate(alg));
  }

  /** @throws WritError `not_found` */
  revoke({ kid, reason }: KeyRevoke, actor: Actor): Promise<SigningKeys> {
    return this.act('identity.revoke', actor, { reason, kid }, (keys) => keys.revoke(kid));
  }

  /** @throws WritError `key_invalid` */
  adopt({ token, reason }: StatementAdopt, actor: Actor): Promise<SigningKeys> {
    return this.act('identity.statement', actor, { reason }, (keys) => keys.adopt(token));
  }

  /** The statement of a peer that no link brings. @throws WritError `not_found`, `spoke_unknown`, `key_invalid` */
  async learn({ peer, token, reason }: PeerStatementGiven, actor: Actor): Promise<PeerKeysLearned> {
    const learned = await this.parts.learn(peer, token);
    const { id, revoked, expiresAt } = learned;
    await this.parts.acts.record({ act: 'peer.keys', subject: id, actor, detail: { reason, revoked, expiresAt } });
    return learned;
  }

  /** @throws WritError `key_invalid` when it is not here. */
  async park(reason: string, actor: Actor): Promise<RootParked> {
    let path = '';
    await this.act('identity.root.park', actor, { reason }, (keys) => (path = keys.parkRoot()));
    return { path };
  }

  private async act(act: string, actor: Actor, why: object, change: (keys: KeyHolder) => void): Promise<SigningKeys> {
    const { keys, acts, changed } = this.parts;
    const before = signingOf(keys.shown());
    change(keys);
    changed();
    const shown = keys.shown();
    await acts.record({ act, subject: shown.id, actor, detail: { ...why, before, after: signingOf(shown) } });
    return shown;
  }
}

function signingOf({ keys }: SigningKeys): string | undefined {
  return keys.find(({ signing }) => signing)?.kid;
}
