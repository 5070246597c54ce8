// Who this instance is: a root key that never changes, operational keys that sign, and the statement that binds the two.
import { z } from 'zod';
import { openKeyStatement, signStatementDraft, WritError } from '#protocol';
import type {
  KeyAlgorithm,
  KeyStatement,
  PublicJwk,
  SigningKey,
  SigningKeys,
  StatementDraft,
  VerifyingKey,
} from '#protocol';
import { KeyFiles } from './key-files.js';
import type { KeyRing } from './key-ring.js';
import { keysMark, loadKeys, parsed, saveKeys, type Keys } from './keys-file.js';

const statementName = 'statement.json';
const rootName = 'root.json';
const format = 1;

const statementFile = z.strictObject({ format: z.literal(format), token: z.string() });

/** A public key as JWKS (RFC 7517) shows it. */
export type PublishedKey = PublicJwk & { readonly kid: string; readonly use: 'sig'; readonly alg: string };

export class Identity {
  #keys: Keys;
  #statement: KeyStatement | undefined;
  #signing: SigningKey;
  #mark: string;
  #renewalFault: unknown;

  private constructor(
    private readonly files: KeyFiles,
    private readonly now: () => number,
  ) {
    this.#keys = loadKeys(files, this.nowS());
    this.#signing = this.#keys.ring.signing;
    this.#mark = this.marked();
    this.#statement = this.kept(this.#keys.ring);
  }

  /**
   * The identity kept in a folder; made at the first start and the same ever after.
   * @throws WritError `config_invalid` when others could read the folder or its files, or they are damaged;
   *   `store_format` when a newer version wrote them.
   */
  static open(folder: string, now: () => number = Date.now): Identity {
    return new Identity(new KeyFiles(folder), now);
  }

  /** The instance id: the thumbprint of the root key. */
  get id(): string {
    return this.rootKey.kid;
  }

  get rootKey(): VerifyingKey {
    return this.#keys.rootKey;
  }

  /** Signs key statements and pairing messages, nothing else. @throws WritError `key_invalid` when it is kept elsewhere. */
  get root(): SigningKey {
    if (this.#keys.root) return this.#keys.root;
    throw new WritError(
      'key_invalid',
      'The root key is not on this machine: what it has to sign is signed where it is.',
    );
  }

  /** Signs every other message. */
  get signing(): SigningKey {
    return this.#signing;
  }

  /**
   * The current key statement: issued anew from the middle of its life on, so ask for it each time. Where the root is kept
   * elsewhere, or the file cannot be written, the last one stays, and `shown` says so.
   */
  get statement(): KeyStatement {
    const nowS = this.nowS();
    const known = this.#statement;
    if (known && !this.isDue(known, nowS)) return known;
    if (!known || this.#keys.root) this.renew(known, nowS);
    return this.#statement ?? this.unstated();
  }

  /** What another process of the same folder changed is taken over. */
  refresh(): void {
    const mark = this.marked();
    if (mark === this.#mark) return;
    const keys = loadKeys(this.files, this.nowS());
    const statement = this.kept(keys.ring);
    // Between the two writes of another process there is no statement yet for its keys.
    if (statement) this.take(keys, statement, mark);
  }

  /** A new key signs from now on: say the statement on every link before anything else. @throws WritError `rate_limited` */
  rotate(alg: KeyAlgorithm = this.signing.alg): void {
    this.refresh();
    this.turn(this.wanted.rotated(alg, this.nowS()));
  }

  /** That key counts no more. @throws WritError `not_found` */
  revoke(kid: string): void {
    this.refresh();
    this.turn(this.wanted.without(kid, this.nowS()));
  }

  /** What the root has to sign where it is, for `adopt`. */
  request(): StatementDraft {
    const nowS = this.nowS();
    return this.wanted.draft(this.id, this.nextVer(nowS), nowS);
  }

  /**
   * Takes a statement that the root signed elsewhere. @throws WritError `key_invalid` for one that is not of this root, is
   * not newer than the last, or does not speak for the keys that are here.
   */
  adopt(token: string): void {
    this.refresh();
    const statement = this.offered(token);
    const ring = this.wanted;
    if (!speaksFor(statement, ring))
      throw new WritError(
        'key_invalid',
        'The statement does not speak for the keys of this instance: sign the request of now.',
      );
    this.keep(statement, { ...this.#keys, ring, draft: undefined });
  }

  /** Writes the root into `root.json` of the folder, for somebody to take it away, and forgets it. Returns the path. */
  parkRoot(): string {
    this.refresh();
    const { root, ...rest } = this.#keys;
    if (root) this.keep(this.issued(rest.ring, this.nowS()), this.#keys);
    else throw new WritError('key_invalid', 'The root key is not on this machine any more.');
    this.files.replace(rootName, root.toPrivateJwk());
    this.save(rest);
    return this.files.pathOf(rootName);
  }

  /** What `/.well-known/writ/jwks.json` serves, for interoperability: trust comes from the pinned root alone. */
  jwks(): { readonly keys: readonly PublishedKey[] } {
    return { keys: this.statement.keys.map(({ jwk, kid, alg }) => ({ ...jwk, kid, use: 'sig', alg })) };
  }

  /** What people are shown of all this. */
  shown(): SigningKeys {
    const { claims, ver, token, keys } = this.statement;
    const { root, draft, rootKey } = this.#keys;
    const signing = this.signing.kid;
    return {
      id: this.id,
      rootJwk: rootKey.jwk,
      rootHere: root !== undefined,
      keys: keys.map(({ kid, alg }, at) => ({ kid, alg, signing: kid === signing, ...periodOf(claims.keys[at]) })),
      revoked: claims.revoked.map(({ kid, at }) => ({ kid, at: iso(at) })),
      statement: { ver, issuedAt: iso(claims.iat), expiresAt: iso(claims.exp), token },
      renewal: root ? (this.#renewalFault === undefined ? 'automatic' : 'failing') : 'by hand',
      ...(root ? {} : { request: this.request(), waits: draft !== undefined }),
    };
  }

  /** The ring that is wanted, whether or not a statement speaks for it yet. */
  private get wanted(): KeyRing {
    const { ring, draft } = this.#keys;
    return draft?.waiting(this.nowS()) ?? ring;
  }

  private isDue({ claims }: KeyStatement, nowS: number): boolean {
    return nowS < claims.iat || nowS >= (claims.iat + claims.exp) / 2;
  }

  /** A full disk must not stop what signs: the statement that holds still is used, and the fault shown. */
  private renew(known: KeyStatement | undefined, nowS: number): void {
    try {
      this.keep(this.issued(this.#keys.ring, nowS), this.#keys);
      this.#renewalFault = undefined;
    } catch (error) {
      if (!known) throw error;
      this.#renewalFault = error;
    }
  }

  private turn(ring: KeyRing): void {
    if (this.#keys.root) this.keep(this.issued(ring, this.nowS()), { ...this.#keys, ring });
    else this.save({ ...this.#keys, draft: ring });
  }

  private issued(ring: KeyRing, nowS: number): KeyStatement {
    return this.opened(signStatementDraft(this.root, ring.draft(this.id, this.nextVer(nowS), nowS), nowS));
  }

  /** Also grows when the file with the last one was lost, since it is never behind the clock. */
  private nextVer(nowS: number): number {
    return Math.max((this.#statement?.ver ?? 0) + 1, nowS);
  }

  /** Keys first: a crash in between leaves keys that no statement names, and the next start states them. */
  private keep(statement: KeyStatement, keys: Keys): void {
    saveKeys(this.files, keys);
    this.files.replace(statementName, { format, token: statement.token });
    this.take(keys, statement, this.marked());
  }

  private take(keys: Keys, statement: KeyStatement, mark: string): void {
    this.#keys = keys;
    this.#statement = statement;
    this.#signing = keys.ring.signing;
    this.#mark = mark;
  }

  private save(keys: Keys): void {
    saveKeys(this.files, keys);
    this.#keys = keys;
    this.#mark = this.marked();
  }

  private offered(token: string): KeyStatement {
    try {
      return openKeyStatement(token, this.rootKey, { nowS: this.nowS(), known: this.#statement });
    } catch (cause) {
      throw new WritError('key_invalid', 'It is not a newer statement of the root of this instance.', { cause });
    }
  }

  /** The statement of the folder when it holds and speaks for these keys. */
  private kept(ring: KeyRing): KeyStatement | undefined {
    const content = this.files.read(statementName);
    if (content === null) return undefined;
    const { token } = parsed(statementFile, format, content, statementName);
    try {
      const statement = this.opened(token);
      return speaksFor(statement, ring) ? statement : undefined;
    } catch {
      return undefined;
    }
  }

  private opened(token: string): KeyStatement {
    return openKeyStatement(token, this.rootKey, { nowS: this.nowS() });
  }

  private unstated(): never {
    throw new WritError('key_invalid', 'There is no key statement that holds: sign one where the root key is.');
  }

  private marked(): string {
    return `${keysMark(this.files)} ${this.files.mark(statementName)}`;
  }

  private nowS(): number {
    return Math.floor(this.now() / 1_000);
  }
}

/** It names the key that signs, and all that were revoked. */
function speaksFor({ keys, claims }: KeyStatement, { signing, revoked }: KeyRing): boolean {
  const gone = new Set(claims.revoked.map(({ kid }) => kid));
  return keys.some(({ kid }) => kid === signing.kid) && revoked.every(({ kid }) => gone.has(kid));
}

function periodOf({ nbf, exp } = { nbf: 0, exp: 0 }) {
  return { from: iso(nbf), until: iso(exp) };
}

function iso(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}
