// API keys: random, shown once, kept as a hash. A plain SHA-256 is right for 256 random bits: there is nothing to guess
// that a slow hash could protect (NIST SP 800-63B, 5.1.1.2 is about passwords).
import { createHash, timingSafeEqual } from 'node:crypto';
import { apiKeyText, newApiKey, WritError } from '#protocol';
import type { Actor, ApiKey, ApiKeyCreate, ApiKeyCreated, Role } from '#protocol';
import type { Entry, Key, Store } from '#store';
import type { Acts } from '../acts.js';
import type { Caller } from '../gateway.js';

const usedEveryMs = 60_000;
const keysMax = 1_000;
/** As long as receipts: until then an act can be told to be of a key that was revoked. */
const revokedMs = 400 * 86_400_000;

interface KeyRecord {
  readonly v: 1;
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly hash: string;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly lastUsedAt?: string;
  /** Kept after a revocation, so that an act of this key can still be told apart from others. */
  readonly revoked?: { readonly at: string; readonly by: string };
}

const place = (id: string): Key => ['api', 'keys', id];
/** Who makes the key of a first start. */
const firstStart: Actor = { kind: 'system', id: 'first-start' };
const nameOf = ({ kind, id }: Actor) => `${kind}:${id}`;
const sha256 = (text: string) => createHash('sha256').update(text).digest();

function shown({ id, name, role, createdAt, lastUsedAt }: KeyRecord): ApiKey {
  return { id, name, role, createdAt, ...(lastUsedAt && { lastUsedAt }) };
}

/** Making and revoking a key are administrative acts, each in one commit with what it does. */
export class ApiKeys {
  constructor(
    private readonly store: Store,
    private readonly acts: Acts,
    private readonly now: () => number = Date.now,
  ) {}

  /** Keys that are not revoked, oldest first. */
  async list(): Promise<ApiKey[]> {
    const entries = await this.store.list<KeyRecord>(['api', 'keys'], { limit: keysMax });
    const records = entries.map((entry) => entry.value).filter((record) => !record.revoked);
    return records.map(shown).sort((a, b) => a.createdAt.localeCompare(b.createdAt));
  }

  /** @throws WritError `capacity` when there are 1,000 keys, revoked ones included. */
  async create({ name, role }: ApiKeyCreate, by: Actor): Promise<ApiKeyCreated> {
    const entries = await this.store.list(['api', 'keys'], { limit: keysMax });
    if (entries.length >= keysMax) throw new WritError('capacity', `There are ${keysMax} keys already.`);
    return this.keep(newApiKey(), { name, role }, by);
  }

  /**
   * Makes the admin key of a first start, or null when an admin key exists. `preset` takes one that was made elsewhere
   * (`writ keys generate`), for machines where nobody reads the first start's output.
   * @throws WritError `key_invalid` for a preset of another shape.
   */
  async first(preset?: string): Promise<ApiKeyCreated | null> {
    if ((await this.list()).some((key) => key.role === 'admin')) return null;
    return this.keep(preset ?? newApiKey(), { name: 'first', role: 'admin' }, firstStart);
  }

  /** From the next request on it opens nothing. @throws WritError `not_found`. */
  async revoke(id: string, by: Actor): Promise<void> {
    const entry = await this.store.get<KeyRecord>(place(id));
    if (!entry || entry.value.revoked) throw new WritError('not_found', 'There is no key of that id.');
    const { key, version, value: before } = entry;
    const value: KeyRecord = { ...before, revoked: { at: this.time(), by: nameOf(by) } };
    const puts = [{ key, value, ttlMs: revokedMs }];
    const act = { act: 'key.revoke', subject: id, actor: by, detail: { name: before.name, role: before.role } };
    const done = await this.acts.commit(act, { checks: [{ key, version }], puts });
    if (!done) await this.revoke(id, by);
  }

  /** One that is not revoked, or undefined. */
  async find(id: string): Promise<ApiKey | undefined> {
    const entry = await this.store.get<KeyRecord>(place(id));
    return entry && !entry.value.revoked ? shown(entry.value) : undefined;
  }

  /** @throws WritError `not_found` */
  async get(id: string): Promise<ApiKey> {
    const found = await this.find(id);
    if (!found) throw new WritError('not_found', 'There is no key of that id.');
    return found;
  }

  /** Whose key it is. @throws WritError `unauthenticated`, without saying what was wrong with it. */
  async authenticate(key: string): Promise<Caller> {
    const [, id = '-'] = apiKeyText.exec(key) ?? [];
    const entry = await this.store.get<KeyRecord>(place(id));
    const hash = Buffer.from(entry?.value.hash ?? '', 'base64url');
    const known = hash.length === 32 && timingSafeEqual(hash, sha256(key));
    if (!entry || !known || entry.value.revoked) throw new WritError('unauthenticated', 'The API key is not valid.');
    // A full disk must not keep anybody from killing: the time of use is worth no refusal.
    await this.touch(entry).catch(() => undefined);
    return { actor: { kind: 'key', id: entry.value.id }, role: entry.value.role };
  }

  private async keep(key: string, { name, role }: ApiKeyCreate, by: Actor): Promise<ApiKeyCreated> {
    const id = apiKeyText.exec(key)?.[1];
    if (!id) throw new WritError('key_invalid', 'An API key is made with `writ keys generate`; this one was not.');
    const hash = sha256(key).toString('base64url');
    const record: KeyRecord = { v: 1, id, name, role, hash, createdAt: this.time(), createdBy: nameOf(by) };
    const checks = [{ key: place(id), version: null }];
    const act = { act: 'key.create', subject: id, actor: by, detail: { name, role } };
    const made = await this.acts.commit(act, { checks, puts: [{ key: place(id), value: record }] });
    if (!made) throw new WritError('key_invalid', 'A key with this id was there before; make a new one.');
    return { ...shown(record), key };
  }

  /** Coarse on purpose: one write a minute and key at most. Losing the race against another request loses nothing. */
  private async touch(entry: Entry<KeyRecord>): Promise<void> {
    const last = Date.parse(entry.value.lastUsedAt ?? '') || 0;
    if (this.now() - last < usedEveryMs) return;
    const minute = new Date(Math.floor(this.now() / usedEveryMs) * usedEveryMs).toISOString();
    await this.replace(entry, { ...entry.value, lastUsedAt: minute });
  }

  private async replace(entry: Entry<KeyRecord>, value: KeyRecord): Promise<boolean> {
    const { key, version } = entry;
    const { ok } = await this.store.commit({ checks: [{ key, version }], puts: [{ key, value }] });
    return ok;
  }

  private time(): string {
    return new Date(this.now()).toISOString();
  }
}
