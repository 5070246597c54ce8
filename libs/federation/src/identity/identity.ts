// Who this instance is: a root key that never changes, an operational key that signs, and the statement that binds the two.
import { z } from 'zod';
import { issueKeyStatement, SigningKey, VerifyingKey, openKeyStatement, WritError } from '#protocol';
import type { KeyStatement, PublicJwk } from '#protocol';
import { KeyFiles } from './key-files.js';

const keysName = 'identity.json';
const statementName = 'statement.json';
const format = 1;
const statementLifetimeS = 7 * 86_400;
/** A key outlives the statement that names it, so that a peer that was cut off may still be asked for status and kill. */
const keyGraceS = 86_400;

const secret = z.record(z.string(), z.string());
const keysFile = z.strictObject({ format: z.literal(format), root: secret, operational: secret, since: z.int() });
const statementFile = z.strictObject({ format: z.literal(format), token: z.string() });

/** A public key as JWKS (RFC 7517) shows it. */
export type PublishedKey = PublicJwk & { readonly kid: string; readonly use: 'sig'; readonly alg: string };

export class Identity {
  #statement: KeyStatement | undefined;

  private constructor(
    private readonly files: KeyFiles,
    /** Signs key statements and pairing messages, nothing else. */
    readonly root: SigningKey,
    /** Signs every other message. */
    readonly signing: SigningKey,
    private readonly since: number,
    private readonly now: () => number,
  ) {}

  /**
   * The identity kept in a folder; made at the first start and the same ever after.
   * @throws WritError `config_invalid` when others could read the folder or its files, or they are damaged;
   *   `store_format` when a newer version wrote them.
   */
  static open(folder: string, now: () => number = Date.now): Identity {
    const files = new KeyFiles(folder);
    if (files.read(keysName) === null) files.create(keysName, freshKeys(now()));
    const { root, operational, since } = parsed(keysFile, files.read(keysName), keysName);
    const identity = new Identity(files, SigningKey.fromJwk(root), SigningKey.fromJwk(operational), since, now);
    identity.#statement = identity.kept();
    return identity;
  }

  /** The instance id: the thumbprint of the root key. */
  get id(): string {
    return this.root.kid;
  }

  /** The current key statement: issued anew from the middle of its life on, so ask for it each time. */
  get statement(): KeyStatement {
    const nowS = Math.floor(this.now() / 1_000);
    const known = this.#statement;
    if (known && nowS >= known.claims.iat && nowS < (known.claims.iat + known.claims.exp) / 2) return known;
    return (this.#statement = this.issue(nowS, known?.ver ?? 0));
  }

  /** What `/.well-known/writ/jwks.json` serves, for interoperability: trust comes from the pinned root alone. */
  jwks(): { readonly keys: readonly PublishedKey[] } {
    const { publicJwk, kid, alg } = this.signing;
    return { keys: [{ ...publicJwk, kid, use: 'sig', alg }] };
  }

  /** `ver` also grows when the file with the last one was lost, since it is never behind the clock. */
  private issue(nowS: number, last: number): KeyStatement {
    const exp = nowS + statementLifetimeS + keyGraceS;
    const keys = [{ jwk: this.signing.publicJwk, nbf: Math.min(this.since, nowS), exp }];
    const token = issueKeyStatement(this.root, { ver: Math.max(last + 1, nowS), nowS, keys });
    this.files.replace(statementName, { format, token });
    return this.opened(token, nowS);
  }

  private kept(): KeyStatement | undefined {
    const content = this.files.read(statementName);
    if (content === null) return undefined;
    const { token } = parsed(statementFile, content, statementName);
    try {
      return this.opened(token, Math.floor(this.now() / 1_000));
    } catch {
      return undefined;
    }
  }

  private opened(token: string, nowS: number): KeyStatement {
    return openKeyStatement(token, VerifyingKey.fromJwk(this.root.publicJwk), { nowS });
  }
}

function freshKeys(nowMs: number): z.input<typeof keysFile> {
  const [root, operational] = [SigningKey.generate().toPrivateJwk(), SigningKey.generate().toPrivateJwk()];
  return { format, root, operational, since: Math.floor(nowMs / 1_000) };
}

function parsed<T extends z.ZodType>(schema: T, content: unknown, name: string): z.output<T> {
  const written = z.looseObject({ format: z.int() }).safeParse(content);
  if (written.success && written.data.format > format) {
    throw new WritError('store_format', `${name} was written by a newer version.`);
  }
  const result = schema.safeParse(content);
  if (!result.success) throw new WritError('config_invalid', `${name} is damaged: restore it from a backup.`);
  return result.data;
}
