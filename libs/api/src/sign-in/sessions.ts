// Sessions of people in browsers: a random cookie that stands for an API key, or for whom an issuer vouched, kept as a hash. It is over
// as soon as the key is revoked or the issuer is none of ours any more. What a session of a key may do is asked anew with each request.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { WritError } from '#protocol';
import type { SessionResource } from '#protocol';
import type { Entry, Key, Store } from '#store';
import type { ApiKeys } from '../keys/api-keys.js';

export interface SessionOptions {
  /** From the sign-in to its end, however much it is used. */
  readonly sessionMs: number;
  /** Unused for so long it ends. */
  readonly idleMs: number;
  /** The only one whose people have sessions. */
  readonly oidc?: { readonly issuer: string } | undefined;
}

/** Who signed in; whom an issuer vouched for keeps the role of that moment. */
type Principal =
  | { readonly kind: 'key'; readonly id: string }
  | { readonly kind: 'oidc'; readonly issuer: string; readonly who: SessionResource['key'] };

interface SessionRecord {
  readonly v: 1;
  readonly principal: Principal;
  readonly expiresAt: string;
  readonly seenAt: string;
}

export interface Session {
  readonly key: SessionResource['key'];
  /** What a page of ours has to show besides the cookie when it changes something. */
  readonly csrf: string;
  readonly expiresAt: string;
  readonly idleMs: number;
}

export interface Opened {
  readonly token: string;
  readonly session: Session;
}

const sessionsMax = 1_000;
/** One write a minute and session at most. */
const seenEveryMs = 60_000;
const tokenText = /^[A-Za-z0-9_-]{43}$/;

const place = (token: string): Key => ['api', 'sessions', createHash('sha256').update(token).digest('base64url')];
const csrfOf = (token: string) => createHmac('sha256', token).update('csrf').digest('base64url');

export class Sessions {
  constructor(
    private readonly store: Store,
    private readonly keys: ApiKeys,
    private readonly options: SessionOptions,
    private readonly now: () => number = Date.now,
  ) {}

  /** @throws WritError `unauthenticated` for a key that opens nothing; `capacity` when there are 1,000 sessions. */
  async open(key: string): Promise<Opened> {
    const { actor } = await this.keys.authenticate(key);
    return this.begin({ kind: 'key', id: actor.id });
  }

  /** Of a person for whom our issuer vouched. @throws WritError as `open` */
  async vouched(issuer: string, who: SessionResource['key']): Promise<Opened> {
    return this.begin({ kind: 'oidc', issuer, who });
  }

  private async begin(principal: Principal): Promise<Opened> {
    const open = await this.store.list(['api', 'sessions'], { limit: sessionsMax });
    if (open.length >= sessionsMax) throw new WritError('capacity', `There are ${sessionsMax} sessions already.`);
    const token = randomBytes(32).toString('base64url');
    const expiresAt = this.time(this.now() + this.options.sessionMs);
    const record: SessionRecord = { v: 1, principal, expiresAt, seenAt: this.time() };
    await this.put(place(token), record, null);
    return { token, session: await this.find(token) };
  }

  /** The session of a cookie. @throws WritError `session_ended` */
  async find(token: string): Promise<Session> {
    const { entry, key } = await this.look(token);
    await this.touch(entry).catch(() => undefined);
    const { expiresAt } = entry.value;
    return { key, csrf: csrfOf(token), expiresAt, idleMs: this.options.idleMs };
  }

  /** Whoever only goes on looking does not use it. @throws WritError `session_ended` */
  async refuseOver(token: string): Promise<void> {
    await this.look(token);
  }

  async end(token: string): Promise<void> {
    await this.store.commit({ deletes: [place(token)] });
  }

  private async look(token: string) {
    const entry = tokenText.test(token) ? await this.store.get<SessionRecord>(place(token)) : null;
    if (!entry || this.isOver(entry.value)) throw ended();
    const key = await this.holder(entry.value.principal);
    if (!key) throw ended();
    return { entry, key };
  }

  private async holder(principal: Principal): Promise<SessionResource['key'] | undefined> {
    if (principal.kind === 'key') return this.keys.find(principal.id);
    return principal.issuer === this.options.oidc?.issuer ? principal.who : undefined;
  }

  private isOver({ expiresAt, seenAt }: SessionRecord): boolean {
    const now = this.now();
    return now >= Date.parse(expiresAt) || now >= Date.parse(seenAt) + this.options.idleMs;
  }

  private async touch({ key, version, value }: Entry<SessionRecord>): Promise<void> {
    const everyMs = Math.min(seenEveryMs, this.options.idleMs / 4);
    if (this.now() - Date.parse(value.seenAt) < everyMs) return;
    await this.put(key, { ...value, seenAt: this.time() }, version);
  }

  private async put(key: Key, value: SessionRecord, version: string | null): Promise<void> {
    const left = Date.parse(value.expiresAt) - this.now();
    const ttlMs = Math.max(1, Math.min(left, this.options.idleMs));
    await this.store.commit({ checks: [{ key, version }], puts: [{ key, value, ttlMs }] });
  }

  private time(at = this.now()): string {
    return new Date(at).toISOString();
  }
}

/** Whether the header has what belongs to the session. */
export function provesPage({ csrf }: Session, given: string | string[] | undefined): boolean {
  const [expected, shown] = [Buffer.from(csrf), Buffer.from(String(given))];
  return expected.length === shown.length && timingSafeEqual(expected, shown);
}

/** Until its end. */
export function secondsLeft({ expiresAt }: Session): number {
  return Math.ceil((Date.parse(expiresAt) - Date.now()) / 1_000);
}

const ended = () => new WritError('session_ended', 'This session is over.');
